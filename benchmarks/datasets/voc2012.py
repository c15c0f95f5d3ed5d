"""PASCAL VOC 2012's segmentation (Everingham et al.): 20 classes and background, 255 = border, not scored.

Official layout: ``VOCdevkit/VOC2012/{JPEGImages/ID.jpg, SegmentationClass/ID.png,
ImageSets/Segmentation/{train,val,trainval}.txt}``. Label pictures have a palette; its indices are the labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from visiongen.benchmarks.datasets.files import Sample, read_list, require
from visiongen.benchmarks.datasets.label_images import LabelledPhotos


class Voc2012(LabelledPhotos):
    """See the module; the protocol is protocols/voc2012.toml."""

    folders: ClassVar[tuple[str, ...]] = ("VOCdevkit/VOC2012", "VOC2012", "voc2012")
    marker: ClassVar[str] = "ImageSets/Segmentation"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """In the order of the list."""
        listed = root / self.marker / f"{split}.txt"
        return require([self.sample(root, name) for name in read_list(listed)], listed)

    def sample(self, root: Path, name: str) -> Sample:
        """One line of a list."""
        return Sample(name, root / f"JPEGImages/{name}.jpg", (root / f"SegmentationClass/{name}.png",))


BENCHMARK = Voc2012("voc2012")
