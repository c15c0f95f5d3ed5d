"""Hypersim (github.com/apple/ml-hypersim): planar depth on Marigold's lists.

Depth is read as Marigold's processed PNG (planar, millimetres) or from the official HDF5, which stores the
distance to the camera's centre.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from visiongen.benchmarks.datasets.depth_sets import read_depth16
from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.datasets.float_images import read_hdf5
from visiongen.benchmarks.datasets.listed import ListedFiles, stem

FOCAL = 886.81  # pixels, at 1024x768: a horizontal field of view of 60 degrees
_NAME = re.compile(r"(?P<scene>ai_\d+_\d+)/rgb_(?P<camera>cam_\d+)_fr(?P<frame>\d+)\.png$")


def planar(distance: np.ndarray, focal: float = FOCAL) -> np.ndarray:
    """Distances to the camera's centre (H, W) -> depth along the optical axis, same units.

    ``focal`` in pixels at a width of 1024; the axis meets the image's centre.
    """
    height, width = distance.shape
    x = (np.arange(width) + 0.5 - width / 2)[None, :]
    y = (np.arange(height) + 0.5 - height / 2)[:, None]
    length = focal * width / 1024
    return (distance * (length / np.sqrt(x * x + y * y + length * length))).astype(np.float32)


class HypersimDepth(ListedFiles):
    """Lines ``SCENE/rgb_cam_CC_frFFFF.png SCENE/depth_plane_cam_CC_frFFFF.png``; clusters are scenes."""

    folders = ("hypersim/hypersim_processed_val", "hypersim/hypersim_processed_test", "hypersim")

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """As the base class, from the split's own folder where there is one: Marigold packs one a split."""
        own = root.parent / f"hypersim_processed_{split}"
        return super().samples(own if own.is_dir() else root, split)

    def line(self, root: Path, columns: Sequence[str]) -> Sample:
        """The processed files where they are, else the official ones of the same frame."""
        rgb, depth = columns[:2]
        parts = _NAME.search(rgb)
        if parts is None:
            raise ValueError(rgb)
        photo, truth = root / rgb, root / depth
        images = root / parts["scene"] / "images"
        if not photo.is_file() and images.is_dir():
            frame = f"frame.{parts['frame']}"
            photo = images / f"scene_{parts['camera']}_final_preview" / f"{frame}.tonemap.jpg"
            truth = images / f"scene_{parts['camera']}_geometry_hdf5" / f"{frame}.depth_meters.hdf5"
        return Sample(stem(rgb), photo, (truth,), cluster=parts["scene"])

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Planar metres float32 (H, W), 0 = none."""
        path = sample.truth[0]
        if path.suffix == ".png":
            return read_depth16(path, 1000)
        return np.nan_to_num(planar(read_hdf5(path)), nan=0.0, posinf=0.0)


DEPTH = HypersimDepth("hypersim-depth")
