"""Affine maps between pictures: float64 (2, 3), applied to pixel centres (x, y)."""

from __future__ import annotations

import numpy as np

Size = tuple[int, int]


def fit_box(size: Size, box: tuple[float, float, float, float]) -> np.ndarray:
    """The affine that lays a picture of ``size`` (H, W) on ``box`` = left, top, right, bottom (edges)."""
    left, top, right, bottom = box
    x, y = (right - left) / size[1], (bottom - top) / size[0]
    return np.array([[x, 0, left + 0.5 * x - 0.5], [0, y, top + 0.5 * y - 0.5]])


def then(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """``second`` after ``first``."""
    linear = second[:, :2] @ first[:, :2]
    return np.c_[linear, second[:, :2] @ first[:, 2] + second[:, 2]]


def invert(affine: np.ndarray) -> np.ndarray:
    """The way back."""
    linear = np.linalg.inv(affine[:, :2])
    return np.c_[linear, -linear @ affine[:, 2]]


def apply(affine: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (N, 2) as (x, y) -> (N, 2)."""
    return points @ affine[:, :2].T + affine[:, 2]


def corners(size: Size) -> np.ndarray:
    """Centres of the four corner pixels of a picture (H, W); float (4, 2) as (x, y)."""
    bottom, right = size[0] - 1.0, size[1] - 1.0
    return np.array([[0, 0], [right, 0], [0, bottom], [right, bottom]])


def corner_distance(one: np.ndarray, two: np.ndarray, size: Size) -> float:
    """Mean distance in pixels between where two affines send the corners of a picture (H, W)."""
    points = corners(size)
    return float(np.linalg.norm(apply(one, points) - apply(two, points), axis=1).mean())


def sample_nearest(array: np.ndarray, affine: np.ndarray, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """``array`` (h, w, ...) seen from a picture of ``size`` through ``affine`` (picture -> array).

    Values are only copied, never mixed; outside the nearest border pixel is taken. Returns the
    sampled array (H, W, ...) and where it lies inside, bool (H, W).
    """
    y, x = np.arange(size[0])[:, None], np.arange(size[1])[None]
    at_x = affine[0, 0] * x + affine[0, 1] * y + affine[0, 2]
    at_y = affine[1, 0] * x + affine[1, 1] * y + affine[1, 2]
    column, row = np.floor(at_x + 0.5).astype(np.int64), np.floor(at_y + 0.5).astype(np.int64)
    height, width = array.shape[:2]
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    return array[row.clip(0, height - 1), column.clip(0, width - 1)], inside
