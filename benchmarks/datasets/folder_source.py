"""Training on labelled photos of one's own, read as their benchmark reads them (docs/own-data.md).

So training and scoring cannot mean different things by a label. It lives beside the benchmark, since training
knows none.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.datasets.folder import FolderBenchmark, open_folder
from visiongen.benchmarks.metrics.panoptic import MANY
from visiongen.errors import InputError, MissingDataError, UsageError
from visiongen.registry import TASKS
from visiongen.training.batches import Batch, BatchBuilder
from visiongen.training.sources.augment import View, whole_view
from visiongen.training.sources.base import check_chances
from visiongen.training.sources.bsds import Lines, crests, edge_target
from visiongen.training.sources.maps import MapSource
from visiongen.training.targets import Target, directions, metres
from visiongen.training.targets.classes import paint_classes
from visiongen.training.targets.gray import gray_target
from visiongen.training.targets.things import meant, segments, things

SCORED = ("val", "test")
# Tasks whose labels can be carried by any transform of pixels, and the label of what lay outside the photo.
CARRIED = {"semantic": 255, "instance": 0, "panoptic": -1, "salient": 0}
TRIES = 50  # photos that may be damaged before one is shown, else a run ends
EMPTY = 10_000  # the same of windows with nothing in them: in most frames of a camera there is no thing
HELD = 2**30  # bytes of photos and truths that stay in memory, of every process that makes batches


@dataclass(frozen=True)
class Labelled:
    """A photo uint8 (H, W, 3), its truth as the benchmark reads it (of edges: the crests of the lines)."""

    photo: np.ndarray
    truth: Any
    phrase: str = ""

    @property
    def size(self) -> int:
        """Bytes in memory."""
        parts = self.truth if isinstance(self.truth, tuple) else (self.truth,)
        return sum(part.nbytes for part in (self.photo, *parts))


class FolderSource(MapSource):
    """Targets of the task of a ``dataset.toml``, any that a folder of one's own may have (``ORDERS``).

    ``root``: the folder, or its TOML file. ``split``: one of its ``splits``; those that are scored ("val",
    "test") are refused, and so is one that shares photos with these or with the split scored by default.
    ``subset``: chance of a legend with only some of the classes; its colours are always drawn anew. ``keep``:
    so many photos stay in memory, ``HELD`` at most, the others are read again each time. A photo that cannot
    be read is reported and left out; of ``instance`` one without a thing is left out, too. Phrases may mean
    left and right, so photos with phrases are never zoomed into or mirrored, and left out where the shape of
    the batch cuts off what is meant. ``augment`` may move pixels where labels can follow (``CARRIED``). Other
    options: see ``MapSource``.
    """

    name, moves = "folder", True
    root: str  # there is no pack to fall back on

    def __init__(
        self, *, root: str, split: str = "train", subset: float = 0.2, keep: int = 500, **options: Any
    ) -> None:
        super().__init__(root=root, **options)
        if split in SCORED:
            raise UsageError(f"source folder: split {split!r} is for scoring only; use 'train'")
        check_chances(self.name, subset=subset)
        self.split, self.subset, self.keep = split, subset, keep
        self._data: FolderBenchmark | None = None
        self._samples: list[Sample] = []
        self._kept: dict[int, Labelled] = {}
        self._held = 0
        self._failed: set[int] = set()
        self._bare: set[int] = set()  # without a thing

    @property
    def words(self) -> tuple[str, ...]:
        """The classes, of a folder whose task has them in a legend."""
        self.prepare()
        assert self._data is not None
        return tuple(self._data.protocol.get("classes", ())) if TASKS.get(self._data.task).uses_legend else ()

    def prepare(self) -> None:
        """Open the folder and find the files of the split; they are read when they are drawn."""
        if self._samples:
            return
        data = open_folder(self.root)
        if self.split not in data.spec.splits:
            raise UsageError(
                f"source folder: {data.path} has no split {self.split!r}; choose from "
                f"{', '.join(data.spec.splits)}, or add it"
            )
        _check_apart(data, self.split)
        if self.transforms and self.transforms.moving and data.task not in CARRIED:
            raise UsageError(
                f"source folder: augment: {self.transforms.moving[0]} moves pixels, and labels of "
                f"{data.task} cannot follow; those of {', '.join(CARRIED)} can"
            )
        self._data = data
        self._samples = list(data.samples(data.root(None), self.split))[: self.limit]

    def batch(self, index: int, seed: int) -> Batch:
        """``batch`` random photos, each with its own window and colours."""
        self.prepare()
        rng = self.generator(index, seed)
        builder = BatchBuilder(self.draw_size(rng))
        failed = empty = 0
        while len(builder) < self.count:
            number = int(rng.integers(len(self._samples)))
            if self._add(builder, number, rng):
                failed = empty = 0
            elif number in self._failed:
                failed += 1
            else:
                empty += 1
            if failed == TRIES:
                raise InputError(f"{self.root}: {TRIES} photos in a row cannot be used; see the warnings")
            if empty == EMPTY:
                raise InputError(
                    f"{self.root}: nothing to paint in {EMPTY} photos in a row; label more or larger things"
                )
        return builder.build()

    def _add(self, builder: BatchBuilder, number: int, rng: np.random.Generator) -> bool:
        """False where the photo cannot be used: damaged, or a window without anything to show.

        What is drawn from ``rng`` does not depend on which photos were seen before.
        """
        shown = self._read(number)
        if shown is None:
            return False
        assert self._data is not None
        if self.transforms and self._data.task in CARRIED:
            nothing = CARRIED[self._data.task]
            photo, truth = self.transforms.pair(shown.photo, shown.truth, nothing, rng)
            shown = replace(shown, photo=photo, truth=truth)
        source = (shown.photo.shape[0], shown.photo.shape[1])
        worded = self._data.task == "referring"
        view = whole_view(source, builder.size) if worded else self.view(source, builder.size, rng)
        protocol = {**self._data.protocol, "subset": self.subset}
        target = ORDERS[self._data.task](shown, view, protocol, rng)
        if target is None:
            return False
        self.add(builder, view.photo(shown.photo), [target], rng)
        return True

    def _read(self, number: int) -> Labelled | None:
        if number in self._kept or number in self._failed or number in self._bare:
            return self._kept.get(number)
        assert self._data is not None
        sample = self._samples[number]
        try:
            photo: np.ndarray = self._data.read_photo(sample)
            truth: Any = self._data.read_truth(sample)
            if truth.shape[:2] != photo.shape[:2]:
                raise InputError(f"{sample.photo}: its label is {truth.shape[:2]}, not {photo.shape[:2]}")
        except (InputError, MissingDataError) as error:
            self._failed.add(number)
            warnings.warn(f"source folder: left out: {error}", stacklevel=2)
            return None
        if self._data.task == "instance" and not truth.any():
            self._bare.add(number)
            return None
        if self._data.task == "edges":
            truth = crests(truth.transpose(2, 0, 1))
        shown = Labelled(photo, truth, str(sample.options.get("phrase", "")))
        if len(self._kept) < self.keep and self._held + shown.size <= HELD:
            self._kept[number] = shown
            self._held += shown.size
        return shown


def _check_apart(data: FolderBenchmark, split: str) -> None:
    """UsageError where a photo of ``split`` is scored, too: by default, or in "val" or "test".

    A folder of one split is what its owner says.
    """
    chosen = data.spec.chosen_split()
    for scored in dict.fromkeys((chosen, *SCORED)):
        if scored == split or scored not in data.spec.splits:
            continue
        both = sorted(set(data.names(split)) & set(data.names(scored)))
        if both:
            raise UsageError(
                f"source folder: {data.path}: {both[0]!r} is in {split!r} and in {scored!r}, which is "
                "scored; keep it in one of them"
            )


# --- one function a task: what was read, as a view shows it -> an order ----------------------------------


def _semantic(shown: Labelled, view: View, protocol: Mapping[str, Any], rng: np.random.Generator) -> Target:
    classes = view.nearest(shown.truth)
    painted = paint_classes(classes, protocol["classes"], rng, protocol["subset"])
    return Target(painted.prompt, painted.map, painted.valid, painted.labels)


def _depth(shown: Labelled, view: View, *_: Any) -> Target:
    known = np.where(shown.truth > 0, shown.truth, np.nan)
    return metres(view.depth(known))


def _normals(shown: Labelled, view: View, *_: Any) -> Target:
    return directions(view.normals(np.nan_to_num(shown.truth)))


def _salient(shown: Labelled, view: View, *_: Any) -> Target:
    return gray_target("salient", (view.photo(shown.truth.astype(np.float32)) >= 0.5).astype(np.float32))


def _matting(shown: Labelled, view: View, *_: Any) -> Target:
    alpha = shown.truth[..., 0] if shown.truth.ndim == 3 else shown.truth  # the second is the trimap
    return gray_target("matting", view.photo(np.ascontiguousarray(alpha)))


def _edges(shown: Labelled, view: View, *_: Any) -> Target:
    lines: Lines = shown.truth
    return edge_target(lines, view)


def _referring(shown: Labelled, view: View, _: Mapping[str, Any], rng: np.random.Generator) -> Target | None:
    seen = view.nearest(shown.truth)
    return meant(shown.phrase, seen, rng) if seen.any() or not shown.truth.any() else None


def _instance(shown: Labelled, view: View, *_: Any) -> Target | None:
    return things(view.nearest(shown.truth))


def _panoptic(shown: Labelled, view: View, protocol: Mapping[str, Any], rng: np.random.Generator) -> Target:
    labels = view.nearest(shown.truth)
    classes = np.where(labels < 0, 255, labels // MANY).astype(np.uint8)
    number = np.where(labels < 0, 0, labels % MANY)
    names, counted = protocol["classes"], protocol["things"]
    return segments(classes, number, names, counted, rng, protocol["subset"])


Order = Callable[[Labelled, View, Mapping[str, Any], np.random.Generator], Target | None]
ORDERS: dict[str, Order] = {
    "semantic": _semantic,
    "depth": _depth,
    "normals": _normals,
    "salient": _salient,
    "matting": _matting,
    "edges": _edges,
    "referring": _referring,
    "instance": _instance,
    "panoptic": _panoptic,
}
