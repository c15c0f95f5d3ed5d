"""PASCAL-5i (Shaban et al. 2017) and COCO-20i (Nguyen and Todorovic 2019): classes that examples show.

Layout and lists are HSNet's (github.com/juhongm999/hsnet), whose data SegGPT uses too: photos and masks in
``VOC2012/{JPEGImages,SegmentationClassAug}`` (VOC with SBD's masks) and
``COCO2014/{val2014,annotations/val2014}``: PNGs of class numbers from 1, 0 = background, 255 = border.
Lists: its repository's ``data/splits/{pascal,coco}/val/fold{0..3}.{txt,pkl}``, as ``splits/`` or
``data/splits/`` in those folders or beside them.

An episode is a class of the fold, a query photo and ``shots`` other photos of that class. HSNet draws them
from numpy's global state; here episode i depends on (seed, i) alone, with one query whatever the ``shots``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np

from visiongen.benchmarks.datasets.files import BLIND_IMAGES, FilesBenchmark, Sample, read_list, require
from visiongen.benchmarks.datasets.label_images import VOID, lookup, read_index, to_positions
from visiongen.benchmarks.datasets.listed import BLIND_SIZE
from visiongen.benchmarks.datasets.refcoco import read_plain
from visiongen.benchmarks.scorers.fewshot import FewShotTruth
from visiongen.errors import InputError, MissingDataError, UsageError
from visiongen.image import read_image
from visiongen.prompt import MAX_EXAMPLES
from visiongen.resize import resize_nearest

MAPS = "alpha/gray@1"  # how example maps are painted: white = the class
FOLDS = range(4)
Pool = Mapping[int, Sequence[str]]  # class number -> names of its photos


class FewShot(FilesBenchmark):
    """One fold. Protocol: ``fold``, ``class_ids`` (of ``classes``, in the masks), ``shots`` and ``seed``."""

    lists: ClassVar[str]  # below a folder "splits"
    numbers: ClassVar[int]  # classes of all folds

    @abstractmethod
    def pool(self, listed: Path) -> Pool:
        """The photos of each class that a list file names."""

    @abstractmethod
    def photo_of(self, root: Path, name: str) -> Path:
        """Where the photo of a name lies."""

    @abstractmethod
    def mask_of(self, root: Path, name: str) -> Path:
        """Where its mask lies."""

    def find_list(self, root: Path) -> Path:
        """The fold's list file, beside the folder or in it; MissingDataError: none."""
        listed = self.lists.format(fold=self.protocol["fold"])
        places = [up / part / listed for up in (root.parent, root) for part in ("splits", "data/splits")]
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            raise MissingDataError(f"{places[0]}: missing; copy it from HSNet's repository (data/splits)")
        return found

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """As many episodes as the protocol says; ids are their numbers."""
        shots, listed = self.protocol["shots"], self.find_list(root)
        if not 1 <= shots <= MAX_EXAMPLES:
            raise UsageError(
                f"protocol {self.name!r}: shots = {shots}; 1 to {MAX_EXAMPLES} examples are read"
            )
        pool = self.pool(listed)
        for number in self.protocol["class_ids"]:
            if len(set(pool.get(number, ()))) <= shots:
                raise InputError(f"{listed}: class {number} needs more than {shots} photos; copy it again")
        count = self.protocol["splits"][split]
        return require([self._episode(root, pool, number) for number in range(count)], listed)

    def _episode(self, root: Path, pool: Pool, number: int) -> Sample:
        rng = np.random.default_rng([self.protocol["seed"], number])
        kind = int(rng.integers(len(self.protocol["class_ids"])))
        names = sorted(set(pool[self.protocol["class_ids"][kind]]))
        query, *shown = (names[i] for i in rng.permutation(len(names))[: 1 + self.protocol["shots"]])
        truth = [self.mask_of(root, query)]
        for name in shown:
            truth += [self.photo_of(root, name), self.mask_of(root, name)]
        return Sample(
            f"{number:04d}",
            self.photo_of(root, query),
            tuple(truth),
            {"kind": kind},
            {"example_codec": MAPS},
            cluster=query,
        )

    def heavy(self, sample: Sample) -> Callable[[], Mapping[str, Any]]:
        """The examples: photos, and maps that are white where the class is."""
        return partial(self._examples, sample)

    def _examples(self, sample: Sample) -> Mapping[str, Any]:
        photos, masks = sample.truth[1::2], sample.truth[2::2]
        maps = [np.where(self._labels(mask, sample.note["kind"]) == 1, 255, 0) for mask in masks]
        shown = [np.repeat(one[..., None].astype(np.uint8), 3, axis=2) for one in maps]
        return {"examples": tuple((read_image(p), m) for p, m in zip(photos, shown, strict=True))}

    def read_truth(self, sample: Sample) -> FewShotTruth:
        """The query's labels and its class."""
        kind = sample.note["kind"]
        return FewShotTruth(self._labels(sample.truth[0], kind), kind)

    def _labels(self, path: Path, kind: int) -> np.ndarray:
        """uint8 (H, W): 1 = the class, 0 = the rest, 255 = border; InputError: it has none of the class."""
        number = self.protocol["class_ids"][kind]
        stored = to_positions(read_index(path), lookup(range(self.numbers + 1), [VOID]), path)
        if not (stored == number).any():
            raise InputError(f"{path}: no pixel of class {number}, for which it is listed; fetch it again")
        return np.where(stored == VOID, VOID, stored == number).astype(np.uint8)

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """The blob that fits the first example of the first 200 episodes best."""
        some = self.samples(self.root(data), self.protocol["blind_split"])[:BLIND_IMAGES]
        masks = [self._labels(one.truth[2], one.note["kind"]) for one in some]
        small = [FewShotTruth(resize_nearest(mask, BLIND_SIZE), 0) for mask in masks]
        return self.scorer.prior(small)


class Pascal5i(FewShot):
    """Five classes a fold: 1-5, 6-10, 11-15, 16-20."""

    folders: ClassVar[tuple[str, ...]] = ("VOC2012", "VOCdevkit/VOC2012", "Datasets_HSN/VOC2012")
    marker: ClassVar[str] = "SegmentationClassAug"
    lists: ClassVar[str] = "pascal/val/fold{fold}.txt"
    numbers: ClassVar[int] = 20

    def pool(self, listed: Path) -> Pool:
        """Lines like 2007_000033__01: photo and class."""
        found: dict[int, list[str]] = {}
        for line in read_list(listed):
            name, _, number = line.partition("__")
            if not number.isdigit():
                raise InputError(f"{listed}: line {line!r} is not NAME__CLASS; copy the list again")
            found.setdefault(int(number), []).append(name)
        return found

    def photo_of(self, root: Path, name: str) -> Path:
        """See the class."""
        return root / f"JPEGImages/{name}.jpg"

    def mask_of(self, root: Path, name: str) -> Path:
        """See the class."""
        return root / f"SegmentationClassAug/{name}.png"


class Coco20i(FewShot):
    """Twenty classes a fold: every fourth of COCO's 80 in their order, which the masks number from 1."""

    folders: ClassVar[tuple[str, ...]] = ("COCO2014", "Datasets_HSN/COCO2014")
    marker: ClassVar[str] = "annotations/val2014"
    lists: ClassVar[str] = "coco/val/fold{fold}.pkl"
    numbers: ClassVar[int] = 80

    def pool(self, listed: Path) -> Pool:
        """A pickled table: class from 0 -> paths like val2014/COCO_val2014_000000000042.jpg."""
        table = read_plain(listed)
        try:
            return {
                int(kind) + 1: [str(PurePosixPath(name)) for name in names] for kind, names in table.items()
            }
        except (AttributeError, TypeError, ValueError) as error:
            raise InputError(f"{listed}: no table of class and photos ({error}); copy it again") from error

    def photo_of(self, root: Path, name: str) -> Path:
        """See the class."""
        return root / name

    def mask_of(self, root: Path, name: str) -> Path:
        """See the class."""
        return root / "annotations" / PurePosixPath(name).with_suffix(".png")


PASCAL_0, PASCAL_1, PASCAL_2, PASCAL_3 = (Pascal5i(f"pascal-5i-{fold}") for fold in FOLDS)
COCO_0, COCO_1, COCO_2, COCO_3 = (Coco20i(f"coco-20i-{fold}") for fold in FOLDS)
