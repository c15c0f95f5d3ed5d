from __future__ import annotations

import numpy as np
import pytest

from visiongen.benchmarks.codecs.damage import DAMAGES
from visiongen.benchmarks.codecs.legends import (
    label_map,
    scores,
    third_of_mixes,
    third_of_pairs,
    third_on_edges,
)
from visiongen.benchmarks.codecs.report import damage_table, mix_table
from visiongen.prompt import Legend
from visiongen.tasks.codecs.legend import LegendNearest
from visiongen.tasks.codecs.legend_posterior import LegendPosterior

LEGEND = Legend.parse("a=#200020,b=#e000e0,between=#800080,d=#10f010")
PURE = {name: damage for name, damage in DAMAGES.items() if name != "tokenizer"}


def test_third_of_pairs_counts_a_colour_between() -> None:
    line = np.array([[0, 0, 0], [100, 0, 0], [200, 0, 0]])
    assert third_of_pairs(line) == pytest.approx(1 / 3)
    assert third_of_pairs(line, [0.1]) == 0
    assert third_of_pairs(np.eye(3) * 255) == 0


def test_third_of_mixes_needs_the_neighbourhood() -> None:
    nearest, posterior = (
        third_of_mixes(codec(LEGEND), np.random.default_rng(0), 300)
        for codec in (LegendNearest, LegendPosterior)
    )
    assert nearest > 0.03 and posterior < 0.01


def test_third_on_edges_looks_at_plain_edges_only() -> None:
    labels = np.zeros((9, 12), np.uint8)
    labels[:, 6:] = 1
    decoded = labels.copy()
    decoded[:, 5], decoded[:, 0] = 2, 2
    assert third_on_edges(labels, decoded) == (9, 9 * 4)
    labels[4, 6] = 3
    assert third_on_edges(labels, decoded)[1] < 9 * 4


@pytest.mark.parametrize("damage", list(PURE.values()), ids=list(PURE))
def test_damages_keep_shape_and_seed(damage) -> None:  # type: ignore[no-untyped-def]
    painted = LegendNearest(LEGEND).encode(label_map((32, 48), 4, np.random.default_rng(0)))
    one, two = (damage(painted, np.random.default_rng(1)) for _ in range(2))
    assert one.shape == painted.shape and one.dtype == np.uint8
    assert np.array_equal(one, two) and not np.array_equal(one, painted)


def test_scores_of_an_undamaged_map_are_perfect() -> None:
    maps = [label_map((32, 48), 4, np.random.default_rng(0))]
    result = scores(LegendPosterior(LEGEND), maps, lambda painted, rng: painted, 0)
    assert result["accuracy"] == 1 and result["AURC"] == result["third"] == 0 and result["ECE"] < 0.01


def test_tables_have_a_row_for_each_legend_and_codec() -> None:
    assert len(list(mix_table((3,)))) == 2 + 4
    rows = list(damage_table((3,), 1, (32, 48), {"blur": PURE["blur 1 px"]}))
    assert len(rows) == 2 + 4 and all(row.count("|") == 9 for row in rows)
