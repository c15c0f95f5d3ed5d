"""``visiongen train RECIPE``: run a recipe, in steps or in minutes, resumable."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from visiongen.errors import UsageError

RecipeName = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A .toml file, or the name of a shipped recipe.")
]
Minutes = Annotated[
    float | None,
    typer.Option("--minutes", "-m", help="Train for so many minutes; the schedule is fitted to them."),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on from the checkpoint in --out, with the next batch.")
]
Previous = Annotated[
    bool, typer.Option("--previous", help="With --resume: use the checkpoint before the last one.")
]
OutFolder = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="DIR", help="Folder of the run (default: runs/RECIPE)."),
]
DataRoot = Annotated[
    Path | None, typer.Option("--data", metavar="ROOT", help="Data root (default: $VISIONGEN_DATA).")
]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, or auto.")]
Prepare = Annotated[
    bool, typer.Option("--prepare", help="Only load and render the data that the recipe needs.")
]
Refresh = Annotated[
    bool,
    typer.Option("--refresh", help="Only render new frames for pools that are fresh, until interrupted."),
]
Jobs = Annotated[
    int, typer.Option("--jobs", "-j", help="With --prepare or --refresh: so many processes at once.")
]


def train(
    recipe: RecipeName,
    minutes: Minutes = None,
    resume: Resume = False,
    previous: Previous = False,
    out: OutFolder = None,
    data: DataRoot = None,
    device: Device = "auto",
    prepare: Prepare = False,
    refresh: Refresh = False,
    jobs: Jobs = 1,
) -> None:
    """Train by a recipe; writes checkpoints, log.jsonl, loss.svg and the averaged weights."""
    from visiongen.training.recipe import load_recipe
    from visiongen.training.run import build_trainer, pick_device

    plan = load_recipe(recipe)
    where = pick_device(device)
    if prepare:
        from visiongen.training.prepare import prepare as load_and_render

        load_and_render(plan, data, jobs)
        return
    if refresh:
        from visiongen.training.refresh import refresh as render_anew

        render_anew(plan, data, jobs)
        return
    if jobs != 1:
        raise UsageError(f"--jobs {jobs}: goes with --prepare or --refresh; give one, or leave it out")
    folder = out or Path("runs") / Path(recipe).stem
    resume = resume or previous
    trainer = build_trainer(
        plan, folder, minutes=minutes, data=data, device=where, resume=resume, on_log=_say
    )
    facts = trainer.fit(resume=resume, previous=previous)
    print(f"{folder / facts['weights']}  sha256 {facts['sha256']}")


def _say(row: dict) -> None:
    """One plain line a window where there is no terminal for the bar."""
    if not sys.stderr.isatty():
        loss = row.get("loss")
        shown = "not finite" if loss is None else f"{loss:.4f}"
        speed = f"{row['samples_per_s']:.1f} samples/s"
        print(f"step {row['step']}  loss {shown}  {speed}  {row['seconds']:.0f} s", file=sys.stderr)
