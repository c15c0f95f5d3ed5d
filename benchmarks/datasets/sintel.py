"""MPI Sintel's training frames with depth: ``training/{clean,final}/SEQ/frame_0001.png`` and
``training/depth/SEQ/frame_0001.dpt`` (sintel.is.tue.mpg.de). The photos are those of the pass ``final``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from visiongen.benchmarks.datasets.files import Sample, require
from visiongen.benchmarks.datasets.float_images import read_dpt
from visiongen.benchmarks.datasets.listed import DenseFiles
from visiongen.errors import MissingDataError


class SintelDepth(DenseFiles):
    """Sequences are clusters. The cap of 72 m leaves out the sky."""

    folders = ("sintel", "MPI-Sintel")
    marker = "training/depth"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """Every depth map, by sequence and frame; each needs its photo."""
        depths = sorted((root / "training/depth").glob("*/frame_*.dpt"))
        if not depths:
            raise MissingDataError(f"{root / 'training/depth'}: no SEQ/frame_NNNN.dpt there; unpack it again")
        photos = root / "training" / self.protocol["render_pass"]
        samples = [
            Sample(
                f"{path.parent.name}/{path.stem}",
                photos / path.parent.name / f"{path.stem}.png",
                (path,),
                cluster=path.parent.name,
            )
            for path in depths
        ]
        return require(samples, root / "training/depth")

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Metres float32 (436, 1024)."""
        return read_dpt(sample.truth[0])


DEPTH = SintelDepth("sintel-depth")
