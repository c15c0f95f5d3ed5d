"""Names that the weights were not trained on are told of, wherever a legend is painted by."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.cli.main import main
from visiongen.prompt import Example, Legend, Prompt
from visiongen.registry import TASKS
from visiongen.tasks import ask, predict, predict_many
from visiongen.tasks.image import Image as Image_
from visiongen.tasks.vocabulary import unmet, warning

WORDS = ("bush", "car", "road", "traffic light")
PHOTO = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)


def nano(words: tuple[str, ...] = WORDS) -> EmbeddedBackbone:
    backbone = EmbeddedBackbone.random("nano", 1)
    backbone.painter.config = dataclasses.replace(backbone.painter.config, words=words)
    return backbone


def prompt(names: str, examples: tuple[Example, ...] = ()) -> Prompt:
    pairs = [(name, (9 * k, 200 - 9 * k, 17)) for k, name in enumerate(names.split(","))]
    return Prompt("semantic", "segment", Legend.of(pairs), examples)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("road,car", []),
        ("Roads,CAR,bushes,Traffic  Lights,other,border", []),
        ("road,zebra,lorry", ["zebra", "lorry"]),
        ("?1,?2,zebra", ["zebra"]),
        ("background", ["background"]),
    ],
)
def test_which_names_are_new(names: str, told: list[str]) -> None:
    assert unmet(prompt(names), WORDS) == told
    assert unmet(prompt(names), ()) == []  # nothing is known of them


def test_examples_say_what_a_name_means() -> None:
    shown = Example(PHOTO, PHOTO)
    assert (
        unmet(prompt("zebra", (shown,)), WORDS) == [] and warning(prompt("zebra", (shown,)), nano()) is None
    )
    assert unmet(Prompt("depth", "depth"), WORDS) == []


@pytest.mark.parametrize("task", sorted(TASKS))
def test_a_tasks_own_names_are_no_classes(task: str) -> None:
    """Edge, object and foreground are none, nor is a phrase."""
    kind = TASKS.get(task)
    if task == "incontext":
        return
    asked = kind(source="edges") if task == "image" else kind()
    found = warning(asked.prompt(), nano())
    assert (found is not None) == kind.uses_legend, "a default legend has classes of its own"


def test_a_photo_of_a_map_with_a_new_class() -> None:
    legend = Legend.of([("road", (200, 0, 0)), ("zebra", (0, 200, 0))])
    assert "'zebra'" in (warning(Image_("semantic", legend).prompt(), nano()) or "")


def test_a_near_word_is_named() -> None:
    assert "'trafic light' (is it 'traffic light'?)" in (warning(prompt("trafic light"), nano()) or "")
    assert "'zebra': what they paint" in (warning(prompt("zebra"), nano()) or "")


def test_predictions_carry_the_note() -> None:
    backbone, legend = nano(), "road=#ff0000,zebra=#00ff00"
    both = predict_many(["semantic", "depth"], PHOTO, legend=legend, backbone=backbone, long_side=48)
    assert "'zebra'" in both[0].stats["note"] and "note" not in both[1].stats
    known = predict("semantic", PHOTO, legend="road=#ff0000,car=#00ff00", backbone=backbone, long_side=48)
    assert "note" not in known.stats
    assert "'zebra'" in ask(known, "also the zebras", backbone=backbone).stats["note"]
    assert "note" not in ask(both[0], "without the zebra", backbone=backbone).stats
    assert "note" not in predict("semantic", PHOTO, legend=legend, backbone=nano(()), long_side=48).stats


def test_the_command_tells_it_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nano().save(tmp_path / "nano.safetensors")
    for name in "ab":
        Image.fromarray(PHOTO).save(tmp_path / f"{name}.png")
    photos = [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    rest = ["--weights", str(tmp_path / "nano.safetensors"), "--out", str(tmp_path / "out")]
    asked = ["--legend", "road=#ff0000,zebra=#00ff00", "--long-side", "48", *rest]
    assert main(["predict", "semantic", *photos, *asked, "--json", "-"]) == 0
    said = capsys.readouterr()
    assert said.err.count("note: ") == 1 and "'zebra'" in said.err
    rows = json.loads(said.out)["results"]
    assert all("'zebra'" in row["stats"]["note"] for row in rows) and len(rows) == 2
    assert main(["stream", "semantic", photos[0], *asked]) == 0
    assert capsys.readouterr().err.count("'zebra'") == 1
    asked[1] = "road=#ff0000"
    assert main(["predict", "semantic", *photos, *asked]) == 0 and "note" not in capsys.readouterr().err
    assert main(["weights", "words", rest[1]]) == 0
    assert capsys.readouterr().out.split("\n")[:-1] == list(WORDS)
    nano(()).save(tmp_path / "silent.safetensors")
    assert main(["weights", "words", str(tmp_path / "silent.safetensors"), "--json", "-"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["words"] == [] and "do not say" in said.err
