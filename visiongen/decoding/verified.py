"""Draft, then verify: greedy decoding with the same tokens as one at a time, in fewer passes.

Every pass runs a window of tokens from the first unverified position, reading the current guesses
as if they were true. A position's prediction is the sequential one as soon as every token before it
is; so the longest prefix on which guess and prediction agree is kept, and the first disagreement is
corrected by its own prediction. The rest of the window takes the new predictions as its next guess:
that is Jacobi iteration (arXiv 2002.03629), here started from a draft of the whole map.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from visiongen.decoding.board import Board
from visiongen.decoding.settle import refill


@torch.inference_mode()
def verified(
    painter: Any, cond: Any, board: Board, window: int, start: int = 0, longest: int | None = None
) -> Iterator[Board]:
    """Fill ``board`` from ``start`` on, ``window`` tokens a pass; yields it after every pass.

    While every token of a pass was right the next one is twice as long, up to ``longest`` (``window`` if
    not given): drafts that survive are checked in a few passes. Positions before ``start`` must hold
    their final tokens; those after it hold the draft. Pictures of a batch advance on their own; finished
    ones leave the batch.
    """
    cache = painter.new_cache(cond)
    if start:
        refill(painter, cond, cache, board.line[:, :start])
        board.done[:] = start
    rows = torch.arange(len(board.done), device=board.line.device)  # still being painted
    part, size = board.take(rows), window
    while True:
        wanted = (part.done + size).clamp(max=part.length)
        _advance(painter, cond, cache, part, size)
        right = bool((part.done >= wanted).all())
        size = max(window, min(2 * size, longest or window)) if right else window
        board.put(rows, part)
        yield board
        open_ = (part.done < part.length).nonzero().flatten()
        if not len(open_):
            return
        if len(open_) < len(rows):
            keep = open_.to(rows.device)
            rows, part, cond, cache = rows[keep], part.take(keep), cond.take(keep), cache.take(keep)


def _advance(painter: Any, cond: Any, cache: Any, board: Board, window: int) -> None:
    """One pass over one window of every picture, each from its own first open position."""
    size = min(window, board.length - int(board.done.min()))
    first = board.done.clamp(max=board.length - size)  # a window near the end starts earlier
    if int(first.min()) == int(first.max()):
        _common(painter, cond, cache, board, int(first[0]), size)
    else:
        _ragged(painter, cond, cache, board, first, size)
    board.passes += 1


def _common(painter: Any, cond: Any, cache: Any, board: Board, first: int, size: int) -> None:
    inputs = board.line[:, first : first + size]
    logits = painter.window(cond, cache, inputs, first)
    guess = board.choose(logits, np.s_[:, first : first + size])
    old = board.line[:, first + 1 : first + 1 + size]
    fresh = torch.arange(first, first + size) >= board.done[:, None]  # (B, T)
    agree = (old == guess).all(-1).cpu() | ~fresh
    if bool(fresh.all()):
        board.line[:, first + 1 : first + 1 + size] = guess
        board.logits[:, first : first + size] = logits
    else:
        keep = fresh.to(old.device)[..., None]
        board.line[:, first + 1 : first + 1 + size] = torch.where(keep, guess, old)
        before = board.logits[:, first : first + size]
        board.logits[:, first : first + size] = torch.where(keep[..., None], logits, before)
    board.done = _frontier(agree, torch.full_like(board.done, first))


def _ragged(painter: Any, cond: Any, cache: Any, board: Board, first: Tensor, size: int) -> None:
    device = board.line.device
    row = torch.arange(len(first), device=device)[:, None]
    places = first[:, None] + torch.arange(size)  # (B, T)
    fresh = places >= board.done[:, None]
    place = places.to(device)
    logits = painter.window(cond, cache, board.line[row, place], first.to(device))
    guess = board.choose(logits, (row, place))
    old = board.line[row, place + 1]
    agree = (old == guess).all(-1).cpu() | ~fresh
    keep = fresh.to(device)[..., None]
    board.line[row, place + 1] = torch.where(keep, guess, old)
    board.logits[row, place] = torch.where(keep[..., None], logits, board.logits[row, place])
    board.done = _frontier(agree, first)


def _frontier(agree: Tensor, first: Tensor) -> Tensor:
    """The new first open position: past the agreeing prefix and the token that corrects it."""
    prefix = agree.long().cumprod(-1).sum(-1)
    return first + (prefix + 1).clamp(max=agree.shape[1])
