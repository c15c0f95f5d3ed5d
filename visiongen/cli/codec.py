"""``visiongen codec``: what the codecs are, and what their maps survive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visiongen.cli.common import JsonTarget, progress, say, write_report

app = typer.Typer(help="Codecs: list them, measure what their maps survive.", no_args_is_help=True)
QUICK = {"frames": 1, "classes": 19}
FULL = {"frames": 6, "classes": 150}
WIDE = 170  # columns of the widest table


@app.command("ls")
def ls(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the codecs: name, unit of the labels, what 8 bits cost."""
    from visiongen.registry import CODECS

    found = [(name, CODECS.get(name)) for name in CODECS]
    rows = [{"name": name, "unit": kind.unit, "bound": kind.bound} for name, kind in found]
    if as_json:
        write_report("-", {"schema": "visiongen.codecs/1", "codecs": rows})
        return
    for row in rows:
        say(f"{row['name']:28s} {row['unit']}; {row['bound']}")


@app.command("bench")
def bench(
    json_target: JsonTarget = None,
    frames: Annotated[
        int | None, typer.Option("--frames", metavar="N", help="Rendered frames a codec (default 6).")
    ] = None,
    classes: Annotated[
        int | None, typer.Option("--classes", metavar="N", help="Classes of the large legend (default 150).")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="One frame, a legend of 19, and no tokenizer: seconds.")
    ] = False,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE.png", help="Also draw the first table.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print markdown instead of tables.")] = False,
) -> None:
    """Score every codec, in its own unit, under rounding, noise, blur, cast, JPEG, resize and tokenizer."""
    from visiongen.errors import UsageError

    usual = QUICK if quick else FULL
    frames = usual["frames"] if frames is None else frames
    classes = usual["classes"] if classes is None else classes
    if frames < 1 or not 2 <= classes <= 255:  # one colour has no other to be mixed with
        raise UsageError(
            f"--frames {frames}, --classes {classes}: give 1 or more frames and 2 to 255 classes"
        )
    from visiongen.benchmarks.codecs import report, text
    from visiongen.benchmarks.codecs.damage import DAMAGES
    from visiongen.registry import CODECS

    damages = {name: damage for name, damage in DAMAGES.items() if not (quick and name == "tokenizer")}
    with progress(len(CODECS) + 2, "codecs") as step:
        found = report.run(frames, classes, damages, step=step)
    write_report(json_target, found)
    if markdown:
        say("\n".join(text.lines(found)), json_target)
    elif json_target != "-":
        from rich.console import Console

        console = Console(
            width=max(WIDE, Console().width)
        )  # a narrower window wraps lines, numbers stay whole
        for grid in text.grids(found):
            console.print(text.table(grid))
    if picture is not None:
        from visiongen.files import write_atomic
        from visiongen.tasks.pictures import encode_png

        say(f"written {write_atomic(picture, encode_png(text.picture(text.codec_grid(found))))}", json_target)
