"""Greedy reading of every token after the *true* tokens before it: teacher forcing, for measuring.

What the causal branch would paint if its own past held no error. Against ``verified`` it says what
errors of the past cost (exposure bias), against the draft what a perfect past is worth. It is no
way of painting: it needs the answer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from visiongen.decoding.board import Board
from visiongen.decoding.settle import BLOCK


@torch.inference_mode()
def after_truth(painter: Any, cond: Any, board: Board, truth: Tensor) -> None:
    """Finish ``board`` in place: position p is chosen as ever, but after ``truth[:, :p]``.

    ``truth``: int64 (B, N, C). The logits are those of ``Painter.teach``, by the windows that painting
    uses (``BLOCK`` tokens a pass, from the top: the canonical computation of near-ties), so that a true
    past that equals the painted one gives the painted tokens.
    """
    line = board.line.clone()
    line[:, 1:] = truth
    cache = painter.new_cache(cond)
    for first in range(0, board.length, BLOCK):
        stop = min(first + BLOCK, board.length)
        logits = painter.window(cond, cache, line[:, first:stop], first)
        board.logits[:, first:stop] = logits
        board.line[:, first + 1 : stop + 1] = board.choose(logits, np.s_[:, first:stop])
        board.passes += 1
    board.done[:] = board.length
