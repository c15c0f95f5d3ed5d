"""From a small picture to one twice as large: what next-scale painting starts each scale from.

A picture is painted small and enlarged; the larger one starts from it under a little noise, and clears
up as in the order ``diffuse`` (relay diffusion, arXiv 2309.03350). So one scale is predicted from the one
before, as in VAR (arXiv 2404.02905); there scales have tokens of their own that add up, here each is a
whole picture.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from visiongen.noisy import blurred, to_values
from visiongen.tokenizer import ImageTokenizer
from visiongen.units import PATCH

LEAST = 3  # tokens along the shorter side of the smallest scale
START = 0.8  # the time (visiongen.noisy) at which a larger picture starts from the smaller one; docs/log.md


def sizes(size: tuple[int, int]) -> list[tuple[int, int]]:
    """Sizes (h, w) from the smallest to ``size``, each half of the next in multiples of 8."""
    found = [size]
    while min(found[0]) // (2 * PATCH) >= LEAST:
        h, w = (max(PATCH, round(side / (2 * PATCH)) * PATCH) for side in found[0])
        found.insert(0, (h, w))
    return found


def shrunk(images: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, 3, H, W) at a smaller ``size`` (h, w): means of areas."""
    return F.interpolate(images, size, mode="area")


def enlarged(tokenizer: ImageTokenizer, small: Tensor, size: tuple[int, int]) -> Tensor:
    """Token values (B, N, C) of small pictures (B, 3, h, w) in [-1, 1], enlarged to ``size`` (H, W)."""
    with torch.autocast(small.device.type, enabled=False):
        wide = F.interpolate(small.float(), size, mode="bilinear", align_corners=False)
        latent = tokenizer.latent(wide).flatten(1, 2)
    return to_values(latent, torch.tensor(tokenizer.levels, device=latent.device))


def on_the_way(values: Tensor, small: Tensor, noise: Tensor, time: Tensor) -> Tensor:
    """What shows of ``values`` (B, N, C) at ``time`` (B, N) between 0 and START, on the way from ``small``.

    At START it is the enlarged picture's values ``small`` under noise, and nothing of ``values``; at 0 they.
    Where steps of the flow lead straight to them, this is what shows between (``visiongen.noisy.cleared``).
    Where ``small`` is ``values``, it is what noise alone hides, at any time.
    """
    return blurred(values, noise, time) + time[..., None] / START * (1 - START) * (small - values)
