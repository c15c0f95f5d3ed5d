"""Datasets whose splits are list files of an evaluation repository: one line an image, paths in columns.

The lists are the authors' own. Copy one into the dataset's folder, or the repository's folder of lists
beside the datasets (``data_split/`` of Marigold, ``data/datasets/`` of DSINE): both places are looked at.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from visiongen.benchmarks.datasets.files import FilesBenchmark, Sample, read_list, require
from visiongen.data import data_root
from visiongen.errors import InputError, MissingDataError

BLIND_SIZE = (240, 320)  # truths of a blind guess are kept this small: some have 24 million pixels


class DenseFiles(FilesBenchmark):
    """A dense truth (H, W, ...) a photo; sizes may differ from photo to photo."""

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """The scorer's prior, as in the base class, from truths shrunk to ``BLIND_SIZE`` as they are read."""
        from visiongen.resize import resize_nearest

        samples = self.blind_samples(data)
        return self.scorer.prior([resize_nearest(self.read_truth(s), BLIND_SIZE) for s in samples])


class ListedFiles(DenseFiles):
    """The protocol's ``lists``: split -> the list's path below ``home``, the repository's folder of lists."""

    home: ClassVar[str] = "data_split"

    @abstractmethod
    def line(self, root: Path, columns: Sequence[str]) -> Sample | None:
        """The sample that a line of the list means; None: not in the benchmark."""

    def find_list(self, folder: Path, split: str, above: int = 3) -> Path | None:
        """The list of a split in the folder, or in ``home`` at most ``above`` - 1 folders higher."""
        listed = self.protocol["lists"][split]
        places = [folder / Path(listed).name]
        places += [up / self.home / listed for up in (folder, *folder.parents)[: above + 1]]
        return next((place for place in places if place.is_file()), None)

    def root(self, data: str | Path | None) -> Path:
        """One of ``folders`` below the data root, or the data root itself if it holds a list.

        Or the data root is one of ``folders``, or a part of its path (the dataset's own folder), with lists
        beside it. Any split's list will do: a set may have a folder a split.
        """
        root = data_root(data)
        for name in self.folders:
            if self._has_list(root / name, name.count("/") + 1):
                return root / name
        if self._has_list(root, -1):
            return root
        # The dataset's own folder, or a part of it: its lists may lie beside it.
        here = root.absolute()
        for up in here.parents[: 1 + max(name.count("/") for name in self.folders)]:
            for name in self.folders:
                folder = up / name
                if here in (folder, *folder.parents) and self._has_list(folder, name.count("/") + 1):
                    return folder
        listed = self.protocol["lists"][self.protocol["default_split"]]
        named = " or ".join(f"{name}/" for name in self.folders)
        raise MissingDataError(
            f"{root}: no {self.name} there (its files in {named} with the list {Path(listed).name} in it or "
            f"{self.home}/{listed} beside it); give its folder as --data"
        )

    def _has_list(self, folder: Path, above: int) -> bool:
        """Whether the folder is there, and the list of any split where ``find_list`` looks for it."""
        return folder.is_dir() and any(self.find_list(folder, one, above) for one in self.protocol["lists"])

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """The lines of the list, in its order."""
        found = self.find_list(root, split)
        if found is None:
            listed = self.protocol["lists"][split]
            raise MissingDataError(f"{root}: the list {listed} is missing; copy it from {self.home}/")
        samples = []
        for number, line in enumerate(read_list(found), 1):
            try:
                sample = self.line(root, line.split())
            except (IndexError, ValueError) as error:
                raise InputError(f"{found}: line {number}, {line!r}, is broken; copy it again") from error
            if sample is not None:
                samples.append(sample)
        return require(samples, found)


def stem(path: str) -> str:
    """A path without its suffix and without DSINE's ``_img``."""
    return str(Path(path).with_suffix("")).removesuffix("_img")
