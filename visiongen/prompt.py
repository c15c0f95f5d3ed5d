"""What the backbone is asked to paint: an instruction and, for segmentation, a legend.

Colours belong to the prompt, never to the weights: a legend may use any names and any colours.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from visiongen.errors import UsageError
from visiongen.units import PATCH

Colour = tuple[int, int, int]
_HEX = re.compile(r"^#([0-9a-fA-F]{6})$")
PHOTO = "image"  # the task whose answer is a photo
OTHER = "other"  # what a legend calls the rest
BORDER = "border"  # and the line between two things of one class that touch
MAX_LEGEND = 256
MAX_EXAMPLES = 4
MAX_BYTES = 96  # of an instruction or a name, in UTF-8: what the painter reads of it
MAX_PHRASE = 60  # bytes of the phrase that the task referring takes
LegendLike: TypeAlias = "Legend | str | Mapping[str, Any] | Iterable[tuple[str, Any]]"
"""What ``Legend.given`` takes: a legend, "road=#804080,...", a mapping name -> colour, or pairs."""


def parse_colour(value: object, where: str = "colour") -> Colour:
    """Turn ``"#rrggbb"`` or three numbers 0-255 into a colour; anything else raises UsageError."""
    if isinstance(value, str):
        match = _HEX.match(value.strip())
        if not match:
            raise UsageError(f"{where}: {value!r} is not a colour; write it as #rrggbb")
        number = int(match.group(1), 16)
        return (number >> 16, (number >> 8) & 255, number & 255)
    try:
        parts = [float(v) for v in value]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise UsageError(f"{where}: {value!r} is not a colour; give #rrggbb or (r, g, b)") from None
    if len(parts) != 3 or any(not math.isfinite(p) or p != int(p) or not 0 <= p <= 255 for p in parts):
        raise UsageError(f"{where}: {value!r} is not a colour; give three whole numbers 0-255")
    return (int(parts[0]), int(parts[1]), int(parts[2]))


def hex_colour(colour: Sequence[int] | np.ndarray) -> str:
    """(r, g, b), each 0-255 -> "#rrggbb"."""
    red, green, blue = (int(value) for value in colour)
    return f"#{red:02x}{green:02x}{blue:02x}"


@dataclass(frozen=True)
class Legend:
    """Ordered (name, colour) pairs. Class id = position. Names and colours are each unique."""

    names: tuple[str, ...]
    colours: tuple[Colour, ...]

    def __post_init__(self) -> None:
        if not self.names:
            raise UsageError("legend: it is empty; give at least one name=#rrggbb")
        if len(self.names) != len(self.colours):
            raise UsageError(f"legend: {len(self.names)} names but {len(self.colours)} colours")
        if len(self.names) > MAX_LEGEND:
            raise UsageError(f"legend: {len(self.names)} entries, at most {MAX_LEGEND} are allowed")
        clean = tuple(n.strip() if isinstance(n, str) else "" for n in self.names)
        if not all(clean):
            raise UsageError(f"legend: entry {clean.index('') + 1} has no name; write name=#rrggbb")
        colours = tuple(
            parse_colour(c, f"legend entry {n!r}") for n, c in zip(clean, self.colours, strict=True)
        )
        object.__setattr__(self, "names", clean)
        object.__setattr__(self, "colours", colours)
        for what, values in (("name", clean), ("colour", colours)):
            seen: dict[object, str] = {}
            for name, value in zip(clean, values, strict=True):
                if value in seen:
                    raise UsageError(
                        f"legend: {what} {value!r} is used by both {seen[value]!r} and {name!r}; "
                        f"make every {what} unique"
                    )
                seen[value] = name

    @classmethod
    def parse(cls, text: str) -> Legend:
        """Read ``"road=#804080, sky=#8080ff"``."""
        names, colours = [], []
        for part in (p for p in text.split(",") if p.strip()):
            name, sep, colour = part.partition("=")
            if not sep:
                raise UsageError(f"legend: {part.strip()!r} has no colour; write name=#rrggbb")
            names.append(name.strip())
            colours.append(parse_colour(colour.strip(), f"legend entry {name.strip()!r}"))
        return cls(tuple(names), tuple(colours))

    @classmethod
    def given(cls, value: LegendLike) -> Legend:
        """A legend, text for :meth:`parse`, a mapping name -> colour, or pairs; UsageError for others."""
        if isinstance(value, Legend):
            return value
        if isinstance(value, str):
            return cls.parse(value)
        pairs = value.items() if isinstance(value, Mapping) else value
        if isinstance(pairs, Iterable):
            pairs = list(pairs)
            if all(isinstance(one, Sequence) and not isinstance(one, str) and len(one) == 2 for one in pairs):
                return cls.of(pairs)
        raise UsageError(f"legend {value!r}: write 'road=#804080,sky=#3077fb', or give names with colours")

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, object]]) -> Legend:
        """Build from (name, colour) pairs; a colour is ``"#rrggbb"`` or (r, g, b)."""
        pairs = list(pairs)
        return cls(
            tuple(n for n, _ in pairs), tuple(parse_colour(c, f"legend entry {n!r}") for n, c in pairs)
        )

    def __len__(self) -> int:
        return len(self.names)

    def __str__(self) -> str:
        return ",".join(
            f"{n}={hex_colour(colour)}" for n, colour in zip(self.names, self.colours, strict=True)
        )

    def array(self) -> np.ndarray:
        """Colours as uint8, shape (K, 3)."""
        return np.asarray(self.colours, dtype=np.uint8)

    def recolour(self, colours: Sequence[Colour]) -> Legend:
        """The same names in other colours."""
        return Legend(self.names, tuple(colours))


@dataclass(frozen=True, eq=False)
class Example:
    """One worked example: ``map`` is the right answer for ``photo``, both uint8 (H, W, 3), one size.

    UsageError for other types, shapes that differ, or sides that are not multiples of 8.
    """

    photo: np.ndarray
    map: np.ndarray

    def __post_init__(self) -> None:
        for what, image in (("photo", self.photo), ("map", self.map)):
            if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3:
                raise UsageError(f"example {what}: give a uint8 array of shape (H, W, 3)")
        if self.photo.shape != self.map.shape or self.photo.shape[2] != 3:
            raise UsageError(
                f"example: photo {self.photo.shape} and map {self.map.shape} must be one (H, W, 3)"
            )
        if any(side < 8 or side % 8 for side in self.photo.shape[:2]):
            raise UsageError(f"example: sides {self.photo.shape[:2]} must be multiples of 8")


@dataclass(frozen=True, eq=False)
class Held:
    """What is already painted and where it stays: the order is to paint the rest.

    ``keep`` bool (h, w), one a token of 8 x 8 pixels. The content comes from ``tokens`` int64 (h, w, C)
    (of a canvas: they stay identical), or from ``image`` uint8 (8h, 8w, 3), which is written anew.
    """

    keep: np.ndarray
    tokens: np.ndarray | None = None
    image: np.ndarray | None = None

    def __post_init__(self) -> None:
        if (self.tokens is None) == (self.image is None):
            raise UsageError("held: give either tokens or image")
        size = self.tokens.shape[:2] if self.tokens is not None else _grid(self.image)
        if self.keep.dtype != bool or self.keep.shape != tuple(size):
            raise UsageError(f"held: keep is {self.keep.dtype} {self.keep.shape}; give bool {tuple(size)}")


def _grid(image: np.ndarray | None) -> tuple[int, ...]:
    assert image is not None
    return tuple(side // PATCH for side in image.shape[:2])


@dataclass(frozen=True)
class Prompt:
    """One painting order. ``text`` is the instruction the backbone reads; ``task`` only names it.

    ``examples`` (at most ``MAX_EXAMPLES``) show what is meant; then a legend's names may be blank to
    the backbone: its entries are known by what they cover in the examples. ``held`` is what has been
    painted before. UsageError: more examples, or words (the text, a name) of more than ``MAX_BYTES`` bytes.
    """

    task: str
    text: str
    legend: Legend | None = None
    examples: tuple[Example, ...] = ()
    held: Held | None = None

    def __post_init__(self) -> None:
        if len(self.examples) > MAX_EXAMPLES:
            raise UsageError(f"examples: {len(self.examples)} given, at most {MAX_EXAMPLES} are read")
        names = self.legend.names if self.legend else ()
        for what, words in (("instruction", self.text), *(("legend entry", name) for name in names)):
            try:
                size = len(words.encode())
            except UnicodeEncodeError:  # a command line that is not UTF-8
                raise UsageError(f"{what} {words!r}: not UTF-8; write it in that encoding") from None
            if size > MAX_BYTES:
                told = f"{size} bytes, at most {MAX_BYTES} are read; say it shorter"
                raise UsageError(f"{what} {words!r}: {told}")
