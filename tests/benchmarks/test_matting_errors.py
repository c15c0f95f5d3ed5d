"""Grad and Conn against the official codes' formulas, written out slowly; by hand; wrong answers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import convolve, gaussian_filter
from skimage import measure

from visiongen.benchmarks.metrics.matting import SUMS, image_stats
from visiongen.benchmarks.metrics.matting_errors import (
    connectivity_error,
    gradient,
    gradient_error,
    largest_component,
    steepest,
    stretch,
)
from visiongen.benchmarks.protocols import load_protocol
from visiongen.benchmarks.scorers import scorer_for

RNG = np.random.default_rng(2)


def mattes(size: tuple[int, int] = (50, 70)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Prediction and truth of 8 bits, and a trimap of 0, 128, 255."""
    blob = gaussian_filter(RNG.normal(size=size), 5)
    alpha = np.clip(0.5 + 4 * blob / abs(blob).max(), 0, 1)
    guess = np.clip(alpha + gaussian_filter(RNG.normal(0, 1, size), 1) * 0.4, 0, 1)
    alpha, guess = (np.rint(m * 255) / 255 for m in (alpha, guess))
    trimap = np.where(alpha == 1, 255, np.where(alpha == 0, 0, 128))
    return guess, alpha, trimap


def matlab_gradient(matte: np.ndarray) -> np.ndarray:
    """gaussgradient.m: the kernel as a double loop over exp, then imfilter(..., 'replicate', 'conv')."""
    sigma, epsilon = 1.4, 1e-2
    half = int(np.ceil(sigma * np.sqrt(-2 * np.log(np.sqrt(2 * np.pi) * sigma * epsilon))))
    kernel = np.zeros((2 * half + 1, 2 * half + 1))
    for i in range(-half, half + 1):
        for j in range(-half, half + 1):
            bell = [np.exp(-(u**2) / (2 * sigma**2)) / (sigma * np.sqrt(2 * np.pi)) for u in (i, j)]
            kernel[i + half, j + half] = bell[0] * -j * bell[1] / sigma**2
    kernel /= np.sqrt((abs(kernel) ** 2).sum())
    x, y = (convolve(matte, k, mode="nearest") for k in (kernel, kernel.T))
    return np.sqrt(x**2 + y**2)


def scipy_gradient(matte: np.ndarray) -> np.ndarray:
    """P3M and AIM core/evaluate.py."""
    x, y = (gaussian_filter(matte, sigma=1.4, order=order) for order in ([1, 0], [0, 1]))
    return np.sqrt(x**2 + y**2)


def conn(
    guess: np.ndarray, alpha: np.ndarray, steps: np.ndarray, where: np.ndarray, lenient: bool = False
) -> float:
    """compute_connectivity_error; ``lenient``: with the ``continue`` of P3M and AIM core/evaluate.py."""
    level = -np.ones(alpha.shape)
    for number in range(1, len(steps)):
        both = (guess >= steps[number]) & (alpha >= steps[number])
        parts = measure.label(both, connectivity=1)
        regions = measure.regionprops(parts)
        if lenient and not regions:
            continue
        omega = np.zeros(alpha.shape)
        if regions:
            coords = regions[int(np.argmax([r.area for r in regions]))].coords
            omega[coords[:, 0], coords[:, 1]] = 1
        level[(level == -1) & (omega == 0)] = steps[number - 1]
    level[level == -1] = 1
    phi = [1 - (m - level) * ((m - level) >= 0.15) for m in (guess, alpha)]
    return float((abs(phi[0] - phi[1]) * where).sum() / 1000)


@pytest.mark.parametrize("size", [(50, 70), (31, 33)])
def test_matlab_convention(size: tuple[int, int]) -> None:
    guess, alpha, trimap = mattes(size)
    unknown = trimap == 128
    gray = [(m - m.min()) / (m.max() - m.min()) for m in (guess, alpha)]
    expected = (((matlab_gradient(gray[0]) - matlab_gradient(gray[1])) ** 2) * unknown).sum() / 1000
    assert gradient_error(guess, alpha, unknown, "comp1k") == pytest.approx(expected, rel=1e-9)
    steps = np.array([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    expected = conn(guess, alpha, steps, unknown)
    assert connectivity_error(guess, alpha, unknown, "comp1k") == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("size", [(50, 70), (31, 33)])
def test_python_convention(size: tuple[int, int]) -> None:
    guess, alpha, _ = mattes(size)
    expected = ((scipy_gradient(guess) - scipy_gradient(alpha)) ** 2).sum() / 10
    assert gradient_error(guess, alpha, None, "p3m") == pytest.approx(expected, rel=1e-9)
    expected = conn(guess, alpha, np.arange(0, 1 + 0.1, 0.1), np.ones(alpha.shape))
    assert connectivity_error(guess, alpha, None, "p3m") == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("seen", "there"), [(1.0, 1.0), (0.97, 1.0), (0.6, 0.85), (0.3, 0.5), (0.0, 1.0)])
def test_glass_smoke_and_an_empty_matte_as_p3m_counts_them(seen: float, there: float) -> None:
    """Mattes that are opaque nowhere: from some threshold on there is nothing common to both."""
    guess, alpha, _ = mattes()
    guess, alpha = guess * seen, alpha * there
    steps, everywhere = np.arange(0, 1.1, 0.1), np.ones(alpha.shape)
    official = conn(guess, alpha, steps, everywhere, lenient=True)
    assert connectivity_error(guess, alpha, None, "p3m", lenient=True) == pytest.approx(official, rel=1e-9)
    strict = connectivity_error(guess, alpha, None, "p3m")
    assert strict == pytest.approx(conn(guess, alpha, steps, everywhere), rel=1e-9)
    assert strict > 1.05 * official or seen > 0.9


@pytest.mark.parametrize("name", ["p3m-500-p", "p3m-500-np", "aim-500", "matting-alpha"])
def test_published_sets_count_conn_as_their_own_code_and_a_failed_image_in_full(name: str) -> None:
    guess, alpha, trimap = mattes()
    truth = np.stack([0.85 * alpha, trimap == 128], 2)
    scorer = scorer_for(load_protocol(name))
    found, none = (
        dict(zip(SUMS, scorer.stats(truth, answer)["sums"], strict=True))["Conn"]
        for answer in (0.6 * guess, None)
    )
    lenient = name != "matting-alpha"
    assert found == connectivity_error(0.6 * guess, truth[..., 0], None, "p3m", lenient=lenient)
    worst = np.where(truth[..., 0] < 0.5, 1.0, 0.0)
    assert none == connectivity_error(worst, truth[..., 0], None, "p3m") > found


def test_scores_of_an_image_in_both_conventions() -> None:
    guess, alpha, trimap = mattes()
    unknown = trimap == 128
    found = dict(zip(SUMS, image_stats(np.stack([alpha, unknown], 2), guess)["sums"], strict=True))
    known = np.where(trimap == 255, 1.0, np.where(trimap == 0, 0.0, guess))  # as the test scripts do
    error = abs(guess - alpha)
    assert found["SAD"] == pytest.approx(error.sum() / 1000) and found["MAD"] == pytest.approx(error.mean())
    assert found["MSE"] == pytest.approx((error**2).mean())
    assert found["SAD_fg"] == pytest.approx(error[trimap == 255].sum() / 1000)
    assert found["SAD_bg"] == pytest.approx(error[trimap == 0].sum() / 1000)
    assert found["SAD_trimap"] == pytest.approx(error[unknown].sum() / 1000)
    assert found["SAD"] == pytest.approx(found["SAD_fg"] + found["SAD_bg"] + found["SAD_trimap"])
    assert found["MSE_trimap"] == pytest.approx((error[unknown] ** 2).mean())
    assert found["MAD_trimap"] == pytest.approx(error[unknown].mean())
    assert found["Grad"] == gradient_error(guess, alpha, None, "p3m")
    assert found["Conn"] == connectivity_error(guess, alpha, None, "p3m")
    assert found["Grad_trimap"] == gradient_error(known, alpha, unknown, "comp1k")
    assert found["Conn_trimap"] == connectivity_error(known, alpha, unknown, "comp1k")


def test_a_straight_edge_by_hand() -> None:
    """Far from the border a step of height 1 has the Gaussian itself as its gradient."""
    step = np.zeros((40, 40))
    step[:, 20:] = 1
    bell = np.exp(-(np.arange(-6, 7) ** 2) / (2 * 1.4**2))
    slope = np.arange(1, 7) / 1.4**2 * bell[7:] / bell.sum()
    assert gradient(step, "p3m")[20, 20] == pytest.approx(slope.sum(), rel=1e-9)
    assert gradient(step, "p3m")[20, 5] == 0
    for convention in ("p3m", "comp1k"):
        assert gradient(step, convention).max() < steepest(convention)
        assert gradient_error(0.5 * step, step, None, "comp1k") < 1e-12  # both are stretched
    assert gradient_error(0.5 * step, step, None, "p3m") == pytest.approx(
        (0.25 * gradient(step, "p3m") ** 2).sum() / 10
    )
    assert stretch(np.full((2, 2), 0.3)).tolist() == [[0.3, 0.3], [0.3, 0.3]]


def test_a_separate_island_costs_its_opacity() -> None:
    alpha = np.zeros((20, 20))
    alpha[2:18, 2:10] = 1
    guess = alpha.copy()
    guess[5:8, 14:17] = 0.9
    assert connectivity_error(guess, alpha, None, "p3m") == pytest.approx(9 * 0.9 / 1000)
    bridged = guess.copy()
    bridged[6, 10:14] = 0.9  # now the guess is in one piece, the truth is still not
    assert connectivity_error(bridged, alpha, None, "p3m") == pytest.approx(13 * 0.9 / 1000)
    alpha[:] = bridged
    assert connectivity_error(bridged, alpha, None, "p3m") == 0
    assert not largest_component(np.zeros((3, 3), bool)).any()


@pytest.mark.parametrize("name", ["empty", "full", "inverted", "shifted", "nan", "none", "half"])
def test_wrong_and_missing_answers_score_as_badly_as_they_are(name: str) -> None:
    """An empty matte is perfectly connected for P3M's code, an inverted one has the very same edges."""
    _, alpha, trimap = mattes()
    truth = np.stack([alpha, trimap == 128], 2)
    answer = {
        "empty": np.zeros_like(alpha),
        "full": np.ones_like(alpha),
        "inverted": 1 - alpha,
        "shifted": np.roll(alpha, 9, axis=1),
        "nan": np.full_like(alpha, np.nan),
        "none": None,
        "half": np.where(np.arange(70) % 2, alpha, np.nan),
    }[name]
    found, best, none = (
        dict(zip(SUMS, image_stats(truth, a)["sums"], strict=True)) for a in (answer, alpha, None)
    )
    for score in ("SAD", "MSE", "Conn", "SAD_trimap", "Conn_trimap"):
        assert best[score] == 0 < found[score] <= none[score] * 1.0001, score
    assert found["Conn"] > 0.1 * none["Conn"] and found["MAD"] > 0.1
    if name != "inverted":
        assert found["Grad"] > 0.2 and best["Grad"] < 1e-12
    assert found["Grad"] <= none["Grad"] and found["Grad_trimap"] <= none["Grad_trimap"]
