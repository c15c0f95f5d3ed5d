"""Normals in DSINE's and Marigold's packaging: axes, masks, encodings, pickles that may not run code."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from mini_files import listing
from mini_files import write_array as write

from visiongen.benchmarks.datasets.normals_dsine import read_pickle, to_right
from visiongen.benchmarks.metrics.normals import angular_error
from visiongen.benchmarks.runner import get_benchmark
from visiongen.errors import InputError, MissingDataError

SIZE = (24, 32)
FLOOR, RIGHT_WALL, AHEAD = (0, 1, 0), (-1, 0, 0), (0, 0, 1)  # ours: a wall to the right faces left


def truth_of(seed: int = 0) -> np.ndarray:
    """Unit normals that face the viewer, in our axes; a floor, a wall to the right, a wall ahead on top."""
    rng = np.random.default_rng(seed)
    normals = rng.normal(size=(*SIZE, 3)) + (0, 0, 1.5)
    normals[..., 2] = abs(normals[..., 2]) + 0.1
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[0, 0], normals[0, 1], normals[0, 2] = FLOOR, RIGHT_WALL, AHEAD
    return normals


def photo(path: Path) -> None:
    write(path, np.random.default_rng(1).integers(0, 256, (*SIZE, 3)).astype(np.uint8))


def dsine_tree(root: Path, folder: str, image: str, listed: str, save: Any) -> np.ndarray:
    """One image in DSINE's layout; ``save`` gets the path without suffix and the stored (LUB) normals."""
    normals = truth_of()
    stem = root / "dsine_eval" / folder / image.rpartition("_img")[0]
    photo(root / "dsine_eval" / folder / image)
    save(f"{stem}_normal", to_right(normals))
    listing(root / "data/datasets" / folder / "split" / listed, [image])
    return normals


def worst(a: np.ndarray, b: np.ndarray) -> float:
    return float(angular_error(a, b).max())


@pytest.mark.parametrize(
    ("name", "image", "listed", "levels"),
    [
        ("nyuv2", "test/000000_img.png", "test.txt", 255),
        ("scannet", "scene0532_00/000000_img.png", "test.txt", 255),
        ("vkitti", "Scene01/000000_img.jpg", "vkitti.txt", 65535),
    ],
)
def test_dsine_pictures(tmp_path: Path, name: str, image: str, listed: str, levels: int) -> None:
    def save(stem: str, stored: np.ndarray) -> None:
        colours = np.rint((stored + 1) / 2 * levels)
        colours[5] = 0  # no normal there
        write(Path(f"{stem}.png"), colours.astype(np.uint8 if levels == 255 else np.uint16))

    normals = dsine_tree(tmp_path, name, image, listed, save)
    benchmark = get_benchmark(f"{name}-normals")
    (item,) = benchmark.items(tmp_path, benchmark.protocol["default_split"])
    truth = item.truth()
    assert item.id == image.rpartition("_img")[0]
    assert item.cluster == ("" if name == "nyuv2" else image.split("/")[0])
    assert (
        truth.dtype == np.float32 and np.isnan(truth[5]).all() and np.isfinite(np.delete(truth, 5, 0)).all()
    )
    assert worst(truth, normals) < (0.6 if levels == 255 else 0.01)
    assert np.allclose(truth[0, :3], [FLOOR, RIGHT_WALL, AHEAD], atol=0.01)
    assert worst(truth, truth) < 0.05
    flipped = float(angular_error(truth, to_right(truth)).mean())
    assert flipped > 20, "a wrong sign of x is not a rounding error"


def test_eight_bits_are_not_sixteen(tmp_path: Path) -> None:
    def save(stem: str, stored: np.ndarray) -> None:
        write(Path(f"{stem}.png"), np.full((*SIZE, 3), 128, np.uint8))

    dsine_tree(tmp_path, "vkitti", "Scene01/000000_img.jpg", "vkitti.txt", save)
    (item,) = get_benchmark("vkitti-normals").items(tmp_path, "test")
    with pytest.raises(InputError, match="16 bits"):
        item.truth()


@pytest.mark.parametrize(
    ("name", "image", "listed"),
    [
        ("ibims", "ibims/corridor_01_img.png", "ibims.txt"),
        ("sintel", "alley_1/frame_0001_img.png", "sintel.txt"),
    ],
)
def test_dsine_exr(tmp_path: Path, name: str, image: str, listed: str) -> None:
    def save(stem: str, stored: np.ndarray) -> None:
        values = stored.astype(np.float32) * 0.9
        values[5] *= 0.4  # shorter than 0.5: none
        write(Path(f"{stem}.exr"), values)

    normals = dsine_tree(tmp_path, name, image, listed, save)
    benchmark = get_benchmark(f"{name}-normals")
    (item,) = benchmark.items(tmp_path, benchmark.protocol["default_split"])
    truth = item.truth()
    assert np.isnan(truth[5]).all() and np.allclose(
        np.delete(truth, 5, 0), np.delete(normals, 5, 0), atol=1e-6
    )


def oasis(normals: np.ndarray, box: tuple[int, int, int, int]) -> dict[str, Any]:
    low_y, high_y, low_x, high_x = box  # both ends inside
    return {
        "min_y": low_y, "max_y": high_y, "min_x": low_x, "max_x": high_x,
        # OASIS: x right, y down, z to the viewer; DSINE negates x and y, and x once more is ours
        "normal": (normals * (1, -1, 1))[low_y : high_y + 1, low_x : high_x + 1].astype(np.float32),
    }  # fmt: skip


def test_oasis_boxes(tmp_path: Path) -> None:
    def save(stem: str, stored: np.ndarray) -> None:
        data = oasis(to_right(stored), (2, 20, 3, 30))
        data["normal"][4, 5] = 0
        Path(f"{stem}.pkl").write_bytes(pickle.dumps(data, protocol=2))

    normals = dsine_tree(tmp_path, "oasis", "val/100277_DT_img.png", "val.txt", save)
    (item,) = get_benchmark("oasis-normals").items(tmp_path, "val")
    truth = item.truth()
    known = np.zeros(SIZE, bool)
    known[2:21, 3:31] = True
    known[6, 8] = False
    assert np.array_equal(np.isfinite(truth).all(-1), known)
    assert np.allclose(truth[known], normals[known], atol=1e-6)
    path = tmp_path / "dsine_eval/oasis/val/100277_DT_normal.pkl"
    path.write_bytes(pickle.dumps(oasis(normals, (2, 20, 3, 30)) | {"max_x": 40}))
    with pytest.raises(InputError, match="box"):
        item.truth()


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("touch made-by-a-pickle",)


def test_pickles_hold_values_and_run_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.pkl"
    for value in (Evil(), {"normal": Evil()}):
        path.write_bytes(pickle.dumps(value))
        with pytest.raises(InputError, match=r"a\.pkl.*not allowed"):
            read_pickle(path)
    assert not (tmp_path / "made-by-a-pickle").exists()
    path.write_bytes(b"\x80")
    with pytest.raises(InputError, match=r"a\.pkl"):
        read_pickle(path)
    for protocol in (2, 4, 5):
        path.write_bytes(pickle.dumps({"min_y": np.int64(3), "normal": np.ones((2, 2))}, protocol=protocol))
        assert read_pickle(path)["min_y"] == 3


@pytest.mark.parametrize(
    ("name", "folder", "image", "listed", "cluster"),
    [
        ("nyuv2", "nyuv2/test", "000001_img.png", "nyu_normals/nyuv2_test.txt", ""),
        (
            "scannet",
            "scannet",
            "scene0532_00/000000_img.png",
            "scannet_normals/scannet_test.txt",
            "scene0532_00",
        ),
        ("ibims", "ibims/ibims", "corridor_01_img.png", "ibims_normals/ibims_test.txt", ""),
        (
            "diode",
            "diode/val",
            "outdoor/scene_00024/scan_00201/a.png",
            "diode_normals/diode_test.txt",
            "scene_00024",
        ),
        ("oasis", "oasis/val", "268584_ALI_img.png", "oasis_normals/oasis_test.txt", ""),
    ],
)
def test_marigold(tmp_path: Path, name: str, folder: str, image: str, listed: str, cluster: str) -> None:
    root, normals = tmp_path / "marigold_normals" / folder, truth_of()
    stored = normals.astype(np.float32)
    stored[5] = 0
    array = image.replace("_img.png", ".png").replace(".png", "_normal.npy")
    photo(root / image)
    np.save(root / array, stored)
    listing(tmp_path / "data_split" / listed, [f"{image} {array}"])
    benchmark = get_benchmark(f"{name}-normals-marigold")
    (item,) = benchmark.items(tmp_path, benchmark.protocol["default_split"])
    truth = item.truth()
    assert item.cluster == cluster and benchmark.protocol["primary"] == "mean/per_image"
    assert np.isnan(truth[5]).all() and np.allclose(
        np.delete(truth, 5, 0), np.delete(normals, 5, 0), atol=1e-6
    )
    assert benchmark.blind(tmp_path)((4, 6)).shape == (4, 6, 3)
    np.save(root / array, stored[..., :2])
    with pytest.raises(InputError, match="not float"):
        item.truth()
    (root / array).unlink()
    with pytest.raises(MissingDataError, match=Path(array).name):
        benchmark.items(tmp_path, benchmark.protocol["default_split"])


def test_lists_are_needed_and_read_in_their_order(tmp_path: Path) -> None:
    benchmark = get_benchmark("nyuv2-normals")
    with pytest.raises(MissingDataError, match=r"data/datasets/nyuv2/split/test\.txt"):
        benchmark.items(tmp_path, "test")
    for number in (0, 1, 8):
        photo(tmp_path / f"dsine_eval/nyuv2/test/{number:06d}_img.png")
        photo(tmp_path / f"dsine_eval/nyuv2/test/{number:06d}_normal.png")
    listed = tmp_path / "data/datasets/nyuv2/split/test.txt"
    listing(listed, ["test/000008_img.png", "test/000000_img.png"])
    assert [i.id for i in benchmark.items(tmp_path, "test")] == ["test/000008", "test/000000"]
    listing(listed, ["test/000008_img.png", "test/000000.png"])
    with pytest.raises(InputError, match="line 2"):
        benchmark.items(tmp_path, "test")


def test_counts_of_the_two_packagings() -> None:
    counts = {"nyuv2": (654, 654), "scannet": (300, 300), "ibims": (100, 100), "oasis": (10000, 9999)}
    for name, expected in counts.items():
        protocols = [get_benchmark(f"{name}-normals{kind}").protocol for kind in ("", "-marigold")]
        assert tuple(p["splits"][p["default_split"]] for p in protocols) == expected
    others = {"sintel-normals": 1064, "vkitti-normals": 1000, "diode-normals-marigold": 771}
    for name, count in others.items():
        p = get_benchmark(name).protocol
        assert p["splits"][p["default_split"]] == count


def test_normals_mix_on_a_made_tree(tmp_path: Path) -> None:
    root, normals = tmp_path / "normals_mix", truth_of()
    write(root / "bunny_photometric/gt_normal.png", np.rint((normals + 1) / 2 * 65535).astype(np.uint16))
    mask = np.full((*SIZE, 3), 255, np.uint8)
    mask[5] = 0
    cv2.imwrite(str(root / "bunny_photometric/valid.png"), mask[..., 0])
    write(root / "bunny_photometric/lambert_00.png", np.full((*SIZE, 3), 14263, np.uint16))
    row = {"group": "bunny_photometric", "name": "lambert_00", "rgb_linear16": True}
    files = {"rgb": "lambert_00.png", "normal": "gt_normal.png", "valid": "valid.png"}
    row |= {key: f"bunny_photometric/{name}" for key, name in files.items()}
    (root / "index.json").write_text(json.dumps([row]))
    (item,) = get_benchmark("normals-mix").items(tmp_path, "val")
    assert (item.photo() == 128).all(), "linear 0.2176 is half of sRGB's range"
    truth = item.truth()
    assert np.isnan(truth[5]).all() and worst(truth, normals) < 0.01


def test_the_real_pack(data_root: Path) -> None:
    benchmark = get_benchmark("normals-mix")
    items = benchmark.items(data_root, "val")
    assert len(items) == 17 and {i.cluster for i in items} >= {"lego_synth", "icl_nuim_derived"}
    for item in items[::4]:
        truth = item.truth()
        known = np.isfinite(truth).all(-1)
        assert item.photo().shape == truth.shape and known.mean() > 0.1
        assert np.allclose(np.linalg.norm(truth[known], axis=-1), 1, atol=1e-5)
        assert (truth[known][:, 2] > -0.2).mean() > 0.99, "what is seen faces the viewer"
    rows = json.loads((data_root / "normals_mix/index.json").read_text())
    for item, row in zip(items, rows, strict=True):
        if "depth_scale" in row:
            depth = cv2.imread(str(data_root / "normals_mix" / row["depth"]), -1) / row["depth_scale"]
            truth = item.truth()
            derived = normals_of(depth, row["K"])
            right, wrong = angular_error(truth, derived), angular_error(to_right(truth), derived)
            assert np.median(right) < 4 and wrong.mean() > right.mean() + 10, item.id


def normals_of(depth: np.ndarray, intrinsics: list[float]) -> np.ndarray:
    """Cross products of the points that a depth map stands for, over 4 pixels; our axes."""
    fx, fy, cx, cy = intrinsics
    x, y = np.meshgrid(np.arange(depth.shape[1]), np.arange(depth.shape[0]))
    depth = cv2.GaussianBlur(depth, (9, 9), 2)
    points = np.stack([(x - cx) / fx * depth, -(y - cy) / fy * depth, -depth], axis=-1)
    across, down = (np.roll(points, -4, axis) - np.roll(points, 4, axis) for axis in (1, 0))
    normals = np.cross(down, across)
    return normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-9)
