"""Driving sets in their official layouts: anomalies on the road, with the traps that each of them sets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visiongen.benchmarks.base import Benchmark, Item
from visiongen.benchmarks.rows import BlindRow, CodecRow, OracleRow
from visiongen.benchmarks.runner import get_benchmark
from visiongen.benchmarks.validate import validate
from visiongen.errors import InputError, MissingDataError, UsageError

H, W = 48, 80
RNG = np.random.default_rng(0)
ROAD = np.zeros((H, W), np.uint8)  # 0 beside the road, 1 road, 7 a thing on it
ROAD[24:] = 1
ROAD[30:40, 20:36] = 7


def photo(path: Path) -> np.ndarray:
    return save(path, RNG.integers(0, 256, (H, W, 3)).astype(np.uint8))


def save(path: Path, array: np.ndarray, **options: object) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return array


def score(benchmark: Benchmark, items: list[Item], row: CodecRow | BlindRow | OracleRow) -> dict[str, float]:
    scorer = benchmark.scorer
    records = [scorer.stats(item.truth(), row.answer(item, item.truth())) for item in items]
    return {
        name: float(value[0]) for name, value in scorer.table(records)(np.ones((1, len(records)))).items()
    }


# --- SegmentMeIfYouCan --------------------------------------------------------------------------


def track(folder: Path, end: str, names: list[str], truth: np.ndarray) -> None:
    for name in names:
        photo(folder / f"images/{name}{end}")
        if name.startswith("validation"):
            save(folder / f"labels_masks/{name}_labels_semantic.png", truth)
            save(folder / f"labels_masks/{name}_labels_semantic_color.png", np.zeros((H, W, 3), np.uint8))


def test_anomaly_track_scores_only_photos_whose_truth_is_public(tmp_path: Path) -> None:
    folder = tmp_path / "dataset_AnomalyTrack"
    truth = np.where(ROAD == 7, 1, np.where(ROAD == 1, 0, 255)).astype(np.uint8)
    track(folder, ".jpg", ["zebra0000", "validation0001", "validation0000"], truth)
    benchmark = get_benchmark("smiyc-anomaly")
    items = benchmark.items(tmp_path, "validation")
    assert [item.id for item in items] == ["validation0000", "validation0001"]
    assert np.array_equal(items[0].truth(), truth) and items[0].truth().dtype == np.uint8
    assert items[0].options == {"phrase": "anything that does not belong on the road"}
    with pytest.raises(UsageError, match="validation"):
        benchmark.split("test")
    assert (benchmark.protocol["min_pred"], benchmark.protocol["min_truth"]) == (500, 100)
    save(folder / "labels_masks/validation0000_labels_semantic.png", np.where(truth == 1, 2, truth))
    with pytest.raises(
        InputError, match=r"validation0000_labels_semantic\.png: value 2 at row 30, column 20"
    ):
        items[0].truth()
    (folder / "labels_masks/validation0001_labels_semantic.png").unlink()
    with pytest.raises(MissingDataError, match="validation0001_labels_semantic"):
        benchmark.items(tmp_path, "validation")


def test_obstacle_track_leaves_out_what_the_official_code_does(tmp_path: Path) -> None:
    folder = tmp_path / "dataset_ObstacleTrack"
    truth = np.where(ROAD == 7, 1, np.where(ROAD == 1, 0, 255)).astype(np.uint8)
    track(
        folder, ".webp", [f"validation_{n}" for n in range(1, 41)] + ["driveway_1", "curvy-street_2"], truth
    )
    benchmark = get_benchmark("smiyc-obstacle")
    kept = sorted(f"validation_{n}" for n in range(1, 41) if n != 19 and n not in range(21, 30))
    items = benchmark.items(tmp_path, "validation")
    assert [item.id for item in items] == kept and len(items) == 30
    assert benchmark.items(folder, "validation")[0].digest == items[0].digest, "the folder as data root"
    assert (benchmark.protocol["min_pred"], benchmark.protocol["min_truth"]) == (50, 10)
    tree = validate(benchmark, tmp_path)
    assert tree.ok and tree.n_read == 30 and not tree.problems
    assert score(benchmark, items, OracleRow(benchmark))["AP"] == 1
    found = score(benchmark, items, CodecRow(benchmark, None))
    assert found["AP"] > 0.9 and found["F1*"] > 0.9
    (folder / "images/validation_3.webp").write_bytes(b"RIFF")
    with pytest.raises(InputError, match=r"validation_3\.webp"):
        next(item for item in items if item.id == "validation_3").photo()


def test_a_track_is_not_taken_for_the_other(tmp_path: Path) -> None:
    truth = np.zeros((H, W), np.uint8)
    track(tmp_path / "dataset_ObstacleTrack", ".webp", ["validation_1"], truth)
    with pytest.raises(MissingDataError, match="dataset_AnomalyTrack"):
        get_benchmark("smiyc-anomaly").items(tmp_path, "validation")
    with pytest.raises(MissingDataError, match=r"validation_1\.jpg"):
        get_benchmark("smiyc-anomaly").items(tmp_path / "dataset_ObstacleTrack", "validation")


# --- RoadAnomaly --------------------------------------------------------------------------------


def test_road_anomaly_follows_its_list_and_calls_two_an_anomaly(tmp_path: Path) -> None:
    folder = tmp_path / "RoadAnomaly"
    names = ["zebra_crossing.jpg", "animals01_Calves.jpg"]
    for name in names:
        photo(folder / "frames" / name)
        truth = save(
            folder / f"frames/{Path(name).stem}.labels/labels_semantic.png",
            np.where(ROAD == 7, 2, ROAD).astype(np.uint8),
        )
    (folder / "frame_list.json").write_text(json.dumps(names))
    benchmark = get_benchmark("road-anomaly")
    items = benchmark.items(tmp_path, "test")
    assert [item.id for item in items] == ["zebra_crossing", "animals01_Calves"]
    assert np.array_equal(items[0].truth(), (truth == 2).astype(np.uint8)), "nothing is left out"
    guess = score(benchmark, items, BlindRow(benchmark, tmp_path))
    assert guess["AP"] > 0.9, "the guess has seen these truths"
    (folder / "frame_list.json").write_text('{"frames": []}')
    with pytest.raises(InputError, match="not a list"):
        benchmark.items(tmp_path, "test")
    (folder / "frame_list.json").write_text("[")
    with pytest.raises(InputError, match=r"frame_list\.json"):
        benchmark.items(tmp_path, "test")
    (folder / "frame_list.json").write_text(json.dumps([*names, "horse.webp"]))
    with pytest.raises(MissingDataError, match=r"horse\.webp: listed in"):
        benchmark.items(tmp_path, "test")


# --- LostAndFound -------------------------------------------------------------------------------

STREETS = ("02_Hanns_Klemm_Str_44", "05_Schafgasse_1", "15_Rechbergstr_Deckenpfronn")


def frame(root: Path, part: str, name: str, truth: np.ndarray | None = None, end: str = ".png") -> None:
    """One frame; without a truth both files are empty."""
    street = name[:-14]
    files = (
        root / f"leftImg8bit/{part}/{street}/{name}_leftImg8bit{end}",
        root / f"gtCoarse/{part}/{street}/{name}_gtCoarse_labelIds.png",
    )
    if truth is not None:
        photo(files[0])
        save(files[1], truth)
        save(files[1].with_name(f"{name}_gtCoarse_instanceIds.png"), truth.astype(np.uint16) * 1000)
        return
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def test_lost_and_found_is_scored_on_the_road_alone(tmp_path: Path) -> None:
    root = tmp_path / "lost_and_found"
    names = [f"{STREETS[1]}_000002_000120", f"{STREETS[0]}_000000_000020", f"{STREETS[0]}_000000_000010"]
    for name in names:
        frame(root, "test", name, ROAD)
    frame(
        root, "train", "01_Hanns_Klemm_Str_45_000003_000030", np.where(ROAD == 7, 42, ROAD).astype(np.uint8)
    )
    benchmark = get_benchmark("lost-and-found")
    items = benchmark.items(tmp_path, "test")
    assert [item.id.split("/")[1] for item in items] == sorted(names)
    assert [item.cluster for item in items] == [f"{STREETS[0]}_000000"] * 2 + [f"{STREETS[1]}_000002"]
    expected = np.full((H, W), 255)
    expected[ROAD == 1], expected[ROAD == 7] = 0, 1
    assert np.array_equal(items[0].truth(), expected)
    (trained,) = benchmark.items(tmp_path, "train")
    assert np.array_equal(trained.truth(), expected)
    # A guess may say what it likes beside the road, and nothing is learnt there.
    guess = benchmark.blind(tmp_path)((H, W))
    assert guess[30:40, 20:36].mean() > 0.9 and guess[42:].max() < 0.1
    answer = np.where(expected == 255, 1, expected).astype(np.float32)
    scorer = benchmark.scorer
    table = scorer.table([scorer.stats(items[0].truth(), answer)])(np.ones((1, 1)))
    assert table["AP"][0] == 1 and table["FPR95"][0] == 0
    save(
        root / f"gtCoarse/test/{STREETS[0]}/{names[2]}_gtCoarse_labelIds.png", np.full((H, W), 255, np.uint8)
    )
    with pytest.raises(InputError, match="value 255 at row 0, column 0"):
        items[0].truth()


def test_no_known_drops_unlabelled_frames_by_their_place_and_known_objects(tmp_path: Path) -> None:
    root = tmp_path / "dataset_LostAndFound"
    names = [
        f"{street}_{n // 20:06d}_{n:06d}"
        for street, many in zip(STREETS, (600, 460, 143), strict=True)
        for n in range(many)
    ]
    for name in names:
        frame(root, "test", name, end=".webp")
    benchmark = get_benchmark("lost-and-found")
    assert benchmark.split(None) == "testNoKnown" and len(benchmark.samples(root, "test")) == 1203
    empty = {17, 37, 55, 72, 91, 110, 129, 153, 174, 197, 218, 353, 490, 618, 686, 792, 793}
    kept = [n for i, n in enumerate(sorted(names)) if i not in empty and not n.startswith("15_")]
    found = [Path(one.id).name for one in benchmark.samples(root, "testNoKnown")]
    assert found == kept and len(found) == 1043 == benchmark.protocol["splits"]["testNoKnown"]
    (root / f"gtCoarse/test/{STREETS[0]}/{names[0]}_gtCoarse_labelIds.png").unlink()
    with pytest.raises(MissingDataError, match=names[0]):
        benchmark.samples(root, "testNoKnown")
    tree = validate(benchmark, tmp_path, fast=True)
    assert tree.n_listed == 1043 and [one.kind for one in tree.problems] == ["file"], "the split is whole"
    (root / f"leftImg8bit/test/{STREETS[0]}/{names[0]}_leftImg8bit.webp").unlink()
    with pytest.raises(InputError, match="1202 frames, officially 1203"):
        benchmark.samples(root, "testNoKnown")


# --- Fishyscapes --------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["fishyscapes_lostandfound", "dataset_FishyLAF/labels/val"])
def test_fishyscapes_takes_its_photos_from_either_split(tmp_path: Path, layout: str) -> None:
    fishy = np.where(ROAD == 7, 1, 0).astype(np.uint8)
    fishy[:4] = 255
    names = {"04_Maurener_Weg_8_000001_000030": "test", "01_Hanns_Klemm_Str_45_000000_000080": "train"}
    for number, (name, part) in enumerate(names.items()):
        frame(tmp_path / "dataset_LostAndFound", part, name, ROAD)
        own = f"{number:04d}_{name}_labels.png" if "val" not in layout else f"{name}_fishy-labels.png"
        save(tmp_path / layout / own, fishy)
        (tmp_path / layout / f"._{own}").write_bytes(b"macOS leaves such files")
    benchmark = get_benchmark("fishyscapes-laf")
    items = benchmark.items(tmp_path, "val")
    assert [item.id for item in items] == sorted(names)
    assert [item.cluster for item in items] == ["01_Hanns_Klemm_Str_45_000000", "04_Maurener_Weg_8_000001"]
    assert np.array_equal(items[0].truth(), fishy), "not LostAndFound's own labels"
    assert items[0].photo().shape == (H, W, 3)
    (tmp_path / "dataset_LostAndFound/leftImg8bit/test/04_Maurener_Weg_8").rename(tmp_path / "gone")
    with pytest.raises(MissingDataError, match="04_Maurener_Weg_8_000001_000030_leftImg8bit"):
        benchmark.items(tmp_path, "val")
    save(tmp_path / layout / ("0007_x_labels.png" if "val" not in layout else "x_fishy-labels.png"), fishy)
    with pytest.raises(InputError, match="no frame of LostAndFound"):
        benchmark.items(tmp_path, "val")


def test_fishyscapes_without_photos_says_whose_they_are(tmp_path: Path) -> None:
    benchmark = get_benchmark("fishyscapes-laf")
    with pytest.raises(MissingDataError, match="fishyscapes_lostandfound or dataset_FishyLAF"):
        benchmark.items(tmp_path, "val")
    save(tmp_path / "fishyscapes_lostandfound/0000_04_Maurener_Weg_8_000001_000030_labels.png", ROAD * 0)
    with pytest.raises(MissingDataError, match="photos are LostAndFound's"):
        benchmark.items(tmp_path, "val")
    assert benchmark.present(tmp_path) is None
