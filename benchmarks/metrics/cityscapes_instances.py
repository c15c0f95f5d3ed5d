"""AP of Cityscapes instances, as ``evalInstanceLevelSemanticLabeling.py`` of cityscapesScripts has it.

Truth: ids int (H, W) of an ``instanceIds`` picture: label id * 1000 + number; below 1000 a label id alone,
of an instance class then a group. A detection is right at a threshold when its IoU with a true instance is
above it, and it is the surest such; the others are wrong. A detection without a partner is dropped when the
part of it on void, groups and instances under 100 pixels is above the threshold. AP is the trapezoid rule
over the steps of precision and recall, from (recall 0, precision 1) on, without an envelope.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from visiongen.benchmarks.metrics.coco import Found, mean_of_classes
from visiongen.benchmarks.metrics.matching import spread
from visiongen.errors import InputError

THRESHOLDS = np.arange(0.5, 1.0, 0.05)
MIN_AREA = 100
GROUP = 1000
VOID = (-1, 0, 1, 2, 3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 29, 30)  # label ids with ignoreInEval
LABELS = (24, 25, 26, 27, 28, 31, 32, 33)
NAMES = ("person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle")
_BITS = 1 << np.arange(len(THRESHOLDS))


def image_stats(
    truth: np.ndarray,
    found: Found | None,
    labels: Sequence[int] = LABELS,
    void: Collection[int] = VOID,
    min_area: int = MIN_AREA,
) -> dict[str, Any]:
    """{"truths": [[class, instances], ...], "found": [[class, score, right, wrong], ...]} of one image.

    Bit t of right (wrong) is set where the detection is right (wrong) at ``THRESHOLDS[t]``. Detections
    have positions in ``labels`` as classes; an empty mask is none.
    """
    ids = np.asarray(truth)
    if ids.ndim != 2 or ids.dtype.kind not in "iu":
        raise InputError(f"cityscapes truth: {ids.dtype} {ids.shape}; give instance ids, ints (H, W)")
    known, area, place = _distinct(ids)
    owner = np.where(known < GROUP, known, known // GROUP)
    real = (known >= GROUP) & (area >= min_area)
    counts = {kind: int((real & (owner == label)).sum()) for kind, label in enumerate(labels)}
    stats: dict[str, Any] = {"truths": [[k, n] for k, n in counts.items() if n], "found": []}
    if found is None:
        return stats
    if tuple(found.size) != ids.shape and len(found.masks):
        raise InputError(f"detections: made for {tuple(found.size)}, the truth is {ids.shape}")
    inside = _inside(place, len(known), found)
    size = inside.sum(1)
    for kind, label in enumerate(labels):
        rows = np.flatnonzero((np.asarray(found.categories) == kind) & (size > 0))
        mine = owner == label
        # Groups and small instances are summed apart, as the official script does: a small group twice.
        ignored = inside[:, np.isin(known, list(void))].sum(1) + inside[:, mine & (known < GROUP)].sum(1)
        ignored = ignored + inside[:, mine & (area < min_area)].sum(1)
        shared, score = inside[rows][:, mine], np.asarray(found.scores, np.float64)[rows]
        over = _over(shared / (area[mine] + size[rows, None] - shared))
        right = _surest(over & real[mine][:, None], score)
        dropped = _over(ignored[rows] / size[rows]) & ~over.any(1)
        extra = (over & real[mine][:, None]).any(1) & ~right
        wrong = extra | (~over.any(1) & ~dropped)
        bits = zip(score.tolist(), (right @ _BITS).tolist(), (wrong @ _BITS).tolist(), strict=True)
        stats["found"] += [[kind, *one] for one in bits]
    return stats


def _distinct(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids that occur, their pixels, and each pixel's place among them; by counting, not by sorting."""
    low = int(ids.min(initial=0))
    counts = np.bincount((ids - low).ravel())
    known = np.flatnonzero(counts)
    table = np.zeros(len(counts), np.int64)
    table[known] = np.arange(len(known))
    return known + low, counts[known], table[ids - low]


def _inside(place: np.ndarray, ids: int, found: Found) -> np.ndarray:
    """Pixels of each detection on each id, int (n, ids)."""
    from pycocotools import mask as rle

    table = np.zeros((len(found.masks), ids), np.int64)
    for row, mask in enumerate(found.masks):
        table[row] = np.bincount(place[rle.decode(mask) > 0], minlength=ids)
    return table


def _over(values: np.ndarray) -> np.ndarray:
    """Above each threshold, bool (..., 10)."""
    return values[..., None] > THRESHOLDS


def _surest(over: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Of bool (detections, instances, 10): the detection with the highest score of each instance."""
    best = np.zeros((len(score), len(THRESHOLDS)), bool)
    if len(score):
        first = np.where(over, score[:, None, None], -np.inf).argmax(0)
        instances, thresholds = np.nonzero(over.any(0))
        best[first[instances, thresholds], thresholds] = True
    return best


class CityscapesInstancesMetric:
    """Accumulator over a split; ``labels``: the label ids of the classes."""

    def __init__(
        self,
        labels: Sequence[int] = LABELS,
        void: Collection[int] = VOID,
        min_area: int = MIN_AREA,
    ) -> None:
        self.rules = (tuple(labels), tuple(void), min_area)
        self.images: list[dict[str, Any]] = []

    def update(self, truth: np.ndarray, found: Found | None) -> None:
        """Add one image; None finds nothing."""
        self.images.append(image_stats(truth, found, *self.rules))

    def merge(self, other: CityscapesInstancesMetric) -> None:
        """Add the images of another accumulator with the same rules."""
        if other.rules != self.rules:
            raise InputError(f"cannot merge rules {other.rules} into {self.rules}")
        self.images += other.images

    def arrays(self) -> np.ndarray:
        """AP float64 (K, 10) by class and threshold; NaN for a class that is not there."""
        return weigh(self.images, len(self.rules[0]), np.ones((1, len(self.images))))[0]

    def compute(self) -> dict[str, float]:
        """AP and AP50, means over the classes that are there; NaN without any."""
        ap = self.arrays()[None]
        values = {"AP": mean_of_classes(ap.mean(-1)), "AP50": mean_of_classes(ap[..., 0])}
        return {name: float(value[0]) for name, value in values.items()}


def weigh(records: Sequence[dict[str, Any]], classes: int, counts: np.ndarray) -> np.ndarray:
    """AP (N, K, 10) with image i counted ``counts[:, i]`` times (whole numbers)."""
    truths = np.zeros((len(counts), classes))
    rows: list[list[list[float]]] = [[] for _ in range(classes)]
    for image, stats in enumerate(records):
        for kind, number in stats["truths"]:
            truths[:, kind] += counts[:, image] * number
        for kind, score, right, wrong in stats["found"]:
            rows[int(kind)].append([score, right, wrong, image])
    result = np.zeros((len(counts), classes, len(THRESHOLDS)))
    for kind in range(classes):
        table = np.array(rows[kind], np.float64).reshape(-1, 4)
        table = table[np.argsort(-table[:, 0], kind="stable")]
        weights = counts[:, table[:, 3].astype(np.int64)]
        right, wrong = (spread(table[:, column].astype(np.int64)) for column in (1, 2))
        for t in range(len(THRESHOLDS)):
            used = right[:, t] | wrong[:, t]
            result[:, kind, t] = _area(
                weights[:, used], right[used, t], table[used, 0], np.maximum(truths[:, kind], 1)
            )
    result[truths == 0] = np.nan
    return result


def _area(weights: np.ndarray, right: np.ndarray, score: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """Area under precision over recall (N,); equal scores enter together."""
    last = np.flatnonzero(np.r_[score[1:] != score[:-1], True]) if len(score) else np.zeros(0, np.int64)
    tp = np.cumsum(weights * right, axis=1)[:, last]
    total = np.cumsum(weights, axis=1)[:, last]
    start = np.ones((len(weights), 1))
    precision = np.concatenate([start, np.where(total > 0, tp / np.maximum(total, 1), 1)], axis=1)
    recall = np.concatenate([start * 0, tp / truths[:, None]], axis=1)
    area: np.ndarray = ((precision[:, 1:] + precision[:, :-1]) / 2 * np.diff(recall, axis=1)).sum(1)
    return area
