"""A cheap first lesson for the painter's trunk: read photos, paint nothing.

Painting costs ten times what looking costs: most of a step goes into tokens. So the trunk first
learns, at ten times the photos a second, what the maps will need: which legend entry each 2 x 2 pixel
cell is (through the painter's own legend pointer, by name or by example), how far it is and which way it
faces, and the colour it has in any other map that is asked for. The extra heads are thrown away; the
painter goes on from the trunk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from visiongen.painter_config import PainterConfig
from visiongen.prompt import PHOTO, Prompt
from visiongen.training.losses import class_weights, pointer_loss, token_cells
from visiongen.transformer import SUB, Painter

CELLS = SUB * SUB


class TrunkReading(nn.Module):
    """The painter with three throw-away heads; its tensors are named as in ``Painting``.

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
        self.colour = nn.Sequential(nn.Linear(2 * dim, dim), nn.SiLU(), nn.Linear(dim, 3 * CELLS))

    def loss(self, batch: dict[str, Any]) -> tuple[Tensor, dict[str, float]]:
        """Sum of what there is truth for.

        ``pointer`` (nats), ``depth`` (L1 of ln), ``normals`` (chord), ``colour`` (L1 of [-1, 1]).
        """
        features, _, _ = self.painter.trunk(batch["photo"])
        features = features.flatten(2).transpose(1, 2)
        parts: dict[str, Tensor] = {}
        pointer = self._pointer_loss(features, batch)
        if pointer is not None:
            parts["pointer"] = pointer
        if "depth" in batch:
            parts["depth"] = _depth_loss(self.depth(features), token_cells(batch["depth"][..., None]))
        if "normals" in batch:
            parts["normals"] = _normals_loss(self.normals(features), token_cells(batch["normals"]))
        colour = self._colour_loss(features, batch)
        if colour is not None:
            parts["colour"] = 2 * colour
        total = sum(parts.values(), features.sum() * 0.0)
        return total, {name: float(value.detach()) for name, value in parts.items()}

    def _pointer_loss(self, features: Tensor, batch: dict[str, Any]) -> Tensor | None:
        rows = _rows(batch, lambda prompt: prompt.legend is not None)
        if not rows:
            return None
        prompts = [batch["prompts"][i] for i in rows]
        labels = batch["labels"][rows]
        pixels = class_weights(labels, prompts, self.balance)
        return pointer_loss(self._point(features[batch["photo_index"][rows]], prompts), labels, pixels)

    def _point(self, x: Tensor, prompts: list[Prompt]) -> Tensor:
        """Legend attention (B, N, CELLS, 1 + K) straight from the trunk's features."""
        _, there, names, codes = self.painter.prompt(prompts, self._blank_codes(prompts))
        alike, shown = None, self.painter._shown(prompts, names.shape[1])
        if shown is not None:
            names, alike = names + shown[0], self.painter.examples.alike(x, shown[2])
        values = torch.zeros(len(prompts), 1 + names.shape[1], codes.shape[-1], device=x.device)
        return self.painter._point(x, names, values, there, alike)[1]

    def _blank_codes(self, prompts: list[Prompt]) -> list[Tensor]:
        """Colours do not matter where nothing is painted."""
        device = self.painter.blank.device
        return [torch.zeros(len(p.legend or ()), self.painter.channels, device=device) for p in prompts]

    def _colour_loss(self, features: Tensor, batch: dict[str, Any]) -> Tensor | None:
        """L1 of every cell's colour in maps without a legend that no other head knows."""
        rows = _rows(batch, lambda p: p.legend is None and p.task not in ("depth", "normals"))
        if not rows:
            return None
        prompts = [batch["prompts"][i] for i in rows]
        text = self.painter.prompt.text([p.text for p in prompts])[:, None]
        shown = self.painter._shown(prompts, 0)
        text = text if shown is None else text + shown[1]
        x = features[batch["photo_index"][rows]]
        flat = self.colour(torch.cat([x, text.expand(-1, x.shape[1], -1).to(x.dtype)], dim=-1))
        truth = token_cells(batch["target"][rows].permute(0, 2, 3, 1))
        there = token_cells(batch["valid"][rows][..., None])[..., 0]
        error = (flat.float().unflatten(-1, (CELLS, 3)) - truth).abs().mean(-1)
        return (error * there).sum() / there.sum().clamp(min=1)


def _rows(batch: dict[str, Any], wanted: Callable[[Prompt], bool]) -> list[int]:
    """Orders of which a photo is given and that are ``wanted``."""
    blank = batch["photo_blank"][batch["photo_index"]].tolist()
    return [i for i, p in enumerate(batch["prompts"]) if not blank[i] and p.task != PHOTO and wanted(p)]


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
