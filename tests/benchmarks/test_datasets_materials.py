"""Material sets and intrinsic images: spaces, workflows, what is not scored, and the runner's pbr-mix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mini_files import listing
from mini_files import write_array as write

from visiongen.benchmarks.base import Benchmark
from visiongen.benchmarks.datasets.pbr_mix import held_out_sets, truth_of
from visiongen.benchmarks.datasets.surfaces import from_specular
from visiongen.benchmarks.metrics.material import set_scores
from visiongen.benchmarks.rows import CodecRow
from visiongen.benchmarks.runner import get_benchmark
from visiongen.errors import InputError, MissingDataError
from visiongen.relight import SurfaceMaps

RNG = np.random.default_rng(0)


def scores(benchmark: Benchmark, truth: np.ndarray, answer: np.ndarray | None) -> dict[str, float]:
    scorer = benchmark.scorer
    return {k: float(v) for k, v in scorer.scores(scorer.stack([scorer.stats(truth, answer)]).sum(0)).items()}


# --- the specular workflow --------------------------------------------------------------------


def test_from_specular_undoes_gltf() -> None:
    base = RNG.uniform(0.05, 1, (40, 50, 3))
    metal = RNG.uniform(0, 1, (40, 50))
    metal[:10], metal[10:20] = 0, 1
    f0 = 0.04 * (1 - metal[..., None]) + base * metal[..., None]
    found_base, found_metal = from_specular(base * (1 - metal[..., None]), f0)
    assert np.allclose(found_metal, metal, atol=1e-5) and np.allclose(found_base, base, atol=1e-5)


def test_from_specular_of_black_and_of_what_gltf_cannot_say() -> None:
    diffuse = np.array([[[0.0] * 3, [0.0] * 3, [0.5, 0.2, 0.1]]])
    f0 = np.array([[[0.04] * 3, [0.9, 0.6, 0.3], [0.01] * 3]])
    base, metal = from_specular(diffuse, f0)
    assert np.allclose(metal, [[0, 1, 0]], atol=1e-6), "black plastic, gold, too dark a mirror"
    assert np.allclose(base[0, 0], 0, atol=1e-6) and np.allclose(base[0, 1], (0.9, 0.6, 0.3), atol=1e-6)


def strip(tiles: list[np.ndarray]) -> np.ndarray:
    return np.rint(np.concatenate(tiles, axis=1) * 255).astype(np.uint8)


def flat(*colour: float) -> np.ndarray:
    return np.full((64, 64, 3), colour if len(colour) == 3 else colour * 3)


def test_deschaintre_strips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "DeepMaterialsData" / "testBlended"
    tiles = [flat(0.2), flat(0.5, 0.5, 1), flat(0.4, 0.2, 0.1), flat(0.3), flat(0.04)]
    for name in ("0000;wood;x", "0001;gold", "0002;z"):
        write(folder / f"{name}.png", strip(tiles))
    tiles[2:] = [flat(0), flat(0.6), flat(0.9, 0.6, 0.3)]
    write(folder / "0001;gold.png", strip(tiles))
    benchmark = get_benchmark("deschaintre2018")
    items = benchmark.items(tmp_path, "test")
    assert [item.id for item in items] == ["0000;wood;x", "0001;gold", "0002;z"]
    wood, gold = items[0].truth(), items[1].truth()
    assert wood.shape == (256, 256, 9) and np.isnan(wood[..., 3]).all(), "no occlusion in these strips"
    assert np.allclose(wood[9, 9, :3], np.array([0.4, 0.2, 0.1]) ** (1 / 2.2), atol=0.01), (
        "linear in, sRGB out"
    )
    assert np.allclose(wood[9, 9, 4:6], (0.3, 0), atol=0.02) and np.allclose(
        wood[9, 9, 6:], (0, 0, 1), atol=0.02
    )
    assert np.allclose(gold[9, 9, 4:6], (0.6, 1), atol=0.02)
    assert abs(int(items[0].photo()[9, 9, 0]) - 255 * 0.2 ** (1 / 2.2)) < 2
    assert benchmark.blind(tmp_path)((4, 5)).shape == (4, 5, 9)
    monkeypatch.setitem(benchmark.protocol, "splits", {"test": 2})
    assert [item.id for item in benchmark.items(tmp_path, "test")] == ["0000;wood;x", "0002;z"]
    write(folder / "0002;z.png", strip(tiles)[:, :-3])
    with pytest.raises(InputError, match="five squares"):
        items[2].truth()


# --- MatSynth ---------------------------------------------------------------------------------


def material(folder: Path, metallic: bool = True) -> None:
    write(folder / "basecolor.png", np.full((80, 96, 3), (200, 100, 50), np.uint8))
    write(folder / "normal.png", np.full((80, 96, 3), (128, 190, 220), np.uint8))
    write(folder / "roughness.png", np.full((80, 96), 30000, np.uint16))
    if metallic:
        write(folder / "metallic.png", np.full((80, 96), 255, np.uint8))


def test_matsynth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "MatSynth"
    material(root / "maps/test/Wood/oak")
    material(root / "maps/test/Ceramic/tiles", metallic=False)
    benchmark = get_benchmark("matsynth")
    monkeypatch.setitem(benchmark.protocol, "side", 32)
    items = benchmark.items(tmp_path, "test")
    assert [item.id for item in items] == ["Ceramic/tiles", "Wood/oak"]
    tiles, oak = (item.truth() for item in items)
    assert oak.shape == (32, 32, 9) and items[1].photo().shape == (32, 32, 3)
    assert np.allclose(oak[3, 3, :3], np.array([200, 100, 50]) / 255, atol=1e-5), "base colour stays sRGB"
    assert oak[3, 3, 4] == pytest.approx(30000 / 65535, abs=1e-4) and oak[3, 3, 5] == 1
    assert oak[3, 3, 7] > 0.4, "green up: OpenGL"
    assert np.isnan(tiles[..., 5]).all() and np.isnan(tiles[..., 3]).all(), "what is not there is not scored"
    assert np.isnan(scores(benchmark, tiles, oak)["metallic_rmse"])
    perfect = benchmark.scorer.oracle(tiles, {})
    assert scores(benchmark, tiles, perfect)["relit_rmse"] == 0
    assert scores(benchmark, tiles, 1 - perfect)["relit_rmse"] > 0.05
    assert not np.array_equal(items[0].photo(), items[1].photo()), "metal looks different"
    (root / "maps/test/Wood/oak/normal.png").unlink()
    with pytest.raises(MissingDataError, match=r"Wood/oak/normal\.png"):
        benchmark.items(tmp_path, "test")


# --- intrinsic images -------------------------------------------------------------------------


def test_interiorverse(tmp_path: Path) -> None:
    root, scene = tmp_path / "interiorverse/InteriorVerse", "scenes_85/L3D1"
    image = write(root / scene / "000_im.exr", RNG.uniform(0, 3, (24, 32, 3)).astype(np.float32))
    albedo = write(root / scene / "000_albedo.exr", RNG.uniform(0, 1, (24, 32, 3)).astype(np.float32))
    rough = write(root / scene / "000_material.exr", RNG.uniform(0, 1, (24, 32, 3)).astype(np.float32))
    write(root / scene / "000_mask.exr", np.zeros((24, 32, 3), np.float32))
    names = " ".join(f"{scene}/000_{name}.exr" for name in ("im", "albedo", "material", "mask"))
    listing(tmp_path / "data_split/interiorverse_iid/interiorverse_test_scenes_85.txt", [names])
    benchmark = get_benchmark("interiorverse")
    (item,) = benchmark.items(tmp_path, "test")
    truth = item.truth()
    assert item.id == "scenes_85/L3D1/000" and item.cluster == "L3D1"
    assert np.allclose(item.photo(), np.clip(image, 0, 1) ** (1 / 2.2) * 255, atol=0.6)
    assert np.allclose(truth[..., :3], albedo ** (1 / 2.2), atol=1e-5) and np.isnan(truth[..., 3]).all()
    assert np.allclose(truth[..., 4:], rough[..., :2], atol=1e-6), "linear, and the mask of zeros is not used"
    perfect = scores(benchmark, truth, np.nan_to_num(truth))
    assert perfect["albedo_PSNR"] == 100 == perfect["material_PSNR"]
    off = np.nan_to_num(truth)
    off[..., 4:] = np.clip(off[..., 4:] + 0.1, 0, 1)
    blue = np.zeros((24, 32, 1))  # black in the truth, and in what is scored
    three = [np.concatenate([side[..., 4:], blue], axis=2) for side in (truth, off)]
    official = -10 * np.log10(np.mean((three[0] - three[1]) ** 2))
    assert scores(benchmark, truth, off)["material_PSNR"] == pytest.approx(official, abs=1e-4)
    linear = np.nan_to_num(truth)
    linear[..., :3] = albedo
    assert scores(benchmark, truth, linear)["albedo_PSNR"] < 20, "the space matters"


def test_hypersim_albedo(tmp_path: Path) -> None:
    root, scene = tmp_path / "hypersim", "test/ai_001_010"
    photo = write(root / scene / "rgb_cam_00_fr0000.png", RNG.integers(0, 256, (24, 32, 3)).astype(np.uint8))
    linear = RNG.uniform(0.1, 1, (24, 32, 3)).astype(np.float16)
    linear[0], linear[1, 0], linear[1, 1, 2] = 0, np.nan, np.inf
    linear[2, 0] = (0, 0, 0.5)
    write(root / scene / "albedo_cam_00_fr0000.npy", linear)
    names = [
        f"{scene}/{n}_cam_00_fr0000.{e}" for n, e in (("rgb", "png"), ("albedo", "npy"), ("shading", "npy"))
    ]
    listing(root / "hypersim_test.txt", [" ".join(names)])
    (item,) = get_benchmark("hypersim-iid").items(tmp_path, "test")
    truth = item.truth()
    known = np.ones((24, 32), bool)
    known[0] = known[1, 0] = known[1, 1] = False
    assert np.array_equal(item.photo(), photo) and item.cluster == "ai_001_010"
    assert np.array_equal(np.isfinite(truth).all(-1), known), "one black channel is a colour, three are none"
    assert np.allclose(truth[known], linear[known].astype(float) ** (1 / 2.2), atol=1e-3)
    write(root / scene / "albedo_cam_00_fr0000.npy", linear[..., 0])
    with pytest.raises(InputError, match="albedo of shape"):
        item.truth()


# --- pbr-mix ----------------------------------------------------------------------------------


def test_pbr_mix_in_the_runner_scores_what_its_report_scores(data_root: Path) -> None:
    benchmark = get_benchmark("pbr-mix")
    items = benchmark.items(data_root, "test")
    assert len(items) == benchmark.protocol["splits"]["test"] == 27
    assert items[0].id == f"{items[0].cluster}/flash" and len({item.cluster for item in items}) == 9
    guess = benchmark.blind(data_root)((160, 160))
    sets = {one.name: one for one in held_out_sets(data_root, 160)}
    fractions = [np.ascontiguousarray(guess[..., place], np.float32) for place in (4, 5, 3)]
    length = np.linalg.norm(guess[..., 6:], axis=-1, keepdims=True)
    material = SurfaceMaps(guess[..., :3], (guess[..., 6:] / length).astype(np.float32), *fractions)
    names = {"base_rmse", "roughness_rmse", "metallic_rmse", "normal_mean", "occlusion_rmse", "relit_rmse"}
    for item in items[::6]:
        one = sets[item.cluster]
        assert np.array_equal(item.truth(), truth_of(one), equal_nan=True)
        expected = set_scores(one.maps, material, one.present, one.certain)
        found = scores(benchmark, item.truth(), guess)
        for name in names:
            value = found[name]
            assert np.isnan(value) == (name not in expected), (item.id, name)
            if name in expected:
                assert value == pytest.approx(expected[name], rel=1e-4, abs=1e-6), (item.id, name)


def test_rows_of_pbr_mix(data_root: Path) -> None:
    benchmark = get_benchmark("pbr-mix")
    item = next(i for i in benchmark.items(data_root, "test") if i.cluster == "rock023")
    codec = scores(benchmark, item.truth(), CodecRow(benchmark, None).answer(item, item.truth()))
    blind = scores(benchmark, item.truth(), benchmark.blind(data_root)((160, 160)))
    assert codec["base_rmse"] < 0.01 and codec["relit_rmse"] < 0.02 < blind["relit_rmse"]
    with pytest.raises(MissingDataError):
        benchmark.items(Path(__file__).parent, "test")
    assert benchmark.present(Path(__file__).parent) is None and benchmark.present(data_root)
