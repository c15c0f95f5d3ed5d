"""COCO mask AP: arrays equal to pycocotools and hotcoco, resamples, painted maps, and bad predictions."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made_detections import SIZE, coco_json, ellipse, images
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from visiongen.benchmarks.metrics import bootstrap, coco, coco_fast
from visiongen.benchmarks.metrics.coco import CocoMetric, Found, Truths
from visiongen.benchmarks.official_results import CocoResults
from visiongen.benchmarks.scorers import scorer_for
from visiongen.benchmarks.scorers.coco import CocoScorer, paint
from visiongen.benchmarks.scoring import check_finite_json
from visiongen.errors import DependencyError, InputError, MissingDataError, UsageError
from visiongen.prompt import Legend

ARRAYS = ("precision", "recall", "scores")


def scorer(classes: int) -> CocoScorer:
    names = [f"class {k}" for k in range(classes)]
    made = scorer_for({"name": "made", "task": "panoptic", "scorer": "coco", "classes": names})
    assert isinstance(made, CocoScorer)
    return made


def official(truths: list[Truths], found: list[Found], classes: int) -> Any:
    """pycocotools' COCOeval after evaluate, accumulate and summarize."""
    data, results = coco_json(truths, found, classes)
    with contextlib.redirect_stdout(io.StringIO()):
        whole = COCO()
        whole.dataset = data
        whole.createIndex()
        judge = COCOeval(whole, whole.loadRes(results), "segm")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return judge


def counted(truths: list[Truths], found: list[Any], classes: int) -> CocoMetric:
    metric = CocoMetric(classes)
    for truth, one in zip(truths, found, strict=True):
        metric.update(truth, one)
    return metric


@pytest.mark.parametrize(
    ("seed", "classes", "more"),
    [
        (0, 3, {}),
        (1, 1, {"crowds": 0.5}),
        (2, 2, {"invented": 260}),  # more than 100 detections of a class in an image
        (3, 40, {"crowds": 0.0, "ties": False}),  # classes without a truth
        (4, 4, {"crowds": 1.0}),  # nothing but crowds
        (5, 6, {}),
        (6, 2, {"twins": True}),
        (7, 1, {"twins": True, "crowds": 0.3, "invented": 3}),
    ],
)
def test_arrays_equal_pycocotools(seed: int, classes: int, more: dict[str, Any]) -> None:
    truths, found = images(np.random.default_rng(seed), 8, classes, **more)
    theirs, ours = official(truths, found, classes), counted(truths, found, classes)
    for name in ARRAYS:
        assert np.array_equal(getattr(ours.arrays(), name), theirs.eval[name]), name
    assert list(ours.compute().values()) == theirs.stats.tolist()


@pytest.mark.parametrize("seed", [0, 2])
def test_arrays_equal_hotcoco(seed: int) -> None:
    pytest.importorskip("hotcoco")
    truths, found = images(np.random.default_rng(seed), 8, 3)
    ours = counted(truths, [None, *found[1:]], 3).arrays()
    theirs = coco_fast.evaluate(truths, [None, *found[1:]], 3)
    for name in ARRAYS:
        assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name


def test_without_hotcoco_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hotcoco", None)
    with pytest.raises(DependencyError, match="coco-fast"):
        coco_fast.evaluate([], [], 1)


def test_merged_halves_are_the_whole() -> None:
    truths, found = images(np.random.default_rng(7), 6, 3)
    left, right = counted(truths[:2], found[:2], 3), counted(truths[2:], found[2:], 3)
    left.merge(right)
    assert left.compute() == counted(truths, found, 3).compute()
    with pytest.raises(InputError, match="merge"):
        left.merge(CocoMetric(4))


def test_a_resample_scores_as_the_images_drawn() -> None:
    classes = 4
    truths, found = images(np.random.default_rng(8), 9, classes, ties=False)
    judge = scorer(classes)
    records = [judge.stats(t, f) for t, f in zip(truths, found, strict=True)]
    check_finite_json({"all": [r["found"] for r in records]})
    table = judge.table(json.loads(json.dumps(records)))
    draws = bootstrap.draws(len(records), 5)
    drawn = table(draws)
    for row, counts in enumerate(draws.astype(int)):
        chosen = np.repeat(np.arange(len(records)), counts)
        metric = CocoMetric(classes)
        metric.images = [records[i] for i in chosen]
        expected = metric.compute()
        assert {name: drawn[name][row] for name in expected} == pytest.approx(
            {name: np.nan if value == -1 else value for name, value in expected.items()},
            abs=1e-12,
            nan_ok=True,
        )
    ones = table(np.ones((1, len(records))))
    again = table(np.ones((3, len(records))))
    assert (
        set(ones)
        == set(again)
        == {*coco.summary(CocoMetric(1).arrays()), *(f"AP/class {k}" for k in range(4))}
    )
    for name, value in ones.items():
        assert again[name] == pytest.approx(np.repeat(value, 3), abs=1e-12, nan_ok=True), name


def test_large_sets_get_fewer_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    truths, found = images(np.random.default_rng(9), 4, 2)
    judge = scorer(2)
    table = judge.table([judge.stats(t, f) for t, f in zip(truths, found, strict=True)])
    monkeypatch.setattr("visiongen.benchmarks.scorers.coco.WORK", 1)
    fewer = judge.table([judge.stats(t, f) for t, f in zip(truths, found, strict=True)])
    draws = bootstrap.draws(4, 150)
    assert np.isfinite(table(draws)["AP"]).all()
    cut = fewer(draws)["AP"]
    assert np.isfinite(cut).sum() == 100 and np.array_equal(cut[:100], table(draws)["AP"][:100])


def test_sums_are_refused() -> None:
    with pytest.raises(UsageError, match="table"):
        scorer(1).vector({})


# --- predictions that must score as badly as they are ---------------------------------------------


def grid(number: int) -> Truths:
    """Twelve discs of one class, apart from each other."""
    masks = np.array([ellipse(20 + 40 * (i // 4), 20 + 40 * (i % 4), 12, 12 + i % 3) for i in range(number)])
    return Truths(
        SIZE, np.zeros(number, int), coco.encode(masks), np.zeros(number, bool), masks.sum((1, 2)) * 1.0
    )


def ap(truth: Truths, found: Found | None, classes: int = 2) -> float:
    return counted([truth], [found], classes).compute()["AP"]


def detections(masks: np.ndarray, kinds: Any = 0, scores: Any = 1.0) -> Found:
    count = len(masks)
    return Found(SIZE, np.zeros(count, int) + kinds, coco.encode(masks), np.zeros(count) + scores)


def test_perfect_is_one_and_what_is_bad_is_low() -> None:
    from pycocotools import mask as rle

    truth = grid(12)
    masks = np.array([rle.decode(mask) > 0 for mask in truth.masks])
    assert ap(truth, truth.found()) == pytest.approx(1)
    halves = np.concatenate([masks & (np.arange(160) % 40 < 20), masks & (np.arange(160) % 40 >= 20)])
    bad = {
        "nothing": None,
        "everything": detections(np.ones((1, *SIZE), bool)),
        "merged": detections(masks.any(0)[None]),
        "split": detections(halves),
        "shifted": detections(np.roll(masks, 12, axis=2)),
        "wrong class": detections(masks, 1),
        "empty masks": detections(np.zeros_like(masks)),
        "inverted": detections(~masks),
    }
    for name, found in bad.items():
        assert ap(truth, found) < 0.1, name
    twice = np.concatenate([masks, masks])
    sure = np.repeat([0.9, 0.8], 12)
    assert ap(truth, detections(twice, scores=sure)) == pytest.approx(1)  # after the last recall: free
    assert ap(truth, detections(twice, scores=np.tile(np.linspace(0.9, 0.1, 12), 2))) < 0.7
    one = counted([truth, truth], [truth.found(), None], 2).compute()
    assert one["AP"] == pytest.approx(51 / 101) and one["AR100"] == 0.5  # a failed image counts


def test_without_truths_nothing_is_defined_and_invented_detections_cost() -> None:
    none = Truths(SIZE, np.zeros(0, int), [], np.zeros(0, bool), np.zeros(0))
    truth = grid(12)
    assert ap(none, truth.found()) == -1
    judge = scorer(2)
    scores = judge.table([judge.stats(none, None)])(np.ones((1, 1)))
    assert all(np.isnan(value[0]) for value in scores.values())
    assert counted([none, truth], [truth.found(), truth.found()], 2).compute()["AP"] < 0.6
    assert judge.stats(none, truth.found())["truths"] == []


def test_arrays_that_do_not_fit_are_refused() -> None:
    truth = grid(3)
    with pytest.raises(InputError, match="NaN"):
        Found(SIZE, np.zeros(3, int), truth.masks, np.array([0.1, np.nan, 0.2]))
    with pytest.raises(InputError, match="column"):
        Found(SIZE, np.zeros(2, int), truth.masks, np.ones(3))
    with pytest.raises(InputError, match="size"):
        Found((10, 10), np.zeros(3, int), truth.masks, np.ones(3))
    other = Found((4, 4), np.zeros(1, int), coco.encode(np.ones((1, 4, 4))), np.ones(1))
    with pytest.raises(InputError, match="truth is"):
        coco.image_stats(truth, other)


# --- painted maps ---------------------------------------------------------------------------------


def test_painted_truth_keeps_small_things_visible_and_leaves_crowds_out() -> None:
    masks = np.array([ellipse(60, 80, 50, 70), ellipse(60, 80, 5, 5), ellipse(20, 20, 9, 9)])
    truth = Truths(
        SIZE, np.array([1, 0, 1]), coco.encode(masks), np.array([0, 0, 1], bool), masks.sum((1, 2)) * 1.0
    )
    labels = paint(truth)
    assert labels[60, 80] == 1 and labels[60, 40] == 1001 and set(np.unique(labels)) == {-1, 1, 1001}
    judge = scorer(2)
    legend = Legend.parse("class 1=#ff0000,other=#00ff00,class 0=#0000ff,border=#ffffff")
    painted = judge.labels(judge.shrink(truth, (60, 80)), {"legend": legend})
    assert painted.shape == (60, 80) and painted[30, 40] == 2001 and painted[30, 20] == 1
    assert painted[0, 0] == 1000  # the rest is the legend's "other"


def test_a_prediction_gives_a_detection_a_segment_with_its_mean_confidence() -> None:
    labels = np.full(SIZE, -1, np.int32)
    labels[10:20, 10:30], labels[50:60, 10:30], labels[80:, :] = 1, 1001, 2000
    confidence = np.full(SIZE, 0.25, np.float32)
    confidence[10:20, 10:20] = 0.75
    legend = Legend.parse("class 1=#ff0000,other=#00ff00,class 0=#0000ff,border=#ffffff")
    prediction: Any = SimpleNamespace(labels=labels, confidence=confidence, legend=legend)
    judge = scorer(2)
    found = judge.answer(prediction, {})
    assert found.categories.tolist() == [1, 0] and found.scores.tolist() == [0.5, 0.25]
    assert coco.areas_of(found.masks).tolist() == [200, 160 * 40]  # "other" is no detection
    given = judge.given(np.where(labels == 2000, 0, labels), {})
    assert given.categories.tolist() == [0, 0, 1] and (given.scores == 1).all()


def test_a_picture_of_16_bits_has_void_and_no_classes_that_are_not_there() -> None:
    labels = np.full(SIZE, 65535, np.uint16)
    labels[10:20, 10:30] = 1001
    found = scorer(2).given(labels, {})
    assert found.categories.tolist() == [1] and coco.areas_of(found.masks).tolist() == [200]
    labels[0] = 2003
    with pytest.raises(InputError, match="2003 is class 2, and there are 2"):
        scorer(2).given(labels, {})


def test_blind_guess_is_one_instance_of_the_commonest_class() -> None:
    judge = scorer(3)
    guess = judge.prior([grid(12), grid(5)])
    found = judge.choose(guess((60, 80)), {})
    assert found.categories.tolist() == [0] and found.size == (60, 80)
    legend = Legend.parse("class 1=#ff0000")
    assert not len(judge.choose(guess((60, 80)), {"legend": legend}).masks)


def test_blind_guess_from_images_without_an_instance_is_none() -> None:
    empty = Truths(SIZE, np.zeros(0, int), [], np.zeros(0, bool), np.zeros(0))
    assert not len(scorer(3).choose(scorer(3).prior([empty])((60, 80)), {}).masks)


# --- results files --------------------------------------------------------------------------------


def write(path: Path, rows: Any) -> Path:
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def test_results_file_scores_as_pycocotools_does_and_boxes_do_not_move_sizes(tmp_path: Path) -> None:
    classes = 3
    truths, found = images(np.random.default_rng(11), 6, classes)
    _, rows = coco_json(truths, found, classes)
    for row in rows:
        row["bbox"] = [0, 0, 150, 110]  # would make everything large
    read = CocoResults(write(tmp_path / "r.json", rows), {1: 0, 2: 1, 3: 2})
    answers = [read(f"val2017/{image:012d}") for image in range(6)]
    assert counted(truths, answers, classes).compute() == counted(truths, found, classes).compute()
    reader = scorer(classes).official(tmp_path / "r.json")
    assert reader is not None and reader("000000000001").scores.tolist() == found[1].scores.tolist()
    assert not len(reader("999").masks)
    assert scorer(classes).official(tmp_path) is None


def test_results_of_other_images_are_refused(tmp_path: Path) -> None:
    (mask,) = coco.encode(np.ones((1, 4, 4)))
    row = {"image_id": 139, "category_id": 1, "score": 0.5, "segmentation": mask}
    read = CocoResults(write(tmp_path / "r.json", [row]), {1: 0})
    read.check(["val2017/000000000139", "val2017/000000000285"])
    with pytest.raises(InputError, match=r"none of its 1 images is of this split \(its first is 139, .*285"):
        read.check(["val2017/000000000285"])
    CocoResults(write(tmp_path / "empty.json", []), {1: 0}).check(["1"])  # a model that finds nothing


def test_results_files_that_are_wrong_are_refused(tmp_path: Path) -> None:
    good = {"image_id": 1, "category_id": 1, "score": 0.5, "segmentation": coco.encode(np.ones((1, 4, 4)))[0]}
    places = {1: 0}
    cases = {
        "category_id 0": {**good, "category_id": 0},
        "no 'score'": {k: v for k, v in good.items() if k != "score"},
        "polygon": {**good, "segmentation": [[0, 0, 3, 0, 3, 3]]},
        "entry 1 lacks size": {**good, "segmentation": {"counts": "04"}},
    }
    for message, row in cases.items():
        with pytest.raises(InputError, match=message):
            CocoResults(write(tmp_path / "r.json", [good, row]), places)
    with pytest.raises(InputError, match="list of objects"):
        CocoResults(write(tmp_path / "r.json", {"annotations": []}), places)
    with pytest.raises(InputError, match="no JSON"):
        (tmp_path / "r.json").write_text("[{")
        CocoResults(tmp_path / "r.json", places)
    with pytest.raises(MissingDataError):
        CocoResults(tmp_path / "none.json", places)
    damaged = {**good, "segmentation": {"size": [4, 4], "counts": [3, 4]}}
    odd = {**good, "segmentation": {"size": [5, 4], "counts": coco.encode(np.ones((1, 5, 4)))[0]["counts"]}}
    for place, rows in ((0, [damaged]), (1, [good, odd])):
        read = CocoResults(write(tmp_path / "r.json", rows), places)
        with pytest.raises(InputError, match=f"entry {place}"):
            read("1")
