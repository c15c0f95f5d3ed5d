"""BSDS500's boundaries (Arbelaez et al. 2011): official split lists, several people's lines a photo.

Pack: ``bsds500/{split}.txt``, ``{split}/images/ID.jpg`` and ``{split}/gt/ID.npz`` (packed bits). Official
layout, also read: ``BSDS500/data/images/{split}/ID.jpg`` and ``BSDS500/data/groundTruth/{split}/ID.mat``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from visiongen.benchmarks.base import Benchmark, Item, digest_of
from visiongen.data import data_root
from visiongen.errors import InputError, MissingDataError
from visiongen.image import read_image
from visiongen.training.source_bsds import read_boundaries


class Bsds500(Benchmark):
    """See the module; the protocol is protocols/bsds500.toml."""

    def __init__(self) -> None:
        super().__init__("bsds500")

    def items(self, data: str | Path | None, split: str, limit: int | None = None) -> list[Item]:
        """Items by name, which is the official order."""
        return [_item(photo, truth) for photo, truth in find_pairs(data_root(data), split)[:limit]]

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """Mean strength of each pixel over the upright or lying train photos, whichever the first is."""
        pairs = find_pairs(data_root(data), "train")
        return self.scorer.prior([read_lines(truth) for _, truth in pairs])


def _item(photo: Path, truth: Path) -> Item:
    digest = digest_of([photo.read_bytes(), truth.read_bytes()])
    return Item(photo.stem, digest, lambda: read_image(photo), lambda: read_lines(truth))


def read_lines(path: Path) -> np.ndarray:
    """Every person's lines, bool (H, W, A), of a packed NPZ or an official MAT file."""
    people = _read_mat(path) if path.suffix == ".mat" else read_boundaries(path)
    return np.ascontiguousarray(people.transpose(1, 2, 0))


def _read_mat(path: Path) -> np.ndarray:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        cell = loadmat(str(path))["groundTruth"]
        return np.stack([cell[0, k][0, 0]["Boundaries"].astype(bool) for k in range(cell.shape[1])])
    except (MatReadError, OSError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"{path}: no readable boundaries ({error}); fetch it again") from error


def find_pairs(root: Path, split: str) -> list[tuple[Path, Path]]:
    """(photo, truth) of a split below ``root``, in either layout; MissingDataError says what is missing."""
    layouts = (
        (root / "bsds500" / split / "images", root / "bsds500" / split / "gt", ".npz"),
        (root / "BSDS500/data/images" / split, root / "BSDS500/data/groundTruth" / split, ".mat"),
    )
    for photos, truths, suffix in layouts:
        if photos.is_dir():
            names = sorted(path.stem for path in photos.glob("*.jpg"))
            pairs = [(photos / f"{name}.jpg", truths / f"{name}{suffix}") for name in names]
            missing = [truth for _, truth in pairs if not truth.is_file()]
            if missing or not pairs:
                raise MissingDataError(f"{missing[0] if missing else photos}: missing; complete the dataset")
            return pairs
    raise MissingDataError(
        f"{root}: no BSDS500 split {split!r} there (bsds500/{split}/images or BSDS500/data/images/{split}); "
        "give its folder as --data"
    )


BENCHMARK = Bsds500()
