"""Reading after the truth, against one token at a time with the true past put in by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decoding.conftest import HashPainter
from tests.decoding.test_algorithm import condition, run
from visiongen.backbones.base import Sampler, Scene
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.decoding.board import Board
from visiongen.decoding.decode import decode_after, decode_all, start
from visiongen.decoding.sequential import sequential
from visiongen.decoding.settle import MARGIN
from visiongen.decoding.teacher import after_truth
from visiongen.errors import InputError, UsageError
from visiongen.prompt import Prompt


def by_hand(painter, cond, board: Board, truth: torch.Tensor) -> Board:
    """One position a pass; before the next one its token is overwritten by the true one."""
    cache = painter.new_cache(cond)
    found = torch.zeros_like(truth)
    for p in range(board.length):
        out = painter.window(cond, cache, board.line[:, p : p + 1], p)
        board.logits[:, p : p + 1] = out
        found[:, p : p + 1] = board.choose(out, np.s_[:, p : p + 1])
        board.line[:, p + 1] = truth[:, p]
    board.line[:, 1:] = found
    return board


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    batch=st.integers(1, 3),
    rows=st.integers(1, 9),
    cols=st.integers(1, 9),
    trust=st.sampled_from([0.0, 1.0]),
    means=st.lists(st.booleans(), min_size=3, max_size=3),
    seed=st.integers(0, 10**6),
)
def test_it_is_sequential_with_the_past_overwritten(batch, rows, cols, trust, means, seed) -> None:
    cond = condition(batch, (rows, cols), 2, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    truth = torch.randint(0, HashPainter.levels, (batch, rows * cols, 2), generator=generator)
    mean = torch.tensor(means[:batch])
    board, hand = (Board.from_draft(cond.draft_logits, trust, mean) for _ in range(2))
    after_truth(HashPainter(), cond, board, truth)
    by_hand(HashPainter(), cond, hand, truth)
    assert torch.equal(board.tokens, hand.tokens) and torch.equal(board.logits, hand.logits)
    assert torch.equal(board.draft, hand.draft)  # the truth is no guess of the model's
    assert (board.done == rows * cols).all() and (board.passes == -(-rows * cols // 64)).all()


def test_after_its_own_tokens_it_paints_them_again() -> None:
    cond = condition(2, (5, 7), 2, seed=3)
    own = run(sequential, HashPainter(), cond).tokens
    board = Board.from_draft(cond.draft_logits)
    after_truth(HashPainter(), cond, board, own)
    assert torch.equal(board.tokens, own)


@pytest.mark.parametrize("trust", [0.0, 2.0])
def test_the_real_painter(nano, photo, prompts, trust) -> None:
    """Against tokens by hand and against the logits that training sees."""
    painter = nano.painter
    prefix = nano.scene(photo).prefix().expand(len(prompts))
    truth = torch.randint(0, 5, (len(prompts), 48, 12), generator=torch.Generator().manual_seed(0))
    truth = truth[..., : painter.channels]
    sampler = Sampler(trust=trust)
    board = decode_after(painter, prefix, prompts, sampler, truth)
    with torch.inference_mode():
        _, cond, hand = start(painter, prefix, prompts, sampler)
        by_hand(painter, cond, hand, truth)
        taught = painter.teach(cond, truth.unflatten(1, (6, 8)))
    sure = hand.margin() >= MARGIN
    assert sure.float().mean() > 0.95 and torch.equal(board.tokens[sure], hand.tokens[sure])
    torch.testing.assert_close(board.logits, taught, atol=1e-4, rtol=1e-4)
    free = decode_all(painter, prefix, prompts, sampler)
    assert not torch.equal(board.tokens, free.tokens)  # this painter does look at its past


@pytest.mark.parametrize("means", [(), ("depth",)])
def test_without_corrections_it_is_the_draft(photo, prompts, means) -> None:
    """An untrained causal head adds nothing: whatever the past, the draft is read."""
    backbone = EmbeddedBackbone.random("nano", 1)
    backbone.painter.config = replace(backbone.painter.config, mean_tasks=means)
    torch.nn.init.zeros_(backbone.painter.head.weight)
    torch.nn.init.zeros_(backbone.painter.head.bias)
    scene = backbone.scene(photo)
    truths = list(np.random.default_rng(5).integers(0, 256, (len(prompts), 48, 64, 3), dtype=np.uint8))
    drafts = scene.paint(prompts, Sampler("draft"))
    for draft, found in zip(drafts, scene.paint_after(prompts, truths, Sampler(trust=0)), strict=True):
        assert np.array_equal(found.image, draft.image) and np.array_equal(found.tokens, draft.tokens)
        assert np.array_equal(found.confidence, draft.confidence)
        assert found.final and found.rows_done == 48 and found.stats.mode == "after truth"


def test_a_batch_gives_what_its_pictures_give_alone(nano, photo, prompts) -> None:
    """And only ``trust`` of the sampler counts."""
    truths = list(np.random.default_rng(6).integers(0, 256, (len(prompts), 48, 64, 3), dtype=np.uint8))
    together = nano.scene(photo).paint_after(prompts, truths)
    for prompt, truth, canvas in zip(prompts, truths, together, strict=True):
        (alone,) = nano.scene(photo).paint_after([prompt], [truth], Sampler("sample", seed=3))
        assert (alone.tokens == canvas.tokens).all(-1).mean() > 0.97  # near-ties are not settled


def test_it_refuses_what_does_not_fit(nano, photo) -> None:
    depth, scene = Prompt("depth", "depth in metres"), nano.scene(photo)
    with pytest.raises(InputError, match=r"\(40, 64, 3\) given"):
        scene.paint_after([depth], [np.zeros((40, 64, 3), np.uint8)])
    with pytest.raises(InputError, match="float64"):
        scene.paint_after([depth], [np.zeros((48, 64, 3))])
    with pytest.raises(UsageError, match="1 prompts and 0 truths"):
        scene.paint_after([depth], [])
    assert scene.paint_after([], []) == []


def test_a_backbone_without_it_says_so() -> None:
    class Plain(Scene):
        size = (8, 8)

        def paint(self, prompts, sampler=None):
            return []

        def stream(self, prompt, sampler=None):
            return iter(())

    with pytest.raises(UsageError, match="Plain: it cannot paint after a given map"):
        Plain().paint_after([], [])
