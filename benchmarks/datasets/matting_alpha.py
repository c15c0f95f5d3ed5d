"""alphamatting.com's train photos with their true alpha (Rhemann et al. 2009), whole image and trimap.

Pack: ``matting_alpha/alphamatting_train27/GTnn_{rgb.jpg,alpha.png,trimap1.png}``. Ours trains on GT01-GT14
and scores GT15-GT18: four photos, so the interval is wide and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from visiongen.benchmarks.datasets.files import FilesBenchmark, Sample, require
from visiongen.benchmarks.datasets.matting_sets import read_alpha

SPLITS = {"train": (1, 14), "val": (15, 18)}
FOLDER = "alphamatting_train27"


class MattingAlpha(FilesBenchmark):
    """See the module; the protocol is protocols/matting-alpha.toml."""

    folders: ClassVar[tuple[str, ...]] = ("matting_alpha",)
    marker: ClassVar[str] = FOLDER

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """By number; every number of the split must be there."""
        first, last = SPLITS[split]
        stems = [f"GT{number:02d}" for number in range(first, last + 1)]
        folder = root / FOLDER
        return require([_sample(folder, stem) for stem in stems], folder)

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Opacity, and 1 where the fine trimap is unknown, float32 (H, W, 2)."""
        return read_alpha(*sample.truth)


def _sample(folder: Path, stem: str) -> Sample:
    truth = (folder / f"{stem}_alpha.png", folder / f"{stem}_trimap1.png")
    return Sample(stem, folder / f"{stem}_rgb.jpg", truth)


BENCHMARK = MattingAlpha("matting-alpha")
