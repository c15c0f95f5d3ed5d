"""How much of a uniform surrounding a GGX lobe sends to the viewer, tabulated once."""

from __future__ import annotations

import functools

import numpy as np

MIN_ALPHA = 2e-3
"""Smoother surfaces are taken for this smooth: float32 holds no narrower lobe."""


def surround_albedo(facing: np.ndarray, roughness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Directional albedo of the specular lobe = F0 scale + offset, from the table."""
    scale, offset = albedo_table()
    last = np.float32(len(scale) - 1)
    place = (facing * last + np.float32(0.5)).astype(np.intp) * len(scale)
    place += (np.clip(roughness, 0, 1) * last + np.float32(0.5)).astype(np.intp)
    return scale.ravel().take(place), offset.ravel().take(place)


@functools.lru_cache(maxsize=1)
def albedo_table(side: int = 64, samples: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Scale and offset float32 (side, side) by n.v and roughness, both from 0 to 1.

    Integrated with half vectors drawn as the GGX lobe has them; fixed points, so always the same.
    """
    first = (np.arange(samples) + 0.5) / samples
    angle = 2 * np.pi * (np.arange(samples) * 0.6180339887498949 % 1)
    alpha = np.maximum(np.linspace(0, 1, side)[:, None] ** 2, MIN_ALPHA)
    n_h = np.sqrt((1 - first) / (1 + (alpha**2 - 1) * first))
    across = np.sqrt(1 - n_h**2) * np.cos(angle)
    tables = np.empty((2, side, side), np.float32)
    for i, n_v in enumerate(np.maximum(np.linspace(0, 1, side), 1e-3)):
        v_h = np.maximum(np.sqrt(1 - n_v**2) * across + n_v * n_h, 1e-6)
        n_l = np.maximum(2 * v_h * n_h - n_v, 0)
        root = n_v * np.sqrt(n_l**2 * (1 - alpha**2) + alpha**2)
        root = root + n_l * np.sqrt(n_v**2 * (1 - alpha**2) + alpha**2)
        share = 2 * n_l * v_h / (n_h * np.maximum(root, 1e-9))
        fresnel = (1 - np.minimum(v_h, 1)) ** 5
        tables[:, i] = (share * (1 - fresnel)).mean(axis=1), (share * fresnel).mean(axis=1)
    return tables[0], tables[1]
