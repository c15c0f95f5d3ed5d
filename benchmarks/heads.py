"""What a specialist's last layer says, how it is trained from a batch, and how it is read.

``depth`` and ``normals`` say labels. ``classes`` is for legends whose entries are known by name: one
channel a name, cross-entropy on the batch's ``labels``, read as the likeliest of the prompt's names in
that entry's colour. ``map`` regresses the colours that the task's codec paints. ``gray`` is one
probability: how far a map of two colours is toward the first. Whatever a head says ends as a map that
the task decodes like any other painting, so a specialist and the generator are read alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from visiongen.benchmarks.head_base import Head, Loss, Rows
from visiongen.benchmarks.heads_painted import ClassHead, GrayHead, MapHead
from visiongen.errors import UsageError
from visiongen.prompt import Prompt

if TYPE_CHECKING:
    from visiongen.tasks.base import Task


class LabelHead(Head):
    """Labels in the form of the task's codec."""

    width: ClassVar[int]

    def channels(self, names: Sequence[str]) -> int:
        """``width``."""
        return self.width

    def paint(self, answer: np.ndarray, names: Sequence[str], task: Task, prompt: Prompt) -> np.ndarray:
        """By the codec."""
        return task.codec(prompt.legend).encode(answer)


class DepthHead(LabelHead):
    """ln metres; read as metres."""

    width = 1
    bias = 1.5  # about 4.5 m

    def loss(self, output: Tensor, rows: Rows, names: Sequence[str], balance: float) -> Loss:
        """Mean |ln p - ln g| over finite positive depth; sky and unknown are left out."""
        depth = rows.batch["depth"][rows.photos]
        valid = torch.isfinite(depth) & (depth > 0)
        truth = torch.where(valid, depth, torch.ones_like(depth)).log()
        loss = ((output[:, 0] - truth).abs() * valid).sum() / valid.sum().clamp(min=1)
        return loss, {"log_error": float(loss.detach())}

    def read(self, output: Tensor) -> np.ndarray:
        """Metres (H, W)."""
        return output[0].exp().cpu().numpy()


class NormalsHead(LabelHead):
    """Components in OpenGL camera axes; read as unit vectors."""

    width = 3

    def loss(self, output: Tensor, rows: Rows, names: Sequence[str], balance: float) -> Loss:
        """Mean 1 - cos over pixels with a true normal."""
        truth = torch.nan_to_num(rows.batch["normals"][rows.photos], nan=0.0, posinf=0.0, neginf=0.0)
        truth = truth.permute(0, 3, 1, 2)
        valid = truth.norm(dim=1) > 0.5
        cosine = F.cosine_similarity(output, truth, dim=1)
        loss = ((1 - cosine) * valid).sum() / valid.sum().clamp(min=1)
        with torch.no_grad():
            degrees = torch.rad2deg(torch.arccos(cosine.clamp(-1, 1)))
            mean = (degrees * valid).sum() / valid.sum().clamp(min=1)
        return loss, {"one_minus_cos": float(loss.detach()), "degrees": float(mean)}

    def read(self, output: Tensor) -> np.ndarray:
        """Unit vectors (H, W, 3)."""
        return F.normalize(output, dim=0).permute(1, 2, 0).cpu().numpy()


HEADS: dict[str, type[Head]] = {
    "semantic": ClassHead,
    "panoptic": ClassHead,
    "depth": DepthHead,
    "normals": NormalsHead,
    "instance": MapHead,
    "basecolor": MapHead,
    "orm": MapHead,
    "tangent": MapHead,
    "referring": GrayHead,
    "edges": GrayHead,
    "salient": GrayHead,
    "matting": GrayHead,
}


def head_for(task: str) -> Head:
    """The head of a task; UsageError for one that has none."""
    if task not in HEADS:
        raise UsageError(f"specialist task {task!r}: choose one of {', '.join(HEADS)}")
    return HEADS[task]()
