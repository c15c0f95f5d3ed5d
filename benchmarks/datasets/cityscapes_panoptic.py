"""Cityscapes' panoptic segmentation, in the files that cityscapesScripts makes of the labels.

Layout (``preparation/createPanopticImgs.py``): ``gtFine/cityscapes_panoptic_{split}.json`` and
``gtFine/cityscapes_panoptic_{split}/CITY_SEQ_FRAME_gtFine_panoptic.png`` (or both with ``_trainId``), photos
in ``leftImg8bit/{split}/CITY/CITY_SEQ_FRAME_leftImg8bit.png``. The JSON calls the photo
``..._gtFine_leftImg8bit.png``, a name that no file has: the photo is found by the image's id.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from visiongen.benchmarks.datasets.coco_panoptic import CocoPanoptic


class CityscapesPanoptic(CocoPanoptic):
    """See the module; the protocol is protocols/cityscapes-panoptic.toml. A city is a cluster."""

    folders: ClassVar[tuple[str, ...]] = ("cityscapes", "Cityscapes")
    marker: ClassVar[str] = "gtFine"

    def name_of(self, image: dict[str, Any]) -> str:
        """CITY/CITY_SEQ_FRAME."""
        return f"{self.cluster_of(image)}/{image['id']}"

    def photo_of(self, image: dict[str, Any], photos: Path) -> Path:
        """By the image's id."""
        return photos / self.cluster_of(image) / f"{image['id']}_leftImg8bit.png"

    def cluster_of(self, image: dict[str, Any]) -> str:
        """The city."""
        return str(image["id"]).split("_")[0]


BENCHMARK = CityscapesPanoptic("cityscapes-panoptic")
