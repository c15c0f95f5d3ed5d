"""Maps that follow the photo's borders: the filter against brute force, and where it is used."""

from __future__ import annotations

import numpy as np
import pytest
from known import family
from test_mirrored import MEANS, PHOTO, TwoFaced, level, shown

from visiongen.backbones.base import Canvas
from visiongen.prompt import Legend
from visiongen.registry import CODECS, TASKS
from visiongen.tasks import guide
from visiongen.tasks.depth import Depth
from visiongen.tasks.incontext import InContext
from visiongen.tasks.orders import followed
from visiongen.tasks.semantic import Semantic


def brute(view, values, radius, stiff):
    """The guided filter pixel by pixel (He, Sun, Tang 2013, equations 13 to 16), windows reflected."""
    pad = [(radius, radius), (radius, radius), (0, 0)]
    colours = np.pad(view.astype(np.float64) / 255, pad, "symmetric")
    wanted = np.pad(values.astype(np.float64), pad, "symmetric")
    h, w, c = values.shape
    side = 2 * radius + 1
    slope, offset = np.zeros((h, w, 3, c)), np.zeros((h, w, c))
    for y in range(h):
        for x in range(w):
            i = colours[y : y + side, x : x + side].reshape(-1, 3)
            p = wanted[y : y + side, x : x + side].reshape(-1, c)
            joint = (i.T @ p) / len(i) - np.outer(i.mean(0), p.mean(0))
            slope[y, x] = np.linalg.solve(np.cov(i.T, bias=True) + stiff * np.eye(3), joint)
            offset[y, x] = p.mean(0) - i.mean(0) @ slope[y, x]
    out = np.zeros((h, w, c))
    wide = [(radius, radius), (radius, radius)]
    slope = np.pad(slope, [*wide, (0, 0), (0, 0)], "symmetric")
    offset = np.pad(offset, [*wide, (0, 0)], "symmetric")
    for y in range(h):
        for x in range(w):
            mean = slope[y : y + side, x : x + side].mean((0, 1))
            level = offset[y : y + side, x : x + side].mean((0, 1))
            out[y, x] = view[y, x] / 255 @ mean + level
    return out


def test_the_filter_is_the_paper_s() -> None:
    rng = np.random.default_rng(0)
    view = rng.integers(0, 256, (14, 17, 3), dtype=np.uint8)
    values = rng.normal(size=(14, 17, 2)).astype(np.float32)
    found = guide.follow(view, values, step=2, stiff=1e-2)
    # windows at the frame's edge are mirrored with (cv2) or without their own pixel: the inside is the same
    inside = np.s_[5:-5, 5:-5]
    assert found[inside] == pytest.approx(brute(view, values, 2, 1e-2)[inside], abs=2e-3)


def test_a_border_goes_where_the_photo_has_it() -> None:
    view = np.zeros((48, 64, 3), np.uint8)
    view[:, 30:] = (200, 120, 40)
    truth = np.where(np.arange(64) < 30, 1.0, 3.0).astype(np.float32)
    ragged = 30 + np.where(np.arange(48) // 8 % 2, 4, -4)  # as whole tokens miss a border
    painted = np.where(np.arange(64)[None] < ragged[:, None], 1.0, 3.0).astype(np.float32)
    found = guide.follow(view, painted[..., None], step=8, stiff=1e-3)[..., 0]
    assert ((found - truth) ** 2).mean() < 0.4 * ((painted - truth) ** 2).mean()
    steps = np.abs(np.diff(found, axis=1))
    assert (steps.argmax(axis=1) == 29).all()  # between pixels 29 and 30, in every row
    flat = np.full((48, 64, 1), 2.5, np.float32)
    assert guide.follow(view, flat, 8, 1e-3) == pytest.approx(2.5, abs=1e-4)


def test_detail_is_the_photo_s_and_colour_the_map_s() -> None:
    rng = np.random.default_rng(1)
    view = rng.integers(60, 200, (96, 96, 3), dtype=np.uint8)
    values = np.full((96, 96, 3), 0.5, np.float32)
    found = guide.keep_detail(view, values, sigma=8)
    middle = found[24:-24, 24:-24]
    assert middle.mean((0, 1)) == pytest.approx(0.5, abs=0.02)
    photo = view[24:-24, 24:-24].astype(np.float32) / 255
    assert np.corrcoef(middle.ravel(), photo.ravel())[0, 1] > 0.97
    assert found.min() >= 0 and found.max() <= 1
    same = view.astype(np.float32) / 255
    assert guide.keep_detail(view, same, 8) == pytest.approx(same, abs=1e-6)


def test_only_maps_that_were_painted_in_tokens_are_guided() -> None:
    class WithoutTokens(TwoFaced):
        def paint(self, prompts, sampler=None):
            canvases = super().paint(prompts, sampler)
            for canvas in canvases:
                object.__setattr__(canvas, "tokens", None)
            return canvases

    half = np.full(PHOTO.shape[:2], 2.0)
    half[:, 40:] = 6.0

    def depth(backbone, **options):
        return shown("depth", backbone, mirror=False, **options)

    plain = depth(TwoFaced(lambda codec: half), guided=False)
    guided = depth(TwoFaced(lambda codec: half))
    assert not np.array_equal(plain.map, guided.map) and np.array_equal(plain.tokens, guided.tokens)
    assert np.array_equal(depth(WithoutTokens(lambda codec: half)).map, plain.map)


def test_guiding_keeps_what_is_everywhere_the_same() -> None:
    assert shown("depth", TwoFaced(level(4.0)), mirror=False).labels == pytest.approx(4.0, rel=0.02)
    assert np.isinf(shown("depth", TwoFaced(level(np.inf)), mirror=False).labels).all()


def test_a_rim_between_two_classes_is_no_third_class() -> None:
    """Where the painted border is half of both colours, and a third class has just that colour."""
    legend = Legend.parse("left=#c00000,right=#0000c0,between=#600060,absent=#00ff00")
    view = np.zeros((48, 64, 3), np.uint8)
    view[:, 31:] = (200, 120, 40)
    task = Semantic()
    codec = task.codec(legend)
    painted = codec.encode(np.where(np.arange(64) < 31, 0, 1).astype(np.uint8)[None].repeat(48, 0))
    painted[:, 29:33] = legend.colours[2]
    painted[20:24, 8:11] = legend.colours[3]  # and a speck
    assert set(np.unique(codec.decode(painted)[0])) == {0, 1, 2, 3}
    image, sure = task.repaint(task.follow(task.soften(painted, codec)[0], view), codec)
    labels = codec.decode(image)[0]
    assert (labels[:, :31] == 0).all() and (labels[:, 31:] == 1).all()
    assert sure[:, 30:32].max() < sure[:, 16].min() <= 1 + 1e-3, "what was overruled is less sure"
    canvas = Canvas(painted, np.zeros((6, 8, 1), np.int64), True, 0, 48, np.full((48, 64), 0.5, np.float32))
    (told,) = followed([task], [task.prompt(legend)], [canvas], view)
    assert np.array_equal(told.image, image) and told.confidence == pytest.approx(sure / 2)


def test_unknown_stays_unknown_when_guided() -> None:
    task = Semantic(unknown_distance=20)
    codec = task.codec(Legend.parse("a=#ff0000,b=#0000ff"))
    painted = np.full((32, 32, 3), 128, np.uint8)
    image, sure = task.repaint(task.follow(task.soften(painted, codec)[0], painted), codec)
    assert (codec.decode(image)[0] == 255).all() and not sure.any()


def test_a_class_that_is_nowhere_costs_nothing() -> None:
    """Long legends: a channel without borders comes back as it was, to the last bit."""
    rng = np.random.default_rng(0)
    view = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    values = rng.random((32, 32, 3), dtype=np.float32)
    values[..., 1] = 1e-4 * values[..., 0]
    found = guide.follow(view, values, 6, 1e-3)
    assert np.array_equal(found[..., 1], values[..., 1])
    assert np.array_equal(found[..., 2:], guide.follow(view, values[..., 2:], 6, 1e-3))


def test_examples_are_followed_as_the_task_that_they_look_like() -> None:
    rng = np.random.default_rng(2)
    photo = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    flat = np.zeros((64, 64, 3), np.uint8)
    flat[:, 32:] = (250, 10, 10)
    smooth = np.linspace(0, 255, 64).astype(np.uint8)[None, :, None].repeat(64, 0).repeat(3, 2)
    classes = InContext(examples=[(photo, flat)])
    assert classes.follows and not InContext(examples=[(photo, flat)], guided=False).follows
    values = rng.random((64, 64, 2), dtype=np.float32)
    assert np.array_equal(classes.follow(values, photo), Semantic().follow(values, photo))
    edges = InContext(examples=[(photo, smooth)], example_codec="alpha/gray@1")
    assert edges.follows == edges.like.follows
    nearly = np.full((64, 64, 1), 0.03, np.float32)  # snapped to black unless painted as the task does
    assert np.array_equal(
        edges.repaint(nearly, edges.codec())[0], edges.like.repaint(nearly, edges.codec())[0]
    )


@pytest.mark.parametrize(
    ("name", "reach"), [("semantic", 8), ("depth", 8), ("panoptic", 12), ("referring", 4)]
)
def test_how_far_the_filter_reaches(name: str, reach: int) -> None:
    rng = np.random.default_rng(4)
    view, values = (
        rng.integers(0, 256, (40, 48, 3), dtype=np.uint8),
        rng.random((40, 48, 3), dtype=np.float32),
    )
    assert np.array_equal(TASKS.get(name)().follow(values, view), guide.follow(view, values, reach, 1e-3))
    if name == "semantic":
        assert np.array_equal(
            TASKS.get("basecolor")().follow(values, view), guide.keep_detail(view, values, 8)
        )


def test_who_is_guided() -> None:
    guided = ["basecolor", "depth", "incontext", "panoptic", "referring", "semantic"]
    assert [name for name in TASKS if TASKS.get(name)().guided] == guided
    for name in guided:
        assert not TASKS.get(name)(guided=False).guided


@pytest.mark.parametrize("name, options", [*((name, {}) for name in MEANS), ("depth", {"relative": True})])
def test_repainting_says_what_was_softened(name: str, options: dict) -> None:
    """A map that nothing changed between soften and repaint is read as it was: relative depth, too."""
    task = TASKS.get(name)(**options)
    codec = task.codec(task.prompt().legend)
    painted = codec.encode(family(codec).labels(np.zeros((48, 64, 3), np.uint8), codec))
    image, _ = task.repaint(task.soften(painted, codec)[0], codec)
    before, after = (codec.decode(one)[0] for one in (painted, image))
    assert np.allclose(before, after, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("codec", ["depth/disparity@1", "depth/graylog@1"])
def test_relative_depth_keeps_near_and_far_when_guided(codec: str) -> None:
    near = np.linspace(0, 1, 64, dtype=np.float32)[None, :, None].repeat(48, 0)
    task = Depth(relative=True)
    view = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    image, _ = task.repaint(task.follow(near, view), CODECS.get(codec)())
    assert np.corrcoef(CODECS.get(codec)().decode(image)[0].ravel(), near.ravel())[0, 1] > 0.99
