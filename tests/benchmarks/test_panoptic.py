"""PQ against a brute force over segments, torchmetrics, and predictions that must score badly."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torchmetrics.functional.detection import panoptic_quality

from visiongen.benchmarks.metrics import panoptic
from visiongen.errors import InputError

SIZE, NAMES, THINGS = (24, 32), ("sky", "road", "car", "person"), ("car", "person")


def picture(rng: np.random.Generator, void: bool = True) -> np.ndarray:
    """(H, W, 2): stuff above and below, things as rectangles, a corner of void."""
    labels = np.zeros((*SIZE, 2), int)
    labels[12:, :, 0] = 1
    for number in range(1, 6):
        y, x = rng.integers(0, 18), rng.integers(0, 26)
        h, w = rng.integers(3, 12, 2)
        labels[y : y + h, x : x + w] = rng.integers(2, 4), number
    if void:
        labels[:4, :5] = 255, 0
    return labels


def spoiled(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    given = np.roll(truth, rng.integers(-2, 3, 2), (0, 1))
    y, x = rng.integers(0, 18, 2)
    given[y : y + 5, x : x + 6] = rng.integers(0, 4), 0
    given[given[..., 0] < 2, 1] = 0
    return given


def brute(truths: list[np.ndarray], predictions: list[np.ndarray]) -> dict[str, list[float]]:
    """Per class (iou, tp, fp, fn) from masks, pair by pair."""
    table = {k: [0.0, 0, 0, 0] for k in range(len(NAMES))}
    for truth, given in zip(truths, predictions, strict=True):
        void = ~np.isin(truth[..., 0], range(len(NAMES)))
        segments = []
        for labels in (truth, given):
            pairs = {tuple(p) for p in labels.reshape(-1, 2).tolist() if p[0] in table}
            segments.append({p: (labels == p).all(-1) for p in pairs})
        used: set[tuple[int, tuple[int, int]]] = set()
        for (t, mask_t), (p, mask_p) in itertools.product(segments[0].items(), segments[1].items()):
            if t[0] != p[0]:
                continue
            inter = (mask_t & mask_p).sum()
            union = (mask_t | (mask_p & ~void)).sum()
            if inter / union > 0.5:
                table[t[0]][0] += inter / union
                table[t[0]][1] += 1
                used |= {(0, t), (1, p)}
        for t in segments[0]:
            table[t[0]][3] += (0, t) not in used
        for p, mask in segments[1].items():
            if (1, p) not in used and (mask & void).sum() <= mask.sum() / 2:
                table[p[0]][2] += 1
    return {NAMES[k]: v for k, v in table.items()}


def scored(truths: list[np.ndarray], predictions: list) -> dict[str, float]:
    stats = [panoptic.image_stats(t, p, len(NAMES)) for t, p in zip(truths, predictions, strict=True)]
    sums = np.sum([panoptic.vector(one, len(NAMES)) for one in stats], axis=0)
    return {name: float(value) for name, value in panoptic.scores(sums, NAMES, THINGS).items()}


@pytest.mark.parametrize("seed", range(8))
def test_equals_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truths = [picture(rng) for _ in range(4)]
    predictions = [spoiled(t, rng) for t in truths]
    expected, ours = brute(truths, predictions), scored(truths, predictions)
    values = []
    for name, (iou, tp, fp, fn) in expected.items():
        if tp + fp + fn:
            values.append(iou / (tp + fp / 2 + fn / 2))
            assert ours[f"PQ/{name}"] == pytest.approx(values[-1])
    assert ours["PQ"] == pytest.approx(np.mean(values))
    there = [v for v in expected.values() if sum(v[1:])]
    assert ours["RQ"] == pytest.approx(np.mean([tp / (tp + fp / 2 + fn / 2) for _, tp, fp, fn in there]))
    assert ours["SQ"] == pytest.approx(np.mean([iou / tp if tp else 0 for iou, tp, _, _ in there]))


@pytest.mark.parametrize("seed", range(4))
def test_equals_torchmetrics(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = picture(rng, void=False)
    given = spoiled(truth, rng)
    theirs = panoptic_quality(
        torch.from_numpy(given[None]), torch.from_numpy(truth[None]), things={2, 3}, stuffs={0, 1}
    )
    assert scored([truth], [given])["PQ"] == pytest.approx(float(theirs), abs=1e-6)


def test_perfect_is_one_and_what_is_bad_is_low() -> None:
    truth = picture(np.random.default_rng(0))
    perfect = scored([truth], [truth])
    assert perfect["PQ"] == perfect["PQ_things"] == perfect["PQ_stuff"] == 1
    other_class = truth.copy()
    other_class[..., 0] = (truth[..., 0] + 1) % 4
    bad = {
        "failed": None,
        "one class": np.zeros_like(truth),
        "void": np.full_like(truth, 255),
        "other class": other_class,
        "NaN": np.full(truth.shape, np.nan),
        "shifted": np.roll(truth, 12, axis=0),
    }
    for name, prediction in bad.items():
        assert scored([truth], [prediction])["PQ"] < 0.3, name
    assert scored([truth], [None])["PQ"] == 0
    # Merged and split things cost, though every pixel has its class.
    merged, split = truth.copy(), truth.copy()
    merged[..., 1] = np.minimum(truth[..., 1], 1)
    split[..., 1] = np.where(truth[..., 1] > 0, truth[..., 1] + 10 * (np.arange(SIZE[1]) % 2), 0)
    for prediction in (merged, split):
        found = scored([truth], [prediction])
        assert found["PQ_things"] < 0.7 and found["PQ_stuff"] == 1


def test_predictions_on_void_are_not_counted_and_shapes_are_checked() -> None:
    truth = picture(np.random.default_rng(1))
    given = truth.copy()
    given[:4, :5] = 3, 9
    assert scored([truth], [given])["PQ"] == 1
    with pytest.raises(InputError, match="shape"):
        panoptic.image_stats(truth, truth[..., 0], 4)
