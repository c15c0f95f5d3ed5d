"""A room's shell: walls, floor, ceiling, windows, doors, pictures."""

from __future__ import annotations

import math
import random

from visiongen.world import furniture
from visiongen.world.palette import any_colour, grey, hsv, wooden
from visiongen.world.scene import Material, Scene, material

THICK = 0.1


def wall_look(rng: random.Random) -> Material:
    """Paint, wallpaper, brick, panels."""
    kind = rng.random()
    colour = (
        grey(rng, 0.6, 0.97, 0.15)
        if rng.random() < 0.6
        else hsv(rng.random(), rng.uniform(0.1, 0.6), rng.uniform(0.35, 0.9))
    )
    other = tuple(min(1.0, c * rng.uniform(0.7, 1.2)) for c in colour)
    if kind < 0.6:
        return material("plaster", colour, other, p=rng.uniform(0, 0.3), rough=0.9)  # type: ignore
    if kind < 0.75:
        size = rng.uniform(0.08, 0.4)
        return material(rng.choice(["stripe", "dots", "checker"]), colour, other,  # type: ignore
                        size, size, rng.uniform(0.2, 0.5), 0, rough=0.9)  # fmt: skip
    if kind < 0.85:
        return material(
            "brick", hsv(0.03, 0.5, rng.uniform(0.35, 0.8)), (0.7, 0.68, 0.65), 0.24, 0.08, rough=0.95
        )
    if kind < 0.92:
        return material("tile", colour, other, 0.2, 0.2, rng.choice([0, 0.6]), rough=0.3)  # type: ignore
    return material("wood", wooden(rng), (0.15, 0.1, 0.06), 0.12, 1, rough=0.7)


def floor_look(rng: random.Random) -> Material:
    """Boards, tiles, carpet, stone."""
    kind = rng.random()
    if kind < 0.45:
        return material(
            "wood", wooden(rng), (0.12, 0.08, 0.05), rng.uniform(0.08, 0.2), 1, rough=rng.uniform(0.25, 0.7)
        )
    colour = grey(rng, 0.25, 0.9, 0.25)
    other = grey(rng, 0.15, 0.8, 0.25)
    if kind < 0.7:
        size = rng.uniform(0.2, 0.6)
        return material(
            "tile", colour, other, size, size, rng.choice([0, 0, 0.8]), rough=rng.uniform(0.15, 0.5)
        )
    if kind < 0.85:
        return material("fabric", any_colour(rng, 0.2, 0.75), other, p=0.5, rough=0.95)
    return material(rng.choice(["marble", "speckle", "set", "checker"]), colour, other,
                    rng.uniform(0.3, 0.7), 0.5, rng.randrange(37), rough=0.4)  # fmt: skip


def shell(scene: Scene, wide: float, deep: float, tall: float) -> None:
    """Floor, ceiling, four walls with skirting, windows and doors."""
    rng = scene.rng
    look = wall_look(rng)
    accent = wall_look(rng) if rng.random() < 0.4 else look
    scene.thing("floor").box((0, -0.05, 0), (wide + 0.1, 0.05, deep + 0.1), floor_look(rng))
    top = material("plaster", grey(rng, 0.75, 0.97), (0.7, 0.7, 0.68), p=0.1, rough=0.95)
    scene.thing("ceiling").box((0, tall + 0.05, 0), (wide + 0.1, 0.05, deep + 0.1), top)
    trim = material("plain", rng.choice([grey(rng, 0.7, 0.95), wooden(rng)]), rough=0.5)
    skirting = rng.random() < 0.7
    for side, (x, z, yaw, half) in enumerate(walls(wide, deep)):
        wall = scene.thing("wall", x, 0, z, yaw)
        wall.box((0, tall / 2, -THICK), (half + 0.15, tall / 2, THICK), accent if side == 0 else look)
        if skirting:
            wall.box((0, 0.05, 0.006), (half, 0.05, 0.008), trim)
    if rng.random() < 0.15:
        for k in range(4):
            beam = scene.thing("ceiling", 0, tall - 0.08, deep * (k - 1.5) / 2)
            beam.box((0, 0, 0), (wide, 0.08, 0.07), material("wood", wooden(rng), (0.1, 0.1, 0.1), 2, 1))


def walls(wide: float, deep: float) -> tuple[tuple[float, float, float, float], ...]:
    """(x, z, yaw, half length) of far, left, right and near wall; +z of each points inside."""
    return (
        (0.0, deep, math.pi, wide), (-wide, 0.0, math.pi / 2, deep),
        (wide, 0.0, -math.pi / 2, deep), (0.0, -deep, 0.0, wide),
    )  # fmt: skip


def window(scene, spot, at, yaw, half, tall):  # type: ignore[no-untyped-def]
    """A bright window with a frame, bars, a sill and sometimes curtains."""
    rng = scene.rng
    x, z = spot(at, 0.0)
    middle, high = 1.5, min(0.65, tall / 2 - 0.6)
    thing = scene.thing("window", x, middle, z, yaw)
    sky = hsv(rng.uniform(0.5, 0.65), rng.uniform(0.0, 0.35), rng.uniform(0.55, 1.0))
    glow = rng.choice([0.1, rng.uniform(0.6, 2.0), rng.uniform(0.6, 2.0)])
    out = material("noise", sky, tuple(c * rng.uniform(0.4, 0.9) for c in sky), 0.5, rough=0.1, emit=glow)
    thing.box((0, 0, 0), (half, high, 0.01), out)
    trim = material("plain", grey(rng, 0.6, 0.97), rough=0.5)
    for sx in (-1, 1):
        thing.box((sx * half, 0, 0.02), (0.03, high + 0.03, 0.025), trim)
        thing.box((0, sx * high, 0.02), (half, 0.03, 0.025), trim)
    thing.box((0, 0, 0.015), (0.018, high, 0.02), trim)
    if rng.random() < 0.5:
        thing.box((0, 0.2 * high, 0.015), (half, 0.015, 0.018), trim)
    thing.box((0, -high - 0.05, 0.08), (half + 0.08, 0.02, 0.09), trim)
    if rng.random() < 0.5:
        look = furniture.cloth(scene)
        for sx in (-1, 1):
            curtain = scene.thing("curtain", x, middle - 0.25, z, yaw)
            for k in range(3):
                curtain.tube((sx * (half + 0.03 + 0.09 * k), 0, 0.09), 0.055, high + 0.42, look)


def door(scene, spot, at, yaw):  # type: ignore[no-untyped-def]
    """A door with frame, panels and handle."""
    rng = scene.rng
    x, z = spot(at, 0.0)
    thing = scene.thing("door", x, 0.0, z, yaw)
    look, trim = furniture.timber(scene), furniture.timber(scene)
    thing.box((0, 1.0, 0), (0.42, 1.0, 0.02), look)
    for sx in (-1, 1):
        thing.box((sx * 0.46, 1.02, 0.005), (0.045, 1.02, 0.035), trim)
    thing.box((0, 2.06, 0.005), (0.5, 0.045, 0.035), trim)
    for height in rng.choice([(), (0.55, 1.45), (0.4, 1.0, 1.6)]):
        thing.box((0, height, 0.015), (0.28, 0.22, 0.015), look)
    thing.box((0.34, 1.02, 0.06), (0.06, 0.012, 0.012), furniture.metal(scene))


def hang(scene, spot, at, yaw):  # type: ignore[no-untyped-def]
    """A framed picture, mirror or clock on the wall."""
    rng = scene.rng
    if rng.random() < 0.25:
        return
    x, z = spot(at, 0.015)
    thing = scene.thing("picture", x, rng.uniform(1.4, 1.75), z, yaw)
    w, h = rng.uniform(0.15, 0.5), rng.uniform(0.15, 0.42)
    frame = furniture.timber(scene)
    thing.box((0, 0, 0), (w, h, 0.015), frame)
    border = rng.uniform(0.015, 0.05)
    image = material(
        "image", (0.5, 0.5, 0.5), None, 2 * (w - border), 2 * (h - border), rng.randrange(256), rough=0.5
    )
    thing.box((0, 0, 0.008), (w - border, h - border, 0.01), image)
