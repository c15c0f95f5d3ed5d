"""``visiongen bench run``, ``infer`` and ``score``: paint, and score from disk."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visiongen.cli.bench_text import describe, wanted_rows
from visiongen.cli.common import (
    JsonTarget,
    WeightsName,
    check_mode,
    load_backbone,
    say,
    task_options,
    write_report,
)
from visiongen.cli.common import progress as progress_bar
from visiongen.errors import UnfinishedError, UsageError

if TYPE_CHECKING:
    from visiongen.benchmarks.base import Benchmark
    from visiongen.benchmarks.runner import Options
    from visiongen.benchmarks.shards import Shard

MANY = "visiongen.bench-many/1"  # what --json holds for several names: {"schema", "results": [...]}

Names = Annotated[
    list[str],
    typer.Argument(metavar="NAME...", help="Which benchmarks (see `bench ls`), or your own dataset.toml."),
]
Data = Annotated[Path | None, typer.Option("--data", help="Data root, or the dataset's own folder.")]
Split = Annotated[str | None, typer.Option("--split", help="Which split.")]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", help="Only the first N images (partial).")]
Mode = Annotated[str, typer.Option("--mode", help="verified, draft, masked, sequential or sample.")]
Into = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="DIR", help="Run folder (of several: DIR/NAME); out/bench/..."),
]
LegendSeed = Annotated[
    int | None, typer.Option("--legend-seed", metavar="N", help="Draw other legend colours.")
]
SampleSeed = Annotated[int, typer.Option("--seed", help="Seed of --mode sample.")]
Option = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="NAME=VALUE", help="Of the sampler (steps=4); for the row model alone."),
]
Rows = Annotated[
    str, typer.Option("--rows", help="Rows beside the model: all, none, or a list (all,draft,prefix).")
]
Specialists = Annotated[
    list[Path] | None,
    typer.Option(
        "--specialist", metavar="RUN", help="A specialist's run (again for more); used for its own task."
    ),
]
Part = Annotated[
    str | None,
    typer.Option("--shard", metavar="I/N", help="Only part I of N; under torchrun each rank is a part."),
]


def run(
    names: Names,
    data: Data = None,
    split: Split = None,
    limit: Limit = None,
    mode: Mode = "verified",
    json_target: JsonTarget = None,
    out: Into = None,
    legend_seed: LegendSeed = None,
    seed: SampleSeed = 0,
    weights: WeightsName = "tiny",
    rows: Rows = "all",
    option: Option = None,
    specialist: Specialists = None,
    shard: Part = None,
) -> None:
    """Paint and score. A killed run continues when the same command is given again."""
    from visiongen.benchmarks.runner import run as run_benchmark

    options = _options(
        split=split,
        limit=limit,
        mode=mode,
        seed=seed,
        legend_seed=legend_seed,
        data=data,
        rows=rows,
        option=option,
        specialists=specialist,
        shard=shard,
    )
    targets = find_targets(names, out, options, weights)
    backbone = load_backbone(weights)
    results: list[dict[str, Any]] = []
    for benchmark, folder in targets:
        try:
            results.append(dict(run_benchmark(benchmark, backbone, folder, options, progress)))
        except UnfinishedError as error:
            if options.shard.count == 1 or options.shard.launched:
                raise
            say(f"part {shard} of {benchmark.name} is done; {error}", json_target)
            continue
        if options.shard.first or not options.shard.launched:
            _tell(results[-1], folder, json_target)
    _finish(results, json_target, options.shard)


def infer(
    names: Names,
    data: Data = None,
    split: Split = None,
    limit: Limit = None,
    mode: Mode = "verified",
    out: Into = None,
    legend_seed: LegendSeed = None,
    seed: SampleSeed = 0,
    weights: WeightsName = "tiny",
    rows: Rows = "all",
    option: Option = None,
    specialist: Specialists = None,
    shard: Part = None,
) -> None:
    """Only paint: maps and their records into the run folder, for `bench score`."""
    from visiongen.benchmarks.runner import infer as infer_benchmark

    options = _options(
        split=split,
        limit=limit,
        mode=mode,
        seed=seed,
        legend_seed=legend_seed,
        data=data,
        rows=rows,
        option=option,
        specialists=specialist,
        shard=shard,
    )
    targets = find_targets(names, out, options, weights)
    backbone = load_backbone(weights)
    for benchmark, folder in targets:
        count = infer_benchmark(benchmark, backbone, folder, options, progress)
        say(f"{benchmark.name}: {count} maps painted; score with: visiongen bench score {folder}")


def score(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="OUT...|NAME", help="Run folders of `bench infer`; with --predictions a benchmark's name."
        ),
    ],
    predictions: Annotated[
        Path | None,
        typer.Option(
            "--predictions", metavar="DIR", help="Score files that anyone made, named after the images."
        ),
    ] = None,
    data: Data = None,
    split: Split = None,
    limit: Limit = None,
    json_target: JsonTarget = None,
    out: Into = None,
    rows: Rows = "all",
    shard: Part = None,
) -> None:
    """Score from disk alone: what `bench infer` painted, or predictions made by anyone."""
    from visiongen.benchmarks import runner

    results: list[dict[str, Any]] = []
    if predictions is not None:
        if len(what) > 1:
            raise UsageError(f"--predictions belongs to one benchmark; {len(what)} are given")
        options = runner.Options(
            split=split, limit=limit, data=data, rows=wanted_rows(rows), shard=_shard(shard)
        )
        benchmark = runner.get_benchmark(what[0])
        name = f"{benchmark.name}-{benchmark.split(split)}-{predictions.stem}"
        folder = out or Path("out") / "bench" / name
        results.append(dict(runner.score_predictions(benchmark, predictions, folder, options, progress)))
        _tell(results[0], folder, json_target)
    else:
        given = {"--split": split, "--limit": limit, "--out": out, "--rows": None if rows == "all" else rows}
        for name, value in given.items():
            if value is not None:
                raise UsageError(f"{name} goes with --predictions; a run folder has its own plan")
        for name in what:
            results.append(dict(runner.score(name, data, _shard(shard), progress)))
            _tell(results[-1], Path(name), json_target)
    _finish(results, json_target, _shard(shard))


def _options(
    *,
    split: str | None,
    limit: int | None,
    mode: str,
    seed: int,
    legend_seed: int | None,
    data: Path | None,
    rows: str,
    option: list[str] | None,
    specialists: list[Path] | None,
    shard: str | None,
) -> Options:
    check_mode(mode)
    from visiongen.benchmarks.runner import Options

    return Options(
        split=split,
        limit=limit,
        mode=mode,
        seed=seed,
        legend_seed=legend_seed,
        data=data,
        rows=wanted_rows(rows),
        options=task_options(option or []),
        specialists=tuple(specialists or ()),
        shard=_shard(shard),
    )


def find_targets(
    names: list[str], out: Path | None, options: Options, weights: str
) -> list[tuple[Benchmark, Path]]:
    """Each benchmark once, with its run's folder; bad names and splits are told before anything is loaded."""
    from visiongen.benchmarks.runner import get_benchmark
    from visiongen.training import start

    for run in options.specialists:
        if not start.find(run).is_file():
            raise UsageError(f"--specialist {run}: no weights there; give a finished run of visiongen train")
    benchmarks = [get_benchmark(name) for name in dict.fromkeys(names)]
    splits = [benchmark.split(options.split) for benchmark in benchmarks]
    return [
        (benchmark, _folder(out, len(benchmarks) > 1, split, options, benchmark.name, weights))
        for benchmark, split in zip(benchmarks, splits, strict=True)
    ]


def _shard(text: str | None) -> Shard:
    from visiongen.benchmarks.shards import Shard

    return Shard.parse(text)


def _tell(result: dict[str, Any], folder: Path, json_target: str | None) -> None:
    for line in describe(result):
        say(line, json_target)
    say(f"written to {folder}", json_target)


def _finish(results: list[dict[str, Any]], json_target: str | None, shard: Shard) -> None:
    """The JSON report, the failures on stderr, and exit code 1 if there are any."""
    if not results or (shard.launched and not shard.first):
        return
    write_report(json_target, results[0] if len(results) == 1 else {"schema": MANY, "results": results})
    exit_if_any([failure for result in results for failure in result["failures"]])


def exit_if_any(failures: list[dict[str, str]]) -> None:
    """The first failures of rows on stderr, and exit code 1 if there are any."""
    for failure in failures[:20]:
        typer.echo(f"failed: {failure['row']} {failure['id']}: {failure['error']}", err=True)
    if failures:
        raise typer.Exit(1)


def _folder(out: Path | None, several: bool, split: str, options: Any, name: str, weights: str) -> Path:
    if out is not None:
        return out / name if several else out
    parts = [name, split, Path(weights).stem, options.mode]
    if options.limit is not None:
        parts.append(f"first{options.limit}")
    if options.legend_seed is not None:
        parts.append(f"legend{options.legend_seed}")
    parts += [f"{name}{value}" for name, value in options.options.items()]
    return Path("out") / "bench" / "-".join(parts)


@contextmanager
def progress(total: int) -> Any:
    """A bar on stderr."""
    with progress_bar(total, "bench") as step:
        yield step
