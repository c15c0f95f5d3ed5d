"""Confusion and mIoU: hand-made cases, torchmetrics, properties, answers that must score badly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visiongen.benchmarks.metrics import cityscapes
from visiongen.benchmarks.metrics.semantic import (
    SemanticMetric,
    class_iou,
    confusion,
    scores,
    worst_confusion,
)
from visiongen.benchmarks.scoring import scorer_for
from visiongen.errors import InputError, UsageError

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


# --- counts, conventions, Cityscapes ------------------------------------------------------------


def as_before(matrix: np.ndarray, classes: list[str]) -> dict[str, float]:
    """Every score from the whole matrix, as it was printed before the counts; plain loops."""
    count = len(classes)
    hit, truth = [matrix[k, k] for k in range(count)], matrix.sum(1)
    found = matrix[:, :count].sum(0)
    union = [truth[k] + found[k] - hit[k] for k in range(count)]
    iou = [hit[k] / union[k] if union[k] else np.nan for k in range(count)]
    there = [k for k in range(count) if truth[k]]
    either = [k for k in range(count) if union[k]]
    mean = {
        "mIoU": sum(v for v in iou if v == v) / count,
        "mIoU_mmseg": np.mean([iou[k] for k in either]) if either else 0,
        "mIoU_d2": np.mean([iou[k] for k in there]) if there else 0,
        "aAcc": sum(hit) / truth.sum() if there else 0,
        "mAcc": np.mean([hit[k] / truth[k] for k in there]) if there else 0,
        "fwIoU": sum(truth[k] / truth.sum() * iou[k] for k in there),
    }
    return mean | {f"IoU/{name}": iou[k] for k, name in enumerate(classes)}


@pytest.mark.parametrize("kinds", [1, 2, 11, 150])
def test_scores_from_counts_equal_those_from_matrices(kinds: int) -> None:
    names = [f"class {k}" for k in range(kinds)]
    scorer = scorer_for({"name": "made", "task": "semantic", "classes": names})
    rng = np.random.default_rng(kinds)
    for case in ("full", "absent", "unlabelled", "all void", "empty"):
        matrix = rng.integers(0, 2**26, (kinds, kinds + 1))
        matrix[rng.random(matrix.shape) < 0.5] = 0
        if case in ("absent", "unlabelled"):
            matrix[kinds // 2] = 0
        if case == "absent":
            matrix[:, kinds // 2] = 0
        if case == "all void":
            matrix[:, :kinds] = 0
        if case == "empty":
            matrix[:] = 0
        cells = [[int(r), int(c), int(matrix[r, c])] for r, c in np.argwhere(matrix)]
        row = scorer.vector({"confusion": cells})
        assert row.shape == (3 * kinds,)
        found, expected = scorer.scores(row), as_before(matrix, names)
        for name, value in expected.items():
            assert float(found[name]) == pytest.approx(float(value), abs=1e-14, nan_ok=True), (case, name)
        assert found["mIoU_csail"] == found["mIoU"]
        for convention in ("mmseg", "d2"):
            other = scorer_for(scorer.protocol | {"absent_class": convention})
            assert other.scores(row)["mIoU"] == found[f"mIoU_{convention}"]
    with pytest.raises(UsageError, match="absent_class"):
        scorer_for(scorer.protocol | {"absent_class": "counts 0"})


def street(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Class ids, instance numbers (some without) and a prediction, of 5 classes."""
    rng = np.random.default_rng(seed)
    target = np.kron(rng.integers(0, 5, (4, 5)), np.ones((6, 6), int)).astype(np.int32)
    number = np.kron(np.arange(1, 21).reshape(4, 5), np.ones((6, 6), int)) * (target >= 3)
    number[:, :6] = 0  # a group: no instance of its own
    prediction = np.where(rng.random(target.shape) < 0.6, target, rng.integers(0, 5, target.shape))
    target[:, -2:] = 255
    return target, number.astype(np.int32), prediction


def test_instance_iou_and_categories_as_cityscapes_counts_them() -> None:
    names = ["road", "walk", "sky", "car", "rider"]
    sizes = {"car": 500.0, "rider": 120.0}
    groups = {"flat": ["road", "walk"], "sky": ["sky"], "vehicle": ["car", "rider"]}
    protocol = {"name": "made", "task": "semantic", "classes": names}
    scorer = scorer_for(protocol | {"instance_sizes": sizes, "categories": groups})
    cases = [street(seed) for seed in range(3)]
    rows = [scorer.vector(scorer.stats(np.dstack([t, n]), p)) for t, n, p in cases]
    found = scorer.scores(np.sum(rows, axis=0))
    targets, numbers, predictions = (np.concatenate(part) for part in zip(*cases, strict=True))
    scene = np.repeat(np.arange(3), len(cases[0][0]))[:, None]
    for name, mean in sizes.items():
        k, hit, miss = names.index(name), 0.0, 0.0
        for one in {(s, n) for s, n in np.broadcast(scene, numbers) if n}:
            inside = (scene == one[0]) & (numbers == one[1]) & (targets == k)
            if inside.any():
                right = (predictions[inside] == k).sum()
                hit += right * mean / inside.sum()
                miss += (inside.sum() - right) * mean / inside.sum()
        false = ((predictions == k) & (targets != k) & (targets != 255)).sum()
        assert found[f"iIoU/{name}"] == pytest.approx(hit / (hit + miss + false))
    assert found["iIoU"] == pytest.approx(np.mean([found["iIoU/car"], found["iIoU/rider"]]))
    for group, members in groups.items():
        ids = [names.index(m) for m in members]
        t, p = np.isin(targets, ids), np.isin(predictions, ids) & (targets != 255)
        assert found[f"IoU_category/{group}"] == pytest.approx((t & p).sum() / (t | p).sum())
    plain = scorer_for(protocol)
    flat = np.sum([plain.vector(plain.stats(t, p)) for t, _, p in cases], axis=0)
    assert all(found[k] == pytest.approx(float(v)) for k, v in plain.scores(flat).items())
    worst = scorer.scores(scorer.vector(scorer.stats(np.dstack(cases[0][:2]), None)))
    assert worst["iIoU"] == worst["IoU_category"] == worst["mIoU"] == 0
    truth = np.dstack(cases[0][:2])
    assert scorer.labels(truth, {}).shape == truth.shape[:2] and scorer.prior([truth])((9, 9)).shape == (
        9,
        9,
        5,
    )


def test_instances_of_two_classes_and_stray_classes_are_refused() -> None:
    target, number, prediction = street(0)
    with pytest.raises(InputError, match="two classes"):
        cityscapes.instance_sums(target, np.minimum(number, 1), prediction, {3: 10.0, 4: 10.0})
    with pytest.raises(InputError, match="exactly one"):
        cityscapes.category_matrix(np.zeros((3, 4)), [[0, 1]])


def test_no_answer_is_the_worst_and_no_label_says_nothing() -> None:
    metric = SemanticMetric(2)
    metric.update(np.full((4, 4), 255), np.zeros((4, 4), int))
    assert np.isnan(metric.compute()["mIoU"])
    metric.update(np.eye(4, dtype=int), None)
    assert metric.compute()["mIoU"] == 0 and metric.compute()["aAcc"] == 0
