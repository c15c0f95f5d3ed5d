"""What is pointed at, is painted: the draft's direct path from a legend entry to its token."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LegendCopy(nn.Module):
    """Adds to the draft's logits the token of the legend entries that the pointer chose.

    The path through the hidden state writes colours only nearly, and where the pointer is in doubt
    it writes a mixture of two colours, which is a third one. A token whose cells all point at one
    entry is pulled to that entry's own levels, by ``strength`` nats a squared level; for tokens
    across an edge a linear map of the cells' colours is learned, from nothing.
    """

    top: Tensor

    def __init__(self, levels: tuple[int, ...], cells: int) -> None:
        super().__init__()
        channels = len(levels)
        self.levels = max(levels)
        self.register_buffer("top", torch.tensor(levels, dtype=torch.float32) - 1, persistent=False)
        self.strength = nn.Parameter(torch.ones(channels))
        self.edge = nn.Linear(cells * channels, channels * self.levels, bias=False)
        nn.init.zeros_(self.edge.weight)

    def forward(self, entry: Tensor, values: Tensor) -> Tensor:
        """Entries (B, N, cells), 0 = none, of ``values`` (B, 1 + K, C) in [-1, 1] -> (B, N, C, L)."""
        batch, length, cells = entry.shape
        channels = values.shape[-1]
        index = entry.flatten(1)[..., None].expand(-1, -1, channels)
        codes = values.gather(1, index).view(batch, length, cells, channels)
        edge = self.edge(codes.flatten(2).to(self.edge.weight.dtype)).float()
        level = torch.arange(self.levels, device=values.device)
        target = (codes[:, :, 0].float() + 1) / 2 * self.top
        pull = -self.strength.float()[:, None] * (level - target[..., None]).square()
        uniform = (entry == entry[..., :1]).all(-1) & (entry[..., 0] > 0)
        return edge.view(*pull.shape) + torch.where(uniform[..., None, None], pull, 0.0)
