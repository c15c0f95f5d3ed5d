"""``visiongen prompt``: the order in words, to paste into any image model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visiongen.cli import common
from visiongen.errors import UsageError

#: what --option may not say: whoever paints decides it
UNSAID = dict.fromkeys(
    ("mode", "seed", "long_side", "tile", "mirror", "backbone"), "an order in words has none; leave it out"
) | {"photo": "use --photo"}


def prompt(
    task: Annotated[str, typer.Argument(metavar="TASK", help="semantic, depth, instance, ...")],
    legend: common.LegendText = None,
    relative: Annotated[
        bool, typer.Option("--relative", help="Depth without a unit (affine-invariant) instead of metres.")
    ] = False,
    photo: Annotated[
        Path | None, typer.Option("--photo", metavar="FILE", help="Name this photo's size in the text.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option", metavar="NAME=VALUE", help='Any other option of the task: phrase="the car".'
        ),
    ] = None,
) -> None:
    """Print the text to send with a photo; read what comes back with `visiongen decode`."""
    from visiongen.image import read_image
    from visiongen.prompt import Legend
    from visiongen.registry import TASKS
    from visiongen.tasks.instructions import instruction
    from visiongen.tasks.predicting import make_tasks

    TASKS.get(task)  # refuses an unknown task
    if relative and task != "depth":
        raise UsageError(f"--relative belongs to the task depth, not to {task}; leave it out")
    size = read_image(photo).shape[:2] if photo is not None else None
    options = common.task_options(option or [], **UNSAID) | ({"relative": True} if relative else {})
    (asked,) = make_tasks([task], options)
    parsed = Legend.parse(legend) if legend is not None else None
    print(instruction(asked, parsed, size))
