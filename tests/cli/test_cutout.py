"""visiongen cutout: files, backgrounds, orientation, batches and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visiongen.cli.main import main


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)).save(path)
    return path


def cutout(*words: object, weights: str) -> int:
    return main(["cutout", *map(str, words), "--weights", weights, "--long-side", "32"])


@pytest.mark.parametrize("task", ["matting", "salient"])
def test_a_transparent_png_in_the_photos_size(
    task: str, photo: Path, tmp_path: Path, nano_weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--salient"] if task == "salient" else []
    assert cutout(photo, "--out", tmp_path / "out", "--json", "-", *words, weights=nano_weights) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["schema"] == "visiongen.cutout/1" and report["task"] == task and not report["failed"]
    (row,) = report["results"]
    assert row["size"] == [50, 70] and row["files"] == [str(tmp_path / "out" / "photo.cutout.png")]
    assert 0 <= row["opaque"] <= 1 and 0 <= row["partly"] <= 1
    with Image.open(row["files"][0]) as image:
        assert image.mode == "RGBA" and image.size == (70, 50)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["photo.cutout.png"]


@pytest.mark.parametrize(("words", "same"), [([], False), (["--salient"], True)])
def test_soft_keeps_the_matte_as_painted(
    words: list[str], same: bool, photo: Path, tmp_path: Path, nano_weights: str
) -> None:
    """A matte is fitted to the photo unless it is to stay soft; a salient object never is."""
    opacity = []
    for folder, more in (("usual", []), ("soft", ["--soft"])):
        assert cutout(photo, "--out", tmp_path / folder, *words, *more, weights=nano_weights) == 0
        opacity.append(np.asarray(Image.open(tmp_path / folder / "photo.cutout.png"))[..., 3])
    assert np.array_equal(*opacity) == same


def test_orientation_is_applied(tmp_path: Path, nano_weights: str) -> None:
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.zeros((40, 80, 3), np.uint8)).save(path, exif=exif)
    assert cutout(path, "--out", tmp_path / "out", weights=nano_weights) == 0
    with Image.open(tmp_path / "out" / "turned.cutout.png") as image:
        assert image.size == (40, 80)


def test_another_background(photo: Path, tmp_path: Path, nano_weights: str) -> None:
    picture = tmp_path / "behind.png"
    Image.fromarray(np.full((30, 200, 3), (10, 200, 30), np.uint8)).save(picture)
    for number, (background, colour) in enumerate(
        {"#102030": (16, 32, 48), str(picture): (10, 200, 30)}.items()
    ):
        out = tmp_path / str(number)
        assert cutout(photo, "--out", out, "--background", background, weights=nano_weights) == 0
        rgba = np.asarray(Image.open(out / "photo.cutout.png")).astype(float)
        composed = np.asarray(Image.open(out / "photo.composed.png"))
        share = rgba[..., 3:] / 255
        expected = share * rgba[..., :3] + (1 - share) * np.array(colour)
        assert composed.shape == (50, 70, 3) and abs(composed - expected).max() <= 1


def test_folders_and_bad_files(photo: Path, tmp_path: Path, nano_weights: str) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    out = tmp_path / "out"
    assert cutout(tmp_path, "--out", out, weights=nano_weights) == 1
    assert [p.name for p in out.iterdir()] == ["photo.cutout.png"]
    assert cutout(tmp_path / "none*.jpg", "--out", out, weights=nano_weights) == 3


def test_a_background_much_longer_than_the_photo_keeps_a_pixel() -> None:
    from visiongen.cli.cutout import _cover

    wide = np.full((8, 400, 3), 90, np.uint8)
    assert _cover(wide, (1000, 20)).shape == (1000, 20, 3)
    assert _cover(wide.transpose(1, 0, 2), (20, 1000)).shape == (20, 1000, 3)


def test_usage(photo: Path, tmp_path: Path, nano_weights: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cutout(photo, "--background", "no-such-colour", weights=nano_weights) == 2
    assert "--background" in capsys.readouterr().err
    assert cutout(photo, "--mode", "quick", weights=nano_weights) == 2
    assert cutout(photo, "--out", tmp_path / "out", weights="no-such-weights") == 3
    assert not (tmp_path / "out").exists()
