"""Sampling: seeds, filters, distribution."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from visiongen.backbones.base import Sampler
from visiongen.decoding.decode import repeat_seeds
from visiongen.decoding.sample import draws, filter_logits, inverse_cdf


def test_a_seed_fixes_the_picture_and_the_batch_does_not_matter(nano, photo, prompts) -> None:
    sampler = Sampler("sample", seed=7, temperature=0.8)
    together = nano.scene(photo).paint(prompts[:3], sampler)
    for prompt, canvas in zip(prompts, together, strict=False):
        (alone,) = nano.scene(photo).paint([prompt], sampler)
        assert np.array_equal(alone.tokens, canvas.tokens)
    (other,) = nano.scene(photo).paint(prompts[:1], sampler.with_(seed=8))
    assert not np.array_equal(other.tokens, together[0].tokens)


def test_repeating_a_prompt_gives_other_pictures(nano, photo, prompts) -> None:
    a, b = nano.scene(photo).paint([prompts[0]] * 2, Sampler("sample"))
    assert not np.array_equal(a.tokens, b.tokens)
    assert repeat_seeds([prompts[0], prompts[1], prompts[0]], 5) == [5, 5, 6]


def test_top_k_one_is_greedy(nano, photo, prompts) -> None:
    scene = nano.scene(photo)
    (sampled,) = scene.paint(prompts[:1], Sampler("sample", top_k=1, seed=3))
    (greedy,) = scene.paint(prompts[:1], Sampler("sequential"))
    assert np.array_equal(sampled.tokens, greedy.tokens)


@pytest.mark.parametrize("option", ["temperature", "top_p"])
def test_temperature_and_top_p_reach_the_tokens(nano, photo, prompts, option) -> None:
    """A little of either gives another picture of the same seed; hardly any leaves the likeliest tokens."""
    scene = nano.scene(photo)

    def tokens(**options: float) -> np.ndarray:
        return scene.paint(prompts[:1], Sampler("sample", seed=3, **options))[0].tokens

    (greedy,) = scene.paint(prompts[:1], Sampler("sequential", trust=0))
    plain, half = tokens(), tokens(**{option: 0.5})
    assert not np.array_equal(half, plain) and not np.array_equal(half, greedy.tokens)
    assert np.array_equal(tokens(**{option: 1e-4}), greedy.tokens)


def test_top_k_keeps_exactly_k_even_among_ties() -> None:
    kept = filter_logits(torch.zeros(3, 6), 1.0, top_k=2, top_p=None).isfinite()
    assert kept.tolist() == [[True, True, False, False, False, False]] * 3


@pytest.mark.parametrize(("p", "expected"), [(0.05, 1), (0.55, 2), (0.85, 3), (1.0, 4)])
def test_top_p_keeps_the_smallest_set_that_reaches_p(p, expected) -> None:
    logits = torch.tensor([0.1, 0.5, 0.1, 0.3]).log()
    assert int(filter_logits(logits, 1.0, None, p).isfinite().sum()) == expected


@pytest.mark.parametrize(
    ("temperature", "k", "p", "kept"),
    [
        (1.0, 2, 0.57, [1]),  # of the two that top-k leaves the first holds 4/7, which is enough
        (1.0, None, 0.57, [1, 3]),
        (0.25, None, 0.57, [1]),  # cooled, the first holds more
        (4.0, None, 0.57, [0, 1, 3]),
        (4.0, 3, 0.57, [1, 3]),  # ties go to the lower level: 0 stays, 2 goes, then 0 is not needed
    ],
)
def test_temperature_comes_first_then_top_k_then_top_p(temperature, k, p, kept) -> None:
    logits = torch.tensor([0.15, 0.4, 0.15, 0.3]).log()
    found = filter_logits(logits, temperature, k, p)
    assert torch.nonzero(found.isfinite()).flatten().tolist() == kept


def test_temperature_divides_logits() -> None:
    logits = torch.tensor([0.0, 1.0, -2.0])
    assert torch.equal(filter_logits(logits, 0.5, None, None), logits * 2)


@pytest.mark.parametrize("temperature", [1e-38, 1e-45, 1e-320])
def test_however_cold_the_likeliest_level_is_drawn(temperature: float) -> None:
    logits = torch.tensor([1.0, 60.0, 2.0, -1e4])
    for at in (0.0, 0.5, 0.999):
        assert int(inverse_cdf(filter_logits(logits, temperature, None, None), torch.tensor(at))) == 1


@pytest.mark.parametrize("temperature", [1e3, 1e6])
def test_however_hot_levels_that_a_channel_does_not_have_are_not_drawn(temperature: float) -> None:
    """``Painter`` gives them -1e4; the causal picture corrects that a little."""
    logits = torch.tensor([1.0, 5.0, 2.0, -1e4, -9990.0])
    assert int(inverse_cdf(filter_logits(logits, temperature, None, None), torch.tensor(0.99999))) == 2


def test_frequencies_follow_the_probabilities() -> None:
    probability = torch.tensor([0.05, 0.2, 0.6, 0.15])
    token = inverse_cdf(probability.log().expand(20000, 4), draws([0], 20000, 1)[0, :, 0])
    share = torch.bincount(token, minlength=4) / len(token)
    assert (share - probability).abs().max() < 0.015


def test_draws_depend_on_their_own_seed_only() -> None:
    assert torch.equal(draws([3, 4], 5, 2)[1], draws([4], 5, 2)[0])
