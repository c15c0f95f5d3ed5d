"""Instance AP: equal to pycocotools over a whole set, and low where the prediction is bad."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from visiongen.benchmarks.metrics import instances
from visiongen.errors import InputError

SIZE = (48, 64)


def picture(rng: np.random.Generator, count: int = 9) -> np.ndarray:
    """Ids (H, W) of rectangles over one another, some of them small."""
    ids = np.zeros(SIZE, np.int32)
    for number in range(1, count + 1):
        y, x = rng.integers(0, 40), rng.integers(0, 56)
        h, w = rng.integers(2, 20, 2)
        ids[y : y + h, x : x + w] = number
    return ids


def spoiled(truth: np.ndarray, rng: np.random.Generator, levels: np.ndarray) -> np.ndarray:
    """A prediction (H, W, 2): instances moved a little, some dropped, some invented; scores by level."""
    ids = np.zeros(SIZE, np.int32)
    for number in np.unique(truth[truth > 0]):
        if rng.random() < 0.8:
            shift = rng.integers(-2, 3, 2)
            ids[np.roll(truth == number, shift, (0, 1))] = number
    y, x = rng.integers(0, 40, 2)
    ids[y : y + 7, x : x + 7] = 40
    scores = np.zeros(50)
    scores[: len(levels)] = levels / 255
    return np.stack([ids, scores[ids]], -1)


def pycoco(truths: list[np.ndarray], predictions: list[np.ndarray], min_area: int) -> dict[str, float]:
    """AP, AP50, AP75 and AR over the set by pycocotools alone."""

    def runs(mask: np.ndarray) -> Any:
        return rle.encode(np.asfortranarray(mask.astype(np.uint8)))

    sets: list[COCO] = []
    for arrays in (truths, predictions):
        boxes = []
        for image, array in enumerate(arrays):
            ids = array if array.ndim == 2 else array[..., 0]
            for number in np.unique(ids[ids > 0]):
                mask = ids == number
                boxes.append(
                    {"id": len(boxes) + 1, "image_id": image, "category_id": 1, "iscrowd": 0}
                    | {"segmentation": runs(mask), "area": int(mask.sum())}
                    | {"score": 1.0 if array.ndim == 2 else float(array[..., 1][mask][0])}
                )
        one = COCO()
        images = [{"id": i, "height": SIZE[0], "width": SIZE[1]} for i in range(len(truths))]
        one.dataset = {"images": images, "categories": [{"id": 1}], "annotations": boxes}
        with contextlib.redirect_stdout(io.StringIO()):
            one.createIndex()
        sets.append(one)
    judge = COCOeval(*sets, "segm")
    judge.params.useCats = 0
    judge.params.areaRng, judge.params.areaRngLbl = [[min_area, 1e10]], ["all"]
    with contextlib.redirect_stdout(io.StringIO()):
        judge.evaluate()
        judge.accumulate()
    precision, recall = judge.eval["precision"][..., 0, 0, -1], judge.eval["recall"][:, 0, 0, -1]
    return {
        "AP": precision.mean(),
        "AP50": precision[0].mean(),
        "AP75": precision[5].mean(),
        "AR": recall.mean(),
    }


def scored(truths: list[np.ndarray], predictions: list[Any], min_area: int = 16) -> dict[str, float]:
    stats = [instances.image_stats(t, p, min_area) for t, p in zip(truths, predictions, strict=True)]
    sums = np.sum([instances.vector(one) for one in stats], axis=0)
    return {name: float(value) for name, value in instances.scores(sums).items()}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("min_area", [1, 16, 60])
def test_equals_pycocotools_where_every_score_is_its_own(seed: int, min_area: int) -> None:
    rng = np.random.default_rng(seed)
    truths = [picture(rng) for _ in range(5)]
    levels = rng.permutation(250)  # no two predictions of the set share a level
    predictions = []
    for image, truth in enumerate(truths):
        given = spoiled(truth, rng, levels[image * 10 : image * 10 + 10])
        given[..., 1] = np.where(given[..., 0] == 40, (240 + image) / 255 % 1, given[..., 1])
        predictions.append(given)
    used = [p[..., 1][p[..., 0] > 0] for p in predictions]
    theirs, ours = pycoco(truths, predictions, min_area), scored(truths, predictions, min_area)
    shared = len(np.concatenate([np.unique(u) for u in used])) - len(np.unique(np.concatenate(used)))
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=1e-9 if not shared else 0.01), name


def test_equal_scores_do_not_depend_on_the_order() -> None:
    rng = np.random.default_rng(1)
    truths = [picture(rng) for _ in range(6)]
    predictions = [spoiled(t, rng, np.full(50, 200)) for t in truths]
    one = scored(truths, predictions)
    assert one == pytest.approx(scored(truths[::-1], predictions[::-1]), abs=1e-12)
    assert abs(one["AP"] - pycoco(truths, predictions, 16)["AP"]) < 0.05


def test_mean_best_overlap_by_brute_force() -> None:
    rng = np.random.default_rng(2)
    truth = picture(rng)
    given = spoiled(truth, rng, np.full(50, 100))[..., 0]
    best = []
    for t in np.unique(truth[truth > 0]):
        mask = truth == t
        if mask.sum() >= 16:
            found = [given == p for p in np.unique(given[given > 0])]
            best.append(max((mask & f).sum() / (mask | f).sum() for f in found))
    assert scored([truth], [given])["MBO"] == pytest.approx(np.mean(best))


def test_perfect_is_one_and_what_is_bad_is_low() -> None:
    rng = np.random.default_rng(3)
    truth = picture(rng)
    perfect = scored([truth], [truth])
    assert perfect["AP"] == perfect["AR"] == pytest.approx(1) and perfect["MBO"] == pytest.approx(1)
    bad = {
        "nothing": np.zeros(SIZE, int),
        "one for all": np.ones(SIZE, int),
        "failed": None,
        "inverted": np.where(truth > 0, 0, 1),
        "shifted": np.roll(truth, 24, axis=0),
        "every pixel": np.arange(1, SIZE[0] * SIZE[1] + 1).reshape(SIZE),
        "NaN": np.full(SIZE, np.nan),
    }
    for name, prediction in bad.items():
        assert scored([truth], [prediction])["AP"] < 0.15, name
    assert scored([truth], [None])["AP"] == 0


def test_confident_mistakes_cost_more_than_doubted_ones() -> None:
    truth = picture(np.random.default_rng(4))
    wrong = np.roll(truth, 30, axis=1)
    both = np.where(truth > 0, truth, np.where(wrong > 0, wrong + 20, 0))
    sure, doubted = (np.stack([both, np.where(truth > 0, 0.6, s)], -1) for s in (0.9, 0.1))
    assert scored([truth], [sure])["AP"] < scored([truth], [doubted])["AP"] - 0.05


def test_without_true_instances_nothing_is_defined_and_shapes_are_checked() -> None:
    empty = np.zeros(SIZE, int)
    assert np.isnan(scored([empty], [empty])["AP"])
    truth = picture(np.random.default_rng(5))
    alone = scored([truth], [truth])["AP"]
    assert scored([truth, empty], [truth, empty])["AP"] == alone
    assert scored([truth, empty], [truth, truth])["AP"] < alone  # invented in a picture that has none
    with pytest.raises(InputError, match="resize"):
        instances.image_stats(truth, np.zeros((4, 4)))


def test_merged_halves_are_the_whole() -> None:
    rng = np.random.default_rng(6)
    truths = [picture(rng) for _ in range(4)]
    found = [spoiled(t, rng, np.arange(50)) for t in truths]
    halves = [instances.InstancesMetric() for _ in range(2)]
    for i in range(4):
        halves[i // 2].update(truths[i], found[i])
    halves[0].merge(halves[1])
    assert halves[0].compute() == pytest.approx(scored(truths, found), abs=1e-12)
    with pytest.raises(InputError, match="min_area"):
        halves[0].merge(instances.InstancesMetric(1))


def test_split_merged_and_repeated_instances_cost() -> None:
    truth = np.zeros(SIZE, int)
    for i in range(6):
        truth[4 + 24 * (i // 3) : 20 + 24 * (i // 3), 4 + 20 * (i % 3) : 18 + 20 * (i % 3)] = i + 1
    halves = np.where(truth > 0, truth + 10 * (np.arange(SIZE[1]) % 20 < 11), 0)
    for name, found in {"split": halves, "merged": np.minimum(truth, 1)}.items():
        assert scored([truth], [found])["AP"] < 0.2, name
    assert scored([truth, truth], [truth, None])["AR"] == pytest.approx(0.5)


def test_thousands_of_predicted_instances_cost_no_mask_each() -> None:
    import tracemalloc

    truth = np.zeros((256, 256), np.int32)
    truth[40:80, 40:120] = 1
    ids = np.arange(256 * 256).reshape(256, 256) // 40 + 1
    ids[truth > 0] = 5000
    score = np.where(truth > 0, 0.9, (ids % 200) / 255)
    tracemalloc.start()
    stats = instances.image_stats(truth, np.stack([ids, score], -1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    levels = [row[0] for row in stats["found"]]
    assert len(np.unique(ids)) > 1500 and len(levels) == 100
    assert levels == sorted(levels, reverse=True) and levels[0] == 230 and stats["found"][0][1] == 1023
    assert peak < 40e6, "a mask of each would be 100 MB"
