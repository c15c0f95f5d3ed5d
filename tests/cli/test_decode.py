"""visiongen prompt and decode: the round trip through somebody else's image model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visiongen.cli.main import main
from visiongen.errors import InputError
from visiongen.prompt import Legend
from visiongen.tasks.codecs import read_map_png, write_map_png
from visiongen.tasks.codecs.base import Codec
from visiongen.tasks.codecs.depth import CubeWalk, GrayDisparity, GrayLog
from visiongen.tasks.codecs.importers.depth import MarigoldDepth
from visiongen.tasks.codecs.importers.material import MarigoldMaterial
from visiongen.tasks.codecs.importers.normals import DSINENormals
from visiongen.tasks.codecs.legend import LegendNearest
from visiongen.tasks.returned import codec_named, decode_returned, lay

DEPTH = np.tile(np.linspace(30, 1, 48, dtype=np.float32)[:, None], (1, 64))
LEGEND = "sky=#102030,floor=#e0c0a0"


def decode(*words: object) -> int:
    return main(["decode", *map(str, words)])


def save(path: Path, painted: np.ndarray) -> Path:
    Image.fromarray(painted).save(path)
    return path


def test_prompt_says_all_that_a_painter_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prompt", "semantic", "--legend", LEGEND]) == 0
    text = capsys.readouterr().out
    for part in ("- sky: #102030", "- floor: #e0c0a0", "Same framing", "no text", "No shading"):
        assert part in text
    assert main(["prompt", "depth"]) == 0
    text = capsys.readouterr().out
    colour = "#{:02x}{:02x}{:02x}".format(*CubeWalk().encode(np.full((1, 1), 5, np.float32))[0, 0])
    assert f"- 5 m: {colour}" in text and "- 0 m: #000000" in text and "infinitely far: #ffffff" in text
    assert main(["prompt", "depth", "--relative"]) == 0
    assert "white (#ffffff) is the nearest" in capsys.readouterr().out
    assert main(["prompt", "normals"]) == 0
    text = capsys.readouterr().out
    assert "- up (floors): #80ff80" in text and "- the camera: #8080ff" in text


def test_prompt_names_the_photos_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = save(tmp_path / "p.png", np.zeros((30, 50, 3), np.uint8))
    assert main(["prompt", "normals", "--photo", str(photo)]) == 0
    assert "50 x 30 pixels" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["depth", "--legend", LEGEND], 2),
        (["normals", "--relative"], 2),
        (["norms"], 2),
        (["depth", "--photo", "nosuch.png"], 3),
        (["depth", "--option", "relative=no"], 2),
        (["depth", "--option", "colour=1"], 2),
        (["panoptic", "--option", "min_area=0"], 2),
    ],
)
def test_prompt_refuses(words: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prompt", *words]) == code
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1


def test_an_order_in_words_points_to_no_flag_that_it_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prompt", "depth", "--option", "long-side=320"]) == 2
    told = capsys.readouterr().err
    assert "leave it out" in told and "--long-side" not in told


def test_a_stripped_map_is_read_by_the_codecs_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(tmp_path / "m.png", CubeWalk().encode(DEPTH))
    assert decode("depth/cubewalk@1", path, "--out", tmp_path / "out", "--json", "-") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["schema"] == "visiongen.decode/1" and report["failed"] == []
    row = report["results"][0]
    assert row["task"] == "depth" and row["unit"] == "m" and row["size"] == [48, 64]
    assert [check["reading"] for check in row["stats"]["checks"]] == ["as given"]
    labels = np.load(tmp_path / "out" / "m.depth.npy")
    assert np.allclose(labels, DEPTH, rtol=0.005)
    # What is saved holds its codec again.
    assert read_map_png(tmp_path / "out" / "m.depth.map.png")[1] == CubeWalk()


def test_auto_reads_the_codec_in_the_map(tmp_path: Path) -> None:
    codec = LegendNearest(Legend.parse(LEGEND))
    ids = np.indices((20, 30)).sum(0) // 25 % 2
    path = write_map_png(tmp_path / "m.png", codec.encode(ids), codec)
    assert decode("auto", path, "--out", tmp_path / "out") == 0
    assert np.array_equal(np.load(tmp_path / "out" / "m.semantic.npy"), ids)
    assert decode("legend/nearest@1", path, "--legend", LEGEND, "--out", tmp_path / "out") == 0


@pytest.mark.parametrize("codec", [CubeWalk(), GrayDisparity(), GrayLog(), MarigoldDepth()])
def test_what_a_map_does_not_show_is_no_depth(codec: Codec) -> None:
    """0 is a depth in every unit: the nearest, or the farthest."""

    class Half:
        def sample(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return array.copy(), np.arange(64)[None] >= np.full((48, 1), 20)

    result = decode_returned(codec.encode(DEPTH), codec)
    result.labels, result.confidence = lay(Half(), result.labels, result.confidence, codec)  # type: ignore
    assert np.isnan(result.labels[:, :20]).all() and not result.confidence[:, :20].any()
    image, reading = result.label_image()
    assert (image[:, :20] == 0).all() and (image[:, 20:] > 0).all() and "invalid" in reading["0"]
    assert (result.picture()[:, :20] == 128).all()


def test_relative_depth_is_called_what_its_codec_measures() -> None:
    told = {}
    for codec in (GrayDisparity(), GrayLog(), MarigoldDepth()):
        result = decode_returned(codec.encode(DEPTH), codec)
        told[codec.name] = result.label_image()[1]["value"]
        if codec.name != "depth/disparity@1":
            with pytest.raises(InputError, match="has no inverse"):
                result.relative()  # type: ignore[attr-defined]
    assert told == {
        "depth/disparity@1": "relative inverse depth",
        "depth/graylog@1": "relative log depth, near = 1",
        "depth/marigold@1": "relative depth",
    }


def test_every_kind_of_label_is_saved(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    normals = np.tile(np.array([0.6, 0, 0.8], np.float32), (16, 24, 1))
    values = rng.random((16, 24, 3), np.float32)
    maps = {
        "depth/marigold@1": (MarigoldDepth().encode(DEPTH), "depth"),
        "normals/dsine@1": (DSINENormals().encode(normals), "normals"),
        "material/marigold-iid@1": (MarigoldMaterial().encode(values), "material"),
        "legend/painter@1": (np.full((16, 24, 3), 255, np.uint8), "semantic"),
    }
    for name, (painted, task) in maps.items():
        path = save(tmp_path / f"{task}.png", painted)
        assert decode(name, path, "--out", tmp_path / "out") == 0
        report = json.loads((tmp_path / "out" / f"{task}.{task}.json").read_text())
        assert report["codec"]["name"] == name and len(report["files"]) == 5
    assert np.allclose(np.load(tmp_path / "out" / "normals.normals.npy"), normals, atol=0.01)
    picture = np.asarray(Image.open(tmp_path / "out" / "normals.normals.png"))
    assert (picture[0, 0] == (204, 128, 230)).all()  # ours, not DSINE's
    rough = np.load(tmp_path / "out" / "material.material.npy")[..., 1]
    assert abs(rough - values[..., 1]).max() < 0.002
    far = np.load(tmp_path / "out" / "depth.depth.npy")
    assert far[0, 0] == 1 and far[-1, 0] == 0


def test_inverted_depth_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save(tmp_path / "m.png", 255 - MarigoldDepth().encode(DEPTH))
    assert decode("depth/marigold@1", path, "--out", tmp_path / "out") == 0
    assert "depth order looks wrong: inverted" in capsys.readouterr().out


def test_the_photo_gives_the_size_and_the_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from skimage import data

    photo = data.coffee()[:320, :480]
    codec = LegendNearest(Legend.parse("dark=#ff0000,bright=#00ff00"))
    ids = (photo.mean(axis=2) > 90).astype(int)
    moved = np.roll(ids, (4, -3), axis=(0, 1))
    (tmp_path / "photos").mkdir()
    save(tmp_path / "photos" / "cup.png", photo)
    path = save(tmp_path / "cup.map.png", codec.encode(moved))
    words = ("legend/nearest@1", path, "--legend", "dark=#ff0000,bright=#00ff00", "--json", "-")
    assert decode(*words, "--photo", tmp_path / "photos", "--out", tmp_path / "out") == 0
    row = json.loads(capsys.readouterr().out)["results"][0]
    assert row["photo"] == "cup.png" and row["size"] == [320, 480]
    shift = np.array(row["stats"]["registration"]["affine"])
    assert np.allclose(shift[:, :2], np.eye(2), atol=0.02)
    assert row["stats"]["registration"]["sure"] != "no"
    got = np.load(tmp_path / "out" / "cup.map.semantic.npy")
    assert got.shape == (320, 480) and (got == ids)[10:-10, 10:-10].mean() > 0.95


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["depth/cubewalk"], 2, "did you mean"),
        (["legend/nearest@1"], 2, "--legend"),
        (["depth/cubewalk@1", "--legend", LEGEND], 2, "takes none"),
        (["auto"], 1, "name the codec"),
        (["auto", "--legend", LEGEND], 2, "auto reads it"),
        (["depth/cubewalk@1", "--photo", "nosuch.jpg"], 3, "--photo nosuch.jpg: no such file"),
    ],
)
def test_decode_refuses(
    words: list[str], code: int, part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(tmp_path / "m.png", CubeWalk().encode(DEPTH))
    assert decode(words[0], path, *words[1:], "--out", tmp_path / "out") == code
    assert part in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_another_codecs_map_is_refused_and_the_others_are_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_map_png(tmp_path / "a.png", MarigoldDepth().encode(DEPTH), MarigoldDepth())
    write_map_png(tmp_path / "b.png", CubeWalk().encode(DEPTH), CubeWalk())
    (tmp_path / "c.png").write_bytes(b"broken")
    out = tmp_path / "out"
    words = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    assert decode("depth/cubewalk@1", *words, "--out", out, "--json", out / "r.json") == 1
    report = json.loads((out / "r.json").read_text())
    assert [Path(row["input"]).name for row in report["failed"]] == ["a.png", "c.png"]
    assert (out / "b.depth.npy").exists() and "2 of 3 inputs failed" in capsys.readouterr().err


def test_a_map_without_its_photo_fails_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save(tmp_path / "m.png", CubeWalk().encode(DEPTH))
    (tmp_path / "photos").mkdir()
    save(tmp_path / "photos" / "other.png", np.zeros((20, 20, 3), np.uint8))
    assert decode("depth/cubewalk@1", path, "--photo", tmp_path / "photos", "--out", tmp_path / "out") == 1
    assert f"{path}: its name begins with that of no photo" in capsys.readouterr().err
    save(tmp_path / "other.map.png", CubeWalk().encode(DEPTH))
    maps = (path, tmp_path / "other.map.png")
    assert decode("depth/cubewalk@1", *maps, "--photo", tmp_path / "photos", "--out", tmp_path / "out") == 1
    assert list((tmp_path / "out").glob("other*"))


def test_another_legend_than_the_maps_is_refused_and_a_cut_map_is_damaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codec = LegendNearest(Legend.parse("road=#804080,sky=#30d0f0"))
    write_map_png(tmp_path / "a.png", codec.encode(np.zeros((16, 24), np.uint8)), codec)
    own, other = "road=#804080,sky=#30d0f0", "road=#804080,car=#30d0f0"
    words = ("legend/nearest@1", tmp_path / "a.png", "--out", tmp_path / "out", "--legend")
    assert decode(*words, own) == 0
    assert decode(*words, other) == 1
    assert "a.png: painted with the legend road=#804080,sky=#30d0f0, not" in capsys.readouterr().err
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    assert decode("auto", tmp_path / "b.png", "--out", tmp_path / "out") == 1
    assert "name the codec" not in capsys.readouterr().err


def test_a_map_finds_its_photo_among_names_with_dots(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name, shade in (("frame.0001", 40), ("frame.0002", 200), ("frame", 90)):
        save(photos / f"{name}.png", np.full((48, 64 + shade, 3), shade, np.uint8))
    path = save(tmp_path / "frame.0002.depth.map.png", CubeWalk().encode(DEPTH))
    assert decode("depth/cubewalk@1", path, "--photo", photos, "--out", tmp_path / "out") == 0
    assert np.load(next((tmp_path / "out").glob("*.npy"))).shape == (48, 264)


def test_a_map_has_the_number_of_its_photo_among_names_with_dots(tmp_path: Path) -> None:
    things = np.zeros((48, 64, 3), np.uint8)
    things[8:40, 8:40] = (255, 0, 0)
    (tmp_path / "maps").mkdir()
    for name in ("frame.0007.instance.map.png", "12.returned.png"):
        save(tmp_path / "maps" / name, things)
    assert decode("instance/distinct@1", tmp_path / "maps", "--out", tmp_path / "out") == 0
    found = [json.loads(path.read_text()) for path in sorted((tmp_path / "out").glob("*.coco.json"))]
    assert [rows[0]["image_id"] for rows in found] == [12, 7]


@pytest.mark.parametrize(("name", "nothing"), [("instance/distinct@1", 0), ("panoptic/border@1", -1)])
def test_what_a_map_does_not_show_is_no_thing(name: str, nothing: int) -> None:
    """A square returned for a long photo: its sides are nothing, not a thing with the number 255."""
    legend = Legend.parse("sky=#102030,cup=#e0c0a0,border=#ffffff")
    codec = codec_named(name, **({"legend": legend, "things": ("cup",)} if nothing else {}))
    labels = np.zeros((100, 100), np.int32)
    labels[30:70, 30:70] = 1001 if nothing else 1
    photo = np.full((100, 150, 3), 30, np.uint8)
    photo[30:70, 55:95] = 220
    found = decode_returned(codec.encode(labels), codec, photo)
    assert found.stats["registration"]["framing"] != "whole"
    outside = found.confidence == 0
    assert outside.mean() > 0.2 and (found.labels[outside] == nothing).all()


@pytest.mark.parametrize("name", ["depth/disparity@1", "alpha/gray@1", "instance/distinct@1"])
def test_what_is_transparent_shows_nothing(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On white it would be the nearest surface, the foreground, an object."""
    picture = np.zeros((40, 60, 4), np.uint8)
    picture[10:30, 20:50] = (120, 120, 120, 255)
    picture[10:30, 20] = (120, 120, 120, 200)  # soft sides keep their colour
    path = save(tmp_path / "m.png", picture)
    assert decode(name, path, "--out", tmp_path / "out") == 0
    assert "75.0% of it is transparent" in capsys.readouterr().out
    labels = np.load(next((tmp_path / "out").glob("*.npy")))
    sure = np.asarray(Image.open(next((tmp_path / "out").glob("*.confidence.png"))))
    hidden = picture[..., 3] == 0
    assert not sure[hidden].any() and (sure[~hidden] == 255).all()
    assert np.isnan(labels[hidden]).all() if name.startswith("depth") else not labels[hidden].any()
    wanted = 1 if name.startswith("instance") else 120 / 255
    assert np.allclose(labels[~hidden], wanted, atol=0.005)


def test_bars_around_a_map_do_not_make_it_look_turned() -> None:
    rows, columns = np.mgrid[0:96, 0:128].astype(np.float32)
    depth = np.where(rows > 40, 40 / np.maximum(rows - 40, 0.4), 100).astype(np.float32)
    depth[30:70, 20:50] = 3
    codec, photo = CubeWalk(), np.zeros((96, 128, 3), np.uint8)
    photo[:] = (np.log(depth) * 40)[..., None]
    boxed = np.pad(codec.encode(depth), ((36, 36), (0, 0), (0, 0)), constant_values=255)
    found = decode_returned(boxed, codec, photo)
    assert found.stats["registration"]["framing"] == "padded"
    (check,) = found.stats["checks"]
    assert check["reading"] == "as given" and check["as_given"] > 0.9
    assert decode_returned(boxed, codec).stats["checks"][0]["as_given"] < check["as_given"] - 0.2


def test_the_panoptic_order_is_read_by_its_own_legend(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    legend = "road=#804080,car=#0000ff"
    assert main(["prompt", "panoptic", "--legend", legend]) == 0
    (border,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("- border")]
    painted = np.full((48, 64, 3), (128, 64, 128), np.uint8)
    painted[10:30, 10:40] = (0, 0, 255)
    painted[10:30, 23:27] = [int(border[-6:][i : i + 2], 16) for i in (0, 2, 4)]
    path = save(tmp_path / "p.png", painted)
    words = ("panoptic/border@1", path, "--legend", legend, "--out", tmp_path / "out")
    assert decode(*words) == 0
    assert np.unique(np.load(tmp_path / "out" / "p.panoptic.npy")).tolist() == [0, 1001, 1002]
    assert decode(*words, "--option", "things=road") == 0
    assert 1 in np.unique(np.load(tmp_path / "out" / "p.panoptic.npy") // 1000)
    assert np.load(tmp_path / "out" / "p.panoptic.npy")[0, 0] == 1
    # Its own map says how it was read; another reading is refused.
    own = tmp_path / "out" / "p.panoptic.map.png"
    again = ("panoptic/border@1", own, "--legend", legend, "--out", tmp_path / "again")
    assert decode(*again, "--option", "things=road") == 0
    assert decode(*again, "--option", "things=car") == 1
    assert "painted with the things ('road',), not ('car',)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["depth/painter@1", "--option", "far=0"], "far=0 must be"),
        (["depth/painter@1", "--option", "lam=2"], "--option lam: codec depth/painter@1 takes none"),
        (["depth/painter@1", "--option", "photo=a.png"], "use --photo"),
        (["auto", "--option", "far=2"], "--option far: auto reads it"),
    ],
)
def test_parameters_that_a_codec_cannot_have(
    words: list[str], part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(tmp_path / "m.png", CubeWalk().encode(DEPTH))
    assert decode(words[0], path, *words[1:], "--out", tmp_path / "out") == 2
    assert part in capsys.readouterr().err


def test_a_parameter_of_the_codec_is_heard(tmp_path: Path) -> None:
    path = save(tmp_path / "m.png", np.full((16, 24, 3), 255, np.uint8))
    assert decode("depth/painter@1", path, "--option", "far=100", "--out", tmp_path / "out") == 0
    assert (np.load(tmp_path / "out" / "m.depth.npy") == 100).all()


def test_a_maps_number_is_its_photos(tmp_path: Path) -> None:
    things = np.zeros((48, 64, 3), np.uint8)
    things[8:40, 8:40] = (255, 0, 0)
    for folder in ("photos", "maps"):
        (tmp_path / folder).mkdir()
    for name in ("frame.0007", "frame.0042"):
        save(tmp_path / "photos" / f"{name}.png", things)
        save(tmp_path / "maps" / f"{name}.returned.png", things)
    save(tmp_path / "maps" / "frame.0042.second.png", things)  # of one photo twice
    words = ("instance/distinct@1", tmp_path / "maps", "--photo", tmp_path / "photos")
    assert decode(*words, "--out", tmp_path / "out") == 0
    found = [json.loads(path.read_text()) for path in sorted((tmp_path / "out").glob("*.coco.json"))]
    assert [rows[0]["image_id"] for rows in found] == [7, 42, 42]


@pytest.mark.parametrize("name", ["depth/cubewalk@1", "depth/disparity@1", "legend/nearest@1"])
def test_a_map_in_foreign_colours_is_told_of(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model may answer with the photo, or in colours of its own."""
    from skimage import data

    legend = {"legend": Legend.parse(LEGEND)} if name.startswith("legend") else {}
    codec = codec_named(name, **legend)
    words = ("--legend", LEGEND) if legend else ()
    right = codec.encode(np.zeros((48, 64), np.uint8) if legend else DEPTH)
    noisy = np.clip(right + np.random.default_rng(0).normal(0, 12, right.shape), 0, 255).astype(np.uint8)
    assert decode(name, save(tmp_path / "right.png", noisy), *words, "--out", tmp_path / "out") == 0
    assert "in colours that" not in capsys.readouterr().out
    path = save(tmp_path / "photo.png", data.coffee()[::4, ::4])
    assert decode(name, path, *words, "--out", tmp_path / "out") == 0
    assert "in colours that its codec does not paint" in capsys.readouterr().out
