"""Confusion and mIoU: hand-made cases, torchmetrics, properties, answers that must score badly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visiongen.benchmarks.metrics.semantic import (
    SemanticMetric,
    class_iou,
    confusion,
    scores,
    worst_confusion,
)
from visiongen.errors import InputError

RNG = np.random.default_rng(5)


def test_a_case_done_by_hand() -> None:
    target = np.array([[0, 0, 1], [1, 2, 255]])
    prediction = np.array([[0, 1, 1], [1, 0, 2]])
    matrix = confusion(target, prediction, 4)
    # class 0: 1 hit, 1 miss, 1 false = 1/3; class 1: 2 hits, 1 false = 2/3; class 2: 0; 3 absent
    assert class_iou(matrix)[:3] == pytest.approx([1 / 3, 2 / 3, 0])
    assert np.isnan(class_iou(matrix)[3])
    found = scores(matrix)
    assert found["mIoU"] == pytest.approx(1 / 4)
    assert found["mIoU_mmseg"] == pytest.approx(1 / 3)
    assert found["aAcc"] == pytest.approx(3 / 5)
    assert found["mAcc"] == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert found["fwIoU"] == pytest.approx((2 * 1 / 3 + 2 * 2 / 3 + 0) / 5)


def test_predicted_but_unlabelled_class_in_the_three_conventions() -> None:
    found = scores(confusion(np.array([0, 0, 0]), np.array([0, 0, 1]), 3))
    assert found["mIoU"] == pytest.approx((2 / 3) / 3)  # SegNet: absent counts 0
    assert found["mIoU_mmseg"] == pytest.approx((2 / 3) / 2)  # predicted: counts 0
    assert found["mIoU_d2"] == pytest.approx(2 / 3)  # not labelled: skipped


def test_predicted_void_is_a_miss_and_nobody_s_false_positive() -> None:
    target = np.array([0, 0, 1, 1])
    void = confusion(target, np.array([0, 255, 1, -1]), 2)
    assert class_iou(void) == pytest.approx([0.5, 0.5])
    wrong = confusion(target, np.array([0, 1, 1, 0]), 2)
    assert class_iou(wrong) == pytest.approx([1 / 3, 1 / 3])


def test_agrees_with_torchmetrics() -> None:
    torch = pytest.importorskip("torch")
    torchmetrics = pytest.importorskip("torchmetrics")
    target = RNG.integers(0, 7, (3, 40, 50))
    prediction = np.where(RNG.random(target.shape) < 0.6, target, RNG.integers(0, 7, target.shape))
    target[RNG.random(target.shape) < 0.1] = 255
    ours = SemanticMetric(7)
    for t, p in zip(target, prediction, strict=True):
        ours.update(t, p)
    keep = torch.from_numpy(target != 255)
    t, p = torch.from_numpy(target)[keep], torch.from_numpy(prediction)[keep]
    jaccard = torchmetrics.functional.jaccard_index(p, t, "multiclass", num_classes=7)
    matrix = torchmetrics.functional.confusion_matrix(p, t, "multiclass", num_classes=7)
    accuracy = torchmetrics.functional.accuracy(p, t, "multiclass", num_classes=7, average="macro")
    assert np.array_equal(ours.matrix[:, :7], matrix.numpy())
    assert ours.compute()["mIoU"] == pytest.approx(float(jaccard), abs=1e-6)
    assert ours.compute()["mAcc"] == pytest.approx(float(accuracy), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(0, 60), st.integers(0, 10**6))
def test_brute_force_and_order(classes: int, pixels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    target = rng.integers(0, classes, pixels)
    prediction = rng.integers(0, classes, pixels)
    iou = class_iou(confusion(target, prediction, classes))
    for k in range(classes):
        t, p = target == k, prediction == k
        union = (t | p).sum()
        assert np.isnan(iou[k]) if union == 0 else iou[k] == pytest.approx((t & p).sum() / union)
    order = rng.permutation(pixels)
    again = confusion(target[order], prediction[order], classes)
    assert np.array_equal(again, confusion(target, prediction, classes))


def test_merge_equals_one_pass_and_unlike_classes_refuse() -> None:
    maps = RNG.integers(0, 4, (2, 6, 8, 9))
    one, left, right = SemanticMetric(4), SemanticMetric(4), SemanticMetric(4)
    for number, (t, p) in enumerate(zip(*maps, strict=True)):
        one.update(t, p)
        (left if number % 2 else right).update(t, p)
    left.merge(right)
    assert left.compute() == one.compute()
    with pytest.raises(InputError):
        left.merge(SemanticMetric(5))


@pytest.mark.parametrize(
    ("name", "limit"),
    [("constant", 0.3), ("inverted", 0.0), ("shifted", 0.65), ("off by one", 0.0), ("void", 0.0)],
)
def test_bad_answers_score_badly(name: str, limit: float) -> None:
    target = np.kron(RNG.integers(0, 4, (6, 8)), np.ones((8, 8), int))
    prediction = {
        "constant": np.zeros_like(target),
        "inverted": 3 - target,
        "shifted": np.roll(target, 4, axis=1),
        "off by one": target + 1,  # labels read as 1..4 instead of 0..3: 4 is out of range
        "void": np.full_like(target, 255),
    }[name]
    perfect = scores(confusion(target, target, 4))
    assert perfect["mIoU"] == 1
    assert scores(confusion(target, prediction, 4))["mIoU"] <= limit


def test_no_pixels_and_a_failed_image() -> None:
    empty = scores(confusion(np.zeros((0, 0), int), np.zeros((0, 0), int), 3))
    assert all(value == 0 for value in empty.values())
    target = RNG.integers(0, 3, (5, 5))
    assert scores(worst_confusion(target, 3))["aAcc"] == 0
    assert worst_confusion(target, 3)[:, 3].sum() == 25


def test_unusable_arrays_are_refused_with_the_remedy() -> None:
    labels = np.zeros((2, 2), int)
    with pytest.raises(InputError, match="resize it first"):
        confusion(labels, np.zeros((3, 2), int), 2)
    with pytest.raises(InputError, match="float64 is not a whole number"):
        confusion(labels, np.full((2, 2), np.nan), 2)
    with pytest.raises(InputError, match="id 7 is neither"):
        confusion(np.full((2, 2), 7), labels, 2)


def test_counts_stay_exact_beyond_float32() -> None:
    matrix = np.zeros((2, 3), np.int64)
    matrix[0, 0] = 2**25 + 1  # float histograms lose this one
    metric = SemanticMetric(2)
    metric.matrix += matrix
    metric.update(np.array([0]), np.array([0]))
    assert metric.matrix[0, 0] == 2**25 + 2
