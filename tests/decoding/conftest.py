"""A nano backbone with random weights, and a painter without floats whose answer is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.prompt import Legend, Prompt


@pytest.fixture(scope="session")
def nano() -> EmbeddedBackbone:
    return EmbeddedBackbone.random("nano", seed=0)


@pytest.fixture(scope="module")
def eyed() -> EmbeddedBackbone:
    """Random weights with an eye for noise."""
    backbone = EmbeddedBackbone.random("nano", seed=0)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        painter = type(backbone.painter)(replace(backbone.painter.config, noise=True))
    torch.nn.init.normal_(painter.noisy.outer.weight, std=0.5)
    painter.load_state_dict(backbone.painter.state_dict(), strict=False)
    return EmbeddedBackbone(backbone.tokenizer, painter)


@pytest.fixture(scope="session")
def prompts() -> list[Prompt]:
    street = Legend.parse("road=#804080, sky=#80b4ff, car=#ff2010")
    return [
        Prompt("depth", "depth in metres"),
        Prompt("semantic", "segment", street),
        Prompt("normals", "surface normals"),
        Prompt("semantic", "segment", Legend.parse("thing=#00ff00, rest=#000000")),
    ]


@pytest.fixture
def photo() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8)


@dataclass
class HashCondition:
    """What HashPainter needs to know, shaped like a Condition."""

    draft_logits: Tensor
    salt: Tensor  # (B,)
    grid: tuple[int, int]
    aligned: Tensor
    held: tuple[Tensor, Tensor] | None = None

    def take(self, rows: Tensor) -> HashCondition:
        held = None if self.held is None else (self.held[0][rows], self.held[1][rows])
        return HashCondition(self.draft_logits[rows], self.salt[rows], self.grid, self.aligned[rows], held)


class HashCache:
    """Remembers the inputs written at each place, as a key/value cache does."""

    def __init__(self, batch: int, length: int, channels: int) -> None:
        self.inputs = torch.full((batch, length, channels), -7)

    def take(self, rows: Tensor) -> HashCache:
        other = HashCache(*self.inputs.shape)
        other.inputs = self.inputs[rows]
        return other


class HashPainter:
    """Greedy token = hash of every token before it: exact, and every mistake shows at once."""

    levels = 5

    def __init__(self) -> None:
        self.calls = 0

    def new_cache(self, cond: HashCondition) -> HashCache:
        return HashCache(len(cond.salt), cond.grid[0] * cond.grid[1], cond.draft_logits.shape[2])

    def window(self, cond: HashCondition, cache: HashCache, inputs: Tensor, start: int | Tensor) -> Tensor:
        self.calls += 1
        batch, length, channels = inputs.shape
        starts = start.tolist() if isinstance(start, Tensor) else [start] * batch
        out = torch.zeros(batch, length, channels, self.levels)
        for b, s in enumerate(starts):
            cache.inputs[b, s : s + length] = inputs[b]
            assert (cache.inputs[b, : s + length] > -7).all(), "a place before the window was skipped"
            for t in range(length):
                seen = cache.inputs[b, : s + t + 1].flatten().tolist()
                for c in range(channels):
                    out[b, t, c, self.answer(int(cond.salt[b]), seen, c)] = 1.0
        return out

    def answer(self, salt: int, seen: list[int], channel: int) -> int:
        value = salt * 31 + channel
        for token in seen:
            value = (value * 1000003 + token + 17) % 2147483647
        # mostly a function of the place, so that a guess may be right by luck
        return (len(seen) * 7 + channel) % self.levels if value % 3 else value % self.levels


@pytest.fixture
def hash_painter() -> HashPainter:
    return HashPainter()
