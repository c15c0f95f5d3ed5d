"""PASCAL-5i (Shaban et al. 2017) and COCO-20i (Nguyen and Todorovic 2019): classes that examples show.

Split "val": layout and lists are HSNet's (github.com/juhongm999/hsnet), whose data SegGPT uses too: photos
and masks in ``VOC2012/{JPEGImages,SegmentationClassAug}`` (VOC with SBD's masks) and
``COCO2014/{val2014,annotations/val2014}``: PNGs of class numbers from 1, 0 = background, 255 = border, which
is not scored in PASCAL-5i and is background in COCO-20i, as in HSNet's ``data/{pascal,coco}.py``.
Lists: its repository's ``data/splits/{pascal,coco}/val/fold{0..3}.{txt,pkl}``, as ``splits/`` or
``data/splits/`` in those folders or beside them.

Splits "voc", "val2014" and "val2017" need nothing but the official downloads; see fewshot_sets.py.

An episode is a class of the fold, a query photo and ``shots`` other photos of that class. Of PASCAL-5i's
split "val" the queries and their classes are the list's lines in turn, again from the top, as in HSNet's
``data/pascal.py``. All else HSNet draws from numpy's global state; here what is drawn for episode i depends
on (seed, i) alone, with one query whatever the ``shots``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from visiongen.benchmarks.datasets.files import BLIND_IMAGES, FilesBenchmark, Sample, require
from visiongen.benchmarks.datasets.label_images import VOID, lookup, read_index, to_positions
from visiongen.benchmarks.datasets.parallel import BLIND_SIZE
from visiongen.benchmarks.scorers.fewshot import FewShotTruth
from visiongen.data import data_root
from visiongen.errors import InputError, MissingDataError, UsageError, VisiongenError
from visiongen.image import read_image
from visiongen.prompt import MAX_EXAMPLES
from visiongen.resize import resize_nearest

MAPS = "alpha/gray@1"  # how example maps are painted: white = the class
FOLDS = range(4)
HSNET = "val"  # the split by HSNet's lists


@dataclass(frozen=True)
class Shown:
    """A photo that shows a class. Its mask is a PNG of class numbers, or what ``note`` (JSON-able) holds.

    ``large``: whether it may be an example.
    """

    name: str
    photo: Path
    mask: Path | None = None
    note: Any = field(default=None, repr=False)
    large: bool = True


Pool = Mapping[int, Sequence[Shown]]  # class number -> its photos


@dataclass(frozen=True, kw_only=True)
class Episode(Sample):
    """``kind``: position of the class in ``classes``; ``shown``: the query, then the examples."""

    kind: int
    shown: tuple[Shown, ...]


class FewShot(FilesBenchmark):
    """One fold. Protocol: ``fold``, ``class_ids`` (of ``classes``, in the masks), ``shots`` and ``seed``."""

    lists: ClassVar[str]  # below a folder "splits"
    numbers: ClassVar[int]  # classes of all folds
    in_turn: ClassVar[bool] = False  # whether HSNet's list says the queries, one after the other
    borders: ClassVar[bool] = True  # whether 255 is a border, not scored; else it is the rest, as 0

    @abstractmethod
    def names(self, listed: Path) -> Iterator[tuple[int, str]]:
        """Class number and name of the photos in one of HSNet's lists."""

    @abstractmethod
    def files_of(self, root: Path, name: str) -> tuple[Path, Path]:
        """Photo and mask of a name in HSNet's layout."""

    @abstractmethod
    def official(self, root: Path, split: str) -> Pool:
        """The photos of each of the fold's classes in the official download."""

    @abstractmethod
    def official_list(self, root: Path, split: str) -> Path:
        """The file of the official download that names a split's photos; it may be missing."""

    def find_list(self, root: Path) -> Path:
        """HSNet's list of the fold, beside the folder or in it; MissingDataError: none."""
        listed = self.lists.format(fold=self.protocol["fold"])
        places = [up / part / listed for up in (root.parent, root) for part in ("splits", "data/splits")]
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            others = " or ".join(split for split in self.protocol["splits"] if split != HSNET)
            also = f", or take --split {others}" if others else ""
            raise MissingDataError(
                f"{places[0]}: missing; copy it from HSNet's repository (data/splits){also}"
            )
        return found

    def root(self, data: str | Path | None) -> Path:
        """A folder in HSNet's layout, else one with the official files of any other split."""
        try:
            return super().root(data)
        except MissingDataError:
            root = data_root(data)
            for folder in (root, *(root / name for name in self.folders)):
                if self.here(folder):
                    return folder
            raise

    def here(self, folder: Path) -> list[str]:
        """The splits of the official download that lie in a folder."""
        others = [split for split in self.protocol["splits"] if split != HSNET]
        return [split for split in others if self.official_list(folder, split).is_file()]

    def present(self, data: str | Path | None) -> Path | None:
        """Only where the default split can be scored."""
        try:
            root = self.root(data)
            return root if self.find_list(root) else None
        except VisiongenError:
            return None

    def pool(self, root: Path, split: str) -> Pool:
        """Class number -> photos that show it, by name, each once."""
        if split != HSNET:
            return self.official(root, split)
        found: dict[int, dict[str, Shown]] = {}
        for number, name in self.names(self.find_list(root)):
            found.setdefault(number, {})[name] = Shown(name, *self.files_of(root, name))
        return {number: [some[name] for name in sorted(some)] for number, some in found.items()}

    def samples(self, root: Path, split: str) -> Sequence[Episode]:
        """As many episodes as the protocol says; ids are their numbers."""
        shots = self.protocol["shots"]
        if not 1 <= shots <= MAX_EXAMPLES:
            raise UsageError(
                f"protocol {self.name!r}: shots = {shots}; 1 to {MAX_EXAMPLES} examples are read"
            )
        listed = self.find_list(root) if split == HSNET else self.official_list(root, split)
        pool = self.pool(root, split)
        for number in self.protocol["class_ids"]:
            if sum(one.large for one in pool.get(number, ())) <= shots:
                least = "" if split == HSNET else f" with {self.protocol['least_example']} pixels of it"
                raise InputError(
                    f"{listed}: class {number} needs more than {shots} photos{least}; complete the dataset"
                )
        count = self.protocol["splits"][split]
        wanted = self.names(listed) if split == HSNET and self.in_turn else ()
        queries = [one for one in wanted if one[0] in self.protocol["class_ids"]]
        episodes = [self._episode(pool, number, queries) for number in range(count)]
        require(episodes, listed)
        return episodes

    def _episode(self, pool: Pool, number: int, queries: Sequence[tuple[int, str]]) -> Episode:
        """Number ``number``; ``queries``: class and name of each in turn, none where they are drawn."""
        rng = np.random.default_rng([self.protocol["seed"], number])
        ids = self.protocol["class_ids"]
        kind = int(rng.integers(len(ids)))
        if queries:
            asked, name = queries[number % len(queries)]
            kind = ids.index(asked)
        some = pool[ids[kind]]
        query, *others = (some[i] for i in rng.permutation(len(some)))
        if queries:
            query, others = _put_first(name, [query, *others])
        shown = (query, *[one for one in others if one.large][: self.protocol["shots"]])
        files = [path for one in shown for path in (one.photo, one.mask) if path is not None]
        notes = [one.note for one in shown]
        more = {"masks": notes} if any(note is not None for note in notes) else {}
        return Episode(
            f"{number:04d}",
            query.photo,
            tuple(files[1:]),
            {"kind": kind} | more,
            {"example_codec": MAPS},
            cluster=query.name,
            kind=kind,
            shown=shown,
        )

    def heavy(self, sample: Sample) -> Callable[[], Mapping[str, Any]]:
        """The examples: photos, and maps that are white where the class is."""
        assert isinstance(sample, Episode)
        return partial(self._examples, sample)

    def _examples(self, episode: Episode) -> Mapping[str, Any]:
        pairs = []
        for one in episode.shown[1:]:
            white = np.where(self.labels(one, episode.kind) == 1, np.uint8(255), np.uint8(0))
            pairs.append((read_image(one.photo, stored=True), np.repeat(white[..., None], 3, axis=2)))
        return {"examples": tuple(pairs)}

    def read_truth(self, sample: Sample) -> FewShotTruth:
        """The query's labels and its class."""
        assert isinstance(sample, Episode)
        return FewShotTruth(self.labels(sample.shown[0], sample.kind), sample.kind)

    def labels(self, shown: Shown, kind: int) -> np.ndarray:
        """uint8 (H, W): 1 = the class, 0 = the rest, 255 = a border; InputError: it has none of the class."""
        assert shown.mask is not None
        path, number = shown.mask, self.protocol["class_ids"][kind]
        stored = to_positions(read_index(path), lookup(range(self.numbers + 1), [VOID]), path)
        if not (stored == number).any():
            raise InputError(f"{path}: no pixel of class {number}, for which it is listed; fetch it again")
        return np.where((stored == VOID) & self.borders, VOID, stored == number).astype(np.uint8)

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """The blob that fits the first example of the first 200 episodes best.

        Of ``blind_split``, or of the first split that lies there.
        """
        root, split = self.root(data), self.protocol["blind_split"]
        if self.present(data) is None:
            split = next(iter(self.here(root)), split)
        some = self.samples(root, split)[:BLIND_IMAGES]
        masks = [self.labels(one.shown[1], one.kind) for one in some]
        small = [FewShotTruth(resize_nearest(mask, BLIND_SIZE), 0) for mask in masks]
        return self.scorer.prior(small)


def _put_first(name: str, photos: Sequence[Shown]) -> tuple[Shown, list[Shown]]:
    """The photo of that name, and the others in their order."""
    query = next(one for one in photos if one.name == name)
    return query, [one for one in photos if one is not query]
