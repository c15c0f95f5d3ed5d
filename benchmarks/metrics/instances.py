"""Instance masks without classes: COCO's mask AP, and how well the best mask covers each instance.

Truth is ids int (H, W), 0 = no instance. A prediction is ids (H, W), all of one score, or float (H, W, 2):
ids, and at every pixel the score in [0, 1] of its instance. Painted masks never overlap.

One image is matched as by pycocotools' ``COCOeval.evaluateImg`` (masks, no categories, IoU .50:.05:.95, at
most 100 predictions; metrics/matching.py); true instances below ``min_area`` pixels are ignored, and so are
unmatched predictions below it. Scores count in 256 levels: predictions of one level have no order and enter
the precision-recall curve together. So the statistics add up over images, where pycocotools would need
every prediction sorted; with distinct levels the AP is COCOeval's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from visiongen.benchmarks.metrics import matching
from visiongen.benchmarks.metrics.average_precision import RECALLS
from visiongen.benchmarks.metrics.coco import encode
from visiongen.benchmarks.metrics.matching import THRESHOLDS, spread
from visiongen.errors import InputError

LEVELS = 256
MOST = 100
MIN_AREA = 16
HIGHER_IS_BETTER = {"AP": True, "AP50": True, "AP75": True, "AR": True, "MBO": True}


def image_stats(truth: np.ndarray, prediction: np.ndarray | None, min_area: int = MIN_AREA) -> dict[str, Any]:
    """{"found": [[level, tp bits, fp bits], ...], "truths", "overlap"} of one image.

    Bit t of tp (fp) is set where the prediction is right (wrong) at ``THRESHOLDS[t]``; ``truths`` counts
    the true instances, ``overlap`` is the sum over them of the best IoU with any prediction. ``None``:
    nothing was found. InputError: shapes.
    """
    truth = np.asarray(truth)
    wanted = [(truth == number) for number in np.unique(truth[truth > 0])]
    found, level = _predictions(prediction, truth.shape)
    large = np.array([mask.sum() >= min_area for mask in wanted], bool)
    iou = mask_iou(found, wanted)
    lists: list[list[tuple[int, int]]] = [[] for _ in found]
    for row, partners in zip(*matching.candidates(iou), strict=True):
        lists[row] = partners
    loose = [int(mask.sum()) < min_area for mask in found]
    bits = matching.greedy(lists, (~large).tolist(), [False] * len(wanted), loose)
    rows = [[int(one), *each] for one, each in zip(level, bits, strict=True)]
    best = iou.max(axis=0, initial=0)
    return {"found": rows, "truths": int(large.sum()), "overlap": float(best[large].sum())}


def _predictions(prediction: np.ndarray | None, size: tuple[int, ...]) -> tuple[list[np.ndarray], np.ndarray]:
    """Masks by falling score level, at most ``MOST``, and their levels; NaN is no instance, score 0."""
    if prediction is None:
        return [], np.zeros(0)
    values = np.nan_to_num(np.asarray(prediction, np.float64), posinf=0, neginf=0)
    if values.shape not in (size, (*size, 2)):
        raise InputError(f"instances: the prediction is {values.shape}, the truth {size}; resize it first")
    ids, score = (values, np.ones(size)) if values.ndim == 2 else (values[..., 0], values[..., 1])
    inside = ids > 0
    numbers, place = np.unique(ids[inside], return_inverse=True)
    mean = np.bincount(place, score[inside], len(numbers)) / np.maximum(np.bincount(place), 1)
    level = np.array([round(one * (LEVELS - 1)) for one in np.clip(mean, 0, 1).tolist()], np.int64)
    order = np.argsort(-level, kind="stable")[:MOST]
    return [ids == number for number in numbers[order]], level[order]  # a mask of each number may be GBs


def mask_iou(found: list[np.ndarray], wanted: list[np.ndarray]) -> np.ndarray:
    """IoU float64 (found, wanted) of bool masks (H, W)."""
    if not found or not wanted:
        return np.zeros((len(found), len(wanted)))
    return matching.overlaps(encode(np.stack(found)), encode(np.stack(wanted)), np.zeros(len(wanted)))


def vector(stats: dict[str, Any]) -> np.ndarray:
    """Counts (2, 10, 256) of right and wrong predictions by threshold and level, then truths, overlap."""
    counts = np.zeros((2, len(THRESHOLDS), LEVELS))
    for level, *kinds in stats["found"]:
        for kind, bits in enumerate(kinds):
            counts[kind, :, level] += spread(bits)
    return np.concatenate([counts.ravel(), [stats["truths"], stats["overlap"]]])


class InstancesMetric:
    """Accumulator over a split: sums of the vectors."""

    def __init__(self, min_area: int = MIN_AREA) -> None:
        self.min_area = min_area
        self.sums = np.zeros(2 * len(THRESHOLDS) * LEVELS + 2)

    def update(self, truth: np.ndarray, prediction: np.ndarray | None) -> None:
        """Add one image; None finds nothing."""
        self.sums += vector(image_stats(truth, prediction, self.min_area))

    def merge(self, other: InstancesMetric) -> None:
        """Add the sums of another accumulator with the same ``min_area``."""
        if other.min_area != self.min_area:
            raise InputError(f"cannot merge min_area {other.min_area} into {self.min_area}")
        self.sums += other.sums

    def compute(self) -> dict[str, float]:
        """See :func:`scores`."""
        return {name: float(value) for name, value in scores(self.sums).items()}


def scores(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Scores (...) of summed vectors (..., d); all NaN where there is no true instance.

    AP is the mean over IoU .50:.95, AR the mean recall over them, MBO the mean best overlap.
    """
    sums = np.asarray(sums, np.float64)
    counts = sums[..., :-2].reshape(*sums.shape[:-1], 2, len(THRESHOLDS), LEVELS)
    truths = np.where(sums[..., -2] > 0, sums[..., -2], np.nan)
    running = np.cumsum(counts[..., ::-1], axis=-1)  # from the highest score down
    right, wrong = running[..., 0, :, :], running[..., 1, :, :]
    recall = right / truths[..., None, None]
    each = average_precision(recall, right / np.maximum(right + wrong, 1))
    return {
        "AP": each.mean(-1),
        "AP50": each[..., 0],
        "AP75": each[..., 5],
        "AR": recall[..., -1].mean(-1),
        "MBO": sums[..., -1] / truths,
    }


def average_precision(recall: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """COCO's AP (...) of curves (..., n): monotone precision, read at 101 recalls; NaN recall gives NaN."""
    envelope = np.maximum.accumulate(precision[..., ::-1], axis=-1)[..., ::-1]
    flat = recall.reshape(-1, recall.shape[-1])
    tops = np.c_[envelope.reshape(flat.shape), np.zeros(len(flat))]  # 0 beyond the last recall
    # Rounding in the counts of resamples must not move a recall below its own step.
    read = [top[np.searchsorted(line + 1e-12, RECALLS)].mean() for line, top in zip(flat, tops, strict=True)]
    return np.where(np.isnan(recall[..., -1]), np.nan, np.reshape(read, recall.shape[:-1]))
