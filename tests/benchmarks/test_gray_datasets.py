"""ECSSD, alphamatting.com and BSDS500: splits, truths, layouts, and what is missing is named."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from visiongen.benchmarks.datasets import bsds500, ecssd, matting_alpha
from visiongen.errors import InputError, MissingDataError
from visiongen.training.sources.ecssd import train_photos
from visiongen.training.sources.mattes import TRAIN


def write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def test_ecssd(tmp_path: Path) -> None:
    mask = np.zeros((20, 30), np.uint8)
    mask[5:15, 10:20] = 255
    for number in range(601, 701):
        write(tmp_path / "ecssd" / "images" / f"{number:04d}.jpg", np.dstack([mask] * 3))
        write(tmp_path / "ecssd" / "masks" / f"{number:04d}.png", mask)
    items = ecssd.BENCHMARK.items(tmp_path, "val", 3)
    assert [item.id for item in items] == ["0601", "0602", "0603"]
    assert np.array_equal(items[0].truth(), (mask > 0).astype(np.float32)) and items[0].photo().shape == (
        20,
        30,
        3,
    )
    assert train_photos(tmp_path / "ecssd") == []  # nothing that is scored is trained on
    with pytest.raises(MissingDataError, match="0001"):
        ecssd.BENCHMARK.blind(tmp_path)
    (tmp_path / "ecssd" / "masks" / "0601.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="0601"):
        items[0].truth()


def test_matting_alpha(tmp_path: Path) -> None:
    root = tmp_path / "matting_alpha" / "alphamatting_train27"
    alpha = np.tile(np.arange(0, 250, 10, dtype=np.uint8), (20, 1))
    trimap = np.where((alpha > 60) & (alpha < 200), 128, np.where(alpha < 100, 0, 255)).astype(np.uint8)
    for number in range(1, 19):
        for part, image in (
            ("rgb.jpg", np.dstack([alpha] * 3)),
            ("alpha.png", alpha),
            ("trimap1.png", trimap),
        ):
            write(root / f"GT{number:02d}_{part}", image)
    items = matting_alpha.BENCHMARK.items(tmp_path, "val")
    assert [item.id for item in items] == ["GT15", "GT16", "GT17", "GT18"]
    assert matting_alpha.SPLITS["val"][0] > TRAIN == matting_alpha.SPLITS["train"][1]
    truth = items[0].truth()
    assert np.allclose(truth[..., 0], alpha / 255) and np.array_equal(truth[..., 1] == 1, trimap == 128)
    guess = matting_alpha.BENCHMARK.blind(tmp_path)((40, 50))
    assert guess.shape == (40, 50) and abs(guess.mean() - alpha.mean() / 255) < 0.01
    (root / "GT18_trimap1.png").unlink()
    with pytest.raises(MissingDataError, match="GT18_trimap1"):
        matting_alpha.BENCHMARK.items(tmp_path, "val")


def test_bsds500_in_both_layouts(tmp_path: Path) -> None:
    lines = np.random.default_rng(0).random((3, 20, 30)) < 0.1
    write(tmp_path / "bsds500/val/images/7.jpg", np.zeros((20, 30, 3), np.uint8))
    (tmp_path / "bsds500/val/images/._7.jpg").write_bytes(b"macOS leaves such files")
    (tmp_path / "bsds500/val/gt").mkdir()
    np.savez(tmp_path / "bsds500/val/gt/7.npz", boundaries=np.packbits(lines, axis=-1), shape=lines.shape)
    people = np.empty((1, 3), object)
    for k in range(3):
        people[0, k] = {"Boundaries": lines[k].astype(np.uint8), "Segmentation": np.ones((20, 30), np.uint16)}
    write(tmp_path / "BSDS500/data/images/train/9.jpg", np.zeros((20, 30, 3), np.uint8))
    (tmp_path / "BSDS500/data/groundTruth/train").mkdir(parents=True)
    official = tmp_path / "BSDS500/data/groundTruth/train/9.mat"
    savemat(official, {"groundTruth": people})
    (packed,) = bsds500.BENCHMARK.items(tmp_path, "val")
    assert np.array_equal(packed.truth(), lines.transpose(1, 2, 0)) and packed.truth().dtype == bool
    assert np.array_equal(bsds500.read_lines(official), lines.transpose(1, 2, 0))
    assert bsds500.BENCHMARK.samples(tmp_path, "train")[0].truth == (official,)
    guess = bsds500.BENCHMARK.blind(tmp_path)((20, 30))
    assert guess.shape == (20, 30) and guess[lines.all(0) | lines.any(0)].mean() > guess.mean()
    official.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"9\.mat"):
        bsds500.read_lines(official)
    with pytest.raises(MissingDataError, match="test"):
        bsds500.BENCHMARK.items(tmp_path, "test")


def test_the_real_packs(data_root: Path) -> None:
    for benchmark, count in ((ecssd.BENCHMARK, 100), (matting_alpha.BENCHMARK, 4), (bsds500.BENCHMARK, 100)):
        items = benchmark.items(data_root, "val")
        assert len(items) == count == benchmark.protocol["splits"]["val"]
        photo, truth = items[0].photo(), items[0].truth()
        assert photo.shape[:2] == truth.shape[:2] and truth.max() == 1
