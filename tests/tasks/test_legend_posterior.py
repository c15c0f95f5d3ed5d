from __future__ import annotations

import time
import tracemalloc

import cv2
import numpy as np
import pytest

from visiongen.errors import InputError
from visiongen.prompt import Legend
from visiongen.tasks.codecs import legend_posterior
from visiongen.tasks.codecs.legend import (
    LegendNearest,
    choose_legend_colours,
    random_legend_colours,
)
from visiongen.tasks.codecs.legend_posterior import LegendPosterior, box_sum, mix_density

# The third colour is the mix of the first two; the fourth lies elsewhere.
ON_A_LINE = Legend.parse("a=#200020,b=#e000e0,between=#800080,d=#10f010")


def numbered(colours: np.ndarray) -> Legend:
    return Legend.of((str(i), colour) for i, colour in enumerate(colours.tolist()))


def regions(k: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Squares of 16 pixels of random classes."""
    return rng.integers(0, k, (size // 16, size // 16)).repeat(16, 0).repeat(16, 1)


def test_a_mix_goes_to_one_of_the_two_beside_it() -> None:
    labels = np.where(np.arange(40) < 20, 0, 1)[None].repeat(24, 0)
    blurred = cv2.GaussianBlur(LegendNearest(ON_A_LINE).encode(labels), (0, 0), 1.5)
    assert (LegendNearest(ON_A_LINE).decode(blurred)[0] == 2).any()
    decoded, confidence = LegendPosterior(ON_A_LINE).decode(blurred)
    assert (decoded < 2).all() and (decoded == labels).mean() > 0.97
    assert confidence[:, 19:21].max() < 0.95 < confidence[:, :15].min()


def test_a_class_between_is_kept_where_it_is_really_there() -> None:
    """A region, and a clean line one pixel wide, in the colour that a mix would have."""
    labels = np.where(np.arange(40) < 20, 0, 1)[None].repeat(24, 0)
    line, region = labels.copy(), labels.copy()
    line[:, 20], region[:, 16:24] = 2, 2
    codec = LegendPosterior(ON_A_LINE)
    assert np.array_equal(codec.decode(codec.encode(line))[0], line)
    noisy = codec.encode(region) + np.random.default_rng(0).normal(0, 4, (*region.shape, 3))
    decoded, _ = codec.decode(np.clip(noisy.round(), 0, 255).astype(np.uint8))
    assert (decoded[:, 18:22] == 2).all() and (decoded == region).mean() > 0.98


@pytest.mark.parametrize("sigma", [1, 4, 8, 16])
def test_the_noise_is_estimated(sigma: float) -> None:
    rng = np.random.default_rng(1)
    codec = LegendPosterior(numbered(choose_legend_colours(19, rng)))
    noisy = codec.encode(regions(19, 96, rng)) + rng.normal(0, sigma, (96, 96, 3))
    assert codec.estimate_noise(np.clip(noisy.round(), 0, 255).astype(np.uint8)) == pytest.approx(
        sigma, rel=0.2
    )


def test_probabilities_are_what_decode_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """They sum to 1, and do not depend on how many rows are worked on at a time."""
    rng = np.random.default_rng(2)
    codec = LegendPosterior(numbered(random_legend_colours(30, rng)), temperature=1.5)
    painted = rng.integers(0, 256, (120, 24, 3), np.uint8)
    whole = codec.probabilities(painted)
    assert whole.dtype == np.float32 and np.allclose(whole.sum(axis=2), 1, atol=1e-5)
    monkeypatch.setattr(legend_posterior, "_BAND", 30 * 24 * 9)
    assert len(list(codec.bands(painted))) == 12
    assert np.allclose(codec.probabilities(painted), whole, atol=1e-5)
    labels, confidence = codec.decode(painted)
    assert np.array_equal(labels, whole.argmax(axis=2)) and np.allclose(
        confidence, whole.max(axis=2), atol=1e-5
    )


def test_decoding_many_classes_holds_a_few_rows_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """All probabilities of this map would be 157 MB; bands of 5 MB an array are at work."""
    monkeypatch.setattr(legend_posterior, "_BAND", 1 << 19)
    rng = np.random.default_rng(3)
    codec = LegendPosterior(numbered(random_legend_colours(150, rng)))
    painted = codec.encode(np.tile(regions(150, 256, rng), (4, 1)))
    tracemalloc.start()
    codec.decode(painted)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 52e6


def test_wide_maps_of_many_classes_are_not_read_many_times_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies around a band is worked on with it; it was 21 rows for every one."""
    codec = LegendPosterior(numbered(random_legend_colours(150, np.random.default_rng(0))), noise=2.0)
    worked: list[int] = []

    def band(self: LegendPosterior, around: np.ndarray, rows: slice, noise: float) -> np.ndarray:
        worked.append(len(around))
        return np.zeros((rows.stop - rows.start, around.shape[1], 150), np.float32)

    monkeypatch.setattr(LegendPosterior, "_band", band)
    found = [rows for rows, _ in codec.bands(np.zeros((1000, 2048, 3), np.uint8))]
    assert [rows.start for rows in found] == [0, *(rows.stop for rows in found[:-1])]
    assert found[-1].stop == 1000
    assert sum(worked) <= 3 * 1000 and max(worked) <= 30


def test_a_legend_of_one() -> None:
    codec = LegendPosterior(Legend.parse("only=#102030"))
    labels, confidence = codec.decode(np.full((3, 5, 3), 200, np.uint8))
    assert not labels.any() and (confidence == 1).all()


def test_temperature_softens() -> None:
    painted = np.random.default_rng(4).integers(0, 256, (8, 8, 3), np.uint8)
    sharp, soft = (LegendPosterior(ON_A_LINE, temperature=t).decode(painted) for t in (1.0, 3.0))
    assert np.array_equal(sharp[0], soft[0]) and (soft[1] <= sharp[1] + 1e-6).all()


@pytest.mark.parametrize("bad", [{"noise": 0}, {"mixing": -1}, {"radius": 1.5}, {"temperature": "x"}])
def test_bad_parameters(bad: dict) -> None:
    with pytest.raises(InputError, match=next(iter(bad))):
        LegendPosterior(ON_A_LINE, **bad)


def test_box_sum_is_the_sum_of_the_window() -> None:
    values = np.random.default_rng(5).uniform(size=(6, 7, 3)).astype(np.float32)
    padded = np.pad(values, ((2, 2), (2, 2), (0, 0)))
    expect = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), (0, 1)).sum(axis=(3, 4))
    assert np.allclose(box_sum(values, 2), expect, atol=1e-4)


def test_mix_density_is_the_integral_along_the_segment() -> None:
    a, b, m, noise = np.array([10.0, 0, 0]), np.array([90.0, 40, 0]), np.array([40.0, 20, 9]), 8.0
    share = (np.arange(4000) + 0.5) / 4000
    points = a + share[:, None] * (b - a)
    gauss = np.exp(((m - points) ** 2).sum(1) / (-2 * noise**2)) / (2 * np.pi * noise**2) ** 1.5
    length = np.array([np.linalg.norm(b - a)])
    density, of_b = mix_density(
        np.array([((m - a) ** 2).sum()]), np.array([((m - b) ** 2).sum()]), length, noise
    )
    assert density[0] == pytest.approx(gauss.mean(), rel=1e-4) and 0 < of_b[0] < 0.5


@pytest.mark.parametrize("k", [1, 2, 11, 19])
def test_chosen_colours_are_apart_and_off_the_mixes(k: int) -> None:
    for seed in range(3):
        chosen = choose_legend_colours(k, np.random.default_rng(seed))
        assert chosen.dtype == np.uint8 and len(np.unique(chosen, axis=0)) == k
        assert np.array_equal(chosen, choose_legend_colours(k, np.random.default_rng(seed)))
        if k > 2:
            assert off_segments(chosen) > max(
                25, off_segments(random_legend_colours(k, np.random.default_rng(seed)))
            )


def test_a_hundred_and_fifty_colours_are_chosen_in_seconds() -> None:
    start = time.process_time()
    chosen = choose_legend_colours(150, np.random.default_rng(0)).astype(float)
    assert time.process_time() - start < 10
    gap = np.linalg.norm(chosen[:, None] - chosen, axis=2) + 1e9 * np.eye(150)
    assert gap.min() > 20  # random_legend_colours: 16


@pytest.mark.parametrize("k", [0, 256])
def test_too_few_or_many_colours(k: int) -> None:
    with pytest.raises(InputError, match="1 to 255"):
        choose_legend_colours(k, np.random.default_rng(0))


def off_segments(colours: np.ndarray) -> float:
    """Smallest distance of a colour from the segment between two others."""
    c = colours.astype(float)
    least = np.inf
    for i, j in zip(*np.triu_indices(len(c), 1), strict=True):
        along = c[j] - c[i]
        at = np.clip((c - c[i]) @ along / (along @ along), 0, 1)
        away = np.linalg.norm(c - c[i] - at[:, None] * along, axis=1)
        away[[i, j]] = np.inf
        least = min(least, away.min())
    return float(least)
