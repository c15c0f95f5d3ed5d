"""Scale by scale: a small picture first, then one twice as large that starts from it, and so on.

A photo's smallest scale is drawn token by token, a map's is its draft. Every larger one starts from the one
before, enlarged and under a little noise, which clears up everywhere at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import torch

from visiongen import scales
from visiongen.backbones.base import Sampler
from visiongen.conditioning import PhotoPrefix
from visiongen.decoding.board import Board
from visiongen.decoding.decode import redrafted, start
from visiongen.decoding.diffuse import diffuse
from visiongen.decoding.sample import sample
from visiongen.errors import UsageError
from visiongen.prompt import PHOTO, Prompt
from visiongen.tokenizer import ImageTokenizer
from visiongen.transformer import Painter
from visiongen.units import PATCH

NEXT = 1_000_003  # between the seeds of two scales


@torch.inference_mode()
def by_scales(
    painter: Painter,
    tokenizer: ImageTokenizer,
    photo: Callable[[tuple[int, int]], PhotoPrefix],
    size: tuple[int, int],
    prompts: Sequence[Prompt],
    seeds: Sequence[int],
    sampler: Sampler,
) -> Iterator[tuple[Board, tuple[int, int]]]:
    """The finished board of every scale and its size (h, w), from the smallest to ``size``.

    ``photo(size)`` is the photo's prefix at that size, of batch ``len(prompts)``. ``sampler.steps`` passes
    for each scale but the smallest. UsageError for weights that did not learn from noise, and for prompts
    that hold something.
    """
    if painter.noisy is None:
        raise UsageError("mode scales: these weights did not learn from noise; use another mode")
    if any(prompt.held is not None for prompt in prompts):
        raise UsageError("mode scales: the order holds a part of the picture, at one size; use another mode")
    found = scales.sizes(size)
    board = _smallest(painter, photo(found[0]), prompts, seeds, sampler)
    yield board, found[0]
    for number, (before, here) in enumerate(pairwise(found), 1):
        # one by one: a picture must not depend on its batch
        pictures = [tokenizer.decode(one[None].unflatten(1, _grid(before))) for one in board.tokens]
        small = torch.cat([scales.enlarged(tokenizer, one, here) for one in pictures])
        passes, prefix = board.passes, photo(here)
        board = start(painter, prefix, prompts, sampler)[2]
        board.passes += passes
        again, own = redrafted(painter, prefix, prompts, sampler), [seed + NEXT * number for seed in seeds]
        list(diffuse(again, board, painter.levels, own, sampler.steps, None, small))  # the board is filled
        yield board, here


def _smallest(
    painter: Painter, photo: PhotoPrefix, prompts: Sequence[Prompt], seeds: Sequence[int], sampler: Sampler
) -> Board:
    """Photos drawn, maps as their draft; every picture alone."""
    conds, _, board = start(painter, photo, prompts, sampler)
    for i, (cond, prompt, seed) in enumerate(zip(conds, prompts, seeds, strict=True)):
        if prompt.task != PHOTO:
            board.passes[i] = 1
            continue
        row = torch.tensor([i], device=photo.features.device)
        part = board.take(row)
        for _ in sample(painter, cond, part, [seed], sampler.temperature, sampler.top_k, sampler.top_p):
            pass
        board.put(row, part)
    board.done[:] = board.length
    return board


def _grid(size: tuple[int, int]) -> tuple[int, int]:
    return size[0] // PATCH, size[1] // PATCH
