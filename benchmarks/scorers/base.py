"""What a scorer does: metrics, and how truth, painted labels and predictions of its task fit together.

Every statistic adds up over images, so that any resample of the images is scored by a sum.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from visiongen.benchmarks import priors
from visiongen.benchmarks.metrics import bootstrap
from visiongen.resize import resize_nearest

if TYPE_CHECKING:
    from visiongen.tasks.base import Prediction

Scores = dict[str, np.ndarray]
Table = Callable[[np.ndarray], Scores]  # how often each image counts, float64 (R, n) -> scores (R,)
Options = Mapping[str, Any]  # an item's: what its prompt holds beside the task
Guess = Callable[[tuple[int, int]], Any]


class Scorer(ABC):
    """Statistics and scores of one protocol.

    An *answer* is what the metrics compare with the truth; by default both have the form of the task's
    labels, and the conversions do nothing. ``options`` are those of the item that is scored.
    """

    def __init__(self, protocol: dict[str, Any]) -> None:
        self.protocol = protocol

    # --- metrics ------------------------------------------------------------------------------

    @abstractmethod
    def stats(self, truth: Any, answer: Any) -> dict[str, Any]:
        """Statistics of one image, JSON-able; ``None`` = no answer, the worst case."""

    @abstractmethod
    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """The statistics as float64 (d,), additive over images."""

    @abstractmethod
    def scores(self, sums: np.ndarray) -> Scores:
        """Scores (...) of sums (..., d)."""

    @abstractmethod
    def higher_is_better(self, score: str) -> bool:
        """Direction of a score."""

    def stack(self, records: Sequence[dict[str, Any]]) -> np.ndarray:
        """Vectors (n, d) of per-image statistics."""
        return np.stack([self.vector(record) for record in records])

    def table(self, records: Sequence[dict[str, Any]]) -> Table:
        """Scores of any weighting of the images, from their statistics.

        Statistics that add up need nothing else than :meth:`vector` and :meth:`scores`; a scorer whose
        statistics do not (AP over classes sorts all detections anew) overrides this.
        """
        rows = self.stack(records)

        def weigh(counts: np.ndarray) -> Scores:
            if counts.shape[0] == 1 and (counts == 1).all():  # plain sums: the same on every machine
                return {name: np.asarray(value)[None] for name, value in self.scores(rows.sum(0)).items()}
            return bootstrap.resample(rows, self.scores, counts)

        return weigh

    # --- forms --------------------------------------------------------------------------------

    def shrink(self, truth: Any, size: tuple[int, int]) -> Any:
        """The truth at the painted size."""
        return resize_nearest(truth, size)

    def labels(self, truth: Any, options: Options) -> Any:
        """What the task's codec paints for this truth."""
        return truth

    def answer(self, prediction: Prediction, options: Options) -> Any:
        """The answer that a prediction gives."""
        return prediction.labels

    def answer_parts(self, predictions: Mapping[str, Prediction], options: Options) -> Any:
        """The answer of a benchmark of several parts, from a prediction for each."""
        raise NotImplementedError(f"{type(self).__name__} scores one task, not parts")

    def labels_parts(self, truth: Any, options: Options) -> Mapping[str, np.ndarray]:
        """What the codec of each part paints for this truth."""
        raise NotImplementedError(f"{type(self).__name__} scores one task, not parts")

    def oracle(self, truth: Any, options: Options) -> Any:
        """The truth as an answer, at its own size."""
        return truth

    def given(self, labels: np.ndarray, options: Options) -> Any:
        """The answer that labels of the task in the truth's size make, such as a file of somebody else's."""
        return labels

    def official(self, source: Path) -> Callable[[str], Any] | None:
        """Reader of the field's own result files (image id -> answer), or None where ``source`` is none.

        KeyError says that there is no prediction for an image.
        """
        return None

    # --- guesses ------------------------------------------------------------------------------

    def prior(self, truths: Sequence[Any]) -> Guess:
        """The best constant guess from training truths, size (H, W) -> guess; default their mean."""
        return priors.at_any_size(priors.mean(truths))

    def choose(self, guess: Any, options: Options) -> Any:
        """The answer that a guess gives for one item (a guess may say more, say a share a class)."""
        return guess


class ModuleScorer(Scorer):
    """A module of visiongen.benchmarks.metrics as it is: image_stats, vector, scores, HIGHER_IS_BETTER."""

    metrics: ClassVar[ModuleType]

    def stats(self, truth: Any, answer: Any) -> dict[str, Any]:
        """The module's ``image_stats``."""
        stats: dict[str, Any] = self.metrics.image_stats(truth, answer)
        return stats

    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """The module's ``vector``."""
        return np.asarray(self.metrics.vector(stats), np.float64)

    def scores(self, sums: np.ndarray) -> Scores:
        """The module's ``scores``."""
        scores: Scores = self.metrics.scores(sums)
        return scores

    def higher_is_better(self, score: str) -> bool:
        """By the module's table; NAME/... goes by NAME."""
        return bool(self.metrics.HIGHER_IS_BETTER[score.split("/")[0]])
