"""Example pairs (photo, map): reading them, what their colours are, and how to decode their like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from visiongen.errors import InputError, UsageError
from visiongen.geometry import Geometry
from visiongen.image import Photo, as_photo
from visiongen.prompt import MAX_EXAMPLES, Example, Legend, Prompt
from visiongen.resize import resize_nearest, resize_photo
from visiongen.tasks.base import Task
from visiongen.tasks.codecs.base import Codec, difference, read_map_png
from visiongen.tasks.codecs.gray import AlphaGray
from visiongen.tasks.codecs.image import RgbImage
from visiongen.tasks.codecs.legend import LegendCodec, LegendNearest, nearest_colours, squared_distances
from visiongen.tasks.codecs.panoptic import BorderPanoptic
from visiongen.tasks.returned import codec_named, has_spec
from visiongen.unnamed import TEXT, by_area, unnamed_legend

Picture = Photo
SIDE = 128  # longer side of the examples in pixels, as in training
MOST = 32  # flat colours; a map with more is taken for a continuous one
TOLERANCE = 24.0  # colour levels: nearer colours are the same one
_EXACT, _FLAT, _SPECK = 10.0, 0.9, 0.002


@dataclass(frozen=True, eq=False)
class Pairs:
    """1 to 4 pairs as the backbone reads them, small and of one size.

    ``legend`` (None: the maps are continuous) holds unnamed entries, the largest last; ``codec`` reads
    maps of their kind: for flat maps the nearest colour, under names where the maps had them, and
    segments with the things that they show where they are panoptic (its border is then the last entry).
    """

    examples: tuple[Example, ...]
    legend: Legend | None
    codec: Codec


def read_pairs(
    pairs: Sequence[tuple[Picture, Picture]],
    codec: Codec | str | None = None,
    tolerance: float = TOLERANCE,
) -> Pairs:
    """Read pairs of files or arrays uint8 (H, W, 3).

    A map that visiongen wrote says itself what it is painted with. Others are read with ``codec`` (an
    object or a registered name); without it, a map of at most 32 flat colours (``tolerance`` levels
    apart, soft borders allowed) is a legend without names, and any other is a picture. A map may be
    smaller than its photo if it has its shape. UsageError: no pair, more than 4, or pairs that were
    painted differently; InputError: a file that cannot be read, or sizes that do not fit.
    """
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not tolerance >= 0:
        raise UsageError(f"tolerance {tolerance!r}: give a number of colour levels from 0")
    if isinstance(codec, str):
        codec = codec_named(codec)
    photos, maps = [], []
    for number, pair in enumerate(_checked(pairs), 1):
        photo, painted, found = _read(pair[0], pair[1], number)
        if found is not None and codec is not None and found.spec() != codec.spec():
            words = difference(found, codec)
            raise UsageError(f"example {number}: painted with {words}; all examples need one codec")
        codec = found or codec
        photos.append(photo)
        maps.append(painted)
    colours = _colours(maps, codec, tolerance)
    size = Geometry.fit(photos[0].shape[:2], SIDE).work_size
    small = [resize_nearest(painted, size) for painted in maps]
    if colours is not None:
        small = [snap(painted, colours) for painted in small]
    examples = tuple(Example(resize_photo(p, size), m) for p, m in zip(photos, small, strict=True))
    if colours is None:
        return Pairs(examples, None, codec or RgbImage())
    kept, legend = _legend(colours, small)
    return Pairs(examples, legend, _reading(codec, kept, legend))


def _checked(pairs: Sequence[tuple[Picture, Picture]]) -> Sequence[tuple[Picture, Picture]]:
    """``pairs`` themselves; UsageError for no pair, too many, or what is none."""
    if not isinstance(pairs, tuple | list):
        raise UsageError(f"examples {pairs!r}: give a list of pairs (photo, map)")
    if not pairs:
        raise UsageError(f"examples: none given; give 1 to {MAX_EXAMPLES} pairs (photo, map)")
    if len(pairs) > MAX_EXAMPLES:
        raise UsageError(f"examples: {len(pairs)} given; at most {MAX_EXAMPLES} pairs are read")
    for number, pair in enumerate(pairs, 1):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise UsageError(f"example {number}: give a pair (photo, map)")
    return pairs


def show_examples(
    tasks: Sequence[Task], prompts: Sequence[Prompt], pairs: Sequence[tuple[Picture, Picture]], named: bool
) -> tuple[list[Task], list[Prompt]]:
    """The tasks, and the prompts with the examples instead of words; ``incontext`` has them already.

    Maps of a task with a legend are brought to its colours: what a map calls by one of the legend's names
    takes that colour, all else the nearest one. Unless the caller ``named`` a legend it is the one that the
    maps hold. The task may take more from them (``Task.shown``). Other maps must be of the task's own codec
    (UsageError).
    """
    shown = [
        (task, prompt) if prompt.examples else _shown(task, prompt, pairs, named)
        for task, prompt in zip(tasks, prompts, strict=True)
    ]
    return [task for task, _ in shown], [prompt for _, prompt in shown]


def _shown(
    task: Task, prompt: Prompt, pairs: Sequence[tuple[Picture, Picture]], named: bool
) -> tuple[Task, Prompt]:
    if not task.uses_legend:
        found = read_pairs(pairs, task.codec_of(prompt))
        return task, replace(prompt, text=TEXT, examples=found.examples)
    if not named:
        found = read_pairs(pairs)
        if not isinstance(found.codec, LegendCodec):
            raise UsageError(f"examples: {task.name} needs maps of flat colours, these vary smoothly")
        legend = found.codec.legend
        return task.shown(found.codec), replace(prompt, text=TEXT, legend=legend, examples=found.examples)
    assert prompt.legend is not None
    brought = []
    for number, (photo, painted) in enumerate(_checked(pairs), 1):
        photo, painted, codec = _read(photo, painted, number)
        brought.append((photo, _in_legend(painted, codec, prompt.legend)))
        if isinstance(codec, BorderPanoptic):
            codec = codec.showing(prompt.legend)
        if isinstance(codec, LegendCodec):
            task = task.shown(codec)
    return task, replace(prompt, text=TEXT, examples=read_pairs(brought, task.codec_of(prompt)).examples)


def _read(photo: Picture, painted: Picture, number: int) -> tuple[np.ndarray, np.ndarray, Codec | None]:
    """One pair as arrays, and the codec written in the map."""
    where = f"example {number}"
    codec = None
    if isinstance(painted, (str, Path)) and has_spec(painted):
        painted, codec = read_map_png(painted)
    photo, painted = as_photo(photo, where), as_photo(painted, where)
    (h, w), (high, wide) = photo.shape[:2], painted.shape[:2]
    work = Geometry.fit((h, w), max(high, wide)).work_size
    if abs(high * w - wide * h) > 0.03 * wide * h and work != (high, wide):
        raise InputError(
            f"{where}: the photo is {w}x{h}, its map {wide}x{high}; the map must have the photo's shape"
        )
    return photo, painted, codec


def _colours(maps: Sequence[np.ndarray], codec: Codec | None, tolerance: float) -> np.ndarray | None:
    """The flat colours (K, 3) of the maps; None where colours vary smoothly."""
    own = _own_legend(codec)
    if own is not None:
        return own.array()
    if isinstance(codec, AlphaGray):  # every example with a legend that painters were trained on is flat
        return np.array([[255, 255, 255], [0, 0, 0]], np.uint8)
    return flat_colours(maps, tolerance) if codec is None else None


def flat_colours(maps: Sequence[np.ndarray], tolerance: float = TOLERANCE) -> np.ndarray | None:
    """The colours uint8 (K, 3) of flat maps, the most frequent first; None if they are not flat.

    Flat: at least 90 % of the pixels lie within 10 levels of one of at most 32 colours that are
    ``tolerance`` apart. The rest are soft borders: a colour of less than 0.2 % is one, and so is a mix
    of two more frequent colours that is nowhere 3 pixels wide.
    """
    codes = np.concatenate([_codes(painted) for painted in maps])
    found, counts = np.unique(codes, return_counts=True)
    order = np.argsort(-counts, kind="stable")[: 1 << 14]  # of a photo the rarest colours matter least
    counts = counts[order]
    rows = found[order][:, None] // np.array([1 << 16, 1 << 8, 1]) % 256
    chosen: list[np.ndarray] = []
    covered, free = 0, np.ones(len(rows), bool)
    while free.any() and len(chosen) < MOST:
        first = rows[np.flatnonzero(free)[0]]
        distance = squared_distances(rows, first[None])[:, 0]
        size = counts[free & (distance <= tolerance**2)].sum()
        if size < _SPECK * len(codes) and chosen:
            free &= distance > tolerance**2
            continue
        covered += int(counts[free & (distance <= _EXACT**2)].sum())
        free &= distance > tolerance**2
        chosen.append(first)
    if covered < _FLAT * len(codes):
        return None
    colours = np.array(chosen, np.uint8)
    mixes = [i for i in range(2, len(colours)) if _is_mix(colours[i], colours[:i])]
    if not mixes:
        return colours
    thin = _thin(maps, colours)
    return np.delete(colours, [i for i in mixes if thin[i]], axis=0)


def _codes(painted: np.ndarray) -> np.ndarray:
    """Every pixel's colour as one number uint32 (H * W,): red * 256^2 + green * 256 + blue."""
    red, green, blue = (painted[..., i].ravel().astype(np.uint32) for i in range(3))
    return (red << 16) | (green << 8) | blue


def _is_mix(colour: np.ndarray, others: np.ndarray) -> bool:
    """Whether a colour lies between two of the others (K, 3), up to 24 levels beside the line."""
    first, second = np.triu_indices(len(others), 1)
    start = others[first].astype(np.float64)
    along = others[second] - start
    at = ((colour - start) * along).sum(axis=1) / (along**2).sum(axis=1)
    gap = np.linalg.norm(colour - start - at[:, None] * along, axis=1)
    return bool(((gap < TOLERANCE) & (at > 0) & (at < 1)).any())


def _thin(maps: Sequence[np.ndarray], colours: np.ndarray) -> np.ndarray:
    """Whether hardly a pixel of a colour has only pixels of that colour around it; bool (K,)."""
    import cv2

    square, kinds = np.ones((3, 3), np.uint8), len(colours)
    area, inside = np.zeros(kinds), np.zeros(kinds)
    for painted in maps:
        places = nearest_colours(painted, colours)
        area += np.bincount(places.ravel(), minlength=kinds)
        alike = cv2.erode(places, square) == cv2.dilate(places, square)
        inside += np.bincount(places[alike], minlength=kinds)
    return inside < 0.02 * area


def snap(painted: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """A map with every pixel in the nearest of ``colours`` (K, 3)."""
    return colours[nearest_colours(painted, colours)]


def _in_legend(painted: np.ndarray, codec: Codec | None, legend: Legend) -> np.ndarray:
    """A map in the colours of ``legend``: by name where ``codec``'s own legend has it, else the nearest."""
    own, colours = _own_legend(codec), legend.array()
    if own is None:
        return snap(painted, colours)
    table = snap(own.array()[None], colours)[0]
    for place, name in enumerate(own.names):
        if name in legend.names:
            table[place] = colours[legend.names.index(name)]
    return table[nearest_colours(painted, own.array())]


def _legend(colours: np.ndarray, maps: Sequence[np.ndarray]) -> tuple[np.ndarray, Legend]:
    """The places of the colours that the small maps show, and the legend of them."""
    places = [nearest_colours(painted, colours).ravel() for painted in maps]
    counts = np.bincount(np.concatenate(places), minlength=len(colours))
    order = by_area(counts)
    kept = order[counts[order] > 0]
    return kept, unnamed_legend(colours[kept])


def _reading(codec: Codec | None, kept: np.ndarray, legend: Legend) -> Codec:
    """How maps in the colours of ``legend`` are read; ``kept``: its entries' places in the codec's."""
    if isinstance(codec, AlphaGray):
        return codec
    own = _own_legend(codec)
    if own is None:
        return LegendNearest(legend)
    named = Legend(tuple(own.names[i] for i in kept), legend.colours)
    return codec.showing(named) if isinstance(codec, BorderPanoptic) else LegendNearest(named)


def _own_legend(codec: Codec | None) -> Legend | None:
    """The legend of a codec that has one, other painters' palettes among them."""
    legend: Legend | None = getattr(codec, "legend", None)
    return legend
