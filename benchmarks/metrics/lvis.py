"""LVIS mask AP: COCO's, with the rule of a federated set (lvis-api ``eval.py``, ``results.py``).

In one image only the classes that are annotated there, or that were looked for and not found, are scored;
detections of others are dropped. Where not every instance of a class is annotated, unmatched detections of
it are ignored. At most 300 detections an image, over all classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from visiongen.benchmarks.metrics import coco
from visiongen.benchmarks.metrics.average_precision import Arrays
from visiongen.benchmarks.metrics.coco import AREAS, Found, Truths

MOST = (300,)
FREQUENCIES = {"r": "rare: in 1 to 10 training images", "c": "common: 11 to 100", "f": "frequent: more"}


def image_stats(truth: Truths, found: Found | None) -> dict[str, Any]:
    """As metrics/coco.py, of the detections that count."""
    kept = None if found is None else federated(truth, found)
    return coco.image_stats(truth, kept, MOST[0], truth.not_exhaustive_category_ids)


def federated(truth: Truths, found: Found) -> Found:
    """The best 300 detections, of these the ones whose class the truth speaks of."""
    scores, kinds = np.asarray(found.scores, np.float64), np.asarray(found.categories, np.int64)
    kept = np.arange(len(scores))
    if len(kept) > MOST[0]:
        kept = np.argsort(-scores, kind="stable")[: MOST[0]]
    known = np.union1d(np.asarray(truth.categories, np.int64), np.asarray(truth.neg_category_ids, np.int64))
    kept = kept[np.isin(kinds[kept], known)]
    return Found(found.size, kinds[kept], [found.masks[i] for i in kept.tolist()], scores[kept])


class LvisMetric(coco.CocoMetric):
    """Accumulator over a split; ``frequency``: r, c or f for every class."""

    most: ClassVar[tuple[int, ...]] = MOST

    def __init__(self, frequency: Sequence[str]) -> None:
        super().__init__(len(frequency))
        self.frequency = tuple(frequency)

    def update(self, truth: Truths, found: Found | None) -> None:
        """Add one image; None finds nothing."""
        self.images.append(image_stats(truth, found))

    def compute(self) -> dict[str, float]:
        """See :func:`summary`."""
        return summary(self.arrays(), self.frequency)


def summary(arrays: Arrays, frequency: Sequence[str]) -> dict[str, float]:
    """The numbers that ``LVISEval.summarize`` gives, -1 where not defined; frequency: r, c or f a class."""
    precision, recall = arrays.precision[..., -1], arrays.recall[..., -1]
    values = {"AP": precision[..., 0], "AP50": precision[0, ..., 0], "AP75": precision[5, ..., 0]}
    values |= {f"AP{name[0]}": precision[..., a] for a, name in enumerate(AREAS) if a}
    values |= {f"AP{kind}": precision[:, :, members(frequency, kind), 0] for kind in FREQUENCIES}
    values |= {"AR300": recall[..., 0]}
    values |= {f"AR{name[0]}": recall[..., a] for a, name in enumerate(AREAS) if a}
    return {name: coco.mean_defined(value) for name, value in values.items()}


def summary_of_classes(ap: np.ndarray, ar: np.ndarray, frequency: Sequence[str]) -> dict[str, np.ndarray]:
    """The same of resamples, each (N,), from AP (N, K, A, T) and recall (N, K, A, 1); NaN: not defined."""
    values = {"AP": ap[:, :, 0].mean(-1), "AP50": ap[:, :, 0, 0], "AP75": ap[:, :, 0, 5]}
    values |= {f"AP{name[0]}": ap[:, :, a].mean(-1) for a, name in enumerate(AREAS) if a}
    values |= {f"AP{kind}": ap[:, members(frequency, kind), 0].mean(-1) for kind in FREQUENCIES}
    values |= {"AR300": ar[:, :, 0, -1]}
    values |= {f"AR{name[0]}": ar[:, :, a, -1] for a, name in enumerate(AREAS) if a}
    return {name: coco.mean_of_classes(value) for name, value in values.items()}


def members(frequency: Sequence[str], kind: str) -> np.ndarray:
    """Positions of the classes of one frequency."""
    return np.array([position for position, one in enumerate(frequency) if one == kind], np.int64)
