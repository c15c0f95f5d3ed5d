"""Fixtures every test may use. No test touches the network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")


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

    def labels(self, prompt):
        """Class from red, depth 1-17 m (255: sky) from green, the normal's tilt from blue."""
        import numpy as np

        red, green, blue = (self.photo[..., c].astype(np.float32) for c in range(3))
        if prompt.task == "image":
            return self.photo
        if prompt.task in ("basecolor", "orm"):
            return self.photo.astype(np.float32) / 255
        if prompt.legend and prompt.task in ("semantic", "incontext"):
            return (red * len(prompt.legend) / 256).astype(np.int64)
        if prompt.task == "referring":
            return (red >= 96).astype(np.int64)
        if prompt.task == "instance":
            return 1 + (red / 52).astype(np.int64)
        if prompt.task == "panoptic":
            from visiongen.tasks.panoptic import Panoptic

            things = Panoptic().codec(prompt.legend).things
            classes = (red * (len(prompt.legend) - 1) / 256).astype(np.int64)
            counted = np.array([name in things for name in prompt.legend.names])[classes]
            return classes * 1000 + np.where(counted, 1 + (green >= 128), 0)
        if prompt.task == "depth":
            return np.where(green == 255, np.inf, 1 + green / 16).astype(np.float32)
        x = (blue / 255 - 0.5) * 1.2
        y = np.full_like(x, 0.2)
        return np.stack([x, y, np.sqrt(1 - x * x - y * y)], axis=2)

    def paint(self, prompts, sampler=None):
        """One canvas a prompt."""
        import numpy as np

        from visiongen.backbones.base import Canvas, DecodeStats
        from visiongen.registry import CODECS, TASKS

        canvases = []
        for prompt in prompts:
            task = TASKS.get(prompt.task)(**{"relative": True} if "relative" in prompt.text else {})
            codec = task.codec(prompt.legend)
            if prompt.task == "incontext":
                codec = CODECS.get("legend/nearest@1")(prompt.legend)
            image = codec.encode(self.labels(prompt))
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
        from visiongen.backbones.base import check_photo

        self.seen.append(check_photo(photo, size))
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
