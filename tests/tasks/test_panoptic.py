"""Panoptic maps: borders, parts, and COCO's files."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from visiongen.errors import CodecError, InputError, UsageError
from visiongen.geometry import Geometry
from visiongen.prompt import Legend
from visiongen.tasks.coco_panoptic import id_image, list_segments, read_ids, segment_ids
from visiongen.tasks.codecs import codec_from_spec
from visiongen.tasks.codecs.legend import random_legend_colours
from visiongen.tasks.codecs.panoptic import BorderPanoptic
from visiongen.tasks.panoptic import Panoptic, PanopticPrediction

LEGEND = Legend.parse("road=#2040a0,car=#e02020,cup=#20d040,border=#ffffff")
CODEC = BorderPanoptic(LEGEND, things=("car", "cup"))


def cars() -> np.ndarray:
    """Two cars that touch, one alone, and a cup before the first; int (80, 120)."""
    labels = np.zeros((80, 120), np.int64)
    labels[20:50, 10:40], labels[20:50, 40:70], labels[20:50, 90:115] = 1001, 1002, 1003
    labels[30:44, 14:28] = 2001
    return labels


def renamed(found: np.ndarray, truth: np.ndarray) -> bool:
    """Whether two label maps are the same but for the numbers of their things."""
    pairs = np.unique(np.stack([found.ravel(), truth.ravel()], 1), axis=0)
    return all(len(np.unique(pairs[:, c])) == len(pairs) for c in (0, 1)) and (
        np.array_equal(found // 1000, truth // 1000)
    )


def test_only_things_of_one_class_have_a_border() -> None:
    positions = CODEC.positions(cars())
    border = positions == 3
    assert border[20:50, 38:42].all() and border.sum() == 30 * 4
    assert renamed(CODEC.decode(CODEC.encode(cars()))[0], cars())


def test_small_things_keep_half_of_their_pixels() -> None:
    labels = np.zeros((40, 60), np.int64)
    for k in range(6):
        labels[10:16, 6 + 6 * k : 12 + 6 * k] = 2001 + k
    border = CODEC.positions(labels) == 3
    for k in range(6):
        assert border[labels == 2001 + k].mean() <= 0.5
    found, _ = CODEC.decode(CODEC.encode(labels))
    assert len(np.unique(found)) == 7 and np.array_equal(found // 1000, labels // 1000)


def test_specks_and_noise() -> None:
    noisy = CODEC.encode(cars()).astype(np.float32) + np.random.default_rng(0).normal(0, 12, (80, 120, 3))
    found, confidence = CODEC.decode(np.clip(noisy, 0, 255).astype(np.uint8))
    assert renamed(found, cars()) and confidence.mean() > 0.95
    labels = cars()
    labels[70:73, 70:73] = 1009  # nine pixels are less than min_area
    found, _ = CODEC.decode(CODEC.encode(labels))
    assert (found[70:73, 70:73] == 0).all()
    kept, _ = BorderPanoptic(LEGEND, things=("car", "cup"), min_area=9).decode(CODEC.encode(labels))
    assert (kept[70:73, 70:73] // 1000 == 1).all()


@pytest.mark.parametrize("width", [1, 2])
def test_a_border_far_from_every_thing_is_the_segments_around_it(width: int) -> None:
    codec = BorderPanoptic(LEGEND, things=("car", "cup"), width=width)
    positions = np.zeros((40, 60), np.uint8)
    positions[10:30, 5:20] = 1
    reach = 2 * width + 1  # columns 20, 21, ... are 1, 2, ... pixels away
    positions[20, 19 + reach], positions[20, 20 + reach], positions[15:20, 45:50] = 3, 3, 3
    found = codec.group(positions)
    assert found[20, 19 + reach] == 1001 and found[20, 20 + reach] == 0
    assert not found[15:20, 45:50].any()


def test_void_and_unknown() -> None:
    labels = cars()
    labels[60:70] = -1
    codec = BorderPanoptic(LEGEND, things=("car", "cup"), unknown_distance=60.0)
    found, _ = codec.decode(codec.encode(labels))
    assert renamed(found, labels) and (found[60:70] == -1).all()
    everything = np.full((8, 8), -1)
    assert (codec.decode(codec.encode(everything))[0] == -1).all()
    only_border = np.broadcast_to(np.uint8([255, 255, 255]), (8, 8, 3))
    assert (CODEC.decode(only_border)[0] == -1).all()


@pytest.mark.parametrize("bad", [1000, 1, 3000, 3001, -2, 99_000])
def test_impossible_labels(bad: int) -> None:
    """A thing without a number, a numbered road, the border, what the legend has not."""
    with pytest.raises(InputError, match=str(bad)):
        CODEC.encode(np.full((4, 4), bad))


def test_bad_codecs() -> None:
    with pytest.raises(InputError, match="truck"):
        BorderPanoptic(LEGEND, things=("truck",))
    with pytest.raises(InputError, match="last"):
        BorderPanoptic(Legend.parse("border=#000000,car=#ffffff"))
    with pytest.raises(InputError, match="border"):
        BorderPanoptic(LEGEND, things=("border",))
    spec = CODEC.spec()
    assert spec["things"] == ["car", "cup"] and codec_from_spec(json.loads(json.dumps(spec))) == CODEC
    for change in ({"things": "car"}, {"things": 3}, {"width": 0}, {"min_area": 1.5}):
        with pytest.raises(CodecError):
            codec_from_spec(spec | change)


# --- the task ---------------------------------------------------------------------------------


def decoded(labels: np.ndarray, size: tuple[int, int] | None = None, **options) -> PanopticPrediction:
    task = Panoptic(**options)
    prompt = task.prompt(LEGEND)
    painted = task.codec(prompt.legend).encode(labels)
    result = task.decode(painted, Geometry(size or labels.shape, labels.shape), prompt, None, "p.jpg")
    assert isinstance(result, PanopticPrediction)
    return result


def test_a_border_is_added_to_the_callers_legend() -> None:
    plain = Legend.parse("road=#2040a0,car=#e02020")
    legend = Panoptic().prompt(plain).legend
    assert legend.names == ("road", "car", "border") and legend.colours[:2] == plain.colours
    assert Panoptic().prompt(LEGEND).legend == LEGEND


def test_things_are_what_the_caller_says() -> None:
    assert Panoptic().codec(LEGEND).things == ("car", "cup")
    assert Panoptic(things=("cup",)).codec(LEGEND).things == ("cup",)
    assert Panoptic(things="cup, car").codec(LEGEND).things == ("cup", "car")
    assert Panoptic(things=()).codec(LEGEND).things == ()
    with pytest.raises(UsageError, match="dog"):
        Panoptic(things=("dog",)).codec(LEGEND)


def test_segments_and_summary() -> None:
    result = decoded(cars(), (160, 240))
    assert result.labels.shape == (160, 240) and result.labels.dtype == np.int32
    assert result.summary()["segments"] == {"road": 1, "car": 3, "cup": 1} and result.summary()["void"] == 0
    boxes = {one.box for one in result.segments if one.name == "car"}
    assert boxes == {(20, 40, 60, 60), (80, 40, 60, 60), (180, 40, 50, 60)}
    assert all(one.score > 0.9 and one.thing == (one.name != "road") for one in result.segments)
    picture = result.picture()
    assert len({tuple(picture[44, x]) for x in (4, 24, 100, 200)}) == 4
    image, reading = result.label_image()
    assert np.array_equal(image.astype(int) - 1, result.labels) and reading["bits"] == 16
    assert np.array_equal(result.semantic(), result.labels // 1000)


def test_classes_beyond_what_16_bits_hold_are_saved_as_positions() -> None:
    result = decoded(cars())
    assert result.label_image()[1]["bits"] == 16
    result.labels[:4], result.labels[4] = 66_001, -1
    image, reading = result.label_image()
    assert image.dtype == np.uint8 and reading["bits"] == 8 and reading["void"] == 255
    assert (image[:4] == 66).all() and (image[4] == 255).all()
    assert np.array_equal(image[5:], result.labels[5:] // 1000)


def test_things_are_numbered_from_the_top_left_and_min_area_drops_the_small() -> None:
    labels = cars()
    labels[70:73, 70:73] = 1009  # nine pixels
    for least, count in ((None, 3), (9, 4), (10, 3)):
        result = decoded(labels, **({} if least is None else {"min_area": least}))
        found = result.labels[(result.labels >= 1000) & (result.labels < 2000)]
        assert np.unique(found).tolist() == list(range(1001, 1001 + count))
    flat = decoded(labels, min_area=9).labels.ravel()
    first = [int(np.flatnonzero(flat == 1000 + number)[0]) for number in (1, 2, 3, 4)]
    assert first == sorted(first)


def test_coco_files_agree_with_each_other(tmp_path: Path) -> None:
    """As panopticapi checks them: every id of the PNG in the JSON and the other way round, areas equal."""
    labels = cars()
    result = decoded(labels)
    result.labels[70:] = -1
    files = {f.name: f for f in result.save(tmp_path, "p")}
    assert list(files)[-3:] == ["p.panoptic.coco.png", "p.panoptic.coco.json", "p.panoptic.json"]
    ids = read_ids(np.array(Image.open(files["p.panoptic.coco.png"])))
    coco = json.loads(files["p.panoptic.coco.json"].read_text())
    (annotation,) = coco["annotations"]
    assert annotation["file_name"] == "p.panoptic.coco.png" and (ids[70:] == 0).all()
    check_segments(ids, annotation["segments_info"])
    names = {c["id"]: (c["name"], c["isthing"]) for c in coco["categories"]}
    assert names == {1: ("road", 0), 2: ("car", 1), 3: ("cup", 1)}
    assert sorted(one["category_id"] for one in annotation["segments_info"]) == [1, 2, 2, 2, 3]
    report = json.loads(files["p.panoptic.json"].read_text())
    assert "p.panoptic.coco.png" in report["files"]


def check_segments(ids: np.ndarray, segments: list[dict]) -> None:
    assert {one["id"] for one in segments} == set(np.unique(ids).tolist()) - {0}
    for one in segments:
        y, x = np.nonzero(ids == one["id"])
        assert one["area"] == len(x) and one["iscrowd"] in (0, 1)
        assert one["bbox"] == [x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1]


def test_ids_need_all_three_channels() -> None:
    labels = np.array([[-1, 0, 70_005, 300_001]])
    assert segment_ids(labels).tolist() == [[0, 1000, 71_005, 301_001]]
    assert read_ids(id_image(labels)).tolist() == segment_ids(labels).tolist()
    assert (id_image(labels)[0, 3] == [301_001 % 256, 301_001 // 256 % 256, 301_001 // 65536]).all()


def test_the_official_samples_read_the_same(data_root: Path) -> None:
    """COCO's own PNGs and JSON through our labels, our codec's map and our PNG: nothing is lost."""
    folder = data_root / "panoptic_samples" / "coco"
    coco = json.loads((folder / "panoptic_examples.json").read_text())
    names = {c["id"]: (c["name"], c["isthing"]) for c in coco["categories"]}
    for annotation in coco["annotations"]:
        ids = read_ids(np.array(Image.open(folder / "panoptic_examples" / annotation["file_name"])))
        segments = annotation["segments_info"]
        check_segments(ids, segments)
        labels, legend, things = as_labels(ids, segments, names)
        found = list_segments(labels, np.ones(labels.shape), legend.names, things)
        assert sorted(one.area for one in found) == sorted(one["area"] for one in segments)
        assert sorted(list(one.box) for one in found) == sorted(one["bbox"] for one in segments)
        codec = BorderPanoptic(legend, things=things, unknown_distance=40.0)  # they hold void
        read, _ = codec.decode(codec.encode(labels))
        assert (read // 1000 == labels // 1000)[labels >= 0].mean() > 0.99
        matched = [best_iou(read, labels == value) for value in np.unique(labels[labels >= 0])]
        assert np.mean(np.array(matched) > 0.5) > 0.75  # what is split in two counts as missed


def as_labels(
    ids: np.ndarray, segments: list[dict], names: dict[int, tuple[str, int]]
) -> tuple[np.ndarray, Legend, tuple[str, ...]]:
    kinds = sorted({one["category_id"] for one in segments})
    colours = random_legend_colours(len(kinds) + 1, np.random.default_rng(0)).tolist()
    legend = Legend.of(zip([*(names[k][0] for k in kinds), "border"], colours, strict=True))
    labels = np.full(ids.shape, -1, np.int64)
    for number, one in enumerate(segments, 1):
        thing = names[one["category_id"]][1]
        labels[ids == one["id"]] = kinds.index(one["category_id"]) * 1000 + number * thing
    return labels, legend, tuple(names[k][0] for k in kinds if names[k][1])


def best_iou(labels: np.ndarray, mask: np.ndarray) -> float:
    other = labels == np.bincount(labels[mask].clip(0)).argmax()
    return float((mask & other).sum() / (mask | other).sum())


def test_the_border_survives_a_shrunken_painting() -> None:
    """Every second pixel only, as cells of 2 x 2 are painted."""
    labels = cars().repeat(2, 0).repeat(2, 1)
    positions = CODEC.positions(labels)[::2, ::2]
    found = CODEC.group(cv2.resize(positions, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST))
    assert len(np.unique(found)) == 5
    assert np.mean([best_iou(found, labels == v) for v in np.unique(labels)]) > 0.95
