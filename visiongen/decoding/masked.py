"""Masking and painting again: the whole picture in every pass, of which the surest tokens stay.

MaskGIT (arXiv 2202.04200), greedy: after pass k of K a share 1 - cos(pi k / 2K) of the open tokens is
settled, the most probable ones first, and the draft is made again with all that is settled in sight.
Pass 1 is the draft; with K = 1 nothing else happens.

In groups it is autoregression with a discrete diffusion inside (block diffusion, arXiv 2503.09573): the
picture is cut into groups of so many tokens in raster order, each is settled in K passes with all groups
above it in sight, then the next one begins. One group is plain masking, groups of one token are
autoregression by the draft.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import torch
from torch import Tensor

from visiongen.decoding.board import Board, Draft, read


@torch.inference_mode()
def masked(drafts: list[Draft], board: Board, steps: int, group: int | None = None) -> Iterator[Board]:
    """Fill ``board`` in ``steps`` passes a group of ``group`` tokens (None: one group); yields it after each.

    ``drafts[i]`` drafts picture i anew, alone, so that it does not depend on its batch.
    """
    held = torch.zeros_like(board.tokens[..., 0], dtype=torch.bool) if board.hold is None else board.hold
    keep = held.clone()
    size = group or board.length
    steps = min(steps, size)  # a pass more than there are tokens would settle none
    for start, step in itertools.product(range(0, board.length, size), range(steps)):
        here = slice(start, start + size)
        first = start == step == 0  # the draft is on the board
        if not first:
            sure = board.confidence()
            for i, draft in enumerate(drafts):
                _settle(keep[i, here], held[i, here], sure[i, here], step / steps)
                _repaint(board, slice(i, i + 1), keep[i : i + 1, :, None], draft)
        board.passes += 1
        if step + 1 == steps:
            keep[:, here] = True
            board.done[:] = min(start + size, board.length)
        if not first:
            yield board


def _repaint(board: Board, row: slice, keep: Tensor, draft: Draft) -> None:
    """What is not kept is read from a new draft."""
    logits = draft(held=(board.tokens[row], keep[..., 0]))
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
