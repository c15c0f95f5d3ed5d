"""Semantic segmentation: counts of each class over the split."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from visiongen.benchmarks import priors
from visiongen.benchmarks.metrics import boundary, cityscapes, semantic
from visiongen.benchmarks.scorers.base import Guess, Options, Scorer, Scores
from visiongen.errors import InputError, UsageError

if TYPE_CHECKING:
    from visiongen.tasks.base import Prediction


class SemanticScorer(Scorer):
    """Counts of each class; see metrics/semantic.py. Also one ``IoU/CLASS`` a class.

    Truth and answer are positions in the protocol's ``classes``. An item may have a legend of its own
    (``options["legend"]``): some of the classes, in any order; guesses then keep to it too.

    Protocol keys: ``absent_class`` = "csail" (default), "mmseg" or "d2" says which mIoU is the plain one;
    ``boundary = true`` adds BIoU and BIoU/CLASS (metrics/boundary.py); ``categories = {NAME = [classes]}``
    adds IoU_category and IoU_category/NAME, ``instance_sizes = {CLASS = mean pixels}`` iIoU and iIoU/CLASS
    (metrics/cityscapes.py). For iIoU the truth is (H, W, 2): positions, and instance numbers, 0 = none.
    """

    def __init__(self, protocol: dict[str, Any]) -> None:
        super().__init__(protocol)
        self.classes = tuple(protocol["classes"])
        self.absent = protocol.get("absent_class", "csail")
        if self.absent not in semantic.ABSENT:
            known = ", ".join(semantic.ABSENT)
            raise UsageError(f"protocol {protocol['name']!r}: absent_class {self.absent!r}; choose {known}")
        self.boundary = bool(protocol.get("boundary"))
        self.categories = {
            name: [self.classes.index(kind) for kind in kinds]
            for name, kinds in protocol.get("categories", {}).items()
        }
        self.sizes = {self.classes.index(k): float(n) for k, n in protocol.get("instance_sizes", {}).items()}

    def stats(self, truth: np.ndarray, answer: np.ndarray | None) -> dict[str, Any]:
        """{"confusion": [[row, column, count], ...]} without zeros; "boundary", "instances" where asked."""
        count, labels = len(self.classes), flat(truth)
        given = np.full(labels.shape, -1, np.int64) if answer is None else flat(answer)
        matrix = semantic.confusion(labels, given, count)
        used = np.argwhere(matrix)
        stats: dict[str, Any] = {"confusion": [[int(r), int(c), int(matrix[r, c])] for r, c in used]}
        if self.boundary:
            bands = boundary.boundary_counts(labels, given, count)
            stats["boundary"] = [[int(k), *bands[:, k].tolist()] for k in np.flatnonzero(bands.sum(0))]
        if self.sizes and truth.ndim == 3:
            stats["instances"] = cityscapes.instance_sums(labels, truth[..., 1], given, self.sizes).tolist()
        return stats

    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """Hit, labelled and predicted pixels of each class, then of the bands, categories and instances."""
        count = len(self.classes)
        matrix = np.zeros((count, count + 1))
        for row, column, value in stats["confusion"]:
            matrix[row, column] = value
        parts = [semantic.class_counts(matrix).ravel()]
        if self.boundary:
            bands = np.zeros((3, count))
            for kind, *values in stats["boundary"]:
                bands[:, kind] = values
            parts.append(bands.ravel())
        if self.categories:
            groups = cityscapes.category_matrix(matrix, list(self.categories.values()))
            parts.append(semantic.class_counts(groups).ravel())
        if self.sizes:
            parts.append(np.ravel(stats.get("instances", np.zeros((2, len(self.sizes))))))
        return np.concatenate(parts)

    def scores(self, sums: np.ndarray) -> Scores:
        """mIoU in three conventions, accuracies, IoU per class (NaN for an absent one), and what is asked."""
        sums, count = np.asarray(sums, np.float64), len(self.classes)
        start = 0

        def take(rows: int, columns: int) -> np.ndarray:
            nonlocal start
            part = sums[..., start : start + rows * columns]
            start += rows * columns
            return part.reshape(*sums.shape[:-1], rows, columns)

        counts = take(3, count)
        result = semantic.count_scores(counts, self.absent)
        result |= named("IoU", self.classes, semantic.counts_iou(counts))
        if self.boundary:
            bands = take(3, count)
            result["BIoU"] = semantic.mean_iou(bands, self.absent)
            result |= named("BIoU", self.classes, semantic.counts_iou(bands))
        if self.categories:
            groups = take(3, len(self.categories))
            result["IoU_category"] = semantic.mean_iou(groups, "mmseg")
            result |= named("IoU_category", self.categories, semantic.counts_iou(groups))
        if self.sizes:
            false = (counts[..., 2, :] - counts[..., 0, :])[..., list(self.sizes)]
            weighed = cityscapes.instance_iou(take(2, len(self.sizes)), false)
            result["iIoU"] = semantic.mean_known(weighed)
            result |= named("iIoU", [self.classes[k] for k in self.sizes], weighed)
        return result

    def higher_is_better(self, score: str) -> bool:
        """Always."""
        return True

    def labels(self, truth: np.ndarray, options: Options) -> np.ndarray:
        """Positions in the item's legend, holes filled with the nearest class."""
        from visiongen.tasks.codecs.legend import fill_ignored

        chosen, truth = self.chosen(options), flat(truth)
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

    def given(self, labels: np.ndarray, options: Options) -> np.ndarray:
        """Positions in ``classes``; 255, -1 and the protocol's ``ignore`` = unknown.

        InputError: others. They are stored values of the dataset, and a shifted label must not look like a
        poor answer.
        """
        stored = [one for one in self.protocol.get("ignore", ()) if isinstance(one, int)]  # else colours
        unknown = np.isin(labels, [-1, semantic.IGNORE, *stored])
        odd = ~unknown & ((labels < 0) | (labels >= len(self.classes)))
        if odd.any():
            raise InputError(
                f"labels: {labels[odd][0]} is no position in the {len(self.classes)} classes; write "
                "positions from 0, not the dataset's stored values; 255 = unknown"
            )
        return labels

    def official(self, source: Path) -> Callable[[str], Any] | None:
        """``official_results = "cityscapes"`` in the protocol: see official_results.cityscapes_pixels."""
        from visiongen.benchmarks.official_results import cityscapes_pixels

        if self.protocol.get("official_results") != "cityscapes" or not source.is_dir():
            return None
        return cityscapes_pixels(source, self.protocol["label_ids"])

    def chosen(self, options: Options) -> np.ndarray | None:
        """Class of each entry of the item's own legend, int (K,); None where it has none."""
        if "legend" not in options:
            return None
        return np.array([self.classes.index(name) for name in options["legend"].names])

    def prior(self, truths: Sequence[np.ndarray]) -> Guess:
        """The share of every class in each row; its likeliest class where all images have one legend."""
        truths = [flat(truth) for truth in truths]
        shares = priors.class_shares(truths, len(self.classes))
        if "legend" in self.protocol:  # shares of 150 classes in a photo's size would take gigabytes
            shares = shares.argmax(axis=2).astype(np.uint8)
        return priors.at_any_size(np.repeat(shares, truths[0].shape[1], axis=1))

    def choose(self, guess: np.ndarray, options: Options) -> np.ndarray:
        """The likeliest of the item's classes, from numbers (H, W, K); whole numbers are ids already."""
        if guess.ndim == 2:
            return guess
        chosen = self.chosen(options)
        if chosen is None:
            return guess.argmax(axis=2).astype(np.uint8)
        return chosen[guess[..., chosen].argmax(axis=2)].astype(np.uint8)


def flat(truth: np.ndarray) -> np.ndarray:
    """The class positions (H, W) of a truth with or without instances."""
    return truth if truth.ndim == 2 else truth[..., 0]


def named(score: str, names: Iterable[str], values: np.ndarray) -> Scores:
    """{"SCORE/NAME": (...)} of values (..., n)."""
    return {f"{score}/{name}": values[..., place] for place, name in enumerate(names)}
