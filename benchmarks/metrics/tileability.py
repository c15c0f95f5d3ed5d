"""Does a map repeat without a seam? The seam ratio at the border, and with the border in the middle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visiongen import seam
from visiongen.errors import InputError


def seam_ratio(maps: Sequence[np.ndarray]) -> tuple[float, float]:
    """Mean |difference| across the wrap-around border over that between inner neighbours, as (x, y).

    ``maps`` (H, W) or (H, W, C) of one size, all channels together. 1 = seamless, and maps that are flat
    everywhere; inf where only the border is a step. InputError: sizes, NaN, under 3 pixels a side.
    """
    return seam.seam_ratio(_checked(maps))


def rolled_ratio(maps: Sequence[np.ndarray]) -> tuple[float, float]:
    """The same number from the maps rolled by half their period: the seam lies between inner neighbours.

    A mistake in the wrap-around (a row too few, a mirrored border) shows as a difference to
    :func:`seam_ratio`.
    """
    stack = np.dstack([np.asarray(m, np.float64) for m in _checked(maps)])
    found = []
    for axis in (1, 0):
        half = stack.shape[axis] // 2
        rolled = np.moveaxis(np.roll(stack, half, axis=axis), axis, 0)
        steps = np.abs(np.diff(rolled, axis=0)).mean(axis=(1, 2))
        around = float(np.abs(rolled[0] - rolled[-1]).mean())  # between inner neighbours before
        seam, inner = float(steps[half - 1]), float(steps.sum() - steps[half - 1] + around) / len(steps)
        found.append(seam / inner if inner >= 1e-9 else 1.0 if seam < 1e-9 else float("inf"))
    return found[0], found[1]


def _checked(maps: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    sizes = {np.shape(m)[:2] for m in maps}
    if len(sizes) != 1 or min(next(iter(sizes))) < 3:
        raise InputError(f"maps: sizes {sorted(sizes)}; give maps of one size, 3 pixels a side or more")
    if not all(np.isfinite(m).all() for m in maps):
        raise InputError("maps: NaN or infinity; a seam cannot be measured there")
    return maps
