from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from visiongen.errors import SaveError
from visiongen.geometry import Geometry
from visiongen.prompt import Prompt
from visiongen.tasks.base import Prediction
from visiongen.tasks.depth import Depth
from visiongen.tasks.normals import Normals
from visiongen.tasks.pictures import colour_near, encode_png, overlay
from visiongen.tasks.semantic import Semantic


def depth_prediction(depth: np.ndarray, relative: bool = False) -> Prediction:
    task = Depth(relative=relative)
    painted = task.codec().encode(depth)
    return task.decode(painted, Geometry(depth.shape, depth.shape), task.prompt())


def test_depth_png_in_256ths_of_a_metre(tmp_path: Path) -> None:
    depth = np.full((16, 24), 3.5, np.float32)
    depth[0], depth[1], depth[2] = np.inf, 120, 0
    result = depth_prediction(depth)
    files = result.save(tmp_path, "x")
    image = cv2.imread(str(files[2]), cv2.IMREAD_UNCHANGED)
    report = json.loads(files[-1].read_text())
    assert image.dtype == np.uint16 and report["label_image"]["scale"] == 256
    assert (image[0] == 0).all() and (image[2] == 1).all()
    assert abs(image[3:] / 256 - result.labels[3:]).max() <= 0.5 / 256 + 1e-6
    assert abs(image[1] / 256 - 120).max() < 5
    assert np.isinf(np.load(files[3])[0]).all()
    assert "sky" in report["label_image"]["0"]
    assert report["summary"]["infinite"] == pytest.approx(1 / 16, abs=1e-4)
    assert report["summary"]["median"] == pytest.approx(3.5, rel=0.01)


@pytest.mark.parametrize(("most", "scale"), [(255.9, 256), (256, 128), (900, 64), (1e5, 0.5)])
def test_depth_png_of_a_larger_range(most: float, scale: float) -> None:
    """Nothing saturates: the scale is what the farthest finite value needs, and the JSON says it."""
    result = depth_prediction(np.full((16, 24), 3.5, np.float32))
    result.labels[3, 4], result.labels[5, 6] = most, np.inf
    image, reading = result.label_image()
    assert reading["scale"] == scale and image.dtype == np.uint16 and image[5, 6] == 0
    assert abs(image[3, 4] / reading["scale"] - most) <= 0.5 / scale + 1e-3


def test_what_is_invalid_is_not_infinitely_far() -> None:
    result = depth_prediction(np.full((8, 8), 2, np.float32))
    result.labels[0], result.labels[1, 0] = np.inf, np.nan
    summary = result.summary()
    assert [summary[name] for name in ("infinite", "invalid")] == pytest.approx([1 / 8, 1 / 64], abs=1e-4)


def test_all_sky_saves(tmp_path: Path) -> None:
    files = depth_prediction(np.full((8, 8), np.inf, np.float32)).save(tmp_path, "sky")
    assert json.loads(files[-1].read_text())["summary"]["infinite"] == 1


def test_relative_depth_png(tmp_path: Path) -> None:
    depth = np.linspace(1, 20, 16 * 24).reshape(16, 24).astype(np.float32)
    result = depth_prediction(depth, relative=True)
    files = result.save(tmp_path, "x")
    image = cv2.imread(str(files[2]), cv2.IMREAD_UNCHANGED)
    assert abs(image / 65535 - result.labels).max() < 1e-5 and result.labels[0, 0] == 1
    assert json.loads(files[-1].read_text())["unit"] == "relative"


def test_what_relative_depth_does_not_show_is_zero_and_nothing_else_is() -> None:
    result = depth_prediction(np.linspace(1, 20, 64).reshape(8, 8).astype(np.float32), relative=True)
    assert result.labels[-1, -1] == 0, "the farthest is 0, too"
    result.labels[2, 3] = np.nan
    image, reading = result.label_image()
    assert np.argwhere(image == 0).tolist() == [[2, 3]] and image[-1, -1] == 1 and "invalid" in reading["0"]


def test_depth_in_colours_is_red_near_and_blue_far() -> None:
    result = depth_prediction(np.geomspace(1, 64, 64).reshape(8, 8).astype(np.float32))
    result.labels[4, 4], result.labels[0, 1] = np.nan, np.inf
    colours = result.picture().astype(int)
    red, _, blue = np.moveaxis(colours, 2, 0)
    assert red[0, 0] > blue[0, 0] + 50 and red[-1, -1] < 60 and red[0, 1] < 60
    assert colours[4, 4].tolist() == [128] * 3
    result.labels[:] = np.geomspace(1, 64, 64).reshape(8, 8)
    middle = colour_near(np.full((1, 1), 0.5, np.float32)).astype(int)
    assert abs(result.picture()[3, 7].astype(int) - middle).max() < 12, (
        "8 m is half way from 1 to 64: a log scale"
    )


def test_normals_png(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(300, 8, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    normals[5] = 0
    task = Normals()
    size = normals.shape[:2]
    result = task.decode(task.codec().encode(normals), Geometry(size, size), task.prompt())
    files = result.save(tmp_path, "x")
    image = cv2.imread(str(files[2]), cv2.IMREAD_UNCHANGED)[..., ::-1]
    assert image.dtype == np.uint16 and (image[5] == 0).all()
    keep = np.arange(300) != 5
    assert abs(image[keep] / 32767.5 - 1 - result.labels[keep]).max() < 1e-4


def test_semantic_png_and_legend(tmp_path: Path) -> None:
    task = Semantic()
    labels = np.random.default_rng(0).integers(0, 11, (16, 24))
    prompt = task.prompt()
    painted = task.codec(prompt.legend).encode(labels)
    files = task.decode(painted, Geometry((16, 24), (16, 24)), prompt).save(tmp_path, "x")
    assert np.array_equal(cv2.imread(str(files[2]), cv2.IMREAD_UNCHANGED), labels)
    legend = json.loads(files[-1].read_text())["legend"]
    assert [n for n, _ in legend] == list(prompt.legend.names) and legend[0][1] == "#3077fb"
    colours = cv2.imread(str(files[0]))[..., ::-1]
    assert np.array_equal(colours, painted)


def test_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = depth_prediction(np.ones((8, 8), np.float32))
    real, calls = os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SaveError, match=r"x\.depth\.npy: cannot write \(No space left"):
        result.save(tmp_path, "x")
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["x.depth.labels.png", "x.depth.map.png", "x.depth.png"]


def test_prompt_text_is_in_the_report() -> None:
    result = depth_prediction(np.ones((8, 8), np.float32))
    assert result.prompt == Prompt("depth", "depth in metres")
    assert result.as_dict()["prompt"] == "depth in metres"


def test_pictures() -> None:
    near = np.array([[0, 1, np.nan]], np.float32)
    colours = colour_near(near)[0].astype(int)
    assert colours[1, 0] > colours[1, 2] and colours[0, 0] < 60 and colours[2].tolist() == [128] * 3
    with pytest.raises(ValueError, match="uint8 or uint16"):
        encode_png(np.zeros((2, 2), np.float32))
    labels = np.zeros((5, 6), np.int32)
    labels[1:4, 1:4] = 1
    over = overlay(np.full((5, 6, 3), 100, np.uint8), np.full((5, 6, 3), 200, np.uint8), labels, share=0.25)
    expected = np.where(labels > 0, 200, 100)  # outlines are full
    expected[2, 2] = 125
    assert np.array_equal(over, np.dstack([expected] * 3))
