"""Depth: metric on the cube walk, relative as gray inverse depth or gray log depth."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from visiongen.errors import InputError
from visiongen.resize import nearest_fill
from visiongen.tasks.codecs.base import Codec, check_labels, check_map, check_positive
from visiongen.tasks.codecs.gray import paint_gray, read_gray

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


def check_depth(labels: np.ndarray) -> np.ndarray:
    """Depth in metres as float32 (H, W); another shape or a negative number raises InputError."""
    depth = check_labels("depth", labels)
    if np.less(depth, 0).any():
        raise InputError(f"depth: {np.nanmin(depth):.4g} m is negative; mark invalid as NaN")
    return depth


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
        depth = check_depth(labels)
        with np.errstate(invalid="ignore"):
            inverse = 1 / (1 + depth * np.float32(1 / self.scale))
            index = STEPS - STEPS * inverse * inverse + np.float32(0.5)
            # White is infinitely far alone, also where ``far`` itself lies in the walk's last step.
            index = np.minimum(index, STEPS - 1)
            index[~(depth < self.far)] = STEPS
        return WALK[index.astype(np.int16)]

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> depth in metres float32 (H, W), +inf where white, and confidence."""
        position, squared = project(check_map(painted))
        confidence = np.exp(squared * np.float32(-0.5 / self.sigma**2))
        position = self._snap(painted, position, squared)
        with np.errstate(divide="ignore"):
            depth = self.scale * (1 / np.sqrt(1 - position / STEPS) - 1)
        # The colour of `far` itself still counts as finite, so that rounding up to it round-trips.
        last = min(round(STEPS - STEPS * (1 + self.far / self.scale) ** -2), STEPS - 1)
        np.minimum(depth, np.nextafter(np.float32(self.far), np.float32(0)), out=depth)
        depth[position > last] = np.inf
        return depth.astype(np.float32), confidence

    def _snap(self, painted: np.ndarray, position: np.ndarray, squared: np.ndarray) -> np.ndarray:
        """Give stray pixels the position of the nearest pixel on the walk within reach."""
        filled, away = nearest_fill(position, squared > self.stray**2)
        return np.where(away <= self.reach, filled, position)

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
class CubeWalkEdges(CubeWalk):
    """The cube walk of @1, painted alike, read without flying pixels.

    A mix of two colours of the walk lies inside the cube, off its edges. A pixel is suspect when it
    is farther from the walk than ``excess`` times the median distance around it (``window`` x
    ``window`` pixels), at least ``floor`` and at most ``stray`` levels: a clean map suspects at 2
    levels, a noisy one only what noise does not explain. A suspect whose colour lies on the chord
    between two pixels that are none, on opposite sides within ``reach``, takes the depth of the
    side it has more of; any other takes that of the nearest pixel that is no suspect, within
    ``reach``. Pixels on the walk keep their own depth, so ramps and thin things stay as painted.

    A pixel depends on others up to ``margin`` pixels away: decode crops with that much around them.
    """

    floor: float = 2.0
    excess: float = 10.0
    window: int = 11

    name: ClassVar[str] = "depth/cubewalk@2"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.window, int) or self.window % 2 == 0:
            raise InputError(f"codec {self.name}: window={self.window!r} must be an odd whole number")

    @property
    def margin(self) -> int:
        """How far (pixels) a pixel's depth can depend on its neighbours' colours."""
        return int(self.reach) + self.window // 2

    def _snap(self, painted: np.ndarray, position: np.ndarray, squared: np.ndarray) -> np.ndarray:
        """Give each suspect the position of its side of the edge."""
        suspect = squared > self._noise(squared) ** 2
        if not suspect.any() or suspect.all():
            return position
        filled, away = nearest_fill(position, suspect)
        snapped = np.where(away <= self.reach, filled, position)
        side, distance = chord_sides(painted, position, suspect, int(self.reach))
        # Off the walk but on a chord, at less than half the distance: a mix.
        mixed = distance < squared[suspect] / 4
        snapped[suspect] = np.where(mixed, side, snapped[suspect])
        return snapped

    def _noise(self, squared: np.ndarray) -> np.ndarray:
        """Distance from the walk (levels, (H, W)) beyond which noise is no explanation."""
        import cv2

        away = np.ceil(np.sqrt(np.minimum(squared, 255**2))).astype(np.uint8)
        usual = cv2.medianBlur(away, self.window).astype(np.float32)
        return np.clip(self.excess * usual, self.floor, max(self.stray, self.floor))


def chord_sides(
    painted: np.ndarray, position: np.ndarray, suspect: np.ndarray, reach: int
) -> tuple[np.ndarray, np.ndarray]:
    """For the N suspects: position of the side of the edge that they have more of.

    Every pair of pixels that are no suspects, on opposite sides of the suspect (in rows, columns or
    diagonals, up to ``reach`` pixels away), spans a chord in RGB; the nearest chord wins, near pairs
    before far ones. Second result: squared distance to it in levels (N,), +inf without a pair.
    """
    y, x = (index + reach for index in np.nonzero(suspect))
    own = painted[suspect].astype(np.int64)
    colours = np.pad(painted, ((reach, reach), (reach, reach), (0, 0))).astype(np.int64)
    usable = np.pad(~suspect, reach)
    places = np.pad(position, reach)
    best, distance = np.full(len(own), np.inf), np.full(len(own), np.inf)
    side = np.zeros(len(own), position.dtype)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        for back in range(1, reach + 1):
            one = (y - back * dy, x - back * dx)
            for ahead in range(1, reach + 1):
                two = (y + ahead * dy, x + ahead * dx)
                # Whole numbers: a mirrored map decides exactly alike.
                chord, offset = colours[two] - colours[one], own - colours[one]
                along, length = (offset * chord).sum(axis=1), (chord * chord).sum(axis=1)
                squared = (np.cross(offset, chord) ** 2).sum(axis=1) / np.maximum(length, 1)
                between = usable[one] & usable[two] & (along > 0) & (along < length)
                # A quarter level^2 a pixel: rounding must not choose a far pair before a near one.
                score = np.where(between, squared + 0.25 * (back + ahead), np.inf)
                ends = places[one], places[two]
                nearer = np.where(2 * along < length, *ends)
                nearer = np.where(2 * along == length, np.minimum(*ends), nearer)
                better = (score < best) | (between & (score == best) & (nearer < side))
                best, side = np.where(better, score, best), np.where(better, nearer, side)
                distance = np.where(better, squared, distance)
    return side, distance


@dataclass(frozen=True)
class GrayRelative(Codec):
    """Relative depth: a measure of nearness between two of its quantiles as gray, near = white.

    Scale and shift of the measure are lost on purpose: decode gives it in [0, 1]. Infinitely far is
    black, as is invalid. Quantiles are the picture's own, so a crop is painted otherwise.
    """

    low: float = 0.02
    high: float = 0.98
    sigma: float = 24.0

    unit: ClassVar[str] = "relative"
    measure: ClassVar[str]  # what is told in [0, 1], in words
    bound: ClassVar[str] = "1/510 of the quantile range, inside the range"

    def __post_init__(self) -> None:
        check_positive(self.name, low=self.low, high=self.high, sigma=self.sigma)
        if not self.low < self.high <= 1:
            raise InputError(f"codec {self.name}: low={self.low} must be below high={self.high} <= 1")

    @abstractmethod
    def nearness(self, depth: np.ndarray) -> np.ndarray:
        """What is painted, of depths above 0 (m); it falls with depth, to its least at +inf."""

    def relative(self, depth: np.ndarray) -> np.ndarray:
        """Depth in metres (H, W) -> relative nearness float32 in [0, 1], NaN where invalid."""
        depth = check_labels("depth", depth)
        with np.errstate(divide="ignore", invalid="ignore"):
            near = np.where(depth > 0, self.nearness(depth), np.nan).astype(np.float32)
        finite = near[(depth > 0) & np.isfinite(depth)]
        if not finite.size:
            return np.where(np.isnan(near), np.nan, 0).astype(np.float32)
        low, high = np.quantile(finite, [self.low, self.high])
        span = max(float(high - low), 1e-6 * abs(float(high)), 1e-12)
        return np.clip((near - low) / span, 0, 1).astype(np.float32)

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Depth in metres (H, W), invalid = NaN or <= 0 -> gray map."""
        return paint_gray(self.relative(labels))

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> relative nearness float32 (H, W) in [0, 1], confidence by distance from gray."""
        return read_gray(painted, self.sigma)


@dataclass(frozen=True)
class GrayDisparity(GrayRelative):
    """Relative inverse depth (affine-invariant disparity); infinitely far counts as zero."""

    name: ClassVar[str] = "depth/disparity@1"
    measure: ClassVar[str] = "relative inverse depth"

    def nearness(self, depth: np.ndarray) -> np.ndarray:
        """Inverse depth, 1/m."""
        return 1 / depth


@dataclass(frozen=True)
class GrayLog(GrayRelative):
    """Relative log depth: equal ratios of depth are equal steps of gray, near and far alike."""

    name: ClassVar[str] = "depth/graylog@1"
    measure: ClassVar[str] = "relative log depth, near = 1"

    def nearness(self, depth: np.ndarray) -> np.ndarray:
        """Minus the logarithm of depth."""
        return -np.log(depth)
