"""From noise to a picture: every pass by hand, and a painter taught on two pictures paints one of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from visiongen.backbones.base import Sampler
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.decoding.decode import decode_all
from visiongen.errors import UsageError
from visiongen.noisy import Noisy, NoisyEmbedding, to_values
from visiongen.prompt import Held, Prompt
from visiongen.training.painting import Painting


@torch.no_grad()
def by_hand(backbone, scene, prompt, seed: int, steps: int, groups: list[range], keep=None, given=None):
    """The tokens (N, C) after every pass; clear places have time 0, those of later groups 1."""
    painter, levels = backbone.painter, torch.tensor(backbone.painter.config.levels)
    count = sum(map(len, groups))
    noise = torch.randn(count, len(levels), generator=torch.Generator().manual_seed(seed))
    shown, time = noise.clone(), torch.ones(count)
    tokens, after = torch.zeros(count, len(levels), dtype=torch.int64), []
    if keep is not None:
        shown[keep], time[keep], tokens[keep] = to_values(given[keep], levels), 0.0, given[keep]
    for group in groups:
        mine = torch.tensor([p for p in group if time[p] > 0], dtype=torch.int64)
        for a, b in pairwise([1 - k / steps for k in range(steps + 1)]):
            noisy = Noisy(shown[None], time[None], torch.tensor([True]))
            logits = painter.condition(scene.prefix(), [prompt], noisy=noisy).draft_logits[0]
            tokens[time > 0] = logits.argmax(-1)[time > 0]
            after.append(tokens.clone())
            depth = torch.arange(logits.shape[-1])
            guess = to_values((logits.softmax(-1) * depth).sum(-1), levels)[mine]
            if b > 1e-9:
                shown[mine] = guess + (shown[mine] - guess) * b / a  # straight toward the guess
                time[mine] = b
        shown[mine], time[mine] = to_values(tokens[mine], levels), 0.0
    return after


@pytest.mark.parametrize(("steps", "group"), [(1, None), (4, None), (3, 20), (2, 8), (1, 1)])
def test_every_pass_goes_toward_what_the_draft_says(
    eyed, photo, prompts, steps: int, group: int | None
) -> None:
    scene, size = eyed.scene(photo), group or 48
    groups = [range(start, min(start + size, 48)) for start in range(0, 48, size)]
    expected = by_hand(eyed, scene, prompts[1], 5, steps, groups)
    sampler = Sampler("diffuse", seed=5, steps=steps, group=group)
    (canvas,) = scene.paint([prompts[1]], sampler)
    assert np.array_equal(canvas.tokens.reshape(48, -1), expected[-1].numpy())
    assert canvas.stats.passes == len(expected) == steps * len(groups)
    shown = list(scene.stream(prompts[1], sampler))
    assert np.array_equal(shown[-1].tokens, canvas.tokens) and shown[-1].final
    if group is None:  # every pass is shown, behind the draft
        assert [one.tokens.tolist() for one in shown[1:]] == [
            one.reshape(6, 8, -1).tolist() for one in expected
        ]
    for one in shown[1:]:  # what is done stays
        rows = one.rows_done // 8
        assert np.array_equal(one.tokens[:rows], canvas.tokens[:rows])


def test_noise_is_of_the_seed_and_of_no_batch(eyed, photo, prompts) -> None:
    scene, sampler = eyed.scene(photo), Sampler("diffuse", seed=2, steps=3)
    order = [prompts[0], prompts[1], prompts[0]]
    found = scene.paint(order, sampler)
    for one, prompt, seed in zip(found, order, (2, 2, 3), strict=True):
        (alone,) = scene.paint([prompt], sampler.with_(seed=seed))
        assert np.array_equal(one.tokens, alone.tokens)
    assert not np.array_equal(found[0].tokens, found[2].tokens)


def test_what_is_held_stays_and_shows_clearly(eyed, photo, prompts) -> None:
    scene, keep = eyed.scene(photo), np.zeros((6, 8), bool)
    keep[1:3, 2:7] = True
    given = np.random.default_rng(2).integers(0, 5, (6, 8, eyed.painter.channels))
    order = replace(prompts[0], held=Held(keep, tokens=given))
    (canvas,) = scene.paint([order], Sampler("diffuse", steps=3, group=12))
    assert np.array_equal(canvas.tokens[keep], given[keep])
    groups = [range(start, start + 12) for start in range(0, 48, 12)]
    flat = torch.from_numpy(given.reshape(48, -1))
    expected = by_hand(eyed, scene, order, 0, 3, groups, torch.from_numpy(keep.reshape(48)), flat)
    assert np.array_equal(canvas.tokens.reshape(48, -1), expected[-1].numpy())


def test_the_draft_of_a_pass_is_recycled_as_asked(photo, prompts) -> None:
    painter = Painting(preset="nano", noised=0, recycles=1).painter
    backbone = EmbeddedBackbone(EmbeddedBackbone.random("nano", seed=0).tokenizer, painter)
    torch.nn.init.normal_(painter.draft_head.weight, std=0.3)
    torch.nn.init.normal_(painter.recycle.weight, std=0.5)
    scene = backbone.scene(photo)
    tokens = [
        scene.paint(prompts[:1], Sampler("diffuse", steps=2, recycles=n))[0].tokens for n in (None, 1, 0)
    ]
    assert np.array_equal(tokens[0], tokens[1]) and not np.array_equal(tokens[0], tokens[2])


def test_weights_without_an_eye_for_noise(nano, photo, prompts) -> None:
    with pytest.raises(UsageError, match="diffuse: these weights did not learn from noise"):
        nano.scene(photo).paint(prompts[:1], Sampler("diffuse"))


def test_a_painter_that_knows_two_pictures_paints_one_of_them() -> None:
    """Now the one, now the other: places drawn apart from each other would mix them."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Painting(preset="nano", tokenizer="tiny", causal=0, noised=0.8)
        both = torch.full((2, 3, 32, 32), -0.8)
        both[0, 0] = both[1, 2] = 0.7
        prompt, optimiser = Prompt("image", "photo"), torch.optim.AdamW(model.parameters(), 2e-3)
        for _ in range(450):
            batch = {
                "photo": torch.zeros(1, 3, 32, 32),
                "photo_blank": torch.tensor([True]),
                "photo_index": torch.zeros(8, dtype=torch.int64),
                "prompts": [prompt] * 8,
                "target": both[torch.randint(0, 2, (8,))],
                "valid": torch.ones(8, 32, 32, dtype=torch.bool),
                "labels": torch.full((8, 32, 32), 255, dtype=torch.uint8),
            }
            loss, _ = model.loss(batch)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    model.eval()
    painter, truth = model.painter, model.tokenizer.encode(both).flatten(1)

    for group in (None, 4):
        with torch.no_grad():
            photo = painter.encode_photo(torch.zeros(1, 3, 32, 32), torch.tensor([True])).expand(24)
            board = decode_all(painter, photo, [prompt] * 24, Sampler("diffuse", group=group))
        off = (board.tokens.flatten(1)[:, None] - truth[None]).abs().float().mean(-1)
        sure = (off[:, 0] - off[:, 1]).abs() / (truth[0] - truth[1]).abs().float().mean()  # 0: between them
        assert sure.mean() > 0.75 and min(off.argmin(1).bincount(minlength=2)) >= 3


def test_times_are_told_as_exactly_in_bf16() -> None:
    torch.manual_seed(0)
    eye = NoisyEmbedding(2, 8)
    torch.nn.init.normal_(eye.outer.weight, std=0.3)
    time = torch.linspace(0.9, 1.0, 50)[None]
    noisy = Noisy(torch.zeros(1, 50, 2), time, torch.ones(1, dtype=torch.bool))
    exact = eye(noisy)
    found = eye.to(torch.bfloat16)(noisy).float()
    assert (found - exact).abs().max() < 0.005, "rounded waves would be .12 rad off, .018 here"
