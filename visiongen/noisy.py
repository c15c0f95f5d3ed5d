"""Token values under noise, as seen by the draft: what the order ``diffuse`` starts from and clears up.

A token's levels are numbers v in [-1, 1]. At time t its place shows (1 - t) v + t e with e from N(0, 1): at 0
the token itself, at 1 nothing of it (rectified flow, arXiv 2209.03003). The draft says which token it was,
level by level, and learns so by cross-entropy (as in CDCD, arXiv 2211.15089): one transformer that learns
from tokens and from noise (as in Transfusion, arXiv 2408.11039). Every token may have a time of its own
(diffusion forcing, arXiv 2407.01392), which is what lets a picture be cleared up in groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

WAVES = 8  # octaves in which a time is told


@dataclass(frozen=True)
class Noisy:
    """``values`` float (B, N, C) as they show, ``time`` (B, N) in [0, 1], ``rows`` bool (B,): of which."""

    values: Tensor
    time: Tensor
    rows: Tensor


class NoisyEmbedding(nn.Module):
    """Noisy token values -> (B, N, d), added to the photo's features. Starts at nothing."""

    waves: Tensor

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        self.inner = nn.Linear(channels + 2 * WAVES, dim)
        self.outer = nn.Linear(dim, dim)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)
        self.register_buffer("waves", torch.pi * 2.0 ** torch.arange(WAVES), persistent=False)

    def forward(self, noisy: Noisy) -> Tensor:
        """Nothing is added to pictures that are not among the rows."""
        angle = noisy.time[..., None] * self.waves
        shown = torch.cat([noisy.values, angle.sin(), angle.cos()], dim=-1).to(self.inner.weight.dtype)
        return self.outer(nn.functional.silu(self.inner(shown))) * noisy.rows[:, None, None]


def to_values(tokens: Tensor, levels: Tensor) -> Tensor:
    """Tokens (..., C) int64, or their mean levels, -> values in [-1, 1]; ``levels`` (C,): how many."""
    return tokens.float() / (levels - 1) * 2 - 1


def blurred(values: Tensor, noise: Tensor, time: Tensor) -> Tensor:
    """What shows of ``values`` (B, N, C) at ``time`` (B, N)."""
    t = time[..., None]
    return (1 - t) * values + t * noise


def cleared(shown: Tensor, guess: Tensor, time: float, later: float) -> Tensor:
    """What would show at the time ``later`` < ``time`` if ``guess`` were the values: a step of the flow."""
    noise = (shown - (1 - time) * guess) / time
    return (1 - later) * guess + later * noise
