"""What every head of a specialist does; see visiongen.benchmarks.heads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from visiongen.prompt import Prompt

if TYPE_CHECKING:
    from visiongen.tasks.base import Task

Loss = tuple[Tensor, dict[str, float]]


@dataclass(frozen=True)
class Rows:
    """The rows of a batch that belong to a specialist: their numbers (R,), and each one's photo.

    ``photos`` (U,) are the batch's photos that they look at, ``place`` (R,) which of those each row has.
    """

    batch: dict[str, Any]
    numbers: list[int]
    photos: Tensor
    place: Tensor

    def of(self, name: str) -> Tensor:
        """``batch[name]`` of the rows."""
        return self.batch[name][torch.as_tensor(self.numbers, device=self.photos.device)]

    def prompts(self) -> list[Prompt]:
        """Their prompts."""
        return [self.batch["prompts"][i] for i in self.numbers]


class Head(ABC):
    """One kind of last layer; ``names`` are the classes of a specialist that has some."""

    bias: ClassVar[float | None] = None

    @abstractmethod
    def channels(self, names: Sequence[str]) -> int:
        """How many numbers a pixel."""

    @abstractmethod
    def loss(self, output: Tensor, rows: Rows, names: Sequence[str], balance: float) -> Loss:
        """Loss of outputs (U, C, H, W) of the rows' photos, and numbers for the log."""

    @abstractmethod
    def read(self, output: Tensor) -> np.ndarray:
        """What outputs (C, H, W) of one photo mean, (H, W[, C])."""

    @abstractmethod
    def paint(self, answer: np.ndarray, names: Sequence[str], task: Task, prompt: Prompt) -> np.ndarray:
        """What was read, as a map uint8 (H, W, 3) of the task's codec."""
