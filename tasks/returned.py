"""Maps that came back from any painter: read, laid on the photo, checked, made into a prediction."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.errors import CodecError, InputError, UsageError, VisiongenError
from visiongen.geometry import Geometry
from visiongen.image import as_opacity, read_image
from visiongen.prompt import Prompt
from visiongen.registry import CODECS, TASKS
from visiongen.tasks.base import Prediction
from visiongen.tasks.codecs.base import CHUNK, Codec, read_map_png
from visiongen.tasks.codecs.legend import UNKNOWN, squared_distances
from visiongen.tasks.codecs.normals import OpenGLNormals
from visiongen.tasks.codecs.panoptic import VOID, BorderPanoptic
from visiongen.tasks.depth import DepthPrediction
from visiongen.tasks.normals import NormalsPrediction
from visiongen.tasks.pictures import colour_near
from visiongen.tasks.registration import (
    Finding,
    Registration,
    check_depth_order,
    check_normal_axes,
    register,
)

RELATIVE_DEPTH = "relative depth"
HALF = 128
"""Opacity of 255 from which a pixel is painted."""
FAR, DOUBTFUL = 48, 0.5
"""Levels from every colour of a legend, and a codec's confidence, that say of a colour that it is none of
the codec's: beyond blur, JPEG and noise of sigma 12."""
CHUNK_PIXELS = 1 << 16


@dataclass
class RelativeDepthPrediction(DepthPrediction):
    """Affine-invariant depth: ``labels`` float32 (H, W) in [0, 1], larger is farther; not inverse depth."""

    def picture(self) -> np.ndarray:
        """Near = red, far = dark blue."""
        return colour_near(1 - self.labels)


@dataclass
class ImportedNormalsPrediction(NormalsPrediction):
    """Normals from any convention: the labels and the picture are in ours."""

    def picture(self) -> np.ndarray:
        """OpenGL colours, whatever the map's were."""
        return OpenGLNormals().encode(self.labels)


#: Where several tasks paint maps of one family, the one that any such map is read as.
FIRST = {"legend": "semantic", "alpha": "matting"}


@dataclass
class ValuesPrediction(Prediction):
    """What no task has a prediction for: ``labels`` float32 (H, W) or (H, W, 3) in [0, 1]."""

    def picture(self) -> np.ndarray:
        """As the codec paints it."""
        return self.codec.encode(self.labels)

    def label_image(self) -> tuple[np.ndarray, dict[str, Any]]:
        """16 bit; value / 65535."""
        image = (np.clip(self.labels, 0, 1) * 65535 + 0.5).astype(np.uint16)
        return image, {"bits": 16, "value": self.unit, "scale": 65535}

    def summary(self) -> dict[str, Any]:
        """The mean of every channel."""
        means = self.labels.reshape(self.labels.shape[0] * self.labels.shape[1], -1).mean(
            axis=0, dtype=np.float64
        )
        return super().summary() | {"mean": [round(float(v), 4) for v in means]}


def read_returned(
    path: str | Path, codec: Codec | None, given: Iterable[str] = ()
) -> tuple[np.ndarray, Codec]:
    """A map and the codec to read it with: the one written in it, else ``codec``.

    A map whose own codec has another name than ``codec`` or another value of one of the parameters ``given``,
    or that names none when ``codec`` is None, raises CodecError; an unreadable one InputError.
    """
    if not has_spec(path):
        painted = _painted(path)  # a damaged file says nothing, but for another reason
        if codec is None:
            raise CodecError(f"{path}: no {CHUNK!r} chunk; name the codec that it was painted with")
        return painted, codec
    painted, found = read_map_png(path)
    if codec is not None and codec.name != found.name:
        raise CodecError(f"{path}: painted with {found.name}, not {codec.name}; use auto or its own name")
    for name in given:
        own, asked = getattr(found, name), getattr(codec, name)
        if own != asked:
            raise CodecError(f"{path}: painted with the {name} {own}, not {asked}; use auto")
    return painted, found


def _painted(path: str | Path) -> np.ndarray:
    """A map's colours as they were painted, uint8 (h, w, 3): no white shines through what is half opaque."""
    painted, opacity = read_image(path), as_opacity(path)
    if opacity is None or (opacity == 255).all():
        return painted
    share = np.maximum(opacity, 1)[..., None] / np.float32(255)
    return np.rint(255 - (255 - painted) / share).clip(0, 255).astype(np.uint8)


def shown_in(path: str | Path) -> np.ndarray | None:
    """Where a map shows something, bool (h, w): what is more see-through than opaque does not. None: all."""
    opacity = as_opacity(path)
    return None if opacity is None or opacity.min() >= HALF else opacity >= HALF


def has_spec(path: str | Path) -> bool:
    """Whether a picture holds a codec's specification; False for what cannot be opened."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.load()
            return CHUNK in getattr(image, "text", {})
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False


def decode_returned(
    painted: np.ndarray,
    codec: Codec,
    photo: np.ndarray | None = None,
    photo_name: str | None = None,
    shown: np.ndarray | None = None,
) -> Prediction:
    """Read a map uint8 (h, w, 3) at its own size, then lay the labels on ``photo`` if it is given.

    Without a photo the labels keep the map's size. Labels are copied to the photo's pixels, never
    mixed; pixels of the photo that the map does not show get confidence 0 and the codec's "unknown"
    (255, void, no thing, NaN, zero), and so do those of the map that are not ``shown``, bool (h, w) (see
    :func:`shown_in`). ``stats`` holds "registration", "checks" of what is shown, "foreign", the share of it
    in colours that are none of the codec's, and "transparent", the map's share that is not shown.
    """
    labels, confidence = codec.decode(painted)
    stats: dict[str, Any] = {"registration": None}
    if shown is not None:
        painted, labels, confidence = _without(painted, shown, codec, labels)
        stats["transparent"] = round(float(1 - shown.mean()), 4)
    size = painted.shape[:2] if photo is None else photo.shape[:2]
    foreign, there = foreign_colours(painted, codec, confidence), shown
    if photo is not None:
        found = register(photo, painted, shape=shape_of(labels, codec))
        labels, confidence = lay(found, labels, confidence, codec)
        stats["registration"] = found.to_json()
        there = _seen(found, shown, painted.shape[:2])
        foreign = found.sample(foreign)[0]
    # Not before: bars around the map are no depth, and their colours are nobody's normals.
    stats["checks"] = [check.to_json() for check in check_labels(labels, codec)]
    inside = foreign if there is None else foreign[there]
    stats["foreign"] = round(float(inside.mean()), 4) if inside.size else 0.0
    task, kind = kind_of(codec)
    return kind(
        labels=labels,
        confidence=confidence,
        map=painted,
        prompt=Prompt(task, f"returned map, {codec.name}", getattr(codec, "legend", None)),
        codec=codec,
        geometry=Geometry((size[0], size[1]), (painted.shape[0], painted.shape[1])),
        photo_name=photo_name,
        stats=stats,
    )


def _without(
    painted: np.ndarray, shown: np.ndarray, codec: Codec, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Map, labels and confidence with nothing where the map is not ``shown``: that no neighbour sees either.

    ``labels``: what the whole map was read as; only their kind counts.
    """
    nothing = np.full((1, 1, *labels.shape[2:]), _nothing(labels, codec), labels.dtype)
    painted = np.where(shown[..., None], painted, codec.encode(nothing))
    labels, confidence = codec.decode(painted)
    labels[~shown] = nothing[0, 0]
    return painted, labels, np.where(shown, confidence, 0).astype(np.float32)


def _seen(found: Registration, shown: np.ndarray | None, size: tuple[int, ...]) -> np.ndarray:
    """Pixels of the photo, bool (H, W), that the map shows."""
    there, inside = found.sample(np.ones(size, bool) if shown is None else shown)
    return there & inside


def foreign_colours(painted: np.ndarray, codec: Codec, confidence: np.ndarray) -> np.ndarray:
    """Where a map uint8 (h, w, 3) has a colour that its codec does not paint, bool (h, w).

    The nearest colour of a legend is often nearest by far, so ``confidence`` says nothing of it.
    """
    legend = getattr(codec, "legend", None)
    if legend is None:
        return (confidence < DOUBTFUL) & (confidence > 0)  # 0: the colour of none, as the gray of no normal
    pixels, colours = painted.reshape(-1, 3), legend.array().astype(np.float32)
    far = np.empty(len(pixels), bool)
    for start in range(0, len(pixels), CHUNK_PIXELS):
        part = slice(start, start + CHUNK_PIXELS)
        far[part] = squared_distances(pixels[part], colours).min(axis=1) > FAR**2
    return far.reshape(painted.shape[:2])


def lay(
    found: Registration, labels: np.ndarray, confidence: np.ndarray, codec: Codec
) -> tuple[np.ndarray, np.ndarray]:
    """Labels and confidence of the map at the photo's pixels, by copying."""
    moved, inside = found.sample(labels)
    moved[~inside] = _nothing(labels, codec)
    return moved, np.where(inside, found.sample(confidence)[0], 0).astype(np.float32)


def _nothing(labels: np.ndarray, codec: Codec) -> float:
    """What a label is where the map shows nothing."""
    family = codec.name.split("/")[0]
    if labels.dtype.kind not in "iu":
        return float("nan") if family == "depth" else 0  # 0 is a depth in every unit
    return {"instance": 0, "panoptic": VOID}.get(family, UNKNOWN)


def check_labels(labels: np.ndarray, codec: Codec) -> list[Finding]:
    """What the labels themselves say about how they were painted; nothing for classes and materials."""
    if codec.name.startswith("normals/"):
        return [check_normal_axes(labels)]
    if codec.name.startswith("depth/"):
        return [check_depth_order(-labels if codec.unit == "relative" else labels)]
    return []


def shape_of(labels: np.ndarray, codec: Codec) -> np.ndarray | None:
    """A picture whose edges are those of the surfaces, where the map's colours have others too."""
    if not codec.name.startswith("depth/"):
        return None
    if codec.unit != "m":
        return labels * np.float32(255)
    with np.errstate(divide="ignore"):
        return (np.log(np.clip(labels, 0.05, 200)) * np.float32(255 / np.log(4000))).astype(np.float32)


def kind_of(codec: Codec) -> tuple[str, type[Prediction]]:
    """Name of the task that paints such labels, and the prediction that holds them."""
    family = codec.name.split("/")[0]
    if family == "normals":
        return family, ImportedNormalsPrediction
    if codec.unit == RELATIVE_DEPTH:
        return family, RelativeDepthPrediction
    for name in (FIRST[family],) if family in FIRST else TASKS:
        task = TASKS.get(name)()
        if task.codec().name.split("/")[0] == family and task.codec().unit in (codec.unit, "m"):
            return name, task.prediction
    return family, ValuesPrediction


def codec_named(name: str, **parameters: Any) -> Codec:
    """The registered codec of that name with default parameters, but for the ones given.

    A panoptic one is the task's, which ``visiongen prompt panoptic`` orders by: the legend gets a border, and
    ``things`` may be left out. UsageError for a parameter that the codec lacks or refuses.
    """
    kind = CODECS.get(name)
    fields = {field.name for field in dataclasses.fields(kind)}
    odd = sorted(set(parameters) - fields)
    if odd:
        flag = "--legend" if odd[0] == "legend" else f"--option {odd[0]}"
        raise UsageError(f"{flag}: codec {name} takes none; leave it out")
    if "legend" in fields and "legend" not in parameters:
        raise UsageError(f"codec {name}: its colours are not known; give --legend")
    try:
        if kind is BorderPanoptic:
            kind = TASKS.get("panoptic")(things=parameters.pop("things", None)).codec
        codec: Codec = kind(**parameters)
    except (InputError, TypeError, ValueError) as error:
        told = str(error) if isinstance(error, VisiongenError) else f"codec {name}: {error}"
        raise UsageError(told) from error
    return codec
