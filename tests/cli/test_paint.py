"""predict with examples and turns, paint and inpaint: files, reports, refusals."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.cli.common import split_pair
from visiongen.cli.main import main
from visiongen.tasks.codecs import read_map_png

PHOTO = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
LEGEND = "cup=#ff0000,table=#00ff00"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.fromarray(PHOTO).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def run(command: str, *words: object, weights: str) -> int:
    return main([command, *map(str, words), "--weights", weights, "--long-side", "64"])


def test_examples(photo: Path, tmp_path: Path, nano_weights: str, capsys: pytest.CaptureFixture[str]) -> None:
    painted = np.zeros_like(PHOTO)
    painted[10:30, 20:50] = (250, 200, 0)
    Image.fromarray(painted).save(tmp_path / "map.png")
    pair = f"{photo}={tmp_path / 'map.png'}"
    words = ("incontext", photo, "--example", pair, "--example", pair, "--out", tmp_path / "o", "--json", "-")
    assert run("predict", *words, weights=nano_weights) == 0
    row = json.loads(capsys.readouterr().out)["results"][0]
    assert row["legend"] == [["?1", "#fac800"], ["?2", "#000000"]] and row["prompt"] == "as in the examples"
    assert set(np.unique(np.load(tmp_path / "o" / "photo.incontext.npy"))) <= {0, 1}
    assert run("predict", "incontext", photo, weights=nano_weights) == 2
    assert "none given" in capsys.readouterr().err
    assert run("predict", "incontext", photo, "--example", "nothing", weights=nano_weights) == 2
    assert "PHOTO=MAP" in capsys.readouterr().err
    five = [word for _ in range(5) for word in ("--example", pair)]
    assert run("predict", "incontext", photo, *five, weights=nano_weights) == 2


def test_pairs_of_odd_names(tmp_path: Path) -> None:
    for name in ("a=b.png", "c.png"):
        (tmp_path / name).touch()
    assert split_pair(f"{tmp_path}/a=b.png={tmp_path}/c.png") == (tmp_path / "a=b.png", tmp_path / "c.png")


def test_turns(photo: Path, tmp_path: Path, nano_weights: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "o"
    words = ("semantic", photo, "--legend", LEGEND, "--out", out, "--json", "-")
    turns = ("--then", "only the cups", "--then", "rename cup to mug")
    assert run("predict", *words, *turns, weights=nano_weights) == 0
    rows = json.loads(capsys.readouterr().out)["results"]
    assert [[name for name, _ in row["legend"]] for row in rows] == [
        ["cup", "table"], ["cup", "other"], ["mug", "other"],
    ]  # fmt: skip
    assert [Path(row["files"][0]).name for row in rows] == [
        "photo.semantic.png", "photo.turn2.semantic.png", "photo.turn3.semantic.png",
    ]  # fmt: skip
    assert rows[2]["stats"]["turn"] == 3 and rows[2]["stats"]["tokens_kept"] == 48
    assert run("predict", "depth", photo, "--then", "only cups", weights=nano_weights) == 2
    assert run("predict", *words, "--then", "do something", weights=nano_weights) == 2
    assert "only the cars" in capsys.readouterr().err


def test_options(photo: Path, tmp_path: Path, nano_weights: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("depth", photo, "--out", tmp_path / "o", "--json", "-")
    assert run("predict", *words, "--option", "relative=true", weights=nano_weights) == 0
    assert json.loads(capsys.readouterr().out)["results"][0]["unit"] == "relative"
    assert run("predict", *words, "--option", "nothing=1", weights=nano_weights) == 2
    assert run("predict", *words, "--option", "relative", weights=nano_weights) == 2
    assert "NAME=VALUE" in capsys.readouterr().err


def test_paint_back(
    photo: Path, tmp_path: Path, nano_weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o"
    assert run("predict", "semantic", photo, "--legend", LEGEND, "--out", out, weights=nano_weights) == 0
    painted = out / "photo.semantic.map.png"
    words = (painted, "--out", out, "--mode", "sample", "--count", 2, "--json", "-")
    capsys.readouterr()
    assert run("paint", *words, weights=nano_weights) == 0
    rows = json.loads(capsys.readouterr().out)["results"]
    assert [row["prompt"] for row in rows] == ["photo from segment"] * 2
    names = [Path(row["files"][0]).name for row in rows]
    assert names == ["photo.semantic.seed0.image.png", "photo.semantic.seed1.image.png"]
    first, second = (np.asarray(Image.open(out / name)) for name in names)
    assert first.shape == (48, 64, 3) and not np.array_equal(first, second)
    assert read_map_png(rows[0]["files"][1])[1].name == "image/rgb@1"
    assert run("paint", photo, "--out", out, weights=nano_weights) == 1, "a photo is no map"
    assert f"{photo}: what does the map show? give source" in capsys.readouterr().err
    both = run("paint", photo, painted, "--out", out / "both", weights=nano_weights)
    assert both == 1 and list((out / "both").glob("*.image.png")), "the map beside it is painted"
    assert run("paint", photo, "--source", "normals", "--out", out, weights=nano_weights) == 0
    assert run("paint", painted, "--count", 2, weights=nano_weights) == 2
    assert "sample, diffuse or scales" in capsys.readouterr().err
    nano = EmbeddedBackbone.random("nano")
    painter = type(nano.painter)(dataclasses.replace(nano.painter.config, noise=True))
    painter.load_state_dict(nano.painter.state_dict(), strict=False)
    EmbeddedBackbone(nano.tokenizer, painter, "noise").save(tmp_path / "noise.safetensors")
    several = (painted, "--out", tmp_path / "n", "--mode", "diffuse", "--count", 2)
    assert run("paint", *several, weights=str(tmp_path / "noise.safetensors")) == 0
    one, two = (np.asarray(Image.open(file)) for file in sorted((tmp_path / "n").glob("*.seed?.image.png")))
    assert not np.array_equal(one, two)


@pytest.mark.parametrize("command", ["paint", "inpaint"])
def test_pictures_before_an_interruption_are_kept(
    command: str,
    photo: Path,
    tmp_path: Path,
    nano_weights: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import visiongen.tasks

    name = {"paint": "predict", "inpaint": "inpaint"}[command]
    work = getattr(visiongen.tasks, name)

    def interrupted(*words: object, seed: int, **options: object) -> object:
        if seed == 7:
            raise KeyboardInterrupt
        return work(*words, seed=seed, **options)

    monkeypatch.setattr(visiongen.tasks, name, interrupted)
    Image.fromarray(np.eye(64, dtype=np.uint8)[:48] * 255).save(tmp_path / "mask.png")
    more = ("--source", "depth") if command == "paint" else ("--mask", tmp_path / "mask.png")
    words = (photo, *more, "--out", tmp_path / "o", "--mode", "sample", "--seed", 5, "--count", 9)
    assert run(command, *words, "--json", tmp_path / "all.json", weights=nano_weights) == 130
    rows = json.loads((tmp_path / "all.json").read_text())["results"]
    assert [row["sample"]["seed"] for row in rows] == [5, 6]
    assert len(list((tmp_path / "o").glob("photo*.seed*.image.png"))) == 2
    capsys.readouterr()


def test_inpaint(photo: Path, tmp_path: Path, nano_weights: str, capsys: pytest.CaptureFixture[str]) -> None:
    hole = np.zeros((48, 64), np.uint8)
    hole[20:30, 20:40] = 255
    Image.fromarray(hole).save(tmp_path / "mask.png")
    words = (photo, "--mask", tmp_path / "mask.png", "--out", tmp_path / "o")
    assert run("inpaint", *words, weights=nano_weights) == 0
    filled = np.asarray(Image.open(tmp_path / "o" / "photo.filled.image.png"))
    assert np.array_equal(filled[hole == 0], PHOTO[hole == 0]) and (filled != PHOTO).any()
    odd = photo.rename(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))  # no UTF-8
    assert run("inpaint", odd, *words[1:], weights=nano_weights) == 0
    assert (tmp_path / "o" / "caf%E9.filled.image.png").exists()
    odd.rename(photo)
    Image.fromarray(hole[:20]).save(tmp_path / "mask.png")
    assert run("inpaint", *words, weights=nano_weights) == 1
    assert "mask.png" in capsys.readouterr().err
    assert run("inpaint", *words, "--json", tmp_path / "all.json", weights=nano_weights) == 1
    report = json.loads((tmp_path / "all.json").read_text())
    assert report["results"] == [] and "mask.png" in report["failed"][0]["error"] and report["weights"]


def test_maps_of_one_photo_do_not_overwrite_each_other(
    photo: Path, tmp_path: Path, nano_weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.png", "a.map.png"):
        (tmp_path / name).write_bytes(photo.read_bytes())
    words = [tmp_path / "a.png", tmp_path / "a.map.png", "--source", "depth", "--long-side", 32]
    assert run("paint", *words, "--out", tmp_path / "o", "--json", "-", weights=nano_weights) == 0
    files = [Path(file) for row in json.loads(capsys.readouterr().out)["results"] for file in row["files"]]
    assert len(set(files)) == len(files)
    assert [files[0].name, files[len(files) // 2].name] == ["a.image.png", "a-2.image.png"]


def test_turns_that_cannot_be_are_refused_before_anything_is_painted(
    photo: Path, tmp_path: Path, nano_weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("semantic", photo, "--legend", LEGEND, "--out", tmp_path / "o")
    assert run("predict", *words, "--then", "only the cups", "--tile", weights=nano_weights) == 2
    assert "--tile" in capsys.readouterr().err
    gone = ("--then", "only the cups", "--then", "only the tables")
    assert run("predict", *words, *gone, weights=nano_weights) == 2
    assert "table" in capsys.readouterr().err and not (tmp_path / "o").exists()
