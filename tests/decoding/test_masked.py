"""Masking and painting again, against the same by hand: drafts of prompts that hold what was sure."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from visiongen.backbones.base import Sampler
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.errors import UsageError
from visiongen.prompt import Held


def by_hand(scene, prompt, steps: int, given: np.ndarray, group: int | None = None) -> list[np.ndarray]:
    """The tokens (h, w, C) after every pass; every one is a draft, so nothing of mode masked is used."""
    (canvas,) = scene.paint([prompt], Sampler("draft"))
    tokens, sure, keep = canvas.tokens.copy(), canvas.confidence[::8, ::8].copy(), given.copy()
    pictures = [tokens.copy()]
    places = list(np.ndindex(keep.shape))
    size = group or len(places)
    groups = [places[start : start + size] for start in range(0, len(places), size)]
    for here, step in [(here, step) for here in groups for step in range(steps)][1:]:
        free = [at for at in here if not given[at]]
        wanted = int(len(free) * (1 - math.cos(math.pi * step / steps / 2)))
        for at in sorted([at for at in free if not keep[at]], key=lambda at: (-sure[at], at))[
            : wanted - sum(bool(keep[at]) for at in free)
        ]:
            keep[at] = True
        for at in places[: places.index(here[0])]:  # the groups above
            keep[at] = True
        if keep.any():
            (canvas,) = scene.paint([replace(prompt, held=Held(keep, tokens=tokens))], Sampler("draft"))
        tokens[~keep] = canvas.tokens[~keep]
        sure[~keep] = canvas.confidence[::8, ::8][~keep]
        pictures.append(tokens.copy())
    return pictures


@pytest.mark.parametrize("steps", [1, 2, 5, 9])
def test_every_pass_is_a_draft_that_sees_the_surest_tokens(nano, photo, prompts, steps) -> None:
    scene, nothing = nano.scene(photo), np.zeros((6, 8), bool)
    canvases = list(scene.stream(prompts[1], Sampler("masked", steps=steps)))
    pictures = by_hand(scene, prompts[1], steps, nothing)
    shown = [c.tokens for c in canvases]
    assert len(shown) == max(2, steps)  # a stream begins with the draft, and ends with a final picture
    for found, expected in zip(shown, pictures, strict=steps > 1):
        assert np.array_equal(found, expected)
    assert [c.final for c in canvases] == [False] * (len(canvases) - 1) + [True]
    assert canvases[-1].stats.passes == steps and canvases[-1].rows_done == 48
    if steps > 2:
        assert not np.array_equal(shown[-1], shown[0])


@pytest.mark.parametrize(("group", "steps"), [(8, 3), (20, 2), (48, 4), (100, 2), (1, 1)])
def test_groups_are_settled_one_after_another(nano, photo, prompts, group: int, steps: int) -> None:
    """20 is no whole number of rows and leaves 8 tokens over; 1 is autoregression by the draft."""
    scene, nothing = nano.scene(photo), np.zeros((6, 8), bool)
    sampler = Sampler("masked", steps=steps, group=group)
    expected = by_hand(scene, prompts[1], steps, nothing, group)
    (canvas,) = scene.paint([prompts[1]], sampler)
    assert np.array_equal(canvas.tokens, expected[-1])
    assert canvas.stats.passes == len(expected) == steps * math.ceil(48 / group)
    shown = list(scene.stream(prompts[1], sampler))
    assert np.array_equal(shown[-1].tokens, expected[-1]) and shown[-1].final
    done = [c.rows_done for c in shown]
    assert done == sorted(done) and done[-1] == 48 and (len(set(done)) > 2 or group >= 48)
    for one in shown:  # what is done stays
        rows = one.rows_done // 8
        assert np.array_equal(one.tokens[:rows], expected[-1][:rows])


def test_one_group_is_no_group(nano, photo, prompts) -> None:
    scene = nano.scene(photo)
    (one,) = scene.paint(prompts[1:2], Sampler("masked", steps=4, group=48))
    (whole,) = scene.paint(prompts[1:2], Sampler("masked", steps=4))
    assert np.array_equal(one.tokens, whole.tokens) and np.array_equal(one.confidence, whole.confidence)


def test_a_group_around_what_is_held(nano, photo, prompts) -> None:
    scene, keep = nano.scene(photo), np.zeros((6, 8), bool)
    keep[1:3, 2:7] = True
    given = np.random.default_rng(2).integers(0, 5, (6, 8, nano.painter.channels))
    order = replace(prompts[0], held=Held(keep, tokens=given))
    (canvas,) = scene.paint([order], Sampler("masked", steps=3, group=12))
    assert np.array_equal(canvas.tokens[keep], given[keep])
    assert np.array_equal(canvas.tokens, by_hand(scene, order, 3, keep, 12)[-1])


def test_a_picture_does_not_depend_on_its_batch(nano, photo, prompts) -> None:
    scene, sampler = nano.scene(photo), Sampler("masked", steps=4)
    for one, prompt in zip(scene.paint(prompts, sampler), prompts, strict=True):
        (alone,) = scene.paint([prompt], sampler)
        assert np.array_equal(one.tokens, alone.tokens) and np.array_equal(one.confidence, alone.confidence)


def test_what_is_held_stays(nano, photo, prompts) -> None:
    scene, keep = nano.scene(photo), np.zeros((6, 8), bool)
    keep[1:3, 2:7] = True
    given = np.random.default_rng(2).integers(0, 5, (6, 8, nano.painter.channels))
    order = replace(prompts[0], held=Held(keep, tokens=given))
    (canvas,) = scene.paint([order], Sampler("masked", steps=6))
    assert np.array_equal(canvas.tokens[keep], given[keep])
    assert np.array_equal(canvas.tokens, by_hand(scene, order, 6, keep)[-1])


def test_more_passes_than_tokens_are_not_made(nano, photo, prompts) -> None:
    canvas = nano.scene(photo).paint(prompts[:1], Sampler("masked", steps=900))[0]
    assert canvas.stats.passes == canvas.tokens[..., 0].size


def test_steps_and_weights_that_cannot_do_it(photo, prompts) -> None:
    for steps in (0, -1, 1.5, None, 1001):
        with pytest.raises(UsageError, match="steps"):
            Sampler("masked", steps=steps)  # type: ignore[arg-type]
    blind = EmbeddedBackbone.random("nano", seed=0)
    blind.painter.config = replace(blind.painter.config, context=False)
    with pytest.raises(UsageError, match="masked"):
        blind.scene(photo).paint(prompts[:1], Sampler("masked"))
