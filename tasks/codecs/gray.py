"""Maps of one number a pixel painted gray: opacity, and how strong an edge is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from visiongen.errors import InputError
from visiongen.tasks.codecs.base import Codec, check_labels, check_map, check_positive, check_unit


def paint_gray(values: np.ndarray) -> np.ndarray:
    """Numbers (H, W) in [0, 1] -> gray uint8 (H, W, 3), rounded; NaN becomes black."""
    gray = np.nan_to_num(values * 255).round().astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=2)


def read_gray(painted: np.ndarray, sigma: float, snap: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Map -> the mean of its channels float32 (H, W) in [0, 1], confidence by distance from gray.

    Confidence is exp(-distance^2 / 2 sigma^2), ``sigma`` in levels. Means this near to an end of the
    range are that end (``snap``), and what is in between is stretched to meet it.
    """
    values = check_map(painted).astype(np.float32)
    gray = values.mean(axis=2)
    squared = ((values - gray[..., None]) ** 2).sum(axis=2)
    gray /= np.float32(255)
    if snap:
        gray = np.clip((gray - np.float32(snap)) / np.float32(1 - 2 * snap), 0, 1)
    return gray, np.exp(squared * np.float32(-0.5 / sigma**2))


@dataclass(frozen=True)
class AlphaGray(Codec):
    """Opacity: 0 (see-through) black, 1 (opaque) white, linear in the painted level.

    ``snap``: painted levels this near to black or white are read as black or white, those between
    are stretched, and the bound becomes ``snap``. Generators seldom paint pure black and white, and a
    background that is opaque to 2 % shows in every cutout.
    """

    sigma: float = 24.0
    snap: float = 0.0

    name: ClassVar[str] = "alpha/gray@1"
    unit: ClassVar[str] = "opacity"
    bound: ClassVar[str] = "1/510"

    def __post_init__(self) -> None:
        check_positive(self.name, sigma=self.sigma)
        number = isinstance(self.snap, (int, float)) and not isinstance(self.snap, bool)
        if not number or not 0 <= self.snap < 0.5:
            raise InputError(f"codec {self.name}: snap={self.snap!r} must be a number from 0 to below 0.5")

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Numbers float (H, W) in [0, 1] -> gray map; others, NaN too, raise InputError."""
        what = self.name.split("/")[0]
        return paint_gray(check_unit(what, check_labels(what, labels)))

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> numbers float32 (H, W) in [0, 1], confidence by distance from gray."""
        return read_gray(painted, self.sigma, self.snap)


@dataclass(frozen=True)
class EdgesGray(AlphaGray):
    """Edge strength: 0 (no edge) black, 1 (surely an edge) white. ``decode_thin`` thins on request."""

    name: ClassVar[str] = "edges/gray@1"
    unit: ClassVar[str] = "strength"

    def decode_thin(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As ``decode``, but only the crests keep their strength (see :func:`thin_edges`)."""
        strength, confidence = self.decode(painted)
        return thin_edges(strength), confidence

    @staticmethod
    def thin(strength: np.ndarray) -> np.ndarray:
        """:func:`thin_edges` of strengths that are no map."""
        return thin_edges(strength)


def thin_edges(strength: np.ndarray, slack: float = 1.01) -> np.ndarray:
    """Non-maximum suppression: strength float32 (H, W) where it is a crest, 0 elsewhere.

    As pdollar/edges does before scoring: strengths smoothed with a triangle of radius 1; direction
    across the edge from second derivatives after a triangle of radius 4; a pixel stays unless one of
    the two points one pixel across is more than ``slack`` times as strong (linear in between).
    Two things differ: what stays keeps the strength that was painted, and borders are not faded.
    """
    from scipy.ndimage import map_coordinates

    smooth = _triangle(strength, 1)
    dy, dx = np.gradient(_triangle(smooth, 4))
    dxx = np.gradient(dx, axis=1)
    dyy, dxy = np.gradient(dy)
    # Not sign(-dxy): it is 0 on a level line, which would then be taken for an upright one.
    across = np.mod(np.arctan(dyy * np.where(dxy > 0, -1, 1) / (dxx + 1e-5)), np.pi)
    y, x = np.indices(strength.shape)
    crest = smooth > 0
    for step in (-1, 1):
        place = [y + step * np.sin(across), x + step * np.cos(across)]
        crest &= slack * smooth >= map_coordinates(smooth, place, order=1, mode="nearest")
    return np.where(crest, strength, 0).astype(np.float32)


def _triangle(values: np.ndarray, radius: int) -> np.ndarray:
    """Values (H, W) smoothed with a triangle of this radius in both directions, edges mirrored."""
    import cv2

    rise = np.arange(1, radius + 2, dtype=np.float64)
    kernel = np.concatenate([rise, rise[-2::-1]])
    kernel /= kernel.sum()
    return cv2.sepFilter2D(np.asarray(values, np.float64), -1, kernel, kernel, borderType=cv2.BORDER_REFLECT)
