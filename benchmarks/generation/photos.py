"""Real photos that no training saw, and damaged ones to read a distance by.

BSDS500 val (100) and ECSSD 0601-0700 (100), the largest window of 4 : 3 in the middle at 128 x 96.
ImageNet's sample photos are not used: some sources of the training see all of them.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from visiongen.benchmarks.datasets.ecssd import SPLITS
from visiongen.benchmarks.generation.features import SIZE
from visiongen.data import pack
from visiongen.errors import MissingDataError
from visiongen.image import read_image
from visiongen.resize import resize_photo

BLUR = 2.0  # sigma in pixels


def held_out(data: str | Path | None = None) -> list[np.ndarray]:
    """uint8 (96, 128, 3), both sets in turn, sorted by name; MissingDataError without them."""
    bsds = sorted((pack("bsds500", data) / "val" / "images").glob("*.jpg"))
    root = pack("ecssd", data) / "images"
    first, last = SPLITS["val"]
    ecssd = [p for p in sorted(root.glob("*.jpg")) if first <= int(p.stem) <= last]
    for name, found in (("bsds500/val/images", bsds), ("ecssd/images/0601-0700", ecssd)):
        if len(found) < 2:
            raise MissingDataError(f"{name}: {len(found)} photos below the data root; complete the pack")
    return [crop(read_image(path, stored=True)) for path in _in_turn(bsds, ecssd)]


def _in_turn(one: list[Path], two: list[Path]) -> list[Path]:
    """a0, a1, b0, b1, a2, ...: every other photo of the result is half of each set."""
    pairs = [files[i : i + 2] for i in range(0, max(len(one), len(two)), 2) for files in (one, two)]
    return [path for pair in pairs for path in pair]


def crop(photo: np.ndarray) -> np.ndarray:
    """The largest window of 4 : 3 in the middle of uint8 (H, W, 3), at 128 x 96."""
    h, w = photo.shape[:2]
    high, wide = min(h, w * SIZE[0] // SIZE[1]), min(w, h * SIZE[1] // SIZE[0])
    top, left = (h - high) // 2, (w - wide) // 2
    return resize_photo(np.ascontiguousarray(photo[top : top + high, left : left + wide]), SIZE)


def blurred(photo: np.ndarray) -> np.ndarray:
    """Without its details."""
    return np.asarray(cv2.GaussianBlur(photo, (0, 0), BLUR, borderType=cv2.BORDER_REFLECT_101))


def scrambled(photo: np.ndarray, seed: int) -> np.ndarray:
    """Its pixels in random order: the right colours, nothing else."""
    flat = photo.reshape(-1, 3)
    return flat[np.random.default_rng(seed).permutation(len(flat))].reshape(photo.shape)


def gray(photo: np.ndarray) -> np.ndarray:
    """Its mean colour everywhere: what one says of a photo that one has not looked at."""
    mean = photo.reshape(-1, 3).mean(0).round().astype(np.uint8)
    return np.broadcast_to(mean, photo.shape).copy()
