"""Folders of one's own: every task and format, and the command line from end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from own_folders import BLOCKS, MASK, PHOTO, SEMANTIC, TASKS, H, W, folder, save
from PIL import Image
from scipy.io import savemat

from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.benchmarks.datasets.folder import FolderBenchmark, open_folder
from visiongen.benchmarks.rows import BlindRow, CodecRow, Direct, OracleRow
from visiongen.benchmarks.runner import Options, run
from visiongen.cli import bench_run
from visiongen.cli.main import main
from visiongen.errors import InputError

RNG = np.random.default_rng(0)


def score(benchmark: FolderBenchmark, row: Direct) -> float:
    split = benchmark.protocol["default_split"]
    items = benchmark.items(None, split)
    stats = [benchmark.scorer.stats(i.truth(), row.answer(i, i.truth())) for i in items]
    table = benchmark.scorer.table(stats)(np.ones((1, len(items))))
    return float(table[benchmark.protocol["primary"]][0])


def truth_of(root: Path, toml: str, label: np.ndarray, end: str = ".png") -> np.ndarray:
    found = open_folder(folder(root, toml, {"a": label}, end)).items(None, "all")[0].truth()
    return np.asarray(found)


# --- what is stored, task by task ---------------------------------------------------------------


def test_ids_of_any_value_become_positions_and_ignored_ones_are_not_scored(tmp_path: Path) -> None:
    stored = np.array([7, 26, 23], np.uint8)[BLOCKS]
    stored[0] = 255
    stored[1] = 0
    found = truth_of(tmp_path, SEMANTIC + "\nlabel_ids = [7, 26, 23]\nignore = [0, 255]", stored)
    assert (found[:2] == 255).all() and np.array_equal(found[2:], BLOCKS[2:]) and found.dtype == np.uint8
    palette = Image.fromarray(BLOCKS, "P")
    palette.putpalette([9, 9, 9] * 256)  # colours mean nothing
    palette.save(tmp_path / "labels/a.png")
    (tmp_path / "dataset.toml").write_text(f'name = "mine"\nversion = "1"\n{SEMANTIC}')
    assert np.array_equal(open_folder(tmp_path).items(None, "all")[0].truth(), BLOCKS)


def test_an_unknown_id_is_an_error_with_its_place(tmp_path: Path) -> None:
    bad = BLOCKS.copy()
    bad[5, 6] = 9
    with pytest.raises(
        InputError, match=r"a\.png: value 9 at row 5, column 6.* label_ids or ignore .*take 0 to 255"
    ):
        truth_of(tmp_path, SEMANTIC, bad)


def test_colours_are_matched_exactly_and_only_read(tmp_path: Path) -> None:
    """What is painted is far apart, or the ``legend``, however near the stored colours lie."""
    colours = np.array([[128, 64, 128], [0, 0, 142], [70, 130, 180], [0, 0, 0]], np.uint8)
    stored = BLOCKS.copy()
    stored[0] = 3
    toml = (
        SEMANTIC + '\nformat = "rgb"\nlabel_colours = ["#804080", "#00008e", "#4682b4"]\nignore = ["#000000"]'
    )
    benchmark = open_folder(folder(tmp_path, toml, {"a": colours[stored]}))
    found = benchmark.items(None, "all")[0].truth()
    assert (found[0] == 255).all() and np.array_equal(found[1:], BLOCKS[1:])
    plain = open_folder(folder(tmp_path / "plain", SEMANTIC, {"a": BLOCKS}))
    assert benchmark.protocol["legend"] == plain.protocol["legend"]
    chosen = toml + '\nlegend = "road=#ff0000,car=#00ff00,sky=#0000ff"'
    own = open_folder(folder(tmp_path / "own", chosen, {"a": colours[stored]}))
    assert own.protocol["legend"] == "road=#ff0000,car=#00ff00,sky=#0000ff"
    assert np.array_equal(own.items(None, "all")[0].truth(), found)
    blurred = colours[stored]
    blurred[3, 3] = (128, 64, 127)
    save(tmp_path / "labels/a.png", blurred)
    with pytest.raises(InputError, match=r"#80407f.*label_colours or ignore of dataset\.toml"):
        benchmark.items(None, "all")[0].truth()


def test_a_legend_alone_names_classes_and_colours_of_rgb_labels(tmp_path: Path) -> None:
    toml = 'task = "semantic"\nformat = "rgb"\nlegend = "a=#ff0000,b=#00ff00,c=#0000ff"'
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
    assert np.array_equal(truth_of(tmp_path, toml, colours[BLOCKS]), BLOCKS)


def test_depth_is_divided_by_the_scale_and_missing_is_zero(tmp_path: Path) -> None:
    stored = np.full((H, W), 2500, np.uint16)
    stored[0], stored[1] = 0, 65535
    toml = 'task = "depth"\nscale = 1000\nmissing = [0, 65535]\nmax_depth = 80'
    found = truth_of(tmp_path / "png", toml, stored)
    assert found.dtype == np.float32 and (found[:2] == 0).all() and (found[2:] == 2.5).all()
    metres = np.full((H, W), 2.5, np.float32)
    metres[0], metres[1], metres[2] = np.nan, np.inf, -1
    toml = 'task = "depth"\nformat = "npy"\nmissing = [-1]'
    found = truth_of(tmp_path / "npy", toml, metres, ".npy")
    assert (found[[0, 2]] == 0).all() and np.isinf(found[1]).all() and (found[3:] == 2.5).all()
    (tmp_path / "npy/dataset.toml").write_text(
        'name = "m"\nversion = "1"\ntask = "depth"\nformat = "npy"\nmissing = [0]'
    )
    with pytest.raises(InputError, match="negative"):
        open_folder(tmp_path / "npy").items(None, "all")[0].truth()


def test_eight_bits_are_no_depth(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"uint8 where 16 bits are stored; .*`format` of dataset\.toml"):
        truth_of(tmp_path, 'task = "depth"\nscale = 1000', MASK)


UP_RIGHT = np.array([0.3, 0.5, np.sqrt(1 - 0.34)])  # x right, y up, z to the viewer
STORED = {
    "opengl": UP_RIGHT, "lub": UP_RIGHT * [-1, 1, 1],
    "opencv": UP_RIGHT * [1, -1, -1], "directx-green": UP_RIGHT * [1, -1, 1],
}  # fmt: skip


@pytest.mark.parametrize("axes", STORED)
@pytest.mark.parametrize(("kind", "top"), [("png", 255), ("png16", 65535), ("npy", None)])
def test_normals_come_out_right_up_and_to_the_viewer(
    axes: str, kind: str, top: int | None, tmp_path: Path
) -> None:
    vectors = np.broadcast_to(STORED[axes], (H, W, 3)).astype(np.float32)
    if top is None:
        stored = vectors.copy()
    else:
        stored = np.rint((vectors + 1) / 2 * top).astype(np.uint8 if top == 255 else np.uint16)
    stored[:3] = 0
    toml = f'task = "normals"\naxes = "{axes}"\nformat = "{kind}"'
    found = truth_of(tmp_path, toml, stored, ".npy" if top is None else ".png")
    assert np.isnan(found[:3]).all()
    assert np.allclose(found[3:], UP_RIGHT, atol=0.01) and np.allclose(np.linalg.norm(found[3:], axis=2), 1)


def test_normals_under_wrong_axes_or_as_colours_are_refused(tmp_path: Path) -> None:
    vectors = np.broadcast_to(STORED["opencv"], (H, W, 3)).astype(np.float32)
    toml = 'task = "normals"\naxes = "opengl"\nformat = "npy"'
    with pytest.raises(InputError, match=r"100% of the normals face away.*axes = 'opengl' is wrong"):
        truth_of(tmp_path, toml, vectors, ".npy")
    with pytest.raises(InputError, match="store unit vectors"):
        truth_of(tmp_path, toml, vectors * 127.5 + 127.5, ".npy")


def test_masks_and_mattes(tmp_path: Path) -> None:
    assert np.array_equal(truth_of(tmp_path / "s", 'task = "salient"', MASK), MASK / 255)
    with pytest.raises(InputError, match="write the mask as 0 and 255"):
        truth_of(tmp_path / "s", 'task = "salient"', MASK // 255)
    alpha = cv2.GaussianBlur(MASK, (5, 5), 1)
    found = truth_of(tmp_path / "m", 'task = "matting"', alpha)
    assert found.shape == (H, W) and np.allclose(found, alpha / 255)
    near = cv2.morphologyEx(MASK, cv2.MORPH_GRADIENT, np.ones((5, 5))) > 0
    save(tmp_path / "m/trimaps/a.png", np.where(near, 128, MASK).astype(np.uint8))
    benchmark = open_folder(tmp_path / "m")
    found = benchmark.items(None, "all")[0].truth()
    assert np.allclose(found[..., 0], alpha / 255) and np.array_equal(found[..., 1] > 0, near)
    assert benchmark.protocol["trimaps"] == "trimaps" and score(benchmark, OracleRow(benchmark)) == 0


VOC = np.random.default_rng(2).integers(0, 120, (256, 3), np.uint8)  # a palette in colours, all of them dark
VOC[0] = 0


def palette(root: Path, numbers: np.ndarray, colours: np.ndarray = VOC) -> Path:
    """The label ``a`` as a palette picture."""
    picture = Image.fromarray(numbers.astype(np.uint8), "P")
    picture.putpalette(colours.ravel().tolist())
    picture.save(root / "labels/a.png")
    return root


@pytest.mark.parametrize("task", ["salient", "edges", "referring", "matting"])
def test_a_palette_of_ids_is_no_mask(task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As VOC and labelme draw them: by its brightness nothing would be there, and validate says so."""
    if task == "referring":
        root = referring(tmp_path, [{"image": "a", "label": "a.png", "phrase": "it"}], "p.json")
    else:
        root = folder(tmp_path, f'task = "{task}"', {"a": MASK})
    assert call("validate", palette(root, MASK > 0)) == 1
    assert "with the number 1; write the mask as 0 and 255" in capsys.readouterr().out
    line = np.where(MASK > 0, 255, 0)
    grays = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    for numbers, colours in ((line, VOC), (line, grays), (MASK > 0, grays * 255)):
        assert call("validate", palette(root, numbers, colours)) == 0
        truth = np.asarray(open_folder(root).items(None, "all")[0].truth())
        assert truth.any() and not truth.all()


@pytest.mark.parametrize("values", [(0, 38, 38), (0, 1, 255), (0, 128, 0), (0, 90, 180)])
def test_a_mask_of_ids_is_refused(values: tuple[int, int, int], tmp_path: Path) -> None:
    label = np.array(values, np.uint8)[BLOCKS]
    with pytest.raises(InputError, match=r"a\.png: .*value .*; write the mask as 0 and 255"):
        truth_of(tmp_path, 'task = "salient"', label)


def test_sixteen_bits_that_hold_eight_are_refused(tmp_path: Path) -> None:
    for name, task in (("s", "salient"), ("m", "matting")):
        assert truth_of(tmp_path / name, f'task = "{task}"', MASK.astype(np.uint16) * 257).max() == 1
        with pytest.raises(InputError, match="largest value is 255 of 65535"):
            truth_of(tmp_path / name, f'task = "{task}"', MASK.astype(np.uint16))


def test_soft_rims_and_jpeg_masks_are_masks(tmp_path: Path) -> None:
    soft = cv2.resize(cv2.GaussianBlur(MASK, (9, 9), 2), (W, H), interpolation=cv2.INTER_AREA)
    wanted = (soft > 128).astype(np.float32)
    assert np.array_equal(truth_of(tmp_path / "png", 'task = "salient"', soft), wanted)
    root = folder(tmp_path / "jpg", 'task = "salient"\nlabel_end = ".jpg"', {"a": MASK}, ".jpg")
    Image.fromarray(np.stack([MASK] * 3, axis=2)).save(root / "labels/a.jpg", quality=60)
    assert np.array_equal(open_folder(root).items(None, "all")[0].truth(), MASK > 0)
    faint = np.zeros((H, W), np.uint8)
    faint[20], faint[30] = 160, 255  # a line drawn in gray is a line
    assert truth_of(tmp_path / "lines", 'task = "edges"', faint)[20, 10, 0]


def test_a_cut_out_photo_is_a_matte_by_its_alpha(tmp_path: Path) -> None:
    alpha = cv2.GaussianBlur(MASK, (5, 5), 1)
    root = folder(tmp_path, 'task = "matting"', {"a": MASK})
    item = open_folder(root).items(None, "all")[0]
    Image.fromarray(np.dstack([PHOTO, alpha])).save(root / "labels/a.png")
    assert np.allclose(item.truth(), alpha / 255)
    gray = Image.fromarray(np.dstack([np.stack([alpha] * 3, axis=2), np.full((H, W), 255, np.uint8)]))
    gray.save(root / "labels/a.png")  # an alpha channel that says nothing
    assert np.allclose(item.truth(), alpha / 255)
    Image.fromarray(PHOTO).save(root / "labels/a.png")
    with pytest.raises(InputError, match=r"a\.png: its colours have no meaning here"):
        item.truth()


def test_lines_of_one_person_or_several_are_one_pixel_wide(tmp_path: Path) -> None:
    thick = np.zeros((H, W), np.uint8)
    thick[19:22] = 255
    found = truth_of(tmp_path / "one", 'task = "edges"', thick)
    assert found.dtype == bool and found.shape == (H, W, 1)
    assert (found.sum(axis=(0, 2))[2:-2] == 1).all() and found[20, W // 2, 0]
    toml = 'task = "edges"\nformat = "people"'
    root = folder(tmp_path / "two", toml, {})
    save(root / "images/x/a.png", PHOTO)
    for person, column in (("p1", 10), ("p2", 40)):
        line = np.zeros((H, W), np.uint8)
        line[:, column] = 255
        save(root / f"labels/x/a/{person}.png", line)
    (item,) = open_folder(root).items(None, "all")
    found = item.truth()
    assert item.id == "x/a" and found.shape == (H, W, 2)
    assert found[:, 10, 0].all() and found[:, 40, 1].all() and found.sum() == 2 * H
    drawn = np.repeat(found, 2, axis=2)
    toml = 'task = "edges"\nformat = "npy"'
    assert np.array_equal(truth_of(tmp_path / "npy", toml, drawn, ".npy"), drawn)
    root = folder(tmp_path / "mat", 'task = "edges"\nformat = "mat"', {"a": MASK})
    cell = np.empty((1, 1), object)
    cell[0, 0] = {"Boundaries": found[..., 0]}
    savemat(root / "labels/a.mat", {"groundTruth": cell})
    assert np.array_equal(open_folder(root).items(None, "all")[0].truth(), found[..., :1])


def test_instances_are_counted_anew_whatever_their_numbers(tmp_path: Path) -> None:
    stored = np.array([0, 900, 7], np.uint16)[BLOCKS]
    wanted = np.array([0, 2, 1])[BLOCKS]
    assert np.array_equal(truth_of(tmp_path / "a", 'task = "instance"', stored), wanted)
    colours = np.array([[0, 0, 0], [9, 0, 1], [7, 0, 0]], np.uint8)[BLOCKS]
    toml = 'task = "instance"\nformat = "rgb"'
    assert np.array_equal(truth_of(tmp_path / "b", toml, colours), wanted)
    with pytest.raises(InputError, match="float64 are no whole numbers"):
        truth_of(tmp_path / "c", 'task = "instance"\nformat = "npy"', MASK / 255.0, ".npy")


PANOPTIC = 'task = "panoptic"\nclasses = ["road", "car"]\nthings = ["car"]\nlabel_ids = [7, 26]'


def test_panoptic_numbers_are_class_times_thousand(tmp_path: Path) -> None:
    stored = np.array([7000, 26001, 26002], np.uint16)[BLOCKS]
    stored[0] = 65535
    found = truth_of(tmp_path, PANOPTIC, stored)
    assert (found[0] == -1).all() and np.array_equal(found[1:], np.array([0, 1001, 1002])[BLOCKS[1:]])
    rgb = np.stack([stored % 256, stored // 256, stored * 0], axis=2).astype(np.uint8)
    assert np.array_equal(truth_of(tmp_path / "rgb", PANOPTIC + '\nformat = "rgb"', rgb), found)
    for value, told in ((26000, "things count from 1"), (7001, "stuff has number 0"), (8000, "class 8")):
        with pytest.raises(InputError, match=told):
            truth_of(tmp_path, PANOPTIC, np.full((H, W), value, np.uint16))


def referring(root: Path, rows: Any, name: str = "phrases.csv", more: str = "") -> Path:
    toml = f'task = "referring"\nphrases = "{name}"\n{more}'
    folder(root, toml, {"a": MASK, "b": BLOCKS})
    (root / name).write_text(rows if isinstance(rows, str) else json.dumps(rows))
    return root


def test_phrases_ask_for_masks_or_for_one_number_of_a_label_picture(tmp_path: Path) -> None:
    text = 'image,label,phrase,value\nb.png,b.png,the car,1\na,a.png,"the box, left",\na,a.png,it,\n'
    items = open_folder(referring(tmp_path / "csv", text)).items(None, "all")
    assert [i.id for i in items] == ["b-1", "a-1", "a-2"] and items[1].options["phrase"] == "the box, left"
    assert np.array_equal(items[0].truth(), BLOCKS == 1) and np.array_equal(items[1].truth(), MASK > 0)
    assert items[1].cluster == items[2].cluster == "a" and items[1].digest != items[0].digest
    rows = [{"image": "a", "label": "a.png", "phrase": "it"}]
    assert len(open_folder(referring(tmp_path / "j", rows, "p.json")).items(None, "all")) == 1


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"image": "a", "label": "a.png"}], "row 1: phrase is missing"),
        ([{"image": "c", "label": "a.png", "phrase": "it"}], "row 1: no image 'c'"),
        ([{"image": "a", "label": "a.png", "phrase": "x" * 61}], "row 1: phrase: .* over 60 bytes"),
        ([{"image": "a", "label": "a.png", "phrase": "it", "value": "one"}], "'one' is no whole number"),
        ({"a": 1}, "no list of rows"),
        ("not json", "not readable"),
    ],
)
def test_bad_phrases(rows: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        open_folder(referring(tmp_path, rows, "p.json"))


# --- rows of every task -------------------------------------------------------------------------


@pytest.mark.parametrize("task", TASKS)
def test_codec_oracle_and_blind_rows_of_every_task(task: str, tmp_path: Path) -> None:
    toml, label, end = TASKS[task]
    benchmark = open_folder(
        folder(tmp_path, toml + "\nlong_side = 64", {"a": label, "b": np.roll(label, 16, axis=1)}, end)
    )
    oracle, codec, blind = (
        score(benchmark, row)
        for row in (OracleRow(benchmark), CodecRow(benchmark, benchmark.legend()), BlindRow(benchmark, None))
    )
    sign = 1 if benchmark.scorer.higher_is_better(benchmark.protocol["primary"]) else -1
    assert oracle == pytest.approx(1 if sign > 0 else 0, abs=0.03)
    assert sign * codec > sign * blind and abs(codec - oracle) < 0.5 * abs(blind - oracle)
    assert json.loads(json.dumps(benchmark.protocol, allow_nan=False)) == benchmark.protocol
    wanted = ("averaging", "resolution", "failed", "blind", "data", "long_side", "primary")
    assert all(benchmark.protocol[key] for key in wanted)


# --- the command line ---------------------------------------------------------------------------


def call(*arguments: object) -> int:
    return main(["bench", *map(str, arguments)])


def test_run_validate_infer_and_score_by_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the smallest untrained generator; no --data, and from another working folder."""
    from visiongen.backbones.embedded import EmbeddedBackbone

    backbone = EmbeddedBackbone.random("nano")
    monkeypatch.setattr(bench_run, "load_backbone", lambda name: backbone)
    monkeypatch.delenv("VISIONGEN_DATA", raising=False)
    toml = SEMANTIC + '\nlong_side = 64\nsplits = ["train", "val"]'
    names = ("train/1", "val/1", "val/2")
    root = folder(tmp_path / "set", toml, {n: np.roll(BLOCKS, i, 0) for i, n in enumerate(names)})
    monkeypatch.chdir(tmp_path)
    assert call("validate", "set") == 0
    assert "2 of 2 listed, 2 read without a problem" in capsys.readouterr().out
    common = ("--mode", "draft", "--out", "run")
    assert call("run", "set/dataset.toml", *common, "--json", "-") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["benchmark"] == "mine" and result["n_scored"] == 2 and not result["partial"]
    assert result["rows"]["codec"]["mIoU"]["value"] == 1 and result["reasons"].keys() == {"specialist"}
    monkeypatch.chdir("/")
    assert call("score", tmp_path / "run", "--json", "-") == 0
    again = json.loads(capsys.readouterr().out)
    assert again["scores"] == result["scores"]
    assert call("infer", root, "--mode", "draft", "--out", tmp_path / "two") == 0
    assert "2 maps painted" not in capsys.readouterr().err
    assert call("score", tmp_path / "two", "--json", "-") == 0
    assert json.loads(capsys.readouterr().out)["scores"] == result["scores"]
    guesses = tmp_path / "guesses"
    for item in open_folder(root).items(None, "val"):
        save(guesses / f"{item.id}.png", item.truth())
    arguments = ("--predictions", guesses, "--out", tmp_path / "p", "--json", "-")
    assert call("score", root, *arguments) == 0
    assert json.loads(capsys.readouterr().out)["scores"]["mIoU"]["value"] == 1


def test_what_paints_the_truth_paints_it_anew_when_the_file_reads_it_otherwise(tmp_path: Path) -> None:
    """The label's bytes are the same; a corrected scale makes another ceiling of them, and the same model."""
    nano, rows = EmbeddedBackbone.random("nano"), Options(rows=("ceiling", "prefix"), mode="draft")
    toml, label, end = TASKS["depth"]
    own = folder(tmp_path / "own", toml.replace("100", "10"), {"a": label}, end)
    run(str(own), nano, tmp_path / "out", rows)
    folder(own, toml, {"a": label}, end)
    corrected, fresh = (run(str(own), nano, tmp_path / name, rows) for name in ("out", "fresh"))
    assert corrected["rows"] == fresh["rows"] and corrected["scores"] == fresh["scores"]
    painted = [json.loads(line)["row"] for line in (tmp_path / "out/painted.jsonl").read_text().splitlines()]
    assert sorted(painted) == ["ceiling", "ceiling", "model", "prefix", "prefix"]


def test_validate_lists_what_is_wrong_and_exits_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder(tmp_path, SEMANTIC, {"a": BLOCKS, "b": BLOCKS, "c": BLOCKS})
    save(root / "labels/a.png", BLOCKS + 1)
    (root / "labels/c.png").unlink()
    assert call("validate", root) == 1
    told = capsys.readouterr().out
    assert "truth a: " in told and "value 3" in told and "file c: " in told and "2 problems" in told


def test_rows_of_phrases(tmp_path: Path) -> None:
    rows = [
        {"image": "a", "label": "a.png", "phrase": "the box"},
        {"image": "b", "label": "b.png", "phrase": "the car", "value": 1},
    ]
    benchmark = open_folder(referring(tmp_path, rows, "p.json", "long_side = 64"))
    codec = score(benchmark, CodecRow(benchmark, None))
    assert score(benchmark, OracleRow(benchmark)) == 1 and codec > 0.95
    assert score(benchmark, BlindRow(benchmark, None)) < codec
