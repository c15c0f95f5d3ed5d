"""LVIS AP: equal to lvis-api where it is installed, to a slow rewrite of its rules everywhere."""

from __future__ import annotations

import sys
from unittest.mock import MagicMock

import numpy as np
import pytest
from made_detections import SIZE, coco_json, ellipse, images
from pycocotools import mask as rle

from visiongen.benchmarks.metrics import bootstrap, coco, lvis
from visiongen.benchmarks.metrics.coco import Found, Truths
from visiongen.benchmarks.metrics.lvis import LvisMetric
from visiongen.benchmarks.scorers import scorer_for
from visiongen.errors import UsageError

CLASSES = 6
FREQUENCY = "rcfrcf"
OFFICIAL = (
    "AP",
    "AP50",
    "AP75",
    "APs",
    "APm",
    "APl",
    "APr",
    "APc",
    "APf",
    "AR@300",
    "ARs@300",
    "ARm@300",
    "ARl@300",
)


def federated(seed: int, count: int = 6, invented: int = 12) -> tuple[list[Truths], list[Found]]:
    """Images whose truth speaks of some classes only, and does not have all instances of others."""
    rng = np.random.default_rng(seed)
    truths, found = images(rng, count, CLASSES, crowds=0.0, invented=invented)
    marked = []
    for truth in truths:
        absent = np.setdiff1d(np.arange(CLASSES), truth.categories)
        there = np.unique(truth.categories)
        negative = tuple(absent[rng.random(len(absent)) < 0.5].tolist())
        open_ended = tuple(there[rng.random(len(there)) < 0.4].tolist())
        marked.append(
            Truths(truth.size, truth.categories, truth.masks, truth.crowd, truth.areas, negative, open_ended)
        )
    return marked, found


def counted(truths: list[Truths], found: list[Found | None]) -> LvisMetric:
    metric = LvisMetric(FREQUENCY)
    for truth, one in zip(truths, found, strict=True):
        metric.update(truth, one)
    return metric


@pytest.mark.parametrize(("seed", "invented"), [(0, 12), (1, 12), (2, 400), (3, 0)])
def test_equals_lvis_api(seed: int, invented: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", MagicMock())  # it draws; not here
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", MagicMock())
    monkeypatch.setitem(sys.modules, "matplotlib.collections", MagicMock())
    monkeypatch.setitem(sys.modules, "matplotlib.patches", MagicMock())
    api = pytest.importorskip("lvis")
    monkeypatch.setattr(np, "float", float, raising=False)  # the API is older than this NumPy
    truths, found = federated(seed, invented=invented)
    data, results = coco_json(truths, found, CLASSES)
    for picture, truth in zip(data["images"], truths, strict=True):
        picture["neg_category_ids"] = [k + 1 for k in truth.neg_category_ids]
        picture["not_exhaustive_category_ids"] = [k + 1 for k in truth.not_exhaustive_category_ids]
    whole = api.LVIS.__new__(api.LVIS)
    whole.logger, whole.dataset = MagicMock(), data
    whole._create_index()
    judge = api.LVISEval(whole, api.LVISResults(whole, results), "segm")
    judge.run()
    ours = counted(truths, found)
    assert np.array_equal(ours.arrays().precision[..., 0], judge.eval["precision"])
    assert np.array_equal(ours.arrays().recall[..., 0], judge.eval["recall"])
    theirs = judge.get_results()
    assert list(ours.compute().values()) == [float(theirs[name]) for name in OFFICIAL]


def brute(truths: list[Truths], found: list[Found], kind: int, threshold: float) -> float:
    """AP of one class at one threshold, all areas; -1 without a truth."""
    rows, total = [], 0
    for truth, one in zip(truths, found, strict=True):
        wanted = [rle.decode(m) > 0 for m, k in zip(truth.masks, truth.categories, strict=True) if k == kind]
        total += len(wanted)
        kept = sorted(range(len(one.scores)), key=lambda i: -one.scores[i])[:300]
        if not wanted and kind not in truth.neg_category_ids:
            continue
        free = set(range(len(wanted)))
        for i in kept:
            if one.categories[i] != kind:
                continue
            mask = rle.decode(one.masks[i]) > 0
            ious = {g: (mask & wanted[g]).sum() / (mask | wanted[g]).sum() for g in free}
            best = max(ious, key=lambda g: (ious[g], g), default=None)
            if best is not None and ious[best] >= threshold:
                free.remove(best)
                rows.append((one.scores[i], True))
            elif kind not in truth.not_exhaustive_category_ids:
                rows.append((one.scores[i], False))
    if not total:
        return -1.0
    rows.sort(key=lambda row: -row[0])
    right = np.cumsum([hit for _, hit in rows])
    precision, recall = right / np.arange(1, len(rows) + 1), right / total
    return float(np.mean([max(precision[recall >= r], default=0) for r in np.linspace(0, 1, 101)]))


@pytest.mark.parametrize("seed", range(3))
def test_equals_a_slow_rewrite_of_the_rules(seed: int) -> None:
    truths, found = federated(10 + seed)
    precision = counted(truths, found).arrays().precision[..., 0, 0]
    for kind in range(CLASSES):
        for place in (0, 5):
            expected = brute(truths, found, kind, 0.5 + 0.05 * place)
            assert precision[place, :, kind].mean() == pytest.approx(expected, abs=1e-9)


def one_disc(**more: tuple[int, ...]) -> Truths:
    mask = ellipse(60, 80, 20, 20)[None]
    return Truths(
        SIZE, np.zeros(1, int), coco.encode(mask), np.zeros(1, bool), mask.sum((1, 2)) * 1.0, **more
    )


def detections(kinds: list[int]) -> Found:
    """The disc as class 0, sure; then small squares of these classes, surer."""
    squares = np.zeros((len(kinds), *SIZE), bool)
    squares[:, 2:9, 2:9] = True
    masks = np.concatenate([ellipse(60, 80, 20, 20)[None], squares])
    return Found(SIZE, np.array([0, *kinds]), coco.encode(masks), np.array([0.5, *[0.9] * len(kinds)]))


def test_rules_of_a_federated_set_one_by_one() -> None:
    def first(truth: Truths, kinds: list[int]) -> float:
        return counted([truth], [detections(kinds)]).compute()["AP"]

    assert first(one_disc(), []) == pytest.approx(1)
    assert first(one_disc(), [0]) == pytest.approx(0.5)
    assert first(one_disc(not_exhaustive_category_ids=(0,)), [0]) == pytest.approx(1)
    assert first(one_disc(), [1] * 5) == pytest.approx(1)  # nobody knows whether class 1 is there
    assert len(lvis.image_stats(one_disc(), detections([1] * 5))["found"]) == 1
    assert len(lvis.image_stats(one_disc(neg_category_ids=(1,)), detections([1] * 5))["found"]) == 6
    assert first(one_disc(), [1] * 300) == 0  # the disc is not among the best 300


def test_scorer_tells_rare_common_and_frequent_apart_and_resamples() -> None:
    protocol = {
        "name": "made",
        "task": "panoptic",
        "scorer": "lvis",
        "classes": [f"c{k}" for k in range(CLASSES)],
    }
    with pytest.raises(UsageError, match="frequency"):
        scorer_for(protocol | {"frequency": "rc"})
    judge = scorer_for(protocol | {"frequency": FREQUENCY})
    truths, found = federated(5)
    table = judge.table([judge.stats(t, f) for t, f in zip(truths, found, strict=True)])
    whole = {name: float(value[0]) for name, value in table(np.ones((1, 6))).items()}
    expected = counted(truths, found).compute()
    defined = {name: value for name, value in expected.items() if value != -1}
    assert {name: whole[name] for name in defined} == defined
    assert all(np.isnan(whole[name]) for name in set(expected) - set(defined))
    drawn = table(bootstrap.draws(6, 3))
    for name, value in table(np.ones((2, 6))).items():
        assert value == pytest.approx(whole[name], abs=1e-12, nan_ok=True) and drawn[name].shape == (3,), name
    failed = judge.table([judge.stats(t, None) for t in truths])(np.ones((1, 6)))
    assert failed["AP"][0] == failed["APr"][0] == 0
