"""``visiongen world``: render frames whose depth, normals, classes and materials are exact."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visiongen.cli import common
from visiongen.errors import UsageError

if TYPE_CHECKING:
    from visiongen.world import Frames


def world(
    scene: Annotated[
        str, typer.Option("--scene", help="room, street, tabletop, mixed, wall (painted) or blank-wall.")
    ] = "street",
    seed: Annotated[int, typer.Option("--seed", help="Seed of the first frame.")] = 0,
    out: common.Out = Path("out"),
    count: Annotated[int, typer.Option("--count", help="Frames, with seeds SEED, SEED+1, ...")] = 1,
    height: Annotated[int, typer.Option("--height", help="Pixels.")] = 240,
    width: Annotated[int, typer.Option("--width", help="Pixels.")] = 320,
) -> None:
    """Render frames; write photo, depth, normals, classes, instances, materials and camera of each."""
    if seed < 0 or count < 1:
        raise UsageError(f"--seed {seed} --count {count}: give a seed from 0 and at least 1 frame")
    if not (8 <= height <= 4096 and 8 <= width <= 4096):
        raise UsageError(f"--height {height} --width {width}: give 8 to 4096 pixels each")
    from visiongen.world import KINDS, render, save_frame

    if scene not in KINDS:
        raise UsageError(f"--scene {scene!r}: choose one of {', '.join(KINDS)}")
    with common.progress(count, "rendering") as step:
        for number in range(seed, seed + count):  # one at a time: memory stays flat
            frames = render(scene, [number], height, width)
            folder = out / f"{scene}-{number}"
            save_frame(frames, 0, folder)
            print(save_arrays(frames, folder / "arrays.npz").parent, flush=True)
            step(str(number))


def save_arrays(frames: Frames, path: Path) -> Path:
    """Every array of frame 0 under its field's name, exactly as rendered."""
    import numpy as np

    from visiongen.files import write_atomic

    arrays = {name: value[0].cpu().numpy() for name, value in vars(frames).items() if hasattr(value, "cpu")}
    return write_atomic(path, lambda file: np.savez_compressed(file, **arrays))
