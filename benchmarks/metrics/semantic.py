"""Semantic segmentation: one integer confusion matrix, every published mIoU convention from it.

The matrix is ``(K, K + 1)``: row = true class, column = predicted class, last column = any
prediction outside ``0..K-1`` (void, 255, negative). Such a prediction costs its true class a miss
and gives nobody a false positive, as in mmseg.
"""

from __future__ import annotations

import numpy as np

from visiongen.errors import InputError, UsageError

IGNORE = 255


def confusion(target: np.ndarray, prediction: np.ndarray, classes: int, ignore: int = IGNORE) -> np.ndarray:
    """Confusion counts, int64 (K, K + 1), of two integer label maps of one shape.

    Pixels whose target is ``ignore`` are dropped. InputError: shapes differ, a map is not of whole
    numbers, or a target id is neither a class nor ``ignore``.
    """
    target, prediction = np.asarray(target), np.asarray(prediction)
    if target.shape != prediction.shape:
        raise InputError(
            f"prediction has shape {prediction.shape}, the labels {target.shape}: resize it first"
        )
    for name, array in (("labels", target), ("prediction", prediction)):
        if array.size and array.dtype.kind not in "iu":
            raise InputError(f"{name}: dtype {array.dtype} is not a whole number type; decode ids")
    # Over runs of equal pixels: next to a label there is mostly the same label again, in both maps.
    wanted, given = target.ravel(), prediction.ravel()
    change = wanted[1:] != wanted[:-1]
    change |= given[1:] != given[:-1]
    starts = np.flatnonzero(np.concatenate([[wanted.size > 0], change]))
    length = np.diff(starts, append=wanted.size)
    rows, columns = wanted[starts], given[starts]
    keep = rows != ignore
    rows, columns, length = rows[keep].astype(np.int64), columns[keep].astype(np.int64), length[keep]
    if rows.size and (rows.min() < 0 or rows.max() >= classes):
        odd = rows[(rows < 0) | (rows >= classes)][0]
        raise InputError(f"labels: id {odd} is neither 0..{classes - 1} nor ignore ({ignore})")
    columns = np.where((columns < 0) | (columns >= classes), classes, columns)
    flat = rows * (classes + 1) + columns
    counts = np.bincount(flat, length, minlength=classes * (classes + 1))  # float64, exact
    return counts.astype(np.int64).reshape(classes, classes + 1)


def worst_confusion(target: np.ndarray, classes: int, ignore: int = IGNORE) -> np.ndarray:
    """The matrix of an image without an answer: every labelled pixel is a miss."""
    return confusion(target, np.full(np.shape(target), -1, np.int64), classes, ignore)


def class_counts(matrix: np.ndarray) -> np.ndarray:
    """float64 (..., 3, K): pixels of each class that are hit, labelled, and predicted where labelled.

    They add up over images as the matrices (..., K, K + 1) do, and every score here comes from them.
    """
    counts = np.asarray(matrix, np.float64)
    classes = counts.shape[-2]
    hit = np.diagonal(counts[..., :classes], axis1=-2, axis2=-1)
    return np.stack([hit, counts.sum(-1), counts[..., :classes].sum(-2)], axis=-2)


def counts_iou(counts: np.ndarray, absent: float = np.nan) -> np.ndarray:
    """Intersection over union, float64 (..., K), from (..., 3, K); see :func:`class_counts`.

    A class that is neither in the labels nor predicted has the value ``absent``.
    """
    hit, truth, found = np.moveaxis(np.asarray(counts, np.float64), -2, 0)
    union = truth + found - hit
    return np.where(union > 0, hit / np.where(union > 0, union, 1.0), absent)


def class_iou(matrix: np.ndarray, absent: float = np.nan) -> np.ndarray:
    """Intersection over union, float64 (..., K), from matrices (..., K, K + 1)."""
    return counts_iou(class_counts(matrix), absent)


def mean_known(values: np.ndarray) -> np.ndarray:
    """Mean (...) over the last axis, NaN left out; 0 where all are NaN."""
    present = ~np.isnan(values)
    count = present.sum(-1)
    total = np.where(present, values, 0.0).sum(-1)
    return np.where(count > 0, total / np.maximum(count, 1), 0.0)


def _divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1.0), np.nan)


ABSENT = ("csail", "mmseg", "d2")
"""A class without a labelled pixel, in mIoU: it counts 0; is skipped unless it is predicted; is skipped."""


def mean_iou(counts: np.ndarray, absent: str = "csail") -> np.ndarray:
    """mIoU (...) of counts (..., 3, K) in one of the conventions of ``ABSENT``; 0 without any class.

    csail: CSAIL's ADE20K code and SegNet's CamVid script, over all K classes. mmseg: mmsegmentation. d2:
    detectron2, but that pixels predicted as none of the classes are misses here; there they are left out.
    """
    iou = counts_iou(counts)
    if absent == "csail":
        return np.asarray(np.nan_to_num(iou).mean(-1))
    if absent == "d2":
        iou = np.where(np.asarray(counts)[..., 1, :] > 0, iou, np.nan)
    elif absent != "mmseg":
        raise UsageError(f"absent_class {absent!r}: choose one of {', '.join(ABSENT)}")
    return mean_known(iou)


def scores(matrix: np.ndarray, absent: str = "csail") -> dict[str, np.ndarray]:
    """Scores in 0..1 of matrices (..., K, K + 1); each value has shape (...). See :func:`count_scores`."""
    return count_scores(class_counts(matrix), absent)


def count_scores(counts: np.ndarray, absent: str = "csail") -> dict[str, np.ndarray]:
    """Scores in 0..1 of counts (..., 3, K); each value has shape (...).

    ``mIoU_csail``, ``mIoU_mmseg`` and ``mIoU_d2`` as in :func:`mean_iou`; ``mIoU`` is the one that ``absent``
    names. ``aAcc`` is pixel accuracy, ``mAcc`` class accuracy over labelled classes, ``fwIoU`` IoU weighted
    by the labelled pixels. Counts without a pixel score 0 everywhere.
    """
    hit, truth, _ = np.moveaxis(np.asarray(counts, np.float64), -2, 0)
    pixels = truth.sum(-1)
    share = np.nan_to_num(_divide(truth, pixels[..., None]))
    return {
        "mIoU": mean_iou(counts, absent),
        **{f"mIoU_{name}": mean_iou(counts, name) for name in ABSENT},
        "aAcc": np.nan_to_num(_divide(hit.sum(-1), pixels)),
        "mAcc": mean_known(_divide(hit, truth)),
        "fwIoU": (share * np.nan_to_num(counts_iou(counts))).sum(-1),
    }


class SemanticMetric:
    """Accumulator over a split: ``update`` an image, ``merge`` another, ``compute`` the scores."""

    higher_is_better = True

    def __init__(self, classes: int, ignore: int = IGNORE) -> None:
        self.classes, self.ignore = classes, ignore
        self.matrix = np.zeros((classes, classes + 1), np.int64)

    def update(self, target: np.ndarray, prediction: np.ndarray | None) -> None:
        """Add one image: two integer maps of one shape; ``None`` misses every labelled pixel."""
        if prediction is None:
            self.matrix += worst_confusion(target, self.classes, self.ignore)
        else:
            self.matrix += confusion(target, prediction, self.classes, self.ignore)

    def merge(self, other: SemanticMetric) -> None:
        """Add the counts of another accumulator over the same classes."""
        if other.matrix.shape != self.matrix.shape:
            raise InputError(f"cannot merge {other.classes} classes into {self.classes}")
        self.matrix += other.matrix

    def compute(self) -> dict[str, float]:
        """Scores as in :func:`scores`, plain floats; NaN where no pixel is labelled."""
        nothing = not self.matrix.any()
        return {n: float("nan") if nothing else float(value) for n, value in scores(self.matrix).items()}
