"""Small array functions chosen for speed and for results that never depend on the batch.

torch's pow, exp2 and atan2 (and BLAS products of other shapes) may round the last elements of an
array differently from the rest; the forms here do not.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def power(x: Tensor, exponent: float) -> Tensor:
    """x ** exponent for x >= 0."""
    return torch.exp(exponent * torch.log(x.clamp(min=1e-12)))


def angle(y: Tensor, x: Tensor) -> Tensor:
    """atan2(y, x)."""
    safe = torch.where(x.abs() < 1e-12, 1e-12, x)
    turn = torch.where(y < 0, -math.pi, math.pi)
    return torch.atan(y / safe) + torch.where(safe < 0, turn, 0.0)


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Sum of products over the last axis of length 3."""
    out = a[..., 0] * b[..., 0]
    out += a[..., 1] * b[..., 1]
    out += a[..., 2] * b[..., 2]
    return out


def unit(x: Tensor) -> Tensor:
    """Vectors of length 1 (the last axis has length 3); 0 stays 0."""
    return x / dot(x, x).sqrt().clamp(min=1e-20)[..., None]


def affine(coefficients: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """c0 x + c1 y + c2 for coefficients (..., 3) over points x, y (K,): (..., K)."""
    out = coefficients[..., :1] * x
    out += coefficients[..., 2:]
    return out.addcmul_(coefficients[..., 1:2], y)


def take(x: Tensor, rows: Tensor) -> Tensor:
    """x[rows] along the first axis (index_select copies whole rows, several times faster)."""
    return x.index_select(0, rows)
