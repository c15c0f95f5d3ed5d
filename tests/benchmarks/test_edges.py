"""Edge scores: the official benchmark's own check, brute-force matching, and answers that are wrong."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from visiongen.benchmarks.metrics import edges
from visiongen.benchmarks.metrics.edges import (
    EdgesMetric,
    cheapest,
    count,
    image_stats,
    match,
    scores,
    vector,
)
from visiongen.errors import InputError

FEW = np.array([0.25, 0.5, 0.75])


def soft_circle(
    size: tuple[int, int] = (60, 80), radius: float = 18, at: tuple[float, float] = (30, 40)
) -> np.ndarray:
    y, x = np.indices(size)
    away = abs(np.hypot(y - at[0], x - at[1]) - radius)
    return np.clip(1 - away / 3, 0, 1).astype(np.float32)


def ods(truth: np.ndarray, prediction: np.ndarray | None) -> float:
    return float(scores(vector(image_stats(truth, prediction, FEW)))["ODS"])


def test_the_official_fixture_is_reproduced() -> None:
    """bench/data of the BSDS500 release: five maps, five thresholds, what the official code printed."""
    root = Path(os.environ.get("VISIONGEN_DATA", "")) / "bsds_fixture"
    if not os.environ.get("VISIONGEN_DATA") or not root.is_dir():
        pytest.skip("VISIONGEN_DATA has no bsds_fixture")
    from scipy.io import loadmat

    thresholds = np.linspace(1 / 6, 5 / 6, 5)  # as the official code; 85 / 255 is not above the second
    total = np.zeros(4 * 6)
    for path in sorted((root / "png").glob("*.png")):
        cell = loadmat(root / "groundTruth" / f"{path.stem}.mat")["groundTruth"]
        people = [cell[0, k][0, 0]["Boundaries"].astype(bool) for k in range(cell.shape[1])]
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        counts = count(image / 255.0, np.stack(people, axis=2), thresholds)
        total += vector({"counts": counts.tolist()})
    official = np.loadtxt(root / "test_2" / "eval_bdry_thr.txt")
    recall, precision = edges.rates(total.reshape(6, 4)[:5])
    assert np.allclose(recall, official[:, 1], atol=1e-3)
    assert np.allclose(precision, official[:, 2], atol=1e-3)
    assert np.allclose(edges.f_measure(recall, precision), official[:, 3], atol=1e-3)
    best = np.loadtxt(root / "test_2" / "eval_bdry.txt")
    found = scores(total)
    assert found["ODS"] == pytest.approx(best[3], abs=1e-3) and found["OIS"] == pytest.approx(
        best[6], abs=1e-3
    )
    assert found["AP"] == pytest.approx(best[7], abs=5e-3)


@pytest.mark.parametrize("seed", range(8))
def test_matching_is_the_cheapest_of_all(seed: int) -> None:
    """Against every possible matching of small random graphs."""
    rng = np.random.default_rng(seed)
    cost = rng.uniform(0, 3, (4, 4))
    cost[rng.random((4, 4)) < 0.5] = np.inf
    alone = 5.0

    def price(pairs: tuple[tuple[int, int], ...]) -> float:
        return sum(cost[p] for p in pairs) + alone * (8 - 2 * len(pairs))

    everything = [
        tuple(zip(rows, columns, strict=True))
        for size in range(5)
        for rows in itertools.combinations(range(4), size)
        for columns in itertools.permutations(range(4), size)
    ]
    least = min(price(pairs) for pairs in everything)
    i, j = np.nonzero(np.isfinite(cost))
    rows, columns = cheapest(i, j, cost[i, j], alone)
    assert len(set(rows)) == len(rows) and len(set(columns)) == len(columns)
    assert price(tuple(zip(rows, columns, strict=True))) == pytest.approx(least, abs=1e-4)


def test_one_pixel_matches_only_one() -> None:
    truth = np.zeros((20, 20), bool)
    truth[10, 2:18] = True
    doubled = truth | np.roll(truth, 1, axis=0)
    mine, theirs = match(doubled, truth, 2.0)
    assert theirs.sum() == 16 == mine.sum() and (mine[10] == truth[10]).all()
    far = match(np.roll(truth, 5, axis=0), truth, 2.0)
    assert not far[0].any() and not far[1].any()


def test_the_truth_itself_is_perfect() -> None:
    truth = soft_circle()
    assert ods(truth, truth) > 0.99
    lines = edges.read_truth(truth)[0]
    assert lines.shape == (60, 80, 1) and 80 < lines.sum() < 150  # one pixel wide


def test_wrong_answers_score_as_badly_as_they_are() -> None:
    truth = soft_circle()
    good = ods(truth, truth)
    shifted = ods(truth, np.roll(truth, 6, axis=1))
    wrong = {
        "shifted": shifted,
        "constant": ods(truth, np.full_like(truth, 0.5)),
        "full": ods(truth, np.ones_like(truth)),
        "inverted": ods(truth, 1 - truth),
        "empty": ods(truth, np.zeros_like(truth)),
        "nan": ods(truth, np.full_like(truth, np.nan)),
        "none": ods(truth, None),
    }
    assert good > 0.99
    large = soft_circle((160, 213), 50, (80, 106))  # 2 pixels of tolerance
    assert ods(large, np.roll(large, 1, axis=1)) > 0.98
    assert all(value < 0.5 for value in wrong.values()), wrong
    assert wrong["empty"] == wrong["none"] == 0 and wrong["nan"] < 0.2
    half = truth.copy()
    half[:, 40:] = np.nan
    assert ods(truth, half) < 0.75


def test_unknown_truth_is_not_scored() -> None:
    truth = soft_circle()
    masked = truth.copy()
    masked[:, 60:] = np.nan
    noisy = truth.copy()
    noisy[10:50, 72] = 1
    assert ods(truth, noisy) < 0.9 < ods(masked, noisy)


def test_people_are_summed_for_recall_and_joined_for_precision() -> None:
    truth = np.zeros((40, 40, 2), bool)
    truth[10, 5:35, 0] = truth[30, 5:35, 1] = True
    both = truth.any(2).astype(float)
    (row,) = count(both, truth, np.array([0.5]))
    assert row.tolist() == [60, 60, 60, 60]
    one = truth[..., 0].astype(float)
    (row,) = count(one, truth, np.array([0.5]))
    assert row.tolist() == [30, 60, 30, 30]


def test_ois_takes_each_images_own_threshold() -> None:
    bright, dark = soft_circle(), soft_circle(at=(28, 36))
    clutter = np.zeros_like(dark)
    clutter[4, 4:76] = clutter[56, 4:76] = 0.4
    pairs = [(bright, np.maximum(bright, clutter)), (dark, 0.3 * dark)]
    metric, other = EdgesMetric(), EdgesMetric()
    metric.update(*pairs[0])
    other.update(*pairs[1])
    metric.merge(other)
    found = metric.compute()
    assert found["OIS"] > 0.95 > found["ODS"] > 0.5
    assert EdgesMetric().compute() == {}


def test_statistics_survive_json_and_many_sums_at_once() -> None:
    truth = soft_circle()
    stats = [image_stats(truth, np.roll(truth, s, axis=0), FEW) for s in (0, 1, 5)]
    assert json.loads(json.dumps(stats)) == stats
    vectors = np.stack([vector(s) for s in stats])
    together = scores(vectors)
    for position, one in enumerate(vectors):
        for name, value in scores(one).items():
            assert together[name][position] == pytest.approx(float(value))
            assert name in edges.HIGHER_IS_BETTER
    with pytest.raises(InputError, match="resize"):
        image_stats(truth, truth[1:])
    with pytest.raises(InputError, match="truth"):
        image_stats(truth[..., None], truth)


@pytest.mark.parametrize("seed", range(5))
def test_recall_at_half_precision_is_pdollars(seed: int) -> None:
    """``[~,o]=unique(P); R50=interp1(P(o),R(o),max(P(o(1)),.5))`` of edgesEvalDir.m."""
    from scipy.interpolate import interp1d

    rng = np.random.default_rng(seed)
    recall, precision = np.sort(rng.random(20))[::-1], np.sort(rng.uniform(0.2, 0.9, 20))
    p, order = np.unique(precision, return_index=True)
    wanted = interp1d(p, recall[order])(max(p[0], 0.5))
    assert edges._curve_scores(recall, precision)[2] == pytest.approx(float(wanted))
    assert edges._curve_scores(recall, precision / 2)[2] == 0, "never reached"
    assert edges._curve_scores(np.array([0.9, 0.7]), np.array([0.4, 0.6]))[2] == pytest.approx(0.8)
