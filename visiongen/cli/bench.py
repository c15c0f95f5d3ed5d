"""``visiongen bench``: list benchmarks, check data, run, compare, say where the error is, report, speed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visiongen.cli.bench_errors import errors
from visiongen.cli.bench_ls import ls
from visiongen.cli.bench_report import report
from visiongen.cli.bench_run import infer, run, score
from visiongen.cli.bench_text import short
from visiongen.cli.bench_validate import validate
from visiongen.cli.common import JsonTarget, say, write_report
from visiongen.cli.speed import speed

app = typer.Typer(help="Benchmarks: list, validate, run, compare, report.", no_args_is_help=True)
app.command("ls")(ls)
app.command("validate")(validate)
app.command("run")(run)
app.command("infer")(infer)
app.command("score")(score)
app.command("errors")(errors)
app.command("report")(report)
app.command("speed")(speed)


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
    for name, found in short(report["scores"], report["primary"]).items():
        low, high = found["ci95"]
        say(
            f"  {name:14s} {found['a']:.4f} -> {found['b']:.4f}   {found['difference']:+.4f} "
            f"[{low:+.4f}, {high:+.4f}]   {found['verdict']}",
            json_target,
        )
    if report["regression"]:
        say(f"regression: {report['primary']} of {b} is worse than that of {a}", json_target)
        raise typer.Exit(1)
