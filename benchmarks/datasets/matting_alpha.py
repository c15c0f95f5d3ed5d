"""alphamatting.com's train photos with their true alpha (Rhemann et al. 2009), whole image and trimap.

Pack: ``matting_alpha/alphamatting_train27/GTnn_{rgb.jpg,alpha.png,trimap1.png}``. Ours trains on GT01-GT14
and scores GT15-GT18: four photos, so the interval is wide and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from visiongen.benchmarks.base import Benchmark, Item, digest_of
from visiongen.data import pack
from visiongen.errors import InputError, MissingDataError
from visiongen.image import read_image

SPLITS = {"train": (1, 14), "val": (15, 18)}
UNKNOWN = 128
PARTS = ("rgb.jpg", "alpha.png", "trimap1.png")


class MattingAlpha(Benchmark):
    """See the module; the protocol is protocols/matting-alpha.toml."""

    def __init__(self) -> None:
        super().__init__("matting-alpha")

    def items(self, data: str | Path | None, split: str, limit: int | None = None) -> list[Item]:
        """Items by number; every number of the split must be there."""
        return [_item(files) for files in find_files(data, split)[:limit]]

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """The mean alpha of the train split, in any size."""
        return self.scorer.prior([read_truth(files) for files in find_files(data, "train")])


def _item(files: tuple[Path, Path, Path]) -> Item:
    digest = digest_of([path.read_bytes() for path in files])
    return Item(files[0].name[:4], digest, lambda: read_image(files[0]), lambda: read_truth(files))


def read_truth(files: tuple[Path, Path, Path]) -> np.ndarray:
    """Opacity, and 1 where the fine trimap is unknown, float32 (H, W, 2)."""
    alpha, trimap = (_read_gray(path) for path in files[1:])
    if alpha.shape != trimap.shape:
        raise InputError(f"{files[2]}: {trimap.shape} is not the alpha's {alpha.shape}; fetch it again")
    return np.stack([alpha.astype(np.float32) / 255, (trimap == UNKNOWN).astype(np.float32)], axis=2)


def _read_gray(path: Path) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("L"))
    except (OSError, SyntaxError) as error:
        raise InputError(f"{path}: damaged picture ({error}); fetch it again") from error


def find_files(data: str | Path | None, split: str) -> list[tuple[Path, Path, Path]]:
    """(photo, alpha, trimap) of every number of a split; MissingDataError when one is not there."""
    root = pack("matting_alpha", data) / "alphamatting_train27"
    first, last = SPLITS[split]
    found = []
    for number in range(first, last + 1):
        photo, alpha, trimap = (root / f"GT{number:02d}_{part}" for part in PARTS)
        for path in (photo, alpha, trimap):
            if not path.is_file():
                raise MissingDataError(f"{path}: missing; complete the pack matting_alpha")
        found.append((photo, alpha, trimap))
    return found


BENCHMARK = MattingAlpha()
