"""KITTI, the test images of Eigen's split with the improved ground truth (652 of 697 have one).

Two protocols. ``kitti-eigen`` (Marigold): photo and truth are cropped to 352x1216 (bottom, centred), and
Eigen's fractions of that size are scored. ``kitti-eigen-garg`` (BTS): the whole photo, Garg's fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from visiongen.benchmarks.datasets.depth_sets import only, read_depth16
from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.datasets.listed import ListedFiles, stem
from visiongen.errors import InputError
from visiongen.image import read_image

KB_CROP = (352, 1216)
EIGEN = (0.3324324, 0.91351351, 0.0359477, 0.96405229)  # top, bottom, left, right
GARG = (0.40810811, 0.99189189, 0.03594771, 0.96405229)
ANNOTATED = ("", "data_depth_annotated/train", "data_depth_annotated/val")  # where KITTI unpacks the truth


def window(size: tuple[int, int], fractions: tuple[float, float, float, float]) -> tuple[slice, slice]:
    """Rows and columns between fractions of (H, W), cut off as ``int`` does."""
    top, bottom, left, right = fractions
    height, width = size
    return slice(int(top * height), int(bottom * height)), slice(int(left * width), int(right * width))


def benchmark_crop(image: np.ndarray, name: str = "image") -> np.ndarray:
    """The lowest 352 rows and the middle 1216 columns; InputError for a smaller image."""
    top, left = image.shape[0] - KB_CROP[0], (image.shape[1] - KB_CROP[1]) // 2
    if top < 0 or left < 0:
        raise InputError(f"{name}: {image.shape[1]}x{image.shape[0]} is no KITTI image, at least 1216x352")
    return np.ascontiguousarray(image[top:, left : left + KB_CROP[1]])


class KittiDepth(ListedFiles):
    """Lines ``rgb depth focal``; depth ``None`` = no truth, and left out. Clusters are drives."""

    folders = ("kitti/kitti_eigen_split_test", "kitti")

    def line(self, root: Path, columns: Sequence[str]) -> Sample | None:
        """A photo of raw KITTI and its annotated depth."""
        rgb, depth = columns[:2]
        if depth == "None":
            return None
        places = [root / place / depth for place in ANNOTATED]
        truth = next((place for place in places if place.is_file()), places[0])
        return Sample(stem(rgb), root / rgb, (truth,), cluster=rgb.split("/")[1])

    def read_photo(self, sample: Sample) -> np.ndarray:
        """The photo, cropped if the protocol's ``crop`` says so."""
        photo = read_image(sample.photo, stored=True)
        return benchmark_crop(photo, str(sample.photo)) if self.protocol["crop"] == "kb" else photo

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Metres float32 (H, W), 0 outside the scored window."""
        depth = read_depth16(sample.truth[0], 256)
        if self.protocol["crop"] == "kb":
            depth = benchmark_crop(depth, str(sample.truth[0]))
        fractions = {"eigen": EIGEN, "garg": GARG}[self.protocol["window"]]
        return only(depth, *window((depth.shape[0], depth.shape[1]), fractions))


EIGEN_SPLIT = KittiDepth("kitti-eigen")
GARG_SPLIT = KittiDepth("kitti-eigen-garg")
