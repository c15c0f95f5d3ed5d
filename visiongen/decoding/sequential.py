"""One token at a time, the most probable one: the reference that other orders are held to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from visiongen.decoding.board import Board
from visiongen.decoding.settle import refill


@torch.inference_mode()
def sequential(painter: Any, cond: Any, board: Board, start: int = 0) -> Iterator[Board]:
    """Fill ``board`` from position ``start`` on; yields it after every grid row.

    Positions before ``start`` must hold their final tokens.
    """
    cache = painter.new_cache(cond)
    board.done[:] = start
    refill(painter, cond, cache, board.line[:, :start])
    line, logits, width = board.line, board.logits, cond.grid[1]
    for p in range(start, board.length):
        out = painter.window(cond, cache, line[:, p : p + 1], p)
        logits[:, p : p + 1] = out
        line[:, p + 1 : p + 2] = board.choose(out, np.s_[:, p : p + 1])
        if (p + 1) % width == 0 or p + 1 == board.length:
            board.passes += p + 1 - int(board.done[0])
            board.done[:] = p + 1
            yield board
