"""How painted maps go wrong: maps uint8 (H, W, 3) in, damaged maps of the same shape out."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache

import cv2
import numpy as np

from visiongen.benchmarks.roundtrip import through_tokenizer

Damage = Callable[[np.ndarray, np.random.Generator], np.ndarray]
CAST = np.array([1.03, 1.0, 0.94])  # gains of red, green, blue
LIFT = 3.0  # levels added to every channel


def nothing(painted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The map as the codec paints it, in 8 bits."""
    return painted


def noise(sigma: float) -> Damage:
    """Independent Gaussian noise of ``sigma`` colour levels on every channel."""

    def damage(painted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.clip(painted + rng.normal(0, sigma, painted.shape), 0, 255).round().astype(np.uint8)

    return damage


def blur(painted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gaussian blur of sigma 1 pixel."""
    return cv2.GaussianBlur(painted, (0, 0), 1.0)


def cast(painted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A warm cast: red by 1.03, blue by 0.94, all three lifted by 3 levels."""
    return np.clip(painted * CAST + LIFT, 0, 255).round().astype(np.uint8)


def resize(painted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Half the size by area and back, linearly."""
    h, w = painted.shape[:2]
    small = cv2.resize(painted, (w // 2, h // 2), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR)


def jpeg(quality: int) -> Damage:
    """JPEG with the usual halved chroma, and back."""

    def damage(painted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(painted).save(buffer, "JPEG", quality=quality)
        return np.asarray(Image.open(buffer).convert("RGB"))

    return damage


def tokenizer(painted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The shipped tokenizer's round trip; both sides must be multiples of 8."""
    return through_tokenizer(_shipped_tokenizer(), painted)


@cache
def _shipped_tokenizer():  # type: ignore[no-untyped-def]
    from visiongen.backbones.embedded import EmbeddedBackbone

    return EmbeddedBackbone.load("tiny").tokenizer


DAMAGES: dict[str, Damage] = {
    "8 bit": nothing,
    "noise 4": noise(4),
    "noise 12": noise(12),
    "blur 1 px": blur,
    "cast": cast,
    "JPEG 90": jpeg(90),
    "JPEG 75": jpeg(75),
    "resize 0.5x": resize,
    "tokenizer": tokenizer,
}
