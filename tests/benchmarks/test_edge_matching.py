"""A pairing kept up to date equals one solved anew; thinning equals skimage's; lines of people pool."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.morphology import thin as skimage_thin

from visiongen.benchmarks.metrics import edges
from visiongen.benchmarks.metrics.edge_matching import GRAIN, Pairing, near_pairs, weights
from visiongen.benchmarks.metrics.edge_thinning import thin
from visiongen.benchmarks.scorers.gray import lines_at


@pytest.mark.parametrize("seed", range(6))
def test_pairing_after_every_change_is_the_one_solved_anew(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, reach = (14, 14), (1.5, 3.0, 4.5)[seed % 3]
    places, others = np.argwhere(rng.random(size) < 0.6), np.argwhere(rng.random(size) < 0.25)
    row, column, distance = near_pairs(places, others, reach)
    cost = weights(places[row], others[column], distance)
    alone = round(100 * reach * GRAIN)
    pairing = Pairing(len(places), len(others), row, column, cost, alone)
    there = np.zeros(len(places), bool)
    for _ in range(25):
        flip = rng.random(len(places)) < rng.choice([0.05, 0.3])
        pairing.remove(np.flatnonzero(flip & there).tolist())
        pairing.insert(np.flatnonzero(flip & ~there).tolist())
        there ^= flip
        use = there[row]
        mine, theirs = edges.cheapest(row[use], column[use], cost[use] / GRAIN, 100 * reach)
        assert pairing.pairs == len(theirs)
        assert set(np.flatnonzero(pairing.matched)) == set(mine)
        pairs = {(int(i), pairing.mate[0][i]) for i in np.flatnonzero(pairing.matched)}
        assert pairs == set(zip(mine.tolist(), theirs.tolist(), strict=True))


def test_a_pixel_may_be_left_alone_when_a_partner_would_cost_more() -> None:
    """Costs above twice ``alone`` are never paid."""
    row, column = np.array([0, 0, 1]), np.array([0, 1, 1])
    pairing = Pairing(2, 2, row, column, np.array([10, 3, 30]), 8)
    pairing.insert([0, 1])
    assert pairing.matched.tolist() == [True, False] and pairing.mate[0] == [1, -1]
    pairing.remove([0])
    assert pairing.pairs == 0
    pairing.insert([0])
    assert pairing.pairs == 1


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.7, 0.95, 1.0])
def test_thinning_is_skimages(share: float) -> None:
    rng = np.random.default_rng(int(100 * share))
    for size in ((1, 1), (1, 9), (23, 41), (40, 17)):
        for _ in range(10):
            lines = rng.random(size) < share
            assert np.array_equal(thin(lines), skimage_thin(lines))
    assert not thin(np.zeros((4, 5), bool)).any()


def test_counts_are_those_of_an_assignment_at_every_threshold() -> None:
    rng = np.random.default_rng(3)
    y, x = np.indices((90, 120))
    rings = np.abs((np.hypot(y - 45, x - 60) % 14) - 7) / 7
    strength = edges.suppress(np.clip(1 - 2 * rings + rng.normal(0, 0.15, rings.shape), 0, 1))
    people = np.stack([thin(np.roll(rings < 0.15, (k, -k), (0, 1))) for k in range(3)], 2)
    reach = edges.TOLERANCE * np.hypot(90, 120)
    thresholds = np.array([0.3, 0.05, 0.6, 0.9, 0.31])  # in any order
    found = edges.count(strength, people, thresholds)
    for number, threshold in enumerate(thresholds):
        lines = skimage_thin(strength >= threshold)
        paired, truths = np.zeros(lines.shape, bool), 0
        for k in range(3):
            mine, theirs = edges.match(lines, people[..., k], reach)
            paired |= mine
            truths += int(theirs.sum())
        assert found[number].tolist() == [truths, people.sum(), paired.sum(), lines.sum()]
    assert found[:, 3].max() > 500


def test_ties_have_one_winner_that_does_not_depend_on_the_order() -> None:
    places, others = np.argwhere(np.ones((5, 5), bool)), np.argwhere(np.ones((5, 5), bool))[::2]
    row, column, distance = near_pairs(places, others, 2.0)
    cost = weights(places[row], others[column], distance)
    assert len(np.unique(cost)) == len(cost)
    assert np.abs(cost / GRAIN - distance).max() <= 2**-10 + 1e-6
    results = set()
    for seed in range(6):
        pairing = Pairing(len(places), len(others), row, column, cost, round(200 * GRAIN))
        pairing.insert(np.random.default_rng(seed).permutation(len(places)).tolist())
        results.add(tuple(pairing.mate[0]))
    assert len(results) == 1


def test_lines_of_people_one_pixel_apart_are_one_line() -> None:
    drawn = np.zeros((60, 80, 4), bool)
    for person, row in enumerate((20, 21, 20, 19)):
        drawn[row, 10:70, person] = True
    drawn[45, 10:70, 0] = True  # only one has drawn this
    small = lines_at(drawn, (30, 40))
    assert small.shape == (30, 40) and small.dtype == np.float32
    assert small[8:13, 20].max() > 0.75 and 0.1 < small[20:25, 20].max() < 0.3
    crest = small[8:13, 10:30].argmax(0) + 8
    assert np.ptp(crest) <= 1 and abs(crest.mean() - 10) <= 1
    assert small[14:18].max() < 0.1
