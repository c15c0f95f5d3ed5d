"""What every registered task promises."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from known import family

from visiongen.errors import CodecError, UsageError
from visiongen.geometry import Geometry
from visiongen.prompt import Legend
from visiongen.registry import CODECS, TASKS
from visiongen.tasks import Prediction, Task, predict
from visiongen.tasks.codecs import read_map_png

ALL = pytest.mark.parametrize("name", list(TASKS))
LEGEND = Legend.parse("sky=#102030,floor=#e0c0a0,thing=#20d040")
TWO = np.kron([[[250, 20, 30]], [[20, 30, 250]]], np.ones((32, 96, 1))).astype(np.uint8)
MORE_FILES = {"instance": ["coco.json"], "panoptic": ["coco.png", "coco.json"]}
# What a task cannot do without.
OPTIONS = {"image": {"source": "depth"}, "incontext": {"examples": [(TWO, TWO)]}}
SAMPLE = {"mode": "verified", "seed": 0, "mirror": False}


@ALL
def test_declares_itself(name: str) -> None:
    kind = TASKS.get(name)
    assert issubclass(kind, Task) and dataclasses.is_dataclass(kind) and kind.name == name
    task = kind()
    prompt = task.prompt()
    assert prompt.task == name and prompt.text
    back = task.reverse_prompt()
    assert back.task == "image" and back.text.startswith("photo from ")
    assert task.codec().name in CODECS and task.codec().unit and task.codec().bound
    if kind.uses_legend:
        asked = task.prompt(LEGEND).legend
        assert asked == LEGEND or (name == "panoptic" and asked.names == (*LEGEND.names, "border"))
        assert prompt.legend is not None
    else:
        with pytest.raises(UsageError, match="legend"):
            task.prompt(LEGEND)


@ALL
def test_texts_are_distinct(name: str) -> None:
    texts = [t for n in TASKS for t in (TASKS.get(n)().prompt().text, TASKS.get(n)().reverse_prompt().text)]
    assert len(set(texts)) == len(texts)


@ALL
def test_decodes_what_was_painted(name: str, photo: np.ndarray, known_backbone) -> None:
    """At the map's own size the decoded labels are the codec's; nothing is resized in colour."""
    result = predict(name, photo, backbone=known_backbone(), long_side=128, **OPTIONS.get(name, {}))
    assert isinstance(result, Prediction) and result.geometry.work_size == (96, 128)
    direct, _ = result.codec.decode(result.map)
    assert np.array_equal(result.labels, direct)


@ALL
@pytest.mark.parametrize("size", [(37, 53), (200, 90), (96, 128)])
def test_results_have_the_inputs_size(name: str, size: tuple[int, int], known_backbone) -> None:
    photo = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    result = predict(name, photo, backbone=known_backbone(0.5), long_side=64, **OPTIONS.get(name, {}))
    assert result.labels.shape[:2] == size == result.confidence.shape
    assert result.picture().shape == (*size, 3) and result.picture().dtype == np.uint8
    assert result.confidence.dtype == np.float32
    assert result.confidence.min() >= 0 and result.confidence.max() <= 0.5
    assert result.stats["tokens"] == 10 and result.sample == SAMPLE


@ALL
def test_labels_are_decoded_before_they_are_resized(name: str) -> None:
    """Two regions enlarged: no label appears that the two regions do not have."""
    task = TASKS.get(name)(**OPTIONS.get(name, {}))
    prompt = task.prompt(LEGEND) if task.uses_legend else task.prompt()
    codec = task.codec(prompt.legend)
    kind = family(codec)
    labels = np.array([[kind.corners[0]] * 8 + [kind.corners[1]] * 8] * 8)
    geometry = Geometry((40, 77), (8, 16))
    result = task.decode(codec.encode(labels), geometry, prompt)
    assert kind.between(result.labels)


@ALL
def test_save_writes_everything(name: str, photo: np.ndarray, known_backbone, tmp_path: Path) -> None:
    options = dict(long_side=64, photo_name="p.jpg") | OPTIONS.get(name, {})
    result = predict(name, photo[:90, :99], backbone=known_backbone(), **options)
    files = result.save(tmp_path, "p")
    suffixes = ["png", "map.png", "labels.png", "npy", "confidence.png", *MORE_FILES.get(name, ()), "json"]
    assert [f.name for f in files] == [f"p.{name}.{s}" for s in suffixes]
    assert sorted(files) == sorted(tmp_path.iterdir())
    report = json.loads(files[-1].read_text())
    assert report["task"] == name and report["photo"] == "p.jpg" and report["size"] == [90, 99]
    assert report["unit"] == result.unit and report["codec"] == result.codec.spec()
    assert report["files"] == [f.name for f in files[:-1]]
    painted, codec = read_map_png(files[1], expect=result.codec)
    assert np.array_equal(painted, result.map)
    assert np.array_equal(codec.decode(painted)[0], codec.decode(result.map)[0])
    assert np.array_equal(np.load(files[3]), result.labels)
    with pytest.raises(CodecError):
        read_map_png(files[0])


@ALL
def test_tiles_agree_with_the_truth(name: str, known_backbone) -> None:
    """Blended tiles of a photo whose labels are known give these labels, in the photo's size."""
    y, x = np.mgrid[0:211, 0:333]
    photo = np.stack([x * 200 // 333, y + 10, 30 + x // 2], axis=2).astype(np.uint8)
    backbone = known_backbone()
    result = predict(name, photo, backbone=backbone, long_side=96, tile=True, **OPTIONS.get(name, {}))
    assert result.labels.shape[:2] == (211, 333) and result.geometry.work_size == (208, 336)
    assert result.stats["tiles"] == len(backbone.seen) - 1 == 20
    truth = backbone.scene(np.ascontiguousarray(photo[:208, :328])).labels(result.prompt)
    got = result.labels[:208, :328]
    assert family(result.codec).agrees(got, truth)
    direct = result.codec.decode(result.map)[0]
    assert direct.shape[:2] == (208, 336)
