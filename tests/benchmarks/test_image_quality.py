"""PSNR, SSIM, intrinsic-image errors and seams against other libraries, closed forms and brute force."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure

from visiongen.benchmarks import perceptual
from visiongen.benchmarks.metrics import intrinsics, tileability
from visiongen.benchmarks.metrics.image_quality import dssim, psnr, ssim
from visiongen.benchmarks.scoring import check_finite_json, scorer_for
from visiongen.errors import DependencyError, InputError


def pair(seed: int, size: tuple[int, ...] = (40, 52, 3)) -> tuple[np.ndarray, np.ndarray]:
    """A smooth picture and a noisy, darker one, in [0, 1]."""
    import cv2

    rng = np.random.default_rng(seed)
    truth = cv2.GaussianBlur(rng.random(size), (7, 7), 2)
    truth = (truth - truth.min()) / np.ptp(truth)
    return truth, np.clip(0.8 * truth + rng.normal(0, 0.05, truth.shape), 0, 1)


@pytest.mark.parametrize("size", [(40, 52, 3), (11, 30), (64, 33, 1)])
@pytest.mark.parametrize("data_range", [1.0, 255.0])
def test_psnr_and_ssim_equal_scikit_image_and_torchmetrics(size: tuple[int, ...], data_range: float) -> None:
    truth, given = (a.reshape(size) * data_range for a in pair(3, size))
    found = peak_signal_noise_ratio(truth, given, data_range=data_range)
    assert psnr(truth, given, data_range) == pytest.approx(found, abs=1e-9)
    options: dict[str, Any] = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    axis = 2 if len(size) == 3 else None
    theirs = structural_similarity(truth, given, data_range=data_range, channel_axis=axis, **options)
    assert ssim(truth, given, data_range) == pytest.approx(theirs, abs=1e-9)
    one, two = (torch.from_numpy(np.atleast_3d(a)).permute(2, 0, 1)[None] for a in (truth, given))
    third = float(structural_similarity_index_measure(two, one, data_range=data_range))
    assert ssim(truth, given, data_range, whole=True) == pytest.approx(third, abs=1e-6)
    assert dssim(truth, given, data_range) == pytest.approx((1 - theirs) / 2)


def test_range_cap_and_bad_pictures() -> None:
    truth, given = pair(0)
    assert psnr(truth, truth, 1.0) == psnr(truth, truth + 1e-7, 1.0) == 100
    assert ssim(truth, truth, 1.0) == pytest.approx(1)
    assert ssim(truth, given, 2.0) > ssim(truth, given, 1.0)  # the field's bug: another range flatters
    good, close = psnr(truth, given, 1.0), ssim(truth, given, 1.0)
    bad = {
        "constant": np.full_like(truth, 0.5),
        "inverted": 1 - truth,
        "shifted": np.roll(truth, 9, axis=1),
        "black": np.zeros_like(truth),
        "NaN": np.full_like(truth, np.nan),
    }
    for name, prediction in bad.items():
        assert psnr(truth, prediction, 1.0) < good - 1 and ssim(truth, prediction, 1.0) < close - 0.3, name
    assert psnr(truth, bad["NaN"], 1.0) == 0
    mask = np.zeros(truth.shape[:2], bool)
    mask[:, :20] = True
    expected = -10 * np.log10(((truth - given)[:, :20] ** 2).mean())
    assert psnr(truth, given, 1.0, mask) == pytest.approx(expected)
    for call in (
        lambda: psnr(truth, given[..., 0], 1.0),
        lambda: psnr(truth, given, 0.0),
        lambda: psnr(truth, given, 1.0, ~np.ones_like(mask)),
        lambda: psnr(truth * np.nan, given, 1.0),
        lambda: ssim(truth[:9], given[:9], 1.0),
    ):
        with pytest.raises(InputError):
            call()


def test_lpips_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lpips", None)
    perceptual._perceptual.cache_clear()
    with pytest.raises(DependencyError, match=r"pip install visiongen\[lpips\]"):
        perceptual.lpips(*pair(0))
    with pytest.raises(InputError, match="RGB"):
        perceptual.lpips(*pair(0, (20, 20)))


# --- intrinsic images -------------------------------------------------------------------------


def test_si_mse_is_the_least_over_all_scales() -> None:
    truth, given = pair(1)
    mask = np.random.default_rng(0).random(truth.shape[:2]) < 0.7
    best = minimize_scalar(lambda a: ((truth - a * given)[mask] ** 2).mean())
    assert intrinsics.si_mse(truth, given, mask) == pytest.approx(best.fun)
    each = [
        minimize_scalar(lambda a, c=c: ((truth - a * given)[mask][:, c] ** 2).mean()).fun for c in range(3)
    ]
    assert intrinsics.si_mse(truth, given, mask, per_channel=True) == pytest.approx(np.mean(each))
    assert intrinsics.fit_scale(truth, given, mask) == pytest.approx(best.x)
    assert intrinsics.si_mse(truth, truth * 0.3) < 1e-20
    assert intrinsics.si_mse(truth, truth * 0) == intrinsics.si_mse(truth, truth * np.nan) > 0.1
    with pytest.raises(InputError, match="mask"):
        intrinsics.si_mse(truth, given, mask & False)


@pytest.mark.parametrize(("window", "size"), [(20, (47, 66, 3)), (10, (30, 31)), (60, (40, 52, 3))])
def test_lmse_window_by_window(window: int, size: tuple[int, ...]) -> None:
    truth, given = pair(2, size)
    mask = np.random.default_rng(1).random(size[:2]) < 0.8
    error = whole = 0.0
    tall, wide = min(window, size[0]), min(window, size[1])
    for y in range(0, size[0] - tall + 1, window // 2):
        for x in range(0, size[1] - wide + 1, window // 2):
            seen = mask[y : y + tall, x : x + wide]
            c, e = truth[y : y + tall, x : x + wide][seen], given[y : y + tall, x : x + wide][seen]
            scale = (c * e).sum() / (e * e).sum()
            error, whole = error + ((c - scale * e) ** 2).sum(), whole + (c * c).sum()
    assert intrinsics.lmse(truth, given, mask, window) == pytest.approx(error / whole)
    assert intrinsics.lmse(truth, truth * 3, mask, window) < 1e-12
    assert intrinsics.lmse(truth, truth * 0, mask, window) == pytest.approx(1)
    assert intrinsics.lmse(truth, truth * np.nan, mask, window) == pytest.approx(1)


def test_whdr_by_hand() -> None:
    light = np.array([[0.1, 0.2, 0.205, np.nan]])
    points = [{"id": k, "x": (k + 0.5) / 4, "y": 0.5, "opaque": k != 9} for k in range(4)]
    points.append({"id": 9, "x": 0.1, "y": 0.5, "opaque": False})
    pairs = [
        (0, 1, "1", 2.0),  # right
        (1, 0, "1", 1.0),  # wrong: the second is darker
        (1, 2, "E", 0.5),  # right: 2.5 % apart
        (0, 2, "E", 1.5),  # wrong
        (0, 3, "1", 1.0),  # NaN: wrong
        (0, 9, "1", 5.0),  # not opaque
        (0, 1, "2", 0.0),  # no weight
        (0, 1, "2", None),
    ]
    keys = ("point1", "point2", "darker", "darker_score")
    judged = {
        "intrinsic_points": points,
        "intrinsic_comparisons": [dict(zip(keys, one, strict=True)) for one in pairs],
    }
    assert intrinsics.whdr(light, judged) == pytest.approx(3.5 / 6)
    assert intrinsics.whdr(np.dstack([light] * 3), judged) == pytest.approx(3.5 / 6)
    assert intrinsics.whdr(light / light, judged) == pytest.approx((2 + 1 + 1) / 6)
    assert np.isnan(intrinsics.whdr(light, judged | {"intrinsic_comparisons": []}))


def test_whdr_reads_the_last_pixel_at_one_and_refuses_points_outside() -> None:
    light = np.array([[0.1, 0.1], [0.1, 0.9]])
    points = [{"id": n, "x": x, "y": x, "opaque": True} for n, x in ((1, 0.0), (2, 1.0))]
    pairs = [{"point1": 1, "point2": 2, "darker": "1", "darker_score": 1.0}]
    judged = {"intrinsic_points": points, "intrinsic_comparisons": pairs}
    assert intrinsics.whdr(light, judged) == 0
    points[1]["x"] = 1.5
    with pytest.raises(InputError, match=r"point 2: x 1\.5"):
        intrinsics.whdr(light, judged)


def test_shading_is_scaled_and_exposed_as_the_truth() -> None:
    truth, given = pair(4)
    one, two = intrinsics.expose(7 * truth, 0.2 * truth)
    assert np.allclose(one, two)
    assert np.percentile(one @ intrinsics.LUMA, 90) == pytest.approx(0.8, abs=0.02)  # clamped after
    one, two = intrinsics.expose(truth, given)
    assert two.min() >= 0 and two.max() <= 1 and not np.allclose(one, two)
    inverted = intrinsics.expose(truth - 0.5, 0.5 - truth)[1]  # a negative scale fits: it is kept, not hidden
    assert intrinsics.fit_scale(truth - 0.5, 0.5 - truth) == pytest.approx(-1) and np.isfinite(inverted).all()


def appearance(seed: int) -> tuple[np.ndarray, np.ndarray]:
    truth, given = (np.dstack([a, a[..., ::-1]]).astype(np.float32) for a in pair(seed))
    truth[:6] = np.nan
    return truth, given


def scorer(**protocol: Any) -> Any:
    table = {"name": "made", "task": "materials", "scorer": "intrinsics", "parts": ["basecolor", "orm"]}
    return scorer_for(table | protocol)


def test_intrinsics_scorer_means_over_images_and_bad_answers() -> None:
    both, cases = scorer(), [appearance(seed) for seed in range(3)]
    stats = [both.stats(t, p) for t, p in cases]
    for one in stats:
        check_finite_json(one)
    found = both.scores(np.sum([both.vector(s) for s in stats], axis=0))
    expected = [psnr(t[6:, :, :3], p[6:, :, :3], 1.0) for t, p in cases]
    assert found["albedo_PSNR"] == pytest.approx(np.mean(expected), abs=1e-5)
    framed = [(np.nan_to_num(t), np.where(np.isnan(t), 0, p)) for t, p in cases]
    assert found["albedo_SSIM"] == pytest.approx(
        np.mean([ssim(t[..., :3], p[..., :3], 1, True) for t, p in framed])
    )
    assert found["material_RMSE"] == pytest.approx(
        np.mean([np.sqrt(((t - p)[6:, :, 4:] ** 2).mean(dtype=np.float64)) for t, p in cases]), abs=1e-6
    )
    truth, good = cases[0]
    best = both.scores(both.vector(both.stats(truth, truth)))
    assert best["albedo_PSNR"] == 100 and best["albedo_exact"] == 1 and best["material_LMSE"] < 1e-12
    worst = both.scores(both.vector(both.stats(truth, None)))
    usual = both.scores(both.vector(both.stats(truth, good)))
    answers = {
        "constant": np.full_like(truth, 0.5),
        "inverted": 1 - truth,
        "shifted": np.roll(good, 9, axis=1),
    }
    for name, answer in answers.items():
        bad = both.scores(both.vector(both.stats(truth, answer)))
        for score in ("albedo_PSNR", "albedo_SSIM", "albedo_RMSE", "albedo_siMSE", "material_LMSE"):
            sign = 1 if both.higher_is_better(score) else -1
            assert sign * usual[score] > sign * bad[score] >= sign * worst[score] - 1e-9, (name, score)
    nan = both.scores(both.vector(both.stats(truth, np.full_like(truth, np.nan))))
    assert nan == worst and worst["albedo_LMSE"] == pytest.approx(1)
    only = scorer(parts=["basecolor"], task="basecolor")
    assert set(only.scores(only.vector(only.stats(truth[..., :3], good[..., :3])))) == {
        name for name in usual if name.startswith("albedo")
    }
    without = truth.copy()
    without[..., 4:] = np.nan
    assert np.isnan(both.scores(both.vector(both.stats(without, good)))["material_PSNR"])
    parts = both.labels_parts(truth, {})  # what is unknown: black, open, half rough and not metallic
    assert list(parts) == ["basecolor", "orm"] and (parts["basecolor"][:6] == 0).all()
    assert (parts["orm"][:6] == [1, 0.5, 0]).all()
    assert np.array_equal(np.dstack(list(parts.values()))[6:], truth[6:])
    with pytest.raises(InputError, match="6"):
        both.stats(truth[..., :3], good[..., :3])


# --- seams ------------------------------------------------------------------------------------


def test_seam_ratio_by_hand_and_by_rolling() -> None:
    x = np.arange(32)
    wave = np.sin(2 * np.pi * (x[None] + x[:, None]) / 32)
    ramp = np.broadcast_to(x / 31.0, (32, 32))
    noise = np.random.default_rng(0).random((32, 32, 3))
    assert tileability.seam_ratio([wave]) == pytest.approx((1, 1), rel=1e-4)
    assert tileability.seam_ratio([ramp])[0] == pytest.approx(31) and tileability.seam_ratio([ramp])[1] == 1
    assert tileability.seam_ratio([np.ones((5, 5))]) == (1, 1)
    for maps in ([wave], [ramp], [noise, wave], [np.tile(noise, (1, 2, 1))], [noise[:9, :14]]):
        assert tileability.rolled_ratio(maps) == pytest.approx(tileability.seam_ratio(maps), rel=1e-4)
    # Rolled, the seam is inside and the border repeats: what tileable means.
    assert tileability.seam_ratio([np.roll(ramp, 16, axis=1)])[0] == pytest.approx(1 / 2, abs=0.02)
    for bad in ([noise, wave[:30]], [noise * np.nan], [noise[:2]]):
        with pytest.raises(InputError):
            tileability.seam_ratio(bad)
