"""iBims-1 (Koch et al. 2018): 100 indoor scenes, ``imagelist.txt`` and one ``NAME.mat`` each.

A file's struct ``data`` holds rgb, depth (metres), edges, mask_invalid and mask_transp (1 = usable), calib (a
transposed 3x3) and, for wall, table and floor, a mask that numbers planes and ``..._paras``, a row a plane.
Photo and truth come from the same file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.benchmarks.datasets.files import FilesBenchmark, Sample, read_list, require
from visiongen.benchmarks.datasets.float_images import read_mat
from visiongen.benchmarks.scorers.ibims import IbimsTruth, Plane
from visiongen.errors import InputError
from visiongen.image import check_photo

KINDS = ("wall", "table", "floor")
NORMAL = slice(4, 7)  # of a plane's parameters


class IbimsDepth(FilesBenchmark):
    """Depth, and what the official script makes of its edges and planes."""

    folders = ("ibims1_core_mat", "ibims1", "ibims")
    marker = "imagelist.txt"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """The image list, in its order."""
        listed = root / "imagelist.txt"
        paths = [root / f"{Path(name).stem}.mat" for name in read_list(listed)]
        return require([Sample(path.stem, path, (path,)) for path in paths], listed)

    def read_photo(self, sample: Sample) -> np.ndarray:
        """uint8 (480, 640, 3)."""
        return check_photo(field(read_mat(sample.photo, "data"), sample.photo, "rgb"), str(sample.photo))

    def read_truth(self, sample: Sample) -> IbimsTruth:
        """Depth is NaN where it is 0 or either mask says so."""
        path = sample.truth[0]
        data = read_mat(path, "data")
        names = ("depth", "edges", "mask_invalid", "mask_transp")
        depth, edges, *masks = (field(data, path, name) for name in names)
        calibration = field(data, path, "calib")
        if depth.ndim != 2 or any(part.shape != depth.shape for part in (edges, *masks)):
            raise InputError(f"{path}: depth {depth.shape} and masks of other sizes; fetch it again")
        if calibration.shape != (3, 3):
            raise InputError(f"{path}: calib {calibration.shape} is not 3x3; fetch it again")
        usable = np.isfinite(depth) & (depth != 0) & np.all([mask.astype(bool) for mask in masks], axis=0)
        camera = tuple(float(calibration[at]) for at in ((0, 0), (1, 1), (2, 0), (2, 1)))
        return IbimsTruth(
            np.where(usable, depth, np.nan).astype(np.float32),
            edges.astype(bool),
            tuple(planes(data, path)),
            (camera[0], camera[1], camera[2], camera[3]),
        )


def planes(data: Any, path: Path) -> Iterator[Plane]:
    """The planes of a struct in the script's order; small ones too."""
    for kind in KINDS:
        rows = field(data, path, f"mask_{kind}_paras").astype(np.float64)
        if not rows.size:
            continue
        rows = np.atleast_2d(rows)
        if rows.shape[1] < NORMAL.stop:
            raise InputError(f"{path}: mask_{kind}_paras {rows.shape} has no normals; fetch it again")
        numbers = field(data, path, f"mask_{kind}")
        for position, row in enumerate(rows):
            x, y, z = (float(part) for part in row[NORMAL])
            yield Plane(numbers == position + 1, (x, y, z))


def field(data: Any, path: Path, name: str) -> np.ndarray:
    """One field of a MATLAB struct; InputError when it is not there."""
    if not hasattr(data, name):
        raise InputError(f"{path}: its struct data has no {name}; fetch it again")
    return np.asarray(getattr(data, name))


DEPTH = IbimsDepth("ibims-1")
