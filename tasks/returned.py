"""Maps that came back from any painter: read, laid on the photo, checked, made into a prediction."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.errors import CodecError, UsageError
from visiongen.image import Geometry, read_image
from visiongen.prompt import Legend, Prompt
from visiongen.registry import CODECS, TASKS
from visiongen.tasks.base import Prediction
from visiongen.tasks.codecs.base import CHUNK, Codec, read_map_png
from visiongen.tasks.codecs.legend import UNKNOWN
from visiongen.tasks.codecs.normals import OpenGLNormals
from visiongen.tasks.codecs.panoptic import VOID
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
    path: str | Path, codec: Codec | None, legend: Legend | None = None
) -> tuple[np.ndarray, Codec]:
    """A map and the codec to read it with: the one written in it, else ``codec``.

    A map whose own codec has another name than ``codec`` or another legend than ``legend``, or that names
    none when ``codec`` is None, raises CodecError; an unreadable one InputError.
    """
    if not has_spec(path):
        painted = read_image(path)  # a damaged file says nothing, but for another reason
        if codec is None:
            raise CodecError(f"{path}: no {CHUNK!r} chunk; name the codec that it was painted with")
        return painted, codec
    painted, found = read_map_png(path)
    if codec is not None and codec.name != found.name:
        raise CodecError(f"{path}: painted with {found.name}, not {codec.name}; use auto or its own name")
    own = getattr(found, "legend", None)
    if legend is not None and own != legend:
        raise CodecError(f"{path}: painted with the legend {own}, not {legend}; use auto")
    return painted, found


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
    painted: np.ndarray, codec: Codec, photo: np.ndarray | None = None, photo_name: str | None = None
) -> Prediction:
    """Read a map uint8 (h, w, 3) at its own size, then lay the labels on ``photo`` if it is given.

    Without a photo the labels keep the map's size. Labels are copied to the photo's pixels, never
    mixed; pixels of the photo that the map does not show get confidence 0 and the codec's "unknown"
    (255, void, no thing, NaN, zero). ``stats`` holds "registration" and "checks".
    """
    labels, confidence = codec.decode(painted)
    checks = check_labels(labels, codec)
    size = painted.shape[:2] if photo is None else photo.shape[:2]
    stats: dict[str, Any] = {"registration": None, "checks": [check.to_json() for check in checks]}
    if photo is not None:
        found = register(photo, painted, shape=shape_of(labels, codec))
        labels, confidence = lay(found, labels, confidence, codec)
        stats["registration"] = found.to_json()
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
    """The registered codec of that name with default parameters, but for the ones given."""
    kind = CODECS.get(name)
    fields = {field.name for field in dataclasses.fields(kind)}
    odd = sorted(set(parameters) - fields)
    if odd:
        raise UsageError(f"--{odd[0]}: codec {name} takes none; leave it out")
    if "legend" in fields and "legend" not in parameters:
        raise UsageError(f"codec {name}: its colours are not known; give --legend")
    codec: Codec = kind(**parameters)
    return codec
