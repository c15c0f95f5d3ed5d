"""The photo trunk: continuous features of the picture that is read, one vector per 8 x 8 pixels.

Dense convolutions carry the detail, global attention at 16 px the context. The trunk never sees the
prompt, so its output is shared by every task asked of one photo.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from visiongen.blocks import Block, ResBlock, rope_table
from visiongen.units import PATCH


def _down(inside: int, outside: int) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, 3, stride=2, padding=1)


def _blocks(width: int, count: int) -> list[ResBlock]:
    return [ResBlock(width) for _ in range(count)]


def grid_positions(h: int, w: int, stride: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Centres of an h x w grid in units of 8-px tokens, where a cell covers ``stride`` tokens."""
    rows = (torch.arange(h, device=device) + 0.5) * stride - 0.5
    cols = (torch.arange(w, device=device) + 0.5) * stride - 0.5
    return rows.repeat_interleave(w), cols.repeat(h)


class Trunk(nn.Module):
    """Photo (B, 3, 8h, 8w) in [-1, 1] -> local features (B, d, h, w) and context (B, M, d)."""

    def __init__(
        self,
        widths: tuple[int, int, int],
        dim: int,
        blocks: int,
        heads: int,
        kv_heads: int,
        hidden: int,
        extra: tuple[int, int, int, int] = (0, 0, 0, 0),
    ):
        super().__init__()
        half, quarter, eighth = widths
        # ``extra`` convolutional blocks at 4, 8, 16 px and on the fused features. They start as the
        # identity, so that a trained trunk can be made deeper without forgetting anything.
        at4, at8, at16, fused = extra
        self.stem = nn.Conv2d(12, half, 3, padding=1)  # after a 2 x 2 space-to-depth
        self.at2 = ResBlock(half)
        self.at4 = nn.Sequential(_down(half, quarter), *_blocks(quarter, 2 + at4))
        self.at8 = nn.Sequential(_down(quarter, eighth), *_blocks(eighth, 2 + at8))
        self.at16 = nn.Sequential(_down(eighth, dim), *_blocks(dim, 1 + at16))
        self.blocks = nn.ModuleList(Block(dim, heads, kv_heads, hidden) for _ in range(blocks))
        self.detail = nn.Conv2d(4 * quarter, dim, 1)  # the 4-px features, folded to 8 px
        self.lateral = nn.Conv2d(eighth, dim, 1)
        self.fuse = ResBlock(dim)
        self.refine = nn.Sequential(*_blocks(dim, fused))
        self.head_dim = dim // heads

    def forward(self, photo: Tensor) -> tuple[Tensor, Tensor, tuple[int, int]]:
        """Returns features (B, d, h, w), context tokens (B, M, d) and the context's grid."""
        h, w = photo.shape[-2] // PATCH, photo.shape[-1] // PATCH
        quarter = self.at4(self.at2(self.stem(F.pixel_unshuffle(photo, 2))))
        eighth = self.at8(quarter)
        x = self.at16(eighth)  # odd grids round up, so every 8-px token has its parent
        gh, gw = x.shape[-2:]
        rope = rope_table(*grid_positions(gh, gw, 2.0, x.device), self.head_dim)
        tokens = x.flatten(2).transpose(1, 2)
        for block in self.blocks:
            tokens, _ = block(tokens, rope)
        top = tokens.transpose(1, 2).unflatten(2, (gh, gw))
        top = F.interpolate(top, scale_factor=2, mode="bilinear", align_corners=False)[..., :h, :w]
        local = self.lateral(eighth) + self.detail(F.pixel_unshuffle(quarter, 2)) + top
        return self.refine(self.fuse(local)), tokens, (gh, gw)
