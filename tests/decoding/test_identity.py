"""The real painter in fp32: every way of decoding gives the same tokens."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from visiongen.backbones.base import Sampler
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.decoding import settle as settling
from visiongen.decoding.board import Board
from visiongen.decoding.decode import decode_all

TEXTS = ("depth in metres", "surface normals", "segment", "photo", "photo from normals")


def photos(batch: int, seed: int, height: int = 40, width: int = 56) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, 3, height, width, generator=generator) * 2 - 1


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    batch=st.sampled_from([1, 8]),
    window=st.integers(2, 40),
    doubt=st.sampled_from([0.03, 0.3, 1.0]),
    trust=st.sampled_from([0.0, 2.0, 8.0]),
    means=st.sampled_from([(), ("depth",), ("depth", "semantic")]),
    which=st.lists(st.integers(0, 3), min_size=8, max_size=8),
)
def test_verified_equals_sequential(prompts, seed, batch, window, doubt, trust, means, which) -> None:
    """``doubt`` scales what the past adds to the draft: from nearly all hits to hardly any."""
    backbone = EmbeddedBackbone.random("nano", seed)
    painter = backbone.painter
    painter.config = replace(painter.config, mean_tasks=means)
    with torch.no_grad():
        painter.head.weight.mul_(doubt)
        prefix = painter.encode_photo(photos(batch, seed))
    asked = [prompts[i] for i in which[:batch]]
    one = decode_all(painter, prefix, asked, Sampler("sequential", trust=trust))
    many = decode_all(painter, prefix, asked, Sampler("verified", window=window, trust=trust))
    assert torch.equal(one.tokens, many.tokens)
    torch.testing.assert_close(one.confidence(), many.confidence(), atol=1e-4, rtol=1e-4)
    assert (many.passes < one.passes).all()
    if batch > 1:  # and alone
        alone = decode_all(painter, prefix.select(torch.tensor([3])), asked[3:4], Sampler(trust=trust))
        assert torch.equal(alone.tokens, one.tokens[3:4])


@pytest.mark.parametrize("mode", ["verified", "sequential", "draft"])
def test_a_batch_gives_what_its_pictures_give_alone(nano, photo, prompts, mode) -> None:
    together = nano.scene(photo).paint(prompts, Sampler(mode))
    for prompt, canvas in zip(prompts, together, strict=True):
        (alone,) = nano.scene(photo).paint([prompt], Sampler(mode))
        assert np.array_equal(alone.tokens, canvas.tokens)


def test_the_photo_is_encoded_once(nano, photo, prompts, monkeypatch) -> None:
    calls = []
    encode = nano.painter.encode_photo
    monkeypatch.setattr(nano.painter, "encode_photo", lambda *a: calls.append(a) or encode(*a))
    scene = nano.scene(photo)
    scene.paint(prompts)
    scene.paint(prompts[:1], Sampler("draft"))
    list(scene.stream(prompts[1]))
    assert len(calls) == 1


def near_ties(nano: EmbeddedBackbone, gap: float) -> EmbeddedBackbone:
    """A copy whose levels 0 and 1 always differ by rounding alone, and are the likeliest."""
    backbone = copy.deepcopy(nano)
    backbone.painter.palette = backbone.tokenizer.palette
    levels = backbone.painter.depth_levels
    with torch.no_grad():
        for part in backbone.painter.copy.parameters():
            part.zero_()  # it has its own idea of each level
        for head in (backbone.painter.head, backbone.painter.draft_head):
            weight = head.weight.unflatten(0, (-1, levels))
            bias = head.bias.unflatten(0, (-1, levels))
            weight[:, 1] = weight[:, 0] * (1 + gap)
            bias[:, 1] = bias[:, 0]
            bias[:, :2] += 2
    return backbone


def test_near_ties_fall_the_same_way_in_every_mode(nano, prompts) -> None:
    backbone = near_ties(nano, 3e-7)
    prefix = backbone.painter.encode_photo(photos(2, seed=4, height=24, width=32))
    boards = [
        decode_all(backbone.painter, prefix, prompts[:2], sampler)
        for sampler in (Sampler("sequential"), Sampler("verified", window=7), Sampler("verified", window=12))
    ]
    assert (boards[0].settled > 5).all()
    for board in boards[1:]:
        assert torch.equal(board.tokens, boards[0].tokens)
        assert torch.equal(board.settled, boards[0].settled)


def test_the_referee_reads_only_what_lies_before(nano, prompts) -> None:
    with torch.inference_mode():
        prefix = nano.painter.encode_photo(photos(1, seed=2, height=64, width=96))
        cond = nano.painter.condition(prefix, prompts[:1])
        line = Board.from_draft(cond.draft_logits).line
        place = settling.BLOCK + 9
        other = line.clone()
        other[:, place + 1 :] = 3
        fresh = settling.Referee(nano.painter, cond).logits(line, place)
        used = settling.Referee(nano.painter, cond)
        used.logits(other, 5)
        used.logits(other, settling.BLOCK + 2)
        assert torch.equal(used.logits(other, place), fresh)
        other[:, place] = (other[:, place] + 1) % 8
        assert not torch.equal(settling.Referee(nano.painter, cond).logits(other, place), fresh)


def test_directions_without_a_photo(nano, prompts) -> None:
    a, b = (nano.scene(size=(24, 40)).paint([prompts[0]])[0] for _ in range(2))
    assert a.image.shape == (24, 40, 3) and a.final
    assert np.array_equal(a.tokens, b.tokens)
    c = nano.scene(np.zeros((24, 40, 3), np.uint8)).paint([prompts[0]])[0]
    assert not np.array_equal(a.tokens, c.tokens)  # no photo is not a black photo
