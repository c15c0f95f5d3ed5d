"""Middlebury 2014 stereo as depth: ``SCENE/im0.png``, ``disp0.pfm`` (inf = unknown) and ``calib.txt``.

Z = baseline * f / (d + doffs), in millimetres in the files, in metres here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from visiongen.benchmarks.datasets.depth_sets import one_channel
from visiongen.benchmarks.datasets.files import Sample, require
from visiongen.benchmarks.datasets.float_images import read_pfm
from visiongen.benchmarks.datasets.listed import DenseFiles
from visiongen.data import data_root
from visiongen.errors import InputError, MissingDataError


class MiddleburyDepth(DenseFiles):
    """The left photo of the protocol's ``scenes``, each in SCENE or, as distributed, in SCENE-perfect."""

    folders = ("middlebury2014", "middlebury")

    def root(self, data: str | Path | None) -> Path:
        """The folder with any scene in it."""
        root = data_root(data)
        for folder in (root, *(root / name for name in self.folders)):
            if any((place(folder, scene) / "disp0.pfm").is_file() for scene in self.protocol["scenes"]):
                return folder
        raise MissingDataError(
            f"{root}: no {self.name} there (SCENE/disp0.pfm in it or in middlebury2014/); "
            "give its folder as --data"
        )

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """Scenes by name."""
        places = {scene: place(root, scene) for scene in self.protocol["scenes"]}
        samples = [
            Sample(scene, folder / "im0.png", (folder / "disp0.pfm", folder / "calib.txt"))
            for scene, folder in places.items()
        ]
        return require(samples, "the protocol's scenes")

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Metres float32 (H, W), 0 = unknown."""
        path, calibration = sample.truth
        disparity = one_channel(path, read_pfm(path))
        focal, offset, baseline = read_calibration(calibration)
        shift = disparity + offset
        known = np.isfinite(disparity) & (shift > 0)
        depth = baseline * focal / np.where(known, shift, 1) / 1000
        return np.where(known, depth, 0).astype(np.float32)


def place(root: Path, scene: str) -> Path:
    """The scene's folder."""
    distributed = root / f"{scene}-perfect"
    return distributed if distributed.is_dir() else root / scene


def read_calibration(path: Path) -> tuple[float, float, float]:
    """Focal length in pixels, offset of the principal points in pixels, baseline in millimetres."""
    text = path.read_text(encoding="utf-8", errors="replace")
    found = [re.search(rf"^{key}=\[?([-+.\deE]+)", text, re.M) for key in ("cam0", "doffs", "baseline")]
    if None in found:
        raise InputError(f"{path}: needs cam0, doffs and baseline; fetch it again")
    focal, offset, baseline = (float(match[1]) for match in found if match)
    return focal, offset, baseline


DEPTH = MiddleburyDepth("middlebury-2014")
