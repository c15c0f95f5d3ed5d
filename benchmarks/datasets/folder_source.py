"""Training on labelled photos of one's own, read as their benchmark reads them (docs/own-data.md).

So training and scoring cannot mean different things by a label. It lives beside the benchmark, since training
knows none.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.datasets.folder import FolderBenchmark, open_folder
from visiongen.benchmarks.metrics.panoptic import MANY
from visiongen.errors import InputError, MissingDataError, UsageError
from visiongen.training.augment import View, whole_view
from visiongen.training.batches import Batch, BatchBuilder
from visiongen.training.semantic import paint_classes
from visiongen.training.source_bsds import Lines, crests, edge_target
from visiongen.training.source_maps import MapSource
from visiongen.training.targets import Target, directions, metres
from visiongen.training.targets_gray import gray_target
from visiongen.training.targets_things import meant, segments, things

SCORED = ("val", "test")
TRIES = 50  # photos that may fail in a row before a run ends


@dataclass(frozen=True)
class Labelled:
    """A photo uint8 (H, W, 3), its truth as the benchmark reads it (of edges: the crests of the lines)."""

    photo: np.ndarray
    truth: Any
    phrase: str = ""


class FolderSource(MapSource):
    """Targets of the task of a ``dataset.toml``, any that a folder of one's own may have (``ORDERS``).

    ``root``: the folder, or its TOML file. ``split``: one of its ``splits``; those that are scored ("val",
    "test") are refused, and so is one that shares photos with the split that is scored by default.
    ``subset``: chance of a legend with only some of the classes; its colours are always drawn anew. ``keep``:
    so many photos stay in memory, the others are read again each time. A photo that cannot be read is
    reported and left out. Phrases may mean left and right, so photos with phrases are shown whole and never
    mirrored. Other options: see ``MapSource``.
    """

    name = "folder"

    def __init__(
        self, *, root: str, split: str = "train", subset: float = 0.2, keep: int = 500, **options: Any
    ) -> None:
        super().__init__(root=root, **options)
        if split in SCORED:
            raise UsageError(f"source folder: split {split!r} is for scoring only; use 'train'")
        self.folder, self.split, self.subset, self.keep = root, split, subset, keep
        self._data: FolderBenchmark | None = None
        self._samples: list[Sample] = []
        self._kept: dict[int, Labelled] = {}
        self._failed: set[int] = set()

    def prepare(self) -> None:
        """Open the folder and find the files of the split; they are read when they are drawn."""
        if self._samples:
            return
        data = open_folder(self.folder)
        if self.split not in data.spec.splits:
            raise UsageError(
                f"source folder: {data.path} has no split {self.split!r}; choose from "
                f"{', '.join(data.spec.splits)}, or add it"
            )
        _check_apart(data, self.split)
        self._data = data
        self._samples = list(data.samples(data.root(None), self.split))[: self.limit]

    def batch(self, index: int, seed: int) -> Batch:
        """``batch`` random photos, each with its own window and colours."""
        self.prepare()
        rng = self.generator(index, seed)
        builder = BatchBuilder(self.draw_size(rng))
        failed = 0
        while len(builder) < self.count:
            if failed == TRIES:
                raise InputError(f"{self.folder}: {TRIES} photos in a row cannot be used; see the warnings")
            failed = 0 if self._add(builder, int(rng.integers(len(self._samples))), rng) else failed + 1
        return builder.build()

    def _add(self, builder: BatchBuilder, number: int, rng: np.random.Generator) -> bool:
        """False where the photo cannot be used: damaged, or a window without anything to show."""
        shown = self._read(number)
        if shown is None:
            return False
        assert self._data is not None
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
        if number in self._kept or number in self._failed:
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
        if self._data.task == "edges":
            truth = crests(truth.transpose(2, 0, 1))
        shown = Labelled(photo, truth, str(sample.options.get("phrase", "")))
        if len(self._kept) < self.keep:
            self._kept[number] = shown
        return shown


def _check_apart(data: FolderBenchmark, split: str) -> None:
    """UsageError where a photo of ``split`` is scored, too. A folder of one split is what its owner says."""
    scored = data.spec.chosen_split()
    if scored == split:
        return
    both = sorted(set(data.names(split)) & set(data.names(scored)))
    if both:
        raise UsageError(
            f"source folder: {data.path}: {both[0]!r} is in {split!r} and in {scored!r}, which is scored; "
            "keep it in one of them"
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


def _referring(shown: Labelled, view: View, _: Mapping[str, Any], rng: np.random.Generator) -> Target:
    return meant(shown.phrase, view.nearest(shown.truth), rng)


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
