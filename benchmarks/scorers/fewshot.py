"""Few-shot segmentation: examples show a class, the answer is its mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from visiongen.benchmarks import priors
from visiongen.benchmarks.metrics import fewshot
from visiongen.benchmarks.scorers.base import Guess, Options, Scorer, Scores
from visiongen.benchmarks.scorers.semantic import named
from visiongen.resize import resize_nearest

if TYPE_CHECKING:
    from visiongen.tasks.base import Prediction


@dataclass(frozen=True, eq=False)
class FewShotTruth:
    """One episode: ``labels`` uint8 (H, W), 1 = the class, 0 = the rest, 255 = not scored.

    ``kind``: the class's position in the protocol's ``classes``.
    """

    labels: np.ndarray
    kind: int

    @property
    def mask(self) -> np.ndarray:
        """bool (H, W): the class."""
        return self.labels == 1


class FewShotScorer(Scorer):
    """mIoU over the protocol's ``classes``, FB_IoU and ``IoU/CLASS``; see metrics/fewshot.py.

    Answers (H, W): true, or from 0.5 on, for the class. The example maps are white where the class is, black
    elsewhere ("alpha/gray@1").
    """

    def __init__(self, protocol: dict[str, Any]) -> None:
        super().__init__(protocol)
        self.classes = tuple(protocol["classes"])

    def stats(self, truth: FewShotTruth, answer: np.ndarray | None) -> dict[str, Any]:
        """{"kind": class, "confusion": [[3 numbers], [3 numbers]]}."""
        return {"kind": truth.kind, "confusion": fewshot.episode_counts(truth.labels, answer).tolist()}

    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """The counts in the place of their class, float64 (K * 6,)."""
        counts = np.zeros((len(self.classes), 2, 3))
        counts[stats["kind"]] = stats["confusion"]
        return counts.ravel()

    def scores(self, sums: np.ndarray) -> Scores:
        """See the class; IoU/CLASS is NaN for a class without an episode."""
        counts = np.asarray(sums).reshape(*np.shape(sums)[:-1], len(self.classes), 2, 3)
        return fewshot.scores(counts) | named("IoU", self.classes, fewshot.foreground(counts))

    def higher_is_better(self, score: str) -> bool:
        """Always."""
        return True

    def shrink(self, truth: FewShotTruth, size: tuple[int, int]) -> FewShotTruth:
        """By nearest neighbour."""
        return replace(truth, labels=resize_nearest(truth.labels, size))

    def labels(self, truth: FewShotTruth, options: Options) -> np.ndarray:
        """1 where the class is, float32; what is not scored is the rest."""
        return truth.mask.astype(np.float32)

    def answer(self, prediction: Prediction, options: Options) -> np.ndarray:
        """From one half on."""
        return np.asarray(prediction.labels)

    def oracle(self, truth: FewShotTruth, options: Options) -> np.ndarray:
        """The mask."""
        return truth.mask

    def prior(self, truths: Sequence[FewShotTruth]) -> Guess:
        """The blob with the highest mean IoU, whatever the class."""
        return priors.at_any_size(priors.best_blob([truth.mask for truth in truths]))
