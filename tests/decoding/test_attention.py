"""Attention to some of the keys: with a mask, and as GPUs have it, with one more number a key."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from visiongen.blocks import Block, attend, attend_some, rope_table, signed_rope
from visiongen.conditioning import aligned


@pytest.mark.parametrize(("heads", "kv_heads"), [(4, 1), (4, 2), (2, 2)])
def test_one_more_number_a_key_is_as_good_as_a_mask(heads: int, kv_heads: int) -> None:
    torch.manual_seed(0)
    q = torch.randn(3, heads, 20, 64, requires_grad=True)
    k, v = torch.randn(3, kv_heads, 31, 64), torch.randn(3, kv_heads, 31, 64)
    there = torch.rand(3, 31) > 0.4
    masked = attend(q, k, v, there[:, None, None, :].expand(-1, 1, 20, -1))
    torch.testing.assert_close(attend(q, k, v, there[:, None, None, :]), masked, atol=1e-6, rtol=1e-5)
    rows = q.reshape(3, kv_heads, -1, 64)
    found = attend_some(rows, k, v, there[:, None]).view(3, heads, 20, 64).transpose(1, 2).flatten(2)
    torch.testing.assert_close(found, masked, atol=1e-6, rtol=1e-5)
    (mine,) = torch.autograd.grad(found.square().sum(), q, retain_graph=True)
    (theirs,) = torch.autograd.grad(masked.square().sum(), q)
    torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-4)
    other = torch.where(there[:, None, :, None], v, torch.full_like(v, 1e3))
    torch.testing.assert_close(
        attend_some(rows, k, other, there[:, None]), attend_some(rows, k, v, there[:, None])
    )


@pytest.mark.parametrize("width", [1, 8, 13, 40])
def test_a_mask_is_cut_so_that_gpus_can_read_it(width: int) -> None:
    """16 bytes at a time, from the start of every row: in 16 bits these are 8 numbers."""
    stairs = torch.randn(6, 100)
    cut = stairs[:, 5 : 5 + width]
    copy = aligned(cut)
    assert torch.equal(copy, cut)
    assert copy.storage_offset() == 0 and copy.stride(0) % 8 == 0 and copy.stride(1) == 1


def _by_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attention whose output lies in memory as CUDA's memory-efficient kernel leaves it: (B, T, H, hd)."""
    plain = F.scaled_dot_product_attention

    def turned(*args: Tensor, **options: object) -> Tensor:
        return plain(*args, **options).transpose(1, 2).contiguous().transpose(1, 2)

    monkeypatch.setattr(F, "scaled_dot_product_attention", turned)


@pytest.mark.parametrize(("heads", "kv_heads"), [(4, 1), (4, 2), (8, 4), (2, 2)])
def test_how_a_kernel_lays_out_its_answer_does_not_matter(
    heads: int, kv_heads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several key heads of several queries each: the presets ``small`` and ``base`` on a GPU."""
    torch.manual_seed(0)
    block = Block(16 * heads, heads, kv_heads, 32)
    x, rope = torch.randn(2, 5, 16 * heads), rope_table(torch.arange(5), torch.arange(5), 16)
    mask = torch.ones(5, 5, dtype=torch.bool).tril()[None, None]
    past = torch.zeros(2, 2, kv_heads, 5, 16)

    def both() -> tuple[Tensor, Tensor]:
        additive = torch.zeros(5, 5).masked_fill(~mask[0, 0], -torch.inf).repeat(heads // kv_heads, 1)
        step = block.step(x, signed_rope(rope).unbind(0), (past[0], past[1]), 0, 5, additive[None, None])
        return block(x, rope, mask=mask)[0], step

    with torch.no_grad():
        expected = both()
        _by_queries(monkeypatch)
        for found, wanted in zip(both(), expected, strict=True):
            assert torch.equal(found, wanted)
    torch.testing.assert_close(expected[0], expected[1], atol=1e-5, rtol=1e-5)
