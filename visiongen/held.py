"""What is already painted, as seen by the draft: the tokens that stay, at their places."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from visiongen.errors import UsageError
from visiongen.prompt import Prompt
from visiongen.units import to_unit


class HeldEmbedding(nn.Module):
    """Held tokens and open places -> (B, N, d), added to the photo's features. Starts at nothing."""

    top: Tensor

    def __init__(self, levels: tuple[int, ...], dim: int) -> None:
        super().__init__()
        self.value = nn.Linear(len(levels), dim)
        self.open = nn.Parameter(torch.zeros(dim))
        nn.init.zeros_(self.value.weight)
        nn.init.zeros_(self.value.bias)
        self.register_buffer("top", torch.tensor(levels, dtype=torch.float32) - 1, persistent=False)

    def forward(self, tokens: Tensor, keep: Tensor) -> Tensor:
        """Tokens (B, N, C) int64, keep (B, N) bool; a picture that holds nothing is left alone."""
        values = (tokens.float() / self.top * 2 - 1).to(self.value.weight.dtype)
        some = keep.any(1, keepdim=True)[..., None]
        return torch.where(keep[..., None], self.value(values), self.open.to(values.dtype)) * some


def gather(
    prompts: Sequence[Prompt],
    shape: tuple[int, int, int],
    encode: Callable[[Tensor], Tensor],
    device: torch.device,
) -> tuple[Tensor, Tensor] | None:
    """Tokens (B, N, C) and where they stay (B, N) bool, from the prompts' ``held``; None for none at all.

    ``shape`` is (h, w, C) of the canvas; ``encode`` is the tokenizer's, for pictures that are held.
    UsageError where a hold is of another size.
    """
    if not any(prompt.held for prompt in prompts):
        return None
    tokens = torch.zeros(len(prompts), *shape, dtype=torch.int64, device=device)
    keep = torch.zeros(len(prompts), *shape[:2], dtype=torch.bool, device=device)
    for row, held in enumerate(prompt.held for prompt in prompts):
        if held is None:
            continue
        if held.keep.shape != shape[:2]:
            raise UsageError(f"held: {held.keep.shape} tokens given, the canvas has {shape[:2]}")
        keep[row] = torch.from_numpy(held.keep).to(device)
        if held.tokens is not None:
            tokens[row] = torch.from_numpy(held.tokens).to(device)
        else:
            image = torch.from_numpy(np.ascontiguousarray(held.image)).to(device)
            tokens[row] = encode(to_unit(image.permute(2, 0, 1)[None].float()))[0]
    return tokens.flatten(1, 2), keep.flatten(1)
