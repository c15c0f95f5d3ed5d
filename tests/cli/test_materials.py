"""``visiongen materials`` on the smallest weights: files, report, refusals."""

from __future__ import annotations

import json
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


def test_tileable_and_scene(photo: Path, tmp_path: Path, nano_weights: str, capsys) -> None:
    assert materials(photo, "--out", tmp_path / "a", "--tileable", weights=nano_weights) == 0
    assert "seam x" in capsys.readouterr().out
    assert materials(photo, "--out", tmp_path / "b", "--scene", weights=nano_weights) == 0
    assert not (tmp_path / "b" / "wall.height.png").exists()
    assert materials(photo, "--scene", "--tileable", weights=nano_weights) == 2
    assert "does not repeat" in capsys.readouterr().err


def test_a_bad_photo_does_not_stop_the_others(photo: Path, tmp_path: Path, nano_weights: str, capsys) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"not a picture")
    assert materials(bad, photo, "--out", tmp_path / "out", weights=nano_weights) == 1
    assert "bad.png" in capsys.readouterr().err and (tmp_path / "out" / "wall.glb").exists()
