"""One token drawn as a whole: each of its channels sees those that were drawn before it.

The causal head gives every channel its own probabilities, which is right for the likeliest token and
wrong for a drawn one: channels drawn apart from each other are as many different pictures in one
patch. The chain corrects channel c's logits by what channels 0 .. c-1 became (the chain rule, as in the
depth transformer of RQ-VAE, arXiv 2203.01941; masked as in MADE, arXiv 1502.03509, so that training
needs one pass). Only sampling uses it: what greedy modes paint does not depend on it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ChannelChain(nn.Module):
    """Corrections (..., C, L) of a token's logits, from its state (..., d) and its earlier channels.

    They start at zero: an untrained chain draws channels apart.
    """

    offset: Tensor

    def __init__(self, dim: int, channels: int, levels: int, width: int) -> None:
        super().__init__()
        self.seen = nn.Parameter(torch.randn(channels * levels, width) * 0.3)
        self.place = nn.Parameter(torch.randn(channels, width) * 0.3)
        self.state = nn.Linear(dim, width)
        self.norm = nn.LayerNorm(width, eps=1e-6, bias=False)
        self.hidden = nn.Linear(width, width)
        self.out = nn.Parameter(torch.zeros(channels, width, levels))
        self.register_buffer("offset", torch.arange(channels) * levels, persistent=False)

    def forward(self, state: Tensor, tokens: Tensor) -> Tensor:
        """All channels at once for the true ``tokens`` (..., C): channel c reads those before it alone."""
        seen = self.seen[tokens + self.offset]
        before = seen.cumsum(-2) - seen
        hidden = self._think(before + self.place + self.state(state)[..., None, :])
        return torch.einsum("...cw,cwl->...cl", hidden.float(), self.out.float())

    def walk(self, state: Tensor) -> Walk:
        """The same one channel after another, while their levels are being drawn."""
        return Walk(self, state)

    def _think(self, x: Tensor) -> Tensor:
        x = self.norm(x)
        return F.silu(x + self.hidden(F.silu(x)))


class Walk:
    """Corrections of one channel after another: ask ``next``, then ``tell`` what was drawn."""

    def __init__(self, chain: ChannelChain, state: Tensor) -> None:
        self.chain, self.channel = chain, 0
        self.sum = chain.state(state)

    def next(self) -> Tensor:
        """The correction (..., L) of the channel that comes next."""
        hidden = self.chain._think(self.sum + self.chain.place[self.channel])
        return hidden.float() @ self.chain.out[self.channel].float()

    def tell(self, level: Tensor) -> None:
        """The level (...) that this channel became."""
        self.sum = self.sum + self.chain.seen[level + self.chain.offset[self.channel]]
        self.channel += 1
