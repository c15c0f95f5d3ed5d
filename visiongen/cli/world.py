"""``visiongen world``: render frames whose depth, normals, classes and materials are exact."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visiongen.cli import common
from visiongen.errors import UsageError

if TYPE_CHECKING:
    from visiongen.world import Frames

KINDS = ("room", "street", "tabletop", "mixed", "wall")


def world(
    scene: Annotated[str, typer.Option("--scene", help=f"One of {', '.join(KINDS)}.")] = "street",
    seed: Annotated[int, typer.Option("--seed", help="Seed of the first frame.")] = 0,
    out: common.Out = Path("out"),
    count: Annotated[int, typer.Option("--count", help="Frames, with seeds SEED, SEED+1, ...")] = 1,
    height: Annotated[int, typer.Option("--height", help="Pixels.")] = 240,
    width: Annotated[int, typer.Option("--width", help="Pixels.")] = 320,
) -> None:
    """Render frames and write photo, depth, normals, classes, instances and camera."""
    if scene not in KINDS:
        raise UsageError(f"--scene {scene!r}: choose one of {', '.join(KINDS)}")
    if count < 1:
        raise UsageError(f"--count {count}: give at least 1")
    if not (8 <= height <= 4096 and 8 <= width <= 4096):
        raise UsageError(f"--height {height} --width {width}: give 8 to 4096 pixels each")
    from visiongen.world import render

    with common.progress(count, "rendering") as step:
        for number in range(seed, seed + count):  # one at a time: memory stays flat
            frames = render(scene, [number], height, width)
            for path in save_frame(frames, out, f"{scene}-{number}", {"scene": scene, "seed": number}):
                print(path, flush=True)
            step(str(number))


def save_frame(frames: Frames, out: Path, stem: str, about: dict[str, Any]) -> list[Path]:
    """Write frame 0: photo PNG, all arrays as one NPZ, pictures of the maps, camera JSON."""
    from io import BytesIO

    import numpy as np

    from visiongen.files import write_atomic, write_json
    from visiongen.registry import CODECS
    from visiongen.tasks.pictures import encode_png

    arrays = {name: value[0].cpu().numpy() for name, value in _tensors(frames).items()}
    buffer = BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    depth_map = CODECS.get("depth/cubewalk@1")().encode(arrays["depth"])
    normal_map = CODECS.get("normals/opengl@1")().encode(arrays["normals"])
    class_names = list(frames.class_names)
    camera = about | {
        "schema": "visiongen.world/1",
        "intrinsics": arrays["intrinsics"].tolist(),
        "class_names": class_names,
        "depth": "z-depth in metres, inf = sky",
        "normals": "camera axes: x right, y up, z towards the camera",
    }
    return [
        write_atomic(out / f"{stem}.png", encode_png(arrays["photo"])),
        write_atomic(out / f"{stem}.npz", buffer.getvalue()),
        write_atomic(out / f"{stem}.depth.map.png", encode_png(depth_map)),
        write_atomic(out / f"{stem}.normals.map.png", encode_png(normal_map)),
        write_json(out / f"{stem}.json", camera),
    ]


def _tensors(frames: Frames) -> dict[str, Any]:
    """The batched tensors of ``frames`` by field name."""
    return {name: value for name, value in vars(frames).items() if hasattr(value, "cpu")}
