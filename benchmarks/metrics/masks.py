"""One mask an image (referring segmentation): mean and cumulative IoU, and precision at five IoUs.

gIoU (also called mIoU) is the mean of the samples' IoU, cIoU (oIoU) the sum of intersections by the sum of
unions, PrX the share of samples with IoU >= X/100 (LAVT, LISA).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from visiongen.errors import InputError

CUTS = (0.5, 0.6, 0.7, 0.8, 0.9)
HIGHER_IS_BETTER = {name: True for name in ("gIoU", "cIoU", *(f"Pr{c * 100:.0f}" for c in CUTS))}


def image_stats(truth: np.ndarray, prediction: np.ndarray | None) -> dict[str, Any]:
    """{"intersection", "union"} in pixels of masks (H, W), bool or numbers (inside from 0.5 on).

    ``None``: nothing is right and everything counts in the union. A NaN pixel is wrong. InputError: shapes.
    """
    wanted = np.asarray(truth) >= 0.5
    if prediction is None:
        return {"intersection": 0, "union": int(wanted.size)}
    given = np.asarray(prediction)
    if given.shape != wanted.shape:
        raise InputError(f"mask: the prediction is {given.shape}, the truth {wanted.shape}; resize it first")
    found = np.where(np.isnan(given), ~wanted, given >= 0.5) if given.dtype.kind == "f" else given > 0
    return {"intersection": int((wanted & found).sum()), "union": int((wanted | found).sum())}


def iou(stats: dict[str, Any]) -> float:
    """IoU of one image; 1 where truth and prediction are both empty."""
    return stats["intersection"] / stats["union"] if stats["union"] else 1.0


def vector(stats: dict[str, Any]) -> np.ndarray:
    """Intersection, union, 1, IoU, and whether it reaches each of ``CUTS``."""
    own = iou(stats)
    return np.array([stats["intersection"], stats["union"], 1.0, own, *(float(own >= c) for c in CUTS)])


def scores(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Scores (...) of summed vectors (..., 8)."""
    sums = np.asarray(sums, np.float64)
    count = np.where(sums[..., 2] > 0, sums[..., 2], np.nan)
    union = np.where(sums[..., 1] > 0, sums[..., 1], np.nan)
    result = {"gIoU": sums[..., 3] / count, "cIoU": sums[..., 0] / union}
    return result | {f"Pr{c * 100:.0f}": sums[..., 4 + i] / count for i, c in enumerate(CUTS)}
