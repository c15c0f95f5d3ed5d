"""Weights that keep large classes from drowning small ones: road has a hundred times a sign's pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from visiongen.prompt import OTHER, Prompt
from visiongen.training.batches import IGNORE

LARGEST = 10.0  # times the mean; a class of a few pixels must not rule the step


def class_names(prompt: Prompt) -> tuple[str, ...]:
    """What a prompt's legend entries count as: their names, or, of two entries, the task's two sides.

    A phrase or an unnamed entry is never seen twice; by its own name it would count as the rarest class.
    """
    if prompt.legend is None:
        return ()
    if len(prompt.legend) == 2:
        small = (f"{prompt.task}: meant", f"{prompt.task}: rest")
        return small if prompt.legend.names[0] != OTHER else small[::-1]
    return prompt.legend.names


def pixel_weights(labels: Tensor, legends: Sequence[Sequence[str]], power: float) -> Tensor:
    """Weight of every pixel, float32 (B, H, W): its class's share of the batch to the power ``-power``.

    ``labels`` uint8 (B, H, W) are positions in ``legends[i]``, 255 = ignore (weight 0). Classes are
    counted by name over the whole batch, since pictures of one batch may have different legends. The
    labelled pixels' mean is 1, so that the loss keeps its scale; ``power`` 0 leaves all of them 1,
    1 gives every class the same say, 0.5 lies between.
    """
    there = labels != IGNORE
    if power == 0 or not bool(there.any()):
        return there.float()
    number = {name: i for i, name in enumerate(sorted({name for legend in legends for name in legend}))}
    table = torch.zeros(len(legends), IGNORE + 1, dtype=torch.int64)
    for row, legend in enumerate(legends):
        table[row, : len(legend)] = torch.tensor([number[name] for name in legend])
    classes = table.to(labels.device).gather(1, labels.flatten(1).long()).view_as(labels)
    counts = torch.bincount(classes[there], minlength=len(number)).float()
    weights = (counts.sum() / counts.clamp(min=1)) ** power
    weights = weights / (weights * counts).sum() * counts.sum()
    weights = weights.clamp(max=LARGEST)
    return weights[classes] * there
