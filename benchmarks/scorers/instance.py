"""Instance segmentation without classes."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from visiongen.benchmarks import priors
from visiongen.benchmarks.metrics import instances
from visiongen.benchmarks.scorers.base import Guess, ModuleScorer, Options

if TYPE_CHECKING:
    from visiongen.tasks.base import Prediction


class InstanceScorer(ModuleScorer):
    """Truth: ids int (H, W), 0 = none. Answer: float32 (H, W, 2), ids and each instance's score."""

    metrics: ClassVar[ModuleType] = instances

    def __init__(self, protocol: dict[str, Any]) -> None:
        super().__init__(protocol)
        self.min_area = protocol.get("min_area", instances.MIN_AREA)

    def stats(self, truth: np.ndarray, answer: np.ndarray | None) -> dict[str, Any]:
        """See metrics/instances.py; the protocol may set ``min_area``."""
        return instances.image_stats(truth, answer, self.min_area)

    def shrink(self, truth: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """What is too small to be scored, in the truth's own pixels, is not painted either."""
        small = np.bincount(truth.ravel()) < self.min_area
        return np.asarray(super().shrink(np.where(small[truth], 0, truth), size))

    def answer(self, prediction: Prediction, options: Options) -> np.ndarray:
        """Ids, and the mean confidence inside each instance as its score."""
        ids, confidence = prediction.labels, prediction.confidence
        count = np.maximum(np.bincount(ids.ravel()), 1)
        score = np.bincount(ids.ravel(), confidence.ravel()) / count
        return np.stack([ids, score[ids]], axis=-1).astype(np.float32)

    def prior(self, truths: Sequence[np.ndarray]) -> Guess:
        """One instance: the blob that covers the largest instance of the training pictures best.

        None, where none of them has any.
        """
        largest = [truth == 1 + np.bincount(truth.ravel())[1:].argmax() for truth in truths if truth.any()]
        largest = largest or [truth > 0 for truth in truths]
        return priors.at_any_size(priors.best_blob(largest).astype(np.int32))
