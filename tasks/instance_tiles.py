"""Instances of overlapping tiles: what of an instance can be averaged, and the way back."""

from __future__ import annotations

import numpy as np

from visiongen.resize import nearest_fill
from visiongen.tasks.codecs.grouping import by_area, parts

MARGIN = 2
"""Pixels from another instance at which an inside begins: tiles may place a border that far apart."""

_REACH = 4 * MARGIN  # from an inside, up to which what is in an instance belongs to it


def to_cores(ids: np.ndarray) -> np.ndarray:
    """Ids int (h, w), 0 = none -> float32 (h, w, 2): in an instance; and no other one within MARGIN."""
    import cv2

    window = np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), np.uint8)
    numbers = ids.astype(np.float32)
    highest = cv2.dilate(numbers, window)
    lowest = cv2.erode(np.where(ids > 0, numbers, np.float32(1e9)), window)
    thing = ids > 0
    return np.stack([thing, thing & (highest == numbers) & (lowest == numbers)], axis=2).astype(np.float32)


def from_cores(inside: np.ndarray, min_area: int) -> np.ndarray:
    """(in an instance, inside one) bool (h, w, 2) -> ids int32 (h, w), 0 = none, 1 the largest."""
    import cv2

    thing, core = inside[..., 0], inside[..., 0] & inside[..., 1]
    count, ids = cv2.connectedComponents(parts(core, min_area), connectivity=8)
    filled, away = nearest_fill(ids, ids == 0)
    return by_area(np.where(thing & (away <= _REACH), filled, 0), count - 1)[0]
