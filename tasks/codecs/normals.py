"""Surface normals as colours, OpenGL camera axes (x right, y up, z toward the camera)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from visiongen.errors import InputError, UsageError
from visiongen.tasks.codecs.base import Codec, check_labels, check_map, check_positive

# What each foreign convention's (x, y, z) must be multiplied by.
CONVENTIONS = {
    "opengl": (1, 1, 1),  # Marigold, diffusers: right, up, to the viewer
    "lub": (-1, 1, 1),  # DSINE: left, up, to the viewer
    "opencv": (1, -1, -1),  # right, down, forward
    "directx": (1, -1, 1),  # green points down
}
_NEUTRAL = 0.05
LONGEST = 1.05  # of a unit vector, rounding and resizing included


def check_lengths(normals: np.ndarray) -> np.ndarray:
    """Lengths (H, W), those of invalid vectors not finite.

    InputError for vectors that are too long: clipped channel by channel, they would point elsewhere.
    """
    lengths = np.sqrt(np.einsum("hwc,hwc->hw", normals, normals))
    longest = float(np.max(lengths, initial=0, where=np.isfinite(lengths)))
    if longest > LONGEST:
        raise InputError(f"normals: a vector is {longest:.3g} long; give unit vectors (or zero for none)")
    return lengths


@dataclass(frozen=True)
class OpenGLNormals(Codec):
    """R = (1+x)/2, G = (1+y)/2, B = (1+z)/2, rounded to 8 bits.

    Decoding normalises; ``sigma`` turns the deviation of the painted length from 1 into confidence
    exp(-dev^2 / 2 sigma^2). Invalid normals (NaN or zero) are mid-gray, which decodes to zero.
    """

    sigma: float = 0.2

    name: ClassVar[str] = "normals/opengl@1"
    unit: ClassVar[str] = "unit vector"
    bound: ClassVar[str] = "0.40 degrees (mean 0.17)"

    def __post_init__(self) -> None:
        check_positive(self.name, sigma=self.sigma)

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Unit normals float (H, W, 3) -> map."""
        normals = check_labels("normals", labels, 3)
        lengths = check_lengths(normals)
        scaled = normals * np.float32(127.5) + np.float32(128)
        # NaN (and inf, which no unit vector has) become neutral gray, and the other channels with them.
        scaled[~np.isfinite(lengths)] = 128
        return np.clip(scaled, 0, 255.5, out=scaled).astype(np.uint8)

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> unit normals float32 (H, W, 3), zero where neutral gray, and confidence."""
        vectors = check_map(painted).astype(np.float32)
        vectors *= np.float32(1 / 127.5)
        vectors -= 1
        length = np.sqrt(np.einsum("hwc,hwc->hw", vectors, vectors))
        confidence = np.exp((length - 1) ** 2 * np.float32(-0.5 / self.sigma**2))
        neutral = length < _NEUTRAL
        confidence[neutral] = 0
        length[neutral] = np.inf
        vectors /= length[..., None]
        return vectors, confidence

    def flip(self, labels: np.ndarray) -> np.ndarray:
        """Normals of the left-right mirrored photo: mirrored, x negated."""
        return np.ascontiguousarray(labels[:, ::-1]) * np.array([-1, 1, 1], labels.dtype)


def import_normals(normals: np.ndarray, convention: str) -> np.ndarray:
    """Normals (..., 3) of another convention (see ``CONVENTIONS``) in ours."""
    if convention not in CONVENTIONS:
        raise UsageError(f"normals convention {convention!r}: choose one of {', '.join(CONVENTIONS)}")
    return np.asarray(normals, np.float32) * np.array(CONVENTIONS[convention], np.float32)
