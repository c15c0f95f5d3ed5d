"""Prompts as vectors: the instruction, and one vector per legend entry made of name and colour."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from visiongen.prompt import MAX_BYTES, Prompt
from visiongen.units import to_unit
from visiongen.unnamed import UNNAMED

ROWS = 64  # texts on a GPU come in multiples of this: cuDNN plans its convolutions anew for each number


def encode_bytes(texts: list[str], device: torch.device) -> Tensor:
    """UTF-8 bytes + 1, zero-padded: (n or more, MAX_BYTES) int64. A ``Prompt`` has no longer words."""
    count = len(texts) if device.type == "cpu" else -(-len(texts) // ROWS) * ROWS
    rows = torch.zeros(count, MAX_BYTES, dtype=torch.int64)
    for row, text in zip(rows, texts, strict=False):
        data = text.encode()
        row[: len(data)] = torch.tensor(list(data), dtype=torch.int64) + 1
    return rows.to(device)


def small(name: str) -> str:
    """ASCII letters made small: training names classes so, and "Road" is the same class, not other bytes."""
    return name.encode().lower().decode()


class TextEncoder(nn.Module):
    """Bytes -> one vector: embedding, two convolutions, mean and maximum over the text.

    ``deep`` adds two dilated convolutions, which start at nothing: with them a byte knows 33 around it,
    so that "left of the cone" is more than its letters.
    """

    def __init__(self, dim: int, width: int = 128, deep: bool = False) -> None:
        super().__init__()
        self.embed = nn.Embedding(257, width, padding_idx=0)
        self.conv1 = nn.Conv1d(width, width, 5, padding=2)
        self.conv2 = nn.Conv1d(width, width, 5, padding=2)
        self.out = nn.Linear(2 * width, dim)
        self.wide = nn.ModuleList(
            nn.Conv1d(width, width, 3, padding=d, dilation=d) for d in ((4, 8) if deep else ())
        )
        for layer in self.wide:
            nn.init.zeros_(layer.weight)  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, texts: list[str]) -> Tensor:
        """n strings -> (n, dim). Equal strings are encoded once."""
        unique = list(dict.fromkeys(texts))
        ids = encode_bytes(unique, self.out.weight.device)
        there = (ids > 0)[:, None]
        x = self.embed(ids).transpose(1, 2)
        x = F.silu(self.conv1(x)) * there
        x = F.silu(self.conv2(x)) * there
        for layer in self.wide:
            x = x + F.silu(layer(x)) * there
        mean = x.sum(-1) / there.sum(-1).clamp(min=1)
        y = self.out(torch.cat([mean, x.masked_fill(~there, 0).amax(-1)], dim=-1))
        place = {text: i for i, text in enumerate(unique)}
        return y[torch.tensor([place[t] for t in texts], device=y.device)]


class PromptEncoder(nn.Module):
    """Prompts -> prompt tokens (B, 1 + K, d): the instruction, then the legend padded to K.

    ``codes`` are the legend colours as the tokenizer would paint them (flat patches), so that a
    colour never seen in training is still written correctly.
    """

    def __init__(self, dim: int, channels: int, deep: bool = False) -> None:
        super().__init__()
        self.text = TextEncoder(dim, deep=deep)
        self.code = nn.Linear(channels, dim)
        self.rgb = nn.Linear(3, dim)

    def forward(self, prompts: list[Prompt], codes: list[Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Returns tokens (B, 1+K, d), there (B, 1+K) bool, names (B, K, d), codes (B, K, C)."""
        device = self.rgb.weight.device
        most = max((len(p.legend) if p.legend else 0) for p in prompts)
        batch, channels = len(prompts), self.code.in_features
        rgb = np.zeros((batch, most, 3), np.float32)  # filled here and moved once: a copy an entry waits
        here = np.zeros((batch, 1 + most), bool)
        texts: list[str] = []
        for i, prompt in enumerate(prompts):
            names = list(prompt.legend.names) if prompt.legend else []
            here[i, : 1 + len(names)] = True
            if prompt.legend:
                rgb[i, : len(names)] = to_unit(np.asarray(prompt.legend.colours, np.float32))
            said = ["" if name.startswith(UNNAMED) else small(name) for name in names]
            texts += [prompt.text, *said, *[""] * (most - len(names))]
        there, colours = torch.from_numpy(here).to(device), torch.from_numpy(rgb).to(device)
        padded = torch.zeros(batch, most, channels, device=device)
        padded[there[:, 1:]] = torch.cat(codes).to(padded.dtype)
        text = self.text(texts).unflatten(0, (batch, 1 + most))
        kind = self.rgb.weight.dtype
        entries = text[:, 1:] + self.code(padded.to(kind)) + self.rgb(colours.to(kind))
        return torch.cat([text[:, :1], entries], dim=1), there, text[:, 1:], padded
