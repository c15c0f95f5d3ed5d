"""COCO's panoptic segmentation (Kirillov et al. 2019): segments in a JSON file, a picture of ids an image.

Official layout: ``annotations/panoptic_{train,val}2017.json``, pictures
``annotations/panoptic_{train,val}2017/%012d.png`` (or beside ``annotations/``), photos in
``{train,val}2017/``. A pixel's id is R + 256 G + 65536 B, 0 is void. Picture and JSON must name the same
segments. Which files and folders a split has is data, in the protocol: ``files``, a table split ->
{json, maps, photos}, each a list of places; the first that is there counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from visiongen.benchmarks.datasets.coco_json import annotated_photo, by_id, read_json
from visiongen.benchmarks.datasets.files import FilesBenchmark, Sample, require
from visiongen.benchmarks.metrics.panoptic import MANY, PanopticTruth, labels_of
from visiongen.errors import InputError, MissingDataError
from visiongen.prompt import Legend
from visiongen.tasks.coco_panoptic import read_ids

Row = dict[str, Any]


class CocoPanoptic(FilesBenchmark):
    """See the module; the protocol is protocols/coco-panoptic.toml.

    Every image is asked for the same: the protocol's ``legend``, that is all classes and "border".
    """

    folders: ClassVar[tuple[str, ...]] = ("coco", "COCO", "coco2017")
    marker: ClassVar[str] = "annotations/panoptic_val2017.json"

    @cached_property
    def options(self) -> dict[str, Any]:
        """What every image is asked."""
        return {"legend": Legend.parse(self.protocol["legend"]), "things": tuple(self.protocol["things"])}

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """By image id. InputError: the file does not fit the protocol; each image needs one annotation."""
        files = self.protocol["files"][split]
        path, maps, photos = (_first(root, files[part]) for part in ("json", "maps", "photos"))
        content = read_json(path, ("images", "annotations", "categories"))
        places = self.places(content["categories"], path)
        images = by_id(content["images"], path, "image")
        rows: dict[Any, Row] = {}
        for row in content["annotations"]:
            number = row.get("image_id")
            if number not in images or number in rows:
                raise InputError(f"{path}: image {number} is not listed or annotated twice; fetch it again")
            rows[number] = row
        bare = sorted(set(images) - set(rows))
        if bare:
            raise InputError(f"{path}: image {bare[0]} has no annotation; fetch the file again")
        found = [self._sample(images[n], rows[n], places, maps, photos) for n in sorted(rows)]
        return require(found, path)

    def places(self, categories: Sequence[Row], path: Path) -> dict[int, int]:
        """Category id -> position in ``classes``, by name; InputError: one that the protocol has not."""
        classes, found = self.protocol["classes"], {}
        for row in categories:
            name = row["name"]
            if name not in classes or bool(row["isthing"]) != (name in self.protocol["things"]):
                kind = "thing" if row["isthing"] else "stuff"
                raise InputError(
                    f"{path}: category {row['id']} is the {kind} {name!r}; use {self.name}'s file"
                )
            found[int(row["id"])] = classes.index(name)
        return found

    def _sample(self, image: Row, row: Row, places: dict[int, int], maps: Path, photos: Path) -> Sample:
        picture = maps / str(row["file_name"])
        segments, seen = [], set()
        for one in row["segments_info"]:
            if one["category_id"] not in places:
                raise InputError(
                    f"{picture}: segment {one['id']} has the unknown category {one['category_id']}"
                )
            if one["id"] in seen or not 0 < one["id"] < 1 << 24:
                raise InputError(f"{picture}: segment {one['id']} is in the JSON twice or no 24-bit number")
            seen.add(one["id"])
            segments.append([one["id"], places[one["category_id"]], int(one["iscrowd"]), int(one["area"])])
        note = {"size": [image["height"], image["width"]], "segments": segments}
        name, photo = self.name_of(image), self.photo_of(image, photos)
        return Sample(name, photo, (picture,), note, self.options, self.cluster_of(image))

    def name_of(self, image: Row) -> str:
        """The item's id."""
        return Path(image["file_name"]).stem

    def photo_of(self, image: Row, photos: Path) -> Path:
        """Where the photo lies."""
        return photos / str(image["file_name"])

    def cluster_of(self, image: Row) -> str:
        """Images that are not independent."""
        return ""

    def read_photo(self, sample: Sample) -> np.ndarray:
        """As the base class; InputError when it has not the size that the annotations are made for."""
        return annotated_photo(sample.photo, sample.note["size"])

    def read_truth(self, sample: Sample) -> PanopticTruth:
        """Labels class * 1000 + number from 1 on, also of stuff; crowds; areas unlike the picture's.

        InputError: damaged, or the segments of picture and JSON are not the same.
        """
        picture, segments = sample.truth[0], sample.note["segments"]
        ids = read_ids(read_rgb(picture, tuple(sample.note["size"])))
        labels = labels_of(ids, [(one, place) for one, place, _, _ in segments], str(picture))
        numbered = _numbers([place for _, place, _, _ in segments])
        pixels = dict(zip(*(part.tolist() for part in np.unique(labels, return_counts=True)), strict=True))
        rows = list(zip(numbered, segments, strict=True))
        crowd = tuple(label for label, one in rows if one[2])
        areas = {label: one[3] for label, one in rows if one[3] != pixels[label]}
        return PanopticTruth(labels, crowd, areas)


def _numbers(places: Sequence[int]) -> list[int]:
    """Labels of segments of these classes, in the order of the JSON, as ``labels_of`` counts them."""
    count: dict[int, int] = {}
    labels = []
    for place in places:
        count[place] = count.get(place, 0) + 1
        labels.append(place * MANY + count[place])
    return labels


def _first(root: Path, places: Sequence[str]) -> Path:
    for place in places:
        if (root / place).exists():
            return root / place
    raise MissingDataError(f"{root / places[0]}: missing; complete the dataset")


def read_rgb(path: Path, size: tuple[int, int]) -> np.ndarray:
    """A picture of ids uint8 (H, W, 3) of a known size; InputError: damaged, of another size or kind."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode not in ("RGB", "RGBA"):
                raise InputError(f"{path}: mode {image.mode} is no picture of ids; use the official PNG")
            values = np.asarray(image.convert("RGB") if image.mode == "RGB" else image)[..., :3]
    except (OSError, SyntaxError) as error:
        raise InputError(f"{path}: damaged picture ({error}); fetch it again") from error
    if values.shape[:2] != size:
        raise InputError(f"{path}: {values.shape[:2]}, but the JSON says {size}; fetch it again")
    return values


COCO = CocoPanoptic("coco-panoptic")
