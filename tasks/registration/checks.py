"""Is the depth upside down, are the axes turned? Labels alone tell, from how the world stands.

Each way to read the labels (depth as it is or inverted; normals with their axes swapped and turned)
is described by a few numbers that are larger when it is right; a fixed weighting of them, fitted on
rendered frames (``python -m visiongen.benchmarks.returned --fit``), gives its probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import numpy as np

from visiongen.resize import resize_nearest

DEPTH_WEIGHTS = (1.67, 3.92, 2.65)
"""Of ``depth_cues``."""
AXES_WEIGHTS = (6.44, 6.83, 7.39, 3.25, 7.22, 2.05)
"""Of ``axes_cues``."""
SIDE = 128
"""Pixels of the longer side that the cues look at."""
SURE = 0.9
"""A probability from which another reading than the given one is called found."""
_NAMES = ("x", "y", "z")


@dataclass(frozen=True)
class Finding:
    """The most probable reading of the labels. ``reading`` is "as given" or says what is turned."""

    what: str
    reading: str
    probability: float
    given: float

    @property
    def wrong(self) -> bool:
        """Whether the labels should not be trusted as given."""
        return self.reading != "as given" and self.probability >= SURE

    def to_json(self) -> dict[str, Any]:
        """JSON-able form, rounded."""
        numbers = {"probability": round(self.probability, 4), "as_given": round(self.given, 4)}
        return {"what": self.what, "reading": self.reading, "wrong": self.wrong} | numbers


def check_depth_order(depth: np.ndarray) -> Finding:
    """Whether depth (H, W), larger = farther in any unit, +inf = sky, NaN = unknown, is inverted."""
    score = 2 * float(np.dot(DEPTH_WEIGHTS, depth_cues(depth)))
    given = float(1 / (1 + np.exp(-score)))
    reading = "as given" if given >= 0.5 else "inverted (near and far are swapped)"
    return Finding("depth order", reading, max(given, 1 - given), given)


def depth_cues(depth: np.ndarray) -> np.ndarray:
    """float64 (3,), each -1 to 1 and positive when far is far; inverted depth gives the negative.

    Nearer toward the bottom of the picture (of all of it, of its lower half); the top eighth farther
    than the bottom eighth.
    """
    values = np.asarray(_small(depth), np.float64)
    if np.isnan(values).all():
        return np.zeros(3)
    order = _ranks(np.where(np.isnan(values), np.nanmedian(values), values))
    rows = np.broadcast_to(np.linspace(-1, 1, len(order))[:, None], order.shape)
    half, edge = len(order) // 2, max(1, len(order) // 8)
    ends = order[:edge].mean() - order[-edge:].mean()
    return np.array([-_correlation(rows, order), -_correlation(rows[half:], order[half:]), ends])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Share of pixels that are smaller, ties in the middle; (H, W) in [0, 1]."""
    from scipy.stats import rankdata

    return (rankdata(values).reshape(values.shape) - 1) / max(values.size - 1, 1)


def _correlation(one: np.ndarray, two: np.ndarray) -> float:
    a, b = one - one.mean(), two - two.mean()
    scale = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / scale) if scale > 1e-12 else 0.0


def check_normal_axes(normals: np.ndarray) -> Finding:
    """Which signed axes normals (H, W, 3) are in, if not x right, y up, z toward the camera.

    Zero vectors are left out. The reading names what must be done to get them right.
    """
    scores = axes_cues(normals) @ np.array(AXES_WEIGHTS)
    chance = np.exp(scores - scores.max())
    chance /= chance.sum()
    best = int(chance.argmax())
    return Finding("normal axes", describe(axis_readings()[best]), float(chance[best]), float(chance[0]))


Reading = tuple[tuple[int, int, int], tuple[int, int, int]]


def axis_readings() -> list[Reading]:
    """All 48 (order, signs); the identity first."""
    signs: list[tuple[int, int, int]] = [(x, y, z) for x, y, z in product((1, -1), repeat=3)]
    return [((x, y, z), s) for x, y, z in permutations((0, 1, 2)) for s in signs]


def turn(normals: np.ndarray, reading: Reading) -> np.ndarray:
    """Normals (H, W, 3) read with their channels in another order and with other signs."""
    order, signs = reading
    return np.asarray(normals)[..., list(order)] * np.array(signs, np.float32)


def describe(reading: Reading) -> str:
    """The reading in words: "as given", "x flipped", "x from y, y from x", ..."""
    order, signs = reading
    words = []
    for axis, (source, sign) in enumerate(zip(order, signs, strict=True)):
        if source != axis:
            words.append(f"{_NAMES[axis]} from {'-' if sign < 0 else ''}{_NAMES[source]}")
        elif sign < 0:
            words.append(f"{_NAMES[axis]} flipped")
    return ", ".join(words) or "as given"


def axes_cues(normals: np.ndarray) -> np.ndarray:
    """float64 (48, 6) for the readings of ``axis_readings``: larger when x is right, y up, z to the camera.

    What is seen faces the camera (mean z, share of z > 0); the lower third faces up; up grows toward
    the bottom; right grows toward the left (walls and streets close in); x and y bend alike on curved
    surfaces (a normal field is the slope of one surface).
    """
    field = np.asarray(_small(normals), np.float64)
    valid = (field**2).sum(axis=2) > 0.25
    if not valid.any():
        return np.zeros((len(axis_readings()), 6))
    seen = _ChannelCues.of(field, valid)
    bends = {
        (o, s): _bends_alike(field[..., list(o)], s, valid) for o in permutations((0, 1, 2)) for s in (1, -1)
    }
    return np.array([seen.row(order, signs, bends[order, signs[2]]) for order, signs in axis_readings()])


@dataclass(frozen=True)
class _ChannelCues:
    """What each channel of a normal field says when it is read as one axis or another; (3,) each."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    third: np.ndarray
    down: np.ndarray
    across: np.ndarray

    @classmethod
    def of(cls, field: np.ndarray, valid: np.ndarray) -> _ChannelCues:
        """Of a field (H, W, 3) where ``valid``."""
        rows, columns = np.mgrid[-1 : 1 : field.shape[0] * 1j, -1 : 1 : field.shape[1] * 1j]
        values, bottom = field[valid], field[2 * len(field) // 3 :][valid[2 * len(field) // 3 :]]
        return cls(
            mean=values.mean(axis=0),
            low=2 * (values < 0.05).mean(axis=0) - 1,
            high=2 * (values > -0.05).mean(axis=0) - 1,
            third=bottom.mean(axis=0) if len(bottom) else np.zeros(3),
            down=np.array([_correlation(rows[valid], values[:, axis]) for axis in range(3)]),
            across=np.array([_correlation(columns[valid], values[:, axis]) for axis in range(3)]),
        )

    def row(self, order: tuple[int, ...], signs: tuple[int, ...], bends: float) -> list[float]:
        """The six cues of one reading; ``bends`` is that of x and y with positive signs."""
        (x, y, z), (sx, sy, sz) = order, signs
        front = self.high[z] if sz > 0 else self.low[z]
        cues = [sz * self.mean[z], front, sy * self.third[y], sy * self.down[y], -sx * self.across[x]]
        return [float(cue) for cue in cues] + [sx * sy * bends]


def _bends_alike(field: np.ndarray, sign: int, valid: np.ndarray) -> float:
    """How far the slopes p = -x/z, q = -y/z fulfil dp/dy = dq/dx (y up); -1 to 1, 0 on planes."""
    x, y = field[..., 0], field[..., 1]
    z: np.ndarray = field[..., 2] * sign
    front = valid & (z > 0.2)
    safe = np.where(front, z, 1)
    one = -np.gradient(np.where(front, -x / safe, 0), axis=0)
    two = np.gradient(np.where(front, -y / safe, 0), axis=1)
    # Across an edge the slope jumps, which says nothing about bending.
    smooth = front & (np.abs(one) < 0.2) & (np.abs(two) < 0.2)
    both = (one * two)[smooth]
    total = np.abs(both).sum()
    return float(both.sum() / total) if total > 1e-9 else 0.0


def _small(array: np.ndarray) -> np.ndarray:
    """At most ``SIDE`` pixels on the longer side, by nearest: the cues need no more."""
    scale = min(1.0, SIDE / max(array.shape[:2]))
    size = max(1, round(array.shape[0] * scale)), max(1, round(array.shape[1] * scale))
    return resize_nearest(np.asarray(array), size)
