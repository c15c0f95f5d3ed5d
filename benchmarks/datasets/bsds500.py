"""BSDS500's boundaries (Arbelaez et al. 2011): official splits, several people's lines a photo.

Official layout: ``BSDS500/data/images/{split}/ID.jpg`` and ``BSDS500/data/groundTruth/{split}/ID.mat``. Pack:
``bsds500/{split}/images/ID.jpg`` and ``bsds500/{split}/gt/ID.npz`` (packed bits).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from visiongen.benchmarks.datasets.files import FilesBenchmark, Sample, require
from visiongen.data import data_root
from visiongen.errors import InputError, MissingDataError
from visiongen.training.sources.bsds import read_boundaries

# Folder of the photos, folder of the truths, ending of a truth.
LAYOUTS = (
    ("{split}/images", "{split}/gt", ".npz"),
    ("bsds500/{split}/images", "bsds500/{split}/gt", ".npz"),
    ("images/{split}", "groundTruth/{split}", ".mat"),
    ("data/images/{split}", "data/groundTruth/{split}", ".mat"),
    ("BSDS500/data/images/{split}", "BSDS500/data/groundTruth/{split}", ".mat"),
)


class Bsds500(FilesBenchmark):
    """See the module; the protocol is protocols/bsds500.toml. Splits may lie in different layouts."""

    folders: ClassVar[tuple[str, ...]] = ()
    marker: ClassVar[str] = ""

    def root(self, data: str | Path | None) -> Path:
        """The data root, when any split lies there in any layout."""
        root = data_root(data)
        if not any(_folders(root, split) for split in self.protocol["splits"]):
            raise _missing(root, self.protocol["default_split"])
        return root

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """By name, which is the official order."""
        found = _folders(root, split)
        if found is None:
            raise _missing(root, split)
        photos, truths, suffix = found
        names = sorted(path.stem for path in photos.glob("*.jpg") if not path.name.startswith("."))
        if not names:
            raise MissingDataError(f"{photos}: no photo there; complete the dataset")
        pairs = [Sample(name, photos / f"{name}.jpg", (truths / f"{name}{suffix}",)) for name in names]
        return require(pairs, photos)

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Every person's lines, bool (H, W, A)."""
        return read_lines(sample.truth[0])


def _folders(root: Path, split: str) -> tuple[Path, Path, str] | None:
    for photos, truths, suffix in LAYOUTS:
        if (root / photos.format(split=split)).is_dir():
            return root / photos.format(split=split), root / truths.format(split=split), suffix
    return None


def _missing(root: Path, split: str) -> MissingDataError:
    return MissingDataError(
        f"{root}: no BSDS500 split {split!r} there (bsds500/{split}/images or BSDS500/data/images/{split}); "
        "give its folder as --data"
    )


def read_lines(path: Path, remedy: str = "fetch it again") -> np.ndarray:
    """Every person's lines, bool (H, W, A), of a packed NPZ or an official MAT file; InputError: damaged."""
    people = _read_mat(path, remedy) if path.suffix == ".mat" else read_boundaries(path)
    return np.ascontiguousarray(people.transpose(1, 2, 0))


def _read_mat(path: Path, remedy: str) -> np.ndarray:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        cell = loadmat(str(path))["groundTruth"]
        return np.stack([cell[0, k][0, 0]["Boundaries"].astype(bool) for k in range(cell.shape[1])])
    except (MatReadError, OSError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"{path}: no readable boundaries ({error}); {remedy}") from error


BENCHMARK = Bsds500("bsds500")
