"""``visiongen bench report``: one self-contained HTML file over runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visiongen.cli.common import progress, say


def report(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="OUT...", help="Folders of `bench run --out`, or folders that hold several."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The HTML file to write.")] = Path(
        "report.html"
    ),
    data: Annotated[
        Path | None, typer.Option("--data", help="Data root, for photos and truths; without it no pictures.")
    ] = None,
    pictures: Annotated[
        int,
        typer.Option("--pictures", metavar="N", min=0, help="How many of the best, median and worst images."),
    ] = 3,
) -> None:
    """Write one HTML file: tables with intervals, curves, best and worst images. It needs no network."""
    from visiongen.benchmarks.report import build
    from visiongen.benchmarks.report.read import find_runs
    from visiongen.data import data_root

    if data is not None:
        data_root(data)  # else a page without pictures would be all that told
    runs = find_runs(folders)
    with progress(len(runs), "report") as step:
        path = build(runs, out, data, step, pictures)
    say(f"{len(runs)} runs, {path.stat().st_size / 1e6:.1f} MB: written to {path}")
