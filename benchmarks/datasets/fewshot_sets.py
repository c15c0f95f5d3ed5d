"""The folds of PASCAL-5i and COCO-20i, in HSNet's layout and in the official downloads.

Official, without anybody's lists: ``VOCdevkit/VOC2012/{JPEGImages,SegmentationClass}`` with VOC's own val
list (split "voc": every val image whose mask shows a class of the fold), and COCO's
``annotations/instances_val{2014,2017}.json`` (every image with an annotation of the class; its mask is the
union of them, crowds too). Examples show at least ``least_example`` pixels of the class, which HSNet's lists
do not ask for: these numbers are not those of the split "val".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np

from visiongen.benchmarks.datasets.coco_json import by_id, read_json, to_mask, to_runs
from visiongen.benchmarks.datasets.fewshot import FOLDS, FewShot, Pool, Shown
from visiongen.benchmarks.datasets.files import Sample, read_list, require
from visiongen.benchmarks.datasets.label_images import read_index
from visiongen.benchmarks.datasets.refcoco import read_plain
from visiongen.benchmarks.protocols import load_protocol
from visiongen.errors import InputError, MissingDataError

TINY = 100.0  # pixels: annotations of less may rasterise to nothing


class Pascal5i(FewShot):
    """Five classes a fold: 1-5, 6-10, 11-15, 16-20."""

    folders: ClassVar[tuple[str, ...]] = ("VOC2012", "VOCdevkit/VOC2012", "Datasets_HSN/VOC2012")
    marker: ClassVar[str] = "SegmentationClassAug"
    lists: ClassVar[str] = "pascal/val/fold{fold}.txt"
    numbers: ClassVar[int] = 20
    in_turn: ClassVar[bool] = True

    def names(self, listed: Path) -> Iterator[tuple[int, str]]:
        """Lines like 2007_000033__01: photo and class."""
        for line in read_list(listed):
            name, _, number = line.partition("__")
            if not number.isdigit():
                raise InputError(f"{listed}: line {line!r} is not NAME__CLASS; copy the list again")
            yield int(number), name

    def files_of(self, root: Path, name: str) -> tuple[Path, Path]:
        """See the class."""
        return root / f"JPEGImages/{name}.jpg", root / f"SegmentationClassAug/{name}.png"

    def official_list(self, root: Path, split: str) -> Path:
        """VOC's list; its masks lie in SegmentationClass, where Aug's may differ."""
        return root / "ImageSets/Segmentation/val.txt"

    def official(self, root: Path, split: str) -> Pool:
        """Every mask of the list is looked at."""
        listed = self.official_list(root, split)
        samples = [
            Sample(name, root / f"JPEGImages/{name}.jpg", (root / f"SegmentationClass/{name}.png",))
            for name in sorted(read_list(listed))
        ]
        found: dict[int, list[Shown]] = {number: [] for number in self.protocol["class_ids"]}
        for one in require(samples, listed):
            pixels = np.bincount(read_index(one.truth[0]).ravel(), minlength=256)
            for number, some in found.items():
                if pixels[number]:
                    large = bool(pixels[number] >= self.protocol["least_example"])
                    some.append(Shown(one.id, one.photo, one.truth[0], None, large))
        return found


class Coco20i(FewShot):
    """Twenty classes a fold: every fourth of COCO's 80 in their order, which HSNet's masks number from 1."""

    folders: ClassVar[tuple[str, ...]] = ("COCO2014", "Datasets_HSN/COCO2014", "coco", "COCO", "coco2017")
    marker: ClassVar[str] = "annotations/val2014"
    lists: ClassVar[str] = "coco/val/fold{fold}.pkl"
    numbers: ClassVar[int] = 80
    borders: ClassVar[bool] = False

    def names(self, listed: Path) -> Iterator[tuple[int, str]]:
        """A pickled table: class from 0 -> paths like val2014/COCO_val2014_000000000042.jpg."""
        table = read_plain(listed)
        try:
            found = [(int(kind) + 1, str(PurePosixPath(n))) for kind, names in table.items() for n in names]
        except (AttributeError, TypeError, ValueError) as error:
            raise InputError(f"{listed}: no table of class and photos ({error}); copy it again") from error
        yield from found

    def files_of(self, root: Path, name: str) -> tuple[Path, Path]:
        """See the class."""
        return root / name, root / "annotations" / PurePosixPath(name).with_suffix(".png")

    def official_list(self, root: Path, split: str) -> Path:
        """COCO's annotations."""
        return root / f"annotations/instances_{split}.json"

    @cached_property
    def categories(self) -> dict[int, tuple[int, str]]:
        """COCO's category id -> class number from 1 and name, of the fold's classes."""
        ids = load_protocol("coco-instance")["category_ids"]
        pairs = zip(self.protocol["class_ids"], self.protocol["classes"], strict=True)
        return {ids[number - 1]: (number, name) for number, name in pairs}

    def official(self, root: Path, split: str) -> Pool:
        """By image number. InputError: the file's categories are not COCO's."""
        path = self.official_list(root, split)
        content = read_json(path, ("images", "annotations", "categories"))
        self._check(content["categories"], path)
        photos = next((one for one in (root / split, root / "images" / split) if one.is_dir()), None)
        if photos is None:
            raise MissingDataError(f"{root / split}: missing; complete the dataset")
        images = by_id(content["images"], path, "image")
        wanted: dict[tuple[int, int], list[dict[str, Any]]] = {}
        for row in content["annotations"]:
            if row.get("category_id") in self.categories:
                if row.get("image_id") not in images:
                    raise InputError(f"{path}: annotation {row.get('id')} is of an image that is not listed")
                number = self.categories[row["category_id"]][0]
                wanted.setdefault((number, row["image_id"]), []).append(row)
        found: dict[int, list[Shown]] = {number: [] for number in self.protocol["class_ids"]}
        for (number, image), rows in sorted(wanted.items()):
            found[number] += self._shown(images[image], rows, photos)
        return found

    def _check(self, categories: Sequence[dict[str, Any]], path: Path) -> None:
        told = {row.get("id"): row.get("name") for row in categories}
        for category, (_, name) in self.categories.items():
            if told.get(category) != name:
                raise InputError(
                    f"{path}: category {category} is {told.get(category)!r}, not {name!r}; use COCO's file"
                )

    def _shown(self, image: dict[str, Any], rows: Sequence[dict[str, Any]], photos: Path) -> list[Shown]:
        """The photo, unless its annotations are so small that no pixel is theirs."""
        area = sum(float(row.get("area", 0)) for row in rows)
        note = {
            "image": image["id"],
            "size": [image["height"], image["width"]],
            "annotations": [[row["id"], row["segmentation"]] for row in rows],
        }
        photo = photos / str(image["file_name"])
        one = Shown(photo.stem, photo, None, note, area >= self.protocol["least_example"])
        return [one] if area >= TINY or self._union(one).any() else []

    def labels(self, shown: Shown, kind: int) -> np.ndarray:
        """As the base class; of annotations their union."""
        return super().labels(shown, kind) if shown.note is None else self._union(shown)

    def _union(self, shown: Shown) -> np.ndarray:
        height, width = shown.note["size"]
        mask = np.zeros((height, width), bool)
        for number, segmentation in shown.note["annotations"]:
            where = f"{self.name}, image {shown.note['image']}, annotation {number}"
            mask |= to_mask(to_runs(segmentation, (height, width), where))
        return mask.astype(np.uint8)


PASCAL_0, PASCAL_1, PASCAL_2, PASCAL_3 = (Pascal5i(f"pascal-5i-{fold}") for fold in FOLDS)
COCO_0, COCO_1, COCO_2, COCO_3 = (Coco20i(f"coco-20i-{fold}") for fold in FOLDS)
