"""One mask an image (referring segmentation): mean and cumulative IoU, and precision at five IoUs.

gIoU (also called mIoU) is the mean of the samples' IoU, cIoU (oIoU) the sum of intersections by the sum of
unions, PrX the share of samples with IoU >= X/100 (LAVT, LISA; LISA's 1e-5 beside the union is left out).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from visiongen.errors import InputError

CUTS = (0.5, 0.6, 0.7, 0.8, 0.9)
HIGHER_IS_BETTER = {name: True for name in ("gIoU", "cIoU", *(f"Pr{c * 100:.0f}" for c in CUTS))}


def image_stats(truth: np.ndarray, prediction: np.ndarray | None) -> dict[str, Any]:
    """{"intersection", "union"} in pixels of masks (H, W), bool or numbers (inside from 0.5 on).

    A truth that is NaN is not scored. ``None``: nothing is right and everything counts in the union. A NaN
    pixel is wrong. InputError: shapes.
    """
    truth = np.asarray(truth)
    seen = ~np.isnan(truth) if truth.dtype.kind == "f" else np.ones(truth.shape, bool)
    wanted = truth >= 0.5
    if prediction is None:
        return {"intersection": 0, "union": int(seen.sum())}
    given = np.asarray(prediction)
    if given.shape != wanted.shape:
        raise InputError(f"mask: the prediction is {given.shape}, the truth {wanted.shape}; resize it first")
    found = np.where(np.isnan(given), ~wanted, given >= 0.5) if given.dtype.kind == "f" else given > 0
    found = found & seen
    return {"intersection": int((wanted & found).sum()), "union": int((wanted | found).sum())}


def iou(stats: dict[str, Any], empty: float = 1.0) -> float:
    """IoU of one image; ``empty`` where truth and prediction are both empty."""
    return stats["intersection"] / stats["union"] if stats["union"] else empty


EMPTY_UNION = {"lisa": 1.0, "lavt": 0.0}
"""IoU of an empty prediction for an empty truth: LISA's credit for "no target", LAVT's none."""


def vector(stats: dict[str, Any], empty: float = 1.0) -> np.ndarray:
    """Intersection, union, 1, IoU, and whether it reaches each of ``CUTS``."""
    own = iou(stats, empty)
    return np.array([stats["intersection"], stats["union"], 1.0, own, *(float(own >= c) for c in CUTS)])


def scores(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Scores (...) of summed vectors (..., 9)."""
    sums = np.asarray(sums, np.float64)
    count = np.where(sums[..., 2] > 0, sums[..., 2], np.nan)
    union = np.where(sums[..., 1] > 0, sums[..., 1], np.nan)
    result = {"gIoU": sums[..., 3] / count, "cIoU": sums[..., 0] / union}
    return result | {f"Pr{c * 100:.0f}": sums[..., 4 + i] / count for i, c in enumerate(CUTS)}


class MaskMetric:
    """Accumulator: one vector of sums. ``empty``: see ``EMPTY_UNION``."""

    def __init__(self, empty: float = 1.0) -> None:
        self.empty = empty
        self.sums = np.zeros(4 + len(CUTS))

    def update(self, truth: np.ndarray, prediction: np.ndarray | None) -> None:
        """Add one sample; None is the worst case."""
        self.sums += vector(image_stats(truth, prediction), self.empty)

    def merge(self, other: MaskMetric) -> None:
        """Add the samples of another accumulator; InputError where its convention differs."""
        if other.empty != self.empty:
            raise InputError(f"masks: cannot merge empty unions that count {other.empty} and {self.empty}")
        self.sums += other.sums

    def compute(self) -> dict[str, float]:
        """The scores of all samples."""
        return {name: float(value) for name, value in scores(self.sums).items()}
