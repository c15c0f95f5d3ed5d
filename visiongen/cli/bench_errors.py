"""``visiongen bench errors``: which part of the model loses how much, one line a benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visiongen.cli.bench_folders import find_targets
from visiongen.cli.bench_run import Data, Into, Limit, Split, progress
from visiongen.cli.bench_several import exit_if_any
from visiongen.cli.common import JsonTarget, WeightsName, load_backbone, say, write_report
from visiongen.errors import WeightsError

if TYPE_CHECKING:
    from visiongen.benchmarks.base import Benchmark

SCHEMA = "visiongen.errors/1"


def errors(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME|OUT...", help="Benchmarks to run, or folders of finished runs to read."),
    ],
    data: Data = None,
    split: Split = None,
    limit: Limit = None,
    out: Into = None,
    weights: WeightsName = "tiny",
    json_target: JsonTarget = None,
) -> None:
    """Share out what a model lacks: codec, draft, autoregression. What is on disk is not painted again."""
    from visiongen.benchmarks.error_terms import error_terms, open_run, table

    done = {name: run for name in dict.fromkeys(names) if (run := open_run(name)) is not None}
    terms = {name: error_terms(run) for name, run in done.items()}  # what cannot be read is told first
    terms |= _run([name for name in names if name not in done], data, split, limit, out, weights)
    results = [terms[name] for name in dict.fromkeys(names)]
    for line in table(results):
        say(line, json_target)
    write_report(json_target, {"schema": SCHEMA, "results": results})
    exit_if_any([failure for found in results for failure in found["failures"]])


def _run(
    names: list[str],
    data: Path | None,
    split: str | None,
    limit: int | None,
    out: Path | None,
    weights: str,
) -> dict[str, dict[str, Any]]:
    """Run what is not on disk yet, in the folders of `bench run`; the backbone is loaded once."""
    from dataclasses import replace

    from visiongen.benchmarks.error_terms import error_terms, rows_for
    from visiongen.benchmarks.runner import Options, run
    from visiongen.benchmarks.store import RunFolder

    if not names:
        return {}
    options = Options(split=split, limit=limit, data=data)
    targets = find_targets(names, out, options, weights)
    backbone, found = load_backbone(weights), {}
    for name, (benchmark, path) in zip(dict.fromkeys(names), targets, strict=True):
        folder = RunFolder(path)
        run(benchmark, backbone, path, replace(options, rows=rows_for(folder, _shipped(benchmark))), progress)
        found[name] = error_terms(folder)
    return found


def _shipped(benchmark: Benchmark) -> str | None:
    """sha256 of the specialist that ships for a benchmark, if one does."""
    from visiongen import weights

    try:
        name = benchmark.protocol.get("specialist")
        return weights.entry(name).sha256 if name else None
    except WeightsError:
        return None
