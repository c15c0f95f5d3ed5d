"""Answers that somebody else made: a folder of files named after the images, whoever painted them.

For the image ``ID`` (of several parts: ``ID.PART``) the first of these counts:

``ID.TASK.npy``, ``ID.npy``   labels as the task has them (ids, metres, unit vectors, numbers in [0, 1]); with
             the ``ID.TASK.json`` of ``visiongen predict`` beside it as that says (:mod:`painted_answers`)
``ID.TASK.map.png``, ``ID.map.png``   a painted map with its codec inside, as ``visiongen predict`` writes it
``ID.png``   a painted map with its codec inside, or else whole numbers: ids (semantic, instance, panoptic as
             class * 1000 + number, 65535 void), millimetres in 16 bit (depth; 0 none), (n + 1) / 2 of full
             range (normals, tangent), the share of the full range (all other tasks; a phrase's masks may
             be of 0 and 1, if all of the folder's are)

``ID`` may also be the last part of the image's path, where only one image has it. Labels have the truth's
size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.benchmarks.base import Benchmark, Item
from visiongen.benchmarks.official_results import CocoResults
from visiongen.benchmarks.painted_answers import as_prediction, beside, read_map, read_saved, said_of
from visiongen.benchmarks.reading import orders, parts_of
from visiongen.benchmarks.rows import Direct
from visiongen.errors import InputError, MissingDataError
from visiongen.files import sha256
from visiongen.prompt import Legend
from visiongen.tasks.base import Prediction
from visiongen.tasks.returned import has_spec

IDS = ("semantic", "instance", "panoptic")
INDICES = (*IDS, "referring")  # a palette's numbers count, not its colours
VECTORS = ("normals", "tangent")
SHARES = ("edges", "salient", "matting", "incontext")  # of the full range: a 1 of 255 is next to nothing
Official = Callable[[str], Any]  # image id -> answer; KeyError or InputError where there is none


class PredictionsRow(Direct):
    """The row "model" of a folder (or an official results file) made by anyone."""

    name = "model"

    def __init__(self, benchmark: Benchmark, source: str | Path, legend: Legend | None) -> None:
        self.benchmark, self.source, self.legend = benchmark, Path(source), legend
        if not self.source.exists():
            raise MissingDataError(f"--predictions {self.source}: no such file or folder; check the path")
        self.official: Official | None = benchmark.scorer.official(self.source)
        if self.official is None and not self.source.is_dir():
            raise InputError(
                f"--predictions {self.source}: {benchmark.name} reads a folder of files named after its "
                "images"
            )
        self.identity: dict[str, Any] = {"predictions": 1}
        self._whole: str | None = None
        self._of_last: dict[str, set[str]] = {}  # last part of a path -> ids that were asked for

    def check(self, items: Sequence[Item]) -> None:
        """InputError where the whole source is not meant: a file of other images (each would count as one
        without a find), a folder of shares that are black all over.
        """
        if isinstance(self.official, CocoResults) and items:
            self.official.check([item.id for item in items])
        if self.official is None and set(parts_of(self.benchmark)) & set(SHARES) and self._top == 1:
            raise InputError(
                f"{self.source}: no picture has a level above 1, and 0 and 1 of the full range are black all "
                "over; write 0 and 255"
            )

    @cached_property
    def _top(self) -> int:
        """The highest level of all the folder's pictures without a codec; 2 stands for any above 1.

        Whether 1 means "sure" or "next to nothing" only all of them can say: where little is found, a picture
        of shares has nothing but zeros and ones.
        """
        top = 0
        for path in sorted(self.source.rglob("*.png")):
            if not _is_map(path):
                top = max(top, _highest(path, parts_of(self.benchmark)[0]))
                if top > 1:
                    return 2
        return top

    def item_identity(self, item: Item) -> Any:
        """The bytes of the image's own files; of an official file, the whole."""
        if self.official is not None:
            self._whole = self._whole or _digest(self.source)
            return self._whole
        found: list[Any] = []
        for part in parts_of(self.benchmark):
            path = self._find(item.id, part)
            files = [] if path is None else [path, *beside(path)]
            told = [text for file in files for text in (file.name, sha256(file))]
            found.append([*told, *["0 and 1"] * self._of_masks(part)] if told else None)
        return found

    def _of_masks(self, part: str) -> bool:
        """Whether a 1 is sure: it is a phrase's, and no picture of the folder has more."""
        return part == "referring" and self._top <= 1

    def answer(self, item: Item, truth: Any) -> Any:
        """InputError where the file is missing, damaged or not of the photo's size."""
        if self.official is not None:
            try:
                return self.official(item.id)
            except KeyError:
                raise InputError(f"{self.source}: no prediction for {item.id!r}; it fails") from None
        scorer, parts = self.benchmark.scorer, parts_of(self.benchmark)
        if len(parts) == 1 and _is_plain(path := self._file(item, parts[0])):
            return scorer.given(self._labels(path, parts[0]), item.options)
        found = self.predictions(item)
        if len(parts) > 1:
            return scorer.answer_parts(found, item.options)
        return scorer.answer(found[parts[0]], item.options)

    def predictions(self, item: Item) -> dict[str, Prediction]:
        """Part -> what its file says; InputError where it is missing, or damaged."""
        tasks, prompts = orders(self.benchmark, item, self.legend)
        found = {}
        for part, task, prompt in zip(parts_of(self.benchmark), tasks, prompts, strict=True):
            path = self._file(item, part)
            if _is_map(path):
                found[part] = read_map(path, item, task, prompt)
            elif said := said_of(path):
                found[part] = read_saved(path, said, self._labels(path, part), task, prompt)
            else:
                found[part] = as_prediction(self._labels(path, part), task, prompt)
        return found

    def _labels(self, path: Path, part: str) -> np.ndarray:
        return _labels(path, part, masks=self._of_masks(part))

    def _file(self, item: Item, part: str) -> Path:
        path = self._find(item.id, part)
        if path is None:
            raise InputError(
                f"{self.source}: no prediction of its own for {item.id!r} ({item.id}.npy, .map.png or .png); "
                "it fails"
            )
        return path

    def _find(self, name: str, part: str) -> Path | None:
        several = len(parts_of(self.benchmark)) > 1
        endings = [f".{part}.npy", f".{part}.map.png"]
        endings += [f".{part}.png"] if several else [".npy", ".map.png", ".png"]
        last = name.rsplit("/", 1)[-1]
        alike = self._of_last.setdefault(last, set())
        alike.add(name)
        for stem in dict.fromkeys((name, last) if len(alike) == 1 else (name,)):
            for ending in endings:
                path = self.source / f"{stem}{ending}"
                if path.is_file():
                    return path
        return None


def _is_map(path: Path) -> bool:
    return path.suffix == ".png" and has_spec(path)


def _is_plain(path: Path) -> bool:
    """Whether a file's labels are all that there is to it."""
    return not _is_map(path) and said_of(path) is None


def _digest(path: Path) -> str:
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return "".join(sha256(file) for file in files) if len(files) == 1 else _joined(files)


def _joined(files: list[Path]) -> str:
    import hashlib

    return hashlib.sha256("".join(sha256(file) for file in files).encode()).hexdigest()


def _highest(path: Path, task: str) -> int:
    """The highest level of a picture; 0 for one of one bit, or that cannot be read (it fails when asked)."""
    pixels = _pixels(path, task)
    return 0 if pixels is None or pixels.dtype == bool else int(pixels.max(initial=0))


def _labels(path: Path, task: str, masks: bool = False) -> np.ndarray:
    """See the module; ``masks``: a phrase's pictures are of 0 and 1. InputError for a damaged file."""
    if path.suffix == ".npy":
        try:
            return np.asarray(np.load(path, allow_pickle=False))
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: no readable array ({error}); save it with numpy.save") from error
    pixels = _pixels(path, task)
    if pixels is None:
        raise InputError(f"{path}: no readable picture; write it again")
    if task in INDICES:
        if pixels.ndim == 3:
            raise InputError(f"{path}: colours without a codec; give ids in one channel, or a .map.png")
        if pixels.dtype == bool:
            return pixels.astype(np.uint8)
        return pixels if task in IDS or masks else _share(path, pixels)
    if task == "depth":
        return _metres(path, pixels)
    share = _share(path, pixels)
    # vectors keep their length: the metrics normalise, and gray has no direction
    return share * 2 - 1 if task in VECTORS else share


def _pixels(path: Path, task: str) -> np.ndarray | None:
    """The picture's numbers, (H, W) or RGB (H, W, 3); None for one that cannot be read.

    Of a task that is told by indices: a palette's, as VOC's results are, and bool of a picture of one bit.
    """
    import cv2

    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        return None
    if task in INDICES and (indices := _indices(path)) is not None:
        return indices
    return np.ascontiguousarray(pixels[..., 2::-1]) if pixels.ndim == 3 else pixels


def _metres(path: Path, pixels: np.ndarray) -> np.ndarray:
    """Millimetres in one channel of 16 bits as metres, NaN for 0; InputError for others."""
    if pixels.dtype != np.uint16 or pixels.ndim == 3:
        raise InputError(f"{path}: depth is one 16-bit channel of millimetres, or metres as .npy")
    return np.where(pixels == 0, np.float32(np.nan), pixels.astype(np.float32) / np.float32(1000))


def _share(path: Path, pixels: np.ndarray) -> np.ndarray:
    """Whole numbers as shares of their full range, float32; InputError for others."""
    if pixels.dtype.kind != "u":
        raise InputError(f"{path}: {pixels.dtype} is not 8 or 16 bit; write it again, or as .npy")
    return pixels.astype(np.float32) / np.float32(65535 if pixels.dtype == np.uint16 else 255)


def _indices(path: Path) -> np.ndarray | None:
    """What OpenCV reads as colours: a palette's indices uint8, one bit as bool. None: it is neither."""
    from PIL import Image

    with Image.open(path) as image:
        return np.array(image) if image.mode in ("P", "1") else None
