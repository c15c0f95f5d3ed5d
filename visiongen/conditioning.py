"""What the painter has read before it paints: photo, prompt, and the growing map's keys and values."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from visiongen.blocks import rope_table, signed_rope

if TYPE_CHECKING:
    from visiongen.transformer import Painter


@dataclass
class PhotoPrefix:
    """Everything that depends on the photo alone. Batch dimension P on every tensor."""

    features: Tensor  # (P, N, d) at 8 px
    keys: list[tuple[Tensor, Tensor]]  # per causal block: k, v (P, KV, M, hd)
    grid: tuple[int, int]  # (h, w) tokens

    def select(self, index: Tensor) -> PhotoPrefix:
        """The prefixes at ``index`` (B,), shared or repeated."""
        return PhotoPrefix(self.features[index], [(k[index], v[index]) for k, v in self.keys], self.grid)

    def expand(self, count: int) -> PhotoPrefix:
        """One photo for ``count`` prompts; no copy is made."""
        keys = [(k.expand(count, -1, -1, -1), v.expand(count, -1, -1, -1)) for k, v in self.keys]
        return PhotoPrefix(self.features.expand(count, -1, -1), keys, self.grid)


@dataclass
class Condition:
    """Photo and prompt together: what the map's tokens are conditioned on."""

    aligned: Tensor  # (B, N, d) draft hidden state, injected at the position being predicted
    draft_logits: Tensor  # (B, N, C, L)
    pointer: Tensor  # (B, N, SUB * SUB, 1 + K) legend attention before softmax; entry 0 = none
    prefix: list[tuple[Tensor, Tensor]]  # per causal block: k, v (B, KV, S, hd)
    there: Tensor | None  # (B, S) bool, False on padded legend entries; None = all there
    grid: tuple[int, int]
    held: tuple[Tensor, Tensor] | None = None  # tokens (B, N, C) and where they stay (B, N); None = none

    def take(self, rows: Tensor) -> Condition:
        """Some rows of the batch."""
        return Condition(
            self.aligned[rows],
            self.draft_logits[rows],
            self.pointer[rows],
            [(k[rows], v[rows]) for k, v in self.prefix],
            None if self.there is None else self.there[rows],
            self.grid,
            None if self.held is None else (self.held[0][rows], self.held[1][rows]),
        )

    @staticmethod
    def join(parts: list[Condition]) -> Condition:
        """Conditions of one grid as one batch; shorter prefixes are padded and masked."""
        if len(parts) == 1:
            return parts[0]
        sizes = [part.prefix[0][0].shape[2] for part in parts]
        size, entries = max(sizes), max(part.pointer.shape[-1] for part in parts)
        there = [
            F.pad(
                torch.ones_like(k[:, 0, :, 0], dtype=torch.bool) if p.there is None else p.there,
                (0, size - n),
            )
            for p, n, k in zip(parts, sizes, [part.prefix[0][0] for part in parts], strict=True)
        ]
        padded = torch.cat(there)
        return Condition(
            torch.cat([p.aligned for p in parts]),
            torch.cat([p.draft_logits for p in parts]),
            torch.cat([F.pad(p.pointer, (0, entries - p.pointer.shape[-1]), value=-1e4) for p in parts]),
            [
                (
                    torch.cat([_lengthen(p.prefix[i][0], size) for p in parts]),
                    torch.cat([_lengthen(p.prefix[i][1], size) for p in parts]),
                )
                for i in range(len(parts[0].prefix))
            ],
            None if bool(padded.all()) else padded,
            parts[0].grid,
            _join_held(parts),
        )


def _join_held(parts: list[Condition]) -> tuple[Tensor, Tensor] | None:
    """What the parts hold; a part that holds nothing keeps nothing."""
    some = next((part.held for part in parts if part.held is not None), None)
    if some is None:
        return None
    empty = torch.zeros_like(some[0]), torch.zeros_like(some[1])
    each = [part.held or empty for part in parts]
    return torch.cat([tokens for tokens, _ in each]), torch.cat([keep for _, keep in each])


def _lengthen(keys: Tensor, size: int) -> Tensor:
    """(B, KV, S, hd) with zeros behind, up to ``size`` places."""
    return F.pad(keys, (0, 0, 0, size - keys.shape[2]))


class Cache:
    """Keys and values of a map being painted; the prefix lies in front, preallocated.

    Also everything a step would otherwise compute again: the injected features of every position,
    the rotary table of the grid, the token embeddings as a table, and one mask a window length.
    """

    def __init__(self, painter: Painter, condition: Condition) -> None:
        batch, kv, size, head_dim = condition.prefix[0][0].shape
        self.size, self.count = size, condition.aligned.shape[1]
        shape = (len(condition.prefix), 2, batch, kv, size + self.count, head_dim)
        self.store = condition.prefix[0][0].new_zeros(shape)
        for layer, (k, v) in enumerate(condition.prefix):
            self.store[layer, 0, :, :, :size] = k
            self.store[layer, 1, :, :, :size] = v
        h, w = condition.grid
        place = torch.arange(self.count, device=condition.aligned.device)
        rope = rope_table(place // w, place % w, head_dim).to(self.store.dtype)
        self.rope = signed_rope(rope)  # (2, N, hd)
        self.injected = painter.injected(condition.aligned)  # (B, N, d)
        self.table = painter.embed.weight.t().contiguous()  # (C * L, d)
        self.there: Tensor | None = None  # (B, 1, 1, total) additive, where entries are padded
        if condition.there is not None:
            self.there = self.store.new_zeros(batch, 1, 1, size + self.count)
            self.there[..., :size].masked_fill_(~condition.there[:, None, None], -torch.inf)
        self._steps: dict[tuple[int, int], Tensor] = {}
        self.past = [(k, v) for k, v in self.store]

    def take(self, rows: Tensor) -> Cache:
        """Some rows of the batch, as a cache of their own."""
        other = copy(self)
        other.store, other.injected = self.store[:, :, rows], self.injected[rows]
        other.there = None if self.there is None else self.there[rows]
        other.past = [(k, v) for k, v in other.store]
        return other

    def mask(self, length: int, groups: int, start: int | Tensor) -> Tensor | None:
        """Additive (B or 1, 1, groups * T, S): each of T positions sees what is not after it.

        Cut from one staircase of zeros and -inf, so that a pass only makes a view of it (on CUDA, a copy
        that its kernels can read).
        """
        total = self.store.shape[-2]
        starts = start.tolist() if isinstance(start, Tensor) else [start]
        end = self.size + max(starts) + length
        there = None if self.there is None else self.there[..., :end]
        if length == 1 and not isinstance(start, Tensor):
            return there
        if (length, groups) not in self._steps:
            step = torch.arange(length, device=self.store.device).repeat(groups)
            ahead = torch.arange(2 * total, device=step.device) > total + step[:, None]
            self._steps[length, groups] = self.store.new_zeros(ahead.shape).masked_fill_(ahead, -torch.inf)
        stairs = self._steps[length, groups]
        cuts = [stairs[:, total - self.size - s : total - self.size - s + end] for s in starts]
        if len(cuts) > 1:
            mask = torch.stack(cuts)[:, None]
        else:
            mask = (aligned(cuts[0]) if self.store.is_cuda else cuts[0])[None, None]
        return mask if there is None else mask + there


def aligned(mask: Tensor) -> Tensor:
    """A copy of ``mask`` (T, S) whose rows begin at multiples of 8 numbers, the first one at the storage's.

    CUDA's memory-efficient attention reads a mask's rows 16 bytes at a time. PyTorch pads rows of another
    length, but does not look at where a view begins: "misaligned address" (pytorch issue 183484).
    """
    rows, width = mask.shape
    return mask.new_zeros(rows, width + -width % 8)[:, :width].copy_(mask)
