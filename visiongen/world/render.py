"""``render``: seeds in, photos with exact answers out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from visiongen.errors import UsageError
from visiongen.world.camera import Cameras
from visiongen.world.classes import CLASS_NAMES
from visiongen.world.geometry import Primitives
from visiongen.world.lens import develop
from visiongen.world.materials import Materials, load_materials
from visiongen.world.maths import dot, power, take, unit
from visiongen.world.raster import TILE, CameraCast, Grid
from visiongen.world.room import build_room
from visiongen.world.scene import Scene
from visiongen.world.shading import ambient_occlusion, shade, sun_positions
from visiongen.world.shadows import ShadowCast
from visiongen.world.sky import Lights, sky_radiance
from visiongen.world.street import build_street
from visiongen.world.surface import Hits, find_hits
from visiongen.world.tabletop import build_tabletop
from visiongen.world.textures import evaluate

BUILDERS: dict[str, Callable[[Scene], None]] = {
    "street": build_street, "room": build_room, "tabletop": build_tabletop,
}  # fmt: skip
VERSION = 3  # raise with whatever changes a frame: frames kept on disk are found by it
KINDS = ("room", "street", "tabletop", "mixed", "wall", "blank-wall")
GROUP_PIXELS = {"cpu": 1 << 18, "gpu": 1 << 24}
"""Pixels traced at once: what a processor's cache, or a GPU's memory, takes."""


@dataclass
class Frames:
    """Rendered frames with exact answers at pixel centres; B frames of H x W pixels.

    photo (B, H, W, 3) uint8; depth (B, H, W) float32 metres along the optical axis, +inf for sky;
    normals (B, H, W, 3) float32, unit, camera axes x right, y up, z towards the camera, 0 for sky;
    instance (B, H, W) int32, 0 for sky; classes (B, H, W) uint8 indexing class_names; base_colour
    (B, H, W, 3) uint8 sRGB; roughness, metallic, occlusion (B, H, W) float32 in [0, 1], occlusion
    1 = open (screen space); intrinsics (B, 3, 3); valid (B, H, W) bool, False for sky.
    """

    photo: Tensor
    depth: Tensor
    normals: Tensor
    instance: Tensor
    classes: Tensor
    base_colour: Tensor
    roughness: Tensor
    metallic: Tensor
    occlusion: Tensor
    intrinsics: Tensor
    valid: Tensor
    class_names: tuple[str, ...] = CLASS_NAMES

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.photo)


def build_scene(kind: str, seed: int) -> Scene:
    """The scene of one frame; ``mixed`` picks street, room or tabletop by the seed."""
    if kind == "mixed":
        kind = ("street", "room", "tabletop", "street", "room")[seed % 5]
    if kind not in BUILDERS:
        raise UsageError(f"kind={kind!r}: no such scene; use one of {', '.join(KINDS)}")
    scene = Scene(seed, kind)
    BUILDERS[kind](scene)
    return scene


def render(
    kind: str,
    seeds: Sequence[int],
    height: int,
    width: int,
    device: str = "cpu",
    materials: Materials | str | Path | None = None,
    lens: bool = True,
    supersample: int = 1,
) -> Frames:
    """Render one frame a seed. Frame b depends only on (kind, seed b, size), not on the batch.

    kind is "room", "street", "tabletop", "mixed", "wall" (painted with the road behind it) or
    "blank-wall" (the same wall, plain); materials a folder of PBR sets or a Materials
    (materials.py); lens=False leaves out blur, vignette and noise; supersample=2 averages 2 x 2
    rays a pixel in the photo (the exact maps stay at pixel centres). Raises UsageError for an
    unknown kind, an empty list of seeds, a side below 8, a supersample below 1 or a device that is not here.
    """
    check_request(seeds, height, width, device, supersample)
    if kind == "wall":
        from visiongen.world.wall import render_wall_pair

        return render_wall_pair(seeds, height, width, device, materials, lens, supersample).painted
    scenes = [build_scene("street" if kind == "blank-wall" else kind, int(seed)) for seed in seeds]
    if kind == "blank-wall":
        from visiongen.world.wall import add_wall

        for scene in scenes:
            add_wall(scene)
    frames, radiance = expose(scenes, height, width, device, materials, supersample)
    frames.photo = develop(radiance, [s.lens for s in scenes], [s.seed for s in scenes], lens)
    return frames


def check_request(seeds: Sequence[int], height: int, width: int, device: str, supersample: int) -> None:
    """UsageError for what cannot be rendered."""
    if not len(seeds) or min(height, width) < 8:
        raise UsageError(f"seeds={len(seeds)}, size={height}x{width}: give a seed and sides of 8 or more")
    if supersample < 1:
        raise UsageError(f"supersample={supersample}: give 1 ray a pixel, or more along each side of it")
    if not (device == "cpu" or (device.partition(":")[0] == "cuda" and torch.cuda.is_available())):
        raise UsageError(f"device={device!r}: not available here; use cpu")


def expose(
    scenes: list[Scene],
    height: int,
    width: int,
    device: str,
    materials: Materials | str | Path | None,
    supersample: int = 1,
) -> tuple[Frames, Tensor]:
    """``trace``, its radiance averaged over ``supersample`` x ``supersample`` rays a pixel."""
    frames, radiance = trace(scenes, height, width, device, materials)
    if supersample > 1:
        fine = trace(scenes, height * supersample, width * supersample, device, materials)[1]
        cells = fine.view(len(fine), height, supersample, width, supersample, 3)
        radiance = cells.mean((2, 4))
    return frames, radiance


def trace(
    scenes: list[Scene],
    height: int,
    width: int,
    device: str = "cpu",
    materials: Materials | str | Path | None = None,
) -> tuple[Frames, Tensor]:
    """Exact maps and linear radiance (B, H, W, 3); the frames' photo is still empty.

    Works in groups of frames that fit the processor's cache (or, on a GPU, its memory).
    """
    group = max(1, GROUP_PIXELS["cpu" if device == "cpu" else "gpu"] // (height * width))
    loaded = load_materials(materials, device)
    parts = [
        _trace_group(scenes[start : start + group], height, width, device, loaded)
        for start in range(0, len(scenes), group)
    ]
    if len(parts) == 1:
        return parts[0]
    maps: dict[str, Any] = {
        field.name: torch.cat([getattr(frames, field.name) for frames, _ in parts])
        for field in fields(Frames)
        if field.name != "class_names"
    }
    return Frames(**maps), torch.cat([radiance for _, radiance in parts])


def _trace_group(
    scenes: list[Scene], height: int, width: int, device: str, materials: Materials
) -> tuple[Frames, Tensor]:
    tables = [torch.from_numpy(scene.table()) for scene in scenes]
    frame = torch.repeat_interleave(torch.arange(len(scenes)), torch.tensor([len(t) for t in tables]))
    prims = Primitives.build(torch.cat(tables).to(device), frame.to(device))
    cameras = Cameras.build([s.camera for s in scenes], height, width, device)
    lights = Lights.build([s.lighting for s in scenes], [s.seed for s in scenes], device)
    grid = Grid(len(scenes), -(-width // TILE), -(-height // TILE))
    best, owner = CameraCast(prims, cameras, grid).run()
    s, owner = (_untile(x, grid)[:, :height, :width] for x in (best, owner))
    hits = find_hits(prims, cameras, s, owner)
    surface = evaluate(hits, materials)

    shape = (len(scenes), height, width)
    basis = take(cameras.basis.float(), hits.frame)
    seen = torch.einsum("pji,pj->pi", basis, hits.normal)
    seen = torch.stack([seen[:, 0], seen[:, 1], -seen[:, 2]], -1)
    depth = torch.full(shape, float("inf"), device=device)
    depth.view(-1)[hits.pixel] = hits.depth
    normals = _scatter(shape, hits, seen)
    occlusion = ambient_occlusion(depth, normals, cameras.focal.float()).view(-1)[hits.pixel]
    sun_seen, point_seen = _shadows(prims, hits, lights, grid, cameras, (height, width))
    lit = shade(hits, surface, lights, sun_seen, point_seen, occlusion)

    radiance = torch.zeros(*shape, 3, device=device)
    radiance.view(-1, 3)[hits.pixel] = lit
    _paint_sky(radiance, owner, cameras, lights)
    base = (power(surface.colour, 1 / 2.2) * 255).round().to(torch.uint8)
    frames = Frames(
        photo=torch.zeros(0), depth=depth, normals=normals,
        instance=_scatter(shape, hits, hits.column("instance").int()),
        classes=_scatter(shape, hits, hits.column("cls").to(torch.uint8)),
        base_colour=_scatter(shape, hits, base), roughness=_scatter(shape, hits, surface.rough),
        metallic=_scatter(shape, hits, surface.metal), occlusion=_scatter(shape, hits, occlusion),
        intrinsics=cameras.intrinsics(),
        valid=torch.isfinite(depth),
    )  # fmt: skip
    return frames, radiance


def _scatter(shape: tuple[int, ...], hits: Hits, values: Tensor) -> Tensor:
    full = torch.zeros(*shape, *values.shape[1:], dtype=values.dtype, device=values.device)
    full.view(-1, *values.shape[1:]).index_copy_(0, hits.pixel, values)
    return full


def _untile(x: Tensor, grid: Grid) -> Tensor:
    x = x.view(grid.frames, grid.down, grid.across, TILE, TILE).permute(0, 1, 3, 2, 4)
    return x.reshape(grid.frames, grid.down * TILE, grid.across * TILE)


def _tile(x: Tensor, grid: Grid) -> Tensor:
    """(B, H, W, ...) padded with zeros -> (tiles, 64, ...)."""
    extra = x.shape[3:]
    padded = torch.zeros(
        grid.frames, grid.down * TILE, grid.across * TILE, *extra, dtype=x.dtype, device=x.device
    )
    padded[:, : x.shape[1], : x.shape[2]] = x
    rest = tuple(range(5, 5 + len(extra)))
    split = padded.view(grid.frames, grid.down, TILE, grid.across, TILE, *extra)
    return split.permute(0, 1, 3, 2, 4, *rest).reshape(-1, TILE * TILE, *extra)


def _shadows(
    prims: Primitives, hits: Hits, lights: Lights, grid: Grid, cameras: Cameras,
    size: tuple[int, int],
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """How much of the sun (P,) and of each point light (P, L) the hits see: 0 or 1."""
    shape = (grid.frames, *size)
    lift = 0.004 + 0.0015 * hits.depth
    points = _tile(_scatter(shape, hits, hits.point + lift[:, None] * hits.normal), grid)
    frame_of_tile = torch.arange(grid.frames, device=points.device).repeat_interleave(grid.tiles)
    caster = ShadowCast(prims, frame_of_tile)

    def seen(light: Tensor, toward: Tensor, bright: Tensor) -> Tensor:
        if not bool(bright.any()):
            return torch.zeros_like(hits.depth)
        facing = (dot(hits.normal, toward) > 0) & bright[hits.frame]
        mask = _tile(_scatter(shape, hits, facing), grid)
        dark = _untile(caster.run(points, mask, light), grid)[:, : size[0], : size[1]]
        return (facing & ~dark.reshape(-1)[hits.pixel]).float()

    sun = sun_positions(lights, cameras.origin)
    sun_seen = seen(sun, lights.sun_direction[hits.frame], lights.sun.amax(-1) > 0)
    spots = []
    for index in range(lights.points.shape[1]):
        spot = lights.points[:, index]
        spots.append(
            seen(
                spot[:, :3], take(spot[:, :3].contiguous(), hits.frame) - hits.point, spot[:, 3:].amax(-1) > 0
            )
        )
    return sun_seen, torch.stack(spots, -1)


def _paint_sky(radiance: Tensor, owner: Tensor, cameras: Cameras, lights: Lights) -> None:
    pixel = (owner.reshape(-1) < 0).nonzero()[:, 0]
    if not len(pixel):
        return
    frame = pixel // (owner.shape[1] * owner.shape[2])
    uv = cameras.ray_coordinates().reshape(-1, 2)[pixel]
    basis = take(cameras.basis.float(), frame)
    ray = uv[:, :1] * basis[:, :, 0] + uv[:, 1:] * basis[:, :, 1] + basis[:, :, 2]
    direction = unit(ray)
    radiance.view(-1, 3)[pixel] = sky_radiance(lights, frame, direction, clouds=True)
