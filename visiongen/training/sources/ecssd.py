"""ECSSD: photos with the mask of the object that stands out (Yan et al. 2013)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from visiongen.data import pack
from visiongen.errors import InputError
from visiongen.training.batches import Batch, BatchBuilder
from visiongen.training.sources.base import check_tasks
from visiongen.training.sources.maps import MapSource, at_most, listed
from visiongen.training.sources.reading import read_rgb
from visiongen.training.targets.gray import gray_target, soften

TRAIN = 600  # photos 0001-0600 train; 0601-0700 are kept for scoring
SIDE = 320  # longer side kept in memory: about 140 MB
_KEPT = 0.7  # share of the object that a window must show


class EcssdSource(MapSource):
    """Targets "salient" (the mask) and/or "matting" (its border softened), see ``MapSource``."""

    name = "ecssd"

    def __init__(self, *, tasks: Sequence[str] = ("salient",), **options: Any) -> None:
        super().__init__(**options)
        self.tasks = check_tasks(tasks, ("salient", "matting"), self.name)
        self._frames: list[tuple[np.ndarray, np.ndarray]] = []

    def prepare(self) -> None:
        """Read the train photos and masks once."""
        if not self._frames:
            root = Path(self.root) if self.root else pack("ecssd", self.data)
            self._frames = [read_pair(path) for path in train_photos(root)[: self.limit]]

    def batch(self, index: int, seed: int) -> Batch:
        """``batch`` random photos, each with its own window and colours."""
        self.prepare()
        rng = self.generator(index, seed)
        builder = BatchBuilder(self.draw_size(rng))
        for number in rng.integers(len(self._frames), size=self.count):
            self._add(builder, *self._frames[int(number)], rng)
        return builder.build()

    def _add(
        self, builder: BatchBuilder, photo: np.ndarray, mask: np.ndarray, rng: np.random.Generator
    ) -> None:
        source = (photo.shape[0], photo.shape[1])
        for _ in range(4):
            view = self.view(source, builder.size, rng)
            window = mask[view.top : view.top + view.height, view.left : view.left + view.width]
            if window.sum(dtype=np.int64) >= _KEPT * mask.sum(dtype=np.int64):
                break
        inside = view.photo(mask) >= 128
        targets = []
        if "salient" in self.tasks:
            targets.append(gray_target("salient", inside.astype(np.float32)))
        if "matting" in self.tasks:
            targets.append(gray_target("matting", soften(inside)))
        self.add(builder, view.photo(photo), targets, rng)


def train_photos(root: Path) -> list[Path]:
    """The photos of ``root``/images that may be trained on."""
    photos = listed(root / "images", ".jpg")
    if odd := [p for p in photos if not p.stem.isdecimal()]:
        raise InputError(f"{odd[0]}: not a number, so no photo of ECSSD; take it out of the folder")
    return [p for p in photos if int(p.stem) <= TRAIN]


def read_pair(path: Path, side: int = SIDE) -> tuple[np.ndarray, np.ndarray]:
    """Photo uint8 (H, W, 3) and mask uint8 (H, W), 0 or 255, of images/NAME.jpg and masks/NAME.png."""
    photo = at_most(read_rgb(path), side)
    where = path.parent.parent / "masks" / f"{path.stem}.png"
    mask = cv2.imread(str(where), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise InputError(f"{where}: no readable mask; restore the pack")
    small = at_most(mask, side)
    if small.shape != photo.shape[:2]:
        raise InputError(f"{where}: {mask.shape} does not fit its photo; restore the pack")
    return photo, np.where(small >= 128, np.uint8(255), np.uint8(0))
