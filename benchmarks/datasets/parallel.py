"""Datasets of parallel folders: photos in one, their truths in others, paired by the files' names.

Most saliency and matting sets come so, without a list: the order is that of the names. Where the folders
may lie below the data root is data, in the protocol: ``layouts``, a table split -> list of layouts, each a
list of folders: the photos', then one a truth.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from visiongen.benchmarks.datasets.files import BLIND_IMAGES, FilesBenchmark, Sample, require
from visiongen.data import data_root
from visiongen.errors import InputError, MissingDataError
from visiongen.image import SUFFIXES
from visiongen.resize import resize_linear

BLIND_SIZE = (96, 128)  # truths are brought to this size before a blind guess is made from them


class ParallelFolders(FilesBenchmark):
    """See the module; a subclass reads the truth."""

    folders: ClassVar[tuple[str, ...]] = ()
    marker: ClassVar[str] = ""

    def root(self, data: str | Path | None) -> Path:
        """The data root, when a whole layout of any split lies there; MissingDataError: what was sought."""
        root = data_root(data)
        splits = self.protocol["layouts"]
        if not any(_is_there(root, one) for layouts in splits.values() for one in layouts):
            raise self._missing(root, self.protocol["default_split"])
        return root

    def layout(self, root: Path, split: str) -> list[Path]:
        """The folders of a split, photos first; MissingDataError names the ones that are sought."""
        for one in self.protocol["layouts"][split]:
            if _is_there(root, one):
                return [root / folder for folder in one]
        raise self._missing(root, split)

    def _missing(self, root: Path, split: str) -> MissingDataError:
        sought = " or ".join(" + ".join(one) for one in self.protocol["layouts"][split])
        return MissingDataError(
            f"{root}: no {self.name} split {split!r} there ({sought}); give the folder above as --data"
        )

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """Every photo of the split with its truths, by name (numbers by value)."""
        photos, *truths = self.layout(root, split)
        return paired(sorted(pictures(photos), key=by_number), photos, truths)

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """As the base class; truths are first brought to ``BLIND_SIZE``: some are 24 million pixels large."""
        split = self.protocol.get("blind_split", "train")
        samples = self.samples(self.root(data), split)[: self.protocol.get("blind_images", BLIND_IMAGES)]
        return self.scorer.prior([resize_linear(self.read_truth(one), BLIND_SIZE) for one in samples])


def _is_there(root: Path, layout: Sequence[str]) -> bool:
    return all((root / folder).is_dir() for folder in layout)


def pictures(folder: Path) -> dict[str, Path]:
    """Stem -> file of every picture in a folder, hidden ones left out.

    MissingDataError: there is none. InputError: two of one stem, of which the folder's order would choose.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        if path.stem in found:
            raise InputError(f"{path}: {found[path.stem].name} has the same name; keep the official one")
        found[path.stem] = path
    if not found:
        raise MissingDataError(f"{folder}: no picture there; complete the dataset")
    return found


def paired(names: Sequence[str], photos: Path, truths: Sequence[Path]) -> Sequence[Sample]:
    """Samples of the names; MissingDataError: a file that one of them lacks, or a truth without a photo."""
    seen, kept = pictures(photos), [pictures(folder) for folder in truths]
    alone = sorted(set(kept[0]) - set(seen), key=by_number)
    if alone:
        raise MissingDataError(f"{kept[0][alone[0]]}: has no photo in {photos}; complete the dataset")
    samples = [
        Sample(
            name,
            seen.get(name, photos / f"{name}.jpg"),
            tuple(
                files.get(name, folder / f"{name}.png") for folder, files in zip(truths, kept, strict=True)
            ),
        )
        for name in names
    ]
    return require(samples, photos)


def by_number(name: str) -> list[tuple[int, int, str]]:
    """Sort key: runs of digits by their value, so that x_2 comes before x_10."""
    parts = re.split(r"(\d+)", name)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]


def read_gray(path: Path) -> np.ndarray:
    """A picture's brightness uint8 (H, W), whether it has 1, 8 or 16 bits; InputError: damaged."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode.startswith("I"):
                return ((np.asarray(image).astype(np.int64) + 128) // 257).clip(0, 255).astype(np.uint8)
            return np.asarray(image.convert("L"))
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{path}: damaged picture ({error}); fetch it again") from error
