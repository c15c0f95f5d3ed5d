"""COCO's mask AP and AR: what pycocotools' ``COCOeval`` computes for "segm", array for array.

One image gives rows that say which thresholds each detection is right and wrong at (:func:`image_stats`);
:class:`CocoMetric` sorts the rows of all images by score and reads precision and recall off them
(pycocotools ``cocoeval.py``, protocol of COCO 2017: IoU .50:.05:.95, 101 recalls, at most 1, 10 and 100
detections of a class in an image, areas all, small < 32^2 <= medium < 96^2 <= large, ends in both).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from visiongen.benchmarks.metrics import matching
from visiongen.benchmarks.metrics.average_precision import Arrays, Table, accumulate, places
from visiongen.benchmarks.metrics.matching import Runs
from visiongen.errors import InputError

AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
MOST = (1, 10, 100)
_RANGES = np.array(list(AREAS.values()))
_AREAS = 255  # masks that rle.area takes at once: it puts their number into 8 bits (pycocotools 2, NumPy 2)


@dataclass(frozen=True)
class Truths:
    """True instances of one image of ``size`` (h, w), in the order of the annotations.

    categories: int (n,), positions in the protocol's ``classes``; masks: compressed COCO RLE; crowd: bool
    (n,); areas: float (n,), pixels as the annotation says. LVIS: categories (positions) that were looked
    for and are not there, and those of which not every instance is annotated.
    """

    size: tuple[int, int]
    categories: np.ndarray
    masks: Sequence[Runs] = field(repr=False)
    crowd: np.ndarray
    areas: np.ndarray
    neg_category_ids: tuple[int, ...] = ()
    not_exhaustive_category_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _check("truths", self.size, self.masks, self.categories, self.crowd, self.areas)

    def found(self) -> Found:
        """The perfect answer: every instance that is no crowd, with score 1."""
        kept = np.flatnonzero(~np.asarray(self.crowd, bool)).tolist()
        masks = [self.masks[i] for i in kept]
        return Found(self.size, np.asarray(self.categories)[kept], masks, np.ones(len(kept)))


@dataclass(frozen=True)
class Found:
    """Detections in one image of ``size`` (h, w): positions of classes int (n,), RLE masks, scores (n,)."""

    size: tuple[int, int]
    categories: np.ndarray
    masks: Sequence[Runs] = field(repr=False)
    scores: np.ndarray

    def __post_init__(self) -> None:
        _check("detections", self.size, self.masks, self.categories, self.scores)
        if not np.isfinite(np.asarray(self.scores, np.float64)).all():
            raise InputError("detections: a score is NaN or infinite; give finite scores")


def _check(what: str, size: tuple[int, int], masks: Sequence[Runs], *columns: np.ndarray) -> None:
    for column in columns:
        if np.shape(column) != (len(masks),):
            raise InputError(f"{what}: {len(masks)} masks, but a column of shape {np.shape(column)}")
    for mask in masks:
        if tuple(mask["size"]) != tuple(size):
            raise InputError(f"{what}: a mask of size {tuple(mask['size'])} in an image of {tuple(size)}")


def encode(masks: np.ndarray) -> list[Runs]:
    """Bool masks (n, H, W) as compressed COCO RLE with text counts (JSON-able)."""
    from pycocotools import mask as rle

    runs = [rle.encode(np.asfortranarray(mask, np.uint8)) for mask in np.asarray(masks)]
    return [{"size": list(one["size"]), "counts": one["counts"].decode("ascii")} for one in runs]


def areas_of(masks: Sequence[Runs]) -> np.ndarray:
    """Pixels of each mask, float64 (n,)."""
    from pycocotools import mask as rle

    parts = [rle.area(list(masks[at : at + _AREAS])) for at in range(0, len(masks), _AREAS)]
    return np.concatenate([np.zeros(0), *parts])


def image_stats(
    truth: Truths, found: Found | None, most: int = MOST[-1], loose: Collection[int] = ()
) -> dict[str, Any]:
    """{"truths": [[class, number of each area], ...], "found": [[class, score, right, wrong, ...], ...]}.

    ``found`` goes by class and falling score, at most ``most`` of a class; its (right, wrong) are bits of
    thresholds for each of ``AREAS``. ``loose``: classes whose unmatched detections are ignored (LVIS).
    """
    wanted = np.asarray(truth.categories, np.int64)
    crowd, areas = np.asarray(truth.crowd, bool), np.asarray(truth.areas, np.float64)
    ignored = crowd | (areas < _RANGES[:, :1]) | (areas > _RANGES[:, 1:])  # (4, n)
    there = np.unique(wanted)
    truths = [[int(k), *(~ignored[:, wanted == k]).sum(1).tolist()] for k in there]
    if found is None or not len(found.masks):
        return {"truths": truths, "found": []}
    if tuple(found.size) != tuple(truth.size):
        raise InputError(f"detections: made for {tuple(found.size)}, the truth is {tuple(truth.size)}")
    kinds, scores = np.asarray(found.categories, np.int64), np.asarray(found.scores, np.float64)
    order = np.lexsort((-scores, kinds))
    order = order[places(kinds[order]) < most]
    kinds, scores = kinds[order], scores[order]
    masks = [found.masks[i] for i in order.tolist()]
    size = areas_of(masks)[:, None]
    free = (size < _RANGES[:, 0]) | (size > _RANGES[:, 1]) | np.isin(kinds, list(loose))[:, None]  # (m, 4)
    bits = np.zeros((len(masks), len(AREAS), 2), np.int64)
    bits[..., 1] = np.where(free, 0, matching.ALL)  # what nothing matches
    for kind in there.tolist():
        first, last = np.searchsorted(kinds, [kind, kind + 1]).tolist()
        if first < last:
            here = np.flatnonzero(wanted == kind)
            iou = matching.overlaps(masks[first:last], [truth.masks[i] for i in here.tolist()], crowd[here])
            _match(iou, ignored[:, here], crowd[here], free[first:last], bits[first:last])
    columns = zip(kinds.tolist(), scores.tolist(), bits.reshape(len(masks), -1).tolist(), strict=True)
    return {"truths": truths, "found": [[kind, score, *each] for kind, score, each in columns]}


def _match(
    iou: np.ndarray, ignored: np.ndarray, crowd: np.ndarray, free: np.ndarray, bits: np.ndarray
) -> None:
    """Write the bits (m, 4, 2) of the detections of one class that have a partner at any threshold."""
    rows, partners = matching.candidates(iou)
    if rows:
        crowds = crowd.tolist()
        for area in range(len(AREAS)):
            loose = free[rows, area].tolist()
            bits[rows, area] = matching.greedy(partners, ignored[area].tolist(), crowds, loose)


class CocoMetric:
    """Accumulator over a split: the order of the images decides between equal scores."""

    most: ClassVar[tuple[int, ...]] = MOST

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self.images: list[dict[str, Any]] = []

    def update(self, truth: Truths, found: Found | None) -> None:
        """Add one image; None finds nothing."""
        self.images.append(image_stats(truth, found, self.most[-1]))

    def merge(self, other: CocoMetric) -> None:
        """Add the images of another accumulator over the same classes, after one's own."""
        if other.classes != self.classes:
            raise InputError(f"cannot merge {other.classes} classes into {self.classes}")
        self.images += other.images

    def arrays(self) -> Arrays:
        """Precision, recall and scores as COCOeval has them."""
        return accumulate(Table.of(self.images, self.classes, len(AREAS)), self.most)

    def compute(self) -> dict[str, float]:
        """The twelve numbers; -1, as pycocotools has it, where one is not defined."""
        return summary(self.arrays())


def mean_defined(values: np.ndarray) -> float:
    """Mean of the values above -1; -1 if there is none."""
    values = values[values > -1]
    return float(np.mean(values)) if values.size else -1.0


def summary(arrays: Arrays) -> dict[str, float]:
    """The twelve numbers that ``COCOeval.summarize`` prints, -1 where one is not defined."""
    precision, recall = arrays.precision, arrays.recall
    values = {"AP": precision[..., 0, -1], "AP50": precision[0, ..., 0, -1], "AP75": precision[5, ..., 0, -1]}
    values |= {f"AP{name[0]}": precision[..., a, -1] for a, name in enumerate(AREAS) if a}
    values |= {f"AR{limit}": recall[..., 0, m] for m, limit in enumerate(MOST)}
    values |= {f"AR{name[0]}": recall[..., a, -1] for a, name in enumerate(AREAS) if a}
    return {name: mean_defined(value) for name, value in values.items()}


def summary_of_classes(ap: np.ndarray, ar: np.ndarray) -> dict[str, np.ndarray]:
    """The same twelve of resamples, each (N,), from AP (N, K, A, T) and recall (N, K, A, M); NaN: none."""
    values = {"AP": ap[:, :, 0].mean(-1), "AP50": ap[:, :, 0, 0], "AP75": ap[:, :, 0, 5]}
    values |= {f"AP{name[0]}": ap[:, :, a].mean(-1) for a, name in enumerate(AREAS) if a}
    values |= {f"AR{limit}": ar[:, :, 0, m] for m, limit in enumerate(MOST)}
    values |= {f"AR{name[0]}": ar[:, :, a, -1] for a, name in enumerate(AREAS) if a}
    return {name: mean_of_classes(value) for name, value in values.items()}


def mean_of_classes(values: np.ndarray) -> np.ndarray:
    """Mean (N,) of values (N, K) over the classes that are not NaN."""
    there = np.isfinite(values)
    total = np.where(there, values, 0).sum(1)
    return np.where(there.any(1), total / np.maximum(there.sum(1), 1), np.nan)
