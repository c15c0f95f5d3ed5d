"""Files that anybody made as answers: every way in which a picture can hold them, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_folders import BLOCKS, MASK, SEMANTIC, TASKS, H, W, folder, save
from PIL import Image
from test_datasets_folder import referring

from visiongen.benchmarks.compare import compare
from visiongen.benchmarks.datasets.folder import open_folder
from visiongen.benchmarks.predictions import _labels
from visiongen.benchmarks.runner import Options, run, score_predictions
from visiongen.errors import InputError, UsageError
from visiongen.geometry import Geometry
from visiongen.prompt import Legend
from visiongen.registry import CODECS
from visiongen.tasks import predict
from visiongen.tasks.codecs.base import write_map_png
from visiongen.tasks.semantic import Semantic

PANOPTIC = 'task = "panoptic"\nclasses = ["road", "car", "bus"]\nthings = ["car", "bus"]'


def scored(root: Path, answers: Path, out: str = "out") -> dict[str, Any]:
    return dict(score_predictions(open_folder(root), answers, root / out, Options(rows=())))


def primary(result: dict[str, Any]) -> float:
    assert result["n_failed"] == 0, result["failures"]
    return float(result["scores"][result["primary"]]["value"])


@pytest.mark.parametrize("end", [".png", ".npy"])
def test_panoptic_answers_of_sixteen_bits(end: str, tmp_path: Path) -> None:
    labels = np.array([0, 1001, 2001], np.uint16)[BLOCKS]
    root = folder(tmp_path / "data", PANOPTIC, {"a": labels})
    save(tmp_path / f"full/a{end}", labels, end[1:])
    assert primary(scored(root, tmp_path / "full", "one")) == 1
    holes = labels.copy()
    holes[:4, :4] = 65535  # void: a hole in the road, no thing of class 65
    save(tmp_path / f"holes/a{end}", holes, end[1:])
    assert 0.9 < primary(scored(root, tmp_path / "holes", "two")) < 1


def test_two_classes_in_a_picture_of_one_bit(tmp_path: Path) -> None:
    labels = (BLOCKS == 1).astype(np.uint8)
    root = folder(tmp_path / "data", 'task = "semantic"\nclasses = ["a", "b"]', {"x": labels})
    (tmp_path / "answers").mkdir()
    Image.fromarray(labels.astype(bool)).save(tmp_path / "answers" / "x.png")
    assert Image.open(tmp_path / "answers" / "x.png").mode == "1"
    assert primary(scored(root, tmp_path / "answers")) == 1


def test_unknown_pixels_beside_ignored_colours(tmp_path: Path) -> None:
    colours = np.array([[128, 64, 128], [0, 0, 142], [70, 130, 180], [0, 0, 0]], np.uint8)
    stored = BLOCKS.copy()
    stored[0] = 3
    toml = '\nformat = "rgb"\nlabel_colours = ["#804080", "#00008e", "#4682b4"]\nignore = ["#000000"]'
    root = folder(tmp_path / "data", SEMANTIC + toml, {"a": colours[stored]})
    save(tmp_path / "answers/a.png", np.where(stored == 3, 255, stored).astype(np.uint8))
    assert primary(scored(root, tmp_path / "answers")) == 1


@pytest.mark.parametrize(
    "stored, wanted",
    [
        (MASK // 255, MASK / 255**2),
        (MASK, MASK / 255),
        (MASK.astype(np.uint16) * 257, MASK / 255),
        (np.where(MASK > 0, 220, 20).astype(np.uint8), np.where(MASK > 0, 220, 20) / 255),
    ],
)
def test_a_phrases_masks_are_shares_of_the_full_range(
    stored: np.ndarray, wanted: np.ndarray, tmp_path: Path
) -> None:
    path = save(tmp_path / "m.png", stored)
    assert np.allclose(_labels(path, "referring"), wanted, atol=1e-6)
    ones = MASK // 255
    assert np.array_equal(_labels(save(tmp_path / "o.png", ones), "referring", masks=True), ones)


def phrases(root: Path) -> Path:
    """A dataset of the same box in two photos."""
    referring(root, [{"image": name, "label": f"{name}.png", "phrase": "the box"} for name in "ab"], "p.json")
    save(root / "labels/b.png", MASK)
    return root


def test_a_one_is_sure_only_where_no_picture_of_the_folder_has_more(tmp_path: Path) -> None:
    """Where little is found, a picture of shares has nothing but zeros and ones."""
    root, sure, shares = phrases(tmp_path / "data"), tmp_path / "sure", tmp_path / "shares"
    save(sure / "a-1.png", MASK // 255)
    save(sure / "b-1.png", MASK // 255)
    assert primary(scored(root, sure, "one")) == 1
    save(shares / "a-1.png", MASK)
    save(shares / "b-1.png", MASK // 255)
    assert primary(scored(root, shares, "two")) == 0.5
    Image.fromarray(MASK > 0).save(shares / "b-1.png")  # of one bit: 1 is all that it can say
    assert primary(scored(root, shares, "two")) == 1


@pytest.mark.parametrize("task", ["edges", "salient", "matting"])
def test_a_folder_of_0_and_1_is_refused_not_read_as_black(task: str, tmp_path: Path) -> None:
    root, answers = own_folder(tmp_path / "data", task), tmp_path / "answers"
    save(answers / "a.png", MASK // 255)
    save(answers / "b.png", MASK * 0)
    with pytest.raises(InputError, match=r"no picture has a level above 1.*write 0 and 255"):
        scored(root, answers)
    save(answers / "b.png", MASK)
    found = scored(root, answers)
    assert not found["n_failed"], "a faint picture beside others is an answer, next to nothing"
    save(answers / "a.png", MASK * 0)
    assert scored(root, answers)["scores"].keys() == found["scores"].keys(), "nothing found is an answer"


def test_a_hole_in_a_depth_picture_is_no_distance(tmp_path: Path) -> None:
    metres = np.full((H, W), 5000, np.uint16)
    metres[0, 0] = 0
    found = _labels(save(tmp_path / "d.png", metres), "depth")
    assert np.isnan(found[0, 0]) and found[0, 1] == 5


@pytest.mark.parametrize("kind, gray", [(np.uint8, 127), (np.uint8, 128), (np.uint16, 32767)])
def test_a_gray_normal_has_no_direction(kind: type, gray: int, tmp_path: Path) -> None:
    """It counts as towards the camera, as in the metric, not as wherever rounding has left it."""
    from visiongen.benchmarks.metrics.normals import angular_error

    found = _labels(save(tmp_path / "n.png", np.full((H, W, 3), gray, kind)), "normals")
    truth = np.zeros((H, W, 3))
    truth[..., 2] = 1
    assert angular_error(truth, found).max() < 1e-3


def test_nearness_is_no_distance(tmp_path: Path) -> None:
    metres = np.linspace(1, 8, H * W).reshape(H, W)
    root = folder(tmp_path / "data", 'task = "depth"\nscale = 1000', {"a": (metres * 1000).astype(np.uint16)})
    for number, (name, told) in enumerate((("depth/disparity@1", "relative"), ("depth/cubewalk@1", None))):
        codec = CODECS.get(name)()
        folder_of = tmp_path / f"answers{number}"
        folder_of.mkdir()
        write_map_png(folder_of / "a.map.png", codec.encode(metres.astype(np.float32)), codec)
        result = scored(root, folder_of, f"out{number}")
        if told is None:
            assert primary(result) < 0.02
        else:
            assert result["n_failed"] == 1 and told in result["failures"][0]["error"]


def test_one_file_does_not_answer_two_images(tmp_path: Path) -> None:
    labels = {"x/0": BLOCKS, "y/0": (BLOCKS + 1) % 3, "y/1": BLOCKS}
    root = folder(tmp_path / "data", SEMANTIC, labels)
    for name in ("0", "1"):
        save(tmp_path / f"answers/{name}.png", BLOCKS)
    result = scored(root, tmp_path / "answers")
    assert {one["id"] for one in result["failures"]} == {"x/0", "y/0"} and result["n_scored"] == 1


def test_runs_by_different_protocols_are_not_compared(tmp_path: Path) -> None:
    metres = np.linspace(1000, 8000, H * W).reshape(H, W).astype(np.uint16)
    runs = []
    for limit in (80, 5):
        root = folder(tmp_path / "data", f'task = "depth"\nscale = 1000\nmax_depth = {limit}', {"a": metres})
        save(tmp_path / "answers/a.png", metres)
        scored(root, tmp_path / "answers", f"out{limit}")
        runs.append(root / f"out{limit}")
    with pytest.raises(UsageError, match="max_depth"):
        compare(*runs)
    assert compare(runs[0], runs[0])["regression"] is False


def test_answers_beside_every_usual_row(tmp_path: Path) -> None:
    """Rows of painters are left out with a reason, those that ship a specialist too."""
    from visiongen.benchmarks.runner import get_benchmark

    benchmark = get_benchmark("world-depth")
    (item,) = benchmark.items(None, "test", 1)
    np.save(tmp_path / f"{item.id}.npy", item.truth())
    result = score_predictions(benchmark, tmp_path, tmp_path / "out", Options(limit=1))
    assert primary(dict(result)) == 0 and result["rows"]["blind"] is not None
    assert result["rows"]["specialist"] is None and "no painter" in result["reasons"]["specialist"]


def test_a_photo_that_cannot_be_read_costs_its_image_alone(tmp_path: Path) -> None:
    from bench_helpers import Reader

    from visiongen.benchmarks.runner import run

    root = folder(tmp_path / "data", SEMANTIC, {"a": BLOCKS, "b": BLOCKS})
    (root / "images/a.png").write_text("no picture")
    result = run(open_folder(root), Reader(), tmp_path / "out", Options(rows=()))
    assert [one["id"] for one in result["failures"]] == ["a"] and result["n_scored"] == 1


# --- the folder that predict writes ----------------------------------------------------------------

COLOURS = np.random.default_rng(1).integers(0, 256, (3, 4, 3), np.uint8)
COARSE = np.kron(COLOURS, np.ones((16, 16, 1), np.uint8))  # a photo of blocks: what is painted of it is large


def own_folder(root: Path, task: str) -> Path:
    """A dataset of two photos, painted at 96 pixels."""
    if task == "referring":
        rows = [{"image": name, "label": f"{name}.png", "phrase": "the box"} for name in "ab"]
        referring(root, rows, "p.json", "long_side = 96")
        save(root / "labels/b.png", MASK)
    else:
        toml, label, end = TASKS[task]
        folder(root, toml + "\nlong_side = 96", {"a": label, "b": np.roll(label, 16, axis=1)}, end)
    for turns, name in enumerate("ab"):
        save(root / f"images/{name}.png", np.roll(COARSE, 16 * turns, axis=0))
    return root


@pytest.mark.parametrize("task", [*TASKS, "referring"])
def test_what_predict_saved_scores_as_a_run_does(task: str, known_backbone: Any, tmp_path: Path) -> None:
    """Instances by their confidence, classes by name: all files of the folder lie beside one another."""
    root = own_folder(tmp_path / "data", task)
    backbone = known_backbone(0.6)
    backbone.name = "known"
    benchmark = open_folder(root)
    painted = run(benchmark, backbone, tmp_path / "run", Options(rows=()))
    for item in benchmark.items(None, "all"):
        asked = {"legend": benchmark.legend()} | dict(item.options)
        found = predict(task, item.photo(), backbone=backbone, long_side=96, **asked)
        found.save(tmp_path / "answers", item.id)
    given = scored(root, tmp_path / "answers")
    assert given["n_failed"] == painted["n_failed"] == 0
    for name, value in painted["scores"].items():
        told = given["scores"][name]["value"]
        assert told == pytest.approx(value["value"], abs=1e-6, nan_ok=True), name


def saved_semantic(into: Path, legend: str, labels: np.ndarray) -> Path:
    """What predict would write for ``labels``, positions in ``legend``."""
    task, size = Semantic(), (H, W)
    prompt = task.prompt(Legend.parse(legend))
    painted = task.codec(prompt.legend).encode(labels)
    task.decode(painted, Geometry(size, size), prompt).save(into, "a")
    return into


@pytest.mark.parametrize("without", [(), (".npy",), (".json", ".map.png")])
def test_classes_in_another_order_are_found_by_name(without: tuple[str, ...], tmp_path: Path) -> None:
    """The truth counts road, car, sky; asked for were sky, road, car. Bare ids are taken as they are."""
    root = folder(tmp_path / "data", SEMANTIC, {"a": BLOCKS})
    answers = saved_semantic(tmp_path / "answers", "sky=#0000ff,road=#ff0000,car=#00ff00", (BLOCKS + 1) % 3)
    for end in without:
        (answers / f"a.semantic{end}").unlink()
    assert primary(scored(root, answers)) == (0 if ".json" in without else 1)


def test_labels_of_predict_that_were_saved_anew_in_more_bits(tmp_path: Path) -> None:
    """What numpy makes of ids is int64: ids they stay, and are no classes with numbers."""
    root = folder(tmp_path / "data", SEMANTIC, {"a": BLOCKS})
    answers = saved_semantic(tmp_path / "answers", "road=#ff0000,sky=#0000ff,car=#00ff00", BLOCKS)
    wanted = np.array([0, 2, 1])[BLOCKS]
    np.save(answers / "a.semantic.npy", wanted)  # in their legend's order
    assert primary(scored(root, answers)) == 1
    np.save(answers / "a.semantic.npy", np.where(BLOCKS == 1, 255, wanted))
    result = scored(root, answers)["scores"]
    assert [result[f"IoU/{name}"]["value"] for name in ("road", "car", "sky")] == [1, 0, 1]


def test_a_class_of_predict_that_the_benchmark_lacks_is_refused(tmp_path: Path) -> None:
    root = folder(tmp_path / "data", SEMANTIC, {"a": BLOCKS})
    answers = saved_semantic(tmp_path / "answers", "road=#ff0000,bus=#00ff00,sky=#0000ff", BLOCKS)
    result = scored(root, answers)
    assert result["n_failed"] == 1 and "its legend has 'bus'" in result["failures"][0]["error"]
    (answers / "a.semantic.json").write_text("{")
    result = scored(root, answers)
    assert result["n_failed"] == 1 and "a.semantic.json: no JSON" in result["failures"][0]["error"]


def test_panoptic_classes_in_another_order_keep_their_numbers(known_backbone: Any, tmp_path: Path) -> None:
    root = own_folder(tmp_path / "data", "panoptic")
    for item in open_folder(root).items(None, "all"):
        names, things = ("bus", "road", "car"), {"things": ("car", "bus")}
        legend = Legend.of(zip(names, ((255, 0, 0), (0, 255, 0), (0, 0, 255)), strict=True))
        found = predict("panoptic", item.photo(), backbone=known_backbone(), legend=legend, **things)
        labels = item.truth()
        found.labels = np.array([1, 2, 0])[labels // 1000].astype(np.int32) * 1000 + labels % 1000
        found.save(tmp_path / "answers", item.id)
    assert primary(scored(root, tmp_path / "answers")) == 1


def test_saved_nearness_is_no_distance(known_backbone: Any, tmp_path: Path) -> None:
    root = own_folder(tmp_path / "data", "depth")
    for item in open_folder(root).items(None, "all"):
        found = predict("depth", item.photo(), backbone=known_backbone(), relative=True)
        found.save(tmp_path / "answers", item.id)
    result = scored(root, tmp_path / "answers")
    assert result["n_failed"] == 2 and "says relative, depth needs m" in result["failures"][0]["error"]


def test_a_photo_in_tiles_is_scored_as_it_was_blended(known_backbone: Any, tmp_path: Path) -> None:
    """And by its own legend's names."""
    root = own_folder(tmp_path / "data", "semantic")
    for item in open_folder(root).items(None, "all"):
        asked = {"legend": "sky=#0000ff,road=#ff0000,car=#00ff00", "long_side": 32, "tile": True}
        found = predict("semantic", item.photo(), backbone=known_backbone(), **asked)
        found.save(tmp_path / "answers", item.id)
        save(root / f"labels/{item.id}.png", np.array([2, 0, 1], np.uint8)[found.labels])
    assert primary(scored(root, tmp_path / "answers")) == 1
