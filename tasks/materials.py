"""Materials a pixel: base colour, tangent-space normal, and occlusion + roughness + metallic.

Painted together they are a PBR set in glTF's metallic-roughness convention: see
visiongen.tasks.material_set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from visiongen.geometry import Geometry
from visiongen.prompt import Legend
from visiongen.tasks import guide
from visiongen.tasks.base import Prediction, Task
from visiongen.tasks.codecs.base import Codec
from visiongen.tasks.codecs.material import BaseColour as BaseColourCodec
from visiongen.tasks.codecs.material import OrmMaterial
from visiongen.tasks.material_set import MaterialSet, predict_materials
from visiongen.tasks.normals import Normals, NormalsPrediction

__all__ = ["BaseColour", "MaterialSet", "Orm", "TangentNormals", "predict_materials"]

_DEPTH = 65535


@dataclass
class MaterialPrediction(Prediction):
    """``labels`` float32 (H, W, 3) in [0, 1]; the picture is the labels themselves, in 8 bits."""

    def picture(self) -> np.ndarray:
        """The labels as they are painted."""
        return self.codec.encode(self.labels)

    def label_image(self) -> tuple[np.ndarray, dict[str, Any]]:
        """16-bit RGB: fraction = value / 65535."""
        image = np.empty(self.labels.shape, np.uint16)
        for start in range(0, len(image), 256):  # in bands: a large photo's float copy is big
            image[start : start + 256] = self.labels[start : start + 256] * _DEPTH + 0.5
        return image, {"bits": 16, "value": f"fraction = value / {_DEPTH}", "channels": self._channels()}

    def _channels(self) -> list[str]:
        raise NotImplementedError

    def summary(self) -> dict[str, Any]:
        """The mean of each channel."""
        mean = self.labels.reshape(-1, 3).mean(axis=0, dtype=np.float64)
        return super().summary() | {"mean": [round(float(v), 4) for v in mean]}


@dataclass
class BaseColourPrediction(MaterialPrediction):
    """``labels``: sRGB base colour, free of light and shadow."""

    @property
    def base_colour(self) -> np.ndarray:
        """The labels under their own name."""
        return self.labels

    def _channels(self) -> list[str]:
        return ["red (sRGB)", "green (sRGB)", "blue (sRGB)"]


@dataclass
class OrmPrediction(MaterialPrediction):
    """``labels``: ambient occlusion (1 = open), perceptual roughness, metallic; linear."""

    @property
    def occlusion(self) -> np.ndarray:
        """Ambient occlusion (H, W), 1 = open."""
        return self.labels[..., 0]

    @property
    def roughness(self) -> np.ndarray:
        """Perceptual roughness (H, W); GGX alpha is its square."""
        return self.labels[..., 1]

    @property
    def metallic(self) -> np.ndarray:
        """Metallic (H, W), 1 = metal."""
        return self.labels[..., 2]

    def _channels(self) -> list[str]:
        return ["occlusion (1 = open)", "roughness", "metallic"]


@dataclass
class TangentPrediction(NormalsPrediction):
    """``labels``: unit normals in the surface's own frame."""

    def label_image(self) -> tuple[np.ndarray, dict[str, Any]]:
        """As for normals in camera axes; z leaves the surface."""
        image, reading = super().label_image()
        return image, reading | {"axes": "x right, y up (OpenGL), z out of the surface"}


@dataclass(frozen=True)
class _Material(Task):
    """What base colour and ORM share: three independent fractions a pixel."""

    long_side: ClassVar[int] = 256

    def undo(self, geometry: Geometry, labels: np.ndarray) -> np.ndarray:
        """Linear: fractions between two neighbours are between theirs."""
        return np.clip(geometry.undo_scalar(labels), 0, 1)

    def soften(self, painted: np.ndarray, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
        """The fractions themselves."""
        return codec.decode(painted)

    def harden(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Plain averages."""
        return np.clip(values, 0, 1).astype(np.float32), np.ones(values.shape[:2], np.float32)


@dataclass(frozen=True)
class BaseColour(_Material):
    """Paint the base colour: what the surface would be without light and shadow.

    ``guided``: what is finer than a token is the photo's own detail, see :mod:`visiongen.tasks.guide`. On
    rendered frames that no benchmark scores it takes 8 % off the RMSE; small sharp shadows come along.
    """

    guided: bool = True

    name: ClassVar[str] = "basecolor"
    text: ClassVar[str] = "base colour"
    reverse_text: ClassVar[str] = "photo from base colour"
    prediction: ClassVar[type[Prediction]] = BaseColourPrediction

    def follow(self, values: np.ndarray, view: np.ndarray) -> np.ndarray:
        """The photo's detail below 8 pixels, a token's width."""
        return guide.keep_detail(view, values, sigma=self.borders[0])

    def codec(self, legend: Legend | None = None, **options: Any) -> Codec:
        """sRGB as it is."""
        return BaseColourCodec(**options)


@dataclass(frozen=True)
class Orm(_Material):
    """Paint occlusion, roughness and metallic as the three channels of one map."""

    name: ClassVar[str] = "orm"
    text: ClassVar[str] = "occlusion roughness metallic"
    reverse_text: ClassVar[str] = "photo from occlusion roughness metallic"
    prediction: ClassVar[type[Prediction]] = OrmPrediction

    def codec(self, legend: Legend | None = None, **options: Any) -> Codec:
        """glTF packing."""
        return OrmMaterial(**options)


@dataclass(frozen=True)
class TangentNormals(Normals):
    """Paint the tangent-space normals (OpenGL, +Y up) of a flat surface photographed from the front."""

    name: ClassVar[str] = "tangent"
    text: ClassVar[str] = "normals of the surface"
    reverse_text: ClassVar[str] = "photo from normals of the surface"
    prediction: ClassVar[type[Prediction]] = TangentPrediction
