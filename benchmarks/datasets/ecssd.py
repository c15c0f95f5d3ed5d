"""ECSSD's salient objects: ``ecssd/images/NNNN.jpg`` and ``ecssd/masks/NNNN.png`` (any of 1 or 8 bits).

The dataset has no official split of its own; ours trains on 0001-0600 and scores 0601-0700.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from visiongen.benchmarks.base import Benchmark, Item, digest_of
from visiongen.data import pack
from visiongen.errors import InputError, MissingDataError
from visiongen.image import read_image

SPLITS = {"train": (1, 600), "val": (601, 700)}
BLIND_SIZE = (96, 128)


class Ecssd(Benchmark):
    """See the module; the protocol is protocols/ecssd.toml."""

    def __init__(self) -> None:
        super().__init__("ecssd")

    def items(self, data: str | Path | None, split: str, limit: int | None = None) -> list[Item]:
        """Items by number; every number of the split must be there."""
        return [_item(photo, mask) for photo, mask in find_pairs(data, split)[:limit]]

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """The mean mask of the train split, in any size."""
        from visiongen.resize import resize_linear

        masks = [resize_linear(read_mask(mask), BLIND_SIZE) for _, mask in find_pairs(data, "train")]
        return self.scorer.prior(masks)


def _item(photo: Path, mask: Path) -> Item:
    digest = digest_of([photo.read_bytes(), mask.read_bytes()])
    return Item(photo.stem, digest, lambda: read_image(photo), lambda: read_mask(mask))


def read_mask(path: Path) -> np.ndarray:
    """1 on the object, else 0, float32 (H, W); InputError for a damaged file."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return (np.asarray(image.convert("L")) > 128).astype(np.float32)
    except (OSError, SyntaxError) as error:
        raise InputError(f"{path}: damaged mask ({error}); fetch it again") from error


def find_pairs(data: str | Path | None, split: str) -> list[tuple[Path, Path]]:
    """(photo, mask) of every number of a split; MissingDataError names the first file that is not there."""
    root = pack("ecssd", data)
    first, last = SPLITS[split]
    names = [f"{number:04d}" for number in range(first, last + 1)]
    pairs = [(root / "images" / f"{name}.jpg", root / "masks" / f"{name}.png") for name in names]
    missing = [path for pair in pairs for path in pair if not path.is_file()]
    if missing:
        raise MissingDataError(f"{missing[0]}: missing, with {len(missing) - 1} others; complete the pack")
    return pairs


BENCHMARK = Ecssd()
