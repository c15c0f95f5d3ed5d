"""Matting scores: by hand on small mattes, and answers that are wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest

from visiongen.benchmarks.metrics import matting
from visiongen.benchmarks.metrics.matting import MattingMetric, image_stats, scores, unknown_region, vector
from visiongen.errors import InputError


def of(truth: np.ndarray, prediction: np.ndarray | None) -> dict[str, float]:
    return {k: float(v) for k, v in scores(vector(image_stats(truth, prediction))).items()}


def ramp(size: tuple[int, int] = (60, 100)) -> np.ndarray:
    """Opaque on the left, see-through on the right, 20 pixels in between."""
    x = np.arange(size[1])
    return np.tile(np.clip((60 - x) / 20, 0, 1), (size[0], 1)).astype(np.float32)


def test_by_hand() -> None:
    truth, guess = np.zeros((10, 20)), np.zeros((10, 20))
    truth[:, :10] = 1
    guess[:, :10] = 0.5
    trimap = np.zeros((10, 20))
    trimap[:, 8:12] = 1
    found = of(np.stack([truth, trimap], axis=2), guess)
    assert found["SAD"] == pytest.approx(100 * 0.5 / 1000) and found["MSE"] == pytest.approx(0.125)
    assert found["MAD"] == pytest.approx(0.25)
    assert found["SAD_trimap"] == pytest.approx(20 * 0.5 / 1000)
    assert found["MSE_trimap"] == pytest.approx(0.125)


def test_a_trimap_of_its_own() -> None:
    truth = ramp()
    unknown = unknown_region(truth)
    assert unknown[:, 41:60].all() and not unknown[:, :38].any() and not unknown[:, 63:].any()
    hard = (truth > 0.5).astype(np.float32)
    assert unknown_region(hard).any() and unknown_region(hard).mean() < 0.1
    assert not unknown_region(np.zeros((20, 20))).any()
    wrong = truth.copy()
    wrong[:, :10] = 0  # a hole in the sure foreground is outside of the trimap
    found = of(truth, wrong)
    assert found["SAD"] == pytest.approx(0.6) and found["SAD_trimap"] == 0


def test_wrong_answers_score_as_badly_as_they_are() -> None:
    truth = ramp()
    right = of(truth, truth)
    assert set(right.values()) == {0}
    worst = np.where(truth < 0.5, 1.0, 0.0)
    expected = float(abs(worst - truth).sum() / 1000)
    for name, answer in {"none": None, "nan": np.full_like(truth, np.nan), "opposite": worst}.items():
        assert of(truth, answer)["SAD"] == pytest.approx(expected), name
    for answer in (np.zeros_like(truth), np.ones_like(truth), np.full_like(truth, 0.5), 1 - truth):
        found = of(truth, answer)
        assert found["MAD"] > 0.1 and found["SAD"] <= expected and found["MSE_trimap"] > 0.05
    assert of(truth, np.roll(truth, 9, axis=1))["SAD_trimap"] > 0.2
    assert of(truth, truth + 5)["SAD"] == of(truth, np.ones_like(truth))["SAD"]  # clipped


def test_unknown_truth_is_not_scored() -> None:
    truth = ramp()
    truth[:10] = np.nan
    guess = ramp()
    guess[:10] = 0.3
    assert of(truth, guess)["SAD"] == 0
    assert image_stats(np.full((4, 4), np.nan), guess[:4, :4])["sums"] == [0.0] * len(matting.SUMS)


def test_sums_merge_and_survive_json() -> None:
    truth = ramp()
    guesses = [np.roll(truth, s, axis=1) for s in (1, 4)]
    stats = [image_stats(truth, g) for g in guesses]
    assert json.loads(json.dumps(stats)) == stats
    one, two = MattingMetric(), MattingMetric()
    one.update(truth, guesses[0])
    two.update(truth, guesses[1])
    one.merge(two)
    mean = {k: (of(truth, guesses[0])[k] + of(truth, guesses[1])[k]) / 2 for k in matting.HIGHER_IS_BETTER}
    assert one.compute() == pytest.approx(mean)
    vectors = np.stack([vector(s) for s in stats])
    assert scores(vectors)["SAD"] == pytest.approx([of(truth, g)["SAD"] for g in guesses])
    with pytest.raises(InputError, match="alpha"):
        image_stats(truth, truth[1:])
    with pytest.raises(InputError, match="trimap"):
        image_stats(np.stack([truth] * 3, axis=2), truth)
