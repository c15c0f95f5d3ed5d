"""COCO-Stuff (Caesar et al. 2018): 80 things and 91 kinds of stuff, in two editions.

164k (``stuffthingmaps_trainval2017.zip``): ``images/{train2017,val2017}/%012d.jpg`` and
``annotations/{train2017,val2017}/%012d.png``; the stored value is COCO's id - 1, 255 = unlabelled, and 11
values of ids that were given up occur nowhere. 10k: ``images/ID.jpg``, ``annotations/ID.mat`` (array ``S``;
the stored value is COCO's id, 0 = unlabelled) and ``imageLists/{train,test}.txt``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from visiongen.benchmarks.datasets.files import Sample, read_list, require
from visiongen.benchmarks.datasets.label_images import LabelledPhotos, pairs, to_positions
from visiongen.benchmarks.datasets.pascal_context import read_mat_ids

CONVERTED = "_labelTrainIds"  # mmsegmentation writes its own pictures beside the official ones


class CocoStuff164k(LabelledPhotos):
    """See the module; the protocol is protocols/coco-stuff-164k.toml."""

    folders: ClassVar[tuple[str, ...]] = ("coco_stuff164k", "cocostuff", "coco-stuff")
    marker: ClassVar[str] = "annotations/val2017"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """By number."""
        photos, truths = (root / part / f"{split}2017" for part in ("images", "annotations"))
        return pairs(photos, ".jpg", truths, [".png"], wanted=lambda name: not name.endswith(CONVERTED))


class CocoStuff10k(LabelledPhotos):
    """See the module; the protocol is protocols/coco-stuff-10k.toml."""

    folders: ClassVar[tuple[str, ...]] = ("coco_stuff10k", "cocostuff-10k-v1.1", "coco-stuff-10k")
    marker: ClassVar[str] = "imageLists"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """In the order of the list."""
        listed = root / self.marker / f"{split}.txt"
        names = read_list(listed)
        return require(
            [Sample(n, root / f"images/{n}.jpg", (root / f"annotations/{n}.mat",)) for n in names], listed
        )

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Positions uint8 (H, W), 255 = not scored."""
        path = sample.truth[0]
        return to_positions(read_mat_ids(path, "S"), self.table, path)


STUFF_164K = CocoStuff164k("coco-stuff-164k")
STUFF_10K = CocoStuff10k("coco-stuff-10k")
