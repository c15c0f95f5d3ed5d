"""``visiongen bench run``, ``infer`` and ``score``: paint, and score from disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
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
from visiongen.errors import MissingDataError, UnfinishedError, UsageError
from visiongen.files import sha256

if TYPE_CHECKING:
    from visiongen.benchmarks.base import Benchmark
    from visiongen.benchmarks.runner import Options
    from visiongen.benchmarks.shards import Shard

#: what --option may not say, and no flag does
PROTOCOLS = dict.fromkeys(
    ("legend", "long_side", "tile", "tasks", "photo", "photo_name"), "it is the protocol's"
)
PROTOCOLS |= {"mirror": "use --rows mirrored"}
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
    several = _Several(len(set(names)), options.shard, json_target)
    targets = find_targets(names, out, options, weights, several.one)
    backbone = load_backbone(weights)
    for benchmark, folder in targets:
        with several.one(benchmark.name):
            several.add(dict(run_benchmark(benchmark, backbone, folder, options, progress)), folder)
    several.finish()


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
    several = _Several(len(set(names)), options.shard, None)
    targets = find_targets(names, out, options, weights, several.one)
    backbone = load_backbone(weights)
    for benchmark, folder in targets:
        with several.one(benchmark.name):
            count = infer_benchmark(benchmark, backbone, folder, options, progress)
            say(f"{benchmark.name}: {count} maps painted; score with: visiongen bench score {folder}")
    several.finish()


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

    several = _Several(len(what), _shard(shard), json_target)
    if predictions is not None:
        if len(what) > 1:
            raise UsageError(f"--predictions belongs to one benchmark; {len(what)} are given")
        options = runner.Options(
            split=split, limit=limit, data=data, rows=wanted_rows(rows), shard=several.shard
        )
        benchmark = runner.get_benchmark(what[0])
        name = f"{benchmark.name}-{benchmark.split(split)}-{predictions.stem}"
        folder = out or Path("out") / "bench" / name
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
        options=task_options(option or [], **PROTOCOLS),
        specialists=tuple(specialists or ()),
        shard=_shard(shard),
    )


def find_targets(
    names: list[str],
    out: Path | None,
    options: Options,
    weights: str,
    around: Callable[[str], AbstractContextManager[object]] = nullcontext,
) -> list[tuple[Benchmark, Path]]:
    """Each benchmark once, with its run's folder; bad names and splits are told before anything is loaded.

    ``around``: the context in which each is opened; a folder of one's own may lack images.
    """
    from visiongen.benchmarks.runner import get_benchmark
    from visiongen.benchmarks.specialist_row import check_runs

    check_runs(options.specialists)
    targets: dict[Path, Benchmark] = {}
    for name in dict.fromkeys(names):
        with around(name):
            benchmark = get_benchmark(name)
            split = benchmark.split(options.split)
            folder = _folder(out, len(set(names)) > 1, split, options, benchmark.name, weights)
            other = targets.setdefault(folder, benchmark)
            if other is not benchmark:
                raise UsageError(
                    f"{name}: is called {benchmark.name!r} as {other.source} is, so both would be {folder}; "
                    "give each once, and each its own name in dataset.toml"
                )
    return [(benchmark, folder) for folder, benchmark in targets.items()]


def _shard(text: str | None) -> Shard:
    from visiongen.benchmarks.shards import Shard

    return Shard.parse(text)


@dataclass
class _Several:
    """The results of a command's ``count`` benchmarks: what one of them lacks does not stop the others."""

    count: int
    shard: Shard
    json_target: str | None
    results: list[dict[str, Any]] = field(default_factory=list)
    lacking: list[MissingDataError] = field(default_factory=list)

    @contextmanager
    def one(self, name: str) -> Iterator[None]:
        """Around the work on one benchmark. A part that others must complete is done, and no error.

        MissingDataError is raised where it is the only benchmark, or by torchrun's ranks, which would wait
        for each other at different ones.
        """
        try:
            yield
        except MissingDataError as error:
            if isinstance(error, UnfinishedError) and self.shard.count > 1 and not self.shard.launched:
                part = f"{self.shard.index + 1}/{self.shard.count}"
                say(f"part {part} of {name} is done; {error}", self.json_target)
            elif self.count == 1 or self.shard.launched:
                raise
            else:
                typer.echo(f"visiongen: {name}: {error}", err=True)
                self.lacking.append(error)

    def add(self, result: dict[str, Any], folder: Path) -> None:
        """Keep a result and tell it, once where ranks share it."""
        self.results.append(result)
        if self.shard.first or not self.shard.launched:
            for line in describe(result):
                say(line, self.json_target)
            say(f"written to {folder}", self.json_target)

    def finish(self) -> None:
        """The JSON report, the failures on stderr, and the exit code.

        3 if a benchmark lacks something, else 1 if an image failed.
        """
        if self.results and (self.shard.first or not self.shard.launched):
            alone = len(self.results) == 1 and not self.lacking
            report = self.results[0] if alone else {"schema": MANY, "results": self.results}
            write_report(self.json_target, report)
            failures = [failure for result in self.results for failure in result["failures"]]
            if self.lacking:
                tell_failures(failures)
            else:
                exit_if_any(failures)
        if self.lacking:
            raise typer.Exit(self.lacking[0].exit_code)


def tell_failures(failures: list[dict[str, str]]) -> None:
    """The first failures of rows on stderr."""
    for failure in failures[:20]:
        typer.echo(f"failed: {failure['row']} {failure['id']}: {failure['error']}", err=True)


def exit_if_any(failures: list[dict[str, str]]) -> None:
    """:func:`tell_failures`, and exit code 1 if there are any."""
    tell_failures(failures)
    if failures:
        raise typer.Exit(1)


def _folder(out: Path | None, several: bool, split: str, options: Any, name: str, weights: str) -> Path:
    if out is not None:
        return out / name if several else out
    parts = [name, split, *_called(weights), options.mode]
    if options.mode == "sample" and options.seed:
        parts.append(f"seed{options.seed}")
    if options.limit is not None:
        parts.append(f"first{options.limit}")
    if options.legend_seed is not None:
        parts.append(f"legend{options.legend_seed}")
    parts += [f"{name}{value}" for name, value in options.options.items()]
    return Path("out") / "bench" / "-".join(parts)


def _called(weights: str) -> list[str]:
    """Weights in a folder's name: of one name, files are told apart by their bytes, repositories by owner."""
    from visiongen.weights import hub

    if hub.is_repository(weights):
        return [weights.removeprefix(hub.PREFIX).replace("/", "--")]
    path = Path(weights)
    file = path / hub.MODEL if path.is_dir() else path
    if file.suffix == ".safetensors" and file.is_file():  # many have one name
        return [path.resolve().name if path.is_dir() else path.stem, sha256(file)[:8]]
    return [path.stem]


@contextmanager
def progress(total: int) -> Any:
    """A bar on stderr."""
    with progress_bar(total, "bench") as step:
        yield step
