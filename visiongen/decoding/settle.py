"""Near-ties, decided one way whatever the path.

Rounding differs between one token and a window of tokens, between one picture and a batch. It moves
a logit by about 1e-5, which matters only where two levels of a channel are as close as that. Such a
position is decided again by one canonical computation that is a function of the picture's own
tokens alone: this picture by itself, from the top, in blocks of ``BLOCK`` tokens. Two ways of
decoding that differ in nothing but rounding therefore agree on every token, as long as rounding
stays below half of ``MARGIN`` (docs/decoding.md has the measured figures).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from visiongen.decoding.board import Board

MARGIN = 1e-4  # logits closer than this are a near-tie
BLOCK = 64  # tokens a canonical pass


def refill(painter: Any, cond: Any, cache: Any, line: Tensor) -> None:
    """Put the keys of final tokens ``line`` (B, n, C) into an empty cache, in blocks: a window of all of
    them would need a mask of n x n.
    """
    for first in range(0, line.shape[1], BLOCK):
        painter.window(cond, cache, line[:, first : first + BLOCK], first)


class Referee:
    """Canonical logits of one picture. Blocks already computed are kept while the tokens stand."""

    def __init__(self, painter: Any, cond: Any) -> None:
        self.painter, self.cond = painter, cond  # cond: this picture alone
        self.cache = painter.new_cache(cond)
        self.blocks = 0  # whole blocks whose keys are in the cache

    def logits(self, line: Tensor, place: int) -> Tensor:
        """(C, L) at ``place`` given ``line`` (1, N + 1, C), whose tokens before it are final."""
        length = line.shape[1] - 1
        last = place // BLOCK
        for block in range(self.blocks, last + 1):
            first = block * BLOCK
            inputs = line[:, first : min(first + BLOCK, length)].clone()
            inputs[:, place + 1 - first :] = 0  # what is not settled yet must not matter
            out = self.painter.window(self.cond, self.cache, inputs, first)
        self.blocks = last  # the last block holds open tokens: it will be computed again
        return out[0, place - last * BLOCK]


@torch.inference_mode()
def settle(
    painter: Any,
    alone: Callable[[int], Any],
    board: Board,
    again: Callable[[Any, Board, int], Iterator[Board]],
) -> None:
    """Decide the near-ties of a finished board in place, picture by picture, from the top.

    ``alone(i)`` is the condition of picture i by itself; ``again(cond, board, start)`` decodes the
    rest of a one-picture board after a token has changed.
    """
    for i in (board.margin() < MARGIN).any(-1).nonzero().flatten().tolist():
        row = torch.tensor([i], device=board.line.device)
        part = board.take(row)
        _settle_one(Referee(painter, alone(i)), part, again)
        board.put(row, part)


def _settle_one(referee: Referee, part: Board, again: Callable[[Any, Board, int], Iterator[Board]]) -> None:
    place = 0
    while True:
        near = (part.margin()[0, place:] < MARGIN).nonzero().flatten()
        if not len(near):
            return
        place += int(near[0])
        here = slice(place, place + 1)
        logits = referee.logits(part.line, place)[None, None]
        token = part.choose(logits, np.s_[:, here])[0, 0]
        part.settled += 1
        changed = not torch.equal(token, part.line[0, place + 1])
        part.line[0, place + 1] = token
        place += 1
        if place == part.length:
            return
        if changed:
            for _ in again(referee.cond, part, place):
                pass
