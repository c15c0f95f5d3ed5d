"""``visiongen bench run``, ``infer`` and ``score``: paint, and score from disk."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visiongen.cli.bench_folders import answers_folder, find_targets
from visiongen.cli.bench_several import Several
from visiongen.cli.bench_text import wanted_rows
from visiongen.cli.common import JsonTarget, WeightsName, check_mode, load_backbone, say, task_options
from visiongen.cli.common import progress as progress_bar
from visiongen.errors import UsageError

if TYPE_CHECKING:
    from visiongen.backbones.base import Backbone
    from visiongen.benchmarks.base import Benchmark
    from visiongen.benchmarks.runner import Options
    from visiongen.benchmarks.shards import Shard

#: what --option may not say, and no flag does
PROTOCOLS = dict.fromkeys(
    ("legend", "long_side", "tile", "tasks", "photo", "photo_name"), "it is the protocol's"
)
PROTOCOLS |= {"mirror": "use --rows mirrored"}

Names = Annotated[
    list[str],
    typer.Argument(metavar="NAME...", help="Which benchmarks (see `bench ls`), or your own dataset.toml."),
]
Data = Annotated[Path | None, typer.Option("--data", help="Data root, or the dataset's own folder.")]
Split = Annotated[str | None, typer.Option("--split", help="Which split.")]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", help="Only the first N images (partial).")]
Mode = Annotated[
    str, typer.Option("--mode", help="verified, draft, masked, sequential, sample, diffuse or scales.")
]
Into = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="DIR", help="Run folder (of several: DIR/NAME); out/bench/..."),
]
LegendSeed = Annotated[
    int | None, typer.Option("--legend-seed", metavar="N", help="Draw other legend colours.")
]
SampleSeed = Annotated[int, typer.Option("--seed", help="Seed of modes sample, diffuse and scales.")]
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

    plain: dict[str, Any] = {
        "data": data,
        "split": split,
        "limit": limit,
        "seed": seed,
        "legend_seed": legend_seed,
    }
    options = _options(mode, rows, option, specialist, shard, **plain)
    several = Several(len(set(names)), options.shard, json_target)

    def work(benchmark: Benchmark, backbone: Backbone, folder: Path) -> None:
        several.add(dict(run_benchmark(benchmark, backbone, folder, options, progress)), folder)

    _each(names, out, options, weights, several, work)


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

    plain: dict[str, Any] = {
        "data": data,
        "split": split,
        "limit": limit,
        "seed": seed,
        "legend_seed": legend_seed,
    }
    options = _options(mode, rows, option, specialist, shard, **plain)

    def work(benchmark: Benchmark, backbone: Backbone, folder: Path) -> None:
        count = infer_benchmark(benchmark, backbone, folder, options, progress)
        say(f"{benchmark.name}: {count} maps painted; score with: visiongen bench score {folder}")

    _each(names, out, options, weights, Several(len(set(names)), options.shard, None), work)


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

    several = Several(len(what), _shard(shard), json_target)
    if predictions is not None:
        if len(what) > 1:
            raise UsageError(f"--predictions belongs to one benchmark; {len(what)} are given")
        options = runner.Options(
            split=split, limit=limit, data=data, rows=wanted_rows(rows), shard=several.shard
        )
        benchmark = runner.get_benchmark(what[0])
        folder = out or answers_folder(benchmark.name, benchmark.split(split), predictions)
        with several.one(benchmark.name):
            found = runner.score_predictions(benchmark, predictions, folder, options, progress)
            several.add(dict(found), folder)
    else:
        given = {"--split": split, "--limit": limit, "--out": out, "--rows": None if rows == "all" else rows}
        for name, value in given.items():
            if value is not None:
                raise UsageError(f"{name} goes with --predictions; a run folder has its own plan")
        for name in what:
            with several.one(name):
                several.add(dict(runner.score(name, data, several.shard, progress)), Path(name))
    several.finish()


def _each(
    names: list[str],
    out: Path | None,
    options: Options,
    weights: str,
    several: Several,
    work: Callable[[Benchmark, Backbone, Path], None],
) -> None:
    """``work`` on every benchmark with its run's folder; the backbone is loaded once, after bad names."""
    targets = find_targets(names, out, options, weights, several.one)
    backbone = load_backbone(weights)
    for benchmark, folder in targets:
        with several.one(benchmark.name):
            work(benchmark, backbone, folder)
    several.finish()


def _options(
    mode: str,
    rows: str,
    option: list[str] | None,
    specialists: list[Path] | None,
    shard: str | None,
    **plain: Any,
) -> Options:
    """What the flags say; ``plain``: those that are taken as they are."""
    check_mode(mode)
    from visiongen.benchmarks.runner import Options

    return Options(
        mode=mode,
        rows=wanted_rows(rows),
        options=task_options(option or [], **PROTOCOLS),
        specialists=tuple(specialists or ()),
        shard=_shard(shard),
        **plain,
    )


def _shard(text: str | None) -> Shard:
    from visiongen.benchmarks.shards import Shard

    return Shard.parse(text)


@contextmanager
def progress(total: int) -> Any:
    """A bar on stderr."""
    with progress_bar(total, "bench") as step:
        yield step
