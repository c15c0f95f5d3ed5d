"""Panoptic quality (arXiv 1801.00868), as panopticapi computes it, without crowds.

Truth and prediction are int (H, W, 2): class and instance of every pixel. A segment is a pair (class,
instance); a class outside 0..K-1 (255, negative) is void. A predicted and a true segment of one class match
when their IoU exceeds .5; void pixels of the truth do not count in the union. An unmatched prediction is
dropped when more than half of it lies on void, else it is a false positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from visiongen.errors import InputError

PARTS = ("iou", "tp", "fp", "fn")
_VOID = np.int64(-1)


def image_stats(truth: np.ndarray, prediction: np.ndarray | None, classes: int) -> dict[str, Any]:
    """{"classes": [[class, sum of IoU, tp, fp, fn], ...]} of one image; ``None``: every segment missed.

    InputError: shapes differ, or are not (H, W, 2).
    """
    truth = np.asarray(truth)
    given = np.full_like(truth, -1) if prediction is None else np.asarray(prediction)
    for name, array in (("truth", truth), ("prediction", given)):
        if array.ndim != 3 or array.shape[2] != 2 or array.shape != truth.shape:
            raise InputError(f"panoptic {name}: shape {array.shape}, expected {(*truth.shape[:2], 2)}")
    table = np.zeros((classes, len(PARTS)))
    wanted, found = _segments(truth, classes), _segments(given, classes)
    pairs, overlap = np.unique(np.stack([wanted.ravel(), found.ravel()], 1), axis=0, return_counts=True)
    area = [dict(zip(*np.unique(ids, return_counts=True), strict=True)) for ids in (wanted, found)]
    on_void = {int(f): int(n) for (w, f), n in zip(pairs, overlap, strict=True) if w == _VOID}
    matched: tuple[set[int], set[int]] = (set(), set())
    for (w, f), shared in zip(pairs.tolist(), overlap.tolist(), strict=True):
        if w == _VOID or f == _VOID or w % classes != f % classes:
            continue
        iou = shared / (area[0][w] + area[1][f] - shared - on_void.get(f, 0))
        if iou > 0.5:
            matched[0].add(w)
            matched[1].add(f)
            table[w % classes, :2] += iou, 1
    for w in set(area[0]) - matched[0] - {_VOID}:
        table[w % classes, 3] += 1
    for f in set(area[1]) - matched[1] - {_VOID}:
        table[f % classes, 2] += on_void.get(int(f), 0) <= area[1][f] / 2
    return {"classes": [[int(k), *map(float, table[k])] for k in np.flatnonzero(table.any(axis=1))]}


def _segments(labels: np.ndarray, classes: int) -> np.ndarray:
    """One number a segment, int64 (H, W): instance * K + class; -1 for void. NaN is void."""
    clean = np.nan_to_num(np.asarray(labels, np.float64), nan=-1, posinf=-1, neginf=-1).astype(np.int64)
    kind, instance = clean[..., 0], clean[..., 1]
    legal = (kind >= 0) & (kind < classes)
    return np.where(legal, np.maximum(instance, 0) * classes + kind, _VOID)


def vector(stats: dict[str, Any], classes: int) -> np.ndarray:
    """(K, 4) flattened: sum of IoU, true positives, false positives, false negatives a class."""
    table = np.zeros((classes, len(PARTS)))
    for kind, *parts in stats["classes"]:
        table[kind] = parts
    return table.ravel()


def scores(sums: np.ndarray, names: Sequence[str], things: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """PQ, SQ, RQ (means over the classes that occur), PQ_things, PQ_stuff and PQ/CLASS of sums (..., 4 K).

    A class that is neither in the truth nor predicted is left out; NaN where none is left.
    """
    iou, tp, fp, fn = np.moveaxis(np.reshape(sums, (*np.shape(sums)[:-1], len(names), 4)), -1, 0)
    counted = tp + fp / 2 + fn / 2
    there = counted > 0
    safe = np.where(there, counted, 1)
    pq, rq = iou / safe, tp / safe
    sq = iou / np.where(tp > 0, tp, 1)
    thing = np.array([name in things for name in names])
    result = {"PQ": _mean(pq, there), "SQ": _mean(sq, there), "RQ": _mean(rq, there)}
    if things:
        result["PQ_things"] = _mean(pq, there & thing)
        result["PQ_stuff"] = _mean(pq, there & ~thing)
    for position, name in enumerate(names):
        result[f"PQ/{name}"] = np.where(there[..., position], pq[..., position], np.nan)
    return result


def _mean(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    count = there.sum(-1)
    return np.where(count > 0, np.where(there, values, 0).sum(-1) / np.maximum(count, 1), np.nan)
