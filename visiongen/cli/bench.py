"""``visiongen bench``: list benchmarks, run one, compare two runs, time what is fast."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from visiongen.cli.common import JsonTarget, WeightsName, check_mode, load_backbone, say, write_report
from visiongen.cli.common import progress as progress_bar
from visiongen.cli.speed import speed

app = typer.Typer(help="Benchmarks: list, run, compare.", no_args_is_help=True)
app.command("speed")(speed)
REFERENCE = ("blind", "codec", "ceiling", "specialist")


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
    name: Annotated[str, typer.Argument(help="Which benchmark; see `bench ls`.")],
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
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Run folder; out/bench/... if unset.")
    ] = None,
    legend_seed: Annotated[
        int | None, typer.Option("--legend-seed", metavar="N", help="Draw other legend colours.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of --mode sample.")] = 0,
    weights: WeightsName = "tiny",
    rows: Annotated[str, typer.Option("--rows", help="Reference rows: all, none, or a comma list.")] = "all",
) -> None:
    """Score the embedded backbone. A killed run continues when the same command is given again."""
    check_mode(mode)
    from visiongen.benchmarks.runner import Options, get_benchmark
    from visiongen.benchmarks.runner import run as run_benchmark

    benchmark = get_benchmark(name)
    wanted = {"all": REFERENCE, "none": ()}.get(rows) or tuple(r for r in rows.split(",") if r != "none")
    options = Options(split, limit, mode, seed, legend_seed, data, wanted)
    folder = out or _default_folder(benchmark.split(split), options, name, weights)
    result = run_benchmark(benchmark, load_backbone(weights), folder, options, _progress)
    write_report(json_target, dict(result))
    for line in describe(dict(result)):
        say(line, json_target)
    say(f"written to {folder}", json_target)
    if result["failures"]:
        for failure in result["failures"][:20]:
            typer.echo(f"failed: {failure['row']} {failure['id']}: {failure['error']}", err=True)
        raise typer.Exit(1)


def _default_folder(split: str, options: Any, name: str, weights: str) -> Path:
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
    for name, score in _short(report["scores"], report["primary"]).items():
        low, high = score["ci95"]
        say(
            f"  {name:14s} {score['a']:.4f} -> {score['b']:.4f}   {score['difference']:+.4f} "
            f"[{low:+.4f}, {high:+.4f}]   {score['verdict']}",
            json_target,
        )
    if report["regression"]:
        say(f"regression: {report['primary']} of {b} is worse than that of {a}", json_target)
        raise typer.Exit(1)


def _short(scores: dict[str, Any], primary: str) -> dict[str, Any]:
    """The scores worth a line: the primary one first, no alignments, no pooled twins."""
    plain = {n: s for n, s in scores.items() if not any(mark in n for mark in "@/")}
    return {primary: scores[primary]} | {n: s for n, s in plain.items() if n != primary}


def describe(result: dict[str, Any]) -> list[str]:
    """A result as lines of text: the model beside what its number is measured against."""
    partial = ", PARTIAL: not a benchmark number" if result["partial"] else ""
    lines = [
        f"{result['benchmark']} version {result['benchmark_version']}, split {result['split']}: "
        f"{result['n_scored']} of {result['n_expected']} images scored, {result['n_failed']} failed{partial}",
        f"weights {result['weights']['name']}, mode {result['sample']['mode']}, {result['seconds']:.1f} s",
        f"  {'':14s} {'model':>8s} {'95 % interval':>19s}" + "".join(f"{r:>12s}" for r in REFERENCE),
    ]
    for name, score in _short(result["scores"], result["primary"]).items():
        lines.append(f"  {name:14s} {_number(score)} {_interval(score)}" + _references(result, name))
    for row, found in result["differences"].items():
        low, high = found["ci95"]
        lines.append(
            f"  {result['primary']} against {row}: {found['difference']:+.4f} "
            f"[{low:+.4f}, {high:+.4f}], {found['verdict']}"
        )
    lines += _alignments(result["scores"])
    lines += [f"  IoU {n[4:]:12s} {_number(s)}" for n, s in result["scores"].items() if n[:4] == "IoU/"]
    lines += [f"  no {row} row: {reason}" for row, reason in result["reasons"].items()]
    if result["decoding"]:
        told = result["decoding"]
        lines.append("  decoding, mean an image: " + ", ".join(f"{k} {v:.4g}" for k, v in told.items()))
    return lines


def _references(result: dict[str, Any], name: str) -> str:
    cells = ""
    for row in REFERENCE:
        scores = result["rows"].get(row)
        cells += f"{_number(scores[name]) if scores else '-':>12s}"
    return cells


def _number(score: dict[str, Any]) -> str:
    return f"{'-':>8s}" if score["value"] is None else f"{score['value']:8.4f}"


def _interval(score: dict[str, Any]) -> str:
    ends = score["ci95"]
    text = f"[{ends[0]:.4f}, {ends[1]:.4f}]" if ends else "-"
    return f"{text:>19s}"


def _alignments(scores: dict[str, Any]) -> list[str]:
    """Depth: every alignment side by side, per image and pooled."""
    fits = sorted({n.split("@")[1].split("/")[0] for n in scores if "@" in n})
    if not fits:
        return []
    hows = ["none", "median", *(f for f in fits if f not in ("none", "median"))]
    lines = []
    for suffix, title in (("", "mean over images"), ("/pooled", "pooled pixels")):
        lines.append(f"  alignment, {title:20s}" + "".join(f"{how:>15s}" for how in hows))
        for name in [n for n in scores if not any(mark in n for mark in "@/")]:
            cells = [scores[name + ("" if how == "none" else f"@{how}") + suffix] for how in hows]
            lines.append(f"    {name:28s}" + "".join(f"{_number(cell):>15s}" for cell in cells))
    names = [n for n in scores if n.startswith("inverted@")]
    return lines + [f"    {name:28s}" + _number(scores[name]) for name in names]
