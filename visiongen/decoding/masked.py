"""Masking and painting again: the whole picture in every pass, of which the surest tokens stay.

MaskGIT (arXiv 2202.04200), greedy: after pass k of K a share 1 - cos(pi k / 2K) of the open tokens is
settled, the most probable ones first, and the draft is made again with all that is settled in sight.
Pass 1 is the draft; with K = 1 nothing else happens.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from visiongen.decoding.board import Board, read

Again = Callable[[Tensor, Tensor], Any]  # tokens (1, N, C) and which are held (1, N) -> logits (1, N, C, L)


@torch.inference_mode()
def masked(again: list[Again], board: Board, steps: int) -> Iterator[Board]:
    """Fill ``board`` in ``steps`` passes; yields it after every pass. ``again[i]`` drafts picture i anew.

    Each picture is drafted alone, so that it does not depend on its batch.
    """
    held = torch.zeros_like(board.tokens[..., 0], dtype=torch.bool) if board.hold is None else board.hold
    keep = held.clone()
    board.passes[:] = 1
    for step in range(1, steps):
        sure = board.confidence()
        for i, draft in enumerate(again):
            _settle(keep[i], held[i], sure[i], step / steps)
            _repaint(board, slice(i, i + 1), keep[i : i + 1, :, None], draft)
        board.passes += 1
        if step + 1 < steps:
            yield board
    board.done[:] = board.length
    yield board


def _repaint(board: Board, row: slice, keep: Tensor, draft: Again) -> None:
    """What is not kept is read from a new draft."""
    logits = draft(board.tokens[row], keep[..., 0])
    board.line[row, 1:] = torch.where(keep, board.tokens[row], read(logits, board.mean[row]))
    board.logits[row] = torch.where(keep[..., None], board.logits[row], logits)


def _settle(keep: Tensor, held: Tensor, sure: Tensor, share: float) -> None:
    """Mark the surest open tokens in ``keep`` (N,), in place, until ``share`` of the way is done."""
    open_ = int((~held).sum())
    wanted = math.floor(open_ * (1 - math.cos(math.pi / 2 * share))) - int((keep & ~held).sum())
    if wanted > 0:
        # Equals are taken in raster order: what is settled must not depend on how a device sorts.
        order = sure.masked_fill(keep, -1.0).sort(descending=True, stable=True).indices
        keep[order[:wanted]] = True
