"""A cheap first lesson for the painter's trunk: read photos, paint nothing.

Painting costs ten times what looking costs: most of a step goes into tokens. So the trunk first
learns, at ten times the photos a second, what the maps will need: which legend entry each 2 x 2 pixel
cell is (through the painter's own legend pointer), how far it is and which way it faces. The two
extra heads are thrown away; the painter goes on from the trunk.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from visiongen.training.balance import pixel_weights
from visiongen.training.painting import pointer_loss, token_cells
from visiongen.transformer import SUB, Painter, PainterConfig

CELLS = SUB * SUB


class TrunkReading(nn.Module):
    """The painter with two throw-away heads; its tensors are named as in ``Painting``.

    ``balance``: how much small classes count, see ``visiongen.training.balance``.
    """

    def __init__(
        self, preset: str = "tiny", levels: tuple[int, ...] = (8,) * 12, balance: float = 0.0
    ) -> None:
        super().__init__()
        self.balance = balance
        self.painter = Painter(PainterConfig.preset(preset, tuple(levels)))
        dim = self.painter.config.dim
        self.depth = nn.Linear(dim, CELLS)  # ln(metres) of each cell
        self.normals = nn.Linear(dim, 3 * CELLS)

    def loss(self, batch: dict[str, Any]) -> tuple[Tensor, dict[str, float]]:
        """Sum of what there is truth for: ``pointer`` (nats), ``depth`` (L1 of ln), ``normals`` (chord)."""
        features, _, _ = self.painter.trunk(batch["photo"])
        features = features.flatten(2).transpose(1, 2)
        parts: dict[str, Tensor] = {}
        rows = [i for i, p in enumerate(batch["prompts"]) if p.task == "semantic"]
        if rows:
            index = batch["photo_index"][rows]
            legends = [batch["prompts"][i].legend.names for i in rows]
            labels = batch["labels"][rows]
            pixels = pixel_weights(labels, legends, self.balance)
            pointer = pointer_loss(self._point(features[index], legends), labels, pixels)
            if pointer is not None:
                parts["pointer"] = pointer
        if "depth" in batch:
            parts["depth"] = _depth_loss(self.depth(features), token_cells(batch["depth"][..., None]))
        if "normals" in batch:
            parts["normals"] = _normals_loss(self.normals(features), token_cells(batch["normals"]))
        total = sum(parts.values(), features.sum() * 0.0)
        return total, {name: float(value.detach()) for name, value in parts.items()}

    def _point(self, x: Tensor, legends: list[tuple[str, ...]]) -> Tensor:
        """Legend attention (B, N, CELLS, 1 + K) straight from the trunk's features."""
        most = max(len(names) for names in legends)
        padded = [name for names in legends for name in [*names, *[""] * (most - len(names))]]
        names = self.painter.prompt.text(padded).unflatten(0, (len(legends), most))
        there = torch.tensor([[j <= len(n) for j in range(most + 1)] for n in legends], device=x.device)
        colours = torch.zeros(len(legends), 1 + most, self.painter.channels, device=x.device)
        return self.painter._point(x, names, colours, there)[1]


def _depth_loss(logs: Tensor, metres: Tensor) -> Tensor:
    there = torch.isfinite(metres[..., 0]) & (metres[..., 0] > 0)
    goal = torch.where(there, metres[..., 0], 1.0).log()
    return ((logs.float() - goal).abs() * there).sum() / there.sum().clamp(min=1)


def _normals_loss(flat: Tensor, truth: Tensor) -> Tensor:
    """Mean length of the chord between unit vectors: near the angle, the score, and as robust."""
    there = truth.norm(dim=-1) > 0.5
    guess = F.normalize(flat.float().unflatten(-1, (CELLS, 3)), dim=-1)
    chord = ((guess - torch.nan_to_num(truth)).square().sum(-1) + 1e-6).sqrt()
    return (chord * there).sum() / there.sum().clamp(min=1)
