"""``visiongen bench speed``: what is faster than what, with equal outputs checked in the same run."""

from __future__ import annotations

from typing import Annotated

import typer

from visiongen.cli.common import JsonTarget, WeightsName, load_backbone, say, write_report


def speed(
    json_target: JsonTarget = None,
    weights: WeightsName = "tiny",
    rounds: Annotated[int, typer.Option("--rounds", metavar="N", help="Turns over the photos.")] = 3,
    long_side: Annotated[int, typer.Option("--long-side", metavar="PIXELS", help="Size painted.")] = 320,
    threads: Annotated[
        int | None, typer.Option("--threads", metavar="N", help="Processor threads, for both sides.")
    ] = None,
    rows: Annotated[
        str | None,
        typer.Option("--rows", "--only", help="Only these rows or groups (metrics), by comma; all if unset."),
    ] = None,
) -> None:
    """Time decoding, shared photos and metrics against their peers; exit 1 if outputs differ."""
    from visiongen.benchmarks.speed import report

    report.set_threads(threads)
    only = tuple(r.strip() for r in rows.split(",")) if rows else report.ROWS
    result = report.run(
        load_backbone(weights) if report.needs_backbone(only) else None,  # type: ignore[arg-type]
        rounds,
        long_side,
        only=only,
        say=lambda text: say(text, json_target),
    )
    for name, reason in result["skipped"].items():
        say(f"{name}: not measured: {reason}", json_target)
    env = result["env"]
    painted = f", {result['dtype']}, batch 1" if result["dtype"] else ""
    say(f"{env['cpu']}, {env['threads']} threads, torch {env['torch']}{painted}", json_target)
    write_report(json_target, result)
    if not all(row["equal"] for row in result["rows"]):
        raise typer.Exit(1)
