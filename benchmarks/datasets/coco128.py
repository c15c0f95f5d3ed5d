"""The first images of COCO train2017 with outlines, in COCO's JSON, with and without classes.

Pack: ``coco128_inst/instances.json`` and ``coco128_inst/images/%012d.jpg``, 80 of the 128 images. The
outlines come from a YOLO export that joins the parts of an instance by slits and drops crowds, and networks
pre-trained on COCO have seen the photos: the numbers are for comparing runs, not with COCO's.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from visiongen.benchmarks.datasets.coco_instances import CocoInstances
from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.scorers.coco import paint


class Coco128(CocoInstances):
    """See the module; the protocol is protocols/coco128.toml."""

    folders: ClassVar[tuple[str, ...]] = ("coco128_inst",)
    marker: ClassVar[str] = "instances.json"


class Agnostic(Coco128):
    """The same instances as ids, whatever their class; small ones lie over large ones."""

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Ids int32 (H, W), 0 = none."""
        labels = paint(self.truths(sample))
        known, index = np.unique(labels, return_inverse=True)
        return (index.reshape(labels.shape) + int(known[0] >= 0)).astype(np.int32)  # void is 0


COCO128 = Coco128("coco128")
AGNOSTIC = Agnostic("coco128-agnostic")
