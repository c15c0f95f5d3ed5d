"""Blind guesses against brute force: a poor one would make every other row look good."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from visiongen.benchmarks import priors
from visiongen.benchmarks.scorers import scorer_for
from visiongen.prompt import Legend

CLASSES = ("sky", "road", "car", "cup")
THINGS = ("car", "cup")


def boxes(count: int, seed: int) -> np.ndarray:
    """Masks bool (N, 12, 16) of one rectangle each."""
    rng, masks = np.random.default_rng(seed), np.zeros((count, 12, 16), bool)
    for mask in masks:
        y, x = rng.integers(0, 8), rng.integers(0, 10)
        mask[y : y + rng.integers(2, 5), x : x + rng.integers(2, 7)] = True
    return masks


def mean_iou(masks: np.ndarray, blob: np.ndarray) -> float:
    return float(np.mean([(m & blob).sum() / (m | blob).sum() for m in masks]))


@pytest.mark.parametrize("count", [1, 3, 7, 20])
def test_the_best_blob_is_the_best_of_all_thresholds(count: int) -> None:
    masks = boxes(count, seed=count)
    shares = masks.mean(0)
    every = [mean_iou(masks, shares >= cut) for cut in np.unique(shares)]
    assert mean_iou(masks, priors.best_blob(list(masks))) == pytest.approx(max(every))


def test_many_small_masks_that_hardly_meet_are_guessed_too() -> None:
    """No pixel is in 2 % of them: a guess of nothing would say less than any of these pixels."""
    masks = np.zeros((80, 10, 10), bool)
    for number, mask in enumerate(masks):
        mask.flat[number] = True
    assert mean_iou(masks, priors.best_blob(list(masks))) > 0
    assert not priors.best_blob([np.zeros((4, 4), bool)] * 2).any()


def test_means_leave_out_what_is_not_scored() -> None:
    truths = np.random.default_rng(0).random((3, 4, 5))
    truths[0, :2] = truths[:, 3, 3] = np.nan
    found = priors.mean(list(truths))
    known = np.isfinite(truths).any(0)
    assert found[known] == pytest.approx(np.nanmean(truths[:, known], axis=0))
    assert found[3, 3] == pytest.approx(np.nanmean(truths)) and not known[3, 3]


def rows_of_classes() -> list[np.ndarray]:
    """Class ids (6, 9), 255 = none, in which each class is likeliest in some row."""
    rng = np.random.default_rng(3)
    likely = np.array([0, 0, 2, 1, 3, 1])[:, None]
    maps = [np.where(rng.random((6, 9)) < 0.5, likely, rng.integers(0, 4, (6, 9))) for _ in range(4)]
    for one in maps:
        one[:, ::5] = 255
    return maps


def test_the_likeliest_of_the_items_own_classes_in_each_row() -> None:
    maps = rows_of_classes()
    legend = Legend.parse("cup=#ff0000,road=#00ff00,sky=#0000ff")  # no car, and another order
    allowed = [CLASSES.index(name) for name in legend.names]
    counts = [[sum((m[row] == k).sum() for m in maps) for k in range(4)] for row in range(6)]
    wanted = [max(allowed, key=lambda k: counts[row][k]) for row in range(6)]
    assert len(set(wanted)) == 3 and wanted != np.argmax(counts, axis=1).tolist()
    semantic = scorer_for({"name": "made", "task": "semantic", "classes": CLASSES})
    panoptic = scorer_for({"name": "made", "task": "panoptic", "classes": CLASSES, "things": THINGS})
    whole = [np.where(m == 255, -1, m * 1000 + 7).astype(np.int32) for m in maps]
    guesses = semantic.prior([m.astype(np.uint8) for m in maps]), panoptic.prior(whole)
    for size in ((6, 9), (12, 5)):
        places = np.array(wanted).repeat(size[0] // 6)[:, None].repeat(size[1], 1)
        classes, labels = (
            scorer.choose(guess(size), {"legend": legend})
            for scorer, guess in zip((semantic, panoptic), guesses, strict=True)
        )
        assert np.array_equal(classes, places)
        assert np.array_equal(labels, places * 1000 + (places >= 2)), "one segment, numbered if a thing"


def test_answers_are_brought_back_from_the_items_legend() -> None:
    """What is painted for a truth is read as that truth, whichever of the classes the legend has."""
    legend = Legend.parse("cup=#ff0000,road=#00ff00,border=#ffffff,sky=#0000ff")
    options = {"legend": legend}
    panoptic = scorer_for({"name": "made", "task": "panoptic", "classes": CLASSES, "things": THINGS})
    truth = np.array([[0, 1000, 3001, 3002, 2001, -1]], np.int32)
    painted = panoptic.labels(truth, options)
    assert painted.tolist() == [[3000, 1000, 1, 2, -1, -1]], "a car is none of the legend's"
    painted[0, 4] = 2000  # a border that is left is nothing either
    answer = panoptic.answer(SimpleNamespace(labels=painted), options)  # type: ignore[arg-type]
    assert answer.tolist() == [[0, 1000, 3001, 3002, -1, -1]]


@pytest.mark.parametrize("task", ["depth", "normals"])
def test_truths_of_several_sizes_make_one_guess(task: str) -> None:
    """A folder of one's own may hold photos of any size."""
    scorer, values = scorer_for({"name": "made", "task": task}), np.array([3.0, 5.0])
    if task == "normals":
        values = np.array([[0, 1, 0], [0, 0, 1.0]])
    truths = [values.repeat(n, axis=0)[:, None].repeat(w, 1) for n, w in ((4, 6), (5, 3))]
    guess = scorer.prior(truths)((8, 2))
    assert guess.shape[:2] == (8, 2) and guess == pytest.approx(
        values.repeat(4, axis=0)[:, None].repeat(2, 1)
    )
