"""Strength maps thinned to their crests."""

from __future__ import annotations

import numpy as np


def thin_edges(strength: np.ndarray, slack: float = 1.01) -> np.ndarray:
    """Non-maximum suppression: strength float32 (H, W) where it is a crest, 0 elsewhere.

    As pdollar/edges does before scoring: strengths smoothed with a triangle of radius 1; direction
    across the edge from second derivatives after a triangle of radius 4; a pixel stays unless one of
    the two points one pixel across is more than ``slack`` times as strong (linear in between).
    Two things differ: what stays keeps the strength that was painted, and borders are not faded.
    """
    from scipy.ndimage import map_coordinates

    smooth = _triangle(strength, 1)
    dy, dx = np.gradient(_triangle(smooth, 4))
    dxx = np.gradient(dx, axis=1)
    dyy, dxy = np.gradient(dy)
    # Not sign(-dxy): it is 0 on a level line, which would then be taken for an upright one.
    across = np.mod(np.arctan(dyy * np.where(dxy > 0, -1, 1) / (dxx + 1e-5)), np.pi)
    y, x = np.indices(strength.shape)
    crest = smooth > 0
    for step in (-1, 1):
        place = [y + step * np.sin(across), x + step * np.cos(across)]
        crest &= slack * smooth >= map_coordinates(smooth, place, order=1, mode="nearest")
    return np.where(crest, strength, 0).astype(np.float32)


def _triangle(values: np.ndarray, radius: int) -> np.ndarray:
    """Values (H, W) smoothed with a triangle of this radius in both directions, edges mirrored."""
    import cv2

    rise = np.arange(1, radius + 2, dtype=np.float64)
    kernel = np.concatenate([rise, rise[-2::-1]])
    kernel /= kernel.sum()
    return cv2.sepFilter2D(np.asarray(values, np.float64), -1, kernel, kernel, borderType=cv2.BORDER_REFLECT)
