"""The pack normals_mix: rendered and derived normals of three kinds, ``index.json`` one row a photo.

Normals are 16-bit RGB, n = v / 65535 * 2 - 1, in our axes; a 1-bit mask says where they are true. A photo of
16 bits is linear and becomes sRGB.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from visiongen.benchmarks.datasets.depth_mix import read_index
from visiongen.benchmarks.datasets.files import Sample, require
from visiongen.benchmarks.datasets.float_images import read_png8, read_png16
from visiongen.benchmarks.datasets.listed import DenseFiles
from visiongen.benchmarks.datasets.normals_dsine import png16, unit
from visiongen.errors import InputError
from visiongen.relight import encode_srgb


class NormalsMix(DenseFiles):
    """Clusters are the groups: each shows one object or one room."""

    folders = ("normals_mix",)
    marker = "bunny_photometric"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """The rows of the index, in its order."""
        index = root / "index.json"
        samples = [
            Sample(
                f"{row['group']}/{row['name']}",
                root / row["rgb"],
                (root / row["normal"], root / row["valid"]),
                note=bool(row.get("rgb_linear16", False)),
                cluster=row["group"],
            )
            for row in read_index(index, ("group", "name", "rgb", "normal", "valid"))
        ]
        return require(samples, index)

    def read_photo(self, sample: Sample) -> np.ndarray:
        """uint8 (H, W, 3) sRGB."""
        if not sample.note:
            return super().read_photo(sample)
        linear = read_png16(sample.photo).astype(np.float32) / np.float32(65535)
        return (encode_srgb(linear) * 255 + 0.5).astype(np.uint8)

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Unit float32 (H, W, 3), NaN where the mask is 0."""
        normals, valid = sample.truth
        values, there = png16(normals, (0, 0))
        mask = read_png8(valid)
        if mask.shape != values.shape[:2]:
            raise InputError(f"{valid}: mask {mask.shape} of normals {values.shape}; fetch it again")
        return unit(values, there & (mask > 0))


BENCHMARK = NormalsMix("normals-mix")
