"""COCO's instances (Lin et al. 2014): annotations in one JSON file, photos in one folder.

Official layout: ``annotations/instances_{train,val}2017.json`` and ``{train,val}2017/%012d.jpg`` (or below
``images/``). Which file and folders a split has is data, in the protocol: ``files``, a table split -> the
annotations and the folders that may hold the photos; ``category_ids``, the file's number of each of
``classes``. Crowds are run lengths and stay crowds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from visiongen.benchmarks.datasets.coco_json import annotated_photo, by_id, read_json, to_runs
from visiongen.benchmarks.datasets.files import FilesBenchmark, Sample, require
from visiongen.benchmarks.metrics.coco import Truths
from visiongen.errors import InputError, MissingDataError
from visiongen.prompt import Legend

Row = dict[str, Any]


class CocoInstances(FilesBenchmark):
    """See the module; the protocol is protocols/coco-instance.toml.

    Every image is asked for the same: the protocol's ``legend``, that is all classes, "other" and "border".
    """

    folders: ClassVar[tuple[str, ...]] = ("coco", "COCO", "coco2017")
    marker: ClassVar[str] = "annotations/instances_val2017.json"

    @cached_property
    def places(self) -> dict[int, int]:
        """Category id of the file -> position in ``classes``."""
        classes = self.protocol["classes"]
        numbers = self.protocol.get("category_ids", range(1, len(classes) + 1))
        return {number: place for place, number in enumerate(numbers)}

    @cached_property
    def options(self) -> dict[str, Any]:
        """What every image is asked."""
        if "legend" not in self.protocol:
            return {}
        return {
            "legend": Legend.parse(self.protocol["legend"]),
            "things": tuple(self.protocol.get("things", self.protocol["classes"])),
        }

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """By image number; images without an instance too. InputError: the file does not fit the protocol."""
        name, *folders = self.protocol["files"][split]
        path = root / name
        content = read_json(path, ("images", "annotations", "categories"))
        self.check_categories(content["categories"], path)
        images = by_id(content["images"], path, "image")
        rows: dict[int, list[Row]] = {number: [] for number in images}
        for row in by_id(content["annotations"], path, "annotation").values():
            rows[self._image_of(row, images, path)].append(row)
        found = [self.sample(images[n], rows[n], root, folders) for n in sorted(images)]
        return require(found, path)

    def check_categories(self, categories: Sequence[Row], path: Path) -> None:
        """InputError for a category that the protocol has not, or calls something else."""
        for row in categories:
            place = self.places.get(row["id"])
            wanted = None if place is None else self.protocol["classes"][place]
            if row["name"] != wanted:
                raise InputError(
                    f"{path}: category {row['id']} is {row['name']!r}, not {wanted!r}; use {self.name}'s"
                )

    def _image_of(self, row: Row, images: dict[int, Row], path: Path) -> int:
        if row.get("image_id") not in images:
            raise InputError(
                f"{path}: annotation {row['id']} is of image {row.get('image_id')}, which is not listed"
            )
        if row.get("category_id") not in self.places:
            raise InputError(
                f"{path}: annotation {row['id']} has the unknown category {row.get('category_id')}"
            )
        return int(row["image_id"])

    def sample(self, image: Row, rows: Sequence[Row], root: Path, folders: Sequence[str]) -> Sample:
        """The photo, and its annotations as the note."""
        kept = ("id", "category_id", "segmentation", "iscrowd", "area")
        note = {
            "size": [image["height"], image["width"]],
            "annotations": [{key: row.get(key, 0) for key in kept} for row in rows],
        }
        photo = self.photo_of(image, root, folders)
        return Sample(photo.stem, photo, (), note, self.options)

    def photo_of(self, image: Row, root: Path, folders: Sequence[str]) -> Path:
        """Where the photo lies: in the first folder that is there."""
        for folder in folders:
            if (root / folder).is_dir():
                return root / folder / str(image["file_name"])
        raise MissingDataError(f"{root / folders[0]}: missing; complete the dataset")

    def read_photo(self, sample: Sample) -> np.ndarray:
        """As the base class; InputError when it has not the size that the annotations are made for."""
        return annotated_photo(sample.photo, sample.note["size"])

    def read_truth(self, sample: Sample) -> Any:
        """Truths; areas are the annotations' own."""
        return self.truths(sample)

    def truths(self, sample: Sample, **more: Any) -> Truths:
        """The note as Truths; InputError names the annotation whose segmentation is damaged."""
        height, width = sample.note["size"]
        rows = sample.note["annotations"]
        where = f"{self.name}, image {sample.id}, annotation"
        return Truths(
            (height, width),
            np.array([self.places[row["category_id"]] for row in rows], np.int64),
            [to_runs(row["segmentation"], (height, width), f"{where} {row['id']}") for row in rows],
            np.array([bool(row["iscrowd"]) for row in rows], bool),
            np.array([row["area"] for row in rows], np.float64),
            **more,
        )


COCO = CocoInstances("coco-instance")
