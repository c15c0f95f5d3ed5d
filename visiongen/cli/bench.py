"""``visiongen bench``: list benchmarks, run one, compare two runs, time what is fast."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from visiongen.cli.bench_text import REFERENCE, describe, short
from visiongen.cli.common import JsonTarget, WeightsName, check_mode, load_backbone, say, write_report
from visiongen.cli.common import progress as progress_bar
from visiongen.cli.speed import speed

app = typer.Typer(help="Benchmarks: list, run, compare.", no_args_is_help=True)
app.command("speed")(speed)
MANY = "visiongen.bench-many/1"  # what --json holds for several names: {"schema", "results": [...]}


@app.command("ls")
def ls(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the benchmarks."""
    from visiongen.benchmarks.runner import get_benchmark
    from visiongen.registry import BENCHMARKS

    rows = []
    for name in BENCHMARKS:
        benchmark = get_benchmark(name)
        keys = ("version", "task", "primary", "default_split", "splits", "data")
        rows.append({"name": name} | {key: benchmark.protocol[key] for key in keys})
    if as_json:
        write_report("-", {"schema": "visiongen.benchmarks/1", "benchmarks": rows})
        return
    for row in rows:
        splits = ", ".join(f"{name} {count}" for name, count in row["splits"].items())
        say(f"{row['name']}  version {row['version']}  {row['task']}  {row['primary']}  ({splits})")
        say(f"    {row['data']}")


@app.command("run")
def run(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Which benchmarks; see `bench ls`.")],
    data: Annotated[
        Path | None, typer.Option("--data", help="Data root, or the dataset's own folder.")
    ] = None,
    split: Annotated[str | None, typer.Option("--split", help="Which split.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", help="Only the first N images (partial).")
    ] = None,
    mode: Annotated[str, typer.Option("--mode", help="verified, draft, sequential or sample.")] = "verified",
    json_target: JsonTarget = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Run folder (of several: DIR/NAME); out/bench/..."),
    ] = None,
    legend_seed: Annotated[
        int | None, typer.Option("--legend-seed", metavar="N", help="Draw other legend colours.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of --mode sample.")] = 0,
    weights: WeightsName = "tiny",
    rows: Annotated[str, typer.Option("--rows", help="Reference rows: all, none, or a comma list.")] = "all",
    specialist: Annotated[
        list[Path] | None,
        typer.Option(
            "--specialist", metavar="RUN", help="A specialist's run (again for more); used for its own task."
        ),
    ] = None,
) -> None:
    """Score the embedded backbone. A killed run continues when the same command is given again."""
    check_mode(mode)
    from visiongen.benchmarks.runner import Options, get_benchmark
    from visiongen.benchmarks.runner import run as run_benchmark

    wanted = REFERENCE if rows == "all" else tuple(row for row in rows.split(",") if row != "none")
    options = Options(split, limit, mode, seed, legend_seed, data, wanted, tuple(specialist or ()))
    benchmarks = [get_benchmark(name) for name in dict.fromkeys(names)]
    splits = [benchmark.split(split) for benchmark in benchmarks]
    backbone = load_backbone(weights)
    results: list[dict[str, Any]] = []
    for benchmark, part in zip(benchmarks, splits, strict=True):
        folder = _folder(out, len(benchmarks) > 1, part, options, benchmark.name, weights)
        result = dict(run_benchmark(benchmark, backbone, folder, options, _progress))
        results.append(result)
        for line in describe(result):
            say(line, json_target)
        say(f"written to {folder}", json_target)
    write_report(json_target, results[0] if len(results) == 1 else {"schema": MANY, "results": results})
    failures = [failure for result in results for failure in result["failures"]]
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
    return Path("out") / "bench" / "-".join(parts)


@contextmanager
def _progress(total: int) -> Any:
    with progress_bar(total, "bench") as step:
        yield step


@app.command("compare")
def compare(
    a: Annotated[Path, typer.Argument(help="Folder (or result.json) of the first run.")],
    b: Annotated[Path, typer.Argument(help="Folder (or result.json) of the second run.")],
    json_target: JsonTarget = None,
) -> None:
    """Compare two runs over their common images; exit code 1 when B is worse than A."""
    from visiongen.benchmarks.compare import compare as compare_runs

    report = compare_runs(a, b)
    write_report(json_target, report)
    partial = " (partial)" if report["partial"] else ""
    say(
        f"{report['benchmark']} version {report['benchmark_version']}, {report['split']}: "
        f"{report['n_common']} common images{partial}",
        json_target,
    )
    for name, score in short(report["scores"], report["primary"]).items():
        low, high = score["ci95"]
        say(
            f"  {name:14s} {score['a']:.4f} -> {score['b']:.4f}   {score['difference']:+.4f} "
            f"[{low:+.4f}, {high:+.4f}]   {score['verdict']}",
            json_target,
        )
    if report["regression"]:
        say(f"regression: {report['primary']} of {b} is worse than that of {a}", json_target)
        raise typer.Exit(1)
