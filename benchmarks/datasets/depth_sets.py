"""Monocular depth in Marigold's packaging: NYUv2, ScanNet, DIODE, ETH3D (github.com/prs-eth/Marigold).

Each line of a list is ``rgb depth [more]``, relative to the unpacked tar. Truths are float32 (H, W) metres;
0 = not scored. Cropping a truth means 0 outside the crop.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.datasets.float_images import ORIGINAL, read_npy, read_png16, read_raw
from visiongen.benchmarks.datasets.listed import ListedFiles, stem
from visiongen.errors import InputError

NYU_CROP = (slice(45, 471), slice(41, 601))  # Eigen's, of 480x640
ETH3D_SIZE = (4032, 6048)


def only(depth: np.ndarray, rows: slice, columns: slice) -> np.ndarray:
    """The depth with 0 outside a window."""
    kept = np.zeros_like(depth)
    kept[rows, columns] = depth[rows, columns]
    return kept


def one_channel(path: Path, array: np.ndarray, remedy: str = ORIGINAL) -> np.ndarray:
    """The array if it is (H, W), else InputError: depth is no colour picture."""
    if array.ndim != 2:
        raise InputError(f"{path}: shape {array.shape}, not (H, W); {remedy}")
    return array


def read_depth16(path: Path, scale: float) -> np.ndarray:
    """float32 (H, W) metres of a 16-bit PNG that stores metres times ``scale``; 0 = missing."""
    return one_channel(path, read_png16(path)).astype(np.float32) / np.float32(scale)


class MarigoldDepth(ListedFiles):
    """Lines ``rgb depth``; ``place`` is the part of the path that names the scene."""

    place = 0

    def line(self, root: Path, columns: Sequence[str]) -> Sample:
        """The photo, its depth, and the scene as cluster."""
        rgb, *_ = columns
        truth = tuple(root / name for name in self.truth_columns(columns))
        return Sample(stem(rgb), root / rgb, truth, cluster=self.scene(rgb))

    def truth_columns(self, columns: Sequence[str]) -> Sequence[str]:
        """The columns with the truth's files."""
        return [columns[1]]

    def scene(self, rgb: str) -> str:
        """The cluster of an image: whatever shares its camera's place."""
        return rgb.split("/")[self.place]


class Nyuv2Depth(MarigoldDepth):
    """NYUv2's 654 test images: raw Kinect depth (the filled one, third column, is not truth), Eigen crop."""

    folders = ("nyuv2/nyu_labeled_extracted", "nyuv2")
    place = 1

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Metres float32 (480, 640), 0 outside rows 45..470, columns 41..600."""
        return only(read_depth16(sample.truth[0], 1000), *NYU_CROP)


class ScannetDepth(MarigoldDepth):
    """800 frames of ScanNet's validation scenes, chosen by Marigold."""

    folders = ("scannet/scannet_val_sampled_800_1", "scannet")

    def scene(self, rgb: str) -> str:
        """The room: scene0011 of scene0011_01."""
        return rgb.split("/")[0].split("_")[0]

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Metres float32 (H, W)."""
        return read_depth16(sample.truth[0], 1000)


class DiodeDepth(MarigoldDepth):
    """DIODE's validation images; scored is what the shipped mask says, and nothing else."""

    folders = ("diode/diode_val", "diode/val", "diode")
    place = 1

    def truth_columns(self, columns: Sequence[str]) -> Sequence[str]:
        """Depth and mask."""
        return [columns[1], columns[2]]

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Metres float32 (768, 1024), 0 where the mask is; the protocol's range only clips predictions."""
        depth, mask = (read_npy(path).squeeze() for path in sample.truth)
        if depth.ndim != 2 or depth.shape != mask.shape:
            raise InputError(f"{sample.truth[1]}: mask {mask.shape} of depth {depth.shape}; fetch it again")
        return np.where(mask.astype(bool) & np.isfinite(depth), depth, 0).astype(np.float32)


class Eth3dDepth(MarigoldDepth):
    """ETH3D's 454 training images: laser depth as raw float32 in files called .JPG, inf = missing."""

    folders = ("eth3d/eth3d", "eth3d")
    place = 1
    size = ETH3D_SIZE

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Metres float32 (4032, 6048)."""
        depth = read_raw(sample.truth[0], self.size)
        return np.where(np.isfinite(depth), depth, 0).astype(np.float32)


NYUV2 = Nyuv2Depth("nyuv2-depth")
SCANNET = ScannetDepth("scannet-depth")
DIODE = DiodeDepth("diode")
ETH3D = Eth3dDepth("eth3d")
