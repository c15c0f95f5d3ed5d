"""``visiongen bench validate``: check datasets on disk before their numbers are believed."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visiongen.cli.common import JsonTarget, progress, say, write_report

if TYPE_CHECKING:
    from visiongen.benchmarks.base import Benchmark
    from visiongen.benchmarks.validate import Tree

EVERY = "all"


def validate(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Which benchmarks; all: those whose data is there.")
    ],
    data: Annotated[
        Path | None, typer.Option("--data", help="Data root, or the dataset's own folder.")
    ] = None,
    split: Annotated[str | None, typer.Option("--split", help="Which split; the default one.")] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Counts, lists and files only: open no photo and no truth.")
    ] = False,
    show: Annotated[int, typer.Option("--show", metavar="N", help="Print at most N problems each.")] = 50,
    json_target: JsonTarget = None,
) -> None:
    """Check trees: counts, lists, files, sizes, labels. Exit code 1: problems, 3: data is missing."""
    from visiongen.benchmarks.runner import get_benchmark
    from visiongen.benchmarks.validate import SCHEMA
    from visiongen.benchmarks.validate import validate as check

    benchmarks = _present(data) if names == [EVERY] else [get_benchmark(n) for n in dict.fromkeys(names)]
    for benchmark in benchmarks:
        benchmark.split(split)
    trees = []
    for benchmark in benchmarks:
        tree = check(benchmark, data, split, fast, _bar(benchmark.name))
        trees.append(tree)
        for line in describe(tree, show, fast):
            say(line, json_target)
    write_report(json_target, {"schema": SCHEMA, "results": [tree.to_json() for tree in trees]})
    if any(not tree.ok and tree.missing is None for tree in trees):
        raise typer.Exit(1)
    if any(tree.missing is not None for tree in trees):
        raise typer.Exit(3)


def _present(data: Path | None) -> list[Benchmark]:
    """The benchmarks whose data is there; MissingDataError for none: nothing looked at is not in order."""
    from visiongen.benchmarks.runner import get_benchmark
    from visiongen.data import data_root
    from visiongen.errors import MissingDataError
    from visiongen.registry import BENCHMARKS

    known = [get_benchmark(name) for name in BENCHMARKS]
    found = [benchmark for benchmark in known if benchmark.present(data) is not None]
    if not found:
        root = data_root(data)  # may tell itself that there is none
        raise MissingDataError(
            f"{root}: no benchmark's data is there; give another --data, or name benchmarks"
        )
    return found


def _bar(name: str) -> Any:
    @contextmanager
    def bar(total: int) -> Any:
        with progress(total, f"validate {name}") as step:
            yield step

    return bar


def describe(tree: Tree, show: int, fast: bool) -> list[str]:
    """A line a problem, at most ``show``, and a last one that sums up."""
    head = f"{tree.benchmark} version {tree.version}, split {tree.split}"
    if tree.missing is not None:
        return [f"{head}: missing: {tree.missing}"]
    lines = []
    for one in tree.problems[:show]:
        where = f" {one.id}" if one.id else ""
        lines.append(f"  {one.level}: {one.kind}{where}: {one.message}")
    left = len(tree.problems) - len(lines)
    lines += [f"  and {left} more; --show {len(tree.problems)} prints all"] if left > 0 else []
    warnings = sum(one.level == "warning" for one in tree.problems)
    faults = len(tree.problems) - warnings
    read = "nothing opened (--fast)" if fast else f"{tree.n_read} read without a problem"
    verdict = "ok" if tree.ok else f"{faults} problem{'s' * (faults != 1)}"
    verdict += f", {warnings} warning{'s' * (warnings != 1)}" if warnings else ""
    return [*lines, f"{head}: {tree.n_listed} of {tree.n_expected} listed, {read}: {verdict}"]
