"""Panoptic segmentation: PQ over classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from visiongen.benchmarks import priors
from visiongen.benchmarks.metrics import panoptic
from visiongen.benchmarks.metrics.panoptic import MANY, VOID, PanopticTruth, Truth
from visiongen.benchmarks.scorers.base import Guess, Options, Scorer, Scores
from visiongen.resize import resize_nearest

if TYPE_CHECKING:
    from visiongen.tasks.base import Prediction


class PanopticScorer(Scorer):
    """Labels int32 (H, W): position in the protocol's ``classes`` * 1000 + number, 0 for stuff; -1 void.

    A truth may also be a PanopticTruth, which says which labels are crowds; they are painted as void. A
    stuff label may have a number in truth and answer: it is a segment of its own then. The item's
    ``options["legend"]`` holds some of the classes, and perhaps "border".
    """

    def __init__(self, protocol: dict[str, Any]) -> None:
        super().__init__(protocol)
        self.classes, self.things = tuple(protocol["classes"]), tuple(protocol["things"])

    def stats(self, truth: Truth, answer: np.ndarray | None) -> dict[str, Any]:
        """See metrics/panoptic.py."""
        return panoptic.image_stats(truth, answer, len(self.classes))

    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """The table of metrics/panoptic.py, flattened."""
        return panoptic.vector(stats, len(self.classes))

    def scores(self, sums: np.ndarray) -> Scores:
        """PQ, SQ, RQ, the same of things and of stuff, and PQ/CLASS."""
        return panoptic.scores(sums, self.classes, self.things)

    def higher_is_better(self, score: str) -> bool:
        """Always."""
        return True

    def shrink(self, truth: Truth, size: tuple[int, int]) -> np.ndarray:
        """Labels at the painted size."""
        return resize_nearest(plain(truth), size)

    def labels(self, truth: Truth, options: Options) -> np.ndarray:
        """Positions in the item's legend instead of classes; the codec has numbers for things alone."""
        names = options["legend"].names
        table = np.full(len(self.classes), -1)
        for place, name in enumerate(names):
            if name in self.classes:
                table[self.classes.index(name)] = place
        labels = plain(truth)
        thing = np.array([name in self.things for name in self.classes])
        stuff = (labels >= 0) & ~thing[np.maximum(labels, 0) // MANY]
        return _moved(np.where(stuff, labels // MANY * MANY, labels), table)

    def answer(self, prediction: Prediction, options: Options) -> np.ndarray:
        """Classes instead of positions in the item's legend."""
        names = options["legend"].names
        table = [self.classes.index(name) if name in self.classes else -1 for name in names]
        return _moved(prediction.labels, np.array(table))

    def given(self, labels: np.ndarray, options: Options) -> np.ndarray:
        """-1 is void; so is 65535 of a picture of 16 bits, which holds no -1."""
        return panoptic.without_void_16(labels)

    def oracle(self, truth: Truth, options: Options) -> np.ndarray:
        """The labels, without crowds."""
        return plain(truth)

    def official(self, source: Path) -> Callable[[str], Any] | None:
        """A folder with one JSON of COCO's panoptic format and a folder of its PNGs, of the JSON's name.

        Read where the protocol has ``category_ids``; see official_results.panoptic_results.
        """
        from visiongen.benchmarks.official_results import panoptic_results

        files = sorted(source.glob("*.json")) if source.is_dir() else []
        if len(files) != 1 or not files[0].with_suffix("").is_dir() or "category_ids" not in self.protocol:
            return None
        ids = self.protocol["category_ids"]
        return panoptic_results(files[0], {number: position for position, number in enumerate(ids)})

    def prior(self, truths: Sequence[Truth]) -> Guess:
        """The share of every class in each row."""
        maps = [plain(truth) for truth in truths]
        kinds = [np.where(labels < 0, -1, labels // MANY) for labels in maps]
        shares = priors.class_shares(kinds, len(self.classes))
        read = priors.at_any_size(shares)

        def guess(size: tuple[int, int]) -> np.ndarray:
            return np.broadcast_to(read((size[0], 1)), (*size, len(self.classes)))  # one row is all alike

        return guess

    def choose(self, guess: np.ndarray, options: Options) -> np.ndarray:
        """The likeliest of the item's classes; each is one segment."""
        chosen = np.array([self.classes.index(n) for n in options["legend"].names if n in self.classes])
        column = chosen[guess[:, :1][..., chosen].argmax(axis=2)]
        kinds = np.repeat(column, guess.shape[1], axis=1)
        thing = np.array([name in self.things for name in self.classes])
        return (kinds * MANY + thing[kinds]).astype(np.int32)


def plain(truth: Truth) -> np.ndarray:
    """Labels (H, W), crowds void."""
    if not isinstance(truth, PanopticTruth):
        return truth
    return np.where(np.isin(truth.labels, truth.crowd), VOID, truth.labels) if truth.crowd else truth.labels


def _moved(labels: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Labels whose class k became ``table[k]``; void where that is -1."""
    kind = table[np.maximum(labels, 0) // MANY]
    return np.where((labels < 0) | (kind < 0), -1, kind * MANY + labels % MANY).astype(np.int32)
