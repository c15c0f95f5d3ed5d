"""How much the border of a repeating picture shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def seam_ratio(maps: Sequence[np.ndarray]) -> tuple[float, float]:
    """Mean |difference| across the wrap-around border over that between inner neighbours, as (x, y).

    ``maps`` (H, W) or (H, W, C), all channels together. 1 = seamless; flat maps too are 1.
    """
    stack = np.dstack([np.asarray(m, np.float32) for m in maps])
    return _ratio(stack, 1), _ratio(stack, 0)


def _ratio(stack: np.ndarray, axis: int) -> float:
    inner = float(abs(np.diff(stack, axis=axis)).mean(dtype=np.float64))
    border = float(abs(stack.take(0, axis) - stack.take(-1, axis)).mean(dtype=np.float64))
    if inner < 1e-9:
        return 1.0 if border < 1e-9 else float("inf")
    return border / inner
