"""PQ against a brute force over segments, torchmetrics, and predictions that must score badly."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchmetrics.functional.detection import panoptic_quality

from visiongen.benchmarks.metrics import panoptic
from visiongen.benchmarks.metrics.panoptic import PanopticTruth
from visiongen.benchmarks.official_results import panoptic_results
from visiongen.benchmarks.scorers import scorer_for
from visiongen.errors import InputError, MissingDataError
from visiongen.prompt import Legend

SIZE, NAMES, THINGS = (24, 32), ("sky", "road", "car", "person"), ("car", "person")


def picture(rng: np.random.Generator, void: bool = True) -> np.ndarray:
    """Labels (H, W): stuff above and below, things as rectangles, a corner of void."""
    labels = np.zeros(SIZE, np.int32)
    labels[12:] = 1000
    for number in range(1, 6):
        y, x = rng.integers(0, 18), rng.integers(0, 26)
        h, w = rng.integers(3, 12, 2)
        labels[y : y + h, x : x + w] = rng.integers(2, 4) * 1000 + number
    if void:
        labels[:4, :5] = -1
    return labels


def spoiled(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    given = np.roll(truth, rng.integers(-2, 3, 2), (0, 1))
    y, x = rng.integers(0, 18, 2)
    given[y : y + 5, x : x + 6] = rng.integers(0, 4) * 1000
    return given


def brute(
    truths: list[PanopticTruth], predictions: list[np.ndarray | None], classes: int = len(NAMES)
) -> list[tuple[float, int, int, int]]:
    """Per class (iou, tp, fp, fn) from masks, pair by pair, written after panopticapi's rules."""
    table = [[0.0, 0, 0, 0] for _ in range(classes)]
    for truth, given in zip(truths, predictions, strict=True):
        labels = truth.labels
        given = np.full_like(labels, -1) if given is None else given
        void = labels < 0
        wanted = {int(t): labels == t for t in np.unique(labels[~void])}
        found = {int(p): given == p for p in np.unique(given[given >= 0])}
        used_t, used_p = set(), set()
        for (t, mask_t), (p, mask_p) in itertools.product(wanted.items(), found.items()):
            if t in truth.crowd or t // 1000 != p // 1000:
                continue
            inter = int((mask_t & mask_p).sum())
            area = truth.areas.get(t, int(mask_t.sum()))
            union = area + int(mask_p.sum()) - inter - int((mask_p & void).sum())
            if inter and inter / union > 0.5:
                table[t // 1000][0] += inter / union
                table[t // 1000][1] += 1
                used_t.add(t)
                used_p.add(p)
        crowds = {one // 1000: wanted[one] for one in truth.crowd if one in wanted}
        for t in wanted:
            table[t // 1000][3] += t not in used_t and t not in truth.crowd
        for p, mask in found.items():
            if p not in used_p:
                free = int((mask & void).sum())
                if p // 1000 in crowds:
                    free += int((mask & crowds[p // 1000]).sum())
                table[p // 1000][2] += not free / mask.sum() > 0.5
    return [(v[0], int(v[1]), int(v[2]), int(v[3])) for v in table]


def counts(truth: PanopticTruth | np.ndarray, given: np.ndarray | None) -> dict[str, tuple[float, ...]]:
    stats = panoptic.image_stats(truth, given, len(NAMES))
    return {name: (0.0, 0, 0, 0) for name in NAMES} | {NAMES[k]: tuple(v) for k, *v in stats["classes"]}


def scored(truths: list, predictions: list) -> dict[str, float]:
    metric = panoptic.PanopticMetric(NAMES, THINGS)
    for truth, given in zip(truths, predictions, strict=True):
        metric.update(truth, given)
    return metric.compute()


def quality(table: tuple[float, ...]) -> float:
    iou, tp, fp, fn = table
    return iou / (tp + fp / 2 + fn / 2)


@pytest.mark.parametrize("seed", range(8))
def test_equals_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truths = [picture(rng) for _ in range(4)]
    predictions = [spoiled(t, rng) for t in truths]
    table, ours = brute([PanopticTruth(t) for t in truths], predictions), scored(truths, predictions)
    expected = dict(zip(NAMES, table, strict=True))
    there = {name: v for name, v in expected.items() if sum(v[1:])}
    for name, value in there.items():
        assert ours[f"PQ/{name}"] == pytest.approx(quality(value), abs=1e-12)
    assert ours["PQ"] == pytest.approx(np.mean([quality(v) for v in there.values()]))
    rates = [(iou / tp if tp else 0, tp / (tp + fp / 2 + fn / 2)) for iou, tp, fp, fn in there.values()]
    assert (ours["SQ"], ours["RQ"]) == pytest.approx(tuple(np.mean(rates, axis=0)))
    things = [quality(v) for name, v in there.items() if name in THINGS]
    assert ours["PQ_things"] == pytest.approx(np.mean(things))


@pytest.mark.parametrize("seed", range(12))
def test_crowds_annotated_areas_and_noise_equal_brute_force(seed: int) -> None:
    """Counts are equal; the sums of IoU to 1e-12."""
    rng = np.random.default_rng(seed)
    labels = picture(rng)
    things = [int(t) for t in np.unique(labels[labels >= 2000])]
    crowd = tuple(int(t) for t in rng.permutation(things)[: 1 + seed % 3])
    areas = {t: int((labels == t).sum()) + int(rng.integers(0, 4)) for t in things[:2]}
    truth = PanopticTruth(labels, crowd, areas if seed % 2 else {})
    noise = rng.integers(-1, 4, SIZE) * 1000 + rng.integers(0, 3, SIZE)
    for given in (spoiled(labels, rng), np.where(noise < 0, -1, noise), labels, np.full(SIZE, -1), None):
        ours, expected = counts(truth, given), brute([truth], [given])
        for name, value in zip(NAMES, expected, strict=True):
            assert ours[name] == pytest.approx(value, abs=1e-12), name


def test_rules_of_crowd_and_void_one_by_one() -> None:
    labels = np.zeros((1, 20), np.int32)
    labels[0, :10], labels[0, 10:12] = 2001, -1  # ten pixels of a crowd of cars, two of void, eight of sky

    def cars(given: np.ndarray, crowd: tuple[int, ...] = (2001,)) -> tuple[float, ...]:
        return counts(PanopticTruth(labels, crowd), given)["car"]

    inside = np.full((1, 20), -1)
    inside[0, 4:10] = 2005
    assert cars(inside) == (0, 0, 0, 0)  # all of it on the crowd: neither right nor wrong
    assert cars(inside, ()) == (0.6, 1, 0, 0)  # an instance like any other
    half = np.full((1, 20), -1)
    half[0, 7:13] = 2005  # three on the crowd, two on void, one on sky: 5 / 6
    assert cars(half) == (0, 0, 0, 0)
    half[0, 7:20] = 2005  # 5 / 13
    assert cars(half) == (0, 0, 1, 0)
    person = np.where(inside == 2005, 3001, -1)
    assert counts(PanopticTruth(labels, (2001,)), person)["person"] == (0, 0, 1, 0)  # another class's crowd
    exactly = np.full((1, 20), -1)
    exactly[0, 10:14] = 2005  # half on void: more than half is needed
    assert cars(exactly) == (0, 0, 1, 0)
    sky = np.full((1, 20), -1)
    sky[0, 10:20] = 0  # void leaves the union: 8 / 8
    assert counts(labels, sky)["sky"] == (1.0, 1, 0, 0)
    edge = np.full((1, 20), -1)
    edge[0, 12:16] = 0  # an IoU of one half is no match
    assert counts(labels, edge)["sky"] == (0, 0, 1, 1)


def test_of_several_crowds_of_a_class_the_last_counts() -> None:
    labels = np.array([[2001] * 4 + [2002] * 4])
    given = np.array([[2009] * 4 + [-1] * 4])
    assert counts(PanopticTruth(labels, (2002, 2001)), given)["car"] == (0, 0, 0, 0)
    assert counts(PanopticTruth(labels, (2001, 2002)), given)["car"] == (0, 0, 1, 0)


@pytest.mark.parametrize("seed", range(4))
def test_equals_torchmetrics(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = picture(rng, void=False)
    given = spoiled(truth, rng)
    given = np.where(given < 2000, given // 1000 * 1000, given)
    pairs = [torch.from_numpy(np.stack([a // 1000, a % 1000], -1)[None]) for a in (given, truth)]
    theirs = panoptic_quality(*pairs, things={2, 3}, stuffs={0, 1})
    assert scored([truth], [given])["PQ"] == pytest.approx(float(theirs), abs=1e-6)


def test_perfect_is_one_and_what_is_bad_is_low() -> None:
    truth = picture(np.random.default_rng(0))
    perfect = scored([truth], [truth])
    assert perfect["PQ"] == perfect["PQ_things"] == perfect["PQ_stuff"] == perfect["SQ"] == 1
    bad = {
        "failed": None,
        "one class": np.zeros_like(truth),
        "void": np.full_like(truth, -1),
        "other class": np.where(truth < 0, -1, (truth + 1000) % 4000),
        "NaN": np.full(truth.shape, np.nan),
        "shifted": np.roll(truth, 12, axis=0),
        "noise": np.random.default_rng(1).integers(0, 4, SIZE) * 1000,
    }
    for name, prediction in bad.items():
        assert scored([truth], [prediction])["PQ"] < 0.3, name
    assert scored([truth], [None])["PQ"] == 0
    # Merged and split things cost, though every pixel has its class.
    merged = np.where(truth >= 2000, truth // 1000 * 1000 + 1, truth)
    split = np.where(truth >= 2000, truth + 10 * (np.arange(SIZE[1]) % 2), truth)
    for prediction in (merged, split):
        found = scored([truth], [prediction])
        assert found["PQ_things"] < 0.7 and found["PQ_stuff"] == 1
    assert scored([truth, truth], [truth, None])["PQ"] < 0.7  # a failed image counts


def test_predictions_on_void_are_not_counted_and_arrays_are_checked() -> None:
    truth = picture(np.random.default_rng(1))
    given = truth.copy()
    given[:4, :5] = 3009
    assert scored([truth], [given])["PQ"] == 1
    with pytest.raises(InputError, match="shape"):
        panoptic.image_stats(truth, truth[:, :-1], 4)
    with pytest.raises(InputError, match="class 4"):
        panoptic.image_stats(truth, truth + 1000, 4)


def test_two_halves_merged_are_the_whole() -> None:
    rng = np.random.default_rng(3)
    truths = [picture(rng) for _ in range(4)]
    given = [spoiled(t, rng) for t in truths]
    parts = [panoptic.PanopticMetric(NAMES, THINGS) for _ in range(2)]
    for i in range(4):
        parts[i // 2].update(truths[i], given[i])
    parts[0].merge(parts[1])
    assert parts[0].compute() == pytest.approx(scored(truths, given), nan_ok=True)


def test_scorer_paints_crowds_as_void_and_stuff_without_numbers() -> None:
    scorer = scorer_for({"name": "made", "task": "panoptic", "classes": NAMES, "things": THINGS})
    truth = PanopticTruth(np.array([[1, 1000, 2001, 3001, -1]]), (3001,))
    legend = Legend.parse("person=#ff0000,car=#0000ff,road=#00ff00,sky=#ffffff,border=#000000")
    painted = scorer.labels(scorer.shrink(truth, (1, 5)), {"legend": legend})
    assert painted.tolist() == [[3000, 2000, 1001, -1, -1]]
    oracle = scorer.stats(truth, scorer.oracle(truth, {}))
    assert scorer.scores(scorer.vector(oracle))["PQ"] == 1
    worst = scorer.scores(scorer.vector(scorer.stats(truth, None)))
    assert worst["PQ"] == 0 and np.isnan(worst["PQ/person"])


def test_labels_of_ids_checks_both_lists() -> None:
    ids = np.array([[0, 7, 7, 300]])
    assert panoptic.labels_of(ids, [(300, 2), (7, 2)]).tolist() == [[-1, 2002, 2002, 2001]]
    with pytest.raises(InputError, match="300 is in the picture but not in the JSON"):
        panoptic.labels_of(ids, [(7, 2)])
    with pytest.raises(InputError, match="8 is in the JSON but not in the picture"):
        panoptic.labels_of(ids, [(300, 2), (7, 2), (8, 1)])


# --- COCO's panoptic format -----------------------------------------------------------------------


def write_results(folder: Path, ids: np.ndarray, segments: list[dict]) -> Path:
    """A JSON and a PNG of image 139."""
    (folder / "results").mkdir(exist_ok=True)
    colours = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)
    Image.fromarray(colours).save(folder / "results" / "000000000139.png")
    row = {"image_id": 139, "file_name": "000000000139.png", "segments_info": segments}
    (folder / "results.json").write_text(json.dumps({"annotations": [row]}))
    return folder


def test_results_are_read_and_failures_are_hard(tmp_path: Path) -> None:
    ids = np.array([[0, 5, 5, 70000, 300]])
    segments = [{"id": 5, "category_id": 200}, {"id": 70000, "category_id": 1}, {"id": 300, "category_id": 1}]
    names = {"name": "made", "task": "panoptic", "classes": NAMES, "things": THINGS}
    judge = scorer_for({**names, "category_ids": [200, 7, 1, 3]})
    read = judge.official(write_results(tmp_path, ids, segments))
    assert read is not None and read("val2017/000000000139").tolist() == [[-1, 1, 1, 2001, 2002]]
    assert scorer_for(names).official(tmp_path) is None and judge.official(tmp_path / "results") is None
    with pytest.raises(KeyError):
        read("000000000140")
    cases = {
        "300 is in the picture but not in the JSON": segments[:2],
        "9 is in the JSON but not in the picture": [*segments, {"id": 9, "category_id": 1}],
        "unknown category 2;": [*segments[:2], {"id": 300, "category_id": 2}],
    }
    for message, listed in cases.items():
        read = judge.official(write_results(tmp_path, ids, listed))
        assert read is not None
        with pytest.raises(InputError, match=message):
            read("139")
    read = judge.official(write_results(tmp_path, ids, segments))
    assert read is not None
    (tmp_path / "results" / "000000000139.png").unlink()
    with pytest.raises(MissingDataError):
        read("139")


@pytest.mark.data
def test_official_files_score_one_against_themselves_and_as_brute_force_when_moved(data_root: Path) -> None:
    folder = data_root / "panoptic_samples" / "coco"
    if not folder.is_dir():
        pytest.skip("needs the pack panoptic_samples")
    content = json.loads((folder / "panoptic_examples.json").read_text())
    kinds = sorted({s["category_id"] for row in content["annotations"] for s in row["segments_info"]})
    places = {number: place for place, number in enumerate(kinds)}
    read = panoptic_results(folder / "panoptic_examples.json", places)
    perfect, moved = panoptic.PanopticMetric(kinds), panoptic.PanopticMetric(kinds)
    for row in content["annotations"]:
        labels = read(str(row["image_id"]))
        numbers = {s["id"]: s for s in row["segments_info"]}
        assert len(np.unique(labels[labels >= 0])) == len(numbers)
        areas = sorted(np.unique(labels[labels >= 0], return_counts=True)[1].tolist())
        assert areas == sorted(s["area"] for s in numbers.values())  # pixels are as annotated
        perfect.update(labels, labels)
        given = np.roll(labels, (4, 9), (0, 1))
        moved.update(labels, given)
        stats = panoptic.image_stats(labels, given, len(kinds))
        table = {k: tuple(v) for k, *v in stats["classes"]}
        expected = brute([PanopticTruth(labels)], [given], len(kinds))
        for k in range(len(kinds)):
            assert table.get(k, (0, 0, 0, 0)) == pytest.approx(expected[k], abs=1e-12)
    assert perfect.compute()["PQ"] == 1 and 0 < moved.compute()["PQ"] < 0.9
