"""Codecs: named, versioned, invertible pairs labels -> map and map -> labels + confidence.

The full specification of a codec travels inside the PNG it makes (an iTXt chunk); a map whose
specification is missing, unknown or different from the expected one is refused.
"""

from __future__ import annotations

import dataclasses
import io
import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from visiongen.errors import CodecError, InputError, VisiongenError
from visiongen.files import write_atomic
from visiongen.registry import CODECS

CHUNK = "visiongen.codec"


@dataclasses.dataclass(frozen=True)
class Codec(ABC):
    """One way to paint labels as an RGB map and to read them back.

    Subclasses are frozen dataclasses whose fields are the codec's parameters. ``flip`` and
    ``crop`` semantics: codecs are per pixel, so a crop of a map is the map of the crop; what a
    codec reads from neighbours or from the whole map, it says. ``redundant``: some colours mean
    nothing, so that a wrongly painted one can be told by its low confidence.
    """

    name: ClassVar[str]
    unit: ClassVar[str]
    bound: ClassVar[str]
    redundant: ClassVar[bool] = True

    def spec(self) -> dict[str, Any]:
        """JSON-able specification: the codec's name and every parameter."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {"name": self.name, **values}

    @classmethod
    def from_spec(cls, spec: dict[str, Any]) -> Codec:
        """The codec that ``spec`` describes; unknown or missing parameters raise CodecError."""
        check_spec(cls, spec)
        try:
            return cls(**{k: v for k, v in spec.items() if k != "name"})
        except (TypeError, ValueError, VisiongenError) as error:
            raise CodecError(f"codec {cls.name}: bad specification ({error})") from error

    @abstractmethod
    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Paint labels (H, W[, C]) as a uint8 map (H, W, 3); impossible labels raise InputError."""

    @abstractmethod
    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Read a uint8 map (H, W, 3): labels, and confidence float32 (H, W) in [0, 1]."""

    def flip(self, labels: np.ndarray) -> np.ndarray:
        """The labels of the left-right mirrored photo (normals also negate x)."""
        return np.ascontiguousarray(labels[:, ::-1])

    def flip_map(self, painted: np.ndarray) -> np.ndarray:
        """The map of the left-right mirrored photo, from uint8 (H, W, 3)."""
        if type(self).flip is Codec.flip:  # its colours say nothing about sides
            return np.ascontiguousarray(painted[:, ::-1])
        return self.encode(self.flip(self.decode(painted)[0]))


def check_spec(cls: type[Codec], spec: dict[str, Any]) -> None:
    """Raise CodecError unless ``spec`` names ``cls`` and has exactly its parameters."""
    if spec.get("name") != cls.name:
        raise CodecError(f"codec {cls.name}: map was made by {spec.get('name')!r}; use that")
    fields = {f.name for f in dataclasses.fields(cls)}
    odd = sorted(fields.symmetric_difference(set(spec) - {"name"}))
    if odd:
        raise CodecError(f"codec {cls.name}: parameters {odd} are unknown or missing; repaint")


def codec_from_spec(spec: object) -> Codec:
    """The codec a specification names, from the registry; CodecError when there is none."""
    if not isinstance(spec, dict) or not isinstance(spec.get("name"), str):
        raise CodecError("codec: the specification has no name; repaint the map with visiongen")
    if spec["name"] not in CODECS:
        raise CodecError(f"codec {spec['name']!r} is unknown: choose one of {', '.join(CODECS)}")
    codec: Codec = CODECS.get(spec["name"]).from_spec(spec)
    return codec


def check_map(painted: np.ndarray) -> np.ndarray:
    """``painted`` itself if it is uint8 (H, W, 3), else InputError."""
    array = np.asarray(painted)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise InputError(f"map: {array.dtype} {array.shape} is not a picture; give uint8 (H, W, 3)")
    return array


def check_labels(what: str, labels: np.ndarray, channels: int | None = None) -> np.ndarray:
    """Labels as float32 (H, W), or (H, W, ``channels``); another shape raises InputError."""
    array = np.asarray(labels, np.float32)
    shape = "(H, W)" if channels is None else f"(H, W, {channels})"
    if array.ndim != (2 if channels is None else 3) or (channels is not None and array.shape[2] != channels):
        raise InputError(f"{what}: shape {array.shape} is not {shape}")
    return array


def check_unit(what: str, values: np.ndarray) -> np.ndarray:
    """``values`` themselves if every one lies in [0, 1], else (NaN too) InputError."""
    bad = ~((values >= 0) & (values <= 1))
    if bad.any():
        raise InputError(f"{what}: {float(values[bad][0]):.4g} is not in [0, 1]; scale or clip it")
    return values


def check_positive(codec: str, **values: float) -> None:
    """Raise InputError unless each named parameter is a finite number above zero."""
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < np.inf:
            raise InputError(f"codec {codec}: {key}={value!r} must be a finite number above 0")


def map_png(painted: np.ndarray, codec: Codec) -> bytes:
    """The map as PNG bytes with the codec's specification in an iTXt chunk."""
    from PIL import Image, PngImagePlugin

    info = PngImagePlugin.PngInfo()
    info.add_itxt(CHUNK, json.dumps(codec.spec(), allow_nan=False))
    buffer = io.BytesIO()
    Image.fromarray(check_map(painted)).save(buffer, "PNG", pnginfo=info, compress_level=4)
    return buffer.getvalue()


def write_map_png(path: str | Path, painted: np.ndarray, codec: Codec) -> Path:
    """Write :func:`map_png` to ``path`` atomically (SaveError when it cannot be written)."""
    return write_atomic(path, map_png(painted, codec))


def read_map_png(path: str | Path, expect: Codec | None = None) -> tuple[np.ndarray, Codec]:
    """Read a map and the codec written in it; CodecError if missing, unknown or not ``expect``."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.load()
            text = getattr(image, "text", {}).get(CHUNK)
            painted = np.array(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: cannot read this map ({error}); paint it again") from error
    if text is None:
        raise CodecError(f"{path}: no {CHUNK!r} chunk, colours have no meaning; repaint the map")
    try:
        spec = json.loads(text)
    except json.JSONDecodeError as error:
        raise CodecError(f"{path}: its codec specification is not JSON; repaint the map") from error
    try:
        codec = codec_from_spec(spec)
    except CodecError as error:
        raise CodecError(f"{path}: {error}") from error
    if expect is not None and codec.spec() != expect.spec():
        raise CodecError(f"{path}: painted with {difference(codec, expect)}; use its own codec or repaint")
    return painted, codec


def difference(codec: Codec, expect: Codec) -> str:
    """In words, how ``codec`` differs from ``expect``."""
    if codec.name != expect.name:
        return f"{codec.name}, expected {expect.name}"
    mine, theirs = codec.spec(), expect.spec()
    odd = [key for key in mine if mine[key] != theirs[key]]
    return f"{codec.name} of other {', '.join(odd)}"
