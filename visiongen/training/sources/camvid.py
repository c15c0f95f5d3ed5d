"""CamVid, SegNet's 11 classes: driving photos with class maps, always in newly drawn colours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.data import pack
from visiongen.errors import InputError, MissingDataError, UsageError
from visiongen.training.batches import Batch, BatchBuilder, photo_prompt
from visiongen.training.sources.augment import degrade
from visiongen.training.sources.base import Size, check_chances, check_tasks
from visiongen.training.sources.maps import MapSource
from visiongen.training.sources.reading import read_classes, read_rgb
from visiongen.training.targets.classes import paint_classes
from visiongen.world.classes import CAMVID_NAMES
from visiongen.world.synonyms import spoken


class CamVidSource(MapSource):
    """Semantic targets from ``<root>/<split>/{images,labels}``, whose id 11 is void.

    ``subset``: chance of a legend with only some names. ``reverse``: share of photos for which the
    painted map is also given and the photo asked back. ``synonyms``: chance that a class is called by
    another word (visiongen.world.synonyms). ``tasks``: "semantic" and/or "photo" (the
    photo from nothing). Other options: see ``MapSource``; ``root`` is the pack ``camvid11``.
    """

    name = "camvid11"

    def __init__(
        self,
        *,
        split: str = "train",
        size: Size = (192, 256),
        tasks: Sequence[str] = ("semantic",),
        scale: tuple[float, float] = (0.45, 1.0),
        whole: float = 0.3,
        jitter: float = 1.0,
        subset: float = 0.2,
        reverse: float = 0.0,
        synonyms: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(size=size, scale=scale, whole=whole, jitter=jitter, **options)
        if split in ("val", "test"):
            raise UsageError(f"source camvid11: split {split!r} is for scoring only; use 'train'")
        check_chances(self.name, subset=subset, reverse=reverse, synonyms=synonyms)
        self.split, self.subset, self.reverse, self.synonyms = split, subset, reverse, synonyms
        self.tasks = check_tasks(tasks, ("semantic", "photo"), self.name)
        self._frames: list[tuple[np.ndarray, np.ndarray]] = []

    @property
    def words(self) -> tuple[str, ...]:
        """The eleven names, and their synonyms where these are drawn."""
        return spoken(CAMVID_NAMES, self.synonyms) if "semantic" in self.tasks else ()

    def prepare(self) -> None:
        """Read every frame into memory once (about 190 MB for the train split)."""
        if self._frames:
            return
        root = Path(self.root) if self.root else pack("camvid11", self.data)
        folder = root / self.split / "images"
        photos = sorted(p for p in folder.glob("*") if p.suffix.lower() in (".jpg", ".png"))
        if not photos:
            raise MissingDataError(f"{folder}: no images of split {self.split!r}; check --data")
        for path in photos[: self.limit]:
            labels = read_classes(root / self.split / "labels" / f"{path.stem}.png")
            _void(labels, path)
            photo = read_rgb(path)
            if labels.shape != photo.shape[:2]:
                raise InputError(f"{path}: its labels are {labels.shape}, not {photo.shape[:2]}")
            self._frames.append((photo, labels))

    def batch(self, index: int, seed: int) -> Batch:
        """``batch`` random frames, each with its own window, colours and legend."""
        self.prepare()
        rng = self.generator(index, seed)
        size = self.draw_size(rng)
        builder = BatchBuilder(size)
        for number in rng.integers(len(self._frames), size=self.count):
            self._add(builder, self._frames[int(number)], rng)
        return builder.build()

    def _add(
        self,
        builder: BatchBuilder,
        frame: tuple[np.ndarray, np.ndarray],
        rng: np.random.Generator,
    ) -> None:
        (photo, classes), size = frame, builder.size
        view = self.view((photo.shape[0], photo.shape[1]), size, rng)
        clean = self.recoloured(view.photo(photo), rng)
        seen = degrade(clean, rng, self.degrade)
        if "semantic" in self.tasks:
            seen_classes = view.nearest(classes)
            painted = paint_classes(seen_classes, CAMVID_NAMES, rng, self.subset, synonyms=self.synonyms)
            place = builder.photo(seen)
            builder.target(place, painted.prompt, painted.map, painted.valid, painted.labels)
            if rng.uniform() < self.reverse:
                order = photo_prompt("semantic", painted.prompt.legend)
                builder.target(builder.photo(painted.map), order, clean)
        if "photo" in self.tasks:
            builder.target(builder.photo(None), photo_prompt(), clean)


def _void(labels: np.ndarray, path: Path) -> None:
    """Turn the pack's void (11) into 255, in place; InputError for labels of another set."""
    odd = labels[(labels > len(CAMVID_NAMES)) & (labels != 255)]
    if odd.size:
        raise InputError(
            f"{path}: its labels hold {odd[0]}, which CamVid's 11 classes do not have; for other labels use "
            'source = "folder" (docs/own-data.md)'
        )
    labels[labels == len(CAMVID_NAMES)] = 255
