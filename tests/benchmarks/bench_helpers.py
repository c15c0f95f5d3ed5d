"""A tiny CamVid, and a generator that reads the true class off the photo's red channel."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from visiongen.backbones.base import Backbone, Canvas, Capabilities, Sampler, Scene, WeightsRecord
from visiongen.prompt import Prompt

STEP = 20  # red level between two classes


class ReaderScene(Scene):
    def __init__(self, owner: Reader, photo: np.ndarray) -> None:
        self.owner, self.photo = owner, photo
        self.size = photo.shape[:2]

    def paint(self, prompts: Sequence[Prompt], sampler: Sampler | None = None) -> list[Canvas]:
        self.owner.calls += 1
        time.sleep(self.owner.delay)
        if self.owner.fails and self.photo[0, 0, 2] in self.owner.fails:
            raise RuntimeError("the generator broke")
        assert prompts[0].legend is not None
        colours = prompts[0].legend.array()
        classes = np.clip(np.rint(self.photo[..., 0] / STEP), 0, len(colours) - 1).astype(int)
        classes = (classes + self.owner.shift) % len(colours)
        return [Canvas(colours[classes], None, True, 0, self.size[0], None) for _ in prompts]

    def stream(self, prompt: Prompt, sampler: Sampler | None = None) -> Iterator[Canvas]:
        yield from self.paint([prompt], sampler)


class Reader(Backbone):
    name = "reader"
    capabilities = Capabilities()

    def __init__(
        self, shift: int = 0, delay: float = 0.0, fails: Sequence[int] = (), sha: str = "a" * 64
    ) -> None:
        self.shift, self.delay, self.fails, self.calls = shift, delay, tuple(fails), 0
        self.weights = WeightsRecord("reader", sha)

    def scene(self, photo: np.ndarray | None = None, size: tuple[int, int] | None = None) -> Scene:
        assert photo is not None
        return ReaderScene(self, photo)


def make_camvid(root: Path, layout: str = "pack", train: int = 3, val: int = 6) -> Path:
    """Frames of 128x96 with 3x4 blocks of classes; blue = the frame's number; a stripe of void.

    A third of the painted size: an odd factor, so that every label lies under the centre of a pixel.
    """
    rng = np.random.default_rng(0)
    for split, count in (("train", train), ("val", val)):
        lines = []
        for number in range(count):
            blocks = rng.integers(0, 11, (3, 4))
            labels = np.kron(blocks, np.ones((32, 32))).astype(np.uint8)
            photo = np.zeros((96, 128, 3), np.uint8)
            photo[..., 0] = labels * STEP
            photo[..., 2] = 10 * number
            labels[:, -4:] = 11
            stem = f"{split}{number:03d}"
            if layout == "pack":
                paths = root / split / "images" / f"{stem}.png", root / split / "labels" / f"{stem}.png"
                lines.append(stem)
            else:
                paths = root / split / f"{stem}.png", root / f"{split}annot" / f"{stem}.png"
                lines.append(f"/SegNet/CamVid/{split}/{stem}.png /SegNet/CamVid/{split}annot/{stem}.png")
            for path, array in zip(paths, (photo, labels), strict=True):
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(array).save(path)
        (root / f"{split}.txt").write_text("\n".join(lines) + "\n")
    return root
