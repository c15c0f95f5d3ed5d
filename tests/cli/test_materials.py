"""``visiongen materials`` on the smallest weights: files, report, refusals."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visiongen.cli.main import main


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "wall.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (72, 96, 3), np.uint8)).save(path)
    return path


def materials(*words: object, weights: str) -> int:
    return main(["materials", *map(str, words), "--weights", weights, "--long-side", "32", "--mode", "draft"])


def test_report_and_files(photo: Path, tmp_path: Path, nano_weights: str, capsys) -> None:
    out = tmp_path / "out"
    assert materials(photo, "--out", out, "--json", "-", weights=nano_weights) == 0
    report = json.loads(capsys.readouterr().out)
    (row,) = report["results"]
    assert report["failed"] == [] and row["kind"] == "surface" and row["size"] == [72, 96]
    assert 0 < row["rerender"]["rmse"] < 1 and row["height_source"] == "integrated from normals"
    assert {Path(f).name for f in row["files"]} == {f.name for f in out.iterdir()}
    assert (out / "wall.glb").read_bytes()[:4] == b"glTF"


def test_size_bounds_the_maps(photo: Path, tmp_path: Path, nano_weights: str, capsys) -> None:
    out = tmp_path / "out"
    assert materials(photo, "--out", out, "--size", "64", "--json", "-", weights=nano_weights) == 0
    assert json.loads(capsys.readouterr().out)["results"][0]["size"] == [48, 64]
    for name in ("basecolor", "normal", "orm", "height"):
        with Image.open(out / f"wall.{name}.png") as image:
            assert image.size == (64, 48), name
    assert materials(photo, "--out", out, "--size", "63", weights=nano_weights) == 2
    assert "at least 64" in capsys.readouterr().err


def test_tileable_and_scene(photo: Path, tmp_path: Path, nano_weights: str, capsys) -> None:
    assert materials(photo, "--out", tmp_path / "a", "--tileable", weights=nano_weights) == 0
    assert "seam x" in capsys.readouterr().out
    assert materials(photo, "--out", tmp_path / "b", "--scene", weights=nano_weights) == 0
    assert not (tmp_path / "b" / "wall.height.png").exists()
    assert materials(photo, "--scene", "--tileable", weights=nano_weights) == 2
    assert "does not repeat" in capsys.readouterr().err


def test_a_relief_of_an_earlier_set_goes_and_a_picture_of_ones_own_stays(
    photo: Path, tmp_path: Path, nano_weights: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    own = out / "wall.height.png"
    own.write_bytes(b"mine")
    assert materials(photo, "--out", out, "--scene", weights=nano_weights) == 0
    assert own.read_bytes() == b"mine"
    assert materials(photo, "--out", out, weights=nano_weights) == 0 and own.read_bytes() != b"mine"
    assert materials(photo, "--out", out, "--scene", weights=nano_weights) == 0 and not own.exists()


def test_a_name_that_is_not_utf8_is_done(photo: Path, tmp_path: Path, nano_weights: str, capsys) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.png")
    try:
        photo.rename(odd)
    except OSError:
        pytest.skip("the file system takes UTF-8 names alone")
    assert materials(odd, "--out", tmp_path / "out", weights=nano_weights) == 0
    assert r"caf\udce9.png: " in capsys.readouterr().out
    root = ElementTree.parse(tmp_path / "out" / "caf%E9.mtlx").getroot()
    named = [entry.get("value") for entry in root.iter("input") if entry.get("name") == "file"]
    assert named and all((tmp_path / "out" / name).is_file() for name in named)


def test_a_bad_photo_does_not_stop_the_others(photo: Path, tmp_path: Path, nano_weights: str, capsys) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"not a picture")
    assert materials(bad, photo, "--out", tmp_path / "out", weights=nano_weights) == 1
    assert "bad.png" in capsys.readouterr().err and (tmp_path / "out" / "wall.glb").exists()
