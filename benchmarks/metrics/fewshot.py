"""Few-shot segmentation: IoU of the class that examples show, pooled over the episodes of a class.

mIoU is the mean over classes of the foreground IoU; FB_IoU the mean of foreground and background IoU, pooled
over all classes (Shaban et al. 2017; Min et al. 2021, HSNet, ``common/evaluation.py``). A class without an
episode is left out of the mean (HSNet counts it 0; 1000 episodes have all). Counts are semantic.confusion's:
float or int (..., K, 2, 3), rows = background and foreground of each class, columns = said to be, or nothing.
"""

from __future__ import annotations

import numpy as np

from visiongen.benchmarks.metrics.semantic import class_iou, confusion, mean_known
from visiongen.errors import InputError


def episode_counts(labels: np.ndarray, answer: np.ndarray | None) -> np.ndarray:
    """int64 (2, 3) of one episode; labels (H, W): 1 = the class, 0 = the rest, 255 = not scored.

    answer (H, W): true = the class, numbers from 0.5 on. None, and a pixel that is NaN, counts as the
    opposite of the truth. InputError: shapes, other labels.
    """
    labels = np.asarray(labels)
    opposite = labels != 1
    if answer is None:
        return confusion(labels, opposite.astype(np.int8), 2)
    given = np.asarray(answer)
    found = given >= 0.5
    if given.dtype.kind == "f" and given.shape == labels.shape:
        found = np.where(np.isnan(given), opposite, found)
    return confusion(labels, found.astype(np.int8), 2)


def scores(counts: np.ndarray, meant: int = 1) -> dict[str, np.ndarray]:
    """mIoU and FB_IoU (...) of counts (..., K, 2, 3); ``meant``: the row and column of the foreground."""
    counts = np.asarray(counts, np.float64)
    return {
        "mIoU": mean_known(foreground(counts, meant)),
        "FB_IoU": np.nan_to_num(class_iou(counts.sum(-3))).mean(-1),
    }


def foreground(counts: np.ndarray, meant: int = 1) -> np.ndarray:
    """Foreground IoU (..., K) of counts (..., K, 2, 3); NaN for a class without a pixel."""
    counts = np.asarray(counts, np.float64)
    found = np.nan_to_num(class_iou(counts)[..., meant])
    return np.where(counts.sum((-1, -2)) > 0, found, np.nan)


class FewShotMetric:
    """Accumulator over episodes of ``classes`` classes."""

    higher_is_better = True

    def __init__(self, classes: int) -> None:
        self.counts = np.zeros((classes, 2, 3), np.int64)

    def update(self, kind: int, labels: np.ndarray, answer: np.ndarray | None) -> None:
        """Add an episode of class ``kind``; see :func:`episode_counts`."""
        if not 0 <= kind < len(self.counts):
            raise InputError(f"few-shot: class {kind} of {len(self.counts)}; count from 0")
        self.counts[kind] += episode_counts(labels, answer)

    def merge(self, other: FewShotMetric) -> None:
        """Add the episodes of another accumulator over the same classes."""
        if other.counts.shape != self.counts.shape:
            raise InputError(f"cannot merge {len(other.counts)} classes into {len(self.counts)}")
        self.counts += other.counts

    def compute(self) -> dict[str, float]:
        """Scores as in :func:`scores`, plain floats."""
        return {name: float(value) for name, value in scores(self.counts).items()}
