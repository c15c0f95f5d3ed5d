"""From a photo's prefix and prompts to tokens, by any order of one size, or after the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from visiongen.backbones.base import Sampler
from visiongen.decoding.board import Board, Draft
from visiongen.decoding.diffuse import diffuse
from visiongen.decoding.draft import draft
from visiongen.decoding.masked import masked
from visiongen.decoding.sample import sample
from visiongen.decoding.sequential import sequential
from visiongen.decoding.settle import settle
from visiongen.decoding.teacher import after_truth
from visiongen.decoding.verified import verified
from visiongen.errors import UsageError
from visiongen.prompt import Prompt

WINDOW = {"cpu": 48, "cuda": 64}  # tokens a verifying pass; see docs/decoding.md
LONGEST = 192  # the same, while all that was checked was right


@torch.inference_mode()
def decode(painter: Any, photo: Any, prompts: Sequence[Prompt], sampler: Sampler) -> Iterator[Board]:
    """Paint one picture a prompt; yields the same Board again and again as it gets better.

    ``photo`` is a prefix of batch ``len(prompts)`` (``PhotoPrefix.expand`` shares one). The first
    board is the draft with nothing done, the last has every position done (mode draft: one board).
    """
    conds, cond, board = start(painter, photo, prompts, sampler)
    if sampler.mode != "draft":
        yield board
    for step in _order(painter, photo, cond, board, prompts, sampler):
        if int(step.done.min()) < step.length:
            yield step
    if sampler.mode in ("verified", "sequential") and cond.aligned.dtype == torch.float32:

        def again(one: Any, part: Board, start: int) -> Iterator[Board]:
            return _greedy(painter, one, part, sampler, start)

        settle(painter, conds.__getitem__, board, again)
    yield board


def decode_all(painter: Any, photo: Any, prompts: Sequence[Prompt], sampler: Sampler) -> Board:
    """The finished board of ``decode``."""
    for board in decode(painter, photo, prompts, sampler):  # noqa: B007
        pass
    return board


@torch.inference_mode()
def decode_after(
    painter: Any, photo: Any, prompts: Sequence[Prompt], sampler: Sampler, truth: Tensor
) -> Board:
    """The board whose every token is read after the true tokens (B, N, C) before it; see ``after_truth``.

    Of the sampler only ``trust`` counts.
    """
    _, cond, board = start(painter, photo, prompts, sampler)
    after_truth(painter, cond, board, truth)
    return board


def start(
    painter: Any, photo: Any, prompts: Sequence[Prompt], sampler: Sampler
) -> tuple[list[Any], Any, Board]:
    """The condition of each picture, all of them joined, and the board of their drafts."""
    # one by one: a picture's draft must not depend on its batch, not even in the last bit
    rows = [torch.tensor([i], device=photo.features.device) for i in range(len(prompts))]
    pairs = zip(rows, prompts, strict=True)
    conds = [painter.condition(photo.select(i), [p], recycles=sampler.recycles) for i, p in pairs]
    cond = conds[0].join(conds)
    trust = painter.config.trust if sampler.trust is None else sampler.trust
    mean = torch.tensor([p.task in painter.config.mean_tasks for p in prompts])
    return conds, cond, Board.from_draft(cond.draft_logits, trust, mean, cond.held)


def _order(
    painter: Any, photo: Any, cond: Any, board: Board, prompts: Sequence[Prompt], sampler: Sampler
) -> Iterator[Board]:
    if sampler.mode == "draft":
        return draft(board)
    if sampler.mode == "scales":
        raise UsageError("mode scales: paints at several sizes; ask a scene, or visiongen.decoding.scales")
    if sampler.mode == "masked":
        if not painter.config.context:
            raise UsageError("mode masked: these weights do not see what is settled; use another mode")
        return masked(redrafted(painter, photo, prompts, sampler), board, sampler.steps, sampler.group)
    if sampler.mode == "diffuse":
        seeds = repeat_seeds(prompts, sampler.seed)
        drafts = redrafted(painter, photo, prompts, sampler)
        return diffuse(drafts, board, painter.levels, seeds, sampler.steps, sampler.group)
    if sampler.mode == "sample":
        seeds = repeat_seeds(prompts, sampler.seed)
        s = sampler
        return sample(painter, cond, board, seeds, s.temperature, s.top_k, s.top_p)
    return _greedy(painter, cond, board, sampler, 0)


def redrafted(painter: Any, photo: Any, prompts: Sequence[Prompt], sampler: Sampler) -> list[Draft]:
    """For each picture, alone: its draft's logits once tokens are ``held``, or show as ``noisy``."""
    device = photo.features.device

    def one(i: int, **given: Any) -> Tensor:
        row = photo.select(torch.tensor([i], device=device))
        return painter.condition(row, [prompts[i]], recycles=sampler.recycles, **given).draft_logits.float()

    return [partial(one, i) for i in range(len(prompts))]


def _greedy(painter: Any, cond: Any, board: Board, sampler: Sampler, start: int) -> Iterator[Board]:
    if sampler.mode == "sequential":
        return sequential(painter, cond, board, start)
    if sampler.window:
        return verified(painter, cond, board, sampler.window, start)
    return verified(painter, cond, board, WINDOW.get(board.line.device.type, 48), start, LONGEST)


def repeat_seeds(prompts: Sequence[Prompt], seed: int) -> list[int]:
    """One seed a prompt: the n-th repetition of a prompt gets ``seed + n``, whatever lies between.

    So a prompt has the same random numbers alone and in a batch, and repeating it gives other pictures.
    """
    counts: dict[Prompt, int] = {}
    seeds = []
    for prompt in prompts:
        seeds.append(seed + counts.get(prompt, 0))
        counts[prompt] = counts.get(prompt, 0) + 1
    return seeds
