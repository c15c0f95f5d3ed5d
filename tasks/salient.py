"""Salient object detection: the one thing that a glance at the photo falls on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from visiongen.geometry import Geometry
from visiongen.image import Photo
from visiongen.prompt import Legend
from visiongen.tasks.base import Prediction
from visiongen.tasks.gray_task import GrayTask, two_colours
from visiongen.tasks.matting import MattingPrediction


@dataclass
class SalientPrediction(MattingPrediction):
    """``labels`` float32 (H, W): how surely a pixel belongs to the object; 0 or 1 when ``binary``."""

    @property
    def mask(self) -> np.ndarray:
        """bool (H, W): at least as likely object as not."""
        return self.labels >= 0.5

    def cutout(self, photo: Photo, sharpen: bool = False) -> np.ndarray:
        """As of a matte, but by default not fitted to the photo: certainty is no opacity."""
        return super().cutout(photo, sharpen)


@dataclass(frozen=True)
class Salient(GrayTask):
    """Paint what stands out. ``binary``: 0 or 1 by the threshold 0.5, instead of soft numbers."""

    binary: bool = False

    name: ClassVar[str] = "salient"
    text: ClassVar[str] = "salient object"
    reverse_text: ClassVar[str] = "photo from salient object"
    long_side: ClassVar[int] = 256
    legend: ClassVar[Legend] = two_colours("object", "background")
    prediction: ClassVar[type[Prediction]] = SalientPrediction

    def undo(self, geometry: Geometry, labels: np.ndarray) -> np.ndarray:
        """Linear; ``binary`` cuts afterwards, so that the border follows the photo's own pixels."""
        values = super().undo(geometry, labels)
        return (values >= 0.5).astype(np.float32) if self.binary else values
