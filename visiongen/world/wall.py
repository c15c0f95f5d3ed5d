"""The trap: a wall across a road, painted with the picture of the road behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from visiongen.world.classes import CLASS_ID
from visiongen.world.lens import develop
from visiongen.world.materials import Materials
from visiongen.world.render import Frames, build_scene, check_request, expose
from visiongen.world.scene import COLUMN, Scene, material

FLAT = {CLASS_ID[name] for name in ("road", "pavement", "grass", "building", "mountain")}


@dataclass
class WallPair:
    """The same wall painted and plain; ``wall`` (B, H, W) bool is its mask.

    ``behind`` is the same street without the wall (its photo is the paint).
    """

    painted: Frames
    plain: Frames
    behind: Frames
    wall: Tensor


def add_wall(scene: Scene) -> int:
    """Put a wall across the road; returns its instance id."""
    rng = scene.rng
    distance, high = rng.uniform(7, 16), rng.uniform(3.0, 5.0)
    wide = rng.uniform(3.2, 5.0)
    grey = rng.uniform(0.55, 0.75)
    colour = (grey + 0.05, grey, grey - 0.05)
    kind = rng.choice(["plaster", "brick"])
    look = material(kind, colour, (0.5, 0.48, 0.45), 0.4, 0.16, 0.3, rough=0.9)
    thing = scene.thing("wall", scene.camera.x * 0.5, 0.0, scene.camera.z + distance)
    thing.box((0, high / 2, 0.15), (wide, high / 2, 0.15), look, yaw=rng.uniform(-0.12, 0.12))
    clear_way(scene, distance + 1.5, wide + 0.3)
    return thing.instance


def clear_way(scene: Scene, distance: float, half: float) -> None:
    """Take away whatever stands between the camera and the wall, whole things at a time."""
    blockers = set()
    for row in scene.rows[:-1]:
        x, z = row[COLUMN["cx"]] - scene.camera.x, row[COLUMN["cz"]] - scene.camera.z
        if -1 < z < distance and abs(x) < half and row[COLUMN["cls"]] not in FLAT:
            blockers.add(row[COLUMN["instance"]])
    scene.rows = [row for row in scene.rows if row[COLUMN["instance"]] not in blockers]


def render_wall_pair(
    seeds: Sequence[int],
    height: int,
    width: int,
    device: str = "cpu",
    materials: Materials | str | Path | None = None,
    lens: bool = True,
    supersample: int = 1,
) -> WallPair:
    """Render the painted and the plain wall of each seed; all exact maps agree but base_colour.

    UsageError as ``render`` raises it.
    """
    check_request(seeds, height, width, device, supersample)
    scenes = [build_scene("street", int(seed)) for seed in seeds]
    ids = [add_wall(scene) for scene in scenes]
    wall_rows = [scene.rows.pop() for scene in scenes]
    behind, paint = expose(scenes, height, width, device, materials, supersample)
    for scene, row in zip(scenes, wall_rows, strict=True):
        scene.rows.append(row)
    plain, light = expose(scenes, height, width, device, materials, supersample)
    marks = torch.tensor(ids, device=device, dtype=torch.int32)[:, None, None]
    wall = plain.instance == marks
    tint = torch.tensor([scene.rng.uniform(0.85, 1.1) for scene in scenes], device=device)
    printed = torch.where(wall[..., None], paint * tint[:, None, None, None], light)
    lenses = [scene.lens for scene in scenes]
    numbers = [scene.seed for scene in scenes]
    behind.photo = develop(paint, lenses, numbers, lens)
    plain.photo = develop(light, lenses, numbers, lens)
    base = torch.where(wall[..., None], behind.photo, plain.base_colour)
    painted = replace(plain, photo=develop(printed, lenses, numbers, lens), base_colour=base)
    return WallPair(painted, plain, behind, wall)
