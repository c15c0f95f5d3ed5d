"""Anomaly segmentation: how anomalous each pixel is, as the referring task answers a phrase."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from visiongen.benchmarks import priors
from visiongen.benchmarks.metrics import anomaly
from visiongen.benchmarks.scorers.base import Guess, ModuleScorer, Options

if TYPE_CHECKING:
    from visiongen.tasks.base import Prediction


class AnomalyScorer(ModuleScorer):
    """See metrics/anomaly.py; protocol keys ``min_pred`` and ``min_truth`` are pixels of a component (0).

    Truth uint8 (H, W): 0 normal, 1 anomaly, 255 not scored. The item's ``options["phrase"]`` says what is
    asked of the referring task. Answer float32 (H, W) in [0, 1]: (1 + confidence) / 2 inside the mask,
    (1 - confidence) / 2 outside. Both are 1/2 where nothing is sure, and no pixel of the mask is below one
    outside it, however unsure the painter is.
    """

    metrics: ClassVar[ModuleType] = anomaly

    def stats(self, truth: np.ndarray, answer: np.ndarray | None) -> dict[str, Any]:
        """With the protocol's size limits."""
        limits = [int(self.protocol.get(name, 0)) for name in ("min_pred", "min_truth")]
        return anomaly.image_stats(truth, answer, *limits)

    def labels(self, truth: np.ndarray, options: Options) -> np.ndarray:
        """Position in the prompt's legend: 1 is the phrase; what is not scored is the rest."""
        return (np.asarray(truth) == 1).astype(np.uint8)

    def answer(self, prediction: Prediction, options: Options) -> np.ndarray:
        """Mask and confidence as one score."""
        side = np.where(prediction.mask, np.float32(0.5), np.float32(-0.5))  # type: ignore[attr-defined]
        return np.float32(0.5) + side * np.clip(prediction.confidence, 0, 1).astype(np.float32)

    def prior(self, truths: Sequence[np.ndarray]) -> Guess:
        """The share of anomalies at each pixel, what is not scored left out."""
        known = [np.where(np.asarray(t) == anomaly.IGNORE, np.nan, t).astype(np.float32) for t in truths]
        return priors.at_any_size(priors.mean(known))
