"""What every training source has in common: sizes, batch count, and purity in (seed, index)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from visiongen.errors import UsageError
from visiongen.training.batches import Batch

Size = Sequence[int] | Sequence[Sequence[int]]


class Source:
    """Base: ``prepare()`` once, then ``batch(index, seed)`` as a pure function of its arguments.

    ``size`` is [height, width] or a list of them (one is drawn per batch), multiples of 8;
    ``batch`` is the number of photos in a batch; ``data`` the data root (see visiongen.data).
    """

    name = "source"

    def __init__(self, *, size: Size, batch: int = 8, data: str | None = None) -> None:
        self.sizes = parse_sizes(size, self.name)
        if batch < 1:
            raise UsageError(f"source {self.name}: batch = {batch}; give at least 1")
        self.count = int(batch)
        self.data = data

    def prepare(self) -> None:
        """Load or render what batches need; called once, before any worker starts."""

    def batch(self, index: int, seed: int) -> Batch:
        """Batch number ``index`` of the run with ``seed``; see visiongen.training.batches."""
        raise NotImplementedError

    def generator(self, index: int, seed: int) -> np.random.Generator:
        """The random generator of one batch; differs between sources."""
        return np.random.default_rng([seed, index, zlib.crc32(self.name.encode())])

    def draw_size(self, rng: np.random.Generator) -> tuple[int, int]:
        """One of the source's sizes."""
        return self.sizes[int(rng.integers(len(self.sizes)))]


def parse_sizes(size: Size, where: str) -> tuple[tuple[int, int], ...]:
    """[h, w] or [[h, w], ...] as a tuple of pairs; UsageError unless multiples of 8."""
    rows = [size] if len(size) == 2 and not isinstance(size[0], Sequence) else list(size)
    pairs = []
    for row in rows:
        if not isinstance(row, Sequence) or len(row) != 2:
            raise UsageError(f"source {where}: size {size!r}; give [height, width] or a list of them")
        h, w = int(row[0]), int(row[1])
        if h < 8 or w < 8 or h % 8 or w % 8:
            raise UsageError(f"source {where}: size [{h}, {w}] is not made of multiples of 8")
        pairs.append((h, w))
    if not pairs:
        raise UsageError(f"source {where}: size is empty; give [height, width]")
    return tuple(pairs)


def check_tasks(tasks: Sequence[str], known: Sequence[str], where: str) -> tuple[str, ...]:
    """The tasks as a tuple; UsageError for an unknown one or none at all."""
    for task in tasks:
        if task not in known:
            raise UsageError(f"source {where}: unknown task {task!r}; choose from {', '.join(known)}")
    if not tasks:
        raise UsageError(f"source {where}: tasks is empty; choose from {', '.join(known)}")
    return tuple(tasks)


def check_scale(scale: Sequence[float], where: str, most: float = 1.0) -> tuple[float, float]:
    """(least, largest) side of a window, as a share of the largest; UsageError unless 0 < least <= largest.

    Windows beyond ``most`` = 1 would not fit, and show their photo squeezed.
    """
    low, high = (float(side) for side in scale) if len(scale) == 2 else (0.0, 0.0)
    if not 0 < low <= high <= most:
        limit = f" <= {most:g}" if most < float("inf") else ""
        raise UsageError(
            f"source {where}: scale = {list(scale)}; give two numbers, 0 < least <= largest{limit}"
        )
    return low, high


def check_per_photo(per_photo: int | None, where: str) -> int | None:
    """How many tasks are asked of a photo at most, None = all; UsageError below 1."""
    if per_photo is not None and per_photo < 1:
        raise UsageError(f"source {where}: per_photo = {per_photo}; ask at least one task of a photo")
    return per_photo
