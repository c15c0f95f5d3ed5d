"""Datasets that lie on disk in their official layout: one home for roots, lists, digests and blind guesses.

A dataset is a subclass that says where its folder is (``folders``, ``marker``), which files a split has
(:meth:`FilesBenchmark.samples`) and how a truth is read (:meth:`FilesBenchmark.read_truth`).
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from visiongen.benchmarks.base import Benchmark, Item
from visiongen.data import data_root
from visiongen.errors import MissingDataError, VisiongenError
from visiongen.files import sha256
from visiongen.image import read_image

BLIND_IMAGES = 200  # truths that a blind guess is made from, unless the protocol says


@dataclass(frozen=True)
class Sample:
    """The files of one image of a split, and what is asked of it.

    ``truth``: the files (any number) that :meth:`FilesBenchmark.read_truth` needs. ``note``: whatever else it
    needs, JSON-able, so that it can enter the digest (an annotation, a sentence's mask).
    """

    id: str
    photo: Path
    truth: tuple[Path, ...] = ()
    note: Any = field(default=None, repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    cluster: str = ""


class FilesBenchmark(Benchmark):
    """A benchmark whose images and truths are files below one folder."""

    folders: ClassVar[tuple[str, ...]]  # names the dataset's folder may have below the data root
    marker: ClassVar[str]  # a path below the folder by which it is known: "images/validation"

    @abstractmethod
    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """The split in its official order; MissingDataError names a list or a listed file that is missing."""

    @abstractmethod
    def read_truth(self, sample: Sample) -> Any:
        """What the scorer reads; InputError for a damaged file or an unknown value."""

    def read_photo(self, sample: Sample) -> np.ndarray:
        """uint8 (H, W, 3), in the size of the truth."""
        return read_image(sample.photo, stored=True)

    def heavy(self, sample: Sample) -> Callable[[], Mapping[str, Any]] | None:
        """Options that are read only when the image is asked (:meth:`Item.asked`), or None."""
        return None

    def digest(self, sample: Sample) -> str:
        """sha256 hex of everything that the image and its truth are made of."""
        return digest_files([sample.photo, *sample.truth], sample.note)

    def root(self, data: str | Path | None) -> Path:
        """The dataset's folder: the data root, or one of ``folders`` below it; MissingDataError."""
        root = data_root(data)
        for folder in (root, *(root / name for name in self.folders)):
            if (folder / self.marker).exists():
                return folder
        named = " or ".join(f"{name}/" for name in self.folders)
        raise MissingDataError(
            f"{root}: no {self.name} there ({self.marker} in it or in {named}); give its folder as --data"
        )

    def expected(self, data: str | Path | None, split: str) -> int:
        """By the protocol; where it is ``uncounted``, what the folder holds."""
        if self.protocol.get("uncounted"):
            return len(self.samples(self.root(data), split))
        return super().expected(data, split)

    def present(self, data: str | Path | None) -> Path | None:
        """See the base class."""
        try:
            return self.root(data)
        except VisiongenError:
            return None

    def items(self, data: str | Path | None, split: str, limit: int | None = None) -> list[Item]:
        """Items in the official order; files are hashed now and read when they are needed."""
        return [self._item(sample) for sample in self.samples(self.root(data), split)[:limit]]

    def _item(self, sample: Sample) -> Item:
        return Item(
            id=sample.id,
            digest=self.digest(sample),
            photo=partial(self.read_photo, sample),
            truth=partial(self.read_truth, sample),
            options=sample.options,
            cluster=sample.cluster,
            heavy=self.heavy(sample),
        )

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """The scorer's prior from the first ``blind_images`` truths of the split ``blind_split`` ("train").

        Where a dataset has no train split the protocol names the scored one: a guess that has seen the
        truths, so a bar that is a little too high.
        """
        return self.scorer.prior([self.read_truth(sample) for sample in self.blind_samples(data)])

    def blind_samples(self, data: str | Path | None) -> Sequence[Sample]:
        """What a blind guess is made from; MissingDataError: nothing."""
        split = self.protocol.get("blind_split", "train")
        samples = self.samples(self.root(data), split)[: self.protocol.get("blind_images", BLIND_IMAGES)]
        if not samples:
            raise MissingDataError(f"{self.name}: split {split!r} is empty; a blind guess needs its truths")
        return samples


def digest_files(paths: Iterable[Path], note: Any = None) -> str:
    """sha256 hex over the bytes of files, in order, and of a JSON-able note."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            digest.update(sha256(path).encode())
        except OSError as error:
            raise MissingDataError(
                f"{path}: cannot be read ({error.strerror}); complete the dataset"
            ) from error
    if note is not None:
        digest.update(json.dumps(note, sort_keys=True).encode())
    return digest.hexdigest()


def read_list(path: Path) -> list[str]:
    """The lines of an official list, stripped, without empty ones; MissingDataError: none, or empty."""
    if not path.is_file():
        raise MissingDataError(f"{path}: the split's list is missing; copy it from the dataset")
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if line]
    if not lines:
        raise MissingDataError(f"{path}: the split's list is empty; copy it from the dataset")
    return lines


class MissingFiles(MissingDataError):
    """Listed files that are not there: ``missing``; ``samples`` is the whole split."""

    def __init__(self, message: str, samples: Sequence[Sample], missing: Sequence[Path]) -> None:
        super().__init__(message)
        self.samples, self.missing = samples, missing


def require(samples: Sequence[Sample], listed: Path | str) -> Sequence[Sample]:
    """The samples, if every file of every one exists; MissingFiles names the first that does not."""
    files = [path for sample in samples for path in (sample.photo, *sample.truth)]
    missing = [path for path in files if not path.is_file()]
    if missing:
        raise MissingFiles(
            f"{missing[0]}: listed in {listed} but missing ({len(missing)} of {len(files)} files); "
            "complete the dataset",
            samples,
            missing,
        )
    return samples
