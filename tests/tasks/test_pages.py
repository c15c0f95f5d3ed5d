"""The examples of the pages about codecs and tasks run without any weights."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visiongen.registry import CODECS, TASKS
from visiongen.tasks import predicting

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("page", ["codecs.md", "tasks.md"])
def test_examples_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known_backbone) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(predicting, "default_backbone", known_backbone)
    picture = np.random.default_rng(0).integers(0, 256, (160, 240, 3), np.uint8)
    Image.fromarray(picture).save("photo.jpg")
    blocks = re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text(), re.M | re.S)
    assert len(blocks) >= 2
    namespace: dict[str, object] = {}
    for number, code in enumerate(blocks, 1):
        exec(compile(code, f"{page} {number}", "exec"), namespace)


def test_prompting_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This page needs a generator with tokens: the smallest one, untrained."""
    from visiongen.backbones.embedded import EmbeddedBackbone

    monkeypatch.setattr(predicting, "default_backbone", lambda: EmbeddedBackbone.random("nano"))
    test_examples_run("prompting.md", tmp_path, monkeypatch, predicting.default_backbone)


def test_pages_name_everything() -> None:
    codecs, tasks = ((DOCS / page).read_text() for page in ("codecs.md", "tasks.md"))
    assert all(f"`{name}`" in codecs for name in CODECS)
    assert all(f"`{name}`" in tasks for name in TASKS)
