"""Next-scale prediction: a small picture first, then one twice as large with it in sight, and so on.

All tokens of a scale are painted at once, but for a photo's smallest scale, which is drawn token by token;
its larger ones are drawn from what the draft says of each token. A map is read from the draft at every scale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from visiongen import scales
from visiongen.backbones.base import Sampler
from visiongen.conditioning import PhotoPrefix
from visiongen.decoding.board import Board
from visiongen.decoding.sample import draws, filter_logits, inverse_cdf, sample
from visiongen.errors import UsageError
from visiongen.prompt import PHOTO, Prompt
from visiongen.tokenizer import ImageTokenizer
from visiongen.transformer import Painter

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

    ``photo(size)`` is the photo's prefix at that size, of batch ``len(prompts)``. At most ``sampler.steps``
    scales. UsageError for weights that have not learned it, and for prompts that hold something.
    """
    if not painter.config.scales:
        raise UsageError(
            "mode scales: these weights did not learn to paint from a smaller picture; use another"
        )
    if any(prompt.held is not None for prompt in prompts):
        raise UsageError("mode scales: the order holds a part of the picture, at one size; use another mode")
    before: list[Tensor | None] = [None] * len(prompts)
    passes = torch.zeros(len(prompts), dtype=torch.int64)
    for number, here in enumerate(found := scales.sizes(size, sampler.steps)):
        board = _paint(painter, photo(here), prompts, [s + NEXT * number for s in seeds], sampler, before)
        board.passes += passes
        passes = board.passes.clone()
        yield board, here
        if here != size:  # one by one: a picture must not depend on its batch
            grid = (here[0] // 8, here[1] // 8)
            small = [tokenizer.decode(one[None].unflatten(1, grid)) for one in board.tokens]
            before = [scales.as_before(tokenizer, one, found[number + 1]) for one in small]


def _paint(
    painter: Painter,
    photo: PhotoPrefix,
    prompts: Sequence[Prompt],
    seeds: Sequence[int],
    sampler: Sampler,
    before: Sequence[Tensor | None],
) -> Board:
    """One scale: every picture alone."""
    device = photo.features.device
    rows = [torch.tensor([i], device=device) for i in range(len(prompts))]
    conds = [
        painter.condition(photo.select(i), [p], recycles=sampler.recycles, before=b)
        for i, p, b in zip(rows, prompts, before, strict=True)
    ]
    mean = torch.tensor([p.task in painter.config.mean_tasks for p in prompts])
    board = Board.from_draft(torch.cat([c.draft_logits for c in conds]), 0.0, mean)
    s = sampler
    for i, cond, prompt, seed, seen in zip(rows, conds, prompts, seeds, before, strict=True):
        part = board.take(i)
        if prompt.task == PHOTO and seen is None:
            list(sample(painter, cond, part, [seed], s.temperature, s.top_k, s.top_p))
        else:
            part.passes += 1
        if prompt.task == PHOTO and seen is not None:
            at = draws([seed], part.length, part.line.shape[-1]).to(device)
            part.line[:, 1:] = inverse_cdf(filter_logits(part.logits, s.temperature, s.top_k, s.top_p), at)
        board.put(i, part)
    board.done[:] = board.length
    return board
