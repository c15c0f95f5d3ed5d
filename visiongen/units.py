"""Pixels, tokens and the numbers that networks see: how one becomes another. No torch here."""

from __future__ import annotations

from typing import Any

import numpy as np

PATCH = 8  # pixels a token covers, each way


def to_unit(levels: Any) -> Any:
    """Levels 0 to 255 of a tensor or an array -> [-1, 1], as floats."""
    return levels / 127.5 - 1


def to_levels(values: Any) -> Any:
    """A tensor in [-1, 1] -> levels 0 to 255, uint8."""
    return ((values.float() + 1) * 127.5).round().clamp(0, 255).byte()


def touched(pixels: np.ndarray) -> np.ndarray:
    """Pixels bool (8h, 8w) -> tokens bool (h, w) with any of them."""
    h, w = pixels.shape[0] // PATCH, pixels.shape[1] // PATCH
    return np.asarray(pixels.reshape(h, PATCH, w, PATCH).any(axis=(1, 3)))


def covered(tokens: np.ndarray) -> np.ndarray:
    """Tokens bool (h, w) -> their pixels bool (8h, 8w)."""
    return np.kron(tokens, np.ones((PATCH, PATCH), bool))
