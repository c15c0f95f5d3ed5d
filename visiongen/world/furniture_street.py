"""Poles, lamps, traffic lights, signs, fences, bins, benches."""

from __future__ import annotations

import math

from visiongen.world.palette import any_colour, grey, hsv, wooden
from visiongen.world.scene import Scene, Thing, material

QUARTER = math.pi / 2


def lamp_post(scene: Scene, x: float, z: float, side: float, y: float) -> Thing:
    """A street lamp whose arm reaches over the road (towards -side in x)."""
    rng = scene.rng
    thing = scene.thing("pole", x, y, z)
    steel = material("plain", grey(rng, 0.12, 0.6), rough=0.5, metal=0.4)
    high = rng.uniform(5, 9)
    thing.tube((0, high / 2, 0), rng.uniform(0.06, 0.11), high / 2, steel, top=0.6)
    arm = rng.uniform(0.6, 1.6)
    if rng.random() < 0.75:
        thing.tube((-side * arm / 2, high, 0), 0.045, arm / 2, steel, roll=QUARTER * 0.95)
        thing.box((-side * arm, high + 0.02, 0), (0.3, 0.07, 0.14), steel)
    else:
        thing.ball((0, high + 0.15, 0), 0.24, material("plain", (0.9, 0.9, 0.85), emit=0.4))
    return thing


def utility_pole(scene: Scene, x: float, z: float, y: float) -> Thing:
    """A wooden or concrete pole with cross arms."""
    rng = scene.rng
    thing = scene.thing("pole", x, y, z)
    wood = material("noise", hsv(0.08, 0.25, rng.uniform(0.25, 0.5)), hsv(0.08, 0.2, 0.2), 0.2, rough=0.95)
    high = rng.uniform(6.5, 9)
    thing.tube((0, high / 2, 0), 0.13, high / 2, wood, top=0.7)
    thing.box((0, high - 0.6, 0), (0.9, 0.06, 0.06), wood)
    return thing


def traffic_light(scene: Scene, x: float, z: float, y: float) -> Thing:
    """Three lamps on a pole, facing traffic that drives towards +z."""
    rng = scene.rng
    pole = scene.thing("pole", x, y, z)
    steel = material("plain", grey(rng, 0.1, 0.5), rough=0.5, metal=0.3)
    high = rng.uniform(2.6, 3.4)
    pole.tube((0, high / 2, 0), 0.065, high / 2, steel)
    head = pole.also("sign")
    head.box((0, high - 0.1, -0.1), (0.16, 0.45, 0.1), material("plain", (0.05, 0.05, 0.05)))
    lit = rng.randrange(3)
    for index, colour in enumerate(((0.9, 0.08, 0.05), (0.95, 0.6, 0.05), (0.1, 0.8, 0.3))):
        glow = material("plain", colour, emit=1.5 if index == lit else 0.0)
        shade = glow if index == lit else material("plain", tuple(c * 0.35 for c in colour))  # type: ignore
        head.ball((0, high + 0.18 - 0.28 * index, -0.19), (0.1, 0.1, 0.03), shade)
    return head


def road_sign(scene: Scene, x: float, z: float, y: float, yaw: float = 0.0) -> Thing:
    """A round, square, triangular or direction sign on a pole, its face towards -z."""
    rng = scene.rng
    pole = scene.thing("pole", x, y, z, yaw)
    high = rng.uniform(2.0, 2.9)
    pole.tube((0, high / 2, 0), 0.035, high / 2, material("plain", grey(rng, 0.4, 0.7), rough=0.4, metal=0.5))
    plate = pole.also("sign")
    colours = rng.choice([
        ((0.9, 0.9, 0.9), (0.75, 0.05, 0.06)), ((0.05, 0.2, 0.6), (0.9, 0.9, 0.9)),
        ((0.75, 0.05, 0.06), (0.9, 0.9, 0.9)), ((0.95, 0.75, 0.05), (0.1, 0.1, 0.1)),
        ((0.05, 0.4, 0.2), (0.9, 0.9, 0.9)),
    ])  # fmt: skip
    kind = rng.random()
    size = rng.uniform(0.28, 0.42)
    if kind < 0.45:
        look = material("sign", *colours, 2 * size, 2 * size, 2, rough=0.5)
        plate.tube((0, high, -0.06), size, 0.015, look, pitch=QUARTER)
    elif kind < 0.6:
        look = material("sign", *colours, 2 * size, 2 * size, 1, rough=0.5)
        plate.box((0, high, -0.06), (size, size, 0.015), look, kx=0.95)
    else:
        wide, tall = rng.uniform(0.3, 0.9), rng.uniform(0.25, 0.5)
        look = material("sign", *colours, 2 * wide, 2 * tall, 0, rough=0.5)
        plate.box((0, high, -0.06), (wide, tall, 0.015), look)
    return plate


def fence(scene: Scene, x: float, z0: float, z1: float, y: float, near: float) -> Thing:
    """A fence along z at x: pickets, rails, mesh panel or low wall; fine within ``near`` metres."""
    rng = scene.rng
    thing = scene.thing("fence", x, y, (z0 + z1) / 2)
    half = (z1 - z0) / 2
    kind, tall = rng.random(), rng.uniform(0.8, 1.5)
    colour = rng.choice([wooden(rng), grey(rng, 0.6, 0.95), grey(rng, 0.05, 0.3)])
    look = material("plain", colour, p=0.4, rough=0.8)
    if kind < 0.25:
        stone = material("brick", grey(rng, 0.35, 0.75, 0.4), (0.6, 0.58, 0.55), 0.4, 0.15, rough=0.95)
        thing.box((0, tall * 0.4, 0), (0.15, tall * 0.4, half), stone)
        thing.box((0, tall * 0.82, 0), (0.19, 0.05, half), look)
        return thing
    if kind < 0.5:
        boards = material("wood", colour, (0.1, 0.08, 0.06), 0.14, 1, rough=0.85)
        thing.box((0, tall * 0.6, 0), (0.03, tall * 0.6, half), boards)
        return thing
    for height in (0.25, 0.92):
        thing.box((0, tall * height, 0), (0.025, 0.04, half), look)
    step = rng.uniform(0.16, 0.3) if kind < 0.85 else 1.8
    thin = 0.035 if kind < 0.85 else 0.06
    count = min(int(2 * half / step), 26 if z0 < near else 0)
    for index in range(count):
        thing.box((0, tall / 2, -half + (index + 0.5) * step), (0.02, tall / 2, thin), look)
    if count * step < 2 * half - step:  # the far rest as one slatted panel
        rest = (2 * half - count * step) / 2
        slats = material("stripe", colour, tuple(c * 0.3 for c in colour), step, 1, 0.45)  # type: ignore
        thing.box((0, tall / 2, half - rest), (0.015, tall / 2, rest), slats)
    return thing


def bin_or_box(scene: Scene, x: float, z: float, y: float) -> Thing:
    """A litter bin, hydrant-like post, letter box or crate."""
    rng = scene.rng
    kind = rng.random()
    look = material("plain", any_colour(rng, 0.1, 0.7), rough=0.5)
    if kind < 0.4:
        thing = scene.thing("bin", x, y, z)
        thing.tube((0, 0.45, 0), 0.26, 0.45, look)
        thing.tube((0, 0.92, 0), 0.28, 0.04, material("plain", (0.1, 0.1, 0.1)))
    elif kind < 0.65:
        thing = scene.thing("pole", x, y, z)
        thing.tube((0, 0.45, 0), 0.07, 0.45, look)
        thing.ball((0, 0.92, 0), 0.08, look)
    else:
        thing = scene.thing("box", x, y, z, rng.uniform(0, 3))
        size = rng.uniform(0.25, 0.6)
        thing.box((0, size, 0), (size, size, size * rng.uniform(0.6, 1.2)), look)
    return thing


def bench(scene: Scene, x: float, z: float, yaw: float, y: float) -> Thing:
    """A park bench."""
    rng = scene.rng
    thing = scene.thing("bench", x, y, z, yaw)
    boards = material("wood", wooden(rng), (0.1, 0.07, 0.05), 0.12, 1, rough=0.7)
    thing.box((0, 0.45, 0), (0.8, 0.03, 0.22), boards)
    thing.box((0, 0.75, 0.22), (0.8, 0.2, 0.025), boards, pitch=0.2)
    for side in (-0.65, 0.65):
        thing.box((side, 0.22, 0), (0.04, 0.22, 0.2), material("plain", (0.12, 0.12, 0.12)))
    return thing
