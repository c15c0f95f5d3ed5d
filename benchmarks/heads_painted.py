"""Heads that say a map: classes by name, the codec's colours, or the share of two colours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from visiongen.benchmarks.head_base import Head, Loss, Rows
from visiongen.errors import UsageError
from visiongen.prompt import Legend, Prompt
from visiongen.training.balance import pixel_weights
from visiongen.training.batches import IGNORE

if TYPE_CHECKING:
    from visiongen.tasks.base import Task

ALIASES = {"signsymbol": "sign"}


class ClassHead(Head):
    """One logit a class name."""

    def channels(self, names: Sequence[str]) -> int:
        """One a name."""
        return len(names)

    def loss(self, output: Tensor, rows: Rows, names: Sequence[str], balance: float) -> Loss:
        """Cross-entropy, small classes counting more by ``balance``."""
        given = rows.of("labels")
        legends = [prompt.legend for prompt in rows.prompts()]
        labels = torch.stack(
            [by_name(one, legend, names) for one, legend in zip(given, legends, strict=True)]
        )
        logits, seen = output[rows.place], labels != IGNORE
        weights = pixel_weights(labels, [tuple(names)] * len(labels), balance)
        each = F.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="none")
        loss = (each * weights).sum() / weights.sum().clamp(min=1)
        hit = ((logits.argmax(1) == labels) & seen).sum() / seen.sum().clamp(min=1)
        return loss, {"cross_entropy": float(loss.detach()), "accuracy": float(hit)}

    def read(self, output: Tensor) -> np.ndarray:
        """Logits (H, W, K)."""
        return output.permute(1, 2, 0).cpu().numpy()

    def paint(self, answer: np.ndarray, names: Sequence[str], task: Task, prompt: Prompt) -> np.ndarray:
        """The likeliest of the prompt's names, in its colour."""
        if prompt.legend is None:
            raise UsageError(f"specialist {task.name}: the prompt has no legend to choose from")
        places = {class_key(name): i for i, name in enumerate(names)}
        known = [
            (i, places[key]) for i, key in enumerate(map(class_key, prompt.legend.names)) if key in places
        ]
        if not known:
            raise UsageError(f"specialist {task.name}: knows none of {', '.join(prompt.legend.names)}")
        entries, channels = map(list, zip(*known, strict=True))
        return prompt.legend.array()[np.array(entries)[answer[..., channels].argmax(axis=2)]]


class MapHead(Head):
    """The codec's colours in [0, 1]."""

    def channels(self, names: Sequence[str]) -> int:
        """Red, green, blue."""
        return 3

    def loss(self, output: Tensor, rows: Rows, names: Sequence[str], balance: float) -> Loss:
        """Mean absolute error over valid pixels."""
        target, valid = rows.of("target") / 2 + 0.5, rows.of("valid")
        error = (torch.sigmoid(output[rows.place]) - target).abs().mean(1)
        loss = (error * valid).sum() / valid.sum().clamp(min=1)
        return loss, {"abs_error": float(loss.detach())}

    def read(self, output: Tensor) -> np.ndarray:
        """Colours (H, W, 3) in [0, 1]."""
        return torch.sigmoid(output).permute(1, 2, 0).cpu().numpy()

    def paint(self, answer: np.ndarray, names: Sequence[str], task: Task, prompt: Prompt) -> np.ndarray:
        """The colours, rounded."""
        return np.clip(answer * 255 + 0.5, 0, 255).astype(np.uint8)


class GrayHead(Head):
    """How far toward the first of the legend's two colours; knows the photo and no words.

    For ``referring`` that is the baseline without language: how likely a pixel is to be asked for.
    """

    def channels(self, names: Sequence[str]) -> int:
        """One."""
        return 1

    def loss(self, output: Tensor, rows: Rows, names: Sequence[str], balance: float) -> Loss:
        """Binary cross-entropy with the share in the target, over valid pixels."""
        colours = rows.of("target").permute(0, 2, 3, 1) / 2 + 0.5
        given = zip(colours, rows.prompts(), strict=True)
        truth = torch.stack([_share(one, *two_ends(prompt)) for one, prompt in given])
        valid, logits = rows.of("valid"), output[rows.place, 0]
        each = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
        loss = (each * valid).sum() / valid.sum().clamp(min=1)
        error = ((torch.sigmoid(logits) - truth).abs() * valid).sum() / valid.sum().clamp(min=1)
        return loss, {"binary_entropy": float(loss.detach()), "abs_error": float(error.detach())}

    def read(self, output: Tensor) -> np.ndarray:
        """Share (H, W) in [0, 1]."""
        return torch.sigmoid(output[0]).cpu().numpy()

    def paint(self, answer: np.ndarray, names: Sequence[str], task: Task, prompt: Prompt) -> np.ndarray:
        """The mix of the two colours."""
        first, second = two_ends(prompt)
        mixed = answer[..., None] * np.array(first) + (1 - answer[..., None]) * np.array(second)
        return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def two_ends(prompt: Prompt) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """The two colours of a gray task's map; white and black without a legend of two entries."""
    legend: Legend | None = prompt.legend
    if legend is None or len(legend) != 2:
        return (255, 255, 255), (0, 0, 0)
    return legend.colours[0], legend.colours[1]


def _share(colours: Tensor, first: Sequence[int], second: Sequence[int]) -> Tensor:
    """Where colours (H, W, 3) in [0, 1] lie between ``second`` (0) and ``first`` (1)."""
    start = torch.tensor(second, device=colours.device) / 255
    along = torch.tensor(first, device=colours.device) / 255 - start
    return (((colours - start) * along).sum(-1) / (along * along).sum()).clamp(0, 1)


def class_key(name: str) -> str:
    """Lower case without blanks and signs; "SignSymbol" and "sign" are one class."""
    key = re.sub(r"[^a-z0-9]", "", name.lower())
    return ALIASES.get(key, key)


def by_name(labels: Tensor, legend: Legend | None, names: Sequence[str]) -> Tensor:
    """Positions in a legend (H, W) -> positions in ``names``, int64, 255 ignored."""
    ids = {class_key(name): i for i, name in enumerate(names)}
    table = torch.full((256,), IGNORE, dtype=torch.int64, device=labels.device)
    for position, name in enumerate(legend.names if legend else ()):
        table[position] = ids.get(class_key(name), IGNORE)
    return table[labels.long()]
