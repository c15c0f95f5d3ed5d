"""Scale by scale: every scale by hand, and what does not change a picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from visiongen import scales
from visiongen.backbones.base import Sampler
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.decoding.decode import decode_all
from visiongen.errors import UsageError
from visiongen.prompt import Held, Prompt
from visiongen.training.painting import Painting

PHOTO = Prompt("image", "photo")


@pytest.fixture(scope="module")
def scaled() -> EmbeddedBackbone:
    """Random weights that say they have learned it."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        painter = Painting(preset="nano", recycles=1, scaled=0.5).painter
        for p in painter.parameters():  # heads start at zero: an untrained picture is constant
            if not p.any():
                torch.nn.init.normal_(p, std=p[0].numel() ** -0.5 if p.dim() > 1 else 0.5)
    return EmbeddedBackbone(EmbeddedBackbone.random("nano", seed=0).tokenizer, painter)


def test_sizes_halve_down_to_three_tokens() -> None:
    assert scales.sizes((96, 128), 8) == [(24, 32), (48, 64), (96, 128)]
    assert scales.sizes((96, 128), 2) == [(48, 64), (96, 128)]
    assert scales.sizes((96, 128), 1) == [(96, 128)]
    assert scales.sizes((40, 400), 8) == [(40, 400)]  # half of it would have two rows of tokens
    assert scales.sizes((384, 512), 9)[:3] == [(24, 32), (48, 64), (96, 128)]
    assert scales.sizes((104, 72), 8) == [(48, 32), (104, 72)]


def test_a_small_picture_is_seen_as_what_it_is_enlarged(scaled) -> None:
    torch.manual_seed(0)
    small = torch.rand(2, 3, 16, 24) * 2 - 1
    before = scales.as_before(scaled.tokenizer, small, (32, 48))
    wide = functional.interpolate(small, (32, 48), mode="bilinear")
    exact = scaled.tokenizer.latent(wide).flatten(1, 2)
    levels = scaled.tokenizer.levels
    assert before.shape == (2, 24, len(levels), max(levels))
    for channel, count in enumerate(levels):
        assert (before[:, :, channel, count:] == 0).all()
        told = -((torch.arange(count) - exact[:, :, channel, None]) ** 2) / 2
        torch.testing.assert_close(before[:, :, channel, :count], told.softmax(-1))


@torch.no_grad()
def test_a_map_is_the_draft_with_the_smaller_one_in_sight(scaled, photo, prompts) -> None:
    size, painter = (48, 64), scaled.painter
    before = None
    for here in ((24, 32), size):
        scene = scaled.scene(photo)._at(here)
        assert scene.size == here
        logits = painter.condition(scene.prefix(), [prompts[1]], before=before).draft_logits
        tokens = logits.argmax(-1).unflatten(1, (here[0] // 8, here[1] // 8))
        before = scales.as_before(scaled.tokenizer, scaled.tokenizer.decode(tokens), size)
    (canvas,) = scaled.scene(photo).paint([prompts[1]], Sampler("scales"))
    assert np.array_equal(canvas.tokens, tokens[0].numpy()) and canvas.stats.passes == 2
    draft, once = (
        scaled.scene(photo).paint([prompts[1]], s)[0] for s in (Sampler("draft"), Sampler("scales", steps=1))
    )
    assert np.array_equal(draft.tokens, once.tokens)  # one scale: nothing smaller was seen
    assert not np.array_equal(draft.tokens, canvas.tokens)


def test_a_photo_is_drawn_by_its_seed_and_not_by_its_batch(scaled, photo, prompts) -> None:
    scene, sampler = scaled.scene(None, (48, 64)), Sampler("scales", seed=4)
    found = scene.paint([PHOTO, prompts[0], PHOTO], sampler)
    for one, prompt, seed in zip(found, (PHOTO, prompts[0], PHOTO), (4, 4, 5), strict=True):
        (alone,) = scene.paint([prompt], sampler.with_(seed=seed))
        assert np.array_equal(one.tokens, alone.tokens)
    assert not np.array_equal(found[0].tokens, found[2].tokens)
    assert [one.stats.passes for one in found] == [3 * 4 + 1, 2, 3 * 4 + 1]
    cold = [scene.paint([PHOTO], sampler.with_(seed=s, temperature=1e-6))[0].tokens for s in (1, 2)]
    assert np.array_equal(*cold)
    (cut,) = scene.paint([PHOTO], sampler.with_(top_k=1))
    assert np.array_equal(cut.tokens, cold[0])


def test_a_stream_shows_every_scale_at_the_picture_s_size(scaled) -> None:
    scene, sampler = scaled.scene(None, (96, 128)), Sampler("scales", seed=1)
    shown = list(scene.stream(PHOTO, sampler))
    assert [one.final for one in shown] == [False, False, True]
    assert [one.index for one in shown] == [0, 1, 2] and [one.rows_done for one in shown] == [0, 0, 96]
    assert {one.image.shape for one in shown} == {(96, 128, 3)} and shown[0].tokens is None
    assert {one.confidence.shape for one in shown} == {(96, 128)}
    assert np.array_equal(shown[-1].image, scene.paint([PHOTO], sampler)[0].image)
    halves = [np.abs(one.image.astype(int) - np.roll(one.image, 1, 1)).mean() for one in shown]
    assert halves[0] < halves[1] < halves[2]  # enlarged pictures are smooth


def test_what_cannot_be_painted_by_scales_is_told(scaled, nano, photo, prompts) -> None:
    with pytest.raises(UsageError, match="scales: these weights did not learn"):
        nano.scene(photo).paint(prompts[:1], Sampler("scales"))
    held = Held(np.ones((6, 8), bool), tokens=np.zeros((6, 8, scaled.painter.channels), np.int64))
    with pytest.raises(UsageError, match="scales: the order holds a part"):
        scaled.scene(photo).paint([replace(prompts[0], held=held)], Sampler("scales"))
    with pytest.raises(UsageError, match="paints at several sizes"):
        decode_all(scaled.painter, scaled.scene(photo).prefix(), prompts[:1], Sampler("scales"))
    assert scaled.capabilities.scales and not nano.capabilities.scales


def test_a_painter_without_recycling_sees_no_smaller_picture(nano, photo, prompts) -> None:
    shape = (1, 48, nano.painter.channels, nano.painter.depth_levels)
    with pytest.raises(UsageError, match=r"smaller painting .* did not learn it"):
        nano.painter.condition(nano.scene(photo).prefix(), prompts[:1], before=torch.zeros(shape))
