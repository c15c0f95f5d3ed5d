"""From noise to a picture: every token cleared up a little in each pass, all of them or group by group.

The painter says which token lies under the noise, level by level; the mean of what it says is where the
next pass goes (a step of the flow, deterministic once the noise is drawn), and after the last pass the
likeliest tokens stand. In groups it is an autoregression with a diffusion inside: what is above is clear,
what is below is noise.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from visiongen.decoding.board import Board, Draft, expected, read
from visiongen.noisy import Noisy, blurred, cleared, to_values
from visiongen.scales import START


@torch.inference_mode()
def diffuse(
    drafts: list[Draft],
    board: Board,
    levels: Tensor,
    seeds: Sequence[int],
    steps: int,
    group: int | None,
    small: Tensor | None = None,
) -> Iterator[Board]:
    """Fill ``board`` in ``steps`` passes a group of ``group`` tokens (None: one group); yields it after each.

    ``drafts[i]`` reads picture i alone, so that it does not depend on its batch; its noise is of
    ``seeds[i]``. ``levels`` (C,): how many each channel has. ``small``: token values (B, N, C) of a smaller
    picture, enlarged; then it begins with these under the noise of time START (``visiongen.scales``).
    """
    shown, begin = _noise(seeds, board.tokens), 1.0
    if small is not None:
        begin = START
        shown = blurred(small, shown, torch.full(shown.shape[:2], begin, device=shown.device))
    time = torch.full(shown.shape[:2], begin, device=shown.device)
    if board.hold is not None:
        time = time.masked_fill(board.hold, 0.0)
        shown = torch.where(board.hold[..., None], to_values(board.draft, levels), shown)
    everywhere = torch.ones(1, dtype=torch.bool, device=shown.device)
    size = group or board.length
    for start, step in itertools.product(range(0, board.length, size), range(steps)):
        here = slice(start, min(start + size, board.length))
        now, later = begin * (1 - step / steps), begin * (1 - (step + 1) / steps)
        for i, draft in enumerate(drafts):
            open_ = time[i] > 0
            logits = draft(noisy=Noisy(shown[i : i + 1], time[i : i + 1], everywhere))[0]
            _keep(board, i, open_, logits)
            mine = open_.nonzero()[:, 0]
            mine = mine[(mine >= here.start) & (mine < here.stop)]
            if step + 1 < steps:
                guess = to_values(expected(logits[mine]), levels)
                shown[i, mine] = cleared(shown[i, mine], guess, now, later)
                time[i, mine] = later
            else:
                shown[i, mine] = to_values(board.tokens[i, mine], levels)
                time[i, mine] = 0.0
        board.passes += 1
        if step + 1 == steps:
            board.done[:] = here.stop
        yield board


def _keep(board: Board, row: int, open_: Tensor, logits: Tensor) -> None:
    """Write what is open as it is read now."""
    token = read(logits[None], board.mean[row : row + 1])[0]
    board.line[row, 1:] = torch.where(open_[:, None], token, board.tokens[row])
    board.logits[row] = torch.where(open_[:, None, None], logits, board.logits[row])


def _noise(seeds: Sequence[int], like: Tensor) -> Tensor:
    """Numbers (B, N, C) from N(0, 1): row i depends on ``seeds[i]`` and its size only."""
    rows = [torch.randn(like.shape[1:], generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(rows).to(like.device)
