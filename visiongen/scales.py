"""From a small picture to one twice as large: what next-scale prediction starts each scale from.

A picture is painted small, enlarged, and painted again with the small one in sight, all tokens of a scale at
once (next-scale prediction, VAR, arXiv 2404.02905; there each scale has tokens of its own and adds to the
ones before, here every scale is a whole picture in the tokenizer's tokens). The painter sees the small one
as it sees its own last draft (``Painter.condition``, ``before``): as probabilities of every token's levels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from visiongen.tokenizer import PATCH, ImageTokenizer

LEAST = 3  # tokens along the shorter side of the smallest scale
SPREAD = 1.0  # levels: how unsure an enlarged picture is of each of its own


def sizes(size: tuple[int, int], most: int) -> list[tuple[int, int]]:
    """At most ``most`` sizes (h, w), the smallest first, each half of the next in multiples of 8."""
    found = [size]
    while len(found) < most and min(found[0]) // (2 * PATCH) >= LEAST:
        h, w = (max(PATCH, round(side / (2 * PATCH)) * PATCH) for side in found[0])
        found.insert(0, (h, w))
    return found


def shrunk(images: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, 3, H, W) at a smaller ``size`` (h, w): means of areas."""
    return F.interpolate(images, size, mode="area")


def enlarged(images: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, 3, h, w) at a larger ``size`` (H, W), bilinear."""
    return F.interpolate(images, size, mode="bilinear", align_corners=False)


def as_before(tokenizer: ImageTokenizer, small: Tensor, size: tuple[int, int]) -> Tensor:
    """Small pictures (B, 3, h, w) in [-1, 1] as ``before`` (B, N, C, L) of pictures of ``size`` (H, W).

    Probabilities fall with the squared distance to what the tokenizer makes of the enlarged picture.
    """
    with torch.autocast(small.device.type, enabled=False):
        latent = tokenizer.latent(enlarged(small.float(), size)).flatten(1, 2)
    levels = torch.tensor(tokenizer.levels, device=latent.device)
    level = torch.arange(int(levels.max()), device=latent.device)
    away = (level - latent[..., None]).square() / (2 * SPREAD**2)
    return (-away).masked_fill(level >= levels[:, None], -torch.inf).softmax(-1)
