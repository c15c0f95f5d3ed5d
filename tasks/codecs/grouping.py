"""From pixels that may belong together to parts: what the instance codecs share."""

from __future__ import annotations

import numpy as np


def parts(mask: np.ndarray, min_area: int, thick: bool = False, connectivity: int = 8) -> np.ndarray:
    """The connected parts of ``mask`` bool (H, W) that are kept, uint8 (H, W).

    A part needs ``min_area`` pixels and, where ``thick`` is asked for, 3 x 3 pixels inside.
    """
    import cv2

    mask = mask.astype(np.uint8)
    number, part, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
    keep = stats[:, cv2.CC_STAT_AREA] >= min_area
    if thick:
        inside = cv2.erode(mask, np.ones((3, 3), np.uint8), borderValue=0)
        keep &= np.bincount(part.ravel(), inside.ravel(), number) > 0
    keep[0] = False
    return keep[part].astype(np.uint8)


def join(kept: np.ndarray, gap: float) -> tuple[int, np.ndarray]:
    """Number of groups, and the group of every pixel of ``kept`` uint8 (H, W) from 1 on, 0 elsewhere.

    Parts at most ``gap`` pixels apart are one group: what stands before a thing splits it.
    """
    import cv2

    size = 2 * int(gap / 2) + 1
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    number, group = cv2.connectedComponents(cv2.dilate(kept, reach), connectivity=8)
    return number - 1, np.where(kept > 0, group, 0).astype(np.int32)


def compact(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted distinct ``ids``, none negative, and the place of each pixel's id among them; as np.unique."""
    top = int(ids.max(initial=0))
    if top > max(1 << 16, ids.size):
        known, index = np.unique(ids, return_inverse=True)
        return known, index.reshape(ids.shape)
    known = np.flatnonzero(np.bincount(ids.ravel(), minlength=1))
    place = np.zeros(top + 1, np.intp)
    place[known] = np.arange(len(known))
    return known, place[ids]


def by_area(ids: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Ids 0-``count`` renumbered by falling area, int32; 0 stays 0. Then the old id of each new one."""
    area = np.bincount(ids.ravel(), minlength=count + 1)
    order = np.concatenate([[0], 1 + np.argsort(-area[1:], kind="stable")])
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return rank[ids], order
