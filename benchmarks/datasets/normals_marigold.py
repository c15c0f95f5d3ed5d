"""Surface normals in Marigold's packaging (github.com/prs-eth/Marigold): ``.npy`` files (H, W, 3).

Their axes are ours: x right, y up, z to the viewer. A vector of length 0 means none.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.datasets.float_images import read_npy
from visiongen.benchmarks.datasets.listed import ListedFiles, stem
from visiongen.benchmarks.datasets.normals_dsine import unit
from visiongen.errors import InputError


class MarigoldNormals(ListedFiles):
    """Lines ``rgb normals``; ``place``: the part of the path that is the cluster, or None."""

    def __init__(self, name: str, folder: str, place: int | None = None) -> None:
        super().__init__(name)
        self.folders = (f"marigold_normals/{folder}", folder)  # type: ignore[misc]
        self.place = place

    def line(self, root: Path, columns: Sequence[str]) -> Sample:
        """The photo, its normals and its cluster."""
        image, normals = columns
        cluster = "" if self.place is None else image.split("/")[self.place]
        return Sample(stem(image), root / image, (root / normals,), cluster=cluster)

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Unit float32 (H, W, 3), NaN = none."""
        path = sample.truth[0]
        values = read_npy(path)
        if values.ndim != 3 or values.shape[-1] != 3 or values.dtype.kind != "f":
            raise InputError(f"{path}: {values.dtype} {values.shape}, not float (H, W, 3); fetch it again")
        return unit(values, np.ones(values.shape[:2], bool))


NYUV2 = MarigoldNormals("nyuv2-normals-marigold", "nyuv2/test")
SCANNET = MarigoldNormals("scannet-normals-marigold", "scannet", 0)
IBIMS = MarigoldNormals("ibims-normals-marigold", "ibims/ibims")
DIODE = MarigoldNormals("diode-normals-marigold", "diode/val", 1)
OASIS = MarigoldNormals("oasis-normals-marigold", "oasis/val")
