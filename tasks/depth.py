"""Depth: metric on the cube walk, or relative (affine-invariant inverse depth)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from visiongen.errors import InputError
from visiongen.geometry import Geometry
from visiongen.prompt import Legend, Prompt
from visiongen.tasks.base import Prediction, Task
from visiongen.tasks.codecs.base import Codec
from visiongen.tasks.codecs.depth import CubeWalk, GrayDisparity, GrayRelative
from visiongen.tasks.codecs.gray import paint_gray
from visiongen.tasks.pictures import colour_near, nearness

# KITTI's 16-bit scale: 3.9 mm steps up to 256 m, which holds the default codec's whole range.
PNG_SCALE = 256
_LARGEST = 65535


@dataclass
class DepthPrediction(Prediction):
    """``labels`` float32 (H, W). Unit "m": metres, +inf = sky or infinitely far.

    Unit "relative": relative inverse depth in [0, 1] (of another codec what its ``measure`` says), larger is
    nearer, without scale or shift. NaN = invalid in every unit.
    """

    @property
    def depth(self) -> np.ndarray:
        """The labels under their own name."""
        return self.labels

    def relative(self) -> np.ndarray:
        """Relative inverse depth float32 in [0, 1], larger is nearer, from either unit.

        InputError for other measures: their scale and shift are unknown, so their inverse is unknown too.
        """
        if self.unit == "m":
            return GrayDisparity().relative(self.labels)
        if self._measure != GrayDisparity.measure:
            raise InputError(f"depth: {self._measure} has no inverse; align it to metres first")
        return self.labels

    @property
    def _measure(self) -> str:
        assert isinstance(self.codec, GrayRelative)
        return self.codec.measure

    def picture(self) -> np.ndarray:
        """Near = red, far = dark blue, on a log scale for metres."""
        return colour_near(self.labels if self.unit == "relative" else nearness(self.labels))

    def label_image(self) -> tuple[np.ndarray, dict[str, Any]]:
        """16 bit; metres = value / scale with 0 = infinitely far or invalid, or value / 65535.

        ``scale`` is 256, or the largest power of two by which the largest finite value still fits. A relative
        map of which something is not shown (NaN) has 0 there, and shows at least 1.
        """
        finite = np.isfinite(self.labels)
        known = np.where(finite, self.labels, 0)
        if self.unit != "m":
            image = (known * _LARGEST + 0.5).astype(np.uint16)
            reading = {"bits": 16, "value": self._measure, "scale": _LARGEST}
            if finite.all():
                return image, reading
            image[finite & (image == 0)] = 1
            return image, reading | {"0": "invalid; the NPY keeps NaN"}
        scale = _png_scale(float(known.max(initial=0)))
        # A finite depth is never 0: that value means "no finite depth here".
        image = np.where(finite, np.clip(known * scale + 0.5, 1, _LARGEST), 0).astype(np.uint16)
        reading = {"bits": 16, "value": "metres = value / scale", "scale": scale}
        return image, reading | {"0": "infinitely far (sky) or invalid; the NPY keeps +inf"}

    def summary(self) -> dict[str, Any]:
        """Median, nearest and farthest finite value, and the shares infinitely far and invalid."""
        values = self.labels[np.isfinite(self.labels)]
        infinite = float(np.isposinf(self.labels).mean())
        invalid = 1 - infinite - values.size / self.labels.size
        numbers = {"infinite": round(infinite, 5), "invalid": round(max(0.0, invalid), 5)}
        if values.size:
            numbers |= {
                "min": round(float(values.min()), 4),
                "median": round(float(np.median(values)), 4),
                "max": round(float(values.max()), 4),
            }
        return super().summary() | numbers


def _png_scale(most: float) -> float:
    """Steps a metre, a power of two and at most 256, by which ``most`` metres fit in 16 bits."""
    scale: float = PNG_SCALE
    while most * scale > _LARGEST:
        scale = scale // 2 if scale > 1 else scale / 2
    return scale


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
