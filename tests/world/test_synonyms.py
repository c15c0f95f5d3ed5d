"""Other words for classes: what they are, that they are drawn in training, and that they mean the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from visiongen.errors import UsageError
from visiongen.prompt import MAX_BYTES
from visiongen.training.sources.camvid import CamVidSource
from visiongen.training.sources.episodes import EpisodeSource
from visiongen.training.sources.world import WorldSource
from visiongen.training.targets.classes import paint_classes
from visiongen.training.targets.things import segments
from visiongen.world import CLASS_NAMES, render
from visiongen.world.classes import CAMVID_NAMES
from visiongen.world.phrases import make_phrase
from visiongen.world.synonyms import SYNONYMS, other_words, renamed
from visiongen.world.things import measure

BACK = {word: name for name, words in SYNONYMS.items() for word in words}


def test_every_class_has_another_word_and_no_word_two_meanings() -> None:
    assert tuple(SYNONYMS) == CLASS_NAMES and all(SYNONYMS.values())
    words = [word for own in SYNONYMS.values() for word in own]
    assert len(set(words)) == len(words) and not set(words) & {*CLASS_NAMES, "other", "border", "thing"}
    assert all(word == word.strip().lower() and len(word.encode()) <= MAX_BYTES for word in words)


def test_a_name_is_replaced_with_the_chance_that_is_asked_for() -> None:
    rng = np.random.default_rng(0)
    drawn = [renamed(("road", "car", "mine"), rng, 0.25) for _ in range(2000)]
    assert {one["road"] for one in drawn} == {"road", *SYNONYMS["road"]}
    assert np.mean([one["road"] != "road" for one in drawn]) == pytest.approx(0.25, abs=0.03)
    assert {one["mine"] for one in drawn} == {"mine"}  # nobody knows another word for it
    state = rng.bit_generator.state
    assert renamed(("road",), rng, 0) == {"road": "road"} and rng.bit_generator.state == state
    assert set(renamed(CLASS_NAMES, rng, 1).values()) <= set(BACK)


def test_other_words_never_say_two_classes_alike() -> None:
    assert other_words(("road", "sky", "mine")) == ("street", "heavens", "mine")
    assert other_words(("road", "street")) == ("roadway", "street")
    assert other_words(("cushion", "pillow")) == ("cushion", "pillow")
    assert len(set(other_words(CLASS_NAMES))) == len(CLASS_NAMES)


@pytest.mark.parametrize("subset", [0.0, 1.0])
def test_a_map_in_other_words_is_the_same_map(subset: float) -> None:
    classes = np.arange(11, dtype=np.uint8).repeat(16).reshape(11, 16)
    plain, said = (
        paint_classes(classes, CAMVID_NAMES, np.random.default_rng(3), subset, synonyms=chance)
        for chance in (0.0, 1.0)
    )
    assert np.array_equal(plain.map, said.map) and np.array_equal(plain.labels, said.labels)
    a, b = plain.prompt.legend, said.prompt.legend
    assert a is not None and b is not None and a.colours == b.colours
    assert [BACK.get(name, name) for name in b.names] == list(a.names)
    assert not set(b.names) & set(CAMVID_NAMES)


def test_things_stay_things_in_other_words() -> None:
    classes = np.full((16, 24), CLASS_NAMES.index("wall"), np.uint8)
    classes[4:12, 4:20] = CLASS_NAMES.index("cup")
    instance = np.ones((16, 24), np.int32)
    instance[4:12, 4:12], instance[4:12, 12:20] = 2, 3  # two cups that touch: a border between them
    plain, said = (
        segments(classes, instance, CLASS_NAMES, ("cup",), np.random.default_rng(5), synonyms=chance)
        for chance in (0.0, 1.0)
    )
    assert np.array_equal(plain.map, said.map)
    a, b = plain.prompt.legend, said.prompt.legend
    assert a is not None and b is not None and b.names[-1] == "border"
    border = np.all(said.map == b.colours[-1], axis=2)
    assert border.any() and [BACK.get(name, name) for name in b.names] == list(a.names)


def test_a_phrase_in_other_words_means_the_same_thing() -> None:
    frames, changed = render("room", seeds=range(4), height=96, width=128), 0
    for place in range(4):
        maps = (frames.instance, frames.classes, frames.base_colour, frames.depth)
        instance, classes, colour, depth = (one[place].numpy() for one in maps)
        things = measure(instance, classes, CLASS_NAMES, colour, depth)
        said = {name: f"<{name}>" for name in CLASS_NAMES}  # no word is part of another
        for seed in range(6):
            plain = make_phrase(things, np.random.default_rng(seed))
            other = make_phrase(things, np.random.default_rng(seed), said=said)
            if plain is None or other is None or len(other.text) > len(plain.text) + 4:
                continue  # the longer words may have been too long
            assert other.target == plain.target
            assert other.text.replace("<", "").replace(">", "") == plain.text
            changed += "<" in other.text
    assert changed >= 8


@pytest.fixture
def camvid_train(tmp_path: Any) -> Any:
    for part in ("images", "labels"):
        (tmp_path / "train" / part).mkdir(parents=True)
    labels = np.arange(48, dtype=np.uint8).repeat(64).reshape(48, 64) // 4 % 11
    Image.fromarray(labels).save(tmp_path / "train/labels/a.png")
    Image.fromarray(np.stack([labels * 20] * 3, -1)).save(tmp_path / "train/images/a.png")
    return tmp_path


def names_of(source: Any, task: str) -> set[str]:
    """Every name in the orders of ``task`` in a few batches."""
    prompts = [p for k in range(6) for p in source.batch(k, 0)["prompts"] if p.task == task]
    return {name for prompt in prompts for name in prompt.legend.names}


def test_sources_draw_them(camvid_train: Any) -> None:
    def camvid(chance: float) -> CamVidSource:
        return CamVidSource(size=(32, 48), batch=4, root=str(camvid_train), subset=0.0, synonyms=chance)

    assert names_of(camvid(0.0), "semantic") == set(CAMVID_NAMES)
    assert not names_of(camvid(1.0), "semantic") & set(CAMVID_NAMES)
    tasks = ("semantic", "panoptic", "referring")

    def world(chance: float) -> WorldSource:
        return WorldSource(size=(32, 48), batch=2, kinds=("room",), tasks=tasks, synonyms=chance)

    plain, said = world(0.0), world(1.0)
    for task in ("semantic", "panoptic"):
        assert names_of(plain, task) <= {*CLASS_NAMES, "other", "border"}
        assert names_of(said, task) <= {*BACK, "other", "border"}
    words = {word for phrase in names_of(said, "referring") for word in phrase.split()}
    assert words and not words & {"chair", "sofa", "cabinet", "cushion", "picture", "shelf", "rug"}


@pytest.mark.parametrize("make", [WorldSource, CamVidSource])
def test_a_chance_is_a_chance(make: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match=r"synonyms = 1\.5; give a chance from 0 to 1"):
        make(synonyms=1.5)


def test_episodes_name_classes_by_their_own_words() -> None:
    with pytest.raises(UsageError, match="synonyms is of the source world alone"):
        EpisodeSource(pool=4, synonyms=0.5)
