"""The painter's losses: how much each token and pixel counts, and what an error costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from visiongen.decoding.board import expected
from visiongen.prompt import PHOTO, Prompt
from visiongen.training.balance import class_names, pixel_weights
from visiongen.training.batches import IGNORE
from visiongen.transformer import SUB
from visiongen.units import PATCH

# Photos as targets have high entropy; they must not drown the maps beside them. In a batch of photos alone
# nothing is beside them: there the source's ``weight`` in the recipe decides.
PHOTO_WEIGHT = 0.3


def class_weights(labels: Tensor, prompts: Sequence[Prompt], power: float) -> Tensor:
    """``pixel_weights`` of the orders' own legends; an order without one has no labels."""
    return pixel_weights(labels, [class_names(p) for p in prompts], power)


def token_weights(batch: dict[str, Any], pixels: Tensor) -> Tensor:
    """How much each token counts (B, N): the share of it that is valid, less for photos as targets.

    ``pixels`` (B, H, W) weigh the labelled ones of semantic maps.
    """
    labelled = batch["labels"] != IGNORE
    weight = torch.where(labelled, pixels, 1.0) * batch["valid"]
    share = F.avg_pool2d(weight[:, None], PATCH).flatten(1)
    photo = torch.tensor([p.task == PHOTO for p in batch["prompts"]], device=share.device)
    return share * torch.where(photo, PHOTO_WEIGHT, 1.0)[:, None]


def cross_entropy(logits: Tensor, tokens: Tensor, weight: Tensor) -> Tensor:
    """Nats a channel of tokens (B, N, C) under logits (B, N, C, L), in the mean over ``weight`` (B, N)."""
    loss = F.cross_entropy(logits.flatten(0, 2), tokens.flatten(), reduction="none")
    loss = loss.view(tokens.shape).mean(-1)
    return (loss * weight).sum() / weight.sum().clamp(min=1)


def value_loss(logits: Tensor, exact: Tensor, weight: Tensor) -> Tensor:
    """Huber distance of the expected level from the unrounded one: levels have an order."""
    mean = expected(logits)
    error = F.smooth_l1_loss(mean, exact.to(mean), reduction="none").mean(-1)
    return (error * weight).sum() / weight.sum().clamp(min=1)


def token_cells(values: Tensor) -> Tensor:
    """(B, H, W, C) -> the first pixel of every cell of every token, (B, N, SUB * SUB, C)."""
    batch, height, width, channels = values.shape
    small = values[:, :: PATCH // SUB, :: PATCH // SUB]
    cells = small.reshape(batch, height // PATCH, SUB, width // PATCH, SUB, channels)
    return cells.permute(0, 1, 3, 2, 4, 5).flatten(3, 4).flatten(1, 2)


def pointer_loss(pointer: Tensor, labels: Tensor, pixels: Tensor) -> Tensor | None:
    """Cross-entropy of the legend pointer against the label of every 2 x 2 pixel cell.

    ``pixels`` (B, H, W): how much each of them counts. None where nothing is labelled.
    """
    target = token_cells(labels[..., None])[..., 0].long()
    there = target != IGNORE
    if not bool(there.any()):
        return None
    rows = there.flatten(1).any(1)
    logits, goal = pointer[rows], torch.where(there, target + 1, -100)[rows]
    loss = F.cross_entropy(logits.flatten(0, 2), goal.flatten(), ignore_index=-100, reduction="none")
    weight = token_cells(pixels[..., None])[rows].flatten()
    return (loss * weight).sum() / weight.sum().clamp(min=1e-6)


def hit_rate(draft: Tensor, causal: Tensor) -> float:
    """Share of tokens that draft and causal picture agree on, every channel."""
    return float((draft.argmax(-1) == causal.argmax(-1)).all(-1).float().mean())
