"""Channels of a drawn token see each other: the chain rule holds, greedy modes never notice."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from visiongen.backbones.base import Sampler
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.channel_chain import ChannelChain
from visiongen.decoding.sample import draw, inverse_cdf
from visiongen.transformer import Painter

DIM, CHANNELS, LEVELS = 6, 3, 4


def chain() -> ChannelChain:
    torch.manual_seed(0)
    made = ChannelChain(DIM, CHANNELS, LEVELS, width=16)
    torch.nn.init.normal_(made.out, std=0.5)
    return made


@torch.no_grad()
def test_a_channel_reads_those_before_it_and_no_other() -> None:
    made, state = chain(), torch.randn(1, DIM)
    tokens = torch.tensor([[1, 2, 3]])
    before = made(state, tokens)
    for changed in range(CHANNELS):
        other = tokens.clone()
        other[0, changed] = 0
        same = (made(state, other) - before).abs().amax(-1)[0] < 1e-6
        assert same.tolist() == [channel <= changed for channel in range(CHANNELS)]


@torch.no_grad()
def test_walking_gives_what_one_pass_gives() -> None:
    made, state = chain(), torch.randn(5, DIM)
    tokens = torch.randint(0, LEVELS, (5, CHANNELS))
    walk, found = made.walk(state), []
    for channel in range(CHANNELS):
        found.append(walk.next())
        walk.tell(tokens[:, channel])
    torch.testing.assert_close(torch.stack(found, 1), made(state, tokens))


@torch.no_grad()
def test_the_probabilities_of_all_tokens_add_up_and_draws_follow_them() -> None:
    made, state = chain(), torch.randn(1, DIM)
    base = torch.randn(1, CHANNELS, LEVELS)
    every = torch.tensor(list(itertools.product(range(LEVELS), repeat=CHANNELS)))
    logits = base + made(state.expand(len(every), -1), every)
    each = logits.log_softmax(-1).gather(-1, every[..., None]).sum((1, 2)).exp()
    torch.testing.assert_close(each.sum(), torch.tensor(1.0))
    count = 20000
    u = torch.rand(count, CHANNELS, generator=torch.Generator().manual_seed(3))
    rows = base.expand(count, -1, -1), state.expand(count, -1)
    _, drawn = draw(made, *rows, u, inverse_cdf)
    place = (drawn * LEVELS ** torch.arange(CHANNELS - 1, -1, -1)).sum(-1)
    share = torch.bincount(place, minlength=len(every)) / count
    assert (share - each).abs().max() < 0.015
    assert (share - each).abs().sum() < 0.1


@pytest.mark.parametrize(("chained", "possible"), [(True, True), (False, False)])
def test_it_learns_what_channels_drawn_apart_cannot(chained: bool, possible: bool) -> None:
    """Two pictures, each all of one level: apart the draws mix them."""
    torch.manual_seed(0)
    made = ChannelChain(DIM, CHANNELS, LEVELS, width=16)
    state, base = torch.ones(2, DIM), torch.zeros(2, CHANNELS, LEVELS, requires_grad=True)
    tokens = torch.tensor([[0] * CHANNELS, [3] * CHANNELS])
    optimiser = torch.optim.Adam([*made.parameters(), base], 0.03)
    for _ in range(150):
        logits = base.mean(0, keepdim=True).expand(2, -1, -1)
        if chained:
            logits = logits + made(state, tokens)
        loss = F.cross_entropy(logits.flatten(0, 1), tokens.flatten())
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    u = torch.rand(500, CHANNELS, generator=torch.Generator().manual_seed(0))
    said = base.detach().mean(0, keepdim=True).expand(500, -1, -1)
    with torch.no_grad():
        _, drawn = draw(made if chained else None, said, torch.ones(500, DIM), u, inverse_cdf)
    whole = (drawn == drawn[:, :1]).all(-1).float().mean()
    assert (whole > 0.95) == possible


def with_chain(nano: EmbeddedBackbone, spread: float) -> EmbeddedBackbone:
    """The same weights and a chain beside them."""
    painter = Painter(replace(nano.painter.config, chain=16))
    painter.load_state_dict(nano.painter.state_dict(), strict=False)
    assert painter.chain is not None
    torch.manual_seed(1)
    torch.nn.init.normal_(painter.chain.out, std=spread)
    return EmbeddedBackbone(nano.tokenizer, painter, "chained")


def tokens(backbone: EmbeddedBackbone, photo: np.ndarray, prompts: list, mode: str) -> Tensor:
    drawn = backbone.scene(photo).paint(prompts[:2], Sampler(mode, seed=5))  # type: ignore[arg-type]
    return torch.tensor(np.stack([canvas.tokens for canvas in drawn]))


@pytest.mark.parametrize("mode", ["draft", "verified", "sequential", "sample"])
def test_only_sampling_uses_it_and_an_untrained_one_changes_nothing(nano, photo, prompts, mode: str) -> None:
    plain = tokens(nano, photo, prompts, mode)
    assert torch.equal(plain, tokens(with_chain(nano, 0.0), photo, prompts, mode))
    assert torch.equal(plain, tokens(with_chain(nano, 1.0), photo, prompts, mode)) == (mode != "sample")


def test_hardly_any_temperature_or_top_p_draws_each_channel_likeliest_after_those_before(
    nano, photo, prompts
) -> None:
    """Not the greedy picture, which is chosen without the chain, but one that no seed changes."""
    scene = with_chain(nano, 1.0).scene(photo)

    def drawn(sampler: Sampler) -> np.ndarray:
        return scene.paint(prompts[:1], sampler)[0].tokens

    likeliest = drawn(Sampler("sample", seed=3, top_k=1))
    assert np.array_equal(likeliest, drawn(Sampler("sample", seed=4, temperature=1e-4)))
    assert np.array_equal(likeliest, drawn(Sampler("sample", seed=5, top_p=1e-6)))
    assert not np.array_equal(likeliest, drawn(Sampler("sequential", trust=0)))


def test_it_is_saved_and_loaded(nano, photo, prompts, tmp_path) -> None:
    made = with_chain(nano, 1.0)
    made.save(tmp_path / "chained.safetensors")
    again = EmbeddedBackbone.load(tmp_path / "chained.safetensors")
    assert again.painter.config.chain == 16
    assert torch.equal(*(tokens(b, photo, prompts, "sample") for b in (made, again)))
