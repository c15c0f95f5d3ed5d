"""Surface normals in OpenGL camera axes: x right, y up, z toward the camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from visiongen.geometry import Geometry
from visiongen.prompt import Legend
from visiongen.tasks.base import Prediction, Task
from visiongen.tasks.codecs.base import Codec
from visiongen.tasks.codecs.normals import OpenGLNormals


@dataclass
class NormalsPrediction(Prediction):
    """``labels`` float32 (H, W, 3), unit vectors; the zero vector = no normal there."""

    @property
    def normals(self) -> np.ndarray:
        """The labels under their own name."""
        return self.labels

    def picture(self) -> np.ndarray:
        """The usual normal map colours."""
        return self.codec.encode(self.labels)

    def label_image(self) -> tuple[np.ndarray, dict[str, Any]]:
        """16-bit RGB: component = value / 32767.5 - 1; black = no normal."""
        image = np.empty(self.labels.shape, np.uint16)
        for start in range(0, len(image), 256):  # in bands: a large photo's float copy is big
            part = self.labels[start : start + 256]
            scaled = np.clip(part * 32767.5 + 32768, 0, 65535).astype(np.uint16)
            scaled[~part.any(axis=2)] = 0
            image[start : start + 256] = scaled
        reading = {"bits": 16, "value": "component = value / 32767.5 - 1", "0": "no normal"}
        return image, reading | {"axes": "x right, y up, z toward the camera"}

    def summary(self) -> dict[str, Any]:
        """The mean direction."""
        mean = self.labels.reshape(-1, 3).mean(axis=0, dtype=np.float64)
        return super().summary() | {"mean": [round(float(v), 4) for v in mean]}


@dataclass(frozen=True)
class Normals(Task):
    """Paint the direction that each surface faces."""

    name: ClassVar[str] = "normals"
    text: ClassVar[str] = "surface normals"
    reverse_text: ClassVar[str] = "photo from normals"
    long_side: ClassVar[int] = 256
    prediction: ClassVar[type[Prediction]] = NormalsPrediction

    def codec(self, legend: Legend | None = None, **options: Any) -> Codec:
        """OpenGL colours."""
        return OpenGLNormals(**options)

    def undo(self, geometry: Geometry, labels: np.ndarray) -> np.ndarray:
        """Linear, then unit length again."""
        return geometry.undo_normals(labels)

    def soften(self, painted: np.ndarray, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
        """The vectors themselves."""
        return codec.decode(painted)

    def harden(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Unit length again; a short mean means that tiles disagree and lowers the confidence."""
        length = np.sqrt(np.einsum("hwc,hwc->hw", values, values))
        valid = length > 0.05
        unit = values / np.where(valid, length, np.inf)[..., None]
        return unit.astype(np.float32), np.where(valid, np.minimum(length, 1), 0).astype(np.float32)
