"""Instances from a map to COCO files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from visiongen.errors import InputError
from visiongen.geometry import Geometry
from visiongen.prompt import Legend, Prompt
from visiongen.tasks import predict
from visiongen.tasks.instance import InstancePrediction, InstanceSegmentation
from visiongen.tasks.instance_tiles import from_cores, to_cores
from visiongen.tasks.panoptic import Panoptic, PanopticPrediction
from visiongen.tasks.semantic import Semantic

TASK = InstanceSegmentation()
LEGEND = Legend.parse("road=#804080,car=#0000ff,cup=#20d040")


def truth(scale: int = 1) -> np.ndarray:
    """Three things, two of them touching, int (96, 128) times scale."""
    ids = np.zeros((96, 128), np.int64)
    ids[8:40, 8:48], ids[40:72, 20:60], ids[30:60, 84:116] = 1, 2, 3
    return ids.repeat(scale, 0).repeat(scale, 1)


def decoded(size: tuple[int, int] = (96, 128)) -> InstancePrediction:
    painted = TASK.codec().encode(truth())
    result = TASK.decode(painted, Geometry(size, (96, 128)), TASK.prompt(), None, "p.jpg")
    assert isinstance(result, InstancePrediction)
    return result


def test_masks_boxes_and_scores_have_the_photos_size() -> None:
    result = decoded((192, 256))
    assert result.labels.dtype == np.int32 and len(result.instances) == 3
    boxes = {one.box for one in result.instances}
    assert boxes == {(16, 16, 80, 64), (40, 80, 80, 64), (168, 60, 64, 60)}
    assert all(one.score > 0.9 and one.mask.shape == (192, 256) for one in result.instances)
    summary = result.summary()
    assert summary["instances"] == 3 and summary["covered"] == round((truth() > 0).mean(), 5)
    picture = result.picture()
    assert not picture[result.labels == 0].any() and len(np.unique(picture.reshape(-1, 3), axis=0)) == 4


def test_classify_takes_the_majority() -> None:
    classes = np.zeros((96, 128), np.uint8)
    classes[:, :64] = 1
    classes[30:60, 84:100] = 2
    classes[30:60, 100:116] = 255  # unknown does not vote
    semantic = Semantic()
    prompt = semantic.prompt(LEGEND)
    painted = semantic.codec(LEGEND).encode(classes)
    found = semantic.decode(painted, Geometry((96, 128), (96, 128)), prompt)
    found.labels = classes
    result = decoded().classify(found)
    named = {one["bbox"][0]: (one["category_id"], one["category"]) for one in result.coco()}
    assert named == {8: (2, "car"), 20: (2, "car"), 84: (3, "cup")}
    assert {one["category_id"] for one in decoded().coco()} == {1}
    with pytest.raises(InputError, match="same photo"):
        decoded((192, 256)).classify(found)
    with pytest.raises(InputError, match="semantic"):
        decoded().classify(decoded())


def test_the_coco_file_is_scored_by_cocos_own_code(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """AP is 1 against the truth itself, and falls when an instance is missing."""
    files = decoded().save(tmp_path, "p")
    results = next(f for f in files if f.name == "p.instance.coco.json")
    report = json.loads(files[-1].read_text())
    assert files[-1].name == "p.instance.json" and results.name in report["files"]
    assert np.array_equal(np.load(tmp_path / "p.instance.npy") > 0, truth() > 0)
    annotations = []
    for number in range(1, int(truth().max()) + 1):
        runs = rle.encode(np.asfortranarray(truth() == number, np.uint8))
        told = {"segmentation": runs | {"counts": runs["counts"].decode()}, "bbox": rle.toBbox(runs).tolist()}
        area = int((truth() == number).sum())
        annotations.append(told | {"id": number, "image_id": 1, "category_id": 1, "area": area, "iscrowd": 0})
    gold = tmp_path / "gold.json"
    gold.write_text(
        json.dumps(
            {
                "info": {},
                "images": [{"id": 1, "height": 96, "width": 128}],
                "categories": [{"id": 1, "name": "thing"}],
                "annotations": annotations,
            }
        )
    )
    coco = COCO(str(gold))
    scores = []
    for kept in (3, 2):
        part = tmp_path / "part.json"
        part.write_text(json.dumps(json.loads(results.read_text())[:kept]))
        run = COCOeval(coco, coco.loadRes(str(part)), "segm")
        run.evaluate()
        run.accumulate()
        run.summarize()
        scores.append(run.stats[0])
    assert scores[0] == pytest.approx(1) and 0.5 < scores[1] < 0.8


def test_results_name_their_photo() -> None:
    result = decoded()
    result.image_id, result.photo_name = 139, "000000000139.jpg"
    assert {(one["image_id"], one["file_name"]) for one in result.coco()} == {(139, "000000000139.jpg")}


def test_overlay_colours_things_alone() -> None:
    photo = np.full((96, 128, 3), 100, np.uint8)
    result = decoded()
    over = result.overlay(photo)
    assert np.array_equal(over[result.labels == 0], photo[result.labels == 0])
    assert (over[result.labels > 0] != 100).any(axis=1).all()
    assert np.array_equal(result.overlay(Image.fromarray(photo)), over)
    with pytest.raises(InputError, match="same photo"):
        result.overlay(photo[:90])


def same_partition(one: np.ndarray, two: np.ndarray) -> float:
    """Share of pixels on which two id maps agree after the best renaming of each id."""
    pairs = np.stack([one.ravel(), two.ravel()], 1)
    unique, count = np.unique(pairs, axis=0, return_counts=True)
    best = {a: max((n, b) for (x, b), n in zip(unique.tolist(), count.tolist(), strict=True) if x == a)
            for a in np.unique(one).tolist()}  # fmt: skip
    assert len({b for _, b in best.values()}) == len(best)
    return sum(n for n, _ in best.values()) / one.size


def test_cores_bring_every_instance_back() -> None:
    ids = truth()
    found = from_cores(to_cores(ids) > 0.5, 16)
    assert same_partition(found, ids) > 0.998 and np.array_equal(found > 0, ids > 0)


def test_tiles_that_disagree_by_two_pixels_do_not_melt_instances() -> None:
    """Above one row the left tile's border counts, below it the right one's, two pixels off."""
    one = np.ones((60, 80), np.int64)
    one[:, 40:] = 2
    two = np.roll(one, 2, axis=1)
    two[:, :2] = 1
    weight = np.linspace(0, 1, 60)[:, None, None]
    blended = weight * to_cores(one) + (1 - weight) * to_cores(two)
    ids = from_cores(blended >= 0.5, 16)
    assert ids.max() == 2 and same_partition(ids, one) > 0.95


def test_an_instance_larger_than_a_tile_stays_whole(known_backbone) -> None:
    photo = np.zeros((208, 336, 3), np.uint8)
    photo[..., 0] = np.where(np.arange(336) < 168, 20, 200)
    result = predict("instance", photo, backbone=known_backbone(), long_side=96, tile=True)
    assert result.labels.max() == 2 and result.stats["tiles"] > 10
    assert abs((result.labels == result.labels[0, 0]).mean() - 0.5) < 0.02


def test_classify_takes_a_panoptic_prediction_too() -> None:
    """Its labels are class * 1000 + number; read as positions, only class 0 would vote."""
    legend = Legend.parse("sky=#000000,cup=#ff0000,border=#ffffff")
    labels = np.full(decoded().labels.shape, 1000, np.int32)
    labels[:2] = 0
    whole = PanopticPrediction(
        labels, np.ones(labels.shape, np.float32), np.zeros((*labels.shape, 3), np.uint8),
        Prompt("panoptic", "x", legend), Panoptic().codec(legend), Geometry.fit(labels.shape, 64),
    )  # fmt: skip
    assert {name for _, name in decoded().classify(whole).classes.values()} == {"cup"}
