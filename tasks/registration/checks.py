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

DEPTH_WEIGHTS = (2.0, 2.0, 2.0, 4.0)
"""Of ``depth_cues``."""
AXES_WEIGHTS = (6.0, 6.0, 3.0, 3.0, 2.0, 1.0)
"""Of ``axes_cues``."""
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
    """float64 (4,), each -1 to 1 and positive when far is far; inverted depth gives the negative.

    Nearer toward the bottom of the picture (of all of it, of its lower half); the top row farther
    than the bottom row; what stands out from its surroundings is nearer than they are.
    """
    values = np.asarray(depth, np.float64)
    if np.isnan(values).all():
        return np.zeros(4)
    order = _ranks(np.where(np.isnan(values), np.nanmedian(values), values))
    rows = np.broadcast_to(np.linspace(-1, 1, len(order))[:, None], order.shape)
    half, edge = len(order) // 2, max(1, len(order) // 8)
    ends = order[:edge].mean() - order[-edge:].mean()
    return np.array(
        [-_correlation(rows, order), -_correlation(rows[half:], order[half:]), ends, _standing_out(order)]
    )


def _ranks(values: np.ndarray) -> np.ndarray:
    """Share of pixels that are smaller, ties in the middle; (H, W) in [0, 1]."""
    from scipy.stats import rankdata

    return (rankdata(values).reshape(values.shape) - 1) / max(values.size - 1, 1)


def _correlation(one: np.ndarray, two: np.ndarray) -> float:
    a, b = one - one.mean(), two - two.mean()
    scale = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / scale) if scale > 1e-12 else 0.0


def _standing_out(order: np.ndarray) -> float:
    """How much more lies in small dips of depth than in small bumps; -1 to 1.

    Things hide what is behind them, so a small closed region is mostly nearer than all around it.
    """
    import cv2

    side = max(3, min(order.shape) // 6) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    image = order.astype(np.float32)
    dips = float(cv2.morphologyEx(image, cv2.MORPH_BLACKHAT, kernel).sum())
    bumps = float(cv2.morphologyEx(image, cv2.MORPH_TOPHAT, kernel).sum())
    return (dips - bumps) / max(dips + bumps, 1e-12)


def check_normal_axes(normals: np.ndarray) -> Finding:
    """Which signed axes normals (H, W, 3) are in, if not x right, y up, z toward the camera.

    Zero vectors are left out. The reading names what must be done to get them right.
    """
    readings = axis_readings()
    scores = np.array([np.dot(AXES_WEIGHTS, axes_cues(turn(normals, reading))) for reading in readings])
    chance = np.exp(scores - scores.max())
    chance /= chance.sum()
    best = int(chance.argmax())
    return Finding("normal axes", describe(readings[best]), float(chance[best]), float(chance[0]))


Reading = tuple[tuple[int, int, int], tuple[int, int, int]]


def axis_readings() -> list[Reading]:
    """All 48 (order, signs); the identity first."""
    return [(o, s) for o in permutations((0, 1, 2)) for s in product((1, -1), repeat=3)]


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
    """float64 (6,), each -1 to 1: larger when x is right, y up and z toward the camera.

    What is seen faces the camera (mean z, share of z > 0); the lower third faces up; up grows toward
    the bottom; right grows toward the left (walls and streets close in); x and y bend alike on curved
    surfaces (a normal field is the slope of one surface).
    """
    field = np.asarray(normals, np.float64)
    valid = (field**2).sum(axis=2) > 0.25
    if not valid.any():
        return np.zeros(6)
    x, y, z = (np.where(valid, field[..., axis], 0) for axis in range(3))
    rows, columns = np.mgrid[-1 : 1 : field.shape[0] * 1j, -1 : 1 : field.shape[1] * 1j]
    third = valid.copy()
    third[: 2 * len(field) // 3] = False
    up = y[third].mean() if third.any() else 0.0
    faces = z[valid].mean(), 2 * (z[valid] > -0.05).mean() - 1
    down, across = _correlation(rows[valid], y[valid]), _correlation(columns[valid], x[valid])
    return np.array([*faces, up, down, -across, _bends_alike(x, y, z, valid)])


def _bends_alike(x: np.ndarray, y: np.ndarray, z: np.ndarray, valid: np.ndarray) -> float:
    """How far the slopes p = -x/z, q = -y/z fulfil dp/dy = dq/dx (y up); -1 to 1, 0 on planes."""
    front = valid & (z > 0.2)
    safe = np.where(front, z, 1)
    p, q = np.where(front, -x / safe, 0), np.where(front, -y / safe, 0)
    one, two = -np.gradient(p, axis=0), np.gradient(q, axis=1)
    # Across an edge the slope jumps, which says nothing about bending.
    smooth = front & (np.abs(one) < 0.2) & (np.abs(two) < 0.2)
    both = (one * two)[smooth]
    total = np.abs(both).sum()
    return float(both.sum() / total) if total > 1e-9 else 0.0
