"""Boundary IoU (Cheng et al. 2021, arXiv 2103.16562): IoU of the bands along the inside of the borders.

A mask's band is what ``dilation`` erosions by 3x3 take away, the picture's edge being a border too; dilation
= max(1, round(ratio x diagonal)), ratio 0.02. Equal to the published code (cv2.erode on the padded mask) bit
for bit, but a label map costs the same whatever its number of classes: a pixel is in the band of its own
class where another label, or the edge, lies within ``dilation`` rows and columns of it, so one dilation of
all pixels that have an unlike neighbour finds every band at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from visiongen.benchmarks.metrics.semantic import IGNORE, counts_iou
from visiongen.errors import InputError

RATIO = 0.02


def dilation_of(size: tuple[int, int], ratio: float = RATIO) -> int:
    """Width of the band in pixels for a picture of (H, W)."""
    return max(1, round(ratio * float(np.hypot(*size))))


def label_band(labels: np.ndarray, dilation: int) -> np.ndarray:
    """bool (H, W): pixels in the band of their own label; whole numbers (H, W), 0..65535."""
    import cv2

    values: Any = np.ascontiguousarray(labels, np.uint8 if labels.dtype.itemsize == 1 else np.uint16)
    near = np.ones((3, 3), np.uint8)
    unlike = (cv2.erode(values, near) != cv2.dilate(values, near)).astype(np.uint8)
    unlike[[0, -1]] = 1
    unlike[:, [0, -1]] = 1
    width = 2 * dilation - 1  # of those within dilation - 1 of an unlike neighbour
    return np.asarray(cv2.dilate(unlike, np.ones((width, width), np.uint8))) > 0


def mask_band(mask: np.ndarray, ratio: float = RATIO) -> np.ndarray:
    """bool (H, W): the band of a mask (H, W); only the mask's own box is looked at."""
    mask = np.asarray(mask, bool)
    if mask.ndim != 2:
        raise InputError(f"mask: shape {mask.shape}; give one (H, W)")
    band = np.zeros_like(mask)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size:
        box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        inside = mask[box]
        # Outside its box the mask is empty, so the box's edge is a border like the picture's.
        band[box] = inside & label_band(inside.astype(np.uint8), dilation_of(mask.shape, ratio))
    return band


def boundary_iou(truth: np.ndarray, prediction: np.ndarray, ratio: float = RATIO) -> float:
    """IoU of the bands of two masks (H, W); 1 where both are empty. InputError: shapes."""
    if np.shape(truth) != np.shape(prediction):
        raise InputError(f"mask: prediction {np.shape(prediction)}, truth {np.shape(truth)}; resize it first")
    one, two = mask_band(truth, ratio), mask_band(prediction, ratio)
    union = int((one | two).sum())
    return int((one & two).sum()) / union if union else 1.0


def boundary_counts(
    target: np.ndarray, prediction: np.ndarray, classes: int, ratio: float = RATIO, ignore: int = IGNORE
) -> np.ndarray:
    """int64 (3, K): band pixels of each class that agree, of the truth, and of the prediction.

    They are counted where the target has a class; void next to a class is a border of it. Prediction ids
    that are no class belong to nobody. Counts add up over images. InputError: shapes, types.
    """
    target, prediction = np.asarray(target), np.asarray(prediction)
    if target.shape != prediction.shape or target.ndim != 2:
        raise InputError(f"prediction {prediction.shape}, labels {target.shape}: give two (H, W) of one size")
    if target.dtype.kind not in "iu" or prediction.dtype.kind not in "iu":
        raise InputError(f"labels are {target.dtype}, prediction {prediction.dtype}: give whole numbers")
    width, seen = dilation_of(target.shape, ratio), target != ignore
    kind, bands = np.uint8 if classes < 256 else np.uint16, []
    for labels in (target, prediction):
        known = np.where((labels < 0) | (labels >= classes), classes, labels).astype(kind)
        bands.append(np.where(label_band(known, width) & seen, known, classes))
    one, two = bands
    agree = one[one == two]
    return np.stack([np.bincount(v.ravel(), minlength=classes + 1)[:classes] for v in (agree, one, two)])


class BoundaryMetric:
    """Accumulator over a split: counts of every class."""

    def __init__(self, classes: int, ratio: float = RATIO, ignore: int = IGNORE) -> None:
        self.classes, self.ratio, self.ignore = classes, ratio, ignore
        self.counts = np.zeros((3, classes), np.int64)

    def update(self, target: np.ndarray, prediction: np.ndarray) -> None:
        """Add one image."""
        self.counts += boundary_counts(target, prediction, self.classes, self.ratio, self.ignore)

    def merge(self, other: BoundaryMetric) -> None:
        """Add the counts of another accumulator over the same classes."""
        if (other.classes, other.ratio) != (self.classes, self.ratio):
            raise InputError(f"cannot merge {other.classes} classes, ratio {other.ratio}, into these")
        self.counts += other.counts

    def compute(self) -> np.ndarray:
        """Boundary IoU float64 (K,); NaN for a class that has no band anywhere."""
        return counts_iou(self.counts)
