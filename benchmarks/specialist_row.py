"""The row of specialists: which run answers which map of a benchmark, and what it paints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from visiongen.benchmarks.base import Benchmark, Item
from visiongen.benchmarks.reading import orders, parts_of
from visiongen.benchmarks.rows import Painted, Painter, codec_identity
from visiongen.errors import InputError, UsageError
from visiongen.files import sha256
from visiongen.prompt import Legend

if TYPE_CHECKING:
    from visiongen.benchmarks.specialist import Specialist


class Trained(NamedTuple):
    """A specialist and the sha256 of its weights file."""

    model: Specialist
    sha256: str


class SpecialistRow(Painter):
    """A specialist a map, each at the working size or, if smaller, the one that it learned at."""

    name = "specialist"

    def __init__(self, benchmark: Benchmark, trained: Mapping[str, Trained], legend: Legend | None) -> None:
        for part, one in trained.items():
            if one.model.config.task != part:
                raise InputError(f"specialist: made for {one.model.config.task}, not {part}; give another")
        self.benchmark, self.legend = benchmark, legend
        self.models = {part: one.model for part, one in trained.items()}
        asked = benchmark.protocol["long_side"]
        self.sides = {part: model.long_side(asked) for part, model in self.models.items()}
        digests = {part: one.sha256 for part, one in trained.items()}
        self.identity = {"weights": _alone(digests), "long_side": _alone(self.sides)}
        self.identity |= codec_identity(benchmark, legend)

    @classmethod
    def find(cls, benchmark: Benchmark, runs: Sequence[str | Path], legend: Legend | None) -> SpecialistRow:
        """For each map the one of ``runs`` (folders or weights files) that is meant, else the shipped one.

        Of the runs made for this task, the one called like the benchmark's recipe comes first, then
        those called like no recipe; one of another benchmark's recipe is taken if nothing ships.
        WeightsError: missing or altered. InputError: there is none for a map.
        """
        from visiongen.benchmarks.specialist import load_specialist
        from visiongen.training.start import find

        known = {run: load_specialist(find(run)) for run in runs}
        chosen = {}
        for part in parts_of(benchmark):
            run = _choose(benchmark, part, known)
            own = None if run is None else Trained(known[run], sha256(find(run)))
            chosen[part] = own or _shipped(benchmark, part)
        return cls(benchmark, chosen, legend)

    def paint(self, item: Item, photo: np.ndarray) -> Painted:
        """Look at the working size, and say it like any other painting."""
        sheets = {}
        tasks, prompts = orders(self.benchmark, item, self.legend)
        for part, task, prompt in zip(self.models, tasks, prompts, strict=True):
            sheets[part] = self.models[part].sheet(photo, task, prompt, self.sides[part])
        return sheets, {}


def check_runs(runs: Sequence[str | Path]) -> None:
    """UsageError, or WeightsError, for one of ``runs`` without weights, before anything is painted."""
    from visiongen.training.start import find

    for run in runs:
        if not find(run).is_file():
            raise UsageError(f"--specialist {run}: no weights there; give a finished run of visiongen train")


def _alone(by_part: Mapping[str, Any]) -> Any:
    """The value itself where there is one map, as runs on disk have it; else all of them by map."""
    return next(iter(by_part.values())) if len(by_part) == 1 else by_part


def _choose(benchmark: Benchmark, part: str, known: Mapping[str | Path, Specialist]) -> str | Path | None:
    """The run that is meant for one map; None: the shipped specialist is, if there is one."""
    own = recipe_of(benchmark, part)
    found = []
    for run, model in known.items():
        if model.config.task == part:
            name = Path(run).stem
            found.append((name != own, name.startswith("specialist-") and name != own, run))
    found.sort(key=lambda one: one[:2])
    if not found or (found[0][1] and benchmark.protocol.get("specialist")):
        return None
    return found[0][2]


def _shipped(benchmark: Benchmark, part: str) -> Trained:
    from visiongen import weights
    from visiongen.benchmarks.specialist import load_specialist

    shipped = benchmark.protocol.get("specialist")
    if shipped is None:
        raise InputError(
            f"none ships for {benchmark.name}; train one (visiongen train {recipe_of(benchmark, part)}) and "
            "give its folder as --specialist"
        )
    return Trained(load_specialist(weights.check(shipped)), weights.entry(shipped).sha256)


def recipe_of(benchmark: Benchmark, part: str) -> str:
    """The recipe of the specialist for one map of a benchmark: the protocol's ``recipe``, else that of the
    benchmark's own name, else the task's.

    Sets with tangent-space normals are flat surfaces, which have recipes of their own.
    """
    from visiongen.training.recipe import find_recipe

    parts = parts_of(benchmark)
    if len(parts) > 1:
        return f"specialist-surfaces-{part}" if "tangent" in parts else f"specialist-{part}"
    own: str = benchmark.protocol.get("recipe", f"specialist-{benchmark.name}")
    try:
        return find_recipe(own).stem
    except UsageError:
        return f"specialist-{part}"
