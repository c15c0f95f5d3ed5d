"""The painted wall: pairs, a truth that is a plane, and what believing the paint costs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from visiongen.benchmarks.base import Item
from visiongen.benchmarks.runner import get_benchmark
from visiongen.benchmarks.scorers.wall import WallTruth

BENCHMARK = get_benchmark("painted-wall")


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return BENCHMARK.items(None, "test", 4)


def scores(pairs: list[tuple[Item, np.ndarray | None]]) -> dict[str, float]:
    scorer = BENCHMARK.scorer
    found = scorer.scores(scorer.stack([scorer.stats(item.truth(), answer) for item, answer in pairs]).sum(0))
    return {name: float(value) for name, value in found.items()}


def test_pairs(items: list[Item]) -> None:
    first = BENCHMARK.protocol["first_seed"]
    assert [i.id.split("/")[1] for i in items] == ["painted", "blank"] * 2
    assert [i.cluster for i in items[:2]] == [f"seed{first}"] * 2 and items[0].id == f"seed{first}/painted"
    painted, blank = (i.truth() for i in items[:2])
    assert painted.painted and not blank.painted and np.array_equal(painted.depth, blank.depth)
    assert items[0].digest != items[1].digest == BENCHMARK.items(None, "test", 3)[1].digest
    one, two = (i.photo().astype(float) for i in items[:2])
    difference = abs(one - two).mean(-1)
    assert difference[painted.wall].mean() > 2 * difference[~painted.wall].mean()
    assert painted.wall.mean() >= BENCHMARK.protocol["least_share"]


def test_the_truth_is_a_wall_and_a_tunnel_is_not(items: list[Item]) -> None:
    right = scores([(item, item.truth().depth) for item in items])
    assert right["AbsRel/wall"] == 0 and right["recall"] == 1
    assert right["planarity"] < 1e-3 and right["tilt"] < 0.01, "camera and normal fit the rendered depth"
    believed = [(i, np.where(i.truth().wall, 60.0, i.truth().depth)) for i in items if "painted" in i.id]
    seen = [(i, i.truth().depth) for i in items if "blank" in i.id]
    fooled = scores(believed + seen)
    assert fooled["leak"] == 1 and fooled["leak/blank"] == 0 and fooled["leak/difference"] == 1
    assert fooled["recall"] == 0 and fooled["hallucinated"] > 2 and fooled["AbsRel/wall"] > 1
    assert scores([(item, None) for item in items])["AbsRel/wall"] > fooled["AbsRel/wall"]


def test_blind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BENCHMARK.protocol, "blind_scenes", 3)
    guess = BENCHMARK.blind(None)((12, 16))
    assert guess.shape == (12, 16) and np.isfinite(guess).all() and guess.min() > 0.5


def other_scores(name: str, answer: Callable[[WallTruth], np.ndarray | None]) -> dict[str, float]:
    """Scores where painted walls get ``answer`` and blank ones the truth."""
    benchmark = get_benchmark(name)
    items, scorer = benchmark.items(None, "test", 4), benchmark.scorer
    rows = []
    for item in items:
        truth = item.truth()
        rows.append(scorer.stats(truth, answer(truth) if truth.painted else scorer.oracle(truth, {})))
    found = scorer.scores(scorer.stack(rows).sum(0))
    return {score: float(value) for score, value in found.items()}


def test_normals_of_a_wall_that_is_believed_to_be_a_road() -> None:
    name, up = "painted-wall-normals", np.array([0.0, 1.0, 0.0])
    right = other_scores(name, lambda truth: truth.normals)
    assert right["angle"] < 0.1 and right["angle/difference"] == pytest.approx(0, abs=1e-6)
    assert right["mean"] < 1e-3
    lies = other_scores(name, lambda t: np.where(t.wall[..., None], up, np.nan_to_num(t.normals)))
    assert lies["angle"] == pytest.approx(90, abs=15) and lies["angle/blank"] < 0.1
    assert other_scores(name, lambda truth: None)["angle"] == 180
    assert not get_benchmark(name).scorer.higher_is_better("angle/blank")


def test_a_wall_called_road_and_a_wall_that_is_found() -> None:
    name = "painted-wall-classes"
    benchmark = get_benchmark(name)
    road, wall = (benchmark.protocol["classes"].index(one) for one in ("road", "wall"))
    right = other_scores(name, lambda truth: truth.classes)
    assert right["as_road"] == 0 and right["found"] == 1 and right["mIoU_d2"] == 1
    fooled = other_scores(name, lambda t: np.where(t.wall, road, t.classes).astype(np.uint8))
    assert fooled["as_road"] == 1 and fooled["found"] == 0 and fooled["as_road/blank"] == 0
    anywhere = other_scores(name, lambda t: np.full_like(t.classes, wall))
    assert anywhere["as_road"] == 0 and anywhere["found"] < 1, "a wall everywhere is not the wall"
    nothing = other_scores(name, lambda truth: None)
    assert nothing["as_road"] == 1 and nothing["found"] == 0
    scorer = benchmark.scorer
    assert scorer.higher_is_better("found/blank") and not scorer.higher_is_better("as_road/difference")
    assert scorer.higher_is_better("mIoU")
    assert benchmark.legend().names == tuple(benchmark.protocol["classes"])
    assert all(
        (item.truth().classes[item.truth().wall] == wall).all() for item in benchmark.items(None, "test", 4)
    )
