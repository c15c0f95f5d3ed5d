"""Depth: metric on the cube walk, or relative (affine-invariant inverse depth)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from visiongen.image import Geometry
from visiongen.prompt import Legend, Prompt
from visiongen.tasks.base import Prediction, Task
from visiongen.tasks.codecs.base import Codec
from visiongen.tasks.codecs.depth import CubeWalk, GrayDisparity
from visiongen.tasks.codecs.gray import paint_gray
from visiongen.tasks.pictures import colour_near, nearness

# KITTI's 16-bit scale: 3.9 mm steps up to 256 m, which holds the codec's whole range.
PNG_SCALE = 256


@dataclass
class DepthPrediction(Prediction):
    """``labels`` float32 (H, W). Unit "m": metres, +inf = sky or infinitely far.

    Unit "relative": relative inverse depth in [0, 1], larger is nearer, without scale or shift.
    """

    @property
    def depth(self) -> np.ndarray:
        """The labels under their own name."""
        return self.labels

    def relative(self) -> np.ndarray:
        """Relative inverse depth float32 in [0, 1], larger is nearer, from either unit."""
        return self.labels if self.unit == "relative" else GrayDisparity().relative(self.labels)

    def picture(self) -> np.ndarray:
        """Near = red, far = dark blue, on a log scale for metres."""
        return colour_near(self.labels if self.unit == "relative" else nearness(self.labels))

    def label_image(self) -> tuple[np.ndarray, dict[str, Any]]:
        """16 bit; metres = value / 256 with 0 = infinitely far or invalid, or value / 65535."""
        if self.unit == "relative":
            image = (self.labels * 65535 + 0.5).astype(np.uint16)
            return image, {"bits": 16, "value": "relative inverse depth", "scale": 65535}
        finite = np.isfinite(self.labels)
        scaled = np.where(finite, self.labels, 0) * PNG_SCALE + 0.5
        # A finite depth is never 0: that value means "no finite depth here".
        image = np.where(finite, np.clip(scaled, 1, 65535), 0).astype(np.uint16)
        reading = {"bits": 16, "value": "metres = value / scale", "scale": PNG_SCALE}
        return image, reading | {"0": "infinitely far (sky) or invalid; the NPY keeps +inf"}

    def summary(self) -> dict[str, Any]:
        """Median, nearest and farthest finite value, and the share that is infinitely far."""
        values = self.labels[np.isfinite(self.labels)]
        share = 1 - values.size / self.labels.size
        numbers = {"infinite": round(share, 5)}
        if values.size:
            numbers |= {
                "min": round(float(values.min()), 4),
                "median": round(float(np.median(values)), 4),
                "max": round(float(values.max()), 4),
            }
        return super().summary() | numbers


@dataclass(frozen=True)
class Depth(Task):
    """Paint the distance along the optical axis. ``relative`` asks for inverse depth in gray.

    ``guided``: its borders follow the photo's, see :mod:`visiongen.tasks.guide`. On rendered frames that no
    benchmark scores it takes 4 % off AbsRel.
    """

    relative: bool = False
    guided: bool = True

    name: ClassVar[str] = "depth"
    text: ClassVar[str] = "depth in metres"
    reverse_text: ClassVar[str] = "photo from depth"
    # The largest size painted in training: how large things look is what their distance is read from.
    long_side: ClassVar[int] = 256
    prediction: ClassVar[type[Prediction]] = DepthPrediction

    def prompt(self, legend: Legend | None = None) -> Prompt:
        """Ask for metres, or for relative depth."""
        prompt = super().prompt(legend)
        return Prompt(self.name, "relative depth") if self.relative else prompt

    def codec(self, legend: Legend | None = None, **options: Any) -> Codec:
        """The cube walk, or gray inverse depth."""
        return GrayDisparity(**options) if self.relative else CubeWalk(**options)

    def undo(self, geometry: Geometry, labels: np.ndarray) -> np.ndarray:
        """Linear on surfaces; nearest at edges and beside the sky. Relative depth: linear."""
        return geometry.undo_scalar(labels) if self.relative else geometry.undo_depth(labels)

    def soften(self, painted: np.ndarray, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
        """Metric: (log depth or 0, 1 where finite). Relative: the relative disparity."""
        depth, confidence = codec.decode(painted)
        if self.relative:
            return depth[..., None], confidence
        finite = np.isfinite(depth)
        log = np.log(np.where(finite, np.maximum(depth, 1e-3), 1))
        return np.stack([log, finite], axis=2).astype(np.float32), confidence

    def harden(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Back to depth; +inf where most of the weight says infinitely far."""
        ones = np.ones(values.shape[:2], np.float32)
        if self.relative:
            return np.clip(values[..., 0], 0, 1), ones
        finite = values[..., 1] >= 0.5
        depth = np.exp(values[..., 0] / np.where(finite, values[..., 1], 1))
        return np.where(finite, depth, np.inf).astype(np.float32), ones

    def repaint(self, values: np.ndarray, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
        """Relative depth is painted as it is: its codec's ``encode`` takes metres."""
        if not self.relative:
            return super().repaint(values, codec)
        labels, factor = self.harden(values)
        return paint_gray(labels), factor

    def align(self, values: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """Shift a tile to the whole photo's distance: a crop alone does not show its scale.

        Metric: median difference of log depth. Relative: least-squares scale and shift.
        """
        if self.relative:
            return _fit(values, whole)
        both = (values[..., 1] > 0.5) & (whole[..., 1] > 0.5)
        if not both.any():
            return values
        moved = values.copy()
        moved[..., 0] += np.median((whole[..., 0] - values[..., 0])[both]) * values[..., 1]
        return moved


def _fit(values: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Scale (>= 0) and shift of ``values`` that bring it nearest to ``whole``."""
    mean, target = values.mean(), whole.mean()
    spread = float(((values - mean) ** 2).mean())
    covariance = float(((values - mean) * (whole - target)).mean())
    scale = max(covariance, 0.0) / spread if spread > 1e-8 else 0.0
    return ((values - mean) * scale + target).astype(np.float32)
