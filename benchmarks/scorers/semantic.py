"""Semantic segmentation: one confusion matrix over the split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from visiongen.benchmarks import priors
from visiongen.benchmarks.metrics import semantic
from visiongen.benchmarks.scorers.base import Guess, Options, Scorer, Scores

if TYPE_CHECKING:
    from visiongen.tasks.base import Prediction


class SemanticScorer(Scorer):
    """Confusion counts; see metrics/semantic.py. Also one ``IoU/CLASS`` a class.

    Truth and answer are positions in the protocol's ``classes``. An item may have a legend of its own
    (``options["legend"]``): some of the classes, in any order; guesses then keep to it too.
    """

    def __init__(self, protocol: dict[str, Any]) -> None:
        super().__init__(protocol)
        self.classes = tuple(protocol["classes"])

    def stats(self, truth: np.ndarray, answer: np.ndarray | None) -> dict[str, Any]:
        """{"confusion": [[row, column, count], ...]} without zeros."""
        count = len(self.classes)
        if answer is None:
            matrix = semantic.worst_confusion(truth, count)
        else:
            matrix = semantic.confusion(truth, answer, count)
        used = np.argwhere(matrix)
        return {"confusion": [[int(r), int(c), int(matrix[r, c])] for r, c in used]}

    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """The matrix, flattened."""
        count = len(self.classes)
        matrix = np.zeros((count, count + 1))
        for row, column, value in stats["confusion"]:
            matrix[row, column] = value
        return matrix.ravel()

    def scores(self, sums: np.ndarray) -> Scores:
        """mIoU in three conventions, accuracies, IoU per class (NaN for an absent class)."""
        count = len(self.classes)
        matrix = np.reshape(sums, (*np.shape(sums)[:-1], count, count + 1))
        result = semantic.scores(matrix)
        iou = semantic.class_iou(matrix)
        for position, name in enumerate(self.classes):
            result[f"IoU/{name}"] = iou[..., position]
        return result

    def higher_is_better(self, score: str) -> bool:
        """Always."""
        return True

    def labels(self, truth: np.ndarray, options: Options) -> np.ndarray:
        """Positions in the item's legend, holes filled with the nearest class."""
        from visiongen.tasks.codecs.legend import fill_ignored

        chosen = self.chosen(options)
        if chosen is not None:
            table = np.full(256, semantic.IGNORE, np.uint8)
            table[chosen] = np.arange(len(chosen))
            truth = table[truth]
        return fill_ignored(truth)

    def answer(self, prediction: Prediction, options: Options) -> np.ndarray:
        """Positions in ``classes``; unknown stays 255."""
        chosen, labels = self.chosen(options), prediction.labels
        if chosen is None:
            return labels
        table = np.full(256, semantic.IGNORE, np.uint8)
        table[: len(chosen)] = chosen
        return table[labels]

    def chosen(self, options: Options) -> np.ndarray | None:
        """Class of each entry of the item's own legend, int (K,); None where it has none."""
        if "legend" not in options:
            return None
        return np.array([self.classes.index(name) for name in options["legend"].names])

    def prior(self, truths: Sequence[np.ndarray]) -> Guess:
        """The share of every class in each row."""
        shares = priors.class_shares(truths, len(self.classes))
        return priors.at_any_size(np.repeat(shares, truths[0].shape[1], axis=1))

    def choose(self, guess: np.ndarray, options: Options) -> np.ndarray:
        """The likeliest of the item's classes, from numbers (H, W, K); whole numbers are ids already."""
        if guess.ndim == 2:
            return guess
        chosen = self.chosen(options)
        if chosen is None:
            return guess.argmax(axis=2).astype(np.uint8)
        return chosen[guess[..., chosen].argmax(axis=2)].astype(np.uint8)
