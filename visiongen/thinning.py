"""Strength maps thinned to their crests."""

from __future__ import annotations

import numpy as np

_FLAT = 1.0001


def thin_edges(strength: np.ndarray, slack: float = 1.01, scale: float = 1.0) -> np.ndarray:
    """Non-maximum suppression: strength float32 (H, W) where it is a crest, 0 elsewhere.

    As pdollar/edges does before scoring: strengths smoothed with a triangle of radius 1; direction
    across the edge from second derivatives after a triangle of radius 4; a pixel stays unless one of
    the two points one pixel across is more than ``slack`` times as strong (linear in between).
    Two things differ: what stays keeps the strength that was painted, and borders are not faded.
    ``scale`` (at least 1): how many pixels one of the map was enlarged to; all distances grow with it. A
    crest is then as wide, so of it only what is one of its own, pixel by pixel, stays, one pixel wide.
    """
    from scipy.ndimage import map_coordinates

    pixel = 1 / scale
    smooth = _triangle(strength, round(scale))
    dy, dx = np.gradient(_triangle(smooth, round(4 * scale)), pixel)
    dxx = np.gradient(dx, pixel, axis=1)
    dyy, dxy = np.gradient(dy, pixel)
    # Not sign(-dxy): it is 0 on a level line, which would then be taken for an upright one.
    across = np.mod(np.arctan(dyy * np.where(dxy > 0, -1, 1) / (dxx + 1e-5)), np.pi)
    y, x = np.indices(strength.shape)
    crest = smooth > 0
    for step in (-scale, scale):
        place = [y + step * np.sin(across), x + step * np.cos(across)]
        crest &= slack * smooth >= map_coordinates(smooth, place, order=1, mode="nearest")
    if scale > 1:
        found = np.nonzero(crest)
        top, way = smooth[found], across[found]
        for step in (-1, 1):  # hardly any slack: an enlarged crest is smooth, and flat only where it is broad
            place = [found[0] + step * np.sin(way), found[1] + step * np.cos(way)]
            crest[found] &= _FLAT * top >= map_coordinates(smooth, place, order=1, mode="nearest")
        crest = _one_pixel_wide(crest, scale)
    return np.where(crest, strength, 0).astype(np.float32)


def _one_pixel_wide(crest: np.ndarray, scale: float) -> np.ndarray:
    """The middle lines of a mask, without specks: a pixel of the map is ``scale`` long."""
    import cv2
    from skimage.morphology import skeletonize

    lines = skeletonize(crest)
    _, part, facts, _ = cv2.connectedComponentsWithStats(lines.astype(np.uint8), connectivity=8)
    return np.asarray(lines & (facts[part, cv2.CC_STAT_AREA] >= scale))


def _triangle(values: np.ndarray, radius: int) -> np.ndarray:
    """Values (H, W) smoothed with a triangle of this radius in both directions, edges mirrored."""
    import cv2

    rise = np.arange(1, radius + 2, dtype=np.float64)
    kernel = np.concatenate([rise, rise[-2::-1]])
    kernel /= kernel.sum()
    return cv2.sepFilter2D(np.asarray(values, np.float64), -1, kernel, kernel, borderType=cv2.BORDER_REFLECT)
