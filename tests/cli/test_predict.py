"""predict, stream and world on the smallest weights: files, names, JSON, sizes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visiongen.cli.common import image_numbers, unique_stems
from visiongen.cli.main import main


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)).save(path)
    return path


def predict(*words: object, weights: str) -> int:
    return main(["predict", *map(str, words), "--weights", weights, "--long-side", "32"])


def test_three_tasks_in_one_call(
    photo: Path, tmp_path: Path, nano_weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = (
        "semantic,depth,normals",
        photo,
        "--out",
        out,
        "--json",
        "-",
        "--legend",
        "cup=#ff0000,table=#00ff00",
    )
    assert predict(*words, weights=nano_weights) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["schema"] == "visiongen.predict/1" and report["failed"] == []
    assert [row["task"] for row in report["results"]] == ["semantic", "depth", "normals"]
    assert len(report["weights"]["sha256"]) == 64
    for row in report["results"]:
        assert row["size"] == [50, 70] and row["stats"]["tokens"] == 12
        assert all(Path(name).stat().st_size for name in row["files"])
    assert report["results"][0]["legend"] == [["cup", "#ff0000"], ["table", "#00ff00"]]
    depth = np.load(out / "photo.depth.npy")
    assert depth.shape == (50, 70) and depth.dtype == np.float32
    assert np.asarray(Image.open(out / "photo.depth.labels.png")).shape == (50, 70)
    assert set(np.unique(np.load(out / "photo.semantic.npy"))) <= {0, 1}


def test_tiles(photo: Path, tmp_path: Path, nano_weights: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("depth", photo, "--tile", "--mode", "draft", "--out", tmp_path, "--json", "-")
    assert predict(*words, weights=nano_weights) == 0
    (row,) = json.loads(capsys.readouterr().out)["results"]
    assert row["size"] == [50, 70] and row["stats"]["tiles"] > 1
    assert np.load(tmp_path / "photo.depth.npy").shape == (50, 70)


def test_sharing_a_photo_changes_nothing(photo: Path, tmp_path: Path, nano_weights: str) -> None:
    assert predict("depth,normals", photo, "--out", tmp_path / "both", weights=nano_weights) == 0
    for task in ("depth", "normals"):
        assert predict(task, photo, "--out", tmp_path / "one", weights=nano_weights) == 0
        name = f"photo.{task}.npy"
        np.testing.assert_array_equal(np.load(tmp_path / "both" / name), np.load(tmp_path / "one" / name))


def test_mirror_counts_both_paintings_and_refuses_instances_before_painting(
    photo: Path, tmp_path: Path, nano_weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("depth,normals", photo, "--mirror", "--out", tmp_path / "out", "--json", "-")
    assert predict(*words, weights=nano_weights) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["sample"]["mirror"] and [row["stats"]["tokens"] for row in report["results"]] == [24, 24]
    assert predict("depth,instance", photo, "--mirror", "--out", tmp_path / "no", weights=nano_weights) == 2
    assert "mirror: instance has no mean" in capsys.readouterr().err and not (tmp_path / "no").exists()


def test_the_seed_reproduces_a_sample(photo: Path, tmp_path: Path, nano_weights: str) -> None:
    maps = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        words = ("depth", photo, "--out", tmp_path / folder, "--mode", "sample", "--seed", seed)
        assert predict(*words, weights=nano_weights) == 0
        maps.append((tmp_path / folder / "photo.depth.map.png").read_bytes())
    assert maps[0] == maps[1] != maps[2]


def test_same_stems_do_not_overwrite_each_other() -> None:
    paths = [Path("a/x.jpg"), Path("b/x.png"), Path("x-2.png"), Path("y.png")]
    stems = unique_stems(paths)
    assert len(set(stems)) == 4 and stems[0] == "x" and stems[3] == "y"
    turns = [".turn2", ".turn3"]
    paths = [Path(f"{name}.png") for name in ("a", "a.turn2", "a.turn2.turn3", "b.turn3", "b")]
    names = [stem + end for stem in unique_stems(paths, turns) for end in ("", *turns)]
    assert len(set(names)) == len(names), "what each further turn is called is taken, too"


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["000000000139.jpg", "000000000285.jpg"], [139, 285]),
        (["IMG_7.png", "b12.png", "0.png"], [7, 12, 0]),
        (["a/1.png", "b/1.png", "b/7.png"], [1, 2, 3]),
        (["photo.png", "photo9.png"], [1, 2]),
    ],
)
def test_photos_are_numbered_for_coco(names: list[str], numbers: list[int]) -> None:
    """By their digits, where these tell all photos of the batch apart; else by place."""
    assert image_numbers([Path(name) for name in names]) == numbers


def test_coco_files_of_a_batch_are_of_different_images(
    photo: Path, tmp_path: Path, nano_weights: str
) -> None:
    for number in (139, 285):
        photo.with_name(f"{number:012d}.png").write_bytes(photo.read_bytes())
    assert predict("panoptic", tmp_path / "0000*.png", "--out", tmp_path / "out", weights=nano_weights) == 0
    for number in (139, 285):
        name = f"{number:012d}"
        found = json.loads((tmp_path / "out" / f"{name}.panoptic.coco.json").read_text())
        told = [(one["id"], one["file_name"]) for one in found["images"]]
        assert told == [(number, f"{name}.png")] and found["annotations"][0]["image_id"] == number


def test_globs_and_folders_keep_their_order(photo: Path, tmp_path: Path, nano_weights: str) -> None:
    for name in ("b.png", "a.png"):
        (tmp_path / name).write_bytes(photo.read_bytes())
    report = tmp_path / "report.json"
    words = ("depth", f"{tmp_path}/*.png", "--out", tmp_path / "out", "--json", report)
    assert predict(*words, weights=nano_weights) == 0
    inputs = [Path(row["input"]).name for row in json.loads(report.read_text())["results"]]
    assert inputs == ["a.png", "b.png", "photo.png"]


def test_stream_writes_numbered_canvases(
    photo: Path, tmp_path: Path, nano_weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "canvases"
    words = ["stream", "depth", str(photo), "--out", str(out), "--weights", nano_weights, "--long-side", "32"]
    assert main(words) == 0
    index = json.loads((out / "photo.depth.stream.json").read_text())
    rows = index["canvases"]
    assert [row["index"] for row in rows] == list(range(len(rows))) and len(rows) > 1
    assert [row["final"] for row in rows] == [False] * (len(rows) - 1) + [True]
    assert rows[-1]["rows_done"] == index["size"][0] == 24
    done = [row["rows_done"] for row in rows]
    assert done == sorted(done)
    last = np.asarray(Image.open(out / rows[-1]["file"]))
    assert predict("depth", photo, "--out", tmp_path / "out", weights=nano_weights) == 0
    np.testing.assert_array_equal(last, np.asarray(Image.open(tmp_path / "out" / "photo.depth.map.png")))


def test_world_writes_exact_arrays(tmp_path: Path) -> None:
    words = ["world", "--scene", "street", "--seed", "3", "--out", str(tmp_path)]
    assert main([*words, "--height", "48", "--width", "64"]) == 0
    folder = tmp_path / "street-3"
    arrays = np.load(folder / "arrays.npz")
    assert arrays["depth"].shape == (48, 64) and arrays["normals"].shape == (48, 64, 3)
    assert (arrays["depth"] > 0).all()
    photo = np.asarray(Image.open(folder / "photo.png"))
    np.testing.assert_array_equal(photo, arrays["photo"])
    np.testing.assert_array_equal(np.load(folder / "depth.npy"), arrays["depth"])
    assert json.loads((folder / "camera.json").read_text())["intrinsics"] == arrays["intrinsics"].tolist()


@pytest.mark.parametrize(
    "words",
    [["--scene", "moon"], ["--count", "0"], ["--height", "4"], ["--width", "100000"], ["--seed", "-1"]],
)
def test_world_refuses(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["world", *words, "--out", str(tmp_path / "out")]) == 2
    shown = capsys.readouterr().err
    assert words[0] in shown and words[1] in shown and shown.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_missing_file_fails_alone(
    photo: Path, tmp_path: Path, nano_weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    none = tmp_path / "none.png"
    words = ["predict", "edges", *map(str, (none, photo)), "--weights", nano_weights, "-o", str(tmp_path)]
    assert main([*words, "--long-side", "64", "--json", str(tmp_path / "r.json")]) == 1
    report = json.loads((tmp_path / "r.json").read_text())
    assert [one["input"] for one in report["failed"]] == [str(none)] and len(report["results"]) == 1
    assert f"{none}: no such file" in capsys.readouterr().err


def test_stream_takes_examples_and_the_samplers_options_as_predict_does(
    photo: Path, tmp_path: Path, nano_weights: str
) -> None:
    flat = tmp_path / "map.png"
    halves = np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8).repeat(50, 0).repeat(35, 1)
    Image.fromarray(halves).save(flat)
    words = ["incontext", str(photo), "--example", f"{photo}={flat}", "--option", "trust=0"]
    words += ["--long-side", "32"]
    words += ["--weights", nano_weights, "--out", str(tmp_path / "out")]
    assert main(["stream", *words]) == 0 and main(["predict", *words]) == 0
    index = json.loads((tmp_path / "out" / "photo.incontext.stream.json").read_text())
    assert index["sample"]["trust"] == 0
    last = np.asarray(Image.open(tmp_path / "out" / index["canvases"][-1]["file"]))
    np.testing.assert_array_equal(last, np.asarray(Image.open(tmp_path / "out" / "photo.incontext.map.png")))


def test_a_streams_last_canvas_is_the_painted_photo_without_its_background(
    photo: Path, tmp_path: Path, nano_weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["stream", "image", str(photo), "--option", "source=depth", "--alpha", "--mode", "masked"]
    words += ["--long-side", "32", "--weights", nano_weights, "--out", str(tmp_path)]
    assert main(words) == 0
    rows = json.loads((tmp_path / "photo.image.stream.json").read_text())["canvases"]
    assert [row["index"] for row in rows] == list(range(9))  # eight passes, then alpha
    assert [row["final"] for row in rows] == [False] * 8 + [True] and rows[-1]["alpha"] is True
    cut, painted = (Image.open(tmp_path / rows[i]["file"]) for i in (-1, -2))
    assert (cut.mode, painted.mode) == ("RGBA", "RGB") and cut.size == painted.size
    solid = np.asarray(cut)[..., 3] == 255
    np.testing.assert_array_equal(np.asarray(cut)[solid][:, :3], np.asarray(painted)[solid])
    assert main(["stream", "depth", *words[2:5], "--alpha"]) == 2
    assert "--alpha: depth paints a map" in capsys.readouterr().err


def test_a_stream_leaves_no_canvas_of_a_longer_one(photo: Path, tmp_path: Path, nano_weights: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    others = ["photo.normals.0099.png", "photo.depth.0099.txt", "photo.depth.9.png", "a.photo.depth.0099.png"]
    for name in ("photo.depth.0099.png", "photo.depth.12345.png", *others):
        (out / name).touch()
    words = ["stream", "depth", str(photo), "--out", str(out), "--weights", nano_weights, "--long-side", "32"]
    assert main(words) == 0
    index = json.loads((out / "photo.depth.stream.json").read_text())
    own = [row["file"] for row in index["canvases"]] + ["photo.depth.stream.json"]
    assert sorted(path.name for path in out.iterdir()) == sorted(own + others)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--long-side", "9000"], 2, "at most 8192 are painted in one piece; use `visiongen predict --tile`"),
        (["--option", "tile=true"], 2, "--option tile: not in stream"),
        (["--option", "mirror=true"], 2, "--option mirror: not in stream"),
        (["--option", "seed=1"], 2, "use --seed"),
    ],
)
def test_stream_refuses_before_weights_are_loaded(
    words: list[str], code: int, told: str, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stream", "depth", str(photo), *words, "--weights", "nosuch"]) == code
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("words", [["depth"], ["image"], ["image", "--option", "source=depth"]])
def test_a_stream_of_what_is_not_there_exits_as_predict_does(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("predict", "stream"):
        where = [words[0], str(tmp_path / "none.jpg"), *words[1:], "--weights", "nosuch"]
        assert main([command, *where]) == 3
        assert f"{tmp_path / 'none.jpg'}: no " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["image", "--then", " "], "it is empty"),
        (["image", "--then", "at night", "--then", "in rain " * 10], "at most 96 are read; say it shorter"),
        (["image", "--option", "source=depth", "--then", "é" * 42], "at most 96 are read"),
        (["image", "--option", f"extra={'x' * 70}", "--then", "at night, rain"], "at most 96 are read"),
        (["semantic", "--then", f"also the {'x' * 97}"], "97 bytes, at most 96 are read"),
        (["semantic", "--then", "only the cars", "--then", "only the dragons"], "no entry is called"),
        (["semantic", "--then", ""], "it is empty"),
    ],
)
def test_turns_that_cannot_be_are_refused_before_weights_are_loaded(
    words: list[str], told: str, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", words[0], str(photo), *words[1:], "--weights", "nosuch"]) == 2
    assert told in capsys.readouterr().err
