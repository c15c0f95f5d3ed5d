"""The pack depth_mix: real and exact depth from many sensors, ``index.json`` one row a frame.

``depth-mix`` has metres; its main score has no alignment, and the aligned ones stand beside. ``stereo-mix``
has disparities of unknown baseline, so its depth has no unit and only fits in disparity mean something.
What each group is scored on (range, crop) is data, in the protocol.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.benchmarks.datasets.depth_sets import NYU_CROP, one_channel, only, read_depth16
from visiongen.benchmarks.datasets.files import Sample, require
from visiongen.benchmarks.datasets.float_images import read_png8
from visiongen.benchmarks.datasets.kitti import GARG, window
from visiongen.benchmarks.datasets.listed import DenseFiles
from visiongen.errors import InputError


def read_index(path: Path, needed: Iterable[str]) -> list[dict[str, Any]]:
    """The rows of a pack's index; InputError when it is damaged or a row lacks a key."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        missing = [(row, key) for row in rows for key in needed if key not in row]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: no readable index ({error}); fetch the pack again") from error
    if missing:
        raise InputError(f"{path}: row {missing[0][0]} lacks {missing[0][1]!r}; fetch the pack again")
    return list(rows)


class DepthMix(DenseFiles):
    """Frames with metric depth; clusters are the groups, each of one sensor and mostly of one place."""

    folders = ("depth_mix",)
    marker = "7scenes_redkitchen"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """The rows of the index, in its order."""
        index = root / "index.json"
        samples = []
        for row in read_index(index, ("group", "name", "rgb", "depth", "depth_scale")):
            if row["group"] not in self.protocol["groups"]:
                known = ", ".join(self.protocol["groups"])
                raise InputError(f"{index}: group {row['group']!r} has no rule; known are {known}")
            samples.append(
                Sample(
                    f"{row['group']}/{row['name']}",
                    root / row["rgb"],
                    (root / row["depth"],),
                    note={"scale": row["depth_scale"], "group": row["group"]},
                    cluster=row["group"],
                )
            )
        return require(samples, index)

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Metres float32 (H, W), 0 outside the group's crop and range."""
        rule = self.protocol["groups"][sample.note["group"]]
        depth = read_depth16(sample.truth[0], sample.note["scale"])
        depth = np.where((depth > rule["min"]) & (depth < rule["max"]), depth, 0)
        size = (depth.shape[0], depth.shape[1])
        crops = {"none": (slice(None), slice(None)), "nyu": NYU_CROP, "garg": window(size, GARG)}
        return only(depth, *crops[rule["crop"]])


class StereoMix(DenseFiles):
    """Middlebury scenes: 8-bit disparity times a divisor, 0 = unknown, neither baseline nor focal length."""

    folders = ("depth_mix",)
    marker = "middlebury_stereo/index.json"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """The protocol's scenes, in its order."""
        folder = root / "middlebury_stereo"
        rows = read_index(folder / "index.json", ("scene", "disp_divisor"))
        divisors = {row["scene"]: row["disp_divisor"] for row in rows}
        unknown = [scene for scene in self.protocol["scenes"] if scene not in divisors]
        if unknown:
            raise InputError(f"{folder / 'index.json'}: no scene {unknown[0]!r}; fetch the pack again")
        samples = [
            Sample(scene, folder / scene / "left.png", (folder / scene / "disp_left.png",), divisors[scene])
            for scene in self.protocol["scenes"]
        ]
        return require(samples, folder / "index.json")

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Depth float32 (H, W) without unit, the median disparity's being 1; 0 = unknown."""
        path = sample.truth[0]
        disparity = one_channel(path, read_png8(path)).astype(np.float32) / np.float32(sample.note)
        known = disparity > 0
        if not known.any():
            raise InputError(f"{path}: no pixel has a disparity; fetch it again")
        return np.where(known, np.median(disparity[known]) / np.where(known, disparity, 1), 0).astype(
            np.float32
        )


METRIC = DepthMix("depth-mix")
STEREO = StereoMix("stereo-mix")
