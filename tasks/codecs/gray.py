"""Maps of one number a pixel painted gray: opacity, and how strong an edge is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from visiongen.errors import InputError
from visiongen.tasks.codecs.base import Codec, check_labels, check_map, check_positive, check_unit
from visiongen.thinning import thin_edges

__all__ = ["AlphaGray", "EdgesGray", "paint_gray", "read_gray", "thin_edges", "unsnap"]


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


def unsnap(values: np.ndarray, snap: float) -> np.ndarray:
    """What :func:`read_gray` reads as ``values`` in [0, 1] when painted: shrunk, but for the two ends."""
    between = (values > 0) & (values < 1)
    return np.where(between, snap + (1 - 2 * snap) * values, values)


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
