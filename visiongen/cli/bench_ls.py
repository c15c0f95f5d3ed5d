"""``visiongen bench ls``: every benchmark by task, and whether its data is there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from visiongen.cli.common import write_report
from visiongen.errors import UsageError

SCHEMA = "visiongen.benchmarks/1"
PLAIN_WIDTH = 1000  # columns where the output is no terminal: nothing is broken over lines


def ls(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    task: Annotated[str | None, typer.Option("--task", help="Only the benchmarks of this task.")] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Data root to look for datasets in; default VISIONGEN_DATA.")
    ] = None,
) -> None:
    """List the benchmarks: version, split, images, main score, and whether the data is present."""
    rows = listed(task, data)
    if as_json:
        write_report("-", {"schema": SCHEMA, "benchmarks": rows})
    else:
        _print(rows)


def listed(task: str | None, data: Path | None) -> list[dict[str, Any]]:
    """One row a benchmark, by name; UsageError for a task that has none."""
    from visiongen.data import data_root
    from visiongen.registry import BENCHMARKS

    if data is not None:
        data_root(data)  # a folder that is not there has nothing, and should say so
    rows = [_row(name, data) for name in BENCHMARKS]
    tasks = sorted({row["task"] for row in rows})
    if task is not None and task not in tasks:
        raise UsageError(f"--task {task!r}: no benchmark has it; choose one of {', '.join(tasks)}")
    return [row for row in rows if task in (None, row["task"])]


def _row(name: str, data: Path | None) -> dict[str, Any]:
    from visiongen.benchmarks.datasets.painted_wall import PaintedWall
    from visiongen.benchmarks.datasets.world import WorldBenchmark
    from visiongen.benchmarks.runner import get_benchmark

    benchmark = get_benchmark(name)
    protocol = benchmark.protocol
    keys = ("version", "task", "primary", "default_split", "splits", "data")
    rendered = isinstance(benchmark, (WorldBenchmark, PaintedWall))
    found = None if rendered else benchmark.present(data)
    return {
        "name": name,
        **{key: protocol[key] for key in keys},
        "n": protocol["splits"][protocol["default_split"]],
        "rendered": rendered,
        "present": None if found is None else str(found),
    }


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("benchmark", "version", "split", "images", "main score", "data"):
        table.add_column(
            name,
            justify="right" if name == "images" else "left",
            no_wrap=name != "data",
            overflow="fold",
        )
    for task in sorted({row["task"] for row in rows}):
        table.add_row(f"[bold cyan]{task}[/]")
        for row in (row for row in rows if row["task"] == task):
            split, count = row["default_split"], f"{row['n']:,}".replace(",", " ")
            where = _where(row)
            table.add_row(f"  {row['name']}", row["version"], split, count, row["primary"], where)
    console.print(table)
    have = sum(row["rendered"] or row["present"] is not None for row in rows)
    console.print(f"{len(rows)} benchmarks, {have} can be run here; --json says more")


def _where(row: dict[str, Any]) -> str:
    from rich.markup import escape

    if row["rendered"]:
        return "[green]rendered[/]"
    if row["present"] is None:
        return "[dim]not found[/]"
    path = os.path.relpath(row["present"])
    shown = path if len(path) < len(row["present"]) else row["present"]
    return f"[green]{escape(shown)}[/]"
