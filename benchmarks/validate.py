"""Is a dataset's tree whole and readable? Counts, lists, files, sizes and labels against the protocol.

A *problem* changes numbers or stops a run; a *warning* is worth knowing: two images of the same bytes.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.benchmarks.base import Benchmark, describe_options
from visiongen.benchmarks.datasets.files import FilesBenchmark, MissingFiles, Sample
from visiongen.benchmarks.scoring import check_finite_json
from visiongen.errors import MissingDataError, VisiongenError
from visiongen.files import sha256

SCHEMA = "visiongen.validate/1"
Progress = Callable[[int], Any]


@dataclass(frozen=True)
class Problem:
    """One fault. ``kind``: count, list, file, id, photo, truth, example, size, score or duplicate."""

    kind: str
    id: str
    message: str
    level: str = "problem"


@dataclass
class Tree:
    """What was found about one split of one benchmark. ``missing``: why nothing could be checked."""

    benchmark: str
    version: str
    split: str
    n_expected: int
    root: str | None = None
    n_listed: int = 0
    n_read: int = 0
    missing: str | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether a run can be believed: the data is there and has no problem (warnings are none)."""
        return self.missing is None and not any(one.level == "problem" for one in self.problems)

    def to_json(self) -> dict[str, Any]:
        """See TreeForm in result_schema.py."""
        return {**dataclasses.asdict(self), "ok": self.ok}


@dataclass(frozen=True)
class Entry:
    """One image to look at. ``digest`` tells content apart: photo, truth and what is asked.

    ``heavy``: what is read only when the image is asked (pictures of examples), or None.
    """

    id: str
    photo: Callable[[], np.ndarray]
    truth: Callable[[], Any]
    digest: Callable[[], str]
    heavy: Callable[[], Any] | None = None


def validate(
    benchmark: Benchmark,
    data: str | Path | None = None,
    split: str | None = None,
    fast: bool = False,
    progress: Progress | None = None,
) -> Tree:
    """Check one split below ``data``; ``fast``: counts, lists, names and files, but nothing is opened.

    ``progress(total)`` gives a context manager whose value is called with each image's name. UsageError:
    unknown split.
    """
    name = benchmark.split(split)
    expected = benchmark.protocol["splits"][name]
    tree = Tree(benchmark.name, benchmark.version, name, expected)
    try:
        entries = _entries(benchmark, data, name, tree)
    except MissingDataError as error:
        tree.missing = str(error)
        return tree
    except VisiongenError as error:
        tree.problems.append(Problem("list", "", str(error)))
        return tree
    if benchmark.protocol.get("uncounted"):
        tree.n_expected = tree.n_listed  # as a run says: what the folder holds is the split
    elif tree.n_listed != expected:
        told = f"{tree.n_listed} images are listed, the protocol's split {name} has {expected}"
        tree.problems.append(Problem("count", "", told))
    repeated = Counter(entry.id for entry in entries)
    tree.problems += [Problem("id", i, f"listed {n} times") for i, n in repeated.items() if n > 1]
    if not fast:
        tree.problems += _look(benchmark, entries, tree, progress)
    return tree


def _entries(benchmark: Benchmark, data: str | Path | None, split: str, tree: Tree) -> list[Entry]:
    """What can be looked at; files that are missing become problems of the tree."""
    if not isinstance(benchmark, FilesBenchmark):
        found = benchmark.present(data)
        tree.root = None if found is None else str(found)
        items = benchmark.items(data, split)
        tree.n_listed = len(items)
        return [Entry(i.id, i.photo, i.truth, partial(_given, i.digest, i.options), i.heavy) for i in items]
    root = benchmark.root(data)
    tree.root = str(root)
    tree.problems += check_lists(root, benchmark.protocol.get("list_sha256", {}))
    gone: set[Path] = set()
    try:
        samples: Sequence[Sample] = benchmark.samples(root, split)
    except MissingFiles as error:
        samples, gone = error.samples, set(error.missing)
    tree.n_listed = len(samples)
    entries = []
    for sample in samples:
        lost = [path for path in (sample.photo, *sample.truth) if path in gone]
        tree.problems += [Problem("file", sample.id, f"{path}: listed, but missing") for path in lost]
        if not lost:
            entries.append(_entry(benchmark, sample))
    return entries


def _entry(benchmark: FilesBenchmark, sample: Sample) -> Entry:
    return Entry(
        sample.id,
        partial(benchmark.read_photo, sample),
        partial(benchmark.read_truth, sample),
        lambda: _given(benchmark.digest(sample), sample.options),
        benchmark.heavy(sample),
    )


def _given(digest: str, options: Mapping[str, Any]) -> str:
    return f"{digest} {sorted(describe_options(options).items())}"


def check_lists(root: Path, known: Mapping[str, str]) -> Iterator[Problem]:
    """The protocol's ``list_sha256``: path below the root -> sha256 of the official file."""
    for name, wanted in known.items():
        path = root / name
        if not path.is_file():
            yield Problem("list", "", f"{path}: the official list is missing; copy it from the dataset")
        elif sha256(path) != wanted:
            yield Problem("list", "", f"{path}: its sha256 is {sha256(path)[:9]}, officially {wanted[:9]}")


def _look(
    benchmark: Benchmark, entries: Sequence[Entry], tree: Tree, progress: Progress | None
) -> Iterator[Problem]:
    """Open every photo and truth, and the examples that are shown."""
    seen: dict[str, str] = {}
    scorer = benchmark.scorer
    bar = nullcontext(lambda name: None) if progress is None else progress(len(entries))
    with bar as step:
        for entry in entries:
            found = list(_look_at(entry, scorer.stats))
            tree.n_read += not found
            yield from found
            if not found:
                first = seen.setdefault(entry.digest(), entry.id)
                if first != entry.id:
                    told = f"the same photo, truth and question as {first}"
                    yield Problem("duplicate", entry.id, told, "warning")
            step(entry.id)


def _look_at(entry: Entry, stats: Callable[[Any, Any], dict[str, Any]]) -> Iterator[Problem]:
    """What is wrong with one image: a file of it cannot be read, its sizes differ, or it has no score."""
    photo = truth = None
    try:
        photo = entry.photo()
    except Exception as error:
        yield Problem("photo", entry.id, _told(error))
    try:
        truth = entry.truth()
    except Exception as error:
        yield Problem("truth", entry.id, _told(error))
    try:
        _ = entry.heavy and entry.heavy()
    except Exception as error:
        yield Problem("example", entry.id, _told(error))
    if photo is None or truth is None:
        return
    size = truth_size(truth)
    if size is not None and size != photo.shape[:2]:
        yield Problem("size", entry.id, f"the photo is {photo.shape[:2]}, the truth {size} (height, width)")
        return
    try:
        check_finite_json(stats(truth, None))
    except Exception as error:
        yield Problem("score", entry.id, _told(error))


def _told(error: Exception) -> str:
    kind = "" if isinstance(error, VisiongenError) else f"{type(error).__name__}: "
    return " ".join(f"{kind}{error}".split()) or type(error).__name__


def truth_size(truth: Any) -> tuple[int, int] | None:
    """(H, W) of a truth: an array, or something that has a ``size`` or holds arrays; None: cannot tell."""
    if isinstance(truth, np.ndarray):
        return (truth.shape[0], truth.shape[1]) if truth.ndim >= 2 else None
    size = getattr(truth, "size", None)
    if isinstance(size, tuple) and len(size) == 2:
        return int(size[0]), int(size[1])
    if dataclasses.is_dataclass(truth):
        for part in dataclasses.fields(truth):
            value = getattr(truth, part.name)
            if isinstance(value, np.ndarray) and value.ndim >= 2:
                return value.shape[0], value.shape[1]
    return None
