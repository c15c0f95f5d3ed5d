"""Streams: the draft first, then pictures whose finished rows stay."""

from __future__ import annotations

import time

import numpy as np
import pytest

from visiongen.backbones.base import Sampler


@pytest.mark.parametrize("mode", ["verified", "sequential", "sample"])
def test_draft_first_then_growing_from_the_top(nano, photo, prompts, mode) -> None:
    sampler = Sampler(mode, window=6)
    canvases = list(nano.scene(photo).stream(prompts[1], sampler))
    (final,) = nano.scene(photo).paint([prompts[1]], sampler)
    (draft,) = nano.scene(photo).paint([prompts[1]], Sampler("draft"))
    assert [c.index for c in canvases] == list(range(len(canvases)))
    assert [c.final for c in canvases] == [False] * (len(canvases) - 1) + [True]
    assert np.array_equal(canvases[0].tokens, draft.tokens) and canvases[0].rows_done == 0
    assert np.array_equal(canvases[-1].tokens, final.tokens)
    assert np.array_equal(canvases[-1].image, final.image)
    rows = [c.rows_done for c in canvases]
    assert rows == sorted(rows) and rows[-1] == photo.shape[0] and len(set(rows)) == len(rows)
    for canvas in canvases:
        done = canvas.rows_done // 8
        assert np.array_equal(canvas.tokens[:done], final.tokens[:done])


def test_a_draft_stream_is_one_final_canvas(nano, photo, prompts) -> None:
    (canvas,) = nano.scene(photo).stream(prompts[0], Sampler("draft"))
    assert canvas.final and canvas.index == 0 and canvas.rows_done == photo.shape[0]


def test_a_readers_own_time_is_not_the_decoders(nano, photo, prompts) -> None:
    seconds = 0.0
    for canvas in nano.scene(photo).stream(prompts[0], Sampler("sequential"), steps=4):
        time.sleep(0.5)
        seconds = canvas.stats.seconds
    painted = nano.scene(photo).paint(prompts[:1], Sampler("sequential"))[0].stats.seconds
    assert canvas.index >= 3 and seconds < painted + 1.2, "at least four times half a second"


def test_confidence_and_stats(nano, photo, prompts) -> None:
    (canvas,) = nano.scene(photo).paint(prompts[:1])
    assert canvas.confidence.shape == photo.shape[:2] and canvas.confidence.dtype == np.float32
    assert 0 < canvas.confidence.min() <= canvas.confidence.max() <= 1
    assert (canvas.confidence[:8, :8] == canvas.confidence[0, 0]).all()
    s = canvas.stats
    assert (s.mode, s.tokens) == ("verified", 48) and 1 <= s.passes <= 48 and s.seconds > 0
    assert s.to_json()["hit_rate"] == s.draft_hits / 48


@pytest.mark.parametrize(
    ("size", "window", "passes"),
    [((192, 192), None, 5), ((48, 64), None, 1), ((48, 64), 5, 10), ((48, 64), 1, 48)],
)
def test_windows_are_as_wide_as_is_documented(nano, prompts, size, window, passes) -> None:
    """Where the draft is trusted all is right: 48 + 96 + 192 + 192 + 48 tokens; a given window stays."""
    photo = np.random.default_rng(3).integers(0, 256, (*size, 3), dtype=np.uint8)
    scene = nano.scene(photo)
    (canvas,) = scene.paint(prompts[:1], Sampler(window=window, trust=1e6))
    (draft,) = scene.paint(prompts[:1], Sampler("draft"))
    assert canvas.stats.passes == passes and np.array_equal(canvas.tokens, draft.tokens)
    assert canvas.stats.to_json()["hit_rate"] == 1


def test_the_hit_rate_is_the_share_of_tokens_that_stayed_the_drafts(nano, photo, prompts) -> None:
    scene = nano.scene(photo)
    (canvas,), (draft,) = (scene.paint(prompts[:1], s) for s in (Sampler(trust=10.0), Sampler("draft")))
    stayed = (canvas.tokens == draft.tokens).all(-1)
    assert 0 < stayed.mean() < 1 and canvas.stats.to_json()["hit_rate"] == pytest.approx(
        stayed.mean(), abs=1e-4
    )
