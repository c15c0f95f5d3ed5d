"""The reverse direction: a photo painted from a map, and holes in photos filled."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from visiongen.backbones.base import Backbone, Sampler, provenance
from visiongen.errors import InputError, UsageError
from visiongen.fill import TEXT as FILL_TEXT
from visiongen.fill import cover, fill_prompt, keep_mask
from visiongen.geometry import Geometry
from visiongen.image import Photo, as_opacity, as_photo, named_photo
from visiongen.prompt import Legend, Prompt
from visiongen.registry import TASKS
from visiongen.resize import resize_labels, resize_nearest, resize_photo
from visiongen.tasks.base import Prediction, Task
from visiongen.tasks.codecs.base import Codec, read_map_png
from visiongen.tasks.codecs.image import RgbImage
from visiongen.tasks.codecs.legend import LegendCodec
from visiongen.tasks.returned import has_spec

SOURCES = ("semantic", "depth", "normals", "edges")


@dataclass
class ImagePrediction(Prediction):
    """``labels`` uint8 (H, W, 3): the painted picture, sRGB, in the input's size."""

    def picture(self) -> np.ndarray:
        """The labels themselves."""
        return self.labels

    def label_image(self) -> tuple[np.ndarray, dict[str, Any]]:
        """The picture, 8 bit."""
        return self.labels, {"bits": 8, "value": "sRGB"}

    def summary(self) -> dict[str, Any]:
        """Mean colour."""
        mean = self.labels.reshape(-1, 3).mean(axis=0)
        return super().summary() | {"mean": [round(float(v), 2) for v in mean]}


@dataclass(frozen=True)
class Image(Task):
    """Paint a photo from a map. ``source``: the task whose map it is (semantic, depth, normals, edges).

    ``source`` and ``legend`` are found in a map file that visiongen wrote; an array, or another
    picture, needs ``source``, and a semantic one its legend. ``extra``: words added to the instruction.
    """

    source: str | None = None
    legend: Legend | None = None
    extra: str = ""

    name: ClassVar[str] = "image"
    text: ClassVar[str] = "photo"
    reverse_text: ClassVar[str] = "photo from image"
    long_side: ClassVar[int] = 160
    prediction: ClassVar[type[Prediction]] = ImagePrediction

    def __post_init__(self) -> None:
        if self.source is not None and self.source not in SOURCES:
            raise UsageError(f"source {self.source!r}: photos are painted from {', '.join(SOURCES)}")
        if self.source == "semantic":  # the only one with a legend of the caller's
            object.__setattr__(self, "uses_legend", True)

    @property
    def mirrors(self) -> bool:
        """No: the mean of two photos is a blur."""
        return False

    def given(self, photo: Photo) -> Task:
        """With the source and the legend that a map file names, painted at the map's own size.

        A map larger than its task paints is made smaller. InputError: a map of another kind, or of another
        source or legend than was asked for.
        """
        found = self
        path = photo if isinstance(photo, (str, Path)) else None
        if path is not None and has_spec(path):
            found = self._as_named(recognise(read_map_png(path)[1], str(path)), str(path))
        if found.source is None:
            if path is not None:
                raise InputError(f"{path}: what does the map show? give source: one of {', '.join(SOURCES)}")
            return found
        side = max(as_photo(photo).shape[:2])
        sized = dataclasses.replace(found)
        object.__setattr__(sized, "long_side", min(side, TASKS.get(found.source).long_side))
        return sized

    def _as_named(self, own: dict[str, Any], where: str) -> Image:
        """With the map's ``own`` source and legend; InputError where others were asked for."""
        for name, value in own.items():
            asked = getattr(self, name)
            if asked is not None and asked != value:
                raise InputError(f"{where}: its {name} is {value}, not {asked}; leave {name} out")
        if self.source is not None and self.legend is not None and "legend" not in own:
            raise InputError(f"{where}: a map of {own['source']} has no legend; leave it out")
        return dataclasses.replace(self, **own)

    def check(self) -> None:
        """A map without a source has no meaning."""
        if self.source is None:
            raise UsageError(f"image: what does the map show? give source: one of {', '.join(SOURCES)}")

    def look(self, photo: np.ndarray, geometry: Geometry) -> np.ndarray:
        """The map at the work size; colours are copied, never mixed."""
        return resize_nearest(photo, geometry.work_size)

    def prompt(self, legend: Legend | None = None) -> Prompt:
        """A photo from the source's map (without a source: from nothing)."""
        if self.source is None:
            return super().prompt(legend)
        other: Task = TASKS.get(self.source)()
        if legend is not None and self.legend is not None and legend != self.legend:
            raise InputError(f"image: the map's own legend is {self.legend}, not {legend}; leave it out")
        if self.source == "semantic":
            back = other.reverse_prompt(legend or self.legend)
        else:
            super().prompt(legend)
            back = other.reverse_prompt()
        return Prompt(self.name, f"{back.text} {self.extra}".strip(), back.legend)

    def codec(self, legend: Legend | None = None, **options: Any) -> Codec:
        """Colours as they are."""
        return RgbImage(**options)

    def undo(self, geometry: Geometry, labels: np.ndarray) -> np.ndarray:
        """A photo is resized as one."""
        return resize_photo(labels, geometry.input_size)

    def soften(self, painted: np.ndarray, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
        """Colours in [0, 1]."""
        return painted.astype(np.float32) / 255, np.ones(painted.shape[:2], np.float32)

    def harden(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rounded colours."""
        colours = (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)
        return colours, np.ones(values.shape[:2], np.float32)


def recognise(codec: Codec, where: str = "map") -> dict[str, Any]:
    """What a map's own codec says: {"source": ..., "legend": ...}; InputError for other maps."""
    if isinstance(codec, LegendCodec) and codec.unit == LegendCodec.unit:  # classes alone, no borders
        return {"source": "semantic", "legend": codec.legend}
    for name in SOURCES:
        if TASKS.get(name)().codec().spec() == codec.spec():
            return {"source": name}
    raise InputError(f"{where}: painted with {codec.name}; photos are painted from {', '.join(SOURCES)}")


def inpaint(
    photo: Photo,
    mask: Photo,
    *,
    mode: str = "verified",
    seed: int = 0,
    backbone: Backbone | None = None,
    long_side: int | None = None,
    photo_name: str | None = None,
    **sampling: Any,
) -> Prediction:
    """Fill a hole; every pixel outside the mask is exactly the photo's.

    ``mask``: bool (H, W), or a picture of the photo's size, bright (>= 128) in the hole; what is transparent
    in it is none. A window around the hole, twice as large where the photo allows, is painted at
    ``long_side`` pixels (default 160) and put back. ``confidence`` is 1 outside the mask; ``map`` is the
    painted window, ``geometry`` how that was resized, and ``stats`` has its place in the photo, [top, left,
    height, width]. InputError: a mask of another size or without a hole.
    """
    from visiongen.tasks.predicting import check_call, default_backbone

    check_call([Image.name], long_side, None, False, backbone)
    photo, photo_name = named_photo(photo, photo_name)
    hole = _hole(mask, photo.shape[:2])
    top, left, high, wide = window(hole)
    place = np.s_[top : top + high, left : left + wide]
    geometry = Geometry.fit((high, wide), Image.long_side if long_side is None else long_side)
    keep = keep_mask(_shrink(hole[place], geometry))
    small = geometry.apply(np.ascontiguousarray(photo[place]))
    prompt = fill_prompt(small, keep, Image.name)
    sampler = Sampler.of(mode, seed, sampling)
    painter = backbone or default_backbone()
    canvas = painter.scene(cover(small, keep)).paint([prompt], sampler)[0]
    inside = hole[place]
    labels, sure = photo.copy(), np.ones(hole.shape, np.float32)
    labels[place][inside] = resize_photo(canvas.image, (high, wide))[inside]
    if canvas.confidence is not None:
        sure[place][inside] = np.clip(geometry.undo_scalar(canvas.confidence), 0, 1)[inside]
    return ImagePrediction(
        labels=labels,
        confidence=sure,
        map=canvas.image,
        prompt=prompt,
        codec=RgbImage(),
        geometry=geometry,
        photo_name=photo_name,
        stats=canvas.stats.to_json() | {"window": [top, left, high, wide], "kept": int(keep.sum())},
        weights=provenance(painter),
        sample=sampler.asked(sampling),
        tokens=canvas.tokens,
    )


def _hole(mask: Photo, size: tuple[int, ...]) -> np.ndarray:
    """The mask as bool (H, W); InputError when it does not fit the photo, or is empty or all of it."""
    where = str(mask) if isinstance(mask, (str, Path)) else "mask"
    array = mask if isinstance(mask, np.ndarray) else _mask_picture(mask, where)
    if array.dtype not in (bool, np.uint8) or (array.dtype == np.uint8 and array.max(initial=0) == 1):
        found = f"{array.dtype} up to {array.max(initial=0)}"
        raise InputError(f"{where}: {found}; give bool (mask > 0.5), or a picture of 0 to 255")
    if array.ndim == 3 and array.dtype == bool:
        array = np.asarray(array[..., :3].any(axis=2))
    elif array.ndim == 3:
        bright = array[..., :3].mean(axis=2)
        array = bright * (array[..., 3] / 255) if array.shape[2] == 4 else bright
    hole = array if array.dtype == bool else array >= 128
    if hole.shape != size:
        (high, wide), (h, w) = hole.shape, size
        raise InputError(f"{where}: {wide}x{high}, but the photo is {w}x{h}; give a mask of its size")
    if not hole.any():
        raise InputError(f"{where}: no hole in it; paint white what is to be filled")
    if hole.all():
        raise InputError(f"{where}: the hole is the whole photo; leave something to go on from")
    return hole


def _mask_picture(mask: Photo, where: str) -> np.ndarray:
    """A mask's picture uint8 (H, W, 3); what is transparent in it is dark: no part of the hole."""
    picture, opacity = as_photo(mask, where), as_opacity(mask)
    return picture if opacity is None else (picture * (opacity[..., None] / 255)).astype(np.uint8)


def window(hole: np.ndarray) -> tuple[int, int, int, int]:
    """Top, left, height and width of twice the hole's box, at least 64 pixels, inside the photo."""
    spans = []
    for axis, length in ((1, hole.shape[0]), (0, hole.shape[1])):
        inside = np.flatnonzero(hole.any(axis=axis))
        size = min(length, max(64, 2 * int(inside[-1] + 1 - inside[0])))
        middle = (int(inside[0]) + int(inside[-1]) + 1) // 2
        spans.append((min(max(0, middle - size // 2), length - size), size))
    (top, high), (left, wide) = spans
    return top, left, high, wide


def _shrink(hole: np.ndarray, geometry: Geometry) -> np.ndarray:
    """The hole at the work size: a pixel is in it when any part of it is."""
    h, w = geometry.work_size
    if h > hole.shape[0] or w > hole.shape[1]:
        return resize_labels(hole.astype(np.uint8), (h, w)).astype(bool)
    rows = (np.arange(hole.shape[0]) * h) // hole.shape[0]
    columns = (np.arange(hole.shape[1]) * w) // hole.shape[1]
    small = np.zeros((h, w), bool)
    where = np.nonzero(hole)
    small[rows[where[0]], columns[where[1]]] = True
    return small


__all__ = ["FILL_TEXT", "SOURCES", "Image", "ImagePrediction", "inpaint", "recognise", "window"]
