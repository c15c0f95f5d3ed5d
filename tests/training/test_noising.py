"""Painting photos that show under noise: which tokens, how noisy, and what is asked of them."""

from __future__ import annotations

import pytest
import torch

from visiongen.errors import UsageError
from visiongen.noisy import Noisy, blurred, cleared, evidence, to_values
from visiongen.prompt import Prompt
from visiongen.training.noising import draw_times
from visiongen.training.painting import Painting


def test_a_time_for_all_or_a_group_between_clear_and_hidden() -> None:
    torch.manual_seed(0)
    even = 0
    for _ in range(400):
        time = draw_times(24)
        assert time.min() >= 0 and time.max() <= 1
        inner = (time > 0) & (time < 1)
        assert inner.any() and len(time[inner].unique()) == 1
        place = inner.nonzero()[:, 0]
        assert len(place) == place[-1] - place[0] + 1  # one group
        assert (time[: place[0]] == 0).all() and (time[place[-1] + 1 :] == 1).all()
        even += len(place) == 24
    assert 190 < even < 270  # half of them, and groups that happen to be all


def test_steps_lead_straight_back_where_the_guess_is_right() -> None:
    values, noise = torch.rand(2, 5, 3) * 2 - 1, torch.randn(2, 5, 3)
    shown = blurred(values, noise, torch.full((2, 5), 0.8))
    torch.testing.assert_close(
        cleared(shown, values, 0.8, 0.3), blurred(values, noise, torch.full((2, 5), 0.3))
    )
    torch.testing.assert_close(cleared(shown, values, 0.8, 0.0), values)
    levels = torch.tensor([8, 5, 2])
    assert to_values(torch.tensor([[0, 2, 1], [7, 4, 0]]), levels).tolist() == [[-1, 0, 1], [1, 1, -1]]


def batch(task: str) -> dict:
    given = torch.rand(3, 3, 16, 24) * 2 - 1
    return {
        "photo": torch.zeros(1, 3, 16, 24),
        "photo_blank": torch.tensor([True]),
        "photo_index": torch.zeros(3, dtype=torch.int64),
        "prompts": [Prompt(task, task)] * 3,
        "target": given,
        "valid": torch.ones(3, 16, 24, dtype=torch.bool),
        "labels": torch.full((3, 16, 24), 255, dtype=torch.uint8),
    }


def test_photos_to_paint_show_under_noise_and_maps_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model = Painting(preset="nano", causal=0, noised=1.0)
    seen, condition = [], model.painter.condition
    monkeypatch.setattr(model.painter, "condition", lambda *a: seen.append(a[4]) or condition(*a))
    model.loss(batch("image"))
    model.loss(batch("depth"))
    photo, map_ = seen
    assert photo.rows.all() and map_ is None
    tokens = model.tokenizer.encode(batch("image")["target"]).flatten(1, 2)
    assert photo.values.shape == tokens.shape and photo.time.shape == tokens.shape[:2]


@pytest.mark.parametrize("clear", [True, False])
def test_what_shows_clearly_is_not_asked_for(clear: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    time = torch.tensor([0.0 if clear else 0.5] * 3 + [0.5] * 3)
    monkeypatch.setattr("visiongen.training.painting.draw_times", lambda n: time.clone())
    torch.manual_seed(0)
    model, given = Painting(preset="nano", causal=0, noised=1.0), batch("image")
    torch.nn.init.normal_(model.painter.draft_head.weight, std=0.3)  # blind to the noise: only what is asked
    one = model.tokenizer.latent(given["target"])
    other = one.clone()
    other[:, 0] = model.painter.config.levels[0] - 1 - one[:, 0]  # in the first row of tokens
    losses = []
    for latent in (one, other):
        monkeypatch.setattr(model.tokenizer, "latent", lambda target, latent=latent: latent)
        torch.manual_seed(1)
        losses.append(float(model.loss(given)[0].detach()))
    assert (losses[0] == losses[1]) == clear


def test_the_causal_branch_learns_nothing_of_a_noisy_photo() -> None:
    for noised, asked in ((0.0, True), (1.0, False)):
        torch.manual_seed(0)
        model = Painting(preset="nano", noised=noised)
        model.loss(batch("image"))[0].backward()
        assert bool(model.painter.head.weight.grad.any()) == asked


def test_shares_and_weights_without_an_eye() -> None:
    with pytest.raises(UsageError, match=r"noised = 1\.5; give a share"):
        Painting(preset="nano", noised=1.5)
    with pytest.raises(UsageError, match="noise is cleared up by the draft"):
        Painting(preset="nano", noised=0.5, draft=0.0)
    assert Painting(preset="nano").painter.noisy is None and not Painting(preset="nano").painter.config.noise
    assert Painting(preset="nano", noised=0).painter.noisy is not None  # kept through a stage without noise


def test_a_new_eye_sees_what_is_clear_as_what_is_held() -> None:
    torch.manual_seed(0)
    painter, given = Painting(preset="nano", noised=1.0).painter, batch("image")
    photo = painter.encode_photo(given["photo"], given["photo_blank"]).expand(3)
    torch.nn.init.normal_(painter.held.value.weight, std=0.5)
    torch.nn.init.normal_(painter.draft_head.weight, std=0.3)
    tokens = torch.randint(0, 5, (3, 6, painter.channels))
    rows = torch.tensor([True, False, True])
    noisy = Noisy(to_values(tokens, painter.levels), torch.zeros(3, 6), rows)
    plain, held, seen = (
        painter.condition(photo, given["prompts"], *how).draft_logits
        for how in ((), ((tokens, torch.ones(3, 6, dtype=torch.bool)),), (None, None, noisy))
    )
    told = evidence(noisy, painter.levels)
    torch.testing.assert_close(seen[rows], (held + told)[rows])
    assert torch.equal(seen[~rows], plain[~rows]) and not torch.allclose(seen[rows], (plain + told)[rows])
    assert (told[rows].argmax(-1) == tokens[rows]).all() and not told[~rows].any()


def test_evidence_is_bayes_rule() -> None:
    """Of 200,000 drawn levels under noise, those under values near one number are shared out as it says."""
    rng = torch.Generator().manual_seed(0)
    levels, time = torch.tensor([5]), 0.4
    truth = torch.randint(0, 5, (200_000,), generator=rng)
    shown = blurred(
        to_values(truth[None, :, None], levels),
        torch.randn(1, len(truth), 1, generator=rng),
        torch.full((1, len(truth)), time),
    )
    near = (shown[0, :, 0] - 0.2).abs() < 0.02
    found = torch.bincount(truth[near], minlength=5) / near.sum()
    noisy = Noisy(torch.tensor([[[0.2]]]), torch.tensor([[time]]), torch.tensor([True]))
    torch.testing.assert_close(evidence(noisy, levels)[0, 0, 0].softmax(-1), found, atol=0.015, rtol=0)


def test_what_is_hidden_says_nothing_and_what_is_clear_no_more_than_it_can() -> None:
    levels = torch.tensor([8, 5])
    hidden = Noisy(torch.randn(1, 4, 2), torch.ones(1, 4), torch.tensor([True]))
    told = evidence(hidden, levels)
    assert torch.equal(told, told[..., :1].expand_as(told))
    clear = Noisy(to_values(torch.tensor([[[3, 1]]]), levels), torch.zeros(1, 1), torch.tensor([True]))
    assert (
        evidence(clear, levels)[0, 0].argmax(-1).tolist() == [3, 1]
        and evidence(clear, levels).isfinite().all()
    )
