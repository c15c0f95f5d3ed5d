"""What the painter is shown of a picture when it learns to paint it at the next larger scale."""

from __future__ import annotations

import torch
from torch import Tensor

from visiongen import scales
from visiongen.tokenizer import ImageTokenizer

WRONG = 0.1  # share of the small picture's levels that are one off at most: it will be a painted one, too


@torch.no_grad()
def seen_smaller(tokenizer: ImageTokenizer, target: Tensor, rows: Tensor) -> Tensor | None:
    """``before`` (B, N, C, L) of the targets (B, 3, H, W): nothing but where ``rows`` (B,) says so.

    None where no row is meant, or where the targets have no smaller scale. The small picture has been
    through the tokenizer, with errors of one level in a random share of up to WRONG.
    """
    size = (target.shape[-2], target.shape[-1])
    small = scales.sizes(size, 2)[0]
    if small == size or not bool(rows.any()):
        return None
    here = rows.nonzero()[:, 0].to(target.device)
    with torch.autocast(target.device.type, enabled=False):
        tokens = tokenizer.encode(scales.shrunk(target[here], small))
        share = WRONG * torch.rand(len(here), 1, 1, 1, device=target.device)
        off = torch.randint(0, 2, tokens.shape, device=target.device) * 2 - 1
        moved = torch.where(torch.rand(tokens.shape, device=target.device) < share, tokens + off, tokens)
        top = torch.tensor(tokenizer.levels, device=target.device) - 1
        shown = scales.as_before(tokenizer, tokenizer.decode(moved.clamp(min=0).minimum(top)), size)
    before = shown.new_zeros(len(target), *shown.shape[1:])
    before[here] = shown
    return before
