"""Tileable noise, looked up from a small mip-mapped atlas made once per process."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor

from visiongen.world.maths import take

SIZE = 256
LEVELS = 9


@functools.lru_cache(maxsize=4)
def atlas(device: str) -> Tensor:
    """Flat (texels, 4) float32 over all mip levels: clouds, ridges, white noise, blotches.

    Each channel has mean 0 and standard deviation about 1 at level 0.
    """
    rng = np.random.default_rng(20250325)
    freq = np.fft.fftfreq(SIZE)
    radius = np.maximum(np.hypot(freq[:, None], freq[None, :]), 1 / SIZE)

    def spectrum(power: float, low: float = 0.0) -> np.ndarray:
        white = np.fft.fft2(rng.standard_normal((SIZE, SIZE)))
        shaped = white * radius**-power * (radius >= low)
        field = np.fft.ifft2(shaped).real
        return (field - field.mean()) / field.std()

    clouds = spectrum(1.7)
    ridges = 1 - 2 * np.abs(spectrum(1.5))
    white = rng.standard_normal((SIZE, SIZE))
    blotches = np.tanh(2.5 * spectrum(1.2, 6 / SIZE))
    level = np.stack([clouds, (ridges - ridges.mean()) / ridges.std(), white, blotches], -1)
    levels = []
    for _ in range(LEVELS):
        levels.append(level.reshape(-1, 4))
        if level.shape[0] > 1:
            level = (level[::2, ::2] + level[1::2, ::2] + level[::2, 1::2] + level[1::2, 1::2]) / 4
    return torch.from_numpy(np.concatenate(levels).astype(np.float32)).to(device)


def noise(u: Tensor, v: Tensor, footprint: Tensor | float) -> Tensor:
    """Noise (P, 4) at (u, v), one unit a period of 256 texels; footprint in the same unit.

    Bilinear inside the mip level that the footprint asks for.
    """
    table = atlas(str(u.device))
    if not isinstance(footprint, Tensor):
        footprint = torch.full_like(u, footprint)
    level = torch.log2((footprint * SIZE).clamp(min=1.0)).round().clamp(max=LEVELS - 1).long()
    size = SIZE >> level
    # texels before a level: 256^2 (1 + 1/4 + ...)
    before = (4 * SIZE * SIZE - 4 * size * size) // 3
    x, y = u * size - 0.5, v * size - 0.5
    x0, y0 = x.floor(), y.floor()
    fx, fy = (x - x0)[:, None], (y - y0)[:, None]
    mask = size - 1
    x0, y0 = x0.long() & mask, y0.long() & mask
    x1, y1 = (x0 + 1) & mask, (y0 + 1) & mask
    top = torch.lerp(take(table, before + y0 * size + x0), take(table, before + y0 * size + x1), fx)
    bottom = torch.lerp(take(table, before + y1 * size + x0), take(table, before + y1 * size + x1), fx)
    return torch.lerp(top, bottom, fy)


def hash01(*parts: Tensor) -> Tensor:
    """A repeatable number in [0, 1) from (rounded) float tensors of one shape."""
    mixed = torch.zeros_like(parts[0], dtype=torch.int64)
    for index, part in enumerate(parts):
        value = part.round().long() if part.is_floating_point() else part
        mixed = (mixed ^ (value + 0x9E37 + index * 7919)) * 0x5BD1E995 & 0xFFFFFFFF
        mixed = mixed ^ (mixed >> 15)
    mixed = (mixed * 0x2545F491) & 0xFFFFFFFF
    mixed = mixed ^ (mixed >> 13)
    return (mixed & 0xFFFFFF).float() / float(1 << 24)
