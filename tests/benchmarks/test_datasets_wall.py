"""The painted wall: pairs, a truth that is a plane, and what believing the paint costs."""

from __future__ import annotations

import numpy as np
import pytest

from visiongen.benchmarks.base import Item
from visiongen.benchmarks.runner import get_benchmark

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
