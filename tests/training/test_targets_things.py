from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from visiongen.prompt import Prompt
from visiongen.registry import TARGETS, TASKS
from visiongen.training.batches import IGNORE, Target
from visiongen.training.sources.world import WorldSource
from visiongen.training.targets import Seen
from visiongen.training.targets.things import SMALLEST
from visiongen.world import render
from visiongen.world.classes import CLASS_NAMES, STUFF_NAMES


@lru_cache
def seen(kind: str, seed: int, subset: float = 1.0) -> Seen:
    out = render(kind, [seed], 96, 128)
    orm = np.stack([out.occlusion[0], out.roughness[0], out.metallic[0]], -1)
    maps = (out.photo, out.depth, out.normals, out.classes, out.instance, out.base_colour)
    return Seen(*(m[0].numpy() for m in maps), orm, CLASS_NAMES, subset=subset)


def paint(task: str, frame: Seen, seed: int = 0) -> Target:
    target = TARGETS.get(task)(frame, np.random.default_rng(seed))
    assert target is not None and target.map.dtype == np.uint8 and target.map.shape == frame.photo.shape
    assert target.prompt.task == task and target.prompt.text == TASKS.get(task)().prompt().text
    return target


KINDS = pytest.mark.parametrize("kind", ["tabletop", "room", "street"])


@KINDS
def test_instance_maps_say_where_each_thing_is(kind: str) -> None:
    frame = seen(kind, 50)
    target = paint("instance", frame)
    assert target.labels is None and target.prompt.legend is None
    height, width = frame.instance.shape
    shown = 0
    for number in np.unique(frame.instance):
        mask = frame.instance == number
        y, x = np.nonzero(mask)
        thing = CLASS_NAMES[frame.classes[y[0], x[0]]] not in STUFF_NAMES
        if not thing or mask.sum() < SMALLEST * mask.size:
            assert not target.map[mask].any() and target.valid[mask].all() == (not thing)
            continue
        shown += 1
        expected = [255 * (x.mean() + 0.5) / width, 255 * (y.mean() + 0.5) / height]
        assert np.ptp(target.map[mask], axis=0).max() == 0 and target.valid[mask].all()
        assert abs(target.map[mask][0, :2] - expected).max() <= 0.5 and target.map[mask][0, 2] >= 128
    assert shown >= 3


@pytest.mark.parametrize("subset", [0.0, 1.0])
def test_panoptic_labels_are_the_classes_with_borders(subset: float) -> None:
    touching = 0
    for kind, seed in (("tabletop", 51), ("room", 51), ("room", 52), ("street", 51)):
        frame = seen(kind, seed, subset)
        target = paint("panoptic", frame, seed)
        legend, labels = target.prompt.legend, target.labels
        assert legend.names[-1] == "border" and (subset > 0 or legend.names[:-1] == CLASS_NAMES)
        assert np.array_equal(target.valid, labels != IGNORE)
        assert np.array_equal(target.map[target.valid], legend.array()[labels[target.valid]])
        border = labels == len(legend) - 1
        touching += border.sum()
        for name in set(legend.names[:-1]) & set(CLASS_NAMES):
            here = (labels == legend.names.index(name)) & ~border
            assert (frame.classes[here] == CLASS_NAMES.index(name)).all()
            everywhere = frame.classes == CLASS_NAMES.index(name)
            assert (here | border)[everywhere].all()
            if name in STUFF_NAMES:
                assert not border[everywhere].any()
        _check_border(frame, border)
    assert touching > 0


def _check_border(frame: Seen, border: np.ndarray) -> None:
    """Every border pixel lies within two pixels of another instance of its own class."""
    for y, x in zip(*np.nonzero(border), strict=True):
        near = np.s_[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3]
        other = frame.instance[near] != frame.instance[y, x]
        assert (other & (frame.classes[near] == frame.classes[y, x])).any()


def test_panoptic_targets_decode_into_the_things_they_show() -> None:
    """Read back by the codec, nearly every thing that is in one piece and not tiny has its own segment."""
    found = total = 0
    for kind in ("tabletop", "room", "street"):
        for seed in range(52, 56):
            frame = seen(kind, seed, 0.0)
            target = paint("panoptic", frame)
            codec = TASKS.get("panoptic")().codec(target.prompt.legend)
            labels, _ = codec.decode(target.map)
            assert (labels // 1000 == frame.classes).mean() > 0.95
            for number in np.unique(frame.instance):
                mask = frame.instance == number
                if mask.sum() < 60 or CLASS_NAMES[frame.classes[mask][0]] in STUFF_NAMES:
                    continue
                best = np.bincount(labels[mask]).argmax()
                total += 1
                found += (mask & (labels == best)).sum() / (mask | (labels == best)).sum() > 0.5
    assert total > 60 and found / total > 0.9


@KINDS
def test_referring_shows_exactly_one_thing(kind: str) -> None:
    frame = seen(kind, 57)
    plain = 0
    for seed in range(12):
        target = paint("referring", frame, seed)
        legend, meant = target.prompt.legend, target.labels == 1
        assert legend.names[0] == "other" and legend.names[1].startswith("the ")
        numbers = np.unique(frame.instance[meant])
        assert len(numbers) == 1 and np.array_equal(frame.instance == numbers[0], meant)
        assert np.array_equal(target.map, legend.array()[target.labels])
        expected = TASKS.get("referring")(phrase=legend.names[1]).prompt()
        assert target.prompt == Prompt(expected.task, expected.text, legend)
        plain += legend == expected.legend
    assert 0 < plain < 12  # white on black as the task asks, and other colours too


def test_nothing_to_show() -> None:
    frame = seen("room", 58)
    empty = Seen(frame.photo, frame.depth, frame.normals, np.zeros_like(frame.classes),
                 np.zeros_like(frame.instance), frame.base_colour, frame.orm, CLASS_NAMES)  # fmt: skip
    rng = np.random.default_rng(0)
    assert TARGETS.get("instance")(empty, rng) is None and TARGETS.get("referring")(empty, rng) is None
    assert TARGETS.get("panoptic")(empty, rng) is not None


def test_the_world_source_gives_them() -> None:
    source = WorldSource(
        kinds=["tabletop"], size=[48, 64], batch=2, tasks=("instance", "panoptic", "referring")
    )
    batch = source.batch(0, 0)
    tasks = [prompt.task for prompt in batch["prompts"]]
    assert set(tasks) <= {"instance", "panoptic", "referring"} and tasks.count("panoptic") == 2
    for prompt, labels in zip(batch["prompts"], batch["labels"], strict=True):
        assert bool((labels != IGNORE).any()) == (prompt.legend is not None)
