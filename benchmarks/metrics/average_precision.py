"""Precision and recall over a whole split, from the rows of metrics/coco.py; resamples of the images too.

A resample counts every image a whole number of times. Counting an image twice is the same as counting its
detections with weight 2 (but for the order among equal scores inside one image), so that all resamples are
cumulative sums over one sorting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from visiongen.benchmarks.metrics.matching import THRESHOLDS, spread

RECALLS = np.linspace(0, 1, 101)
CHUNK = 2_000_000  # numbers in one array of weights


@dataclass(frozen=True)
class Arrays:
    """COCOeval's ``eval``: precision and scores (T, R, K, A, M), recall (T, K, A, M); -1 = not defined."""

    precision: np.ndarray
    recall: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class Table:
    """Detections of a split by class and falling score, and how many instances each image has.

    image, rank (in its image and class), score (n,); right, wrong int (n, A) bits; start (K + 1,): where
    each class begins. truths: int rows (image, class, number of each area).
    """

    image: np.ndarray
    rank: np.ndarray
    score: np.ndarray
    right: np.ndarray
    wrong: np.ndarray
    start: np.ndarray
    truths: np.ndarray
    images: int

    @classmethod
    def of(cls, records: Sequence[dict[str, Any]], classes: int, areas: int) -> Table:
        """From statistics of images, in their order."""
        width = 2 + 2 * areas
        found = [np.asarray(one["found"], np.float64).reshape(-1, width) for one in records]
        wanted = [np.asarray(one["truths"], np.int64).reshape(-1, 1 + areas) for one in records]
        rows = np.concatenate([np.zeros((0, width)), *found])
        image = np.repeat(np.arange(len(records)), [len(one) for one in found])
        kind = rows[:, 0].astype(np.int64)
        rank = np.concatenate([np.zeros(0, np.int64), *(places(one[:, 0]) for one in found)])
        order = np.lexsort((-rows[:, 1], kind))  # stable: equal scores stay in the order of the images
        bits = rows[order, 2:].astype(np.int64).reshape(-1, areas, 2)
        owner = np.repeat(np.arange(len(records)), [len(one) for one in wanted])
        truths = np.concatenate([np.zeros((0, 1 + areas), np.int64), *wanted])
        return cls(
            image[order],
            rank[order],
            rows[order, 1],
            bits[..., 0],
            bits[..., 1],
            np.searchsorted(kind[order], np.arange(classes + 1)),
            np.column_stack([owner, truths]),
            len(records),
        )

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(self.start) - 1

    def counted(self) -> np.ndarray:
        """Instances of each class and area, int (K, A)."""
        total = np.zeros((self.classes, self.right.shape[1]), np.int64)
        np.add.at(total, self.truths[:, 1], self.truths[:, 2:])
        return total


def places(kinds: np.ndarray) -> np.ndarray:
    """Place of each row among those of its class; the rows of a class stand together."""
    first = np.flatnonzero(np.r_[True, kinds[1:] != kinds[:-1]]) if len(kinds) else np.zeros(0, np.int64)
    length = np.diff(np.r_[first, len(kinds)])
    return np.arange(len(kinds)) - np.repeat(first, length)


def accumulate(table: Table, most: Sequence[int]) -> Arrays:
    """As ``COCOeval.accumulate``, operation for operation."""
    areas, counted = table.right.shape[1], table.counted()
    shape = (len(THRESHOLDS), len(RECALLS), table.classes, areas, len(most))
    precision, scores = -np.ones(shape), -np.ones(shape)
    recall = -np.ones((shape[0], *shape[2:]))
    for kind in range(table.classes):
        rows = slice(table.start[kind], table.start[kind + 1])
        for area in np.flatnonzero(counted[kind]):
            right, wrong = spread(table.right[rows, area]), spread(table.wrong[rows, area])
            count = -1
            for m, limit in enumerate(most):
                used = table.rank[rows] < limit
                if used.sum() > count:  # else no image has so many: as with the limit before
                    tp = np.cumsum(right[used].T, axis=1).astype(float)
                    fp = np.cumsum(wrong[used].T, axis=1).astype(float)
                    read = _curve(tp, fp, table.score[rows][used], int(counted[kind, area]))
                count = int(used.sum())
                precision[:, :, kind, area, m], recall[:, kind, area, m], scores[:, :, kind, area, m] = read
    return Arrays(precision, recall, scores)


def _curve(
    tp: np.ndarray, fp: np.ndarray, score: np.ndarray, truths: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision (T, 101), last recall (T,) and scores (T, 101) of running counts (T, n)."""
    top, at = np.zeros((2, len(tp), len(RECALLS)))
    if not tp.shape[1]:
        return top, np.zeros(len(tp)), at
    recall = tp / truths
    exact = tp / (fp + tp + np.spacing(1))
    envelope = np.maximum.accumulate(exact[:, ::-1], axis=1)[:, ::-1]
    for t, line in enumerate(recall):
        place = np.searchsorted(line, RECALLS, side="left")
        place = place[place < len(line)]
        top[t, : len(place)], at[t, : len(place)] = envelope[t, place], score[place]
    return top, recall[:, -1], at


def weigh(table: Table, counts: np.ndarray, limits: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """AP (N, K, A, T) at the last of ``limits``, and recall (N, K, A, M), its mean over thresholds.

    counts: how often each image counts, whole numbers (N, images). NaN where a class has no instance.
    """
    areas = table.right.shape[1]
    wanted = np.zeros((len(counts), table.classes, areas))
    for kind in np.unique(table.truths[:, 1]):
        rows = table.truths[table.truths[:, 1] == kind]
        wanted[:, kind] = counts[:, rows[:, 0]] @ rows[:, 2:]
    ap, ar = np.zeros((*wanted.shape, len(THRESHOLDS))), np.zeros((*wanted.shape, len(limits)))
    for kind in range(table.classes):
        rows = np.arange(table.start[kind], table.start[kind + 1])
        rows = rows[table.rank[rows] < limits[-1]]
        step = max(1, CHUNK // max(1, len(rows)))
        for first in range(0, len(counts), step):
            part = slice(first, first + step)
            weights = counts[part, table.image[rows]]
            for area in range(areas):
                truths = wanted[part, kind, area]
                if len(rows) and truths.any():
                    ap[part, kind, area], ar[part, kind, area] = _weighed(
                        weights, table.right[rows, area], table.wrong[rows, area], truths,
                        table.rank[rows], limits,
                    )  # fmt: skip
    undefined = wanted == 0
    ap[undefined], ar[undefined] = np.nan, np.nan
    return ap, ar


def _weighed(
    weights: np.ndarray,
    right: np.ndarray,
    wrong: np.ndarray,
    truths: np.ndarray,
    rank: np.ndarray,
    limits: Sequence[int],
) -> tuple[np.ndarray, np.ndarray]:
    """AP (N, T) and recall (N, M) of one class and area; weights (N, n), right and wrong bits (n,)."""
    ap = np.zeros((len(weights), len(THRESHOLDS)))
    ar = np.zeros((len(weights), len(limits)))
    truths = np.where(truths > 0, truths, np.inf)[:, None]
    patterns = np.concatenate([spread(right), spread(wrong)]).T
    distinct, place = np.unique(patterns, axis=0, return_inverse=True)  # thresholds are often alike
    for number, pattern in enumerate(distinct):
        good, bad = np.split(pattern, 2)
        hits = np.flatnonzero(good)
        if not len(hits):
            continue
        alike = place.ravel() == number
        for m, limit in enumerate(limits):
            ar[:, m] += alike.mean() * (weights[:, good & (rank < limit)].sum(1) / truths[:, 0])
        used = np.flatnonzero(good | bad)
        tp = np.cumsum(weights[:, hits], axis=1)
        total = np.cumsum(weights[:, used], axis=1)[:, np.searchsorted(used, hits)]
        exact = tp / (total + np.spacing(1))
        envelope = np.maximum.accumulate(exact[:, ::-1], axis=1)[:, ::-1]
        reached = np.searchsorted(RECALLS, tp / truths, side="right")  # how many recalls are read so far
        fresh = np.diff(reached, axis=1, prepend=0)
        ap[:, alike] = ((envelope * fresh).sum(1) / len(RECALLS))[:, None]
    return ap, ar
