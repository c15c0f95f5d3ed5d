"""Saliency and matting sets in their official layouts: pairs, order, values, clusters, clear errors."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from visiongen.benchmarks.base import Benchmark
from visiongen.benchmarks.rows import BlindRow, CodecRow
from visiongen.benchmarks.runner import get_benchmark
from visiongen.errors import InputError, MissingDataError

PHOTO = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
MASK = np.zeros((20, 30), np.uint8)
MASK[4:12, 5:18] = 255
NEAR = cv2.morphologyEx(MASK, cv2.MORPH_GRADIENT, np.ones((5, 5))) > 0
TRIMAP = np.where(NEAR, 128, MASK).astype(np.uint8)
ALPHA = cv2.GaussianBlur(MASK, (5, 5), 1)

SALIENT = {
    "duts-te": ("DUTS-TE/DUTS-TE-Image", "DUTS-TE/DUTS-TE-Mask", ".jpg"),
    "hku-is": ("HKU-IS/imgs", "HKU-IS/gt", ".png"),
    "pascal-s": ("datasets/imgs/pascal", "datasets/masks/pascal", ".jpg"),
    "dut-omron": ("DUT-OMRON/DUT-OMRON-image", "DUT-OMRON/pixelwiseGT-new-PNG", ".jpg"),
}
MATTES = {
    "composition-1k": ("Test_set/merged", "Test_set/alpha_copy", "Test_set/trimaps", ".png"),
    "p3m-500-p": (
        "validation/P3M-500-P/blurred_image",
        "validation/P3M-500-P/mask",
        "validation/P3M-500-P/trimap",
        ".jpg",
    ),
    "p3m-500-np": (
        "P3M-10k/validation/P3M-500-NP/original_image",
        "P3M-10k/validation/P3M-500-NP/mask",
        "P3M-10k/validation/P3M-500-NP/trimap",
        ".jpg",
    ),
    "aim-500": ("AIM-500/original", "AIM-500/mask", "AIM-500/trimap", ".jpg"),
}


def write(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path


def salient(root: Path, name: str, stems: tuple[str, ...] = ("2", "10", "1")) -> None:
    photos, masks, suffix = SALIENT[name]
    for stem in stems:
        write(root / photos / f"{stem}{suffix}", PHOTO)
        write(root / masks / f"{stem}.png", MASK)


def mattes(root: Path, name: str, stems: tuple[str, ...] = ("a_10", "b_0", "a_2")) -> None:
    photos, alphas, trimaps, suffix = MATTES[name]
    for stem in stems:
        write(root / photos / f"{stem}{suffix}", PHOTO)
        write(root / alphas / f"{stem}.png", ALPHA)
        write(root / trimaps / f"{stem}.png", TRIMAP)


def primary(benchmark: Benchmark, row: CodecRow | BlindRow, data: Path, split: str) -> float:
    scorer, items = benchmark.scorer, benchmark.items(data, split, 3)
    stats = [scorer.stats(item.truth(), row.answer(item, item.truth())) for item in items]
    return float(scorer.scores(scorer.stack(stats).sum(0))[benchmark.protocol["primary"]])


@pytest.mark.parametrize("name", SALIENT)
def test_saliency_sets_pair_by_name_in_the_order_of_numbers(name: str, tmp_path: Path) -> None:
    benchmark = get_benchmark(name)
    assert benchmark.present(tmp_path) is None
    salient(tmp_path, name)
    (tmp_path / SALIENT[name][0] / "Thumbs.db").write_bytes(b"no picture")
    items = benchmark.items(tmp_path, "test")
    assert [item.id for item in items] == ["1", "2", "10"] and benchmark.present(tmp_path) == tmp_path
    assert np.array_equal(items[0].truth(), MASK / 255) and items[0].truth().dtype == np.float32
    assert items[0].photo().shape == PHOTO.shape
    assert benchmark.items(tmp_path, "test", 1)[0].digest == items[0].digest


def test_masks_are_cut_above_128_whatever_their_bits(tmp_path: Path) -> None:
    benchmark = get_benchmark("pascal-s")
    salient(tmp_path, "pascal-s")
    masks = tmp_path / "datasets/masks/pascal"
    gray = np.full((20, 30), 128, np.uint8)
    gray[0, :3] = 129, 255, 127
    write(masks / "1.png", gray)
    Image.fromarray(MASK > 0).save(masks / "2.png")
    write(masks / "10.png", MASK.astype(np.uint16) * 257)
    truths = [item.truth() for item in benchmark.items(tmp_path, "test")]
    assert np.array_equal(np.argwhere(truths[0]), [[0, 0], [0, 1]])
    assert np.array_equal(truths[1], MASK / 255) and np.array_equal(truths[2], MASK / 255)
    write(masks / "1.png", MASK // 255)  # all black to the eye; would make an empty truth
    with pytest.raises(InputError, match=r"1\.png.*0 and 1"):
        benchmark.items(tmp_path, "test")[0].truth()
    (masks / "2.png").write_bytes((masks / "10.png").read_bytes()[:60])
    with pytest.raises(InputError, match=r"2\.png.*damaged"):
        benchmark.items(tmp_path, "test")[1].truth()


def test_a_lonely_photo_or_mask_stops_the_run_and_is_named(tmp_path: Path) -> None:
    benchmark = get_benchmark("duts-te")
    salient(tmp_path, "duts-te")
    with pytest.raises(MissingDataError, match=r"train.*DUTS-TR/DUTS-TR-Image"):
        benchmark.blind(tmp_path)
    (tmp_path / "DUTS-TE/DUTS-TE-Mask/2.png").unlink()
    with pytest.raises(MissingDataError, match=r"DUTS-TE-Mask/2\.png"):
        benchmark.items(tmp_path, "test")
    write(tmp_path / "DUTS-TE/DUTS-TE-Mask/2.png", MASK)
    (tmp_path / "DUTS-TE/DUTS-TE-Image/10.jpg").unlink()
    with pytest.raises(MissingDataError, match=r"10\.png: has no photo"):
        benchmark.items(tmp_path, "test")
    with pytest.raises(MissingDataError, match="DUTS-TE/DUTS-TE-Image"):
        benchmark.items(tmp_path / "DUTS-TE/DUTS-TE-Mask", "test")


@pytest.mark.parametrize("name", [*SALIENT, *MATTES])
def test_the_dataset_s_own_folder_is_a_data_root(name: str, tmp_path: Path) -> None:
    (salient if name in SALIENT else mattes)(tmp_path, name)
    folder = (SALIENT | MATTES)[name][0]
    own = tmp_path if folder.startswith("datasets/") else tmp_path / Path(folder).parent
    assert len(get_benchmark(name).items(own, "test")) == 3


def test_two_pictures_of_one_name_are_refused(tmp_path: Path) -> None:
    """Which of them a folder lists last is chance, and a mask beside its photo is no photo."""
    salient(tmp_path, "duts-te")
    write(tmp_path / "DUTS-TE/DUTS-TE-Image/2.png", np.dstack([MASK] * 3))
    with pytest.raises(InputError, match=r"DUTS-TE-Image/2\.png: 2\.jpg has the same name"):
        get_benchmark("duts-te").items(tmp_path, "test")


def test_the_whole_of_ecssd_in_the_official_layout(tmp_path: Path) -> None:
    benchmark = get_benchmark("ecssd")
    jpg, png = (cv2.imencode(kind, image)[1].tobytes() for kind, image in ((".jpg", PHOTO), (".png", MASK)))
    for folder, content, suffix in (("images", jpg, "jpg"), ("ground_truth_mask", png, "png")):
        (tmp_path / "ECSSD" / folder).mkdir(parents=True)
        for number in range(1, 1001):
            (tmp_path / "ECSSD" / folder / f"{number:04d}.{suffix}").write_bytes(content)
    for split, count in benchmark.protocol["splits"].items():
        assert len(benchmark.items(tmp_path, split)) == count
    assert [i.id for i in benchmark.items(tmp_path / "ECSSD", "test")[:2]] == ["0001", "0002"]
    assert benchmark.protocol["splits"] == {"train": 600, "val": 100, "test": 1000}
    (tmp_path / "ECSSD/images/1000.jpg").unlink()
    (tmp_path / "ECSSD/ground_truth_mask/1000.png").unlink()
    with pytest.raises(MissingDataError, match="1000"):
        benchmark.items(tmp_path, "test")


@pytest.mark.parametrize("name", MATTES)
def test_matting_sets_hold_alpha_and_the_trimaps_unknown(name: str, tmp_path: Path) -> None:
    benchmark = get_benchmark(name)
    mattes(tmp_path, name)
    items = benchmark.items(tmp_path, "test")
    assert [item.id for item in items] == ["a_2", "a_10", "b_0"]
    truth = items[0].truth()
    assert truth.shape == (20, 30, 2) and np.allclose(truth[..., 0], ALPHA / 255)
    assert np.array_equal(truth[..., 1] == 1, TRIMAP == 128)
    clusters = [item.cluster for item in items]
    assert clusters == (["a", "a", "b"] if name == "composition-1k" else ["", "", ""])
    codec = primary(benchmark, CodecRow(benchmark, None), tmp_path, "test")
    blank = [benchmark.scorer.stats(i.truth(), np.full(ALPHA.shape, 0.5)) for i in items]
    scorer = benchmark.scorer
    half = float(scorer.scores(scorer.stack(blank).sum(0))[benchmark.protocol["primary"]])
    assert 0 <= codec < half / 2


def test_trimaps_of_other_values_or_sizes_are_refused(tmp_path: Path) -> None:
    benchmark = get_benchmark("aim-500")
    mattes(tmp_path, "aim-500")
    trimap = tmp_path / "AIM-500/trimap/a_2.png"
    write(trimap, np.where(TRIMAP == 128, 127, TRIMAP).astype(np.uint8))
    with pytest.raises(InputError, match=r"a_2\.png: value 127"):
        benchmark.items(tmp_path, "test")[0].truth()
    write(trimap, TRIMAP[:-1])
    with pytest.raises(InputError, match=r"a_2\.png.*not the alpha's"):
        benchmark.items(tmp_path, "test")[0].truth()
    trimap.unlink()
    with pytest.raises(MissingDataError, match=r"AIM-500/trimap/a_2\.png"):
        benchmark.items(tmp_path, "test")


def test_the_codec_is_far_above_a_blind_guess_on_the_real_packs(data_root: Path) -> None:
    for name in ("ecssd", "matting-alpha"):
        benchmark = get_benchmark(name)
        codec = primary(benchmark, CodecRow(benchmark, None), data_root, "val")
        blind = primary(benchmark, BlindRow(benchmark, data_root), data_root, "val")
        assert codec < 0.25 * blind, name
