"""Depth datasets in their official layouts: order, truths as written, crops, decoders, errors."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from mini_files import listing
from mini_files import write_array as save
from scipy.io import savemat

from visiongen.benchmarks.base import Benchmark
from visiongen.benchmarks.datasets import float_images, kitti
from visiongen.benchmarks.datasets.hypersim import FOCAL, planar
from visiongen.benchmarks.runner import get_benchmark
from visiongen.errors import DependencyError, InputError, MissingDataError

RNG = np.random.default_rng(0)


def picture(path: Path, size: tuple[int, int]) -> np.ndarray:
    """A random photo, written without loss as PNG or with as JPEG."""
    return save(path, RNG.integers(0, 256, (*size, 3)).astype(np.uint8))


def score(benchmark: Benchmark, truth: np.ndarray, answer: np.ndarray, name: str) -> float:
    scorer = benchmark.scorer
    return float(scorer.scores(scorer.stack([scorer.stats(truth, answer)]).sum(0))[name])


# --- files ------------------------------------------------------------------------------------


def test_sixteen_bits_are_read_as_sixteen_and_eight_refused(tmp_path: Path) -> None:
    deep = RNG.integers(0, 65536, (4, 6, 3)).astype(np.uint16)
    save(tmp_path / "a.png", deep)
    assert np.array_equal(float_images.read_png16(tmp_path / "a.png"), deep)
    save(tmp_path / "b.png", (deep >> 8).astype(np.uint8))
    with pytest.raises(InputError, match=r"b\.png: uint8 where 16 bits"):
        float_images.read_png16(tmp_path / "b.png")
    with pytest.raises(InputError, match=r"a\.png: uint16 where 8 bits"):
        float_images.read_png8(tmp_path / "a.png")
    (tmp_path / "c.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"c\.png"):
        float_images.read_png16(tmp_path / "c.png")


def test_exr_keeps_floats_and_the_order_of_channels(tmp_path: Path) -> None:
    values = RNG.normal(size=(5, 7, 3)).astype(np.float32) * 100
    save(tmp_path / "a.exr", values)
    assert np.array_equal(float_images.read_exr(tmp_path / "a.exr"), values)
    (tmp_path / "b.exr").write_bytes((tmp_path / "a.exr").read_bytes()[:40])
    with pytest.raises(InputError, match=r"b\.exr"):
        float_images.read_exr(tmp_path / "b.exr")


@pytest.mark.parametrize(("scale", "kind"), [(-0.003922, "<f4"), (1.0, ">f4")])
def test_pfm_is_bottom_up_and_the_scale_is_only_the_byte_order(
    tmp_path: Path, scale: float, kind: str
) -> None:
    rows = np.array([[1, 2, np.inf], [10, 13, 32]], np.float32)  # 10, 13, 32 are white space in bytes
    path = tmp_path / "disp0.pfm"
    path.write_bytes(f"Pf\n3 2\n{scale}\n".encode() + rows[::-1].astype(kind).tobytes())
    assert np.array_equal(float_images.read_pfm(path), rows)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="disp0"):
        float_images.read_pfm(path)


def test_dpt_raw_and_arrays(tmp_path: Path) -> None:
    rows = RNG.random((2, 3)).astype(np.float32)
    (tmp_path / "a.dpt").write_bytes(b"PIEH" + struct.pack("<ii", 3, 2) + rows.tobytes())
    assert np.array_equal(float_images.read_dpt(tmp_path / "a.dpt"), rows)
    (tmp_path / "b.dpt").write_bytes(b"PIEX" + struct.pack("<ii", 3, 2) + rows.tobytes())
    with pytest.raises(InputError, match="PIEH"):
        float_images.read_dpt(tmp_path / "b.dpt")
    with pytest.raises(InputError, match="24 bytes"):
        (tmp_path / "c.JPG").write_bytes(rows.tobytes())
        float_images.read_raw(tmp_path / "c.JPG", (3, 3))
    np.save(tmp_path / "d.npy", np.array([{"code": 1}]), allow_pickle=True)
    with pytest.raises(InputError, match=r"d\.npy"):
        float_images.read_npy(tmp_path / "d.npy")


# --- Marigold's packaging ---------------------------------------------------------------------


def test_nyuv2_is_raw_depth_in_eigens_crop(tmp_path: Path) -> None:
    root = tmp_path / "nyuv2" / "nyu_labeled_extracted"
    depth = RNG.integers(500, 9000, (480, 640)).astype(np.uint16)
    depth[100, 100] = 0
    lines = []
    for scene, number in (("kitchen", 2), ("bath", 1)):
        names = [f"test/{scene}/{kind}_{number:04d}.png" for kind in ("rgb", "depth", "filled")]
        picture(root / names[0], (480, 640))
        save(root / names[1], depth)
        save(root / names[2], np.full_like(depth, 7000))
        lines.append(" ".join(names))
    benchmark = get_benchmark("nyuv2-depth")
    with pytest.raises(MissingDataError, match=r"filename_list_test\.txt"):
        benchmark.items(tmp_path, "test")
    listing(tmp_path / "data_split/nyu_depth/labeled/filename_list_test.txt", lines)
    items = benchmark.items(tmp_path, "test")
    assert [item.id for item in items] == ["test/kitchen/rgb_0002", "test/bath/rgb_0001"]
    assert [item.cluster for item in items] == ["kitchen", "bath"]
    truth = items[0].truth()
    expected = depth / 1000
    expected[:45] = expected[471:] = expected[:, :41] = expected[:, 601:] = 0
    assert truth.dtype == np.float32 and np.allclose(truth, expected, atol=1e-6)
    assert (truth > 0).sum() == 426 * 560 - 1
    # A guess of any scale and shift is right by the affine protocol and wrong by the metric one.
    assert score(benchmark, truth, 3 * truth + 2, "AbsRel@lsq_depth") < 1e-6
    assert score(benchmark, truth, 3 * truth + 2, "AbsRel") > 0.5
    guess = benchmark.blind(tmp_path)((30, 40))
    assert guess.shape == (30, 40) and 0.5 < guess.min() <= guess.max() < 9
    (root / "test/bath/depth_0001.png").unlink()
    with pytest.raises(MissingDataError, match="depth_0001"):
        benchmark.items(tmp_path, "test")
    save(root / "test/kitchen/depth_0002.png", (depth >> 8).astype(np.uint8))
    with pytest.raises(InputError, match="16 bits"):
        items[0].truth()


def test_kitti_protocols_score_different_windows(tmp_path: Path) -> None:
    root = tmp_path / "kitti" / "kitti_eigen_split_test"
    drive = "2011_09_26_drive_0002_sync"
    depth = RNG.integers(300, 20000, (375, 1242)).astype(np.uint16)
    names = [f"2011_09_26/{drive}/image_02/data/{n}.png" for n in ("0000000069", "0000000054")]
    photo = picture(root / names[0], (375, 1242))
    picture(root / names[1], (375, 1242))
    truth_name = f"{drive}/proj_depth/groundtruth/image_02/0000000069.png"
    save(root / "data_depth_annotated/val" / truth_name, depth)
    listing(
        root / "eigen_test_files_with_gt.txt", [f"{names[1]} None 721.5", f"{names[0]} {truth_name} 721.5"]
    )
    (item,) = get_benchmark("kitti-eigen").items(tmp_path, "test")
    assert item.id == names[0].removesuffix(".png") and item.cluster == drive
    assert np.array_equal(item.photo(), photo[23:, 13:1229])
    truth, cropped = item.truth(), depth[23:, 13:1229] / 256
    rows, columns = slice(int(0.3324324 * 352), int(0.91351351 * 352)), slice(43, 1172)
    assert truth.shape == (352, 1216) and np.allclose(truth[rows, columns], cropped[rows, columns])
    assert np.count_nonzero(truth) == (321 - 117) * (1172 - 43)
    (garg,) = get_benchmark("kitti-eigen-garg").items(tmp_path, "test")
    assert np.array_equal(garg.photo(), photo)
    truth = garg.truth()
    assert truth.shape == (375, 1242) and np.allclose(truth[153:371, 44:1197], depth[153:371, 44:1197] / 256)
    assert np.count_nonzero(truth) == (371 - 153) * (1197 - 44)
    with pytest.raises(InputError, match="1216x352"):
        kitti.benchmark_crop(np.zeros((300, 1242, 3)))


def test_scannet_rooms_are_clusters(tmp_path: Path) -> None:
    root = tmp_path / "scannet" / "scannet_val_sampled_800_1"
    depth = RNG.integers(500, 9000, (48, 64)).astype(np.uint16)
    names = [f"scene0011_01/{kind}/000300" for kind in ("color", "depth")]
    picture(root / f"{names[0]}.jpg", (48, 64))
    save(root / f"{names[1]}.png", depth)
    listing(root / "scannet_val_sampled_list_800_1.txt", [f"{names[0]}.jpg {names[1]}.png"])
    (item,) = get_benchmark("scannet-depth").items(root, "val")  # the folder itself as data root
    assert item.id == "scene0011_01/color/000300" and item.cluster == "scene0011"
    assert np.allclose(item.truth(), depth / 1000)


def test_diode_scores_what_its_mask_says(tmp_path: Path) -> None:
    root, name = (
        tmp_path / "diode" / "diode_val",
        "indoors/scene_00021/scan_00189/00021_00189_indoors_200_010",
    )
    depth = RNG.uniform(1, 300, (8, 10, 1))
    depth[0, :3, 0] = 0.3, 400, 0
    mask = np.ones((8, 10))
    mask[1] = 0
    picture(root / f"{name}.png", (8, 10))
    save(root / f"{name}_depth.npy", depth)
    save(root / f"{name}_depth_mask.npy", mask)
    columns = f"{name}.png {name}_depth.npy {name}_depth_mask.npy"
    listing(tmp_path / "data_split/diode_depth/diode_val_all_filename_list.txt", [columns])
    benchmark = get_benchmark("diode")
    (item,) = benchmark.items(tmp_path, "val")
    truth = item.truth()
    assert item.cluster == "scene_00021" and not truth[1].any() and truth[0, 2] == 0
    assert np.allclose(truth[2:], depth[2:, :, 0], atol=1e-4) and truth[0, 1] == 400
    assert benchmark.scorer.stats(truth, truth)["none"][0] == 69, "all masked-in pixels with a depth count"
    save(root / f"{name}_depth_mask.npy", mask[:4])
    with pytest.raises(InputError, match="mask"):
        item.truth()


def test_eth3d_is_raw_floats_in_a_file_called_jpg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = get_benchmark("eth3d")
    monkeypatch.setattr(type(benchmark), "size", (6, 9))
    root = tmp_path / "eth3d"
    names = [
        "rgb/office/images/dslr_images/DSC_0219.JPG",
        "depth/office_dslr_depth/office/ground_truth_depth/dslr_images/DSC_0219.JPG",
    ]
    picture(root / names[0], (12, 18))
    depth = RNG.uniform(1, 40, (6, 9)).astype("<f4")
    depth[0, 0] = np.inf
    (root / names[1]).parent.mkdir(parents=True)
    (root / names[1]).write_bytes(depth.tobytes())
    listing(root / "eth3d_filename_list.txt", [" ".join(names)])
    (item,) = benchmark.items(tmp_path, "test")
    truth = item.truth()
    assert item.cluster == "office" and truth[0, 0] == 0 and np.array_equal(truth[1:], depth[1:])
    assert benchmark.protocol["alignment_max_res"] == 1024
    (root / names[1]).write_bytes(depth.tobytes()[:-4])
    with pytest.raises(InputError, match="6x9"):
        item.truth()


# --- other layouts ----------------------------------------------------------------------------


def test_planar_depth_of_a_wall_is_flat() -> None:
    """Distances to a wall 3 m in front, traced by their rays."""
    x, y = np.meshgrid(np.arange(1024) + 0.5 - 512, np.arange(768) + 0.5 - 384)
    distance = 3 * np.sqrt((x / FOCAL) ** 2 + (y / FOCAL) ** 2 + 1)
    assert distance.max() > 3.6 and np.allclose(planar(distance), 3, atol=1e-5)
    half = 3 * np.sqrt((x[::2, ::2] / FOCAL) ** 2 + (y[::2, ::2] / FOCAL) ** 2 + 1)
    assert np.allclose(planar(half), 3, atol=5e-3), "the focal length scales with the width"


def test_hypersim_processed_and_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "hypersim"
    lines = [f"ai_003_010/rgb_cam_00_fr000{n}.png ai_003_010/depth_plane_cam_00_fr000{n}.png" for n in (0, 1)]
    listing(tmp_path / "data_split/hypersim_depth/filename_list_val_filtered.txt", lines)
    depth = RNG.integers(500, 9000, (12, 16)).astype(np.uint16)
    picture(root / "ai_003_010/rgb_cam_00_fr0000.png", (12, 16))
    save(root / "ai_003_010/depth_plane_cam_00_fr0000.png", depth)
    released = root / "ai_003_010/images"
    picture(released / "scene_cam_00_final_preview/frame.0001.tonemap.jpg", (12, 16))
    distances = released / "scene_cam_00_geometry_hdf5/frame.0001.depth_meters.hdf5"
    distances.parent.mkdir()
    distances.write_bytes(b"not read here")
    processed, official = get_benchmark("hypersim-depth").items(tmp_path, "val")
    assert np.allclose(processed.truth(), depth / 1000) and official.cluster == "ai_003_010"
    assert official.photo().shape == (12, 16, 3)
    far = np.full((12, 16), 5.0)
    far[0, 0] = np.nan
    monkeypatch.setattr("visiongen.benchmarks.datasets.hypersim.read_hdf5", lambda path: far)
    truth = official.truth()
    assert truth[0, 0] == 0 and 4 < truth[11, 0] < truth[6, 8] <= 5


def test_hypersim_s_splits_lie_in_folders_of_their_own(tmp_path: Path) -> None:
    """As Marigold packs them, with the lists beside, or each with its own in it."""
    benchmark, scenes = get_benchmark("hypersim-depth"), {"val": "ai_001_001", "test": "ai_005_001"}
    for split, scene in scenes.items():
        names = [f"{scene}/{kind}_cam_00_fr0000.png" for kind in ("rgb", "depth_plane")]
        folder = tmp_path / f"hypersim/hypersim_processed_{split}"
        picture(folder / names[0], (12, 16))
        save(folder / names[1], np.full((12, 16), 2000, np.uint16))
        listing(tmp_path / f"data_split/hypersim_depth/filename_list_{split}_filtered.txt", [" ".join(names)])
        listing(folder / f"filename_list_{split}_filtered.txt", [" ".join(names)])
    lists = tmp_path / "data_split"
    for _ in range(2):
        for split, scene in scenes.items():
            (item,) = benchmark.items(tmp_path, split)
            assert item.cluster == scene and np.allclose(item.truth(), 2)
        if lists.is_dir():
            lists.rename(tmp_path / "elsewhere")
    (tmp_path / "hypersim/hypersim_processed_val").rename(tmp_path / "gone")
    assert [item.cluster for item in benchmark.items(tmp_path, "test")] == ["ai_005_001"], "test alone"


def test_the_dataset_s_own_folder_is_a_data_root_with_the_lists_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "scannet/scannet_val_sampled_800_1"
    names = ["scene0011_01/color/000300.jpg", "scene0011_01/depth/000300.png"]
    picture(folder / names[0], (12, 16))
    save(folder / names[1], np.full((12, 16), 2000, np.uint16))
    benchmark = get_benchmark("scannet-depth")
    assert benchmark.present(folder) is None
    listing(tmp_path / "data_split/scannet_depth/scannet_val_sampled_list_800_1.txt", [" ".join(names)])
    for data in (tmp_path, folder.parent, folder):
        assert benchmark.present(data) == folder
        assert [item.id for item in benchmark.items(data, "val")] == ["scene0011_01/color/000300"]
    assert benchmark.present(folder / "scene0011_01") is None
    assert get_benchmark("nyuv2-depth").present(folder) is None


def test_hdf5_without_its_library_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(DependencyError, match="pip install h5py"):
        float_images.read_hdf5(tmp_path / "a.hdf5")


def test_sintel(tmp_path: Path) -> None:
    root = tmp_path / "sintel/training"
    rows = RNG.uniform(1, 100, (4, 9)).astype(np.float32)
    for sequence, frame in (("bandage_1", 1), ("alley_1", 2), ("alley_1", 1)):
        picture(root / f"final/{sequence}/frame_{frame:04d}.png", (8, 9))
        path = root / f"depth/{sequence}/frame_{frame:04d}.dpt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"PIEH" + struct.pack("<ii", 9, 4) + rows.tobytes())
    benchmark = get_benchmark("sintel-depth")
    items = benchmark.items(tmp_path, "train")
    assert [item.id for item in items] == ["alley_1/frame_0001", "alley_1/frame_0002", "bandage_1/frame_0001"]
    assert items[2].cluster == "bandage_1" and np.array_equal(items[0].truth(), rows)
    assert benchmark.scorer.stats(rows, rows)["none"][0] == (rows < 72).sum(), "the cap leaves out the sky"
    (root / "final/alley_1/frame_0002.png").unlink()
    with pytest.raises(MissingDataError, match=r"alley_1/frame_0002\.png"):
        benchmark.items(tmp_path, "train")


def test_ibims_struct(tmp_path: Path) -> None:
    root = tmp_path / "ibims1_core_mat"
    root.mkdir()
    depth = RNG.uniform(1, 20, (12, 16))
    depth[5, 5] = 0
    masks = {"mask_invalid": np.ones((12, 16), np.uint8), "mask_transp": np.ones((12, 16), np.uint8)}
    masks["mask_invalid"][0] = 0
    masks["mask_transp"][:, 0] = 0
    photo = RNG.integers(0, 256, (12, 16, 3)).astype(np.uint8)
    numbers = np.zeros((12, 16), np.uint8)
    numbers[2:6, 2:9], numbers[8:, 3:] = 1, 2
    paras = np.array([[9, 9, 9, 9, 1, 0, 0, 9], [9, 9, 9, 9, 0, -1, 0, 9]], float)
    data = {"rgb": photo, "depth": depth, "edges": numbers > 1, **masks}
    data["calib"] = np.array([[550.0, 0, 0], [0, 551, 0], [320, 240, 1]])  # transposed
    data |= {"mask_wall": numbers, "mask_wall_paras": paras, "mask_table": numbers * 0}
    data |= {"mask_table_paras": np.zeros((0, 0)), "mask_floor": numbers > 1}
    data |= {"mask_floor_paras": np.array([[9, 9, 9, 9, 0, 0, 1, 9]], float)}
    for name in ("corridor_02", "corridor_01"):
        savemat(root / f"{name}.mat", {"data": data})
    listing(root / "imagelist.txt", ["corridor_02", "corridor_01"])
    benchmark = get_benchmark("ibims-1")
    items = benchmark.items(tmp_path, "test")
    assert [item.id for item in items] == ["corridor_02", "corridor_01"]
    truth = items[0].truth()
    known = np.ones((12, 16), bool)
    known[0] = known[:, 0] = known[5, 5] = False
    assert np.array_equal(items[0].photo(), photo) and np.array_equal(np.isfinite(truth.depth), known)
    assert np.allclose(truth.depth[known], depth[known]) and truth.camera == (550, 551, 320, 240)
    assert [plane.normal for plane in truth.planes] == [(1, 0, 0), (0, -1, 0), (0, 0, 1)]
    assert np.array_equal(truth.planes[1].mask, numbers == 2) and np.array_equal(truth.edges, numbers > 1)
    assert benchmark.scorer.stats(truth, truth.depth)["geometry"][0][0] == (1, 0, 0)
    assert benchmark.blind(tmp_path)((6, 8)).shape == (6, 8)
    for gone, error in (("mask_wall_paras", "mask_wall_paras"), ("calib", "calib")):
        savemat(root / "corridor_02.mat", {"data": {k: v for k, v in data.items() if k != gone}})
        with pytest.raises(InputError, match=error):
            items[0].truth()
    (root / "corridor_01.mat").write_bytes(b"nothing")
    with pytest.raises(InputError, match="corridor_01"):
        items[1].truth()


def test_middlebury_disparity_becomes_metres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = tmp_path / "middlebury2014/Adirondack-perfect"
    picture(scene / "im0.png", (8, 9))
    disparity = RNG.uniform(20, 60, (8, 9)).astype("<f4")
    disparity[0, 0] = np.inf
    (scene / "disp0.pfm").write_bytes(b"Pf\n9 8\n-1\n" + disparity[::-1].tobytes())
    calibration = "cam0=[3979.911 0 1244.772; 0 3979.911 1019.507; 0 0 1]\ncam1=[1 0 0]\ndoffs=124.343\n"
    (scene / "calib.txt").write_text(calibration + "baseline=193.001\nwidth=9\nheight=8\n")
    benchmark = get_benchmark("middlebury-2014")
    with pytest.raises(MissingDataError, match=r"Backpack/im0\.png.*66 of 69"):
        benchmark.items(tmp_path, "train")
    monkeypatch.setitem(benchmark.protocol, "scenes", ["Adirondack"])
    (item,) = benchmark.items(tmp_path, "train")
    truth = item.truth()
    assert item.id == "Adirondack" and truth[0, 0] == 0
    assert truth[3, 4] == pytest.approx(193.001e-3 * 3979.911 / (disparity[3, 4] + 124.343))
    (scene / "calib.txt").write_text(calibration)
    with pytest.raises(InputError, match="baseline"):
        item.truth()


def test_protocols_of_the_sheet_stand_in_the_files() -> None:
    """n, range and main score, from the published evaluation code."""
    expected = {
        "nyuv2-depth": (654, 1e-3, 10, "AbsRel@lsq_depth"),
        "kitti-eigen": (652, 1e-5, 80, "AbsRel@lsq_depth"),
        "kitti-eigen-garg": (652, 1e-3, 80, "AbsRel"),
        "eth3d": (454, 1e-5, None, "AbsRel@lsq_depth"),
        "scannet-depth": (800, 1e-3, 10, "AbsRel@lsq_depth"),
        "diode": (771, 0.6, 350, "AbsRel@lsq_depth"),
        "hypersim-depth": (7370, 1e-5, 65, "AbsRel@lsq_depth"),
    }
    for name, values in expected.items():
        p = get_benchmark(name).protocol
        found = (p["splits"][p["default_split"]], p["min_depth"], p.get("max_depth"), p["primary"])
        assert found == values, name
        assert json.loads(json.dumps(p, allow_nan=False)) == p


# --- packs ------------------------------------------------------------------------------------


def make_mix(root: Path) -> None:
    """Two groups of the pack depth_mix and one of its stereo scenes."""
    rows = []
    deep = {"nyu_v2_raw": (480, 640, 1000), "kitti_depth": (375, 1242, 256)}
    for group, (height, width, scale) in deep.items():
        picture(root / group / "a_rgb.jpg", (height, width))
        depth = np.full((height, width), 5 * scale, np.uint16)
        depth[200] = 20 * scale
        save(root / group / "a_depth.png", depth)
        rows.append({"group": group, "name": "a", "rgb": f"{group}/a_rgb.jpg", "depth_scale": scale})
        rows[-1]["depth"] = f"{group}/a_depth.png"
    (root / "7scenes_redkitchen").mkdir()
    (root / "index.json").write_text(json.dumps(rows))
    for scene in ("Cloth3", "Wood2", "cone"):
        picture(root / "middlebury_stereo" / scene / "left.png", (8, 9))
        shifts = np.repeat(np.arange(0, 80, 10, dtype=np.uint8)[:, None], 9, axis=1)
        save(root / "middlebury_stereo" / scene / "disp_left.png", shifts)
    divisors = [{"scene": s, "disp_divisor": d} for s, d in (("Wood2", 2), ("Cloth3", 2), ("cone", 4))]
    (root / "middlebury_stereo" / "index.json").write_text(json.dumps(divisors))


def test_depth_mix_applies_each_groups_rule(tmp_path: Path) -> None:
    make_mix(tmp_path / "depth_mix")
    room, road = get_benchmark("depth-mix").items(tmp_path, "val")
    assert (room.id, room.cluster) == ("nyu_v2_raw/a", "nyu_v2_raw")
    inside, far = room.truth(), road.truth()
    assert set(np.unique(inside)) == {0, 5} and not inside[200].any(), "20 m is beyond a room's range"
    assert np.count_nonzero(inside) == 425 * 560 and far[200, 600] == 20 and not far[:153].any()
    index = tmp_path / "depth_mix" / "index.json"
    index.write_text(index.read_text().replace('"nyu_v2_raw"', '"moon"'))
    with pytest.raises(InputError, match="'moon' has no rule"):
        get_benchmark("depth-mix").items(tmp_path, "val")
    index.write_text('[{"group": "nyu_v2_raw"}]')
    with pytest.raises(InputError, match="lacks 'name'"):
        get_benchmark("depth-mix").items(tmp_path, "val")


def test_stereo_is_scored_up_to_scale_and_shift_of_disparity(tmp_path: Path) -> None:
    make_mix(tmp_path / "depth_mix")
    benchmark = get_benchmark("stereo-mix")
    items = benchmark.items(tmp_path, "val")
    assert [item.id for item in items] == ["Cloth3", "Wood2", "cone"]
    truth = items[0].truth()
    assert not truth[0].any() and truth[4, 0] == 1 and truth[1, 0] == 4 and truth[2, 0] == 2
    other = np.where(truth > 0, 1 / (0.3 / np.where(truth > 0, truth, 1) + 0.02), 0)
    assert score(benchmark, truth, other, "AbsRel@lsq_disparity") < 1e-6
    assert score(benchmark, truth, other, "AbsRel") > 0.5


def test_the_real_packs(data_root: Path) -> None:
    for name in ("depth-mix", "stereo-mix"):
        benchmark = get_benchmark(name)
        items = benchmark.items(data_root, "val")
        assert len(items) == benchmark.protocol["splits"]["val"]
        for item in items[::7]:
            truth = item.truth()
            assert item.photo().shape[:2] == truth.shape and truth.dtype == np.float32
            assert score(benchmark, truth, truth, benchmark.protocol["primary"]) < 1e-6
            swapped = np.where(truth > 0, truth.max() + 0.1 - truth, 0)
            assert score(benchmark, truth, swapped, "AbsRel") > 0.1, item.id
