"""Greedy matching of detections to true instances as COCOeval does it, at ten IoU thresholds at once.

A set of thresholds is ten bits of a whole number: bit t stands for ``THRESHOLDS[t]``. One detection's best
free partner at every threshold is then a few operations on whole numbers, equal to COCOeval's loops
(pycocotools ``COCOeval.evaluateImg``): real instances before ignored ones, the higher IoU first, of equal
ones the later; a crowd can be taken again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

THRESHOLDS = np.linspace(0.5, 0.95, 10)
ALL = (1 << len(THRESHOLDS)) - 1
_LOWEST = np.minimum(THRESHOLDS, 1 - 1e-10)
Runs = dict[str, Any]  # COCO's compressed RLE: {"size": [h, w], "counts": str or bytes}
Match = tuple[int, int]  # thresholds at which a detection is right, and at which it is wrong


def threshold_bits(iou: np.ndarray) -> np.ndarray:
    """Thresholds that each IoU reaches, as bits: int64, the shape of ``iou``."""
    return (1 << np.searchsorted(_LOWEST, iou, side="right").astype(np.int64)) - 1


def spread(bits: np.ndarray) -> np.ndarray:
    """Bits (...) as bool (..., 10)."""
    return (np.asarray(bits)[..., None] >> np.arange(len(THRESHOLDS))) & 1 > 0


def overlaps(found: Sequence[Runs], wanted: Sequence[Runs], crowd: np.ndarray) -> np.ndarray:
    """IoU float64 (found, wanted); with a crowd it is the part of the detection inside."""
    from pycocotools import mask as rle

    if not len(found) or not len(wanted):
        return np.zeros((len(found), len(wanted)))
    return np.asarray(rle.iou(list(found), list(wanted), np.asarray(crowd).astype(int).tolist()))


def candidates(iou: np.ndarray) -> tuple[list[int], list[list[tuple[int, int]]]]:
    """Detections that reach any threshold, and of each the (instance, thresholds), best first.

    Of equal IoUs the later instance comes first.
    """
    rows, columns = np.nonzero(iou >= _LOWEST[0])
    if not len(rows):
        return [], []
    values = iou[rows, columns]
    order = np.lexsort((-columns, -values, rows))
    parts = [rows[order].tolist(), columns[order].tolist(), threshold_bits(values[order]).tolist()]
    lists: dict[int, list[tuple[int, int]]] = {}
    for row, column, reached in zip(*parts, strict=True):
        lists.setdefault(row, []).append((column, reached))
    return list(lists), list(lists.values())


def greedy(
    partners: Sequence[Sequence[tuple[int, int]]],
    ignored: Sequence[bool],
    crowd: Sequence[bool],
    loose: Sequence[bool],
) -> list[Match]:
    """(right, wrong) of every detection; at a threshold in neither it is ignored.

    partners: as :func:`candidates` gives them, of detections by falling score; ignored, crowd: of each
    true instance; loose: detections that are ignored where nothing matches (their area is out of range).
    """
    taken = [0] * len(ignored)
    result = []
    for order, free in zip(partners, loose, strict=True):
        left, right, skipped = ALL, 0, 0
        if len(order) > 1:
            order = [one for one in order if not ignored[one[0]]] + [one for one in order if ignored[one[0]]]
        for instance, reached in order:
            take = reached & left
            if not crowd[instance]:
                take &= ~taken[instance]
            taken[instance] |= take
            left &= ~take
            if ignored[instance]:
                skipped |= take
            else:
                right |= take
        result.append((right, 0 if free else left))
    return result
