"""Depth as others paint it: Vision Banana, hilbertmap, Marigold, Painter."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from visiongen.errors import InputError
from visiongen.tasks.codecs.base import Codec, check_map, check_positive
from visiongen.tasks.codecs.depth import STEPS, WALK, CubeWalk, GrayDisparity, check_depth, project
from visiongen.tasks.codecs.gray import paint_gray, read_gray


@dataclass(frozen=True)
class VisionBananaDepth(CubeWalk):
    """Vision Banana's metric depth: the curve and the walk of ``depth/cubewalk@1``.

    Source: arXiv 2604.20329, section 3.2 (equation 1, lambda = -3, c = 10/3, along the edges of the
    colour cube from black to white), with the corners as hilbertmap 0.1 draws them: black, red,
    yellow, green, cyan, blue, magenta, white.
    """

    name: ClassVar[str] = "depth/visionbanana@1"


@dataclass(frozen=True)
class VisionBananaDepthBlueFirst(CubeWalk):
    """The same curve with red and blue swapped: black, blue, cyan, green, yellow, red, magenta, white.

    The paper names the ends of its walk, not the corners between, so both orders are in use; a map
    read in the wrong one is off by factors (1 m reads as 7.8 m). Maps that OpenCV wrote without
    turning its BGR around are also painted so.
    """

    name: ClassVar[str] = "depth/visionbanana-blue@1"

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Depth in metres float (H, W), >= 0 or +inf or NaN -> map."""
        return np.ascontiguousarray(super().encode(labels)[..., ::-1])

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> depth in metres float32 (H, W), +inf where white, and confidence."""
        return super().decode(np.asarray(painted)[..., ::-1])


@dataclass(frozen=True)
class HilbertMap(Codec):
    """The package hilbertmap: f = 1 - (1 - d / (lam c))^(lam + 1) along the seven edges.

    ``lam`` < -1 and ``c`` > 0 as in its ``depth_to_rgb``; its example for long-range outdoor scenes
    is lam = -4, c = 120. Unlike ``depth/cubewalk@1`` nothing is snapped at edges: this reads what
    ``hilbertmap.rgb_to_depth`` reads. ``sigma`` (levels) as there. Source:
    github.com/massimilianoviola/hilbertmap, src/hilbertmap/{transform,cubewalk}.py.
    """

    lam: float = -3.0
    c: float = 10.0 / 3.0
    sigma: float = 24.0

    name: ClassVar[str] = "depth/hilbertmap@1"
    unit: ClassVar[str] = "m"
    bound: ClassVar[str] = "half of 1/1785 of f: 1.4 mm x (1 + d/10)^3 with the default lam and c"

    def __post_init__(self) -> None:
        check_positive(self.name, c=self.c, sigma=self.sigma)
        if (
            isinstance(self.lam, bool)
            or not isinstance(self.lam, (int, float))
            or not -np.inf < self.lam < -1
        ):
            raise InputError(f"codec {self.name}: lam={self.lam!r} must be a finite number below -1")

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Depth in metres float (H, W), >= 0 or +inf; NaN is painted white -> map."""
        depth = check_depth(labels)
        rest = (1 - np.nan_to_num(depth, nan=np.inf, posinf=np.inf) / (self.lam * self.c)) ** (self.lam + 1)
        return WALK[np.rint(STEPS - STEPS * rest).astype(np.int16)]

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> depth in metres float32 (H, W), +inf where white, and confidence."""
        position, squared = project(check_map(painted))
        with np.errstate(divide="ignore"):
            rest = (1 - position.astype(np.float64) / STEPS) ** (1 / (self.lam + 1))
        confidence = np.exp(squared * np.float32(-0.5 / self.sigma**2))
        return (self.lam * self.c * (1 - rest)).astype(np.float32), confidence

    def tolerance(self, depth: np.ndarray) -> np.ndarray:
        """Largest absolute error in metres that 8-bit rounding can cause at these depths (m)."""
        scale = -self.lam * self.c
        base = 1 + np.asarray(depth, np.float64) / scale
        rest = np.maximum(base ** (self.lam + 1) - 0.501 / STEPS, 1e-12)
        return scale * (rest ** (1 / (self.lam + 1)) - base) + 1e-4


@dataclass(frozen=True)
class MarigoldDepth(GrayDisparity):
    """Marigold's affine-invariant depth: linear depth between its 2 % and 98 % quantiles, far = white.

    Not inverse depth: 0 is near and 1 is far. Scale and shift are lost; infinitely far is white and
    invalid (NaN) black: mask it. Source: github.com/prs-eth/Marigold, src/util/depth_transform.py
    (NearFarMetricNormalizer, min_max_quantile = 0.02); script/depth/run.py writes value * 65535 as
    16-bit gray, which reads here in its upper 8 bits.
    """

    name: ClassVar[str] = "depth/marigold@1"
    unit: ClassVar[str] = "relative depth"
    measure: ClassVar[str] = "relative depth"

    def relative(self, depth: np.ndarray) -> np.ndarray:
        """Depth in metres (H, W) -> relative depth float32 in [0, 1], NaN where invalid."""
        depth = check_depth(depth)
        finite = depth[np.isfinite(depth) & (depth > 0)]
        if not finite.size:
            return np.where(depth == np.inf, 1, np.nan).astype(np.float32)
        low, high = np.quantile(finite, [self.low, self.high])
        span = max(float(high - low), 1e-6 * float(high))
        return np.clip((depth - low) / span, 0, 1).astype(np.float32)


@dataclass(frozen=True)
class PainterDepth(Codec):
    """Painter's NYU depth: gray = metres / ``far``, ``far`` = 10.

    Beyond ``far`` (and +inf) is white and decodes to ``far``; invalid (NaN) is black, which decodes
    to 0: mask it. Source: github.com/baaivision/Painter, eval/nyuv2_depth/painter_inference_depth.py
    (millimetres / 10000, the mean of the three channels).
    """

    far: float = 10.0
    sigma: float = 24.0

    name: ClassVar[str] = "depth/painter@1"
    unit: ClassVar[str] = "m"
    bound: ClassVar[str] = "far / 510: 2 cm"

    def __post_init__(self) -> None:
        check_positive(self.name, **{f.name: getattr(self, f.name) for f in fields(self)})

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Depth in metres float (H, W), >= 0 or +inf or NaN -> gray map."""
        gray = np.clip(np.nan_to_num(check_depth(labels), nan=0, posinf=self.far) / self.far, 0, 1)
        return paint_gray(gray)

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> depth in metres float32 (H, W), and confidence by distance from gray."""
        gray, confidence = read_gray(painted, self.sigma)
        return gray * np.float32(self.far), confidence

    def tolerance(self, depth: np.ndarray) -> np.ndarray:
        """Largest absolute error in metres that 8-bit rounding can cause below ``far``."""
        return np.full(np.shape(depth), self.far / 510 * 1.001)
