"""COCO's mask AP from painted panoptic maps, or from anybody's detections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from visiongen.benchmarks import priors
from visiongen.benchmarks.metrics import coco
from visiongen.benchmarks.metrics.average_precision import Arrays, Table, accumulate, weigh
from visiongen.benchmarks.metrics.coco import Found, Truths
from visiongen.benchmarks.metrics.panoptic import without_void_16
from visiongen.benchmarks.scorers.base import Guess, Options, Scorer, Scores
from visiongen.benchmarks.scorers.base import Table as Weighing
from visiongen.errors import InputError, UsageError
from visiongen.prompt import OTHER
from visiongen.resize import resize_nearest
from visiongen.tasks.codecs.panoptic import MANY, VOID

if TYPE_CHECKING:
    from visiongen.tasks.base import Prediction

WORK = 5_000_000  # true instances times resamples: what intervals may cost
FEWEST = 100  # resamples, however large the set
CHUNK = 200  # resamples at once


class CocoScorer(Scorer):
    """Truth: Truths; answer: Found (or Truths, the perfect answer). Classes are positions in ``classes``.

    A painted map gives one detection a segment whose name is one of the classes. A generator has no scores
    of its own: a segment's score is the mean confidence of its pixels (softmax of the colour distance,
    times the generator's certainty where it has one).

    Intervals: AP of a resample sorts nothing anew (metrics/average_precision.py); a set of many instances
    gets fewer resamples, ``WORK`` / instances but at least ``FEWEST``; the others are NaN.
    """

    most: ClassVar[tuple[int, ...]] = coco.MOST

    def __init__(self, protocol: dict[str, Any]) -> None:
        super().__init__(protocol)
        self.classes = tuple(protocol["classes"])
        self.place = {name: position for position, name in enumerate(self.classes)}

    def stats(self, truth: Truths, answer: Found | Truths | None) -> dict[str, Any]:
        """See metrics/coco.py."""
        return coco.image_stats(truth, found_of(answer), self.most[-1])

    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """UsageError: these statistics do not add up; use :meth:`table`."""
        raise UsageError("average precision does not add up over images; use table(records)")

    def scores(self, sums: np.ndarray) -> Scores:
        """UsageError, as :meth:`vector`."""
        raise UsageError("average precision does not add up over images; use table(records)")

    def table(self, records: Sequence[dict[str, Any]]) -> Weighing:
        """Scores of any weighting of the images by whole numbers; see the class for large sets."""
        rows = Table.of(records, len(self.classes), len(coco.AREAS))
        most = affordable(int(rows.counted()[:, 0].sum()))

        def weighed(counts: np.ndarray) -> Scores:
            if len(counts) == 1 and (counts == 1).all():  # the official sums, to the last digit
                return self.exact(accumulate(rows, self.most))
            return first_of(counts, most, lambda part: self.resampled(*weigh(rows, part, self.most)))

        return weighed

    def exact(self, arrays: Arrays) -> Scores:
        """:meth:`summary` and AP/CLASS, each (1,); NaN where COCOeval says -1."""
        scores = {name: defined(value) for name, value in self.summary(arrays).items()}
        for position, name in enumerate(self.classes):
            value = coco.mean_defined(arrays.precision[:, :, position, 0, -1])
            scores[f"AP/{name}"] = defined(value)
        return scores

    def resampled(self, ap: np.ndarray, ar: np.ndarray) -> Scores:
        """The same of resamples: AP (N, K, A, T), recall (N, K, A, M)."""
        each = {f"AP/{name}": ap[:, k, 0].mean(-1) for k, name in enumerate(self.classes)}
        return self.summary_of_classes(ap, ar) | each

    def summary(self, arrays: Arrays) -> dict[str, float]:
        """COCO's twelve numbers."""
        return coco.summary(arrays)

    def summary_of_classes(self, ap: np.ndarray, ar: np.ndarray) -> dict[str, np.ndarray]:
        """The same of resamples."""
        return coco.summary_of_classes(ap, ar)

    def higher_is_better(self, score: str) -> bool:
        """Always."""
        return True

    # --- forms --------------------------------------------------------------------------------

    def shrink(self, truth: Truths, size: tuple[int, int]) -> np.ndarray:
        """The truth as labels (:func:`paint`) at the painted size."""
        return resize_nearest(paint(truth), size)

    def labels(self, truth: Truths | np.ndarray, options: Options) -> np.ndarray:
        """Labels with positions in the item's legend; the rest is its entry "other", or void."""
        labels = paint(truth) if isinstance(truth, Truths) else truth
        names = options["legend"].names
        table = np.full(len(self.classes), -1)
        for position, name in enumerate(names):
            if name in self.place:
                table[self.place[name]] = position
        rest = names.index(OTHER) * MANY if OTHER in names else VOID
        kind = table[np.maximum(labels, 0) // MANY]
        moved = np.where((labels < 0) | (kind < 0), rest, kind * MANY + labels % MANY)
        return moved.astype(np.int32)

    def answer(self, prediction: Prediction, options: Options) -> Found:
        """One detection a segment of one of the classes."""
        assert prediction.legend is not None
        kinds = [self.place.get(name, -1) for name in prediction.legend.names]
        return read_segments(prediction.labels, prediction.confidence, kinds)

    def oracle(self, truth: Truths, options: Options) -> Found:
        """Every instance that is no crowd, with score 1."""
        return truth.found()

    def given(self, labels: np.ndarray, options: Options) -> Found:
        """Detections of score 1 from labels int (H, W): position in ``classes`` * 1000 + number, -1 void.

        65535 of a picture of 16 bits is void, too. InputError: a class that the benchmark has not.
        """
        labels = without_void_16(labels)
        if labels.max(initial=VOID) >= len(self.classes) * MANY:
            raise InputError(
                f"labels: {labels.max()} is class {labels.max() // MANY}, and there are {len(self.classes)}; "
                "write position in the classes * 1000 + number (above 65534 as .npy)"
            )
        return read_segments(labels, np.ones(labels.shape, np.float32), range(len(self.classes)))

    def official(self, source: Path) -> Callable[[str], Any] | None:
        """COCO's results, a JSON list; see official_results.CocoResults."""
        from visiongen.benchmarks.official_results import CocoResults

        if source.suffix.lower() != ".json":
            return None
        ids = self.protocol.get("category_ids", range(1, len(self.classes) + 1))
        return CocoResults(source, {number: position for position, number in enumerate(ids)})

    # --- guesses ------------------------------------------------------------------------------

    def prior(self, truths: Sequence[Truths]) -> Guess:
        """One instance of the commonest class: the blob that covers its largest instances best.

        None, where no training picture has any.
        """
        maps = [paint(one) for one in truths]
        count = np.zeros(len(self.classes), int)
        for one in truths:
            count += np.bincount(np.asarray(one.categories, int), minlength=len(count))
        kind = int(count.argmax())
        largest = []
        for labels in maps:
            ids, areas = np.unique(labels[labels // MANY == kind], return_counts=True)
            if len(ids):
                largest.append(labels == ids[areas.argmax()])
        blob = priors.best_blob(largest or [labels >= 0 for labels in maps])
        return priors.at_any_size(np.where(blob, kind * MANY + 1, VOID).astype(np.int32))

    def choose(self, guess: np.ndarray, options: Options) -> Found:
        """The guess, if the item's legend has its class."""
        names = options["legend"].names if "legend" in options else self.classes
        kinds = [position if name in names else -1 for name, position in self.place.items()]
        return read_segments(guess, np.ones(guess.shape, np.float32), kinds)


def affordable(instances: int) -> int:
    """How many resamples of so many true instances are made."""
    return max(FEWEST, WORK // max(1, instances))


def first_of(counts: np.ndarray, most: int, scores: Weighing) -> Scores:
    """``scores`` of the first ``most`` resamples of ``counts``, ``CHUNK`` at once; NaN for the others."""
    used, rest = counts[:most], np.full(max(0, len(counts) - most), np.nan)
    found = [scores(used[i : i + CHUNK]) for i in range(0, len(used), CHUNK)]
    return {name: np.concatenate([*(one[name] for one in found), rest]) for name in found[0]}


def found_of(answer: Found | Truths | None) -> Found | None:
    """An answer as detections."""
    return answer.found() if isinstance(answer, Truths) else answer


def defined(value: float) -> np.ndarray:
    """A score as (1,), NaN for COCOeval's -1."""
    return np.array([np.nan if value == -1 else value])


def paint(truth: Truths) -> np.ndarray:
    """Labels int32 (H, W): class * 1000 + number from 1, small instances over large ones; void elsewhere.

    Crowds are not painted: they are nobody's instance.
    """
    from pycocotools import mask as rle

    labels = np.full(truth.size, VOID, np.int32)
    crowd, kinds = np.asarray(truth.crowd, bool), np.asarray(truth.categories, int)
    number: dict[int, int] = {}
    for i in np.argsort(-np.asarray(truth.areas), kind="stable").tolist():
        number[kinds[i]] = number.get(kinds[i], 0) + (not crowd[i])
        if not crowd[i] and number[kinds[i]] < MANY:
            labels[rle.decode(truth.masks[i]).astype(bool)] = kinds[i] * MANY + number[kinds[i]]
    return labels


def read_segments(labels: np.ndarray, confidence: np.ndarray, kinds: Sequence[int]) -> Found:
    """Detections from labels (H, W): ``kinds[label // 1000]`` is the class, -1 for none."""
    ids = np.unique(labels[labels >= 0])
    kept = [(one, kinds[one // MANY]) for one in ids.tolist() if kinds[one // MANY] >= 0]
    masks = [labels == one for one, _ in kept]
    scores = [float(confidence[mask].mean(dtype=np.float64)) for mask in masks]
    return Found(
        (labels.shape[0], labels.shape[1]),
        np.array([kind for _, kind in kept], np.int64),
        coco.encode(np.array(masks)) if masks else [],
        np.array(scores, np.float64),
    )
