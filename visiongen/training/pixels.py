"""The draft's error where it is scored: in the picture that the tokenizer paints of its mean levels.

Cross-entropy asks every channel of a token for its own level and cares for all of them alike. Twelve
likeliest levels, each right by itself, need not be a picture between the possible ones; and an error of
one level may move a colour by nothing or by half of its range. The frozen decoder knows which.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from visiongen.decoding.board import expected
from visiongen.prompt import PHOTO
from visiongen.tokenizer import ImageTokenizer
from visiongen.units import PATCH

TOKENS = 3072  # decoded of a batch unless told: on a CPU decoding costs as much as painting
HUBER = 0.5  # of the range [-1, 1]: squared below, so that a mean is better than a median


def measured(batch: dict[str, Any]) -> Tensor:
    """Bool (B,): the orders whose colours are quantities, so that one between two answers is an answer.

    Maps without a legend, and photos of which something is given: a map or what surrounds a hole.
    """
    found = [p.task == PHOTO or p.legend is None for p in batch["prompts"]]
    given = ~batch["photo_blank"][batch["photo_index"]]
    return torch.tensor(found, device=given.device) & given


def pixel_loss(
    tokenizer: ImageTokenizer,
    logits: Tensor,
    batch: dict[str, Any],
    weight: Tensor,
    tokens: int = TOKENS,
    held: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Huber distance of painted from target, colours in [-1, 1], of the ``measured`` orders (some of them).

    0 where there is none. ``logits`` (B, N, C, L) of all tokens in raster order, ``weight`` (B, N): tokens
    of weight 0 do not count. ``tokens``: of so many at most, of maps drawn anew each time. The levels are
    the rounded means, as decoding reads them; the gradient takes no note of the rounding (straight through,
    arXiv 1308.3432). ``held``: tokens (B, N, C) that are painted in the levels' stead where the bool (B, N)
    says so, as decoding does.
    """
    rows = measured(batch).nonzero()[:, 0]
    if not len(rows):
        return logits.new_zeros(())
    most = max(1, tokens // logits.shape[1])
    rows = rows[torch.randperm(len(rows))[:most].to(rows.device)].sort().values
    target = batch["target"][rows]
    h, w = target.shape[-2] // PATCH, target.shape[-1] // PATCH
    mean = expected(logits[rows]).unflatten(1, (h, w))
    read = mean + (mean.round() - mean).detach()
    if held is not None:
        given, keep = (part[rows].unflatten(1, (h, w)) for part in held)
        read = torch.where(keep[..., None], given.to(read.dtype), read)
    painted = tokenizer.paint(tokenizer.values(read))
    counted = (weight[rows] > 0).view(-1, 1, h, w).repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3)
    counts = counted * batch["valid"][rows][:, None]
    error = F.huber_loss(painted, target, reduction="none", delta=HUBER) / HUBER
    return (error * counts).sum() / (3 * counts.sum()).clamp(min=1)
