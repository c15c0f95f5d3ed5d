"""ADE20K, SceneParsing-150 (Zhou et al. 2017): 150 classes; 0 in a label picture is unlabelled.

Official layout: ``ADEChallengeData2016/images/{training,validation}/ADE_{train,val}_%08d.jpg`` and
``ADEChallengeData2016/annotations/{training,validation}/*.png`` (github.com/CSAILVision/sceneparsing). The
stored value of a class is its line in ``objectInfo150.txt``, from 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.datasets.label_images import LabelledPhotos, pairs

FOLDERS = {"val": "validation", "train": "training"}


class Ade20k(LabelledPhotos):
    """See the module; the protocol is protocols/ade20k.toml."""

    folders: ClassVar[tuple[str, ...]] = ("ADEChallengeData2016", "ade20k", "ade/ADEChallengeData2016")
    marker: ClassVar[str] = "annotations/validation"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """By name."""
        folder = FOLDERS[split]
        return pairs(root / "images" / folder, ".jpg", root / "annotations" / folder, [".png"])


BENCHMARK = Ade20k("ade20k")
