"""``--weights MODULE:NAME``: the commands with a backbone that somebody wrote beside their photos."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visiongen.cli.main import main

OWN = """
import numpy as np
from visiongen.backbones.base import Backbone, Canvas, Capabilities, DecodeStats, Scene, canvas_size


class Flat(Scene):
    def __init__(self, size):
        self.size = size

    def paint(self, prompts, sampler=None):
        return [next(self.stream(prompt, sampler)) for prompt in prompts]

    def stream(self, prompt, sampler=None):
        image = np.full((*self.size, 3), (128, 128, 255), np.uint8)
        yield Canvas(image, None, True, 0, self.size[0], None, DecodeStats("", 1, 1, 1, 0.0))


class Own(Backbone):
    name = "own:flat"
    capabilities = Capabilities(streaming=True)

    def scene(self, photo=None, size=None):
        return Flat(canvas_size(photo, size))


made = Own()
number = 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a backbone and a photo, as the current one."""
    (tmp_path / "flat_backbone.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.full((40, 48, 3), 90, np.uint8)).save(tmp_path / "photo.png")
    yield tmp_path
    sys.modules.pop("flat_backbone", None)  # it goes with its folder


@pytest.mark.parametrize("name", ["Own", "made"])
def test_a_class_or_what_it_made_paints(folder: Path, name: str) -> None:
    before = list(sys.path)
    words = ["predict", "normals", "photo.png", "--weights", f"flat_backbone:{name}", "--out", "out"]
    assert main(words) == 0
    assert sys.path == before
    normals = np.load(folder / "out" / "photo.normals.npy")
    assert normals.shape == (40, 48, 3) and (np.abs(normals - (0, 0, 1)) < 0.02).all()


def test_it_is_scored_in_a_folder_of_its_name(folder: Path) -> None:
    words = [
        "bench",
        "run",
        "world-normals",
        "--limit",
        "1",
        "--rows",
        "none",
        "--weights",
        "flat_backbone:Own",
    ]
    assert main(words) == 0
    (found,) = (folder / "out" / "bench").iterdir()
    assert "flat_backbone.Own" in found.name
    result = json.loads((found / "result.json").read_text())
    assert result["n_scored"] == 1 and 0 < result["scores"]["mean"]["value"] < 180


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("not_there:Own", "'not_there:Own': cannot be imported (No module named 'not_there')"),
        ("flat_backbone:Missing", "'flat_backbone:Missing': cannot be imported"),
        ("flat_backbone:number", "makes a int; derive it from"),
        ("flat_backbone.:Own", "'flat_backbone.:Own': cannot be imported"),
    ],
)
def test_what_makes_no_backbone_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], target: str, told: str
) -> None:
    assert main(["predict", "depth", "photo.png", "--weights", target]) == 2
    assert told in capsys.readouterr().err


def test_what_is_timed_is_the_embedded_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "speed", "--only", "verified-vs-sequential", "--weights", "flat_backbone:Own"]
    assert main(words) == 2
    assert "'own:flat' is another" in capsys.readouterr().err
