"""What the sources of photos with maps on disk share: the view, the colours, and reading to a size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from visiongen.errors import MissingDataError, UsageError
from visiongen.training.batches import BatchBuilder, Target
from visiongen.training.sources.augment import View, degrade, jitter, random_view, whole_view
from visiongen.training.sources.base import Size, Source, check_chances, check_scale, check_strength
from visiongen.training.sources.transforms import Spec, Transforms


class MapSource(Source):
    """Photos and their maps from files.

    ``scale``: side of the random window against the largest one; ``whole``: chance of the largest
    one instead. ``jitter``, ``degrade``: see visiongen.training.sources.augment. ``augment``: transforms of
    albumentations before them (visiongen.training.sources.transforms); only a source that ``moves`` its
    labels takes those that move pixels. ``root``: the pack's folder (else below the data root). ``limit``:
    only the first N photos (for tests and ablations).
    """

    moves = False

    def __init__(
        self,
        *,
        root: str | None = None,
        size: Size = (120, 160),
        batch: int = 8,
        scale: tuple[float, float] = (0.5, 1.0),
        whole: float = 0.5,
        flips: bool = True,
        jitter: float = 0.7,
        degrade: float = 0.1,
        augment: Spec = (),
        limit: int | None = None,
        data: str | None = None,
    ) -> None:
        super().__init__(size=size, batch=batch, data=data)
        self.transforms = Transforms(augment, f"source {self.name}") if augment else None
        if self.transforms and self.transforms.moving and not self.moves:
            raise UsageError(
                f"source {self.name}: augment: {self.transforms.moving[0]} moves pixels and would leave the "
                "maps behind; give transforms of colours alone (the source mirrors and crops by itself)"
            )
        self.root, self.limit = root, limit
        self.scale = check_scale(scale, self.name)
        check_chances(self.name, whole=whole, degrade=degrade)
        self.whole, self.flips = whole, flips
        self.jitter, self.degrade = check_strength(jitter, self.name), degrade

    def view(self, source: tuple[int, int], size: tuple[int, int], rng: np.random.Generator) -> View:
        """The largest window or a random one."""
        if rng.uniform() < self.whole:
            return whole_view(source, size, bool(self.flips and rng.uniform() < 0.5))
        return random_view(source, size, rng, self.scale, self.flips)

    def recoloured(self, photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A photo uint8 (h, w, 3) after ``augment`` and ``jitter``."""
        if self.transforms:
            photo = self.transforms.photo(photo, rng)
        return jitter(photo, rng, self.jitter)

    def add(
        self, builder: BatchBuilder, photo: np.ndarray, targets: Sequence[Target], rng: np.random.Generator
    ) -> None:
        """Add a photo of the builder's size, its colours changed, and what is to be painted for it."""
        place = builder.photo(degrade(self.recoloured(photo, rng), rng, self.degrade))
        for target in targets:
            builder.target(place, target.prompt, target.map, target.valid, target.labels)


def listed(folder: Path, suffix: str) -> list[Path]:
    """The files of a folder by name; MissingDataError when there are none."""
    files = sorted(folder.glob(f"*{suffix}"))
    if not files:
        raise MissingDataError(f"{folder}: no {suffix} files there; check the pack and --data")
    return files


def at_most(image: np.ndarray, side: int) -> np.ndarray:
    """``image`` with its longer side brought down to ``side``, averaged; smaller ones stay."""
    h, w = image.shape[:2]
    share = side / max(h, w)
    if share >= 1:
        return image
    size = (max(1, round(w * share)), max(1, round(h * share)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
