"""What a benchmark is: a protocol, items with their truth, and how a blind guess is made."""

from __future__ import annotations

import dataclasses
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.benchmarks.protocols import load_protocol
from visiongen.benchmarks.scoring import Scorer, scorer_for
from visiongen.errors import UsageError
from visiongen.prompt import Legend


@dataclass(frozen=True)
class Item:
    """One image of a split. ``digest`` is of the photo's and the truth's bytes.

    ``options`` is what this item's prompt holds beside the task and goes to ``predict`` as it is: a
    ``legend`` of its own, the ``phrase`` that is asked for, ``examples``.
    """

    id: str  # also a relative path without suffix: "frankfurt/frankfurt_000000_000294"
    digest: str
    photo: Callable[[], np.ndarray] = field(repr=False)  # -> uint8 (H, W, 3); may raise InputError
    truth: Callable[[], Any] = field(repr=False)  # -> what the scorer of the protocol reads
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    cluster: str = ""  # scene, drive or video: intervals draw whole clusters; "" = the image alone
    heavy: Callable[[], Mapping[str, Any]] | None = field(default=None, repr=False)

    def asked(self) -> Mapping[str, Any]:
        """``options``, and those that are read only when needed (pictures; ``digest`` covers them)."""
        return self.options if self.heavy is None else {**self.options, **self.heavy()}


class Benchmark(ABC):
    """A dataset with a split, a protocol and its metrics."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.protocol: dict[str, Any] = load_protocol(name)
        self.task: str = self.protocol["task"]
        self.version: str = self.protocol["version"]

    @property
    def source(self) -> str:
        """What ``get_benchmark`` finds it by: its name, or the file that describes it."""
        return self.name

    @property
    def scorer(self) -> Scorer:
        """Turns truth and prediction into statistics, and statistics into scores."""
        return scorer_for(self.protocol)

    def split(self, wanted: str | None) -> str:
        """``wanted`` or the default split; an unknown one raises UsageError."""
        name = wanted or self.protocol["default_split"]
        if name not in self.protocol["splits"]:
            known = ", ".join(self.protocol["splits"])
            raise UsageError(f"--split {name!r}: {self.name} has {known}")
        return str(name)

    def expected(self, data: str | Path | None, split: str) -> int:
        """How many images a whole split has."""
        return int(self.protocol["splits"][split])

    def present(self, data: str | Path | None) -> Path | None:
        """Where the data lies, or None when it is not there."""
        return None

    @abstractmethod
    def items(self, data: str | Path | None, split: str, limit: int | None = None) -> list[Item]:
        """The first ``limit`` images of the split, in the official order.

        MissingDataError when the data is not there.
        """

    @abstractmethod
    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], Any]:
        """A guess made from the train split without looking: size (H, W) -> what the scorer chooses from.

        MissingDataError when there is no train data.
        """

    def legend(self, seed: int | None = None) -> Legend | None:
        """The prompt's legend, for semantic tasks: the protocol's, or in colours drawn from ``seed``."""
        if "legend" not in self.protocol:
            return None
        legend = Legend.parse(self.protocol["legend"])
        return legend if seed is None else redraw(legend, np.random.default_rng(seed))

    def recoloured(self, item: Item, seed: int | None) -> Item:
        """The item, the legend that it may have of its own in colours drawn from ``seed`` and its id."""
        if seed is None or "legend" not in item.options:
            return item
        rng = np.random.default_rng([seed, *item.id.encode()])
        legend = redraw(item.options["legend"], rng)
        return dataclasses.replace(item, options={**item.options, "legend": legend})


def redraw(legend: Legend, rng: np.random.Generator) -> Legend:
    """The same names in random colours far apart."""
    from visiongen.tasks.codecs.legend import random_legend_colours

    colours = random_legend_colours(len(legend), rng)
    return legend.recolour([(int(r), int(g), int(b)) for r, g, b in colours])


def describe_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """An item's options for a key, JSON-able: words and numbers as they are, pictures by their digest."""
    return {name: _described(value) for name, value in options.items()}


def _described(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, Legend):
        return str(value)
    if isinstance(value, np.ndarray):
        return digest_of([value])
    if dataclasses.is_dataclass(value):
        return [_described(getattr(value, part.name)) for part in dataclasses.fields(value)]
    return [_described(part) for part in value]


def digest_of(parts: Sequence[bytes | np.ndarray]) -> str:
    """sha256 hex of bytes and arrays (with shape and type)."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype}{part.shape}".encode())
            part = np.ascontiguousarray(part).tobytes()
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()
