"""Anomaly scores against scikit-learn and components counted by hand, and answers that must score badly."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import label
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from visiongen.benchmarks.metrics import anomaly
from visiongen.benchmarks.metrics.anomaly import AnomalyMetric, image_stats, scores, vector
from visiongen.benchmarks.scoring import check_finite_json, scorer_for
from visiongen.errors import InputError

SIZE = (48, 64)


def scene(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three boxes on a road, a void sky; a noisy score that finds most of them and some more."""
    rng = np.random.default_rng(seed)
    truth = np.zeros(SIZE, np.uint8)
    for _ in range(3):
        y, x = rng.integers(10, 36), rng.integers(2, 50)
        truth[y : y + rng.integers(3, 10), x : x + rng.integers(3, 12)] = 1
    near = np.roll(truth, rng.integers(-2, 3), axis=1) * rng.uniform(0.3, 0.6)
    near[rng.integers(12, 40) :, rng.integers(2, 50)] += 0.4
    soft = np.clip(near + rng.normal(0.25, 0.12, SIZE), 0, 1).astype(np.float32)
    truth[:8] = 255
    return truth, soft


def of(truths: list, answers: list, **limits: int) -> dict[str, float]:
    metric = AnomalyMetric(**limits)
    for truth, answer in zip(truths, answers, strict=True):
        metric.update(truth, answer)
    return metric.compute()


SCENES = [scene(seed) for seed in range(6)]
TRUTHS, SOFT = [t for t, _ in SCENES], [s for _, s in SCENES]
PIXELS = np.concatenate([t[t != 255] for t in TRUTHS])
VALUES = np.concatenate([s[t != 255] for t, s in SCENES])


def test_pixel_scores_equal_scikit_learn() -> None:
    """On the levels exactly; on unquantised scores within what 1024 levels cost (FPR95: one level)."""
    found = of(TRUTHS, SOFT)
    levels = anomaly.levels_of(VALUES)
    for values, bound in ((levels, 1e-12), (VALUES, 1e-3)):
        rate, recall, _ = roc_curve(PIXELS, values, drop_intermediate=False)
        assert found["AP"] == pytest.approx(average_precision_score(PIXELS, values), abs=bound)
        assert found["AUROC"] == pytest.approx(roc_auc_score(PIXELS, values), abs=bound)
        assert found["FPR95"] == pytest.approx(rate[(recall >= 0.95).argmax()], abs=6 * bound)
    cuts = [2 * (PIXELS & (levels >= c)).sum() / (PIXELS.sum() + (levels >= c).sum()) for c in range(1024)]
    assert found["F1"] == pytest.approx(max(cuts))


def test_a_hard_mask_is_one_point_of_the_curve() -> None:
    masks = [s > 0.5 for s in SOFT]
    flat = np.concatenate([m[t != 255] for m, t in zip(masks, TRUTHS, strict=True)])
    found = of(TRUTHS, masks)
    recall, precision = (flat & (PIXELS == 1)).sum() / PIXELS.sum(), PIXELS[flat].mean()
    assert found["AP"] == pytest.approx(recall * precision + (1 - recall) * PIXELS.mean())
    assert found["AP"] == pytest.approx(average_precision_score(PIXELS, flat))
    assert found["AP"] < of(TRUTHS, SOFT)["AP"]
    assert found["FPR95"] == 1  # the point's recall is below .95, so only everything reaches it
    assert found == of(TRUTHS, [m.astype(np.uint8) for m in masks]) == of(TRUTHS, [m * 1.0 for m in masks])


def by_hand(truths: list, masks: list, min_pred: int, min_truth: int) -> dict[str, float]:
    """sIoU, PPV and F1* component by component, after the paper's definitions."""
    siou: list[float] = []
    precision: list[float] = []
    for truth, mask in zip(truths, masks, strict=True):
        objects, _ = label(truth == 1, np.ones((3, 3)))
        parts, _ = label(mask & (truth != 255), np.ones((3, 3)))
        for k in range(1, parts.max() + 1):
            if (parts == k).sum() < min_pred:
                parts[parts == k] = 0
        seen = truth != 255
        for k in range(1, objects.max() + 1):
            if (objects == k).sum() < min_truth:
                seen &= objects != k
        objects, parts = objects * seen, parts * seen
        for k in set(np.unique(objects)) - {0}:
            touching = np.isin(parts, list(set(np.unique(parts[objects == k])) - {0}))
            union = (touching | (objects == k)) & ~((objects > 0) & (objects != k) & touching)
            siou.append((touching & (objects == k)).sum() / union.sum())
        precision += [(objects[parts == k] > 0).mean() for k in set(np.unique(parts)) - {0}]
    ours, right = np.array(siou), np.array(precision)
    f1 = []
    for cut in np.linspace(0.25, 0.75, 11):
        tp, fp = (ours >= cut).sum(), (right < cut).sum()
        f1.append(2 * tp / (tp + len(ours) + fp))
    return {"sIoU": ours.mean(), "PPV": right.mean(), "F1*": float(np.mean(f1))}


def test_an_object_found_to_three_fifths_misses_the_official_six_tenths() -> None:
    """road_anomaly_benchmark takes numpy.linspace(0.25, 0.75, 11), whose 0.6 is above 3 / 5."""
    truth = np.zeros((3, 7), np.uint8)
    truth[1, 1:6] = 1
    mask = np.zeros((3, 7), bool)
    mask[1, 1:4] = True
    sums = anomaly.component_sums(anomaly.Objects.of(truth, 1), mask, 1)
    found, false = sums[3:14], sums[14:]
    assert sums[:3] == [1, 0.6, 1] and found == [1] * 7 + [0] * 4 and false == [0] * 11


@pytest.mark.parametrize("limits", [(0, 0), (12, 20), (60, 0)])
def test_component_scores_by_hand(limits: tuple[int, int]) -> None:
    found = of(TRUTHS, SOFT, min_pred=limits[0], min_truth=limits[1])
    levels = [anomaly.levels_of(s) for s in SOFT]

    def pixel_f1(cut: int) -> float:
        chosen = [(k >= cut) & (t != 255) for k, t in zip(levels, TRUTHS, strict=True)]
        hits = sum((c & (t == 1)).sum() for c, t in zip(chosen, TRUTHS, strict=True))
        return 2 * hits / (PIXELS.sum() + sum(c.sum() for c in chosen))

    best = max(anomaly.GRID, key=pixel_f1)
    assert found["F1"] - pixel_f1(best) < 0.01  # what the grid costs
    expected = by_hand(TRUTHS, [k >= best for k in levels], *limits)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value), name


def test_perfect_and_bad_answers() -> None:
    right = of(TRUTHS, [t == 1 for t in TRUTHS])
    assert right == {name: 0 if name == "FPR95" else 1 for name in anomaly.HIGHER_IS_BETTER}
    share = PIXELS.mean()
    bad: dict[str, list] = {
        "constant": [np.full(SIZE, 0.5)] * 6,
        "empty": [np.zeros(SIZE, bool)] * 6,
        "full": [np.ones(SIZE, bool)] * 6,
        "inverted": [1 - s for s in SOFT],
        "shifted": [np.roll(t == 1, 14, axis=1) for t in TRUTHS],
        "void called anomalous": [t == 255 for t in TRUTHS],
        "NaN": [np.full(SIZE, np.nan)] * 6,
        "failed": [None] * 6,
    }
    for name, answers in bad.items():
        found = of(TRUTHS, answers)
        assert found["AP"] < share + 0.05 and found["FPR95"] > 0.7 and found["F1"] < 0.2, (name, found)
        assert found["F1*"] < 0.1, (name, found)
    for name in ("NaN", "failed"):
        found = of(TRUTHS, bad[name])
        assert found == {k: 1 if k == "FPR95" else 0 for k in found}
    one_lost = of(TRUTHS, [None, *SOFT[1:]])
    assert one_lost["AP"] < of(TRUTHS, [np.zeros(SIZE), *SOFT[1:]])["AP"] < of(TRUTHS, SOFT)["AP"]
    assert of(TRUTHS[:1] * 2, [SOFT[0], None])["FPR95"] == 1  # never found: .95 cannot be reached


def test_void_does_not_count_and_sums_add_up() -> None:
    noise = [np.where(t == 255, 1, s) for t, s in SCENES]
    assert of(TRUTHS, noise) == of(TRUTHS, SOFT)
    one, two = AnomalyMetric(5, 5), AnomalyMetric(5, 5)
    for number, pair in enumerate(SCENES):
        (one if number % 2 else two).update(*pair)
    one.merge(two)
    assert one.compute() == pytest.approx(of(TRUTHS, SOFT, min_pred=5, min_truth=5))
    with pytest.raises(InputError, match="size limits"):
        one.merge(AnomalyMetric())
    stats = [image_stats(*pair) for pair in SCENES]
    assert json.loads(json.dumps(stats)) == stats
    rows = np.stack([vector(s) for s in stats])
    for place, row in enumerate(rows):
        for name, value in scores(row).items():
            assert scores(rows)[name][place] == pytest.approx(float(value))
    calm = of([np.zeros(SIZE, np.uint8)], [SOFT[0]])
    assert np.isnan([calm[n] for n in ("AP", "FPR95", "F1", "F1*")]).all()


def test_unusable_answers_are_refused() -> None:
    truth, soft = SCENES[0]
    with pytest.raises(InputError, match="outside"):
        image_stats(truth, soft * 30)
    with pytest.raises(InputError, match="resize"):
        image_stats(truth, soft.T)
    with pytest.raises(InputError, match="labels"):
        image_stats(truth * 2, soft)


def scorer(**protocol: Any) -> Any:
    return scorer_for({"name": "made", "task": "referring", "scorer": "anomaly"} | protocol)


def test_confidence_orders_pixels_and_the_mask_comes_first() -> None:
    mask = np.array([[True, True, False, False]])
    sure = np.array([[0.9, 0.1, 0.2, 0.8]], np.float32)
    answer = scorer().answer(SimpleNamespace(mask=mask, confidence=sure), {})
    assert answer.dtype == np.float32 and np.allclose(answer, [[0.95, 0.55, 0.4, 0.1]])
    truth, soft = SCENES[0]
    stats = scorer(min_pred=12, min_truth=20).stats(truth, soft)
    check_finite_json(stats)
    assert stats == image_stats(truth, soft, 12, 20)
    assert scorer().labels(truth, {}).max() == 1 and scorer().labels(truth, {})[0].max() == 0
    guess = scorer().prior(TRUTHS)(SIZE)
    assert guess.min() >= 0 and 0.05 < guess.max() <= 1


def test_a_mask_of_whole_numbers_is_of_0_and_1() -> None:
    truth = TRUTHS[0]
    assert of([truth], [(truth == 1).astype(np.uint8)])["AP"] == pytest.approx(1)
    assert of([truth], [truth == 1])["AP"] == pytest.approx(1)
    with pytest.raises(InputError, match="0 and 1"):
        of([truth], [(truth == 1).astype(np.uint8) * 255])
