"""Panoptic segmentation: PQ over classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from visiongen.benchmarks import priors
from visiongen.benchmarks.metrics import panoptic
from visiongen.benchmarks.scorers.base import Guess, Options, Scorer, Scores

if TYPE_CHECKING:
    from visiongen.tasks.base import Prediction

MANY = 1000  # labels are class * 1000 + number, -1 is void, as the codec panoptic/border@1 has them


class PanopticScorer(Scorer):
    """Labels int32 (H, W): position in the protocol's ``classes`` * 1000 + number, 0 for stuff; -1 void.

    The item's ``options["legend"]`` holds some of the classes, and perhaps "border".
    """

    def __init__(self, protocol: dict[str, Any]) -> None:
        super().__init__(protocol)
        self.classes, self.things = tuple(protocol["classes"]), tuple(protocol["things"])

    def stats(self, truth: np.ndarray, answer: np.ndarray | None) -> dict[str, Any]:
        """See metrics/panoptic.py."""
        given = None if answer is None else _pairs(answer)
        return panoptic.image_stats(_pairs(truth), given, len(self.classes))

    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """The table of metrics/panoptic.py, flattened."""
        return panoptic.vector(stats, len(self.classes))

    def scores(self, sums: np.ndarray) -> Scores:
        """PQ, SQ, RQ, PQ_things, PQ_stuff and PQ/CLASS."""
        return panoptic.scores(sums, self.classes, self.things)

    def higher_is_better(self, score: str) -> bool:
        """Always."""
        return True

    def labels(self, truth: np.ndarray, options: Options) -> np.ndarray:
        """Positions in the item's legend instead of classes."""
        names = options["legend"].names
        table = np.full(len(self.classes), -1)
        for place, name in enumerate(names):
            if name in self.classes:
                table[self.classes.index(name)] = place
        return _moved(truth, table)

    def answer(self, prediction: Prediction, options: Options) -> np.ndarray:
        """Classes instead of positions in the item's legend."""
        names = options["legend"].names
        table = [self.classes.index(name) if name in self.classes else -1 for name in names]
        return _moved(prediction.labels, np.array(table))

    def prior(self, truths: Sequence[np.ndarray]) -> Guess:
        """The share of every class in each row."""
        kinds = [np.where(truth < 0, -1, truth // MANY) for truth in truths]
        shares = priors.class_shares(kinds, len(self.classes))
        return priors.at_any_size(np.repeat(shares, truths[0].shape[1], axis=1))

    def choose(self, guess: np.ndarray, options: Options) -> np.ndarray:
        """The likeliest of the item's classes; each is one segment."""
        chosen = np.array([self.classes.index(n) for n in options["legend"].names if n in self.classes])
        kinds = chosen[guess[..., chosen].argmax(axis=2)]
        thing = np.array([name in self.things for name in self.classes])
        return (kinds * MANY + thing[kinds]).astype(np.int32)


def _pairs(labels: np.ndarray) -> np.ndarray:
    """Labels (H, W) as int (H, W, 2): class and number."""
    void = labels < 0
    return np.stack([np.where(void, -1, labels // MANY), np.where(void, 0, labels % MANY)], axis=-1)


def _moved(labels: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Labels whose class k became ``table[k]``; void where that is -1."""
    kind = table[np.maximum(labels, 0) // MANY]
    return np.where((labels < 0) | (kind < 0), -1, kind * MANY + labels % MANY).astype(np.int32)
