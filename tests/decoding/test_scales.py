"""Scale by scale: every scale by hand, and what does not change a picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from visiongen import scales
from visiongen.backbones.base import Sampler
from visiongen.decoding.decode import decode_all
from visiongen.decoding.scales import NEXT
from visiongen.errors import UsageError
from visiongen.noisy import Noisy, cleared, to_values
from visiongen.prompt import Held, Prompt

PHOTO = Prompt("image", "photo")


def test_sizes_halve_down_to_three_tokens() -> None:
    assert scales.sizes((96, 128)) == [(24, 32), (48, 64), (96, 128)]
    assert scales.sizes((40, 400)) == [(40, 400)]  # half of it would have two rows of tokens
    assert scales.sizes((384, 512))[:3] == [(24, 32), (48, 64), (96, 128)]
    assert scales.sizes((104, 72)) == [(48, 32), (104, 72)]


def test_an_enlarged_picture_is_what_the_tokenizer_makes_of_it(eyed) -> None:
    torch.manual_seed(0)
    small = torch.rand(2, 3, 16, 24) * 2 - 1
    found = scales.enlarged(eyed.tokenizer, small, (32, 48))
    exact = eyed.tokenizer.latent(functional.interpolate(small, (32, 48), mode="bilinear")).flatten(1, 2)
    top = torch.tensor(eyed.tokenizer.levels) - 1
    torch.testing.assert_close(found, 2 * exact / top - 1)


def test_steps_lead_straight_from_the_small_picture_to_the_large_one() -> None:
    values, small, noise = torch.rand(2, 5, 3), torch.rand(2, 5, 3), torch.randn(2, 5, 3)
    start = torch.full((2, 5), scales.START)
    first = scales.on_the_way(values, small, noise, start)
    torch.testing.assert_close(first, (1 - scales.START) * small + scales.START * noise)
    torch.testing.assert_close(scales.on_the_way(values, small, noise, 0 * start), values)
    for time in (0.3, 0.1):
        expected = scales.on_the_way(values, small, noise, torch.full((2, 5), time))
        torch.testing.assert_close(cleared(first, values, scales.START, time), expected)


@torch.no_grad()
def by_hand(backbone, photo, prompt, size, steps: int, seed: int) -> np.ndarray:
    """A map's tokens at ``size``, whose half is the smallest scale."""
    painter, levels = backbone.painter, torch.tensor(backbone.painter.config.levels)
    half = (size[0] // 2, size[1] // 2)
    scene = backbone.scene(photo)._at(half)
    tokens = painter.condition(scene.prefix(), [prompt]).draft_logits.argmax(-1)
    picture = backbone.tokenizer.decode(tokens.unflatten(1, (half[0] // 8, half[1] // 8)))
    small, time = scales.enlarged(backbone.tokenizer, picture, size), scales.START
    noise = torch.randn(small.shape[1:], generator=torch.Generator().manual_seed(seed + NEXT))
    shown, prefix = (1 - time) * small + time * noise, backbone.scene(photo).prefix()
    for step in range(steps):
        now, later = time * (1 - step / steps), time * (1 - (step + 1) / steps)
        noisy = Noisy(shown, torch.full(shown.shape[:2], now), torch.tensor([True]))
        logits = painter.condition(prefix, [prompt], noisy=noisy).draft_logits
        guess = to_values((logits.softmax(-1) * torch.arange(logits.shape[-1])).sum(-1), levels)
        if step + 1 < steps:
            shown = guess + (shown - guess) * later / now
    return logits.argmax(-1)[0].numpy()


@pytest.mark.parametrize("steps", [1, 3])
def test_a_scale_clears_up_from_the_smaller_one(eyed, photo, prompts, steps: int) -> None:
    sampler = Sampler("scales", steps=steps, seed=3)
    (canvas,) = eyed.scene(photo).paint([prompts[1]], sampler)
    expected = by_hand(eyed, photo, prompts[1], (48, 64), steps, 3)
    assert np.array_equal(canvas.tokens.reshape(48, -1), expected)
    assert canvas.stats.passes == 1 + steps and canvas.final and canvas.rows_done == 48


def test_a_photo_is_drawn_by_its_seed_and_not_by_its_batch(eyed, photo, prompts) -> None:
    scene, sampler = eyed.scene(None, (48, 64)), Sampler("scales", seed=4, steps=2)
    found = scene.paint([PHOTO, prompts[0], PHOTO], sampler)
    for one, prompt, seed in zip(found, (PHOTO, prompts[0], PHOTO), (4, 4, 5), strict=True):
        (alone,) = scene.paint([prompt], sampler.with_(seed=seed))
        assert np.array_equal(one.tokens, alone.tokens)
    assert not np.array_equal(found[0].tokens, found[2].tokens)
    assert [one.stats.passes for one in found] == [3 * 4 + 2, 1 + 2, 3 * 4 + 2]
    cold, hot = (
        next(iter(scene.stream(PHOTO, sampler.with_(temperature=t)))).image for t in (1e-6, 2.0)
    )  # the smallest scale
    assert not np.array_equal(cold, hot)
    top = next(iter(scene.stream(PHOTO, sampler.with_(top_k=1, seed=9)))).image
    assert np.array_equal(cold, top)


def test_a_stream_shows_every_scale_at_the_picture_s_size(eyed) -> None:
    scene, sampler = eyed.scene(None, (96, 128)), Sampler("scales", seed=1, steps=2)
    shown = list(scene.stream(PHOTO, sampler))
    assert [one.final for one in shown] == [False, False, True]
    assert [one.index for one in shown] == [0, 1, 2] and [one.rows_done for one in shown] == [0, 0, 96]
    assert {one.image.shape for one in shown} == {(96, 128, 3)} and shown[0].tokens is None
    assert {one.confidence.shape for one in shown} == {(96, 128)}
    assert np.array_equal(shown[-1].image, scene.paint([PHOTO], sampler)[0].image)
    edges = [np.abs(np.diff(one.image.astype(int), axis=1)).mean() for one in shown]
    assert edges[0] < edges[1] < edges[2]  # enlarged pictures are smooth


def test_a_picture_too_small_to_halve_is_painted_as_ever(eyed, photo, prompts) -> None:
    scene = eyed.scene(photo[:32, :40])
    draft, once = (scene.paint([prompts[1]], s)[0] for s in (Sampler("draft"), Sampler("scales")))
    assert np.array_equal(draft.tokens, once.tokens)
    (drawn,) = eyed.scene(None, (32, 40)).paint([PHOTO], Sampler("scales", seed=2))
    (same,) = eyed.scene(None, (32, 40)).paint([PHOTO], Sampler("sample", seed=2))
    assert np.array_equal(drawn.tokens, same.tokens)


def test_what_cannot_be_painted_by_scales_is_told(eyed, nano, photo, prompts) -> None:
    with pytest.raises(UsageError, match="scales: these weights did not learn from noise"):
        nano.scene(photo).paint(prompts[:1], Sampler("scales"))
    held = Held(np.ones((6, 8), bool), tokens=np.zeros((6, 8, eyed.painter.channels), np.int64))
    with pytest.raises(UsageError, match="scales: the order holds a part"):
        eyed.scene(photo).paint([replace(prompts[0], held=held)], Sampler("scales"))
    with pytest.raises(UsageError, match="paints at several sizes"):
        decode_all(eyed.painter, eyed.scene(photo).prefix(), prompts[:1], Sampler("scales"))
