"""Examples in the prompt: what a legend's entries cover in them takes the place of their names.

Every entry's vector is the mean of the trunk's features over the parts of the example photos whose
map has that entry's colour (a prototype, as in PANet, arXiv 1908.06391); a second vector, from pairs of
photo features and map colours, joins the instruction and says what kind of map is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from visiongen.prompt import Example, Prompt
from visiongen.units import PATCH, to_unit

STRIDE = 2  # example maps are looked at on every second pixel
ROUND = 16  # photos of examples on a GPU come in multiples of this
MATCH = 64  # width in which features are compared with prototypes


class ExampleReader(nn.Module):
    """Turns the examples of prompts into vectors of width ``dim``; both start at nothing."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=1e-6, bias=False)
        self.entry = nn.Linear(dim, dim)
        self.theirs = nn.Linear(dim, MATCH, bias=False)
        self.mine = nn.Linear(dim, MATCH, bias=False)
        self.sharp = nn.Parameter(torch.tensor(4.0))
        self.pair = nn.Sequential(nn.Linear(dim + 3, dim), nn.SiLU(), nn.Linear(dim, dim))
        for layer in (self.entry, self.pair[2]):
            nn.init.zeros_(layer.weight)  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(
        self, prompts: Sequence[Prompt], entries: int, features: Callable[[Tensor], Tensor]
    ) -> tuple[Tensor, Tensor, Tensor] | None:
        """Vectors of the entries (B, K, d), of the instruction (B, 1, d), prototypes (B, K, MATCH).

        ``features`` is the trunk: photos (E, 3, H, W) in [-1, 1] -> (E, N, d). Prompts without examples
        get zeros, and so do entries that the examples do not show; None if there is no example at all.
        """
        owner = [row for row, prompt in enumerate(prompts) for _ in prompt.examples]
        if not owner:
            return None
        examples = [example for prompt in prompts for example in prompt.examples]
        device, dim = self.entry.weight.device, self.entry.in_features
        total = torch.zeros(len(prompts), entries, dim, device=device)
        area = torch.zeros(len(prompts), entries, 1, device=device)
        pair = torch.zeros(len(prompts), 1, dim, device=device)
        for at in _by_size(examples):
            seen = self.norm(_in_round_numbers(features, _tensor([examples[i].photo for i in at], device)))
            maps = _tensor([examples[i].map for i in at], device)
            colour = F.avg_pool2d(maps, 8).flatten(2).transpose(1, 2)
            said = self.pair(torch.cat([seen, colour.to(seen.dtype)], dim=-1)).mean(1, keepdim=True)
            rows = [owner[i] for i in at]
            share = torch.stack([_shares(examples[i], prompts[owner[i]], entries) for i in at]).to(device)
            _add(pair, rows, said.float())
            _add(total, rows, (share.transpose(1, 2) @ seen.float()).float())
            _add(area, rows, share.sum(1)[..., None])
        counts = torch.tensor([max(1, len(p.examples)) for p in prompts], device=device)
        kind = self.entry.weight.dtype
        mean, there = (total / area.clamp(min=0.5)).to(kind), area > 0.5
        return self.entry(mean) * there, (pair / counts[:, None, None]).to(kind), self.theirs(mean) * there

    def alike(self, features: Tensor, prototypes: Tensor) -> Tensor:
        """Logits (B, N, K): features (B, N, d) beside ``forward``'s prototypes; 0 where none is given."""
        mine = F.normalize(self.mine(self.norm(features)).float(), dim=-1)
        theirs = F.normalize(prototypes.float(), dim=-1)
        return (self.sharp * mine @ theirs.transpose(1, 2)).float()


def _add(total: Tensor, rows: Sequence[int], values: Tensor) -> None:
    """``total[rows[i]] += values[i]``, one after the other: GPUs' own ``index_add`` has no fixed order."""
    for row, value in zip(rows, values, strict=True):
        total[row] += value


def _by_size(examples: Sequence[Example]) -> list[list[int]]:
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, example in enumerate(examples):
        groups.setdefault(example.photo.shape[:2], []).append(i)
    return list(groups.values())


def _tensor(images: list[np.ndarray], device: torch.device) -> Tensor:
    """uint8 (H, W, 3) each -> (E, 3, H, W) in [-1, 1]."""
    stacked = torch.from_numpy(np.ascontiguousarray(np.stack(images))).to(device)
    return to_unit(stacked.permute(0, 3, 1, 2).float())


def _in_round_numbers(features: Callable[[Tensor], Tensor], photos: Tensor) -> Tensor:
    """``features(photos)``; on a GPU of a multiple of ROUND photos: cuDNN plans anew for each number."""
    more = 0 if photos.device.type == "cpu" else -len(photos) % ROUND
    return features(torch.cat([photos, photos.new_zeros(more, *photos.shape[1:])]))[: len(photos)]


def _shares(example: Example, prompt: Prompt, entries: int) -> Tensor:
    """(N, K): how much of each token's cells has each entry's colour, squared: pure tokens count most."""
    h, w = (side // PATCH for side in example.map.shape[:2])
    shares = torch.zeros(h * w, entries)
    if prompt.legend is None:
        return shares
    pixels = example.map[::STRIDE, ::STRIDE].astype(np.float32)
    gap = pixels[:, :, None] - prompt.legend.array().astype(np.float32)
    nearest = torch.from_numpy((gap * gap).sum(-1).argmin(-1))
    hot = F.one_hot(nearest, len(prompt.legend)).float()
    side = 8 // STRIDE
    cells = hot.view(h, side, w, side, -1).mean((1, 3)).flatten(0, 1)
    shares[:, : len(prompt.legend)] = cells.square()
    return shares
