"""``visiongen cutout``: the foreground of photos alone, on a transparent or another background."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visiongen.cli import common
from visiongen.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    Background = Callable[[tuple[int, int]], np.ndarray]  # size (H, W) -> uint8 (H, W, 3) or (3,)


def cutout(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Image files, folders or globs.")],
    out: common.Out = Path("out"),
    salient: Annotated[
        bool, typer.Option("--salient", help="Cut along the salient object instead of the painted matte.")
    ] = False,
    background: Annotated[
        str | None,
        typer.Option(
            "--background", metavar="COLOUR|IMAGE", help="Also put it on this: #rrggbb, a name, or a picture."
        ),
    ] = None,
    soft: Annotated[
        bool,
        typer.Option("--soft", help="Keep the matte as painted; do not fit it to the photo (as --salient)."),
    ] = False,
    mode: common.ModeName = "verified",
    seed: common.Seed = 0,
    long_side: common.LongSide = None,
    tile: common.Tile = False,
    mirror: common.Mirror = False,
    weights: common.WeightsName = "tiny",
    json_target: common.JsonTarget = None,
) -> None:
    """Write STEM.cutout.png: straight alpha, and colours without the old background's at the border."""
    common.check_mode(mode)
    behind = None if background is None else _background(background)
    from visiongen.image import list_inputs

    paths = list_inputs(inputs)
    backbone = common.load_backbone(weights)
    task = "salient" if salient else "matting"
    options: dict[str, Any] = {"mode": mode, "seed": seed, "long_side": long_side, "tile": tile}
    options |= {"mirror": mirror, "backbone": backbone}
    common.report_inputs(
        paths,
        "cutting out",
        lambda path, stem: _one(task, path, out / stem, options, not (soft or salient), behind, json_target),
        json_target,
        "visiongen.cutout/1",
        backbone,
        task=task,
        background=background,
        sample={"mode": mode, "seed": seed, "mirror": mirror},
    )


def _background(text: str) -> Background:
    """What ``--background`` names: a picture that exists, else a colour (UsageError for neither)."""
    import numpy as np
    from PIL import ImageColor

    if Path(text).is_file():
        from visiongen.image import read_image

        picture = read_image(text)
        return lambda size: _cover(picture, size)
    try:
        colour = np.array(ImageColor.getrgb(text)[:3], np.uint8)
    except ValueError:
        raise UsageError(
            f"--background {text!r}: neither a picture nor a colour; give a file, #rrggbb or a name"
        ) from None
    return lambda size: colour


def _cover(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture scaled to fill ``size`` (H, W), what sticks out cut off evenly."""
    import numpy as np

    from visiongen.resize import resize_photo

    height, width = picture.shape[:2]
    share = min(height / size[0], width / size[1])
    tall, wide = (max(1, min(old, round(new * share))) for old, new in ((height, size[0]), (width, size[1])))
    top, left = (height - tall) // 2, (width - wide) // 2
    return resize_photo(np.ascontiguousarray(picture[top : top + tall, left : left + wide]), size)


def _one(
    task: str,
    path: Path,
    base: Path,
    options: dict[str, Any],
    sharpen: bool,
    behind: Background | None,
    json_target: str | None,
) -> list[dict[str, Any]]:
    """Cut out one photo and write its files; the row of the report."""
    from visiongen.files import write_atomic
    from visiongen.image import read_image
    from visiongen.tasks import predict
    from visiongen.tasks.foreground import compose, encode_rgba
    from visiongen.tasks.pictures import encode_png

    photo = read_image(path)
    prediction = predict(task, photo, photo_name=path.name, **options)
    rgba = prediction.cutout(photo, sharpen)  # type: ignore[attr-defined]
    files = [write_atomic(Path(f"{base}.cutout.png"), encode_rgba(rgba))]
    if behind is not None:
        picture = compose(rgba, behind((photo.shape[0], photo.shape[1])))
        files.append(write_atomic(Path(f"{base}.composed.png"), encode_png(picture)))
    opacity = rgba[..., 3]
    common.say(f"{path}: {task} -> {files[0]}", json_target)
    return [
        {
            "input": str(path),
            "files": [str(file) for file in files],
            "size": list(photo.shape[:2]),
            "opaque": round(float((opacity == 255).mean()), 5),
            "partly": round(float(((opacity > 0) & (opacity < 255)).mean()), 5),
            "confidence": prediction.summary()["mean_confidence"],
            "stats": prediction.stats,
        }
    ]
