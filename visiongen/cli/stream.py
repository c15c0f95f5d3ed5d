"""``visiongen stream``: every canvas of one painting, as numbered pictures with an index."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visiongen.cli import common
from visiongen.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from visiongen.backbones.base import Backbone

ELSEWHERE = "not in stream; see `visiongen predict`"


def stream(
    task: Annotated[str, typer.Argument(metavar="TASK", help="One task; see `visiongen predict`.")],
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="One image file.")],
    out: common.Out = Path("out"),
    legend: common.LegendText = None,
    mode: common.ModeName = "verified",
    seed: common.Seed = 0,
    long_side: common.LongSide = None,
    example: common.Examples = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME=VALUE", help="Any other option that predict has."),
    ] = None,
    alpha: Annotated[
        bool,
        typer.Option("--alpha", help="One canvas more: the painted photo (task image), background removed."),
    ] = False,
    weights: common.WeightsName = "tiny",
) -> None:
    """Save the canvases as they get better: the draft first, then the picture growing from the top."""
    from visiongen.backbones.base import Sampler, provenance
    from visiongen.files import write_atomic, write_json
    from visiongen.geometry import Geometry
    from visiongen.image import read_image
    from visiongen.tasks.orders import followed
    from visiongen.tasks.pictures import encode_png
    from visiongen.tasks.predicting import check_long_side, make_orders, split_sampling
    from visiongen.tasks.vocabulary import warning

    common.check_mode(mode)
    if alpha and task != "image":
        raise UsageError(f"--alpha: {task} paints a map, which has no background; see `visiongen cutout`")
    check_long_side(long_side, "use `visiongen predict --tile`")
    words = common.task_options(option or [], tile=ELSEWHERE, mirror=ELSEWHERE)
    options, sampling = split_sampling(words)
    if example:
        options["examples"] = common.example_pairs(example)
    photo = read_image(image)
    (asked,), (prompt,) = make_orders([task], image, legend=legend, **options)
    sampler = Sampler.of(mode, seed, sampling)
    geometry = Geometry.fit(photo.shape[:2], asked.long_side if long_side is None else long_side)
    backbone = common.load_backbone(weights)
    if note := warning(prompt, backbone):
        common.warn(note)
    view = asked.look(photo, geometry)
    scene = backbone.scene(view)
    rows: list[dict[str, Any]] = []
    base = f"{common.stem_of(image)}.{task}"
    for canvas in scene.stream(prompt, sampler):
        (canvas,) = followed([asked], [prompt], [canvas], view)  # so that the last one is predict's map
        name = f"{base}.{canvas.index:04d}.png"
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
        common.say(f"{out / name}  rows done {canvas.rows_done}/{geometry.work_size[0]}")
    if alpha:
        name = f"{base}.{canvas.index + 1:04d}.png"
        rows.append(_without_background(canvas.image, backbone, out / name, rows[-1], seed))
        rows[-2]["final"] = False
    _remove_others(out, base, {row["file"] for row in rows})
    index = {
        "schema": "visiongen.stream/1",
        "input": str(image),
        "task": task,
        "legend": str(prompt.legend) if prompt.legend else None,
        "size": list(geometry.work_size),
        "weights": provenance(backbone),
        "sample": {"mode": mode, "seed": seed} | sampling,
        "canvases": rows,
    }
    common.say(str(write_json(out / f"{base}.stream.json", index)))


def _remove_others(out: Path, base: str, own: set[str]) -> None:
    """Take away the numbered pictures of an earlier stream that had more: they are not in the index."""
    from visiongen.files import remove

    number = re.compile(rf"{re.escape(base)}\.[0-9]{{4,}}\.png")
    for path in sorted(out.iterdir()):
        if number.fullmatch(path.name) and path.name not in own:
            remove(path)


def _without_background(
    picture: np.ndarray, backbone: Backbone, path: Path, last: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Paint the matte of the finished picture and save it with that for its alpha; its row of the index."""
    from visiongen.files import write_atomic
    from visiongen.tasks import predict
    from visiongen.tasks.foreground import encode_rgba

    matte = predict("matting", picture, backbone=backbone, seed=seed)
    write_atomic(path, encode_rgba(matte.cutout(picture)))  # type: ignore[attr-defined]
    common.say(f"{path}  without its background")
    return last | {"file": path.name, "index": last["index"] + 1, "alpha": True, "stats": matte.stats}
