"""Matting: how opaque the foreground is at each pixel, hair and blurred borders included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from visiongen.image import Photo, as_photo
from visiongen.prompt import Legend
from visiongen.tasks.base import Prediction
from visiongen.tasks.gray_task import GrayPrediction, GrayTask, two_colours


@dataclass
class MattingPrediction(GrayPrediction):
    """``labels`` float32 (H, W): opacity, 1 = foreground, 0 = background."""

    @property
    def alpha(self) -> np.ndarray:
        """The labels under their own name."""
        return self.labels

    def cutout(self, photo: Photo, sharpen: bool = True) -> np.ndarray:
        """The foreground alone, RGBA uint8 (H, W, 4) with straight alpha and its own colours.

        ``photo`` (a path, a PIL image or uint8 RGB) is the one that was predicted. ``sharpen`` lets the
        matte, painted smaller than the photo, follow the photo's borders (see visiongen.tasks.foreground).
        """
        from visiongen.tasks import foreground

        photo = as_photo(photo)
        step = max(self.geometry.input_size) / max(self.geometry.work_size)
        alpha = foreground.sharpen(photo, self.labels, step) if sharpen else self.labels
        return foreground.cutout(photo, alpha)


@dataclass(frozen=True)
class Matting(GrayTask):
    """Paint the opacity of the foreground: what stands out, without being told where it is."""

    name: ClassVar[str] = "matting"
    text: ClassVar[str] = "alpha matte"
    reverse_text: ClassVar[str] = "photo from alpha matte"
    # The largest size painted in training: a border is what counts.
    long_side: ClassVar[int] = 256
    legend: ClassVar[Legend] = two_colours("foreground", "background")
    prediction: ClassVar[type[Prediction]] = MattingPrediction

    @staticmethod
    def foreground(photo: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        """Foreground colours uint8 (H, W, 3), see ``foreground.estimate``."""
        from visiongen.tasks.foreground import estimate

        return estimate(photo, alpha)
