"""In-context episodes: examples and query follow one rule, in colours of the prompt's own legend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from visiongen.errors import UsageError
from visiongen.registry import CODECS
from visiongen.training.sources.episodes import EpisodeSource, smaller
from visiongen.training.sources.world import WorldSource
from visiongen.training.targets import Seen
from visiongen.training.targets.rules import Bank, order
from visiongen.world.rules import HELD_OUT, Rule, classes

POOL = dict(pool=24, pool_size=[48, 64], kinds=["room", "tabletop", "street"], size=[48, 64])


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("pool"))


@pytest.fixture(scope="module")
def source(cache: str) -> EpisodeSource:
    return EpisodeSource(
        **POOL, cache_dir=cache, batch=6, tasks=["depth", "normals"], tasks_share=0.3, named=0
    )


def pictures(batch: dict[str, Any], key: str) -> np.ndarray:
    return ((batch[key].permute(0, 2, 3, 1).numpy() + 1) * 127.5).round().astype(np.uint8)


def test_format_and_purity(source: EpisodeSource) -> None:
    counts, rules, tasks = set(), 0, 0
    for index in range(8):
        batch = source.batch(index, 0)
        again = source.batch(index, 0)
        assert torch.equal(batch["target"], again["target"]) and torch.equal(batch["photo"], again["photo"])
        assert len(batch["photo"]) == 6 and batch["target"].shape[2:] == (48, 64)
        for prompt, painted, labels, valid in zip(
            batch["prompts"], pictures(batch, "target"), batch["labels"].numpy(), batch["valid"].numpy(),
            strict=True,
        ):  # fmt: skip
            assert prompt.task == "incontext" and prompt.text == "as in the examples"
            counts.add(len(prompt.examples))
            assert all(example.map.shape == (40, 48, 3) for example in prompt.examples)
            if prompt.legend is None:
                tasks += 1
                assert (labels == 255).all() and prompt.examples
                continue
            rules += 1
            assert prompt.legend.names == tuple(f"?{i + 1}" for i in range(len(prompt.legend)))
            seen = labels != 255
            assert (valid == seen).all() and (painted[seen] == prompt.legend.array()[labels[seen]]).all()
            known = {tuple(colour) for colour in prompt.legend.array().tolist()}
            assert {tuple(c) for c in painted.reshape(-1, 3).tolist()} <= known
            areas = np.zeros(len(prompt.legend), int)
            for example in prompt.examples:
                index_of, confidence = CODECS.get("legend/nearest@1")(prompt.legend).decode(example.map)
                assert (prompt.legend.array()[index_of] == example.map).all()
                areas += np.bincount(index_of.ravel(), minlength=len(areas))
            if prompt.examples:
                assert areas.min() > 0 and (np.diff(areas) >= 0).all(), "every entry is shown, largest last"
    assert counts >= {1, 2, 3, 4} and rules > 20 and tasks > 3


def test_examples_may_be_left_out(cache: str) -> None:
    source = EpisodeSource(**POOL, cache_dir=cache, tasks_share=0.0, none=1.0, named=0)
    assert all(p.examples == () and p.legend is not None for p in source.batch(0, 0)["prompts"])


def test_pairs_of_a_task_are_that_task(cache: str) -> None:
    source = EpisodeSource(**POOL, cache_dir=cache, tasks=["normals"], tasks_share=1.0, jitter=0, degrade=0)
    batch = source.batch(0, 0)
    decode = CODECS.get("normals/opengl@1")().decode
    for prompt, painted, valid in zip(
        batch["prompts"], pictures(batch, "target"), batch["valid"].numpy(), strict=True
    ):
        assert prompt.legend is None
        for image in [painted, *(example.map for example in prompt.examples)]:
            length = np.linalg.norm(decode(image)[0], axis=2)
            assert np.median(length) == pytest.approx(1, abs=0.02)
        assert valid.any()


def test_a_query_is_never_its_own_example(tmp_path: Path) -> None:
    few = {**POOL, "pool": 3, "kinds": ["room"], "pool_size": [24, 32], "size": [24, 32]}
    options = dict(whole=1.0, jitter=0, degrade=0, example_size=[24, 32], tasks=["normals"], tasks_share=1.0)
    batch = EpisodeSource(**few, cache_dir=str(tmp_path), batch=12, **options).batch(0, 0)
    photos = pictures(batch, "photo")
    for prompt, place in zip(batch["prompts"], batch["photo_index"].tolist(), strict=True):
        shown = [photos[place], *(example.photo for example in prompt.examples)]
        both = [min(p.tobytes(), p[:, ::-1].tobytes()) for p in shown]  # mirrored or not
        assert len(set(both)) == len(both)


def test_uses_the_pool_of_the_world(cache: str, source: EpisodeSource) -> None:
    source.prepare()
    before = {p: p.stat().st_mtime_ns for p in Path(cache).rglob("*.npy")}
    WorldSource(**POOL, cache_dir=cache).prepare()
    assert before == {p: p.stat().st_mtime_ns for p in Path(cache).rglob("*.npy")} and len(before) == 8


def test_what_frames_show_is_noted_once(source: EpisodeSource, cache: str, monkeypatch) -> None:
    source.prepare()
    monkeypatch.setattr(Bank, "of", lambda *_: pytest.fail("looked through the pool again"))
    again = EpisodeSource(**POOL, cache_dir=cache)
    assert np.array_equal(again.bank.table, source.bank.table) and again.bank.table.any()


def test_needs_a_pool() -> None:
    with pytest.raises(UsageError, match="pool = 0"):
        EpisodeSource()
    with pytest.raises(UsageError, match="backdrops is of the source world alone"):
        EpisodeSource(pool=2, backdrops=["photos"])
    assert smaller((120, 160)) == (96, 128)


def test_bank_draws_frames_that_show_the_rule(source: EpisodeSource) -> None:
    rng = np.random.default_rng(0)
    rule = next(r for r in HELD_OUT if r.name == "furniture")
    for _ in range(10):
        chosen = source.bank.draw(rule, 4, rng)
        assert chosen is not None and len(set(chosen)) == 4
        share = [(rule.labels(source.bank.frame(i)) == 0).mean() for i in chosen]
        assert min(share) > 0.002
    nothing = Bank(source.bank.frame, np.zeros_like(source.bank.table))
    assert nothing.draw(rule, 2, rng) is None


def seen(layout: list[list[int]]) -> Seen:
    """A frame of 16 x 16 blocks of classes (0 sky, 8 car, 5 tree)."""
    ids = np.kron(np.array(layout), np.ones((16, 16))).astype(np.uint8)
    shape = (*ids.shape, 3)
    zero = np.zeros(shape, np.float32)
    gray = np.repeat(ids[..., None] * 20, 3, axis=2)
    depth = np.ones(ids.shape, np.float32)
    return Seen(gray, depth, zero, ids, ids.astype(np.int32), gray, zero, ("sky",))


def test_order_of_a_hand_made_episode() -> None:
    rng = np.random.default_rng(0)
    rule = Rule("r", (classes("car"), classes("tree")))
    query = seen([[0, 8], [5, 8]])
    target = order(rule, query, [seen([[0, 0], [0, 8]])], rng)
    assert target is not None and target.labels is not None and target.prompt.legend is not None
    assert len(target.prompt.legend) == 2, "no example shows a tree"
    corners = target.labels[[0, 0, -1, -1], [0, -1, 0, -1]].tolist()
    assert corners == [1, 0, 255, 0], "rest last, cars first, trees ignored"
    assert target.valid is not None and target.valid.mean() == 0.75
    assert order(rule, query, [seen([[0, 0], [0, 0]])], rng) is None, "the example shows nothing"
    nothing = seen([[0, 0], [0, 0]])
    assert order(rule, nothing, [query], rng) is None
    empty = order(rule, nothing, [query], rng, absent=1.0)
    assert empty is not None and empty.labels is not None and len(np.unique(empty.labels)) == 1


def test_words_and_examples_together() -> None:
    rng = np.random.default_rng(0)
    rule = Rule("r", (classes("car"), classes("tree", "bush")))
    query = seen([[0, 8], [5, 8]])
    target = order(rule, query, [seen([[5, 0], [0, 8]])], rng, named=True)
    assert target is not None and target.prompt.legend is not None
    names = target.prompt.legend.names
    assert sorted(names) == sorted(
        ("car", f"?{1 + names.index(next(n for n in names if n[0] == '?'))}", "other")
    )
