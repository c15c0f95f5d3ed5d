"""Sampling one token at a time, with temperature, top-k and top-p."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from visiongen.channel_chain import ChannelChain
from visiongen.decoding.board import Board

_COLDEST = 1e-30  # temperatures below it are taken for it: float32 holds no larger logits
_NEVER = -5e3  # levels that a channel does not have lie below: -1e4, and what corrects it


def filter_logits(logits: Tensor, temperature: float, top_k: int | None, top_p: float | None) -> Tensor:
    """Logits (..., L) after temperature, then top-k, then top-p (nucleus, arXiv 1904.09751).

    Ties at the k-th place are kept by level order, lowest first, so that exactly k remain. Levels that a
    channel does not have stay out however hot it is.
    """
    logits = logits.masked_fill(logits < _NEVER, -torch.inf) / max(temperature, _COLDEST)
    ordered, order = logits.sort(dim=-1, descending=True, stable=True)
    drop = torch.zeros_like(ordered, dtype=torch.bool)
    if top_k is not None:
        drop[..., top_k:] = True
    if top_p is not None:
        probability = ordered.masked_fill(drop, -torch.inf).softmax(-1)
        before = probability.cumsum(-1) - probability
        drop |= before >= top_p  # the first level is always kept: nothing comes before it
    return logits.masked_fill(torch.zeros_like(drop).scatter(-1, order, drop), -torch.inf)


def draws(seeds: Sequence[int], length: int, channels: int) -> Tensor:
    """Uniform numbers (B, N, C) in [0, 1): row i depends on ``seeds[i]`` and its length only."""
    rows = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        rows.append(torch.rand(length, channels, generator=generator))
    return torch.stack(rows)


@torch.inference_mode()
def sample(
    painter: Any,
    cond: Any,
    board: Board,
    seeds: Sequence[int],
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Iterator[Board]:
    """Fill ``board`` by inverse-CDF sampling; yields it after every grid row.

    Row i uses its own numbers from ``seeds[i]``. Of its batch a picture takes only rounding (about 1e-6 of a
    logit), which changes a token where its number falls as near as that to a border between two levels; near
    ties are decided anew for the greedy modes alone.
    """
    cache = painter.new_cache(cond)
    line, width = board.line, cond.grid[1]
    u = draws(seeds, board.length, line.shape[-1]).to(line.device)

    def choose(logits: Tensor, at: Tensor) -> Tensor:
        return inverse_cdf(filter_logits(logits, temperature, top_k, top_p), at)

    for p in range(board.length):
        out, state = painter.look(cond, cache, line[:, p : p + 1], p)
        board.logits[:, p], token = draw(painter.chain, out[:, 0].float(), state[:, 0], u[:, p], choose)
        if board.hold is not None:
            token = torch.where(board.hold[:, p, None], board.draft[:, p], token)
        line[:, p + 1] = token
        if (p + 1) % width == 0:
            board.passes += width
            board.done[:] = p + 1
            yield board


def inverse_cdf(logits: Tensor, at: Tensor) -> Tensor:
    """The level (...) at which the probabilities of ``logits`` (..., L) add up to more than ``at`` (...)."""
    cdf = logits.softmax(-1).cumsum(-1)
    return (cdf <= at[..., None] * cdf[..., -1:]).sum(-1).clamp_(max=logits.shape[-1] - 1)


def draw(
    chain: ChannelChain | None, logits: Tensor, state: Tensor, u: Tensor, choose: Callable[..., Tensor]
) -> tuple[Tensor, Tensor]:
    """One token a row: the logits (B, C, L) it was drawn from and its levels (B, C).

    With a ``chain`` each channel is drawn after those before it, else all of them apart.
    """
    if chain is None:
        return logits, choose(logits, u)
    walk, seen, token = chain.walk(state), [], []
    for channel in range(logits.shape[1]):
        seen.append(logits[:, channel] + walk.next())
        token.append(choose(seen[-1], u[:, channel]))
        walk.tell(token[-1])
    return torch.stack(seen, 1), torch.stack(token, 1)
