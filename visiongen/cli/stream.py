"""``visiongen stream``: every canvas of one painting, as numbered pictures with an index."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from visiongen.cli import common


def stream(
    task: Annotated[str, typer.Argument(metavar="TASK", help="semantic, depth or normals.")],
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="One image file.")],
    out: common.Out = Path("out"),
    legend: common.LegendText = None,
    mode: common.ModeName = "verified",
    seed: common.Seed = 0,
    long_side: common.LongSide = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME=VALUE", help="An option of the task, as predict has."),
    ] = None,
    weights: common.WeightsName = "tiny",
) -> None:
    """Save the canvases as they get better: the draft first, then the picture growing from the top."""
    from visiongen.backbones.base import Sampler
    from visiongen.files import write_atomic, write_json
    from visiongen.image import Geometry, read_image
    from visiongen.tasks.orders import followed
    from visiongen.tasks.pictures import encode_png
    from visiongen.tasks.predicting import make_orders

    common.check_mode(mode)
    (asked,), (prompt,) = make_orders([task], image, legend=legend, **common.task_options(option or []))
    photo = read_image(image)
    geometry = Geometry.fit(photo.shape[:2], asked.long_side if long_side is None else long_side)
    backbone = common.load_backbone(weights)
    view = asked.look(photo, geometry)
    scene = backbone.scene(view)
    rows: list[dict[str, Any]] = []
    for canvas in scene.stream(prompt, Sampler(mode=mode, seed=seed)):  # type: ignore[arg-type]
        (canvas,) = followed([asked], [prompt], [canvas], view)  # so that the last one is predict's map
        name = f"{image.stem}.{task}.{canvas.index:04d}.png"
        write_atomic(out / name, encode_png(canvas.image))
        rows.append(
            {
                "file": name,
                "index": canvas.index,
                "final": canvas.final,
                "rows_done": canvas.rows_done,
                "stats": canvas.stats.to_json(),
            }
        )
        print(f"{out / name}  rows done {canvas.rows_done}/{geometry.work_size[0]}", flush=True)
    record = backbone.weights
    index = {
        "schema": "visiongen.stream/1",
        "input": str(image),
        "task": task,
        "legend": str(prompt.legend) if prompt.legend else None,
        "size": list(geometry.work_size),
        "weights": {"name": record.name, "sha256": record.sha256} if record else None,
        "sample": {"mode": mode, "seed": seed},
        "canvases": rows,
    }
    print(write_json(out / f"{image.stem}.{task}.stream.json", index))
