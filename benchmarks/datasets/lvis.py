"""LVIS v1 (Gupta et al. 2019): 1203 classes on COCO's photos, annotated federally.

Official layout: ``lvis_v1_val.json`` beside COCO's ``train2017/`` and ``val2017/``: the val split has photos
of both, and ``coco_url`` says which. For each image the file names classes that are known not to be there
(``neg_category_ids``) and those of which not every instance is outlined.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from visiongen.benchmarks.datasets.coco_instances import CocoInstances, Row
from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.metrics.coco import Truths
from visiongen.errors import InputError

FEDERAL = ("neg_category_ids", "not_exhaustive_category_ids")


class Lvis(CocoInstances):
    """See the module; the protocol is protocols/lvis.toml. Its legend, of 255 entries, has the commonest."""

    folders: ClassVar[tuple[str, ...]] = ("lvis", "LVIS", "coco", "COCO")
    marker: ClassVar[str] = "lvis_v1_val.json"

    def sample(self, image: Row, rows: Sequence[Row], root: Path, folders: Sequence[str]) -> Sample:
        """As COCO's, with what the image's federation says. InputError: an unknown class there."""
        found = super().sample(image, rows, root, folders)
        for key in FEDERAL:
            odd = [number for number in image[key] if number not in self.places]
            if odd:
                raise InputError(f"{self.name}: image {image['id']}: {key} has the unknown class {odd[0]}")
            found.note[key] = [self.places[number] for number in image[key]]
        return found

    def photo_of(self, image: Row, root: Path, folders: Sequence[str]) -> Path:
        """By the last two parts of ``coco_url``: train2017/000000391895.jpg."""
        folder, name = str(image["coco_url"]).split("/")[-2:]
        near = [root / folder, root / "images" / folder, root.parent / folder, root.parent / "coco" / folder]
        return next((place for place in near if place.is_dir()), near[0]) / name

    def read_truth(self, sample: Sample) -> Truths:
        """Truths, with classes that were sought in vain or are outlined in part."""
        return self.truths(sample, **{key: tuple(sample.note[key]) for key in FEDERAL})


LVIS = Lvis("lvis")
