"""What is already painted, as seen by the draft: the tokens that stay, at their places."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class HeldEmbedding(nn.Module):
    """Held tokens and open places -> (B, N, d), added to the photo's features. Starts at nothing."""

    top: Tensor

    def __init__(self, levels: tuple[int, ...], dim: int) -> None:
        super().__init__()
        self.value = nn.Linear(len(levels), dim)
        self.open = nn.Parameter(torch.zeros(dim))
        nn.init.zeros_(self.value.weight)
        nn.init.zeros_(self.value.bias)
        self.register_buffer("top", torch.tensor(levels, dtype=torch.float32) - 1, persistent=False)

    def forward(self, tokens: Tensor, keep: Tensor) -> Tensor:
        """Tokens (B, N, C) int64, keep (B, N) bool; a picture that holds nothing is left alone."""
        values = (tokens.float() / self.top * 2 - 1).to(self.value.weight.dtype)
        some = keep.any(1, keepdim=True)[..., None]
        return torch.where(keep[..., None], self.value(values), self.open.to(values.dtype)) * some
