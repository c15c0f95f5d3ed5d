"""Fixtures every test may use. No test touches the network."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from known import family

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name is looked up and nothing beyond this machine is called; no debugging of the caller's."""
    connect = socket.socket.connect

    def only_here(self: socket.socket, address: Any) -> None:
        here = not isinstance(address, tuple) or str(address[0]) in ("localhost", "127.0.0.1", "::1")
        assert here, f"a test calls {address}"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", only_here)
    monkeypatch.delenv("VISIONGEN_DEBUG", raising=False)


@pytest.fixture
def data_root() -> Path:
    """The folder of real data packs named by VISIONGEN_DATA; skips where there is none."""
    root = os.environ.get("VISIONGEN_DATA", "")
    if not root or not Path(root).is_dir():
        pytest.skip("needs the real data packs: set VISIONGEN_DATA to their folder")
    return Path(root)


@pytest.fixture(scope="session")
def shipped() -> str:
    """Name of the shipped backbone weights; skips only while weights/ ships none."""
    from visiongen import weights

    if not (weights.ROOT / "manifest.toml").is_file():
        pytest.skip("weights/ ships no weights yet")
    names = [entry.name for entry in weights.list() if entry.kind == "backbone"]
    if not names:
        pytest.skip("weights/ ships no backbone yet")
    return "tiny" if "tiny" in names else names[0]


class KnownScene:
    """Paints, through each task's own codec, labels that follow from the photo's pixels."""

    def __init__(self, photo, confidence: float | None) -> None:
        self.photo, self.confidence, self.size = photo, confidence, photo.shape[:2]

    def codec(self, prompt):
        """The codec that reads what this prompt asks for."""
        from visiongen.registry import CODECS, TASKS

        if prompt.task == "incontext":
            return CODECS.get("legend/nearest@1")(prompt.legend)
        task = TASKS.get(prompt.task)(**{"relative": True} if "relative" in prompt.text else {})
        return task.codec(prompt.legend)

    def labels(self, prompt):
        """What the photo's pixels mean, see ``known.py``."""
        codec = self.codec(prompt)
        return family(codec).labels(self.photo, codec)

    def paint(self, prompts, sampler=None):
        """One canvas a prompt."""
        import numpy as np

        from visiongen.backbones.base import Canvas, DecodeStats

        canvases = []
        for prompt in prompts:
            image = self.codec(prompt).encode(self.labels(prompt))
            sure = None if self.confidence is None else np.full(self.size, self.confidence, "f4")
            stats = DecodeStats(sampler.mode if sampler else "", 10, 2, 5, 0.25)
            canvases.append(Canvas(image, None, True, 0, self.size[0], sure, stats))
        return canvases


class KnownBackbone:
    """A backbone for tests whose right answer is known; it keeps the sizes it was shown."""

    weights = None

    def __init__(self, confidence: float | None = None) -> None:
        self.confidence, self.seen = confidence, []

    def scene(self, photo=None, size=None):
        """Look at a photo whose sides are multiples of 8."""
        from visiongen.backbones.base import canvas_size

        self.seen.append(canvas_size(photo, size))
        return KnownScene(photo, self.confidence)


@pytest.fixture
def known_backbone() -> type[KnownBackbone]:
    """The class KnownBackbone."""
    return KnownBackbone


@pytest.fixture(scope="session")
def nano_weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of a checkpoint of the smallest size with random weights: quick, and paints noise."""
    from visiongen.backbones.embedded import EmbeddedBackbone

    path = tmp_path_factory.mktemp("nano") / "nano.safetensors"
    EmbeddedBackbone.random("nano").save(path)
    return str(path)
