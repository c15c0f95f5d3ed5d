"""Bootstrap: reproducible, right coverage, paired comparison."""

from __future__ import annotations

import numpy as np
import pytest

from visiongen.benchmarks.metrics.bootstrap import (
    FEWEST,
    draws,
    of_one_unit,
    paired_difference,
    percentile_interval,
    resample,
    units,
)


def mean_of(sums: np.ndarray) -> dict[str, np.ndarray]:
    return {"mean": sums[..., 0] / sums[..., 1]}


def rows(values: np.ndarray) -> np.ndarray:
    return np.stack([values, np.ones_like(values)], 1)


def test_draws_are_fixed_by_the_seed_and_count_every_image() -> None:
    counts = draws(17, 50)
    assert np.array_equal(counts, draws(17, 50)) and not np.array_equal(counts, draws(17, 50, 1))
    assert (counts.sum(1) == 17).all()


def test_equals_resampling_by_hand_and_chunks_do_not_matter() -> None:
    values = np.random.default_rng(0).normal(size=9)
    counts = draws(9, 40)
    by_hand = [np.repeat(values, row.astype(int)).mean() for row in counts]
    assert resample(rows(values), mean_of, counts)["mean"] == pytest.approx(by_hand)
    assert resample(rows(values), mean_of, counts, chunk=7)["mean"] == pytest.approx(by_hand)


def test_interval_covers_the_true_mean_about_95_of_100_times() -> None:
    rng = np.random.default_rng(1)
    counts, inside = draws(60, 400), 0
    for _ in range(200):
        values = rng.normal(2.0, 1.0, 60)
        low, high = percentile_interval(resample(rows(values), mean_of, counts)["mean"])
        inside += low <= 2.0 <= high
    assert 0.88 <= inside / 200 <= 0.99


def test_one_image_has_no_spread_and_nan_is_left_out() -> None:
    low, high = percentile_interval(resample(rows(np.array([3.0])), mean_of, draws(1, 10))["mean"])
    assert (low, high) == (3.0, 3.0)
    assert percentile_interval(np.array([np.nan, 1.0])) == (1.0, 1.0)
    assert np.isnan(percentile_interval(np.array([np.nan]))).all()


@pytest.mark.parametrize(
    ("shift", "higher", "verdict"),
    [(0.2, True, "better"), (-0.2, True, "worse"), (0.2, False, "worse"), (0.0, True, "no difference shown")],
)
def test_paired_comparison_sees_a_small_shift_under_large_spread(
    shift: float, higher: bool, verdict: str
) -> None:
    rng = np.random.default_rng(2)
    a = rng.normal(0, 5, 80)  # the spread over images is 25 times the shift
    b = a + shift + rng.normal(0, 0.1, 80) - 0.0
    if not shift:
        b = a + rng.permutation(np.linspace(-1, 1, 80))
    counts = draws(80, 500)
    drawn = [resample(rows(x), mean_of, counts)["mean"] for x in (a, b)]
    found = paired_difference(drawn[0], drawn[1], float(b.mean() - a.mean()), higher, 80)
    assert found.verdict == verdict
    assert found.low <= found.value <= found.high


def test_one_cluster_alone_says_nothing_so_its_images_are_drawn() -> None:
    assert np.array_equal(draws(40, 50, clusters=["drive"] * 40), draws(40, 50))
    together = draws(40, 50, clusters=["drive"] * 39 + [""])
    assert (together[:, :39] == together[:, :1]).all(), "two clusters are drawn whole"


def test_one_image_shows_no_difference() -> None:
    counts = draws(1, 200)
    a, b = (resample(rows(np.array([x])), mean_of, counts)["mean"] for x in (1.0, 2.0))
    assert paired_difference(a, b, 1.0, True, units=1).verdict == "no difference shown"
    assert paired_difference(a, b, 1.0, True, units=FEWEST).verdict == "better"


@pytest.mark.parametrize("units", [2, 3, 5])
def test_a_few_that_agree_show_no_difference(units: int) -> None:
    counts = draws(units, 500)
    a, b = (resample(rows(np.linspace(x, x + 1, units)), mean_of, counts)["mean"] for x in (0.0, 2.0))
    found = paired_difference(a, b, 2.0, True, units)
    assert found.low > 0, "the interval alone would say better"
    assert found.verdict == "no difference shown"


def test_verdicts_without_a_difference_are_rare_at_the_fewest_units() -> None:
    rng, told = np.random.default_rng(4), 0
    counts = draws(FEWEST, 300)
    for _ in range(400):
        b = resample(rows(rng.normal(0, 1, FEWEST)), mean_of, counts)["mean"]
        told += paired_difference(np.zeros(300), b, 0.0, True, FEWEST).verdict != "no difference shown"
    assert told / 400 < 0.2, "a percentile interval of six is still a little narrow; of two it is .49"


def test_a_score_that_one_image_carries_shows_no_difference() -> None:
    present = np.arange(50) == 7  # a class in one image of 50: nothing to divide by without it

    def ratio(sums: np.ndarray) -> dict[str, np.ndarray]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return {"IoU": sums[:, 0] / sums[:, 1]}

    counts = draws(50, 500)
    a, b = (resample(np.stack([present * x, present], 1), ratio, counts)["IoU"] for x in (0.4, 0.2))
    found = paired_difference(a, b, -0.2, True, 50)
    assert found.high < 0
    assert found.verdict == "no difference shown"


def test_a_score_that_one_image_carries_has_no_interval() -> None:
    from visiongen.benchmarks.result import Drawn, intervals
    from visiongen.benchmarks.scoring import scorer_for

    scorer = scorer_for({"name": "made", "task": "semantic", "classes": ["road", "train", "bus"]})
    records = []
    for image in range(50):
        truth = np.zeros((10, 10), np.uint8)
        truth[:4] = {7: 1, 20: 2, 30: 2}.get(image, 0)  # one train, two buses
        found = truth.copy()
        found[: image % 3] = 0
        records.append(scorer.stats(truth, found))
    scores = intervals(scorer, Drawn.of(scorer.table(records), draws(50), 50))
    assert scores["IoU/train"]["value"] == pytest.approx(0.75)
    assert scores["IoU/train"]["ci95"] is None, "all resamples that have it draw the same image"
    for name in ("mIoU", "IoU/road", "IoU/bus"):
        low, high = scores[name]["ci95"] or (1, 0)
        assert low < scores[name]["value"] < high, name
    counts = np.concatenate(
        [draws(50, 150), np.full((1850, 50), np.nan)]
    )  # a costly score: the rest not made
    with np.errstate(invalid="ignore"):
        train, bus = counts[:, 7] / counts[:, 7], counts[:, [20, 30]].sum(1) / counts[:, [20, 30]].sum(1)
    assert of_one_unit(train) and not of_one_unit(bus)


def test_units_are_what_is_drawn() -> None:
    assert units(5) == 5
    assert units(5, ["a", "a", "b", "", ""]) == 4
    assert units(3, ["a", "a", "a"]) == 3, "one cluster alone: its images"
    assert units(0) == 0
