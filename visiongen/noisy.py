"""Token values under noise, as seen by the draft: what the order ``diffuse`` starts from and clears up.

A token's levels are numbers v in [-1, 1]. At time t its place shows (1 - t) v + t e with e from N(0, 1): at 0
the token itself, at 1 nothing of it (rectified flow, arXiv 2209.03003). The draft says which token it was,
level by level, and learns so by cross-entropy (as in CDCD, arXiv 2211.15089): one transformer that learns
from tokens and from noise (as in Transfusion, arXiv 2408.11039). What a place's own noisy value says of its
levels is known exactly (``evidence``) and is added to what the draft says; it learns the rest, from all the
other places. Every token may have a time of its own (diffusion forcing, arXiv 2407.01392), which is what lets
a picture be cleared up in groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

WAVES = 8  # octaves in which a time is told
SHARP = 0.05  # times below it say no more than it does


@dataclass(frozen=True)
class Noisy:
    """``values`` float (B, N, C) as they show, ``time`` (B, N) in [0, 1], ``rows`` bool (B,): of which."""

    values: Tensor
    time: Tensor
    rows: Tensor


class NoisyEmbedding(nn.Module):
    """Noisy token values -> (B, N, d), added to how clear ones would be seen. Starts at nothing."""

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        self.inner = nn.Linear(channels + 2 * WAVES, dim)
        self.outer = nn.Linear(dim, dim)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, noisy: Noisy) -> Tensor:
        """Nothing is added to pictures that are not among the rows."""
        # in fp32 whatever the weights are: bf16 has three digits, and the fastest wave turns 128 times
        angle = noisy.time[..., None].float() * _waves(noisy.time.device)
        shown = torch.cat([noisy.values, angle.sin(), angle.cos()], dim=-1).to(self.inner.weight.dtype)
        return self.outer(nn.functional.silu(self.inner(shown))) * noisy.rows[:, None, None]


def _waves(device: torch.device) -> Tensor:
    return torch.pi * 2.0 ** torch.arange(WAVES, device=device)


def evidence(noisy: Noisy, levels: Tensor) -> Tensor:
    """Log-likelihood (B, N, C, L) of what shows under each level of its channel, up to a constant.

    ``levels`` (C,): how many each channel has; a level beyond them is as any other, since nothing allows it.
    """
    level = torch.arange(int(levels.max()), device=levels.device)
    values = level.float() / (levels[:, None] - 1) * 2 - 1  # (C, L)
    time = noisy.time[..., None, None]
    away = noisy.values[..., None] - (1 - time) * values
    return -(away**2) / (2 * time.clamp(min=SHARP) ** 2) * noisy.rows[:, None, None, None]


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
