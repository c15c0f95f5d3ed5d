"""Referring masks and maps of numbers, against other libraries and predictions that must score badly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio
from torchmetrics.functional.classification import binary_jaccard_index

from visiongen.benchmarks.metrics import maps, masks
from visiongen.benchmarks.metrics.masks import MaskMetric
from visiongen.benchmarks.scoring import scorer_for
from visiongen.errors import InputError, UsageError

SIZE = (20, 30)


def blobs(seed: int, count: int = 5) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        mask = np.zeros(SIZE, bool)
        y, x = rng.integers(0, 12, 2)
        mask[y : y + rng.integers(4, 9), x : x + rng.integers(4, 15)] = True
        found.append(mask)
    return found


def mask_scores(truths: list, predictions: list) -> dict[str, float]:
    stats = [masks.image_stats(t, p) for t, p in zip(truths, predictions, strict=True)]
    sums = np.sum([masks.vector(s) for s in stats], axis=0)
    return {name: float(value) for name, value in masks.scores(sums).items()}


def test_ious_equal_torchmetrics() -> None:
    truths, predictions = blobs(0), blobs(1)
    found = mask_scores(truths, predictions)
    each = [
        float(binary_jaccard_index(torch.from_numpy(p.astype(int)), torch.from_numpy(t.astype(int))))
        for t, p in zip(truths, predictions, strict=True)
    ]
    assert found["gIoU"] == pytest.approx(np.mean(each), abs=1e-6)
    whole = binary_jaccard_index(
        torch.from_numpy(np.stack(predictions).astype(int)), torch.from_numpy(np.stack(truths).astype(int))
    )
    assert found["cIoU"] == pytest.approx(float(whole), abs=1e-6)
    for cut in (50, 70, 90):
        assert found[f"Pr{cut}"] == pytest.approx(np.mean([e >= cut / 100 for e in each]))


def test_bad_masks_score_badly() -> None:
    truths = blobs(2)
    assert mask_scores(truths, truths)["gIoU"] == mask_scores(truths, truths)["Pr90"] == 1
    bad = {
        "empty": [np.zeros(SIZE, bool)] * 5,
        "full": [np.ones(SIZE, bool)] * 5,
        "inverted": [~t for t in truths],
        "NaN": [np.full(SIZE, np.nan)] * 5,
        "failed": [None] * 5,
        "shifted": [np.roll(t, 10, axis=0) for t in truths],
    }
    for name, predictions in bad.items():
        found = mask_scores(truths, predictions)
        assert found["gIoU"] < 0.25 and found["cIoU"] < 0.25 and found["Pr50"] == 0, name
    assert mask_scores(truths, [None] * 5)["cIoU"] <= mask_scores(truths, [~t for t in truths])["cIoU"] == 0
    # A failed image among good ones costs more than an empty answer.
    assert (
        mask_scores(truths, [None, *truths[1:]])["cIoU"]
        < mask_scores(truths, [~truths[0] & False, *truths[1:]])["cIoU"]
    )
    nothing = np.zeros(SIZE, bool)
    assert mask_scores([nothing], [nothing])["gIoU"] == 1
    with pytest.raises(InputError, match="resize"):
        masks.image_stats(nothing, np.zeros((3, 3), bool))


def test_both_conventions_of_nothing_for_nothing_and_pixels_without_truth() -> None:
    truths, predictions = [*blobs(0), np.zeros(SIZE, bool)], [*blobs(1), np.zeros(SIZE, bool)]
    protocol = {"name": "made", "task": "referring"}
    found = {}
    for name in ("lisa", "lavt"):
        scorer, metric = scorer_for(protocol | {"empty_union": name}), MaskMetric(masks.EMPTY_UNION[name])
        rows = [scorer.vector(scorer.stats(t, p)) for t, p in zip(truths, predictions, strict=True)]
        found[name] = {k: float(v) for k, v in scorer.scores(np.sum(rows, axis=0)).items()}
        for pair in zip(truths, predictions, strict=True):
            metric.update(*pair)
        assert metric.compute() == pytest.approx(found[name])
    each = [(t & p).sum() / (t | p).sum() for t, p in zip(truths[:5], predictions[:5], strict=True)]
    assert found["lisa"]["gIoU"] == pytest.approx((sum(each) + 1) / 6)
    assert found["lavt"]["gIoU"] == pytest.approx(sum(each) / 6)
    assert found["lisa"]["cIoU"] == found["lavt"]["cIoU"]
    assert found["lisa"]["Pr90"] - found["lavt"]["Pr90"] == pytest.approx(1 / 6)
    assert scorer_for(protocol).vector({"intersection": 0, "union": 0})[3] == 1
    wrongly_found = mask_scores([truths[-1]], [truths[0]])
    assert wrongly_found["gIoU"] == wrongly_found["cIoU"] == 0
    with pytest.raises(UsageError, match="empty_union"):
        scorer_for(protocol | {"empty_union": "0"})
    with pytest.raises(InputError, match="merge"):
        MaskMetric(1.0).merge(MaskMetric(0.0))
    partly = truths[0].astype(float)
    partly[:10] = np.nan
    stats = masks.image_stats(partly, predictions[0])
    union = (truths[0] | predictions[0])[10:].sum()
    assert stats == {"intersection": int((truths[0] & predictions[0])[10:].sum()), "union": int(union)}
    assert masks.image_stats(partly, None)["union"] == partly[10:].size


def map_scores(truths: list, predictions: list) -> dict[str, float]:
    stats = [maps.image_stats(t, p) for t, p in zip(truths, predictions, strict=True)]
    sums = np.sum([maps.vector(s) for s in stats], axis=0)
    return {name: float(value) for name, value in maps.scores(sums, ("a", "b", "c")).items()}


def test_map_errors_equal_numpy_and_skimage() -> None:
    rng = np.random.default_rng(0)
    truths, predictions = rng.random((2, 4, *SIZE, 3))
    found = map_scores(list(truths), list(predictions))
    error = predictions - truths
    assert found["RMSE"] == pytest.approx(np.sqrt((error**2).mean()))
    assert found["MAE"] == pytest.approx(abs(error).mean())
    assert found["RMSE_b"] == pytest.approx(np.sqrt((error[..., 1] ** 2).mean()))
    each = [peak_signal_noise_ratio(t, p, data_range=1) for t, p in zip(truths, predictions, strict=True)]
    assert found["PSNR"] == pytest.approx(np.mean(each))
    one, two = (maps.MapsMetric(3, ("a", "b", "c")) for _ in range(2))
    for number, (t, p) in enumerate(zip(truths, predictions, strict=True)):
        (one if number else two).update(t, p)
    one.merge(two)
    assert one.compute() == pytest.approx(found)
    with pytest.raises(InputError, match="merge"):
        one.merge(maps.MapsMetric(3))


def test_unscored_pixels_do_not_count_and_missing_answers_are_the_worst() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random((*SIZE, 3))
    given = np.clip(truth + rng.normal(0, 0.1, truth.shape), 0, 1)
    masked = truth.copy()
    masked[:10] = np.nan
    changed = given.copy()
    changed[:10] = 1
    assert map_scores([masked], [given]) == map_scores([masked], [changed])
    good = map_scores([truth], [given])["RMSE"]
    worst = map_scores([truth], [None])["RMSE"]
    assert worst == pytest.approx(map_scores([truth], [np.full_like(truth, np.nan)])["RMSE"])
    bad = {"constant": np.full_like(truth, 0.5), "inverted": 1 - truth, "shifted": np.roll(truth, 7, axis=1)}
    for name, prediction in bad.items():
        assert good < map_scores([truth], [prediction])["RMSE"] < worst, name
    assert map_scores([truth], [np.full_like(truth, -9)]) == map_scores([truth], [np.zeros_like(truth)])
    assert map_scores([truth], [truth])["PSNR"] == 100
    assert np.isnan(map_scores([np.full_like(truth, np.nan)], [given])["RMSE"])
    with pytest.raises(InputError, match="one"):
        maps.image_stats(truth, given[..., 0])


def fractions(*channels: int) -> np.ndarray:
    """A smooth map (H, W[, C]) in levels of 8 bits."""
    y, x = np.indices(SIZE)
    soft = np.clip(1 - np.hypot(y - 9, x - 14) / 12, 0, 1)
    return np.broadcast_to(
        (soft * 255).round().reshape(*SIZE, *[1] * len(channels)) / 255, (*SIZE, *channels)
    )


@pytest.mark.parametrize(
    ("task", "width"),
    [
        ("salient", 0),
        ("matting", 0),
        ("edges", 0),
        ("basecolor", 3),
        ("orm", 3),
        ("svbrdf", 9),
        ("intrinsics", 3),
    ],
)
def test_levels_of_a_picture_are_no_numbers_from_0_to_1(task: str, width: int) -> None:
    scorer = scorer_for({"name": "made", "task": task})
    truth = fractions(width) if width else fractions()
    if task == "salient":
        truth = (truth > 0.5).astype(float)
    levels = (fractions(width) if width else fractions()) * 255
    for kind in (np.uint8, np.int32):
        with pytest.raises(InputError, match=r"up to 255.* divide"):
            scorer.stats(truth, levels.astype(kind))
    if task not in ("salient", "edges"):  # masks of 0 and 255 mean the same whatever their type
        with pytest.raises(InputError, match="truth"):
            scorer.stats((truth * 255).astype(np.uint8), truth)
    mask = levels > 128
    assert scorer.stats(truth, mask.astype(np.uint8)) == scorer.stats(truth, mask.astype(float))
    assert scorer.stats(truth, mask) == scorer.stats(truth, mask.astype(float))
