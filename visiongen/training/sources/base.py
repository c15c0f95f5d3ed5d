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
        if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
            raise UsageError(f"source {self.name}: batch = {batch!r}; give a whole number from 1 on")
        self.count = int(batch)
        self.data = data

    @property
    def words(self) -> tuple[str, ...]:
        """Names of classes that its legends may hold; packed weights say what they were trained on."""
        return ()

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
    if isinstance(size, str) or not isinstance(size, Sequence):
        raise UsageError(f"source {where}: size = {size!r}; give [height, width] or a list of them")
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
    return check_names(tasks, known, where, "tasks", "task")


def check_names(
    values: Sequence[str], known: Sequence[str], where: str, option: str, one: str
) -> tuple[str, ...]:
    """An option's names as a tuple; UsageError for an unknown one, none at all, or no list."""
    names = check_list(values, where, option)
    for name in names:
        if name not in known:
            raise UsageError(f"source {where}: unknown {one} {name!r}; choose from {', '.join(known)}")
    if not names:
        raise UsageError(f"source {where}: {option} is empty; choose from {', '.join(known)}")
    return names


def check_list(values: Sequence[str], where: str, option: str) -> tuple[str, ...]:
    """An option's texts as a tuple; UsageError for a single text, whose letters would count as a list."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise UsageError(f'source {where}: {option} = {values!r}; give a list: {option} = ["{values}"]')
    return tuple(values)


def check_chances(where: str, **chances: float) -> None:
    """UsageError for an option that is no number from 0 to 1."""
    for option, value in chances.items():
        if not _is_number(value) or not 0 <= value <= 1:
            raise UsageError(f"source {where}: {option} = {value!r}; give a chance from 0 to 1")


def check_strength(jitter: float, where: str) -> float:
    """``jitter``, how strongly colours are changed, may be beyond 1; UsageError below 0 or for no number."""
    if not _is_number(jitter) or not 0 <= jitter < float("inf"):
        raise UsageError(f"source {where}: jitter = {jitter!r}; give a strength from 0 on, 0 for none")
    return jitter


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


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
