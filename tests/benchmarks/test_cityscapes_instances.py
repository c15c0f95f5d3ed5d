"""Cityscapes AP against cityscapesScripts on a written tree, its rules one by one, and bad predictions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from PIL import Image

from visiongen.benchmarks.metrics import bootstrap, coco
from visiongen.benchmarks.metrics import cityscapes_instances as metric
from visiongen.benchmarks.metrics.coco import Found
from visiongen.benchmarks.official_results import cityscapes_results
from visiongen.benchmarks.scorers import scorer_for
from visiongen.errors import InputError, MissingDataError
from visiongen.prompt import Legend

SIZE = (64, 96)
PROTOCOL = {
    "name": "made",
    "task": "panoptic",
    "scorer": "cityscapes-instances",
    "classes": list(metric.NAMES),
    "category_ids": list(metric.LABELS),
}


def picture(rng: np.random.Generator, kinds: tuple[int, ...] = (24, 26, 33)) -> np.ndarray:
    """Instance ids: road and void below, instances of some classes, one group, small ones among them."""
    ids = np.full(SIZE, 7, np.int32)
    ids[:10] = 23
    ids[56:] = 1  # ego vehicle: void
    for number in range(int(rng.integers(3, 9))):
        y, x, h, w = *rng.integers(0, 50, 1), *rng.integers(0, 80, 1), *rng.integers(5, 26, 2)
        label = int(rng.choice(kinds))
        ids[y : y + h, x : x + w] = label if number == 2 else label * 1000 + number
    return ids


def detections(ids: np.ndarray, rng: np.random.Generator, kinds: tuple[int, ...] = (24, 26, 33)) -> Found:
    """Instances moved, some twice, some of another class, some invented; scores with ties."""
    masks, classes = [], []
    for one in np.unique(ids[ids >= 24]):
        label = int(one if one < 1000 else one // 1000)
        for _ in range(int(rng.integers(0, 3))):
            masks.append(np.roll(ids == one, rng.integers(-2, 3, 2), (0, 1)))
            classes.append(label if rng.random() < 0.85 else int(rng.choice(kinds)))
    for _ in range(3):
        y, x = rng.integers(0, 56), rng.integers(0, 80)
        masks.append(np.zeros(SIZE, bool))
        masks[-1][y : y + 12, x : x + 9] = True
        classes.append(int(rng.choice(kinds)))
    masks.append(np.zeros(SIZE, bool))  # an empty mask counts for nothing
    classes.append(kinds[0])
    scores = rng.integers(1, 12, len(masks)) / 12
    places = np.array([metric.LABELS.index(label) for label in classes])
    return Found(SIZE, places, coco.encode(np.array(masks)), scores)


def ap(truths: list[np.ndarray], found: list[Found | None]) -> np.ndarray:
    counter = metric.CityscapesInstancesMetric()
    for truth, one in zip(truths, found, strict=True):
        counter.update(truth, one)
    return counter.arrays()


def official(truths: list[np.ndarray], found: list[Found], root: Path) -> np.ndarray:
    """The same by cityscapesScripts, from files."""
    from pycocotools import mask as rle

    pytest.importorskip("cityscapesscripts")
    sys.modules.setdefault("pyquaternion", MagicMock())  # for boxes in space, which are not asked here
    script = pytest.importorskip("cityscapesscripts.evaluation.evalInstanceLevelSemanticLabeling")
    args: Any = script.args
    args.gtInstancesFile, args.quiet = str(root / "gtInstances.json"), True
    args.predictionPath = str(root)
    truth_files, prediction_files = [], []
    for i, (ids, one) in enumerate(zip(truths, found, strict=True)):
        truth_files.append(str(root / f"aachen_{i:06d}_000000_gtFine_instanceIds.png"))
        Image.fromarray(ids.astype(np.uint16)).save(truth_files[-1])
        lines = []
        for k, mask in enumerate(one.masks):
            Image.fromarray(rle.decode(mask) * 255).save(root / f"{i}_{k}.png")
            lines.append(f"{i}_{k}.png {metric.LABELS[one.categories[k]]} {float(one.scores[k])!r}")
        prediction_files.append(str(root / f"{i}.txt"))
        Path(prediction_files[-1]).write_text("\n".join(lines))
    script.setInstanceLabels(args)
    assert tuple(args.instLabels) == metric.NAMES
    instances = script.getGtInstances(truth_files, args)
    return script.evaluateMatches(
        script.matchGtWithPreds(prediction_files, truth_files, instances, args), args
    )[0]


@pytest.mark.parametrize("seed", range(6))
def test_equals_the_official_script_on_files(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hasattr(np, "in1d"):  # the official script is older than this NumPy
        monkeypatch.setattr(np, "in1d", np.isin, raising=False)
    rng = np.random.default_rng(seed)
    truths = [picture(rng) for _ in range(4)]
    found = [detections(ids, rng) for ids in truths]
    ours, theirs = ap(truths, found), official(truths, found, tmp_path)
    assert np.isfinite(ours[[0, 2, 7]]).all() and np.isnan(ours[3:6]).all()
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


# --- without the official package -----------------------------------------------------------------


def strip(*spans: tuple[int, int, int]) -> np.ndarray:
    """Ids int (1, 4000): road, with ``(first, last, id)`` on it."""
    ids = np.full((1, 4000), 7, np.int32)
    for first, last, one in spans:
        ids[0, first:last] = one
    return ids


def found_at(*spans: tuple[int, int, int, float]) -> Found:
    """Detections ``(first, last, class, score)`` on the strip."""
    masks = np.zeros((len(spans), 1, 4000), bool)
    for row, (first, last, _, _) in enumerate(spans):
        masks[row, 0, first:last] = True
    kinds, scores = np.array([s[2] for s in spans], int), np.array([s[3] for s in spans], float)
    return Found((1, 4000), kinds, coco.encode(masks) if spans else [], scores)


def test_rules_one_by_one() -> None:
    person = (0, 200, 24001)

    def at(truth: np.ndarray, *spans: tuple[int, int, int, float]) -> list[float]:
        """AP of persons at IoU .5 and .55."""
        return ap([truth], [found_at(*spans)])[0, :2].tolist()

    assert at(strip(person), (0, 200, 0, 0.5)) == [1, 1]
    assert at(strip(person), (0, 100, 0, 0.5)) == [0, 0]  # an IoU of one half is not above it
    assert at(strip(person), (0, 104, 0, 0.5)) == [1, 0]
    assert at(strip(person), (0, 200, 2, 0.5)) == [0, 0]  # a car
    # A second hit is wrong, whichever of the two is surer: precision falls from 1 to 1 / 2 at full recall.
    assert at(strip(person), (0, 200, 0, 0.5), (0, 190, 0, 0.4)) == [1, 1]
    assert at(strip(person), (0, 200, 0, 0.5), (300, 500, 0, 0.9)) == [0.25, 0.25]  # (0 + 1 / 2) / 2
    assert at(strip(person), (0, 200, 0, 0.5), (300, 500, 0, 0.5)) == [
        0.75,
        0.75,
    ]  # together: (1 + 1 / 2) / 2
    group, void, small = (300, 500, 24), (300, 500, 1), (300, 380, 24002)
    for other in (group, void, small):
        last = min(500, other[1])
        assert at(strip(person, other), (0, 200, 0, 0.5), (300, last, 0, 0.9)) == [1, 1], other
    assert at(strip(person, (300, 402, 1)), (0, 200, 0, 0.5), (300, 500, 0, 0.9)) == [1, 0.25]  # .51 on void
    assert at(strip(person, (300, 500, 25)), (0, 200, 0, 0.5), (300, 500, 0, 0.9)) == [0.25, 0.25]  # riders
    nothing = ap([strip(group)], [found_at((0, 200, 0, 0.5))])
    assert np.isnan(nothing).all()


def test_bad_predictions_score_low_and_a_failed_image_counts() -> None:
    rng = np.random.default_rng(3)
    truths = [picture(rng) for _ in range(4)]
    judge = scorer_for(PROTOCOL)

    def score(found: list[Any]) -> float:
        table = judge.table([judge.stats(t, f) for t, f in zip(truths, found, strict=True)])
        return float(table(np.ones((1, len(truths))))["AP"][0])

    perfect = [judge.oracle(t, {}) for t in truths]
    assert score(perfect) == score(list(truths)) == 1
    moved = [judge.oracle(np.roll(t, 30, axis=1), {}) for t in truths]
    other = [Found(f.size, (f.categories + 1) % 8, f.masks, f.scores) for f in perfect]
    whole = coco.encode(np.ones((1, *SIZE), bool))
    constant = [Found(SIZE, np.zeros(1, int), whole, np.ones(1))] * 4
    for bad in (moved, other, constant):
        assert score(bad) < 0.2
    assert score([None] * 4) == 0
    assert 0.2 < score([*perfect[:2], None, None]) < 0.9


def test_a_resample_is_the_images_drawn() -> None:
    rng = np.random.default_rng(4)
    truths = [picture(rng) for _ in range(5)]
    found = [detections(t, rng) for t in truths]
    judge = scorer_for(PROTOCOL)
    drawn = judge.table([judge.stats(t, f) for t, f in zip(truths, found, strict=True)])(
        np.array([[2, 0, 1, 1, 1], [0, 5, 0, 0, 0]], float)
    )
    for row, chosen in enumerate(([0, 0, 2, 3, 4], [1] * 5)):
        values = ap([truths[i] for i in chosen], [found[i] for i in chosen])
        means = [value.mean() for value in values if np.isfinite(value).all()]
        assert drawn["AP"][row] == pytest.approx(np.mean(means), abs=1e-12)
        assert drawn["AP50/car"][row] == pytest.approx(values[2, 0], abs=1e-12, nan_ok=True)


def test_large_sets_get_fewer_resamples_as_in_coco(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    truths = [picture(rng) for _ in range(4)]
    judge, draws = scorer_for(PROTOCOL), bootstrap.draws(4, 250)
    records = [judge.stats(t, detections(t, rng)) for t in truths]
    whole = judge.table(records)(draws)["AP"]
    assert np.isfinite(whole).all() and whole[220] == judge.table(records)(draws[220:221])["AP"]
    monkeypatch.setattr("visiongen.benchmarks.scorers.coco.WORK", 1)
    table = judge.table(records)
    cut = table(draws)["AP"]
    assert np.isfinite(cut).sum() == 100 and np.array_equal(cut[:100], whole[:100])
    assert table(np.ones((1, 4)))["AP"].shape == (1,)


def test_what_is_painted_has_instances_and_no_groups() -> None:
    legend = Legend.parse("car=#0000ff,person=#ff0000,other=#00ff00,border=#ffffff")
    judge = scorer_for(PROTOCOL)
    truth = strip((0, 200, 24001), (300, 500, 24), (600, 900, 26005))
    painted = judge.labels(judge.shrink(truth, (1, 4000)), {"legend": legend})
    assert [int(painted[0, x]) for x in (10, 310, 610, 3000)] == [1001, 2000, 1, 2000]


def test_arrays_are_checked() -> None:
    with pytest.raises(InputError, match="instance ids"):
        metric.image_stats(np.zeros((4, 4)), None)
    with pytest.raises(InputError, match="truth is"):
        metric.image_stats(np.zeros((4, 4), int), found_at((0, 10, 0, 1)))


# --- results files --------------------------------------------------------------------------------


def test_results_folder_is_read_and_checked(tmp_path: Path) -> None:
    mask = np.zeros((4, 6), np.uint8)
    mask[1:3, 2:5] = 7
    folder = tmp_path / "frankfurt"
    folder.mkdir()
    Image.fromarray(mask).save(folder / "m.png")
    text = folder / "frankfurt_000000_000294_pred.txt"
    text.write_text("m.png 24 0.75\nm.png 23 0.5\nm.png 33 1\n")
    judge = scorer_for(PROTOCOL)
    read = judge.official(tmp_path)
    assert read is not None and judge.official(tmp_path / "none") is None
    found = read("frankfurt/frankfurt_000000_000294")
    assert found.categories.tolist() == [0, 7] and found.scores.tolist() == [0.75, 1]
    assert coco.areas_of(found.masks).tolist() == [6, 6]
    with pytest.raises(KeyError):
        read("frankfurt/frankfurt_000000_000295")
    for bad, message in (("m.png 24", "line 1"), ("/m.png 24 1", "outside"), ("../../m.png 24 1", "outside")):
        text.write_text(bad)
        with pytest.raises(InputError, match=message):
            cityscapes_results(tmp_path, metric.LABELS)("frankfurt_000000_000294")
    text.write_text("gone.png 24 1")
    with pytest.raises(MissingDataError):
        cityscapes_results(tmp_path, metric.LABELS)("frankfurt_000000_000294")
    (folder / "frankfurt_000000_000294.txt").write_text("")
    with pytest.raises(InputError, match="second file"):
        cityscapes_results(tmp_path, metric.LABELS)("frankfurt_000000_000294")
