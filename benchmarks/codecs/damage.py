"""How painted maps go wrong: maps uint8 (H, W, 3) in, damaged maps of the same shape out."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache

import cv2
import numpy as np

from visiongen.benchmarks.roundtrip import through_tokenizer

Damage = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def noise(sigma: float) -> Damage:
    """Independent Gaussian noise of ``sigma`` colour levels on every channel."""

    def damage(painted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.clip(painted + rng.normal(0, sigma, painted.shape), 0, 255).round().astype(np.uint8)

    return damage


def blur(painted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gaussian blur of sigma 1 pixel."""
    return cv2.GaussianBlur(painted, (0, 0), 1.0)


def resize(painted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Half the size by area and back, linearly."""
    h, w = painted.shape[:2]
    small = cv2.resize(painted, (w // 2, h // 2), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR)


def jpeg(painted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """JPEG of quality 75 with the usual halved chroma, and back."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(painted).save(buffer, "JPEG", quality=75)
    return np.asarray(Image.open(buffer).convert("RGB"))


def tokenizer(painted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The shipped tokenizer's round trip; both sides must be multiples of 8."""
    return through_tokenizer(_shipped_tokenizer(), painted)


@cache
def _shipped_tokenizer():  # type: ignore[no-untyped-def]
    from visiongen.backbones.embedded import EmbeddedBackbone

    return EmbeddedBackbone.load("tiny").tokenizer


DAMAGES: dict[str, Damage] = {
    "noise 8": noise(8),
    "noise 16": noise(16),
    "blur 1 px": blur,
    "resize 0.5x": resize,
    "JPEG 75": jpeg,
    "tokenizer": tokenizer,
}
