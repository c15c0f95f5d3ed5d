"""Cityscapes' 19 classes (Cordts et al. 2016), scored as its own script does: IoU, categories, iIoU.

Official layout: ``leftImg8bit/{split}/CITY/CITY_SEQ_FRAME_leftImg8bit.png`` and
``gtFine/{split}/CITY/CITY_SEQ_FRAME_gtFine_{labelIds,instanceIds}.png``. ``labelIds`` holds label ids, not
train ids: the protocol's table brings them to positions. A city is a cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from visiongen.benchmarks.datasets.cityscapes_instances import MANY, read_instance_ids
from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.datasets.label_images import LabelledPhotos, pairs, read_index, to_positions
from visiongen.errors import InputError

ENDS = ("_gtFine_labelIds.png", "_gtFine_instanceIds.png")


class Cityscapes(LabelledPhotos):
    """See the module; the protocol is protocols/cityscapes.toml."""

    folders: ClassVar[tuple[str, ...]] = ("cityscapes", "Cityscapes")
    marker: ClassVar[str] = "gtFine"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """By city and name."""
        photos, truths = root / "leftImg8bit" / split, root / "gtFine" / split
        return pairs(photos, "_leftImg8bit.png", truths, ENDS, cluster=lambda name: name.split("/")[0])

    def read_truth(self, sample: Sample) -> np.ndarray:
        """int32 (H, W, 2): positions, 255 = not scored, and instance numbers, 0 = none or a group."""
        labels = to_positions(read_index(sample.truth[0]), self.table, sample.truth[0])
        ids = read_instance_ids(sample.truth[1])
        if ids.shape != labels.shape:
            raise InputError(f"{sample.truth[1]}: {ids.shape}, but labels {labels.shape}; fetch it again")
        return np.stack([labels.astype(np.int32), np.where(ids < MANY, 0, ids)], axis=2)


BENCHMARK = Cityscapes("cityscapes")
