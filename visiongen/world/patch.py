"""What a texture function is given, and the filters and mixes that all of them use."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from visiongen.world.maths import power
from visiongen.world.noise import noise


@dataclass
class Patch:
    """The hits that share a texture: coordinates in metres, colours a and b (P, 3), parameters."""

    u: Tensor
    v: Tensor
    w: Tensor
    a: Tensor
    b: Tensor
    su: Tensor
    sv: Tensor
    p: Tensor
    q: Tensor
    seed: Tensor
    rough: Tensor
    face: Tensor
    point: Tensor
    normal: Tensor

    def noise(self, scale: float | Tensor) -> Tensor:
        """Noise (P, 4) whose 256 texels span 1/scale metres, moved by the thing's seed."""
        move = self.seed * 17.31
        return noise(self.u * scale + move, self.v * scale + 0.618 * move, self.w * scale)


def linear(colour: Tensor) -> Tensor:
    """sRGB to linear, by the 2.2 power."""
    return power(colour.clamp(0, 1), 2.2)


def line(x: Tensor, width: Tensor | float, w: Tensor) -> Tensor:
    """1 inside |x| < width / 2, box-filtered over footprint w."""
    w = w.clamp(min=1e-5)
    return (((width / 2 - x.abs()) / w + 0.5).clamp(0, 1)) * (width / w).clamp(max=1.0)


def cells(x: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """The cell's index, and the signed distance to its nearest border."""
    t = x / size
    index = t.floor()
    fraction = t - index
    return index, torch.minimum(fraction, 1 - fraction) * size


def blend(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Mix colours (P, 3) by t (P,)."""
    return a + (b - a) * t[:, None]


def lit(colour: Tensor, factor: Tensor) -> Tensor:
    """Scale a colour, keeping it a reflectance."""
    return (colour * factor[:, None]).clamp(0.0, 0.95)


@dataclass
class Surface:
    """Base colour (linear, (P, 3)), roughness, metallic, emission (P,) and shading normal."""

    colour: Tensor
    rough: Tensor
    metal: Tensor
    emit: Tensor
    normal: Tensor
