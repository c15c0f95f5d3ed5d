"""Anomalies on the road: pixel AP, FPR95, best F1, AUROC and the component scores of SegmentMeIfYouCan.

Truth: whole numbers (H, W), 0 normal, 1 anomaly or obstacle, 255 not scored. Answer: float (H, W) in [0, 1],
higher = more anomalous; bool or whole numbers are a mask (1 = anomaly). Only the order of scores counts.

Pixel scores are pooled over all pixels of the split: scores are sorted into ``LEVELS`` levels, and each image
gives the numbers of normal and anomalous pixels a level, which add up. Level of a score s:
floor(LEVELS arccos(1 - 2 s) / pi), finer toward 0 and 1 (the outermost levels are 2.4e-6 wide), where
networks' scores crowd. Pixels of one level have no order and enter the curves together, so that a hard mask
is one point of the curve: its AP is recall x precision + (1 - recall) x share of anomalies.

Component scores (Chan et al. 2021, arXiv 2104.14812; road_anomaly_benchmark, segment_metrics) need a mask.
The field cuts at the split's best pixel F1, which is known only at the end; so every image is cut at each
threshold of ``GRID`` (whole levels), its sums are kept, and the split takes the grid's threshold with the
best pixel F1: everything still adds up over images, and a bootstrap draws the threshold anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from visiongen.errors import InputError

LEVELS = 1024
GRID = tuple(range(LEVELS - 32, 0, -32))  # levels; 31 thresholds, the highest first
# sIoU and precision from which a component is found or right; the official ones, whose 0.6 is the next float.
CUTS = np.linspace(0.25, 0.75, 11)
PARTS = 3 + 2 * len(CUTS)  # numbers a threshold: predicted, sum of sIoU, of precision, found, false a cut
IGNORE = 255
HIGHER_IS_BETTER = {
    "AP": True,
    "FPR95": False,
    "F1": True,
    "AUROC": True,
    "sIoU": True,
    "PPV": True,
    "F1*": True,
}


def levels_of(scores: np.ndarray) -> np.ndarray:
    """Scores in [0, 1] -> levels int16 in 0..LEVELS - 1."""
    angle = np.arccos(1 - 2 * np.asarray(scores, np.float64)) * (LEVELS / np.pi)
    return np.minimum(angle.astype(np.int16), np.int16(LEVELS - 1))


def image_stats(
    truth: np.ndarray, answer: np.ndarray | None, min_pred: int = 0, min_truth: int = 0
) -> dict[str, Any]:
    """{"levels": [[level, normal, anomalous], ...], "truths": components, "parts": [[threshold, ...], ...]}.

    Level -1 is below every threshold: never found. ``None`` and NaN: an anomaly is never found, anything else
    has the highest level. ``parts`` holds the first threshold (place in ``GRID``) of a run of equal rows, and
    the row. Predicted components under ``min_pred`` pixels do not count, pixels of true ones under
    ``min_truth`` are not scored by components. InputError: shapes, unknown labels, scores outside [0, 1].
    """
    truth = np.asarray(truth)
    level = _checked(truth, answer)
    normal, anomalous = (np.bincount(level[truth == kind] + 1, minlength=LEVELS + 1) for kind in (0, 1))
    reached = (normal + anomalous)[::-1].cumsum()[::-1]  # pixels at or above each level
    level[truth == IGNORE] = -1
    objects = Objects.of(truth, min_truth)
    parts: list[list[float]] = []
    before = -1
    for place, cut in enumerate(GRID):
        if reached[cut + 1] == before:  # the same mask again
            continue
        before = reached[cut + 1]
        row = component_sums(objects, level >= cut, min_pred)
        if not parts or parts[-1][1:] != row:
            parts.append([place, *row])
    return {
        "levels": [
            [int(k) - 1, int(normal[k]), int(anomalous[k])] for k in np.flatnonzero(normal + anomalous)
        ],
        "truths": int(objects.scored.sum()),
        "parts": parts,
    }


def _checked(truth: np.ndarray, answer: np.ndarray | None) -> np.ndarray:
    """Levels int16 (H, W) of an answer, -1 = never found."""
    if truth.ndim != 2 or not np.isin(truth, (0, 1, IGNORE)).all():
        raise InputError(f"anomaly: truth {truth.shape} must be (H, W) of 0, 1 and {IGNORE}; map its labels")
    worst = np.where(truth == 1, -1, LEVELS - 1).astype(np.int16)
    if answer is None:
        return worst
    answer = np.asarray(answer)
    if answer.shape != truth.shape:
        raise InputError(f"anomaly: scores {answer.shape}, truth {truth.shape}; resize them first")
    if answer.dtype.kind != "f":
        void = (answer == IGNORE) & ((truth == IGNORE) | (answer == 1).any())  # a truth's own, wherever it is
        if (~np.isin(answer, (0, 1)) & ~void).any():
            raise InputError(
                "anomaly: a mask of whole numbers is of 0 and 1; write those, or scores as floats in 0..1"
            )
        return np.where(answer == 1, LEVELS - 1, 0).astype(np.int16)
    lost = np.isnan(answer)
    if ((answer < 0) | (answer > 1)).any():
        raise InputError("anomaly: a score is outside 0..1; map all images' scores there in one same way")
    return np.where(lost, worst, levels_of(np.where(lost, 0, answer))).astype(np.int16)


# --- components -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Objects:
    """True components of an image: the pixels of all (``places``, flat), whose each is (from 0), their sizes.

    ``scored`` is False for those that are too small: their pixels are void.
    """

    places: np.ndarray
    owner: np.ndarray
    sizes: np.ndarray
    scored: np.ndarray

    @classmethod
    def of(cls, truth: np.ndarray, least: int) -> Objects:
        """Those of a truth (H, W), 8-connected."""
        import cv2

        there = (truth == 1).astype(np.uint8)
        _, labels, found, _ = cv2.connectedComponentsWithStats(there, connectivity=8)
        places, sizes = np.flatnonzero(there), found[1:, cv2.CC_STAT_AREA].astype(np.int64)
        return cls(places, labels.ravel()[places] - 1, sizes, sizes >= least)


def component_sums(objects: Objects, mask: np.ndarray, least: int) -> list[float]:
    """A row of ``parts``: predicted components, sum of sIoU, of precision, found a cut, false a cut.

    ``mask`` bool (H, W) is what is predicted, nothing on void. sIoU of a true component: its intersection
    with the predicted components that touch it, over the union of it and them, of which pixels of other true
    components are left out. Precision of a predicted component: the share of it that is anomalous.
    """
    import cv2

    count, labels, found, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    area = found[:, cv2.CC_STAT_AREA].astype(np.int64)
    kept = area >= least
    kept[0] = False
    wide = len(objects.sizes)
    pairs = labels.ravel()[objects.places].astype(np.int64) * wide + objects.owner
    hit = np.bincount(pairs, minlength=count * wide).reshape(count, wide)[kept]
    area = area[kept] - hit[:, ~objects.scored].sum(1)
    hit, wanted = hit[:, objects.scored], objects.sizes[objects.scored]
    true = hit.sum(1)
    precision = (true / np.maximum(area, 1))[area > 0]  # one that lay on void alone is gone
    touching = hit > 0
    inside = hit.sum(0)
    others = (touching * (true[:, None] - hit)).sum(0)  # pixels of other objects in the touching parts
    siou = inside / ((touching * area[:, None]).sum(0) + wanted - inside - others)
    right = (siou[:, None] >= CUTS).sum(0)
    false = (precision[:, None] < CUTS).sum(0)
    return [float(v) for v in (precision.size, siou.sum(), precision.sum(), *right, *false)]


# --- sums and scores --------------------------------------------------------------------------


def vector(stats: dict[str, Any]) -> np.ndarray:
    """Normal and anomalous pixels a level, true components, and a row a threshold; float64, adds up."""
    levels = np.zeros((2, LEVELS + 1))
    for level, normal, anomalous in stats["levels"]:
        levels[:, level + 1] = normal, anomalous
    rows = np.zeros((len(GRID), PARTS))
    for place, *row in stats["parts"]:
        rows[place:] = row
    return np.concatenate([levels.ravel(), [stats["truths"]], rows.ravel()])


def curves(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positives (..., LEVELS) at levels LEVELS - 1 ... 0, of sums (..., d)."""
    levels = np.asarray(sums)[..., : 2 * (LEVELS + 1)]
    levels = levels.reshape(*levels.shape[:-1], 2, LEVELS + 1)[..., :0:-1]
    total = levels.cumsum(-1)
    return total[..., 0, :], total[..., 1, :]


def scores(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Scores (...) of sums (..., d), named in ``HIGHER_IS_BETTER``; NaN where the split has no anomaly.

    AP is the step sum of (R_i - R_i-1) P_i; FPR95 the false positive rate at the first threshold with a true
    positive rate from .95 on, 1 if there is none; F1* the mean over ``CUTS``. Nothing predicted: PPV 0.
    """
    sums = np.asarray(sums, np.float64)
    false, true = curves(sums)
    every = sums[..., : LEVELS + 1].sum(-1), sums[..., LEVELS + 1 : 2 * (LEVELS + 1)].sum(-1)
    normal, anomalous = (np.where(n > 0, n, np.nan) for n in every)
    recall, rate = true / anomalous[..., None], false / normal[..., None]
    precision = true / np.maximum(true + false, 1e-12)
    f1 = 2 * true / (true + false + anomalous[..., None])
    steps = np.diff(recall, axis=-1, prepend=0)
    enough = recall >= 0.95
    at = np.take_along_axis(rate, enough.argmax(-1)[..., None], -1)[..., 0]
    fpr = np.where(enough.any(-1), at, np.where(np.isnan(anomalous + normal), np.nan, 1.0))
    area = np.diff(rate, axis=-1, prepend=0) * (recall - steps / 2)  # trapezoids; never found = last
    pixel = {"AP": (steps * precision).sum(-1), "FPR95": fpr, "F1": f1.max(-1), "AUROC": area.sum(-1)}
    return pixel | _component_scores(sums, f1)


def _component_scores(sums: np.ndarray, f1: np.ndarray) -> dict[str, np.ndarray]:
    """sIoU, PPV and F1* at the threshold of ``GRID`` with the best pixel F1 (..., LEVELS)."""
    grid = np.nan_to_num(f1[..., [LEVELS - 1 - level for level in GRID]])
    rows = sums[..., 2 * (LEVELS + 1) + 1 :].reshape(*sums.shape[:-1], len(GRID), PARTS)
    row = np.take_along_axis(rows, grid.argmax(-1)[..., None, None], -2)[..., 0, :]
    truths = np.where(sums[..., 2 * (LEVELS + 1)] > 0, sums[..., 2 * (LEVELS + 1)], np.nan)
    found, false = row[..., 3 : 3 + len(CUTS)], row[..., 3 + len(CUTS) :]
    missed = truths[..., None] - found
    return {
        "sIoU": row[..., 1] / truths,
        "PPV": np.where(row[..., 0] > 0, row[..., 2] / np.maximum(row[..., 0], 1e-12), 0 * truths),
        "F1*": (2 * found / (2 * found + missed + false)).mean(-1),
    }


class AnomalyMetric:
    """Accumulator: one vector of sums."""

    def __init__(self, min_pred: int = 0, min_truth: int = 0) -> None:
        self.limits = (min_pred, min_truth)
        self.sums = np.zeros(2 * (LEVELS + 1) + 1 + len(GRID) * PARTS)

    def update(self, truth: np.ndarray, answer: np.ndarray | None) -> None:
        """Add one image; None is the worst case."""
        self.sums += vector(image_stats(truth, answer, *self.limits))

    def merge(self, other: AnomalyMetric) -> None:
        """Add the images of another accumulator; InputError where their size limits differ."""
        if other.limits != self.limits:
            raise InputError(f"anomaly: cannot merge size limits {other.limits} into {self.limits}")
        self.sums += other.sums

    def compute(self) -> dict[str, float]:
        """The scores of all images."""
        return {name: float(value) for name, value in scores(self.sums).items()}
