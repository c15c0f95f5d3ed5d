"""Alignments of depth: lstsq, torch, Marigold's steps written out, outliers; what a protocol's keys do."""

from __future__ import annotations

import numpy as np
import pytest

from visiongen.benchmarks.metrics.depth import (
    SUMS,
    Rules,
    closer_first,
    from_sums,
    image_sums,
    silog_half,
    silog_unbiased,
)
from visiongen.benchmarks.metrics.depth_align import fit_pixels, masked_line_fit, ransac_line, solve
from visiongen.benchmarks.scorers import scorer_for
from visiongen.errors import UsageError

RNG = np.random.default_rng(5)


def lstsq(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.linalg.lstsq(np.stack([x, np.ones_like(x)], 1), y, rcond=None)[0]


def made(size: tuple[int, int] = (40, 60)) -> tuple[np.ndarray, np.ndarray]:
    """Truth in metres with holes, and a distorted prediction, float32."""
    g = np.exp(RNG.uniform(np.log(0.6), np.log(9), size)).astype(np.float32)
    p = (0.07 * g + 0.2 + RNG.normal(0, 0.02, size)).astype(np.float32)
    g[5:9] = 0
    return g, p


@pytest.mark.parametrize("offset", [0.0, 100.0, 1e6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_masked_fit_is_lstsq_to_six_digits(offset: float, dtype: type) -> None:
    g, p = made()
    keep = g > 0
    p = (p + offset).astype(dtype)
    expected = lstsq(p[keep].astype(np.float64) - offset, g[keep].astype(np.float64))
    p[~keep] = np.nan
    g[~keep] = np.inf
    scale, shift = masked_line_fit(p, g.astype(dtype), keep)
    # the value at the middle of the cloud: at 1e6 the shift itself is the difference of large numbers
    middle = float(np.mean(p[keep], dtype=np.float64)) - offset
    assert scale == pytest.approx(expected[0], rel=1e-6)
    assert scale * (middle + offset) + shift == pytest.approx(expected @ [middle, 1], rel=1e-6)
    assert masked_line_fit(p, g, np.zeros_like(keep)) == (0.0, 0.0)
    flat = masked_line_fit(np.full_like(p, 3), g, keep)
    assert flat == pytest.approx((0.0, float(g[keep].mean())), rel=1e-6)


def test_ransac_ignores_a_third_that_is_wrong_and_is_the_same_every_time() -> None:
    x = RNG.uniform(-2, 2, 9000)
    y = 0.8 * x + 0.3 + RNG.normal(0, 0.02, x.size)
    wrong = RNG.random(x.size) < 0.35
    y[wrong] = RNG.uniform(2, 5, int(wrong.sum()))
    scale, shift = ransac_line(x, y)
    assert (scale, shift) == pytest.approx((0.8, 0.3), abs=5e-3)
    assert ransac_line(x, y) == (scale, shift)
    inliers = abs(y - 0.8 * x - 0.3) < 0.1
    assert (scale, shift) == pytest.approx(tuple(lstsq(x[inliers], y[inliers])), abs=1e-3)
    assert abs(lstsq(x, y)[1] - 0.3) > 0.5  # what least squares makes of it
    assert ransac_line(np.full(9, 2.0), np.arange(9.0)) == (0.0, 4.0)
    assert ransac_line(-x, y)[0] == pytest.approx(-0.8, abs=5e-3)


def test_ransac_log_sees_through_a_wrong_region() -> None:
    g, _ = made()
    p = np.where(g > 0, 2 * g**0.9, 1).astype(np.float32)
    p[20:35] = 0.05
    sums = image_sums(g, p, (1e-3, 10.0))
    robust, plain = (float(from_sums(np.array(sums[how]))["delta1"]) for how in ("ransac_log", "lsq_log"))
    assert robust == pytest.approx(21 / 36, abs=0.02) and plain < 0.4


@pytest.mark.parametrize("size", [(40, 60), (37, 101), (64, 48)])
@pytest.mark.parametrize("largest", [20, 33, 59])
def test_fit_pixels_are_those_of_torch_upsample(size: tuple[int, int], largest: int) -> None:
    """src/util/alignment.py unsqueezes a map once, not twice: Upsample leaves the rows as they are."""
    torch = pytest.importorskip("torch")
    place = torch.arange(size[0] * size[1], dtype=torch.float64).reshape(*size).unsqueeze(0)
    scale = float(np.min(largest / np.array(size)))
    if scale >= 1:
        assert fit_pixels(size, largest) is None
        return
    expected = torch.nn.Upsample(scale_factor=scale, mode="nearest")(place)[0].numpy().astype(int)
    assert expected.shape[0] == size[0]
    rows, columns = fit_pixels(size, largest)
    assert np.array_equal(rows[:, None] * size[1] + columns, expected)


@pytest.mark.parametrize("largest", [None, 25])
@pytest.mark.parametrize("how", ["lsq_depth", "lsq_disparity"])
def test_marigolds_steps_written_out(how: str, largest: int | None) -> None:
    """script/depth/eval.py: mask, fit (in metric depth, or in disparity), clip to the range, 1e-6, score."""
    g, p = made()
    limits = (0.7, 8.0)
    keep = (g > limits[0]) & (g < limits[1])
    small = (slice(None), slice(None)) if largest is None else np.ix_(*fit_pixels(g.shape, largest))
    m, a, b = keep[small], p[small].astype(np.float64), g[small].astype(np.float64)
    if how == "lsq_depth":
        scale, shift = lstsq(a[m], b[m])
        aligned = p.astype(np.float64) * scale + shift
    else:
        scale, shift = lstsq(1 / a[m], 1 / b[m])
        aligned = 1 / np.clip(scale / p.astype(np.float64) + shift, 1e-3, None)
    aligned = np.clip(np.clip(aligned, *limits), 1e-6, None)[keep]
    truth = g[keep].astype(np.float64)
    d = np.log(aligned) - np.log(truth)
    found = from_sums(np.array(image_sums(g, p, Rules(limits, largest=largest))[how]))
    assert found["AbsRel"] == pytest.approx(np.mean(abs(aligned - truth) / truth), rel=1e-6)
    assert found["RMSE"] == pytest.approx(np.sqrt(np.mean((aligned - truth) ** 2)), rel=1e-6)
    assert found["iRMSE"] == pytest.approx(1000 * np.sqrt(np.mean((1 / aligned - 1 / truth) ** 2)), rel=1e-6)
    assert found["SILog"] == pytest.approx(100 * np.sqrt(np.mean(d**2) - np.mean(d) ** 2), rel=1e-6)


def test_a_negative_scale_is_kept() -> None:
    g, _ = made()
    fit = solve((10 - g[g > 0]).astype(np.float64), g[g > 0].astype(np.float64), "lsq_depth")
    assert fit is not None and (fit.scale, fit.shift) == pytest.approx((-1, 10), rel=1e-5)


def test_disparity_floor_is_the_cap() -> None:
    g = np.array([[1.0, 2.0, 4.0, 60.0]])
    p = np.array([[1.0, 2.0, 4.0, 1e9]])
    sums = image_sums(g, p, Rules((0.1, 100.0), ("lsq_disparity",), floor=1 / 30))
    free = image_sums(g, p, Rules((0.1, 100.0), ("lsq_disparity",)))
    sq = SUMS.index("sq")
    assert sums["lsq_disparity"][sq] == pytest.approx(30**2, rel=0.1)
    assert free["lsq_disparity"][sq] == pytest.approx(40**2, rel=0.1)  # the far end of the range


def test_three_scale_invariant_errors() -> None:
    g, p = made()
    sums = np.array(image_sums(g, p * 9, (1e-3, 10.0))["none"])
    keep = g > 0
    d = np.log(np.clip(p[keep] * 9, 1e-3, 10).astype(np.float64)) - np.log(g[keep].astype(np.float64))
    assert from_sums(sums)["SILog"] == pytest.approx(100 * d.std())
    assert silog_unbiased(sums) == pytest.approx(100 * d.std(ddof=1))
    assert silog_half(sums) == pytest.approx(np.sqrt((d**2).mean() - 0.5 * d.mean() ** 2))
    assert np.isnan(silog_unbiased(np.zeros(len(SUMS)))) and np.isnan(silog_half(np.zeros(len(SUMS))))


def test_a_range_without_an_end_and_a_mask_that_is_the_datasets() -> None:
    g = np.array([[0.2, 5.0, 300.0, np.inf, np.nan, 0.0]])
    p = np.array([[0.2, 5.0, np.inf, 1.0, 1.0, 1.0]])
    for answer in (p, None, np.full_like(g, np.nan)):
        sums = image_sums(g, answer, Rules((1e-5, np.inf)))
        assert all(np.isfinite(values).all() for values in sums.values())
        assert sums["none"][0] == 3
    worst = from_sums(np.array(image_sums(g, None, Rules((1e-5, np.inf)))["none"]))
    assert (
        worst["AbsRel"] > from_sums(np.array(image_sums(g, p, Rules((1e-5, np.inf)))["none"]))["AbsRel"] > 0
    )
    ranged = image_sums(g, p, Rules((0.6, 250.0)))["none"]
    masked = image_sums(g, p, Rules((0.6, 250.0), scored="mask"))["none"]
    assert ranged[0] == 1 and masked[0] == 3
    # the near one is clipped to 0.6 although its truth is 0.2, the far one to 250: Marigold on DIODE
    assert masked[1] == pytest.approx(0.4 / 0.2 + 0 + 50 / 300)


def test_pairs_of_points() -> None:
    depth = np.array([[1.0, 2.0], [2.0, np.nan]])
    near = np.array([[0, 0], [0, 1], [0, 1], [1, 1]])
    far = np.array([[0, 1], [0, 0], [1, 0], [0, 0]])
    assert closer_first(depth, near, far).tolist() == [True, False, False, False]
    assert not closer_first(None, near, far).any()


def test_keys_of_a_protocol() -> None:
    base = {"name": "x", "task": "depth"}
    g, p = made()
    scorer = scorer_for(
        base
        | {
            "max_depth": 10.0,
            "alignments": ["lsq_depth"],
            "primary": "AbsRel@lsq_depth",
            "alignment_max_res": 30,
            "disparity_floor": 0.01,
            "scored": "mask",
        }
    )
    assert scorer.rules == Rules((0.0, 10.0), ("lsq_depth",), "mask", 0.01, 30)
    found = scorer.scores(scorer.vector(scorer.stats(g, p)))
    assert found["AbsRel@lsq_depth"] < 0.2 and "AbsRel" not in found and "inverted@lsq_depth" in found
    assert scorer_for(base).limits == (0.0, np.inf)
    for wrong in ({"alignments": ["best"]}, {"alignments": []}, {"scored": "all"}):
        with pytest.raises(UsageError, match="choose"):
            scorer_for(base | wrong)
