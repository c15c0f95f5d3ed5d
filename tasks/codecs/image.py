"""A picture that is a picture: its colours are the labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from visiongen.errors import InputError
from visiongen.tasks.codecs.base import Codec, check_map


@dataclass(frozen=True)
class RgbImage(Codec):
    """sRGB as it is. Every colour means itself, so the confidence is 1 everywhere."""

    name: ClassVar[str] = "image/rgb@1"
    unit: ClassVar[str] = "sRGB"
    bound: ClassVar[str] = "exact"
    redundant: ClassVar[bool] = False

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Colours uint8 (H, W, 3) -> the same; others raise InputError."""
        array = np.asarray(labels)
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
            raise InputError(f"image: {array.dtype} {array.shape} is not a picture; give uint8 (H, W, 3)")
        return array

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> the same, uint8 (H, W, 3), and a confidence of 1 everywhere."""
        return check_map(painted), np.ones(painted.shape[:2], np.float32)
