"""Saliency scores against PySODMetrics' figures, a brute-force F, and answers that are wrong."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest

from visiongen.benchmarks.metrics import saliency
from visiongen.benchmarks.metrics.saliency import SaliencyMetric, image_stats, scores, vector
from visiongen.benchmarks.scoring import scorer_for
from visiongen.errors import InputError


def case(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A round object and a soft, shifted, noisy guess of it, in whole 8-bit levels."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((40, 56))
    cy, cx, r = rng.uniform(10, 30), rng.uniform(12, 44), rng.uniform(6, 14)
    mask = np.hypot(y - cy, x - cx) < r
    away = np.hypot(y - cy - rng.normal(0, 3), x - cx - rng.normal(0, 3)) - r
    guess = np.clip(1 / (1 + np.exp(away)) + rng.normal(0, 0.1, mask.shape), 0, 1)
    return mask, (guess * 255).round() / 255


def of(truth: np.ndarray, prediction: np.ndarray | None) -> dict[str, float]:
    return {k: float(v) for k, v in scores(vector(image_stats(truth, prediction))).items()}


#: MAE, maxF, meanF, adpF and S of each case by PySODMetrics 1.6.2 (py_sod_metrics; Fmeasure, MAE, Smeasure).
REFERENCE: dict[int, tuple[float, float, float, float, float]] = {
    0: (0.0632458, 0.8710375, 0.6869509, 0.5486726, 0.8296475),
    1: (0.0963655, 0.6084377, 0.5113126, 0.4947234, 0.6950991),
    2: (0.1971429, 0.6083321, 0.5622398, 0.5973031, 0.6286721),
}


@pytest.mark.parametrize("seed", REFERENCE)
def test_as_pysodmetrics(seed: int) -> None:
    found = of(*case(seed))
    names = ("MAE", "maxF", "meanF", "adpF", "S")
    assert [found[n] for n in names] == pytest.approx(REFERENCE[seed], abs=1e-6)


def degenerate() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Maps that formulas stumble over: (mask, prediction in whole 8-bit levels)."""
    mask, guess = case(4)
    nothing, everything = np.zeros_like(mask), np.ones_like(mask)
    corner = nothing.copy()
    corner[-1, -1] = True
    return {
        "no object": (nothing, guess),
        "no object, black": (nothing, guess * 0),
        "no object, white": (nothing, guess * 0 + 1),
        "all object": (everything, guess),
        "all object, black": (everything, guess * 0),
        "all object, white": (everything, guess * 0 + 1),
        "black": (mask, guess * 0),
        "gray": (mask, np.full(mask.shape, 128 / 255)),
        "white": (mask, guess * 0 + 1),
        "one pixel": (corner, guess),
        "all but one": (~corner, guess),
        "inverted": (mask, 1 - mask.astype(float)),
        "perfect": (mask, mask.astype(float)),
    } | {  # of few levels: where one lies at a threshold, rounding decides
        f"narrow, {low} to {low + wide}": (mask, (guess * wide + low).round() / 255)
        for low, wide in ((0, 40), (3, 91), (17, 100), (60, 46), (100, 155), (11, 203))
    }


def by_pysodmetrics(mask: np.ndarray, guess: np.ndarray, stretched: bool) -> dict[str, float]:
    sod = pytest.importorskip(
        "py_sod_metrics", reason="pip install pysodmetrics to compare with it", exc_type=ImportError
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = sod.MAE(), sod.Fmeasure(), sod.Smeasure(), sod.Emeasure(), sod.WeightedFmeasure()
    levels, truth = (guess * 255).round().astype(np.uint8), mask.astype(np.uint8) * 255
    for part in parts:
        part.step(*((levels, truth) if stretched else (levels / 255, mask)), normalize=stretched)
    found: dict[str, Any] = {}
    for part in parts:
        found |= part.get_results()
    curves = {"F": found["fm"], "E": found["em"]}
    numbers = {f"max{k}": c["curve"].max() for k, c in curves.items()}
    numbers |= {f"mean{k}": c["curve"].mean() for k, c in curves.items()}
    numbers |= {f"adp{k}": c["adp"] for k, c in curves.items()}
    return numbers | {"MAE": found["mae"], "S": found["sm"], "wF": found["wfm"]}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("stretched", [True, False])
def test_as_pysodmetrics_itself_where_it_is_installed(stretched: bool) -> None:
    cases = {f"case {seed}": case(seed) for seed in range(12)} | degenerate()
    for name, (mask, guess) in cases.items():
        expected = by_pysodmetrics(mask, guess, stretched)
        found = scores(vector(image_stats(mask, guess, stretched)))
        assert set(found) == set(expected)
        for score, value in expected.items():
            if np.isnan(value):  # its S of a single pixel; ours takes a spread of 0
                assert (name, score) in (("one pixel", "S"), ("all but one", "S"))
                assert 0 <= found[score] <= 1
            else:
                assert float(found[score]) == pytest.approx(float(value), abs=1e-9), (name, score)


def test_the_protocol_says_whether_maps_are_stretched() -> None:
    mask, guess = case(2)
    faint = guess * 0.4
    protocol = {"name": "made", "task": "salient"}
    plain, kept = scorer_for(protocol), scorer_for(protocol | {"stretch": False})
    assert plain.stats(mask, faint) == image_stats(mask, faint) != kept.stats(mask, faint)
    assert kept.stats(mask, faint) == image_stats(mask, faint, False)
    assert kept.stats(mask, faint)["mae"] > plain.stats(mask, faint)["mae"]
    metric = SaliencyMetric(stretched=False)
    metric.update(mask, faint)
    assert metric.compute()["MAE"] == kept.stats(mask, faint)["mae"]


def test_f_measure_by_brute_force() -> None:
    mask, guess = case(3)
    values = saliency.stretch(guess, mask)
    curve = saliency.f_curve(values, mask)
    levels = (values * 255).astype(np.uint8)
    for t in range(256):
        chosen = levels >= t
        hits = (chosen & mask).sum()
        p, r = hits / max(1, chosen.sum()), hits / mask.sum()
        assert curve[255 - t] == pytest.approx(1.3 * p * r / (0.3 * p + r) if hits else 0)


def test_wrong_answers_score_as_badly_as_they_are() -> None:
    mask, _ = case(1)
    truth = mask.astype(np.float32)
    right = of(truth, truth)
    assert right["MAE"] == 0 and right["maxF"] == pytest.approx(1) and right["S"] == pytest.approx(1)
    everything = 1.3 * mask.mean() / (0.3 * mask.mean() + 1)  # F of calling every pixel the object
    for name, wrong in {
        "constant": np.full_like(truth, 0.5),
        "empty": np.zeros_like(truth),
        "full": np.ones_like(truth),
        "inverted": 1 - truth,
        "nan": np.full_like(truth, np.nan),
    }.items():
        found = of(truth, wrong)
        assert found["maxF"] == pytest.approx(everything), name
        assert found["S"] < 0.55 and found["MAE"] > 0.05, (name, found)
        assert found["wF"] < 0.4 and found["meanE"] < 0.65, (name, found)
    for worst in (1 - truth, np.full_like(truth, np.nan), None):
        assert of(truth, worst)["MAE"] == 1
    assert all(value == (name == "MAE") for name, value in of(truth, None).items())
    shifted = of(truth, np.roll(truth, 12, axis=1))
    assert shifted["maxF"] < 0.7 and shifted["MAE"] > 0.05 and shifted["S"] < 0.8


def test_no_object_and_nothing_but_object() -> None:
    nothing = np.zeros((10, 12))
    assert of(nothing, nothing)["S"] == 1 and of(nothing, np.ones((10, 12)))["S"] == 0
    assert of(np.ones((10, 12)), np.ones((10, 12)))["S"] == 1
    corner = nothing.copy()
    corner[-1, -1] = 1  # the centroid's last parts are empty
    assert of(corner, corner)["S"] == pytest.approx(1)


def test_statistics_survive_json_and_many_sums_at_once() -> None:
    stats = [image_stats(*case(seed)) for seed in range(3)]
    assert json.loads(json.dumps(stats)) == stats
    vectors = np.stack([vector(s) for s in stats])
    together = scores(vectors)
    for position, one in enumerate(vectors):
        for name, value in scores(one).items():
            assert together[name][position] == pytest.approx(float(value))
            assert name in saliency.HIGHER_IS_BETTER
    one, two = SaliencyMetric(), SaliencyMetric()
    one.update(*case(0))
    two.update(*case(1))
    one.merge(two)
    assert one.compute()["MAE"] == pytest.approx(np.mean([of(*case(s))["MAE"] for s in (0, 1)]))
    with pytest.raises(InputError, match="saliency"):
        image_stats(*case(0)[:1], np.zeros((3, 3)))
