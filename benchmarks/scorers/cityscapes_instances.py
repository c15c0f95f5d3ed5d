"""Cityscapes instances: AP from painted panoptic maps, or from anybody's masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.benchmarks.metrics import cityscapes_instances as metric
from visiongen.benchmarks.metrics import coco
from visiongen.benchmarks.metrics.coco import Found, Truths
from visiongen.benchmarks.scorers.base import Guess, Options, Scores
from visiongen.benchmarks.scorers.base import Table as Weighing
from visiongen.benchmarks.scorers.coco import CocoScorer, affordable, first_of


class CityscapesInstancesScorer(CocoScorer):
    """Truth: instance ids int (H, W) as in ``*_gtFine_instanceIds.png``; answer: Found.

    The protocol's ``category_ids`` are the label ids of its classes; ``void_ids`` and ``min_area`` may
    replace the official ones. A painted map is read as CocoScorer reads it.
    """

    def __init__(self, protocol: dict[str, Any]) -> None:
        super().__init__(protocol)
        self.labels_of_classes = tuple(protocol["category_ids"])
        self.void = tuple(protocol.get("void_ids", metric.VOID))
        self.min_area = int(protocol.get("min_area", metric.MIN_AREA))

    def stats(self, truth: np.ndarray, answer: Found | np.ndarray | None) -> dict[str, Any]:  # type: ignore[override]
        """See metrics/cityscapes_instances.py; ids as an answer are the perfect one."""
        found = self.truths(answer).found() if isinstance(answer, np.ndarray) else answer
        return metric.image_stats(truth, found, self.labels_of_classes, self.void, self.min_area)

    def table(self, records: Sequence[dict[str, Any]]) -> Weighing:
        """AP, AP50, AP/CLASS and AP50/CLASS of any weighting by whole numbers; large sets as CocoScorer."""
        most = affordable(sum(number for one in records for _, number in one["truths"]))

        def weighed(counts: np.ndarray) -> Scores:
            return first_of(counts, most, some)

        def some(counts: np.ndarray) -> Scores:
            ap = metric.weigh(records, len(self.classes), counts)
            scores = {"AP": coco.mean_of_classes(ap.mean(-1)), "AP50": coco.mean_of_classes(ap[..., 0])}
            scores |= {f"AP/{name}": ap[:, k].mean(-1) for k, name in enumerate(self.classes)}
            return scores | {f"AP50/{name}": ap[:, k, 0] for k, name in enumerate(self.classes)}

        return weighed

    def truths(self, ids: np.ndarray) -> Truths:
        """The instances of a picture of ids, groups as crowds."""
        known = [one for one in np.unique(ids).tolist() if self._place(one) is not None]
        masks = np.array([ids == one for one in known])
        return Truths(
            (ids.shape[0], ids.shape[1]),
            np.array([self._place(one) for one in known], np.int64),
            coco.encode(masks) if known else [],
            np.array([one < metric.GROUP for one in known], bool),
            masks.reshape(len(known), -1).sum(1).astype(np.float64) if known else np.zeros(0),
        )

    def _place(self, one: int) -> int | None:
        label = one if one < metric.GROUP else one // metric.GROUP
        return self.labels_of_classes.index(label) if label in self.labels_of_classes else None

    def shrink(self, truth: np.ndarray, size: tuple[int, int]) -> np.ndarray:  # type: ignore[override]
        """See CocoScorer."""
        return super().shrink(self.truths(truth), size)

    def prior(self, truths: Sequence[np.ndarray]) -> Guess:  # type: ignore[override]
        """See CocoScorer."""
        return super().prior([self.truths(one) for one in truths])

    def oracle(self, truth: np.ndarray, options: Options) -> Found:  # type: ignore[override]
        """Every instance, with score 1; no groups."""
        return self.truths(truth).found()

    def official(self, source: Path) -> Callable[[str], Any] | None:
        """A folder with a .txt an image; see official_results.cityscapes_results."""
        from visiongen.benchmarks.official_results import cityscapes_results

        if not source.is_dir() or next(source.rglob("*.txt"), None) is None:
            return None
        return cityscapes_results(source, self.labels_of_classes)
