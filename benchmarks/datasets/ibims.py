"""iBims-1 (Koch et al. 2018): 100 indoor scenes, ``imagelist.txt`` and one ``NAME.mat`` each.

A file's struct ``data`` holds rgb, depth (metres), mask_invalid and mask_transp (1 = usable), calibration
and planes. Photo and depth come from the same file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from visiongen.benchmarks.datasets.files import Sample, read_list, require
from visiongen.benchmarks.datasets.float_images import read_mat
from visiongen.benchmarks.datasets.listed import DenseFiles
from visiongen.errors import InputError
from visiongen.image import check_photo


class IbimsDepth(DenseFiles):
    """The official script's global metrics; its plane and edge scores are not here."""

    folders = ("ibims1_core_mat", "ibims1", "ibims")
    marker = "imagelist.txt"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """The image list, in its order."""
        listed = root / "imagelist.txt"
        paths = [root / f"{Path(name).stem}.mat" for name in read_list(listed)]
        return require([Sample(path.stem, path, (path,)) for path in paths], listed)

    def read_photo(self, sample: Sample) -> np.ndarray:
        """uint8 (480, 640, 3)."""
        return check_photo(_field(sample.photo, "rgb"), str(sample.photo))

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Metres float32 (480, 640); 0 where either mask says so."""
        path = sample.truth[0]
        depth, *masks = (_field(path, name) for name in ("depth", "mask_invalid", "mask_transp"))
        if depth.ndim != 2 or any(mask.shape != depth.shape for mask in masks):
            raise InputError(f"{path}: depth {depth.shape} and masks of other sizes; fetch it again")
        usable = np.isfinite(depth) & np.all([mask.astype(bool) for mask in masks], axis=0)
        return np.where(usable, depth, 0).astype(np.float32)


def _field(path: Path, name: str) -> np.ndarray:
    data = read_mat(path, "data")
    if not hasattr(data, name):
        raise InputError(f"{path}: its struct data has no {name}; fetch it again")
    return np.asarray(getattr(data, name))


DEPTH = IbimsDepth("ibims-1")
