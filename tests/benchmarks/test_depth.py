"""Depth metrics: brute force, torchmetrics, alignments, answers that must score badly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visiongen.benchmarks.metrics.depth import (
    ALIGNMENTS,
    SUMS,
    DepthMetric,
    align,
    from_sums,
    image_sums,
    line_fit,
    valid_pixels,
)
from visiongen.errors import InputError

LIMITS = (0.1, 80.0)
RNG = np.random.default_rng(11)


def scene(size: tuple[int, int] = (24, 32)) -> np.ndarray:
    depth = np.exp(RNG.uniform(np.log(0.5), np.log(60), size)).astype(np.float32)
    depth[0] = np.inf  # sky
    depth[1, :4] = np.nan
    depth[1, 4] = 500  # beyond the range
    return depth


def one(target: np.ndarray, prediction: np.ndarray | None, how: str = "none") -> dict[str, float]:
    found = from_sums(np.array(image_sums(target, prediction, LIMITS)[how]))
    return {name: float(value) for name, value in found.items()}


def test_against_formulas_written_out() -> None:
    g = scene()
    p = g * np.exp(RNG.normal(0, 0.2, g.shape)).astype(np.float32)
    keep = np.isfinite(g) & (g < 80)
    a, b = np.clip(p[keep].astype(float), *LIMITS), g[keep].astype(float)
    d = np.log(a) - np.log(b)
    found = one(g, p)
    assert found["AbsRel"] == pytest.approx(np.mean(np.abs(a - b) / b))
    assert found["SqRel"] == pytest.approx(np.mean((a - b) ** 2 / b))
    assert found["RMSE"] == pytest.approx(np.sqrt(np.mean((a - b) ** 2)))
    assert found["RMSElog"] == pytest.approx(np.sqrt(np.mean(d**2)))
    assert found["log10"] == pytest.approx(np.mean(np.abs(np.log10(a) - np.log10(b))))
    assert found["SILog"] == pytest.approx(100 * np.std(d))
    for k in (1, 2, 3):
        share = np.mean(np.maximum(a / b, b / a) < 1.25**k)
        assert found[f"delta{k}"] == pytest.approx(share)


def test_agrees_with_torchmetrics() -> None:
    torch = pytest.importorskip("torch")
    f = pytest.importorskip("torchmetrics").functional
    g = RNG.uniform(1, 50, (20, 20))
    p = RNG.uniform(1, 50, (20, 20))
    t, q = torch.from_numpy(g).flatten(), torch.from_numpy(p).flatten()
    found = one(g, p)
    assert found["AbsRel"] == pytest.approx(float(f.mean_absolute_percentage_error(q, t)), rel=1e-9)
    rmse = f.mean_squared_error(q, t, squared=False)
    assert found["RMSE"] == pytest.approx(float(rmse), rel=1e-6)
    rmse_log = f.mean_squared_error(q.log(), t.log(), squared=False)
    assert found["RMSElog"] == pytest.approx(float(rmse_log), rel=1e-6)


def test_sky_and_unknown_are_not_scored_and_the_range_is_strict() -> None:
    g = np.array([[np.inf, np.nan, 0.1, 80.0, -1.0, 0.0, 1.0]])
    assert valid_pixels(g, LIMITS).tolist() == [[False, False, False, False, False, False, True]]
    assert image_sums(g, g, LIMITS)["none"][0] == 1


def test_the_truth_itself_is_perfect_under_every_alignment() -> None:
    g = scene()
    for how in ALIGNMENTS:
        assert one(g, g, how)["AbsRel"] == pytest.approx(0, abs=1e-6), how
        assert one(g, g, how)["delta1"] == 1, how


@pytest.mark.parametrize(
    ("how", "distort"),
    [
        ("median", lambda g: 3 * g),
        ("lsq_depth", lambda g: 0.01 * g + 2),
        ("lsq_disparity", lambda g: 1 / (5 / g + 0.3)),
        ("lsq_log", lambda g: 2 * g**0.5),
    ],
)
def test_each_alignment_undoes_its_own_distortion_and_none_does_not(how: str, distort) -> None:
    g = scene()
    p = distort(g)
    assert one(g, p, how)["AbsRel"] < 1e-4
    assert one(g, p)["AbsRel"] > 0.2


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 50))
def test_line_fit_is_least_squares(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(3, 2, count), rng.normal(0, 1, count)
    scale, shift = line_fit(x, y)
    expected = np.linalg.lstsq(np.stack([x, np.ones(count)], 1), y, rcond=None)[0]
    assert (scale, shift) == pytest.approx(tuple(expected), rel=1e-6, abs=1e-8)


def test_line_fit_of_a_constant_or_of_nothing() -> None:
    assert line_fit(np.full(5, 7.0), np.arange(5.0)) == (0.0, 2.0)
    assert line_fit(np.zeros(0), np.zeros(0)) == (0.0, 0.0)


@pytest.mark.parametrize("name", ["constant", "inverted", "shifted", "millimetres", "noise", "even"])
def test_bad_answers_score_badly_without_alignment(name: str) -> None:
    rows = np.linspace(np.log(40), np.log(1), 32)[:, None]
    g = np.exp(rows + RNG.normal(0, 0.3, (32, 40))).astype(np.float32)
    p = {
        "constant": np.full_like(g, np.median(g)),
        "inverted": g.max() + g.min() - g,
        "shifted": np.roll(g, 8, axis=0),
        "millimetres": g * 1000,
        "noise": np.exp(RNG.uniform(np.log(0.5), np.log(60), g.shape)),
        "even": np.where(np.floor(g) % 2 == 1, g, 70),  # right only at odd whole depths
    }[name]
    assert one(g, p)["delta1"] < 0.6 and one(g, p)["AbsRel"] > 0.3


def test_an_inverted_map_is_reported_by_the_sign_of_the_fit() -> None:
    g = scene()
    p = np.where(np.isfinite(g), 70 - g, np.nan)
    inverted = SUMS.index("inverted")
    sums = image_sums(g, p, LIMITS)
    assert sums["lsq_depth"][inverted] == 1 and sums["none"][inverted] == 0
    assert image_sums(g, g, LIMITS)["lsq_depth"][inverted] == 0


def test_missing_answers_never_beat_an_answer() -> None:
    g = scene()
    nothing, nan = one(g, None), one(g, np.full_like(g, np.nan))
    assert nothing == nan and nothing["delta1"] == 0
    for value in (0.0, -5.0, 0.1, 1.0, 10.0, 80.0, np.inf, -np.inf):
        with np.errstate(all="raise"):
            assert one(g, np.full_like(g, value))["AbsRel"] <= nothing["AbsRel"]
    half = g.copy()
    half[:, ::2] = np.nan
    assert one(g, half)["delta1"] == pytest.approx(0.5, abs=0.05)
    for how in ALIGNMENTS:
        assert one(g, np.full_like(g, np.nan), how) == nothing


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 0.3, 1.0]))
def test_a_missing_answer_is_the_worst_in_every_score(seed: int, lost: float | None) -> None:
    """Whatever is answered instead, at a share of the pixels or at all of them."""
    rng = np.random.default_rng(seed)
    g = np.exp(rng.uniform(np.log(0.2), np.log(70), (12, 16)))
    base = g * np.exp(rng.normal(0, 0.2, g.shape))
    gone = np.ones(g.shape, bool) if lost is None else rng.random(g.shape) < lost
    nothing = one(g, None if lost is None else np.where(gone, np.nan, base))
    for answer in (g[::-1], 70.2 - g, np.full_like(g, rng.uniform(0.1, 80)), np.where(g > 5, 0.1, 80.0)):
        said = one(g, np.where(gone, answer, base))
        for name, value in nothing.items():
            if name.startswith("delta"):
                assert value <= said[name]
            elif name != "SILog" or gone.all():  # a constant beside a good answer may spread more
                assert value >= said[name] * (1 - 1e-12), name


def test_infinite_prediction_is_the_far_end() -> None:
    g = np.full((2, 2), 40.0)
    assert one(g, np.full((2, 2), np.inf))["AbsRel"] == pytest.approx(1.0)


def test_everything_is_finite_whatever_is_predicted() -> None:
    g = scene()
    for p in (
        np.zeros_like(g),
        -g,
        np.full_like(g, 1e30),
        np.full_like(g, 1e-30),
        np.full_like(g, 5),
        RNG.normal(size=g.shape),
    ):
        for how, sums in image_sums(g, p, LIMITS).items():
            assert np.isfinite(sums).all(), how


def test_per_image_and_pooled_means_differ_and_merge_adds() -> None:
    metric, other = DepthMetric(LIMITS), DepthMetric(LIMITS)
    small, large = np.full((1, 2), 10.0), np.full((10, 20), 10.0)
    metric.update(small, small * 2)
    other.update(large, large)
    other.update(np.full((2, 2), np.inf), np.full((2, 2), 3.0))  # no valid pixel: left out
    metric.merge(other)
    assert metric.compute()["AbsRel"] == pytest.approx(0.5)
    assert metric.compute(pooled=True)["AbsRel"] == pytest.approx(2 / 202)
    assert np.isnan(DepthMetric(LIMITS).compute()["AbsRel"])
    with pytest.raises(InputError):
        metric.merge(DepthMetric((0.1, 10)))


def test_unusable_arguments() -> None:
    with pytest.raises(InputError, match="resize it"):
        image_sums(np.ones((2, 2)), np.ones((2, 3)), LIMITS)
    with pytest.raises(InputError, match="choose one of"):
        align(np.ones(3), np.ones(3), "best")
