"""Depth: metric on the cube walk, relative as gray inverse depth."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from visiongen.errors import InputError
from visiongen.tasks.codecs.base import Codec, check_map, check_positive

# black, red, yellow, green, cyan, blue, magenta, white: one channel changes along each edge.
CORNERS = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1], [1, 1, 1]])
STEPS = 7 * 255


def _walk() -> np.ndarray:
    """The 1786 colours of the walk, uint8 (1786, 3); neighbours differ by one level."""
    along = np.arange(STEPS + 1)
    stops = np.arange(8) * 255
    table = np.stack([np.interp(along, stops, CORNERS[:, c] * 255) for c in range(3)], 1)
    return table.round().astype(np.uint8)


WALK = _walk()


@dataclass(frozen=True)
class CubeWalk(Codec):
    """Metric depth on seven edges of the colour cube, black (0 m) to white (infinitely far).

    f = 1 - (1 + d/scale)^-2, position 7f on the walk. Depths from ``far`` metres on, and +inf,
    are white and decode to +inf. NaN (invalid) is painted white too: mask it. ``sigma`` (levels)
    turns the distance from the walk into confidence exp(-dist^2 / 2 sigma^2). Mixed colours on a
    depth edge lie far from the walk and would decode to flying pixels: beyond ``stray`` levels a
    pixel takes the depth of the nearest pixel on the walk, at most ``reach`` pixels away.
    """

    scale: float = 10.0
    far: float = 200.0
    sigma: float = 24.0
    stray: float = 56.0
    reach: float = 3.0

    name: ClassVar[str] = "depth/cubewalk@1"
    unit: ClassVar[str] = "m"
    bound: ClassVar[str] = "1.4 mm x (1 + d/10)^3: 0.3 % at 0.5-20 m, 1.3 % at 80 m"

    def __post_init__(self) -> None:
        check_positive(self.name, **{f.name: getattr(self, f.name) for f in fields(self)})

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Depth in metres float (H, W), >= 0 or +inf or NaN -> map."""
        depth = np.asarray(labels, np.float32)
        if depth.ndim != 2:
            raise InputError(f"depth: shape {depth.shape} is not (H, W)")
        low = depth.min(initial=0)
        if low < 0 or np.less(depth, 0).any():
            raise InputError(f"depth: {np.nanmin(depth):.4g} m is negative; mark invalid as NaN")
        with np.errstate(invalid="ignore"):
            inverse = 1 / (1 + depth * np.float32(1 / self.scale))
            index = STEPS - STEPS * inverse * inverse + np.float32(0.5)
            index[~(depth < self.far)] = STEPS
        return WALK[index.astype(np.int16)]

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> depth in metres float32 (H, W), +inf where white, and confidence."""
        position, squared = project(check_map(painted))
        confidence = np.exp(squared * np.float32(-0.5 / self.sigma**2))
        position = self._snap(position, squared)
        with np.errstate(divide="ignore"):
            depth = self.scale * (1 / np.sqrt(1 - position / STEPS) - 1)
        # The colour of `far` itself still counts as finite, so that rounding up to it round-trips.
        last = round(STEPS - STEPS * (1 + self.far / self.scale) ** -2)
        np.minimum(depth, np.nextafter(np.float32(self.far), np.float32(0)), out=depth)
        depth[position > last] = np.inf
        return depth.astype(np.float32), confidence

    def _snap(self, position: np.ndarray, squared: np.ndarray) -> np.ndarray:
        """Give stray pixels the position of the nearest pixel on the walk within reach."""
        stray = (squared > self.stray**2).astype(np.uint8)
        if not stray.any() or stray.all():
            return position
        import cv2

        away, index = cv2.distanceTransformWithLabels(stray, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        table = np.zeros(int(index.max()) + 1, position.dtype)
        table[index[stray == 0]] = position[stray == 0]
        return np.where((stray == 1) & (away <= self.reach), table[index], position)

    def tolerance(self, depth: np.ndarray) -> np.ndarray:
        """Largest absolute error in metres that 8-bit rounding can cause at these depths (m)."""
        inverse = (1 + np.asarray(depth, np.float64) / self.scale) ** -2
        worst = np.maximum(inverse - 0.501 / STEPS, 1e-12)
        return self.scale * (worst**-0.5 - inverse**-0.5) + 1e-4


def project(painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest point of the walk: position float32 (H, W) in 0..1785, squared distance in levels."""
    channels = np.moveaxis(painted, 2, 0).astype(np.float32)
    ends = channels - 255
    low, high = channels * channels, ends * ends
    best = np.full(painted.shape[:2], np.inf, np.float32)
    position = np.zeros_like(best)
    for edge in range(7):
        start, stop = CORNERS[edge], CORNERS[edge + 1]
        axis = int(np.flatnonzero(start != stop)[0])
        one, two = (c for c in range(3) if c != axis)
        squared = (high if start[one] else low)[one] + (high if start[two] else low)[two]
        along = channels[axis] if stop[axis] else -ends[axis]
        closer = squared < best
        np.copyto(best, squared, where=closer)
        np.copyto(position, along + np.float32(255 * edge), where=closer)
    return position, best


@dataclass(frozen=True)
class GrayDisparity(Codec):
    """Relative depth: inverse depth between two of its quantiles as gray, near = white.

    Scale and shift are lost on purpose (affine-invariant inverse depth): decode gives relative
    disparity in [0, 1]. Infinitely far counts as zero inverse depth; invalid is painted black.
    """

    low: float = 0.02
    high: float = 0.98
    sigma: float = 24.0

    name: ClassVar[str] = "depth/disparity@1"
    unit: ClassVar[str] = "relative"
    bound: ClassVar[str] = "1/510 of the quantile range, inside the range"

    def __post_init__(self) -> None:
        check_positive(self.name, low=self.low, high=self.high, sigma=self.sigma)
        if not self.low < self.high <= 1:
            raise InputError(f"codec {self.name}: low={self.low} must be below high={self.high} <= 1")

    def relative(self, depth: np.ndarray) -> np.ndarray:
        """Depth in metres (H, W) -> relative disparity float32 in [0, 1], NaN where invalid."""
        depth = np.asarray(depth, np.float32)
        if depth.ndim != 2:
            raise InputError(f"depth: shape {depth.shape} is not (H, W)")
        with np.errstate(divide="ignore", invalid="ignore"):
            disparity = np.where(depth > 0, 1 / depth, np.nan).astype(np.float32)
        finite = disparity[disparity > 0]
        if not finite.size:
            return np.where(np.isnan(disparity), np.nan, 0).astype(np.float32)
        low, high = np.quantile(finite, [self.low, self.high])
        span = max(float(high - low), 1e-6 * float(high))
        return np.clip((disparity - low) / span, 0, 1).astype(np.float32)

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Depth in metres (H, W), invalid = NaN or <= 0 -> gray map."""
        gray = np.nan_to_num(self.relative(labels) * 255).round().astype(np.uint8)
        return np.repeat(gray[..., None], 3, axis=2)

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> relative disparity float32 (H, W) in [0, 1], confidence by distance from gray."""
        values = check_map(painted).astype(np.float32)
        gray = values.mean(axis=2)
        squared = ((values - gray[..., None]) ** 2).sum(axis=2)
        return gray / np.float32(255), np.exp(squared * np.float32(-0.5 / self.sigma**2))
