"""What can be said of the things in a frame: a few numbers each, measured on the exact maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from visiongen.world.classes import THING_NAMES

SPECK = 3e-4
"""Share of the picture below which a thing is no visible thing."""

FLUSH = 0.06
"""Step of ln depth up to which one thing touches the other; more, and the nearer one hides it."""

COLOURS = (
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "beige", "black", "gray",
    "white",
)  # fmt: skip
# Hue bounds in degrees of the seven coloured names; pink is pale or bright red to magenta, brown dark orange.
_HUES = ((0, 14, "red"), (14, 42, "orange"), (42, 68, "yellow"), (68, 168, "green"), (168, 258, "blue"),
         (258, 292, "purple"), (292, 342, "pink"), (342, 360, "red"))  # fmt: skip


@dataclass(frozen=True)
class Things:
    """The N visible things of a frame of (H, W) pixels, in the order of their ids.

    ``ids`` int; ``names`` N class names; ``area`` pixels; ``x``, ``y`` centre as a share of width and
    height; ``box`` int (N, 4): x0, y0, x1, y1, the last ones outside; ``sure`` and ``maybe`` float
    (N, colours): share of a thing's pixels that surely, or perhaps, have each of COLOURS; ``depth`` metres
    (N, 3): 20, 50 and 80 % quantiles; ``rests`` float (N, N): share of the lower outline of i where j is
    below it at the same depth; ``hidden`` float (N,): share of it that something nearer hides, or the
    lower edge of the picture. The last three are None where the depth is unknown.
    """

    ids: np.ndarray
    names: tuple[str, ...]
    area: np.ndarray
    x: np.ndarray
    y: np.ndarray
    box: np.ndarray
    sure: np.ndarray
    maybe: np.ndarray
    depth: np.ndarray | None
    rests: np.ndarray | None
    hidden: np.ndarray | None
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.ids)


def measure(
    instance: np.ndarray,
    classes: np.ndarray,
    names: Sequence[str],
    base_colour: np.ndarray,
    depth: np.ndarray | None = None,
) -> Things:
    """Measure the things of a frame.

    ``instance`` int (H, W); ``classes`` (H, W) into ``names``; ``base_colour`` uint8 sRGB (H, W, 3);
    ``depth`` metres (H, W). Which classes are things: visiongen.world.classes.
    """
    height, width = instance.shape
    ids, index = _visible(instance, classes, names)
    count = len(ids)
    flat = index.ravel()
    there = flat >= 0
    member = flat[there]
    area = np.bincount(member, minlength=count)
    ys, xs = np.divmod(np.flatnonzero(there), width)
    x = (np.bincount(member, xs, count) / area + 0.5) / width
    y = (np.bincount(member, ys, count) / area + 0.5) / height
    first = np.zeros(count, np.int64)
    first[member[::-1]] = classes.ravel()[there][::-1]
    sure, maybe = colour_shares(base_colour.reshape(-1, 3)[there], member, area)
    far, rests, hidden = None, None, None
    if depth is not None:
        far = _quantiles(depth.ravel()[there], member, area)
        rests, hidden = _supports(index, depth, count)
    kinds = tuple(names[int(k)] for k in first)
    box = _boxes(xs, ys, member, count)
    return Things(ids, kinds, area, x, y, box, sure, maybe, far, rests, hidden, (height, width))


def _visible(
    instance: np.ndarray, classes: np.ndarray, names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Ids of the visible things, and int (H, W) the place of each pixel's thing among them, -1 for none."""
    thing = np.zeros(256, bool)
    thing[[k for k, name in enumerate(names) if name in THING_NAMES]] = True
    numbers = np.where(thing[classes], instance, 0)
    area = np.bincount(numbers.ravel())
    area[0] = 0
    ids = np.flatnonzero(area >= max(1.0, SPECK * instance.size))
    place = np.full(len(area), -1, np.int64)
    place[ids] = np.arange(len(ids))
    return ids, place[numbers]


def _boxes(xs: np.ndarray, ys: np.ndarray, member: np.ndarray, count: int) -> np.ndarray:
    """x0, y0, x1, y1 of each thing, int (N, 4)."""
    box = np.empty((count, 4), np.int64)
    for column, values in ((0, xs), (1, ys)):
        box[:, column] = np.iinfo(np.int64).max
        box[:, column + 2] = 0
        np.minimum.at(box[:, column], member, values)
        np.maximum.at(box[:, column + 2], member, values + 1)
    return box


def _quantiles(values: np.ndarray, member: np.ndarray, area: np.ndarray) -> np.ndarray:
    """The 20, 50 and 80 % quantiles (lower ones) of each thing's values, (N, 3)."""
    order = np.lexsort((values, member))
    start = np.cumsum(area) - area
    return np.stack([values[order][start + ((area - 1) * q).astype(int)] for q in (0.2, 0.5, 0.8)], axis=1)


def _supports(index: np.ndarray, depth: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """What lies under the lower outline of every thing: (rests, hidden) of Things."""
    above, below = index[:-1], index[1:]
    edge = (above != below) & (above >= 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        step = np.log(depth[:-1] / depth[1:])
    cut = np.bincount(index[-1][index[-1] >= 0], minlength=count)
    total = np.maximum(np.bincount(above[edge], minlength=count) + cut, 1)
    nearer = np.bincount(above[edge & (step > FLUSH)], minlength=count)
    pair = edge & (below >= 0) & (abs(step) <= FLUSH)
    code = above[pair] * count + below[pair]
    rests = np.bincount(code, minlength=count * count).reshape(count, count) / total[:, None]
    return rests, (nearer + cut) / total


# --- colours ----------------------------------------------------------------------------------


def colour_shares(pixels: np.ndarray, member: np.ndarray, area: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of each thing's pixels (uint8 sRGB (P, 3)) that surely and perhaps has each colour name."""
    table = colour_table()
    shift = pixels >> 3
    masks = table[shift[:, 0], shift[:, 1], shift[:, 2]]
    count = len(area)
    sure, maybe = np.zeros((count, len(COLOURS))), np.zeros((count, len(COLOURS)))
    for k in range(len(COLOURS)):
        for shares, bit in ((sure, 2 * k), (maybe, 2 * k + 1)):
            shares[:, k] = np.bincount(member, (masks >> bit) & 1, count) / area
    return sure, maybe


@cache
def colour_table() -> np.ndarray:
    """Bits of every colour at 5 bits a channel, uint32 (32, 32, 32): 2k surely, 2k + 1 perhaps COLOURS[k].

    "Surely": the colour and all of its neighbourhood (7 degrees of hue, 0.06 of saturation and value)
    have the name; "perhaps": something of its neighbourhood has.
    """
    levels = (np.arange(32, dtype=np.float32) + 0.5) / 32
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(1, -1, 3)
    hue, saturation, value = np.moveaxis(cv2.cvtColor(grid, cv2.COLOR_RGB2HSV)[0], 1, 0)
    every, some = np.full(hue.shape, 2**32 - 1, np.uint32), np.zeros(hue.shape, np.uint32)
    for dh in (-7, 0, 7):
        for ds in (-0.06, 0, 0.06):
            for dv in (-0.06, 0, 0.06):
                found = np.left_shift(np.uint32(1), _name(hue + dh, saturation + ds, value + dv))
                every, some = every & found, some | found
    bits = np.zeros(hue.shape, np.uint32)
    for k in range(len(COLOURS)):
        bits |= ((every >> k) & 1) << (2 * k) | ((some >> k) & 1) << (2 * k + 1)
    return bits.reshape(32, 32, 32)


def _name(hue: np.ndarray, saturation: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Place in COLOURS of colours given as hue (degrees), saturation and value in [0, 1]."""
    hue = np.mod(hue, 360)
    place = np.zeros(hue.shape, np.uint32)
    for low, high, name in _HUES:
        place[(hue >= low) & (hue < high)] = COLOURS.index(name)
    pale = (hue >= 14) & (hue < 58) & (saturation < 0.45)
    place[pale] = COLOURS.index("beige")
    place[(hue >= 14) & (hue < 42) & (value < 0.68)] = COLOURS.index("brown")
    place[(hue < 14) & (value < 0.45) & (saturation < 0.6)] = COLOURS.index("brown")
    place[((hue >= 342) | (hue < 14)) & (saturation < 0.5) & (value > 0.7)] = COLOURS.index("pink")
    gray = saturation < np.where(value < 0.35, 0.25, 0.14)
    place[gray] = COLOURS.index("gray")
    place[gray & (value > 0.82)] = COLOURS.index("white")
    place[value < 0.2] = COLOURS.index("black")
    return place
