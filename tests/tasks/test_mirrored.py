"""predict(mirror=True): the mean of a photo's answer and the mirrored photo's, in label space."""

from __future__ import annotations

import numpy as np
import pytest
from known import family

from visiongen.backbones.base import Canvas, DecodeStats, Sampler
from visiongen.errors import UsageError
from visiongen.prompt import Legend
from visiongen.registry import TASKS
from visiongen.tasks import predict, predict_many
from visiongen.tasks.incontext import InContext
from visiongen.tasks.orders import Orders
from visiongen.tasks.predicting import make_orders

MEANS = [name for name in TASKS if name != "incontext" and TASKS.get(name)().mirrors]
PHOTO = np.random.default_rng(4).integers(0, 255, (6, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)


class TwoFaced:
    """Paints ``straight`` labels of PHOTO and, of any other view, the mirrored ``back`` labels."""

    weights = None

    def __init__(self, straight, back=None, confidence=(None, None)) -> None:
        self.labels = straight, straight if back is None else back
        self.confidence, self.views = confidence, []

    def scene(self, photo=None, size=None):
        assert photo.flags.c_contiguous
        self.views.append(photo)
        return self

    def paint(self, prompts, sampler=None):
        mirrored = not np.array_equal(self.views[-1], PHOTO)
        canvases = []
        for prompt in prompts:
            task = TASKS.get(prompt.task)()
            codec = task.codec(prompt.legend)
            labels = self.labels[mirrored](codec)
            image = codec.encode(codec.flip(labels) if mirrored else labels)
            sure = self.confidence[mirrored]
            sure = None if sure is None else np.full(image.shape[:2], sure, np.float32)
            tokens = np.zeros((image.shape[0] // 8, image.shape[1] // 8, 1), np.int64)
            stats = DecodeStats("verified", 48, 2, 5, 0.25)
            canvases.append(Canvas(image, tokens, True, 0, len(image), sure, stats))
        return canvases


def truth(codec):
    return family(codec).labels(PHOTO, codec)


def shown(task, backbone, mirror=True, **options):
    return predict(task, PHOTO, backbone=backbone, long_side=64, mirror=mirror, **options)


@pytest.mark.parametrize("name", MEANS)
def test_two_answers_that_agree_are_the_answer(name: str) -> None:
    """Also that mirroring mirrors what depends on left and right: a normal's x."""
    once, twice = (shown(name, TwoFaced(truth), mirror) for mirror in (False, True))
    same = np.isclose(once.labels, twice.labels, rtol=0.02, atol=0.02)
    assert same.mean() > 0.99, f"{name}: {same.mean()}"
    assert np.abs(once.map.astype(int) - twice.map).mean() < 1
    assert twice.stats["tokens"] == 2 * once.stats["tokens"] and twice.stats["seconds"] == 0.5
    assert twice.tokens is None and once.tokens is not None
    assert twice.sample["mirror"] and not once.sample["mirror"]


def test_the_mirrored_photo_is_what_is_shown() -> None:
    backbone = TwoFaced(truth)
    predict_many(["depth", "normals"], PHOTO, backbone=backbone, long_side=64, mirror=True)
    assert len(backbone.views) == 2  # both tasks share both readings
    assert np.array_equal(backbone.views[1], PHOTO[:, ::-1])


def level(value):
    return lambda codec: np.full(PHOTO.shape[:2], value)


def test_depth_has_the_geometric_mean_and_sky_by_vote() -> None:
    found = shown("depth", TwoFaced(level(4.0), level(9.0)), guided=False)
    assert found.labels == pytest.approx(6.0, rel=0.01)
    half = np.full(PHOTO.shape[:2], 8.0)
    half[:, 40:] = np.inf
    found = shown("depth", TwoFaced(lambda codec: half, level(np.inf)), guided=False).labels
    assert found[:, :40] == pytest.approx(8, rel=0.01)  # a distance that only one gives is not averaged away
    assert np.isinf(found[:, 40:]).all()


def test_normals_have_the_middle_direction_and_less_confidence_the_farther_apart() -> None:
    def tilt(degrees):
        angle = np.radians(degrees)
        vector = np.array([np.sin(angle), 0, np.cos(angle)], np.float32)
        return lambda codec: np.broadcast_to(vector, PHOTO.shape).copy()

    close, far = (shown("normals", TwoFaced(tilt(0), tilt(d))) for d in (20, 100))
    angle = np.degrees(np.arctan2(close.labels[..., 0], close.labels[..., 2]))
    assert angle == pytest.approx(10, abs=1)
    assert far.confidence.max() < 0.7 < close.confidence.min()


def test_classes_go_to_the_surer_answer() -> None:
    """The mean is of probabilities: a colour half way to another class has less to say than a clean one."""
    task = TASKS.get("semantic")()
    codec = task.codec(task.prompt().legend)
    clean = codec.encode(np.full((8, 8), 3))
    mixed = (0.55 * codec.encode(np.full((8, 8), 5)) + 0.45 * clean).astype(np.uint8)
    values = [task.soften(image, codec)[0] for image in (clean, mixed)]
    image, factor = task.repaint(sum(values) / 2, codec)
    assert (codec.decode(image)[0] == 3).all() and (factor < 1).all()


@pytest.mark.parametrize("name", ["semantic", "panoptic"])
@pytest.mark.parametrize("surer", [0, 1])
def test_guided_classes_go_to_the_surer_answer_too(name: str, surer: int) -> None:
    """Made hard before they are averaged, both answers would weigh the same."""
    task = TASKS.get(name)()
    prompt = task.prompt(Legend.parse("sky=#ff0000,road=#0000ff,border=#00ff00"))
    colours = np.float32([[255, 0, 0], [0, 0, 255]])
    half = np.uint8(0.505 * colours[1 - surer] + 0.495 * colours[surer])  # just so the other
    canvases = [
        Canvas(np.broadcast_to(colour, (64, 64, 3)).astype(np.uint8), np.zeros((8, 8, 1)), True, 0, 64, None)
        for colour in (half, colours[surer])
    ]
    for both in (canvases, canvases[::-1]):
        backbone, turns = TwoFaced(truth), iter(both)
        backbone.paint = lambda prompts, sampler=None, turns=turns: [next(turns)]
        view = np.ascontiguousarray(np.tile(PHOTO, (2, 1, 1))[:64, :64])
        (mean,) = Orders([task], [prompt], backbone, Sampler(), mirror=True).paint(view)
        nearest = np.linalg.norm(mean.image[32, 32] - colours, axis=1).argmin()
        assert nearest == surer, prompt


def test_confidence_is_the_mean_of_both() -> None:
    found = shown("edges", TwoFaced(level(0.5), confidence=(0.9, 0.5)))
    assert found.confidence == pytest.approx(0.7, abs=0.02)


def test_what_the_mirrored_painting_is_unsure_of_lies_on_the_other_side() -> None:
    class UnsureOnItsLeft(TwoFaced):
        def paint(self, prompts, sampler=None):
            (canvas,) = super().paint(prompts, sampler)
            if not np.array_equal(self.views[-1], PHOTO):
                canvas.confidence[:, :16] = 0.2
            return [canvas]

    found = shown("edges", UnsureOnItsLeft(level(0.5), confidence=(1.0, 1.0))).confidence
    assert found[:, -15:] == pytest.approx(0.6, abs=0.02) and found[:, :-17] == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("name", ["instance", "referring", "image"])
def test_tasks_without_a_mean_say_so(name: str, known_backbone) -> None:
    options = {"source": "depth"} if name == "image" else {}
    with pytest.raises(UsageError, match=f"mirror: {name} has no mean"):
        shown(name, known_backbone(), **options)
    with pytest.raises(UsageError, match=f"mirror: {name}"):
        predict_many(["depth", name], PHOTO, backbone=known_backbone(), mirror=True, **options)


def test_tiles_are_mirrored_one_by_one() -> None:
    """Each tile is painted twice, and the blend is that of the averaged tiles."""
    views = []

    class Flat(TwoFaced):
        def scene(self, photo=None, size=None):
            self.size = photo.shape[:2]
            views.append(photo)
            return self

        def paint(self, prompts, sampler=None):
            value = 4.0 if len(views) % 2 else 9.0
            codec = TASKS.get("depth")().codec(None)
            image = codec.encode(np.full(self.size, value))
            return [Canvas(image, None, True, 0, len(image), None, DecodeStats("draft", 9, 1, 9, 0.5))]

    found = predict("depth", PHOTO, backbone=Flat(truth), long_side=32, tile=True, mirror=True)
    assert found.labels == pytest.approx(6.0, rel=0.01)
    assert len(views) == 2 * (1 + found.stats["tiles"])
    assert all(np.array_equal(two, one[:, ::-1]) for one, two in zip(views[::2], views[1::2], strict=True))


def test_in_context_is_as_the_task_its_maps_look_like(known_backbone) -> None:
    task = TASKS.get("incontext")
    pair = [(PHOTO, np.uint8([[[255, 0, 0]]]).repeat(48, 0).repeat(64, 1))]
    assert task(examples=pair).mirrors
    orders = Orders([task(examples=pair)], [task(examples=pair).prompt()], known_backbone(), None, True)
    (canvas,) = orders.paint(PHOTO)
    assert canvas.image.shape == PHOTO.shape


def test_examples_are_mirrored_with_the_photo():
    """A backbone that paints as the first example's map does: "what is left" stays left."""
    left = np.zeros((64, 64, 3), np.uint8)
    left[:, :32] = (255, 0, 0)
    left[:, 32:] = (0, 0, 255)

    class Copier(TwoFaced):
        def paint(self, prompts, sampler=None):
            self.shown.append(prompts[0].examples[0])
            image = np.ascontiguousarray(prompts[0].examples[0].map[::2, ::2])
            return [Canvas(image, None, True, 0, len(image), None, DecodeStats("verified", 48, 2, 5, 0.25))]

    copier = Copier(level(1.0))
    copier.shown = []
    photo = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    task = InContext(examples=[(photo, left)])
    found = predict(task, photo, backbone=copier, long_side=64, mirror=True)
    assert (found.labels[:, :32] == found.labels[0, 0]).all() and found.labels[0, 0] != found.labels[0, 63]
    straight, back = copier.shown
    assert np.array_equal(back.photo, straight.photo[:, ::-1]) and np.array_equal(
        back.map, straight.map[:, ::-1]
    )


def test_a_mirrored_map_of_normals_turns_them():
    codec = TASKS.get("normals")().codec()
    normals = np.zeros((8, 16, 3), np.float32)
    normals[..., 0], normals[..., 2] = 0.6, 0.8
    turned = codec.decode(codec.flip_map(codec.encode(normals)))[0]
    assert np.allclose(turned, [-0.6, 0, 0.8], atol=0.02)


def test_examples_are_mirrored_with_the_photo_whatever_the_task() -> None:
    legend = Legend.parse("left=#ff0000,right=#0000ff")
    flat = legend.array()[np.repeat([[0] * 16 + [1] * 16], 24, 0)].astype(np.uint8)
    shade = np.repeat(np.arange(32, dtype=np.uint8)[None, :, None], 24, 0).repeat(3, 2)
    for name in ("semantic", "incontext"):
        (task,), (prompt,) = make_orders([name], PHOTO, examples=[(shade, flat)])
        (turned,) = task.mirrored(prompt).examples
        assert np.array_equal(turned.photo, prompt.examples[0].photo[:, ::-1])
        assert np.array_equal(turned.map, prompt.examples[0].map[:, ::-1])
