"""Normal metrics: known angles, brute force, conventions, answers that must score badly."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visiongen.benchmarks.metrics.normals import (
    NormalsMetric,
    angular_error,
    dense_histogram,
    histogram_median,
    image_stats,
)
from visiongen.errors import InputError

RNG = np.random.default_rng(3)


def unit(size: tuple[int, int] = (20, 30)) -> np.ndarray:
    n = RNG.normal(size=(*size, 3))
    n[..., 2] = np.abs(n[..., 2])
    return n / np.linalg.norm(n, axis=-1, keepdims=True)


def rotated(n: np.ndarray, degrees: float) -> np.ndarray:
    """Each normal turned by the angle about an axis perpendicular to it."""
    side = np.cross(n, RNG.normal(size=n.shape))
    side /= np.linalg.norm(side, axis=-1, keepdims=True)
    angle = np.radians(degrees)
    return np.cos(angle) * n + np.sin(angle) * side


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 180))
def test_a_known_rotation_is_measured(degrees: float) -> None:
    n = unit((4, 5))
    assert angular_error(n, rotated(n, degrees)) == pytest.approx(degrees, abs=1e-4)


def test_thresholds_are_strict_and_lengths_do_not_matter() -> None:
    n = np.tile([0.0, 0.0, 2.0], (1, 4, 1))
    p = np.stack([rotated(n[0, 0] / 2, a) for a in (4.9, 5.1, 29.9, 30.1)])[None] * 7
    metric = NormalsMetric()
    metric.update(n, p)
    found = metric.compute()
    assert found["<5"] == 0.25 and found["<7.5"] == 0.5 and found["<30"] == 0.75
    assert image_stats(n, n)["sums"][3] == 4


def test_agrees_with_torch_cosine_similarity() -> None:
    torch = pytest.importorskip("torch")
    g, p = unit(), RNG.normal(size=(20, 30, 3))
    cosine = torch.nn.functional.cosine_similarity(torch.from_numpy(p), torch.from_numpy(g), dim=-1)
    error = torch.rad2deg(torch.arccos(cosine.clamp(-1, 1))).flatten().numpy()
    metric = NormalsMetric()
    metric.update(g, p)
    found = metric.compute()
    assert found["mean"] == pytest.approx(error.mean())
    assert found["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    assert found["median"] == pytest.approx(np.median(error), abs=0.1)
    assert found["<11.25"] == pytest.approx((error < 11.25).mean())
    assert metric.compute(pooled=False)["median"] == pytest.approx(np.median(error))


def test_brute_force_pixel_by_pixel() -> None:
    """DSINE and Marigold with nothing but the math module."""
    metric, every, each = NormalsMetric(), [], []
    for size in ((5, 7), (9, 4)):
        g, p = unit(size), RNG.normal(size=(*size, 3))
        g[0, :2] = 0
        metric.update(g, p)
        errors = []
        for true, guess in zip(g.reshape(-1, 3).tolist(), p.reshape(-1, 3).tolist(), strict=True):
            lengths = [math.sqrt(sum(v * v for v in w)) for w in (true, guess)]
            if lengths[0] > 0.5:
                cosine = sum(a * b for a, b in zip(true, guess, strict=True)) / lengths[0] / lengths[1]
                errors.append(math.degrees(math.acos(max(-1.0, min(1.0, cosine)))))
        every += errors
        each.append(errors)
    pooled, mean = metric.compute(), metric.compute(pooled=False)
    assert pooled["mean"] == pytest.approx(math.fsum(every) / len(every), rel=1e-9)
    assert pooled["rmse"] == pytest.approx(math.sqrt(math.fsum(e * e for e in every) / len(every)), rel=1e-9)
    assert pooled["median"] == pytest.approx(statistics.median(every), abs=3.5)  # few pixels: to their gap
    assert mean["mean"] == pytest.approx(statistics.mean(map(statistics.mean, each)), rel=1e-9)
    assert mean["median"] == pytest.approx(statistics.mean(map(statistics.median, each)), rel=1e-9)
    for threshold in (5, 7.5, 11.25, 22.5, 30):
        assert pooled[f"<{threshold:g}"] == sum(e < threshold for e in every) / len(every)


@pytest.mark.parametrize("level", [127, 128])
def test_a_gray_pixel_faces_the_camera_and_is_counted(level: int) -> None:
    """Decoded, 8-bit gray is a tiny vector along a diagonal that nobody painted."""
    n = unit()
    gray = np.full_like(n, level / 255 * 2 - 1)
    error = angular_error(n, gray)
    assert error.size == 600
    assert error == pytest.approx(np.degrees(np.arccos(n[..., 2])).ravel())


def test_x_to_the_left_for_x_to_the_right_is_tens_of_degrees() -> None:
    """DSINE's files have x to the left, ours to the right: a truth read as it is scores badly on itself."""
    y, x = np.indices((40, 50))
    left_wall, right_wall, floor = (1.0, 0.0, 0.1), (-1.0, 0.0, 0.1), (0.0, 1.0, 0.1)
    room = np.where((y > 30)[..., None], floor, np.where((x < 15)[..., None], left_wall, right_wall))
    room = np.where(((x >= 15) & (x < 35) & (y <= 30))[..., None], (0.0, 0.0, 1.0), room)
    flipped = room * [-1, 1, 1]
    assert angular_error(room, room).max() < 1e-5
    assert angular_error(room, flipped).mean() > 30
    assert angular_error(room[:, ::-1] * [-1, 1, 1], flipped[:, ::-1]).max() < 1e-5  # both mirrored


def test_only_the_box_with_truth_is_scored_as_in_oasis() -> None:
    n = unit((30, 40))
    boxed = np.full_like(n, np.nan)
    boxed[4:20, 10:33] = n[4:20, 10:33]
    p = rotated(n, 12)
    wild = np.where(np.isfinite(boxed), p, np.nan)  # outside of the box anything may stand
    assert angular_error(boxed, p).size == 16 * 23
    assert np.array_equal(angular_error(boxed, p), angular_error(boxed, wild))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 179.9), min_size=1, max_size=80))
def test_median_of_the_histogram(errors: list[float]) -> None:
    counts = np.bincount((np.array(errors) / 0.1).astype(int), minlength=1800)[:1800]
    low, high = np.percentile(errors, 50, method="lower"), np.percentile(errors, 50, method="higher")
    assert low - 0.11 <= float(histogram_median(counts)) <= high + 0.11


def test_invalid_truth_is_not_scored_missing_answers_are_the_worst() -> None:
    n = unit()
    n[0] = 0
    n[1] = np.nan
    assert angular_error(n, n).shape == (18 * 30,)
    p = n.copy()
    p[2] = np.nan
    p[3] = np.inf
    error = angular_error(n, p).reshape(18, 30)
    assert (error[:2] == 180).all() and error[2:].max() < 1e-4
    assert (angular_error(n, None) == 180).all()
    assert angular_error(n, np.zeros_like(n)) == pytest.approx(
        np.degrees(np.arccos(n[2:, :, 2])).ravel()
    )  # a zero vector is (0, 0, 1), and is counted


@pytest.mark.parametrize("name", ["constant", "inverted", "mirrored", "swapped", "shifted", "gray"])
def test_bad_answers_score_badly(name: str) -> None:
    n = np.repeat(np.repeat(unit((6, 8)), 6, 0), 6, 1)
    p = {
        "constant": np.broadcast_to([1.0, 0, 0], n.shape),
        "inverted": -n,
        "mirrored": n * [-1, 1, 1],  # left/right mistaken: the classic
        "swapped": n[..., [2, 0, 1]],
        "shifted": np.roll(n, 6, axis=1),
        "gray": np.full_like(n, 1 / 255),
    }[name]
    metric = NormalsMetric()
    metric.update(n, p)
    assert metric.compute()["mean"] > 30
    if name == "inverted":
        assert metric.compute()["mean"] == pytest.approx(180)


def test_pooled_and_per_image_differ_and_merge_adds() -> None:
    a, b = NormalsMetric(), NormalsMetric()
    small, large = unit((2, 2)), unit((10, 10))
    a.update(small, rotated(small, 40))
    b.update(large, rotated(large, 10))
    b.update(np.zeros((3, 3, 3)), unit((3, 3)))  # no valid pixel: left out
    a.merge(b)
    assert a.compute()["mean"] == pytest.approx((4 * 40 + 100 * 10) / 104)
    assert a.compute(pooled=False)["mean"] == pytest.approx(25)
    assert NormalsMetric().compute() == {}


def test_histogram_counts_every_pixel_and_180_is_in_the_last_bin() -> None:
    n = unit()
    stats = image_stats(n, -n)
    assert stats["histogram"] == [[1799, 600]]
    assert dense_histogram(stats["histogram"]).sum() == stats["sums"][0]


def test_unlike_shapes_refuse() -> None:
    with pytest.raises(InputError, match="resize it"):
        angular_error(unit((2, 2)), unit((2, 3)))


def test_a_picture_is_no_normals() -> None:
    with pytest.raises(InputError, match="decode it"):
        angular_error(np.ones((4, 4, 3)), np.full((4, 4, 3), 200, np.uint8))
