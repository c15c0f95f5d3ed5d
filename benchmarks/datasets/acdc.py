"""ACDC (Sakaridis et al. 2021): Cityscapes' 19 classes in fog, at night, in rain and in snow.

Official layout: ``rgb_anon/{condition}/{split}/SEQ/*_rgb_anon.png`` and
``gt/{condition}/{split}/SEQ/*_gt_labelTrainIds.png``, train ids and 255. ``val`` pools all pixels of the four
conditions, which is not the mean of the four ``val-CONDITION``. A sequence is a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from visiongen.benchmarks.datasets.files import BLIND_IMAGES, Sample, require
from visiongen.benchmarks.datasets.label_images import LabelledPhotos, pairs
from visiongen.benchmarks.datasets.listed import BLIND_SIZE
from visiongen.resize import resize_nearest

CONDITIONS = ("fog", "night", "rain", "snow")


class Acdc(LabelledPhotos):
    """See the module; the protocol is protocols/acdc.toml."""

    folders: ClassVar[tuple[str, ...]] = ("acdc", "ACDC")
    marker: ClassVar[str] = "rgb_anon"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """By condition, sequence and name; ids begin with the condition."""
        part, _, only = split.partition("-")
        found: list[Sample] = []
        for condition in CONDITIONS if not only else (only,):
            photos, truths = root / "rgb_anon" / condition / part, root / "gt" / condition / part
            ends = "_rgb_anon.png", truths, ["_gt_labelTrainIds.png"]
            found += pairs(
                photos, *ends, prefix=f"{condition}/", cluster=lambda name: name.split("/")[0], whole=False
            )
        return require(found, root / "gt")

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """As the base class, with as many train images of each condition."""
        root, some = self.root(data), BLIND_IMAGES // len(CONDITIONS)
        found = [one for name in CONDITIONS for one in self.samples(root, f"train-{name}")[:some]]
        return self.scorer.prior([resize_nearest(self.read_truth(one), BLIND_SIZE) for one in found])


BENCHMARK = Acdc("acdc")
