"""Layers shared by the photo trunk, the draft and the causal painter."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ResBlock(nn.Module):
    """Pre-activation 3x3 residual block; dense convolutions are the fast ones on CPUs and GPUs."""

    def __init__(self, width: int, groups: int = 8) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, width)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.GroupNorm(groups, width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, h, w) -> same shape."""
        y = self.conv1(F.silu(self.norm1(x)))
        return x + self.conv2(F.silu(self.norm2(y)))


def rope_table(rows: Tensor, cols: Tensor, head_dim: int, base: float = 100.0) -> Tensor:
    """Angles of a 2-D rotary embedding: (T,) rows and columns -> (2, T, head_dim / 2) cos and sin.

    The first half of the angle slots turns with the row, the second with the column
    (axial form of RoFormer, arXiv 2104.09864, as used for images in arXiv 2403.13298).
    """
    slots = head_dim // 4
    freq = base ** (-torch.arange(slots, device=rows.device, dtype=torch.float32) / slots)
    angles = torch.cat([rows[:, None].float() * freq, cols[:, None].float() * freq], dim=-1)
    return torch.stack([angles.cos(), angles.sin()])


def rotate(x: Tensor, rope: Tensor) -> Tensor:
    """Turn (B, H, T, hd) by ``rope`` (2, T, hd/2), or (2, B, T, hd/2) where rows differ."""
    cos, sin = rope.to(x.dtype).unbind(0)
    if cos.dim() == 3:
        cos, sin = cos[:, None], sin[:, None]
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


def signed_rope(rope: Tensor) -> Tensor:
    """(2, T, hd/2) -> (2, T, hd): cos twice, and -sin then sin, for ``x * cos + roll(x) * sin``."""
    cos, sin = rope.unbind(0)
    return torch.stack([torch.cat([cos, cos], -1), torch.cat([-sin, sin], -1)])


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """Grouped-query attention without copying keys: the heads of a group become query rows.

    q (B, H, T, hd), k and v (B, KV, S, hd), mask bool: (B or 1, 1, T, S), or (B, 1, 1, S) where every query
    sees the same keys. Returns (B, T, H * hd).
    """
    batch, heads, length, size = q.shape
    kv = k.shape[1]
    group = heads // kv
    q = q.reshape(batch, kv, group * length, size)
    if mask is not None and mask.shape[2] == 1 and q.is_cuda:
        y = attend_some(q, k, v, mask[:, :, 0])
    else:
        if mask is not None and mask.shape[2] > 1 and group > 1:
            mask = mask[:, :, None].expand(-1, -1, group, -1, -1).flatten(2, 3)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    # Not a view: CUDA's memory-efficient attention lays its output out by queries, then heads.
    return y.reshape(batch, heads, length, size).transpose(1, 2).flatten(2)


def attend_some(q: Tensor, k: Tensor, v: Tensor, there: Tensor) -> Tensor:
    """Attention to the keys that are ``there`` (B, 1, S), the same for every query, without a mask.

    One more number in queries and keys keeps the others out, so that the fast kernels, which take no
    mask, serve: a mask of all query rows is larger than everything else in the block. q (B, KV, T, hd).
    """
    size = q.shape[-1]
    hidden = torch.where(there, 0.0, -1e4).to(q.dtype)[..., None].expand(*k.shape[:-1], 1)
    q = torch.cat([q, q.new_ones(*q.shape[:-1], 1), q.new_zeros(*q.shape[:-1], 7)], -1)
    k = torch.cat([k, hidden, k.new_zeros(*k.shape[:-1], 7)], -1)
    y = F.scaled_dot_product_attention(q, k, F.pad(v, (0, 8)), scale=size**-0.5)
    return y[..., :size]


class Block(nn.Module):
    """LayerNorm without bias, grouped-query attention with rotary positions, SwiGLU."""

    def __init__(self, dim: int, heads: int, kv_heads: int, hidden: int) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = heads, kv_heads, dim // heads
        self.norm1 = nn.LayerNorm(dim, eps=1e-6, bias=False)
        self.qkv = nn.Linear(dim, (heads + 2 * kv_heads) * self.head_dim, bias=False)
        self.out = nn.Linear(dim, dim, bias=False)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6, bias=False)
        self.gate_up = nn.Linear(dim, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def start_as_identity(self) -> None:
        """Both branches add nothing, for a block that is added to a trained network."""
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def project(self, x: Tensor, rope: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, d) -> q (B, H, T, hd), k and v (B, KV, T, hd); q and k already rotated."""
        y = self.qkv(self.norm1(x)).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
        turned = rotate(y[:, : self.heads + self.kv_heads], rope)
        return turned[:, : self.heads], turned[:, self.heads :], y[:, self.heads + self.kv_heads :]

    def step(
        self,
        x: Tensor,
        rope: tuple[Tensor, ...],
        past: tuple[Tensor, Tensor],
        place: int | Tensor,
        stop: int,
        mask: Tensor | None,
    ) -> Tensor:
        """The block while decoding, on (B, T, d), with few and large operations.

        Keys and values are written into ``past`` (each B, KV, total, hd) at ``place``: an int, or
        (B, T) where the rows of the batch differ; then places below ``stop`` are attended to.
        ``rope``: cos and signed sin (``signed_rope``), each broadcastable to (B, 1, T, hd).
        """
        batch, length, dim = x.shape
        y = F.layer_norm(x, (dim,), self.norm1.weight, None, self.norm1.eps).view(-1, dim)
        y = F.linear(y, self.qkv.weight).view(batch, length, -1, self.head_dim).transpose(1, 2)
        turn = y[:, : self.heads + self.kv_heads]
        turned = torch.addcmul(turn * rope[0], turn.roll(self.head_dim // 2, -1), rope[1])
        fresh = turned[:, self.heads :], y[:, self.heads + self.kv_heads :]
        for store, new in zip(past, fresh, strict=True):
            if isinstance(place, int):
                store.narrow(2, place, length).copy_(new)
            else:
                store.scatter_(2, place[:, None, :, None].expand_as(new), new)
        q = turned[:, : self.heads].reshape(batch, self.kv_heads, -1, self.head_dim)
        keys, values = past[0].narrow(2, 0, stop), past[1].narrow(2, 0, stop)
        y = F.scaled_dot_product_attention(q, keys, values, attn_mask=mask)
        y = y.reshape(batch, -1, length, self.head_dim).transpose(1, 2).reshape(-1, dim)  # see ``attend``
        flat = torch.addmm(x.reshape(-1, dim), y, self.out.weight.t())
        y = F.layer_norm(flat, (dim,), self.norm2.weight, None, self.norm2.eps)
        gate, up = F.linear(y, self.gate_up.weight).chunk(2, dim=-1)
        return torch.addmm(flat, F.silu(gate) * up, self.down.weight.t()).view(batch, length, dim)

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """Add the attention's output (B, T, d) and the SwiGLU branch."""
        x = x + self.out(attended)
        gate, up = self.gate_up(self.norm2(x)).chunk(2, dim=-1)
        return x + self.down(F.silu(gate) * up)

    def forward(
        self, x: Tensor, rope: Tensor, past: tuple[Tensor, Tensor] | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Attend to ``past`` keys and own ones; returns the output and the block's own (k, v)."""
        q, k, v = self.project(x, rope)
        own = (k, v)
        if past is not None:
            k, v = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)
        return self.finish(x, attend(q, k, v, mask)), own
