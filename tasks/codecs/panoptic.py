"""Panoptic maps: legend colours, and a line in the colour "border" where two things of one class touch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from visiongen.errors import InputError
from visiongen.prompt import BORDER, Legend
from visiongen.resize import nearest_fill
from visiongen.tasks.codecs.base import check_map
from visiongen.tasks.codecs.grouping import compact, parts
from visiongen.tasks.codecs.legend import UNKNOWN, LegendCodec, LegendNearest

MANY = 1000
"""Labels are class position * 1000 + number, as in Cityscapes."""
VOID = -1


@dataclass(frozen=True)
class BorderPanoptic(LegendCodec):
    """Segments: class colours of a legend, things of one class kept apart by a border where they touch.

    ``legend`` may end with an entry named "border"; without it things that touch are one. ``things``:
    the legend's names that are counted. Labels int32 (H, W): position * 1000 + number, numbers from 1 on
    for things, 0 for stuff; -1 is void, painted in the colour farthest from the legend.

    Painting: a thing's pixels less than ``width`` + 1 pixels (chessboard) from another of its class are
    border; a thing that would lose more than half of its pixels so has a thinner border, or none.

    Reading: nearest colour (see LegendNearest for ``temperature`` and ``unknown_distance``). A thing
    class's pixels (4 neighbours) fall into parts. Border pixels go to the nearest thing; those farther
    than 2 ``width`` + 1 from any, and parts of less than ``min_area`` pixels, to the nearest segment.
    Numbers count from the top left. A thing that something else splits in two is read as two.
    """

    things: tuple[str, ...] = ()
    width: int = 2
    min_area: int = 12
    temperature: float = 24.0
    unknown_distance: float | None = None

    name: ClassVar[str] = "panoptic/border@1"
    unit: ClassVar[str] = "class position * 1000 + instance number"
    bound: ClassVar[str] = (
        "exact for stuff; exact but for the numbers' order for connected things of min_area pixels and more "
        "that touch along straight edges and keep a connected inside; else within width pixels of an edge"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.things, str) or not all(isinstance(n, str) for n in self.things):
            raise InputError(f"codec {self.name}: things={self.things!r} must be a list of names")
        object.__setattr__(self, "things", tuple(self.things))
        odd = sorted(set(self.things) - set(self.legend.names) | set(self.things) & {BORDER})
        if odd:
            raise InputError(f"codec {self.name}: thing {odd[0]!r} is no class of the legend; leave it out")
        if BORDER in self.legend.names[:-1]:
            raise InputError(f"codec {self.name}: {BORDER!r} must be the legend's last entry; move it there")
        for key, value in (("width", self.width), ("min_area", self.min_area)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InputError(f"codec {self.name}: {key}={value!r} must be a whole number above 0")
        self._colour_codec  # noqa: B018  (checks its own parameters)

    def spec(self) -> dict[str, Any]:
        """As LegendCodec; things as a list."""
        return super().spec() | {"things": list(self.things)}

    def showing(self, legend: Legend) -> BorderPanoptic:
        """The same reading of some of the entries, in any order; a border among them becomes the last."""
        pairs = sorted(zip(legend.names, legend.colours, strict=True), key=lambda pair: pair[0] == BORDER)
        things = tuple(name for name in self.things if name in legend.names)
        return dataclasses.replace(self, legend=Legend.of(pairs), things=things)

    @cached_property
    def _colour_codec(self) -> LegendNearest:
        return LegendNearest(self.legend, self.temperature, self.unknown_distance)

    @property
    def border(self) -> int | None:
        """Position of the border in the legend."""
        return len(self.legend) - 1 if self.legend.names[-1] == BORDER else None

    @cached_property
    def _is_thing(self) -> np.ndarray:
        """bool (256,) by position."""
        table = np.zeros(256, bool)
        table[[self.legend.names.index(name) for name in self.things]] = True
        return table

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Labels int (H, W), -1 = void -> map; a class or number that cannot be raises InputError."""
        return self._colour_codec.encode(self.positions(labels))

    def positions(self, labels: np.ndarray) -> np.ndarray:
        """Labels int (H, W) -> what is painted: positions in the legend uint8 (H, W), 255 = void."""
        values = self._check(labels)
        classes = np.where(values < 0, UNKNOWN, values // MANY).astype(np.uint8)
        if self.border is not None:
            classes[border_pixels(values, self._is_thing[classes], self.width)] = self.border
        return classes

    def _check(self, labels: np.ndarray) -> np.ndarray:
        values = np.asarray(labels)
        if values.ndim != 2 or values.dtype.kind not in "iu":
            raise InputError(f"panoptic labels: {values.dtype} {values.shape}; give ints (H, W)")
        values = values.astype(np.int64)
        classes = len(self.legend) - (self.border is not None)
        bad = (values < VOID) | (values >= classes * MANY)
        bad |= (values >= 0) & (self._is_thing[np.clip(values // MANY, 0, 255)] != (values % MANY > 0))
        if bad.any():
            raise InputError(
                f"panoptic labels: {int(values[bad][0])} is none of this legend; use position * 1000, plus a "
                "number from 1 on for things alone, or -1 for void"
            )
        return values

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> labels int32 (H, W), -1 = void, and the softmax probability of the colour."""
        classes, confidence = self._colour_codec.decode(check_map(painted))
        return self.group(classes), confidence

    def probabilities(self, painted: np.ndarray) -> np.ndarray:
        """Probabilities float32 (H, W, K) of the legend's entries, border among them."""
        return self._colour_codec.probabilities(painted)

    def group(self, classes: np.ndarray) -> np.ndarray:
        """Positions uint8 (H, W), border among them, 255 = unknown -> labels int32 (H, W)."""
        labels = classes.astype(np.int32) * MANY
        labels[classes == UNKNOWN] = VOID
        holes = np.zeros(classes.shape, bool) if self.border is None else classes == self.border
        for k in np.flatnonzero(self._is_thing):
            mask = classes == k
            if not mask.any():
                continue
            number = _numbered(parts(mask, self.min_area, connectivity=4))
            labels[mask] = k * MANY + number[mask]
            holes |= mask & (number == 0)
        if holes.all():
            return np.full(classes.shape, VOID, np.int32)
        if self.border is not None:  # a border lies inside things, so stuff that is nearer does not count
            free = ~holes & (labels > VOID) & (labels % MANY > 0)
            inside, away = nearest_fill(labels, ~free)
            near = (classes == self.border) & (away <= 2 * self.width + 1) & free.any()
            labels, holes = np.where(near, inside, labels), holes & ~near
        return nearest_fill(labels, holes)[0]


def _numbered(mask: np.ndarray) -> np.ndarray:
    """Connected parts (4 neighbours) of a uint8 mask, numbered from 1 on; at most 999."""
    import cv2

    count, number = cv2.connectedComponents(mask, connectivity=4)
    return np.where(number < MANY, number, 0) if count > MANY else number


def border_pixels(values: np.ndarray, thing: np.ndarray, width: int) -> np.ndarray:
    """bool (H, W): the pixels of things less than ``width`` + 1 from another thing of their class.

    ``values`` int (H, W) = class * 1000 + number, ``thing`` bool (H, W). Where an instance would lose
    more than half of its pixels, its border is thinner.
    """
    border = np.zeros(values.shape, bool)
    if not thing.any():
        return border
    index = compact(values - VOID)[1]
    area = np.bincount(index.ravel())
    open_ = np.ones(len(area), bool)
    for reach in range(width, 0, -1):
        near = _near_another(values, thing, reach)
        fits = 2 * np.bincount(index.ravel(), near.ravel()) <= area
        border |= near & (fits & open_)[index]
        open_ &= ~fits
        if not open_.any():
            break
    return border


def _near_another(values: np.ndarray, thing: np.ndarray, reach: int) -> np.ndarray:
    """bool (H, W): within ``reach`` pixels (chessboard) of another instance of the same class."""
    near = np.zeros(values.shape, bool)
    kind = np.where(thing, values // MANY, VOID)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            if (dy, dx) > (0, 0):
                one, two = _shifted(dy, dx)
                touch = (kind[one] == kind[two]) & (values[one] != values[two]) & thing[one]
                near[one] |= touch
                near[two] |= touch
    return near


def _shifted(dy: int, dx: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Two views of an image, the second ``dy`` rows below and ``dx`` columns right of the first."""
    rows = (slice(max(0, -dy), -dy if dy > 0 else None), slice(max(0, dy), dy if dy < 0 else None))
    columns = (slice(max(0, -dx), -dx if dx > 0 else None), slice(max(0, dx), dx if dx < 0 else None))
    return (rows[0], columns[0]), (rows[1], columns[1])
