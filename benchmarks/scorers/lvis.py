"""LVIS mask AP: COCO's scorer with the federated rule, and AP of rare, common and frequent classes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from visiongen.benchmarks.metrics import lvis
from visiongen.benchmarks.metrics.average_precision import Arrays
from visiongen.benchmarks.metrics.coco import Found, Truths
from visiongen.benchmarks.scorers.coco import CocoScorer, found_of
from visiongen.errors import UsageError


class LvisScorer(CocoScorer):
    """As CocoScorer. The protocol's ``frequency`` has r, c or f for every class (a text or a list)."""

    most: ClassVar[tuple[int, ...]] = lvis.MOST

    def __init__(self, protocol: dict[str, Any]) -> None:
        super().__init__(protocol)
        self.frequency = tuple(protocol["frequency"])
        if len(self.frequency) != len(self.classes) or set(self.frequency) - set(lvis.FREQUENCIES):
            raise UsageError(
                f"protocol {protocol.get('name')!r}: frequency needs r, c or f for each of the "
                f"{len(self.classes)} classes, not {len(self.frequency)} values"
            )

    def stats(self, truth: Truths, answer: Found | Truths | None) -> dict[str, Any]:
        """See metrics/lvis.py."""
        return lvis.image_stats(truth, found_of(answer))

    def summary(self, arrays: Arrays) -> dict[str, float]:
        """AP, AP50, AP75, APs, APm, APl, APr, APc, APf, AR300, ARs, ARm, ARl."""
        return lvis.summary(arrays, self.frequency)

    def summary_of_classes(self, ap: np.ndarray, ar: np.ndarray) -> dict[str, np.ndarray]:
        """The same of resamples."""
        return lvis.summary_of_classes(ap, ar, self.frequency)
