"""Large photos: overlapping tiles, blended in label space, one tile's canvas at a time.

Only the rows that a row of tiles covers are held as averages; finished rows are hardened into
labels at once, so memory grows with the labels, not with classes x pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from visiongen.backbones.base import Canvas, DecodeStats
from visiongen.geometry import Geometry
from visiongen.prompt import Prompt
from visiongen.resize import nearest_index
from visiongen.tasks.base import Prediction, Task
from visiongen.tasks.orders import Orders
from visiongen.units import PATCH

OVERLAP = 0.25
_ROWS = 32
_MANY = 64  # beyond this many channels the averages are kept in half precision


@dataclass(frozen=True)
class Span:
    """One tile along one axis: pixels [start, stop)."""

    start: int
    stop: int


def spans(length: int, tile: int, overlap: float = OVERLAP) -> list[Span]:
    """Cover ``length`` with tiles at multiples of 8; all in pixels, all multiples of 8.

    Neighbours overlap by at least ``overlap`` x tile: a tile of 8 pixels, which could not, is made 16.
    """
    tile = min(max(tile, 2 * PATCH), length)
    step = max(PATCH, int(tile * (1 - overlap)) // PATCH * PATCH)
    count = 1 + -(-(length - tile) // step)
    at = [round((length - tile) * i / max(1, count - 1) / PATCH) * PATCH for i in range(count)]
    return [Span(a, a + tile) for a in at]


def feather(span: Span, length: int, overlap: float = OVERLAP) -> np.ndarray:
    """Weights float32 (tile,): 1 inside, falling linearly over the overlap, never zero."""
    tile = span.stop - span.start
    ramp = max(1.0, tile * overlap)
    at = np.arange(tile) + 0.5
    left = np.ones(tile) if span.start == 0 else np.minimum(1, at / ramp)
    right = np.ones(tile) if span.stop == length else np.minimum(1, (tile - at) / ramp)
    return np.minimum(left, right).astype(np.float32)


@dataclass
class Blend:
    """Averages of one task for the open rows, and labels and map of the finished ones."""

    task: Task
    prompt: Prompt
    size: tuple[int, int]
    whole: np.ndarray
    top: int = 0
    map: np.ndarray = field(init=False)
    confidence: np.ndarray = field(init=False)
    labels: np.ndarray | None = None

    def __post_init__(self) -> None:
        channels = self.whole.shape[2]
        kind = np.float32 if channels <= _MANY else np.float16
        self.codec = self.task.codec(self.prompt.legend)
        self.map = np.empty((*self.size, 3), np.uint8)  # painted anew: it is to decode to the labels
        self.confidence = np.empty(self.size, np.float32)
        self.sums = np.zeros((0, self.size[1], channels), kind)
        self.rest = np.zeros((0, self.size[1], 2), np.float32)  # weight, weighted confidence

    def open_to(self, stop: int) -> None:
        """Make room for rows up to ``stop``."""
        more = stop - self.top - len(self.sums)
        if more > 0:
            self.sums = _grow(self.sums, more)
            self.rest = _grow(self.rest, more)

    def add(self, row: Span, column: Span, canvas: Canvas, weight: np.ndarray) -> None:
        """Add one tile's canvas with weights (h, w)."""
        values, confidence = self.task.soften(canvas.image, self.codec)
        if canvas.confidence is not None:
            confidence = confidence * canvas.confidence
        values = self.task.align(values, self._region(row, column))
        place = np.s_[row.start - self.top : row.stop - self.top, column.start : column.stop]
        self.sums[place] += values * weight[..., None]
        self.rest[place] += np.stack([weight, weight * confidence], axis=2)

    def _region(self, row: Span, column: Span) -> np.ndarray:
        """The whole photo's values (from one small painting) where this tile lies."""
        rows = nearest_index(self.size[0], self.whole.shape[0])[row.start : row.stop]
        columns = nearest_index(self.size[1], self.whole.shape[1])[column.start : column.stop]
        return self.whole[rows][:, columns]

    def close_to(self, stop: int) -> None:
        """Harden the rows up to ``stop``, a few at a time, and forget their averages."""
        count = stop - self.top
        for start in range(0, count, _ROWS):
            self._harden(start, min(start + _ROWS, count))
        self.sums, self.rest = self.sums[count:].copy(), self.rest[count:].copy()
        self.top = stop

    def _harden(self, start: int, stop: int) -> None:
        """Labels, map and confidence of the open rows [start, stop)."""
        weight = self.rest[start:stop, :, :1]
        mean = self.sums[start:stop] / weight
        labels, factor = self.task.harden(mean)
        if self.labels is None:
            self.labels = np.empty((*self.size, *labels.shape[2:]), labels.dtype)
        place = slice(self.top + start, self.top + stop)
        self.labels[place] = labels
        if self.task.by_rows:
            self.map[place] = self.task.repaint(mean, self.codec)[0]
        self.confidence[place] = factor * self.rest[start:stop, :, 1] / weight[..., 0]


def _grow(array: np.ndarray, rows: int) -> np.ndarray:
    """``array`` with ``rows`` rows of zeros below it."""
    return np.concatenate([array, np.zeros((rows, *array.shape[1:]), array.dtype)])


def paint_tiles(
    photo: np.ndarray, rows: Sequence[Span], columns: Sequence[Span], orders: Orders
) -> Iterator[tuple[Span, Span, list[Canvas]]]:
    """Paint every tile from the top left, by random numbers of its own; each is read once for all prompts."""
    for row in rows:
        for column in columns:
            own = orders.at(row.start, column.start)
            yield row, column, own.paint(photo[row.start : row.stop, column.start : column.stop])


def predict_tiles(
    orders: Orders,
    photo: np.ndarray,
    long_side: int,
    whole_side: int | None = None,
    photo_name: str | None = None,
) -> list[Prediction]:
    """Predict a large photo by tiles of ``long_side``; one prediction a task.

    The photo is first painted once as a whole (it gives tiles of depth their common scale), then
    at ``whole_side`` (None: its own size, up to a multiple of 8) in overlapping tiles.
    """
    small = Geometry.fit(photo.shape[:2], long_side)
    geometry = Geometry.fit(photo.shape[:2], whole_side or max(photo.shape[:2]))
    first = orders.paint(orders.look(photo, small))
    large = orders.look(photo, geometry)
    height, width = geometry.work_size
    blends = []
    for task, prompt, canvas in zip(orders.tasks, orders.prompts, first, strict=True):
        whole, _ = task.soften(canvas.image, task.codec(prompt.legend))
        blends.append(Blend(task, prompt, geometry.work_size, whole))
    rows, columns = spans(height, small.work_size[0]), spans(width, small.work_size[1])
    totals = [[canvas.stats] for canvas in first]
    for row, column, canvases in paint_tiles(large, rows, columns, orders):
        weight = np.outer(feather(row, height), feather(column, width))
        for blend, canvas, total in zip(blends, canvases, totals, strict=True):
            if column is columns[0]:
                blend.close_to(row.start)
                blend.open_to(row.stop)
            blend.add(row, column, canvas, weight)
            total.append(canvas.stats)
    return [_finish(blend, geometry, photo_name, total) for blend, total in zip(blends, totals, strict=True)]


def _finish(
    blend: Blend, geometry: Geometry, photo_name: str | None, parts: Sequence[DecodeStats]
) -> Prediction:
    """Close the last rows, undo the resize, add up the costs."""
    blend.close_to(blend.size[0])
    assert blend.labels is not None
    labels = blend.task.gather(blend.labels, blend.codec)
    painted = blend.map if blend.task.by_rows else blend.task.encode(labels, blend.codec)
    result = blend.task.build(labels, blend.confidence, painted, geometry, blend.prompt, photo_name)
    result.stats = DecodeStats.sum(parts).to_json() | {"tiles": len(parts) - 1}
    return result
