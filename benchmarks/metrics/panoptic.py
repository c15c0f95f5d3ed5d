"""Panoptic quality (arXiv 1801.00868), as panopticapi's ``evaluation.py`` computes it.

Labels are int (H, W): class * 1000 + number; what is below 0 is void. A predicted and a true segment of one
class match when their IoU exceeds .5; predicted pixels on void do not count in the union. Crowds match
nothing and are not missed. An unmatched prediction is dropped when more than half of it lies on void and on
the crowd of its class (the last one, if a class has several), else it is a false positive.

Counting goes over runs of equal pixels: where neither map changes along a row there is nothing to look up,
so that an image costs two comparisons of neighbours and one bincount over its few thousand runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from visiongen.errors import InputError

PARTS = ("iou", "tp", "fp", "fn")
MANY = 1000
VOID = -1
VOID_16 = np.iinfo(np.uint16).max  # a picture of 16 bits holds no -1


@dataclass(frozen=True)
class PanopticTruth:
    """Labels int (H, W), and which of them are crowds, in the order of the annotation.

    ``areas``: pixels of a segment as the annotation says, where they differ from those in the picture
    (panopticapi takes the annotation's for the union).
    """

    labels: np.ndarray = field(repr=False)
    crowd: tuple[int, ...] = ()
    areas: Mapping[int, int] = field(default_factory=dict, repr=False)


Truth = np.ndarray | PanopticTruth


def without_void_16(labels: np.ndarray) -> np.ndarray:
    """Labels of a file, -1 void: in a picture of 16 bits 65535 says so."""
    if labels.dtype != np.uint16:
        return labels
    return np.where(labels == VOID_16, VOID, labels.astype(np.int32))


def image_stats(truth: Truth, prediction: np.ndarray | None, classes: int) -> dict[str, Any]:
    """{"classes": [[class, sum of IoU, tp, fp, fn], ...]} of one image; ``None``: every segment missed.

    InputError: shapes differ or are not (H, W), or a class is none of ``classes``. NaN is void.
    """
    whole = truth if isinstance(truth, PanopticTruth) else PanopticTruth(np.asarray(truth))
    wanted = _flat("truth", whole.labels, np.shape(whole.labels))
    if prediction is None:
        prediction = np.full(np.shape(whole.labels), VOID, np.int32)
    given = _flat("prediction", prediction, np.shape(whole.labels))
    true, found, shared = count_overlaps(wanted, given, classes * MANY)
    return {"classes": _per_class(true, found, shared, whole, classes)}


def _flat(name: str, labels: Any, size: tuple[int, ...]) -> np.ndarray:
    """Labels int (H * W,) of the right size."""
    array = np.asarray(labels)
    if array.ndim != 2 or array.shape != size:
        raise InputError(f"panoptic {name}: shape {array.shape}, expected (H, W) = {size}; resize it first")
    if array.dtype.kind not in "iu":
        array = np.nan_to_num(array.astype(np.float64), nan=VOID, posinf=VOID, neginf=VOID).astype(np.int64)
    if array.dtype.kind == "u":  # void is below 0
        array = array.astype(np.int64)
    return array.ravel()


def count_overlaps(
    wanted: np.ndarray, given: np.ndarray, top: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels that occur in each of two maps (n,), void first, and shared pixels int (true, found).

    InputError: a label of ``top`` or more. What is below 0 is void.
    """
    inner = _changes(wanted, given)
    bounds = np.empty(len(inner) + 2, np.int64)  # where runs begin, and the end of the last
    bounds[0], bounds[-1] = 0, len(wanted)
    np.add(inner, 1, out=bounds[1:-1])
    start, length = bounds[:-1], bounds[1:] - bounds[:-1]
    if not len(wanted):
        start, length = start[:0], length[:0]
    true, row = _places("truth", wanted[start], top)
    found, column = _places("prediction", given[start], top)
    row *= len(found)
    row += column
    cells = np.bincount(row, weights=length, minlength=len(true) * len(found))
    return true, found, cells.astype(np.int64).reshape(len(true), len(found))


def _changes(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Every i for which the pair of entries i + 1 is not that of i.

    Most pixels are like the one before, so eight are looked at as one word first.
    """
    steps = max(0, len(one) - 1)
    change = np.zeros(-(-steps // 8) * 8, np.bool_)
    np.not_equal(one[1:], one[:-1], out=change[:steps])
    change[:steps] |= two[1:] != two[:-1]
    eight = change.view(np.uint64)
    words = np.flatnonzero(eight != 0)
    inside = np.flatnonzero(eight[words].view(np.bool_))
    places: np.ndarray = words[inside >> 3] * 8 + (inside & 7)
    return places


def _places(name: str, labels: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels that occur, void first in any case, and the place of each of ``labels`` among them."""
    highest = int(labels.max(initial=VOID))
    if highest >= top:
        raise InputError(
            f"panoptic {name}: label {highest} is of class {highest // MANY}; there are {top // MANY}"
        )
    if int(labels.min(initial=VOID)) < VOID:
        labels = np.maximum(labels, VOID)
    table = np.zeros(highest + 2, np.bool_)
    table[labels] = True  # void, -1, is the last entry
    known = np.concatenate([[VOID], np.flatnonzero(table[:-1])])
    place = np.empty(highest + 2, np.int64)
    place[known] = np.arange(len(known))
    return known, place[labels]


def _per_class(
    true: np.ndarray, found: np.ndarray, shared: np.ndarray, truth: PanopticTruth, classes: int
) -> list[list[float]]:
    area, size, on_void = shared.sum(1), shared.sum(0), shared[0]
    for label, pixels in truth.areas.items():
        area[true == label] = pixels
    crowd = np.isin(true, truth.crowd) if truth.crowd else np.zeros(len(true), np.bool_)
    kind, guess = true // MANY, found // MANY
    rows, columns = np.nonzero(shared[1:, 1:])
    rows, columns = rows + 1, columns + 1  # the first of each is void
    same = (kind[rows] == guess[columns]) & ~crowd[rows]
    rows, columns = rows[same], columns[same]
    inside = shared[rows, columns]
    iou = inside / (area[rows] + size[columns] - inside - on_void[columns])
    match = iou > 0.5
    rows, columns, iou = rows[match], columns[match], iou[match]
    forgiven = on_void.copy()
    for label in {one // MANY: one for one in truth.crowd}.values():  # the last of each class
        row = np.flatnonzero(true == label)
        if len(row):
            mine = guess == label // MANY
            forgiven[mine] += shared[row[0], mine]
    missed, extra = ~crowd, forgiven <= size / 2
    missed[rows], extra[columns] = False, False
    missed[0], extra[0] = False, False
    table = np.empty((classes, len(PARTS)))
    table[:, 0] = np.bincount(kind[rows], iou, classes)
    for column, kinds in enumerate((kind[rows], guess[extra], kind[missed]), 1):
        table[:, column] = np.bincount(kinds, minlength=classes)
    used = np.flatnonzero(table.any(axis=1))
    return [[k, *row] for k, row in zip(used.tolist(), table[used].tolist(), strict=True)]


def vector(stats: dict[str, Any], classes: int) -> np.ndarray:
    """(K, 4) flattened: sum of IoU, true positives, false positives, false negatives a class."""
    table = np.zeros((classes, len(PARTS)))
    if stats["classes"]:
        rows = np.asarray(stats["classes"], np.float64)
        table[rows[:, 0].astype(np.int64)] = rows[:, 1:]
    return table.ravel()


class PanopticMetric:
    """Accumulator over a split: sums of every class."""

    def __init__(self, names: Sequence[str], things: Sequence[str] = ()) -> None:
        self.names, self.things = tuple(names), tuple(things)
        self.sums = np.zeros(len(self.names) * len(PARTS))

    def update(self, truth: Truth, prediction: np.ndarray | None) -> None:
        """Add one image; None misses everything."""
        classes = len(self.names)
        self.sums += vector(image_stats(truth, prediction, classes), classes)

    def merge(self, other: PanopticMetric) -> None:
        """Add the sums of another accumulator over the same classes."""
        if other.names != self.names:
            raise InputError(f"cannot merge {len(other.names)} classes into other {len(self.names)}")
        self.sums += other.sums

    def compute(self) -> dict[str, float]:
        """See :func:`scores`; NaN where no class occurs."""
        return {name: float(value) for name, value in scores(self.sums, self.names, self.things).items()}


def scores(sums: np.ndarray, names: Sequence[str], things: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """PQ, SQ, RQ (means over the classes that occur), PQ_things, PQ_stuff and PQ/CLASS of sums (..., 4 K).

    SQ and RQ of things and stuff likewise. A class that is neither in the truth nor predicted is left out;
    NaN where none is left.
    """
    iou, tp, fp, fn = np.moveaxis(np.reshape(sums, (*np.shape(sums)[:-1], len(names), 4)), -1, 0)
    counted = tp + fp / 2 + fn / 2
    there = counted > 0
    safe = np.where(there, counted, 1)
    parts = {"PQ": iou / safe, "SQ": iou / np.where(tp > 0, tp, 1), "RQ": tp / safe}
    result = {name: _mean(value, there) for name, value in parts.items()}
    if things:
        thing = np.array([name in things for name in names])
        for suffix, kind in (("things", thing), ("stuff", ~thing)):
            result |= {f"{name}_{suffix}": _mean(value, there & kind) for name, value in parts.items()}
    for position, name in enumerate(names):
        result[f"PQ/{name}"] = np.where(there[..., position], parts["PQ"][..., position], np.nan)
    return result


def _mean(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    count = there.sum(-1)
    return np.where(count > 0, np.where(there, values, 0).sum(-1) / np.maximum(count, 1), np.nan)


def labels_of(ids: np.ndarray, segments: Sequence[tuple[int, int]], where: str = "panoptic") -> np.ndarray:
    """Labels int32 (H, W) from a picture of segment ids int (H, W), 0 = void, and its (id, class) pairs.

    Numbers count from 1 within a class, in the order of ``segments``. InputError: the ids of the picture and
    of the list are not the same.
    """
    known, place = np.unique(ids, return_inverse=True)
    listed = dict(segments)
    missing = [one for one in known.tolist() if one and one not in listed]
    if missing:
        raise InputError(f"{where}: segment {missing[0]} is in the picture but not in the JSON; add it there")
    unseen = sorted(set(listed) - set(known.tolist()))
    if unseen:
        raise InputError(f"{where}: segment {unseen[0]} is in the JSON but not in the picture; remove it")
    number: dict[int, int] = {}
    label = {0: VOID}
    for one, kind in segments:
        number[kind] = number.get(kind, 0) + 1
        if number[kind] >= MANY:
            raise InputError(f"{where}: more than {MANY - 1} segments of class {kind}")
        label[one] = kind * MANY + number[kind]
    return np.array([label[one] for one in known.tolist()], np.int32)[place].reshape(ids.shape)
