"""What the painter is shown while it learns to clear pictures up: noise, or a picture half as large."""

from __future__ import annotations

import torch
from torch import Tensor

from visiongen import scales
from visiongen.tokenizer import ImageTokenizer

WRONG = 0.1  # share of the small picture's levels that are one off at most: it will be a painted one, too


def draw_times(length: int) -> Tensor:
    """Times (N,) in [0, 1] of a picture's tokens in raster order, from torch's global generator.

    Half of the pictures have one time everywhere; the others one in a group of tokens, with all before it
    clear (0) and all behind it hidden (1), as the order ``diffuse`` meets them.
    """
    time = torch.rand(()).expand(length).clone()
    if torch.rand(()) < 0.5:
        start = int(torch.randint(0, length, ()))
        stop = start + int(torch.randint(1, length + 1, ()))
        time[:start], time[stop:] = 0.0, 1.0
    return time


@torch.no_grad()
def half_as_large(tokenizer: ImageTokenizer, target: Tensor) -> Tensor | None:
    """Token values (B, N, C) of the targets (B, 3, H, W) made half as large; None: there is no smaller scale.

    The small picture has been through the tokenizer, with errors of a level in a random share of up to WRONG.
    """
    size = (target.shape[-2], target.shape[-1])
    smaller = scales.sizes(size)[-2:-1]
    if not smaller:
        return None
    with torch.autocast(target.device.type, enabled=False):
        tokens = tokenizer.encode(scales.shrunk(target, smaller[0]))
        share = WRONG * torch.rand(len(target), 1, 1, 1, device=target.device)
        off = torch.randint(0, 2, tokens.shape, device=target.device) * 2 - 1
        moved = torch.where(torch.rand(tokens.shape, device=target.device) < share, tokens + off, tokens)
        top = torch.tensor(tokenizer.levels, device=target.device) - 1
        return scales.enlarged(tokenizer, tokenizer.decode(moved.clamp(min=0).minimum(top)), size)
