"""comma10k (github.com/commaai/comma10k): road cameras, five classes in coloured masks.

Official layout: ``imgs/NAME.png`` and ``masks/NAME.png``. Names that end in 9 are the validation split. There
is no release and no official count: a split is what the folder holds. Masks are matched by colour: their gray
values, which the published baseline reads, come out differently with every library.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.datasets.label_images import ColouredPhotos, pairs


class Comma10k(ColouredPhotos):
    """See the module; the protocol is protocols/comma10k.toml. A drive is a cluster."""

    folders: ClassVar[tuple[str, ...]] = ("comma10k",)
    marker: ClassVar[str] = "imgs"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """By name."""
        photos, masks = root / "imgs", root / "masks"
        return pairs(
            photos,
            ".png",
            masks,
            [".png"],
            cluster=drive,
            wanted=lambda name: name.endswith("9") == (split == "val"),
        )


def drive(name: str) -> str:
    """Car and start of NUMBER_CAR_START_MINUTE_FRAME."""
    return "_".join(name.split("_")[1:3])


BENCHMARK = Comma10k("comma10k")
