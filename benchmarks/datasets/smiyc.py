"""Anomalies on the road: SegmentMeIfYouCan's two tracks (Chan et al. 2021) and RoadAnomaly (Lis et al. 2019).

Official layouts (SegmentMeIfYouCan/road-anomaly-benchmark, ``datasets/tracks.py``; RoadAnomaly's README):
``dataset_AnomalyTrack/images/ID.jpg`` or ``dataset_ObstacleTrack/images/ID.webp``, both with
``labels_masks/ID_labels_semantic.png``; ``RoadAnomaly/frame_list.json``, ``frames/ID.{webp,jpg}`` and
``frames/ID.labels/labels_semantic.png``. The truth of SegmentMeIfYouCan's test photos is hidden: only
``validation`` can be scored here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from visiongen.benchmarks.datasets.files import Sample, require
from visiongen.benchmarks.datasets.label_images import pairs, read_index, to_positions
from visiongen.benchmarks.datasets.listed import DenseFiles
from visiongen.benchmarks.metrics.anomaly import IGNORE
from visiongen.errors import InputError, MissingDataError


class AnomalyPhotos(DenseFiles):
    """Sets whose truth says what is anomalous: scorer "anomaly", asked as the protocol's ``phrase``.

    Protocol: ``normal_ids`` and ``void_ids``, stored values, and ``anomaly_ids``, the first and the last
    value of an anomaly.
    """

    @cached_property
    def table(self) -> np.ndarray:
        """Stored value -> 0, 1 or 255, int16 (256,); -1 = not a label."""
        table = np.full(256, -1, np.int16)
        first, last = self.protocol["anomaly_ids"]
        table[first : last + 1] = 1
        table[self.protocol["normal_ids"]] = 0
        table[self.protocol["void_ids"]] = IGNORE
        return table

    def asked(self, samples: Sequence[Sample]) -> Sequence[Sample]:
        """The samples, each with the protocol's phrase."""
        options = {"phrase": self.protocol["phrase"]}
        return [replace(sample, options=options) for sample in samples]

    def read_truth(self, sample: Sample) -> np.ndarray:
        """uint8 (H, W): 0 normal, 1 anomaly, 255 not scored."""
        return to_positions(read_index(sample.truth[0]), self.table, sample.truth[0])


class Track(AnomalyPhotos):
    """A track of SegmentMeIfYouCan; the protocol is protocols/{smiyc-anomaly,smiyc-obstacle}.toml."""

    marker: ClassVar[str] = "labels_masks"
    photo_end: ClassVar[str] = ".jpg"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """By name, without the protocol's ``left_out`` (beginnings of names)."""
        left_out = tuple(self.protocol.get("left_out", ()))
        photos, truths = root / "images", root / self.marker
        found = pairs(
            photos,
            self.photo_end,
            truths,
            ["_labels_semantic.png"],
            wanted=lambda name: name.startswith(split) and not name.startswith(left_out),
            whole=False,
        )
        return require(self.asked(found), truths)


class AnomalyTrack(Track):
    """RoadAnomaly21."""

    folders: ClassVar[tuple[str, ...]] = ("dataset_AnomalyTrack",)


class ObstacleTrack(Track):
    """RoadObstacle21."""

    folders: ClassVar[tuple[str, ...]] = ("dataset_ObstacleTrack",)
    photo_end: ClassVar[str] = ".webp"


class RoadAnomaly(AnomalyPhotos):
    """See the module; the protocol is protocols/road-anomaly.toml."""

    folders: ClassVar[tuple[str, ...]] = ("RoadAnomaly", "dataset_RoadAnomaly", "RoadAnomaly_jpg")
    marker: ClassVar[str] = "frame_list.json"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """In the order of ``frame_list.json``, a list of the photos' file names."""
        listed, frames = root / self.marker, root / "frames"
        names = [Path(name) for name in read_names(listed)]
        truths = [frames / f"{name.stem}.labels" / "labels_semantic.png" for name in names]
        found = [
            Sample(name.stem, frames / name.name, (truth,)) for name, truth in zip(names, truths, strict=True)
        ]
        return require(self.asked(found), listed)


def read_names(path: Path) -> list[str]:
    """A JSON list of file names; InputError: something else. MissingDataError: none."""
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no readable list ({error}); fetch it again") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{path}: not a list of file names; fetch it again")
    if not names:
        raise MissingDataError(f"{path}: the list is empty; copy it from the dataset")
    return names


ANOMALY = AnomalyTrack("smiyc-anomaly")
OBSTACLE = ObstacleTrack("smiyc-obstacle")
ROAD_ANOMALY = RoadAnomaly("road-anomaly")
