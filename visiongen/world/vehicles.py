"""Cars, vans, buses and bicycles from boxes and wheels."""

from __future__ import annotations

import math
import random

from visiongen.world.palette import paint
from visiongen.world.scene import Material, Scene, Thing, material

QUARTER = math.pi / 2
RUBBER = material("plain", (0.05, 0.05, 0.055), rough=0.9)
RIM = material("plain", (0.55, 0.56, 0.58), rough=0.35, metal=0.8)
GLASS = material("plain", (0.06, 0.075, 0.085), rough=0.07)
DARK = material("plain", (0.07, 0.07, 0.075), rough=0.6)
WHITE_LAMP = material("plain", (0.9, 0.9, 0.85), rough=0.15, emit=0.3)
RED_LAMP = material("plain", (0.6, 0.04, 0.03), rough=0.2, emit=0.3)
PLATE = material("plain", (0.85, 0.84, 0.75), rough=0.5)


def wheel(thing: Thing, x: float, z: float, radius: float, fine: bool) -> None:
    """A wheel standing on the ground, axle along x."""
    thing.tube((x, radius, z), radius, 0.11, RUBBER, roll=QUARTER)
    if fine:
        side = math.copysign(0.02, x)
        thing.tube((x + side, radius, z), radius * 0.62, 0.1, RIM, roll=QUARTER)


def car(scene: Scene, x: float, z: float, yaw: float, fine: bool, y: float = 0.0) -> Thing:
    """A car, estate, SUV or van whose front looks along its +z; ``fine`` adds small parts."""
    rng = scene.rng
    thing = scene.thing("car", x, y, z, yaw)
    coat = material("plain", paint(rng), rough=rng.uniform(0.18, 0.4), metal=rng.uniform(0, 0.35))
    kind = rng.random()
    if kind < 0.12:
        return _van(thing, rng, coat, fine)
    tall = rng.uniform(1.38, 1.5) if kind < 0.7 else rng.uniform(1.6, 1.8)
    wide, long_ = rng.uniform(0.82, 0.93), rng.uniform(1.85, 2.35)
    waist = tall * rng.uniform(0.58, 0.64)
    sill = 0.2 + 0.08 * (tall > 1.55)
    nose = rng.uniform(0.35, 0.55)  # how much of the front half is bonnet
    thing.box((0, (sill + waist) / 2, 0), (wide, (waist - sill) / 2, long_), coat, kx=0.08, kz=0.06)
    back = -long_ * rng.choice([0.93, 0.9, 0.62])
    front = long_ * (1 - nose)
    centre, half = (front + back) / 2, (front - back) / 2
    height = (tall - waist) / 2
    slope = rng.uniform(0.2, 0.45)
    lean = rng.uniform(-0.12, 0.02)
    thing.box(
        (0, waist + height * 0.94, centre), (wide * 0.95, height * 0.94, half), GLASS,
        kx=0.22, kz=slope, shear=lean,
    )  # fmt: skip
    roof = half * (1 - slope * 0.92)
    shift = lean * half * 0.9
    thing.box((0, tall - 0.03, centre + shift), (wide * 0.78, 0.045, roof), coat, kx=0.1, kz=0.1)
    radius = 0.31 if tall < 1.55 else 0.36
    for side in (-1, 1):
        for axle in (-0.62, 0.64):
            wheel(thing, side * (wide - 0.09), axle * long_, radius, fine)
    if fine:
        _trimmings(thing, rng, coat, wide, long_, waist, sill, centre, half, height)
    return thing


def _trimmings(
    thing: Thing, rng: random.Random, coat: Material, wide: float, long_: float, waist: float,
    sill: float, centre: float, half: float, height: float,
) -> None:  # fmt: skip
    """Lamps, plates, bumpers, mirrors, pillars."""
    light = waist - 0.17
    for side in (-1, 1):
        thing.box((side * wide * 0.72, light, long_ * 0.965), (0.17, 0.07, 0.06), WHITE_LAMP)
        thing.box((side * wide * 0.74, light + 0.04, -long_ * 0.965), (0.15, 0.09, 0.06), RED_LAMP)
        thing.box((side * (wide + 0.06), waist + 0.06, centre + half * 0.72), (0.08, 0.06, 0.05), coat)
        thing.box(
            (side * wide * 0.855, waist + height, centre - half * 0.05), (0.015, height * 0.93, 0.05),
            coat, roll=side * 0.2,
        )  # fmt: skip
    for end in (-1, 1):
        thing.box((0, sill + 0.13, end * long_), (wide * 0.96, 0.12, 0.07), rng.choice([coat, DARK]))
        thing.box((0, sill + 0.2, end * (long_ + 0.07)), (0.26, 0.06, 0.01), PLATE)


def _van(thing: Thing, rng: random.Random, coat: Material, fine: bool) -> Thing:
    """A delivery van, a lorry or a bus."""
    big = rng.random() < 0.4
    wide, long_ = (1.22, rng.uniform(3.5, 5.2)) if big else (0.98, rng.uniform(2.3, 2.8))
    tall = rng.uniform(2.8, 3.3) if big else rng.uniform(1.95, 2.4)
    bus = big and rng.random() < 0.5
    side = material(
        "windows" if bus else "plain", (coat[1], coat[2], coat[3]), (0.1, 0.12, 0.14), 1.4,
        tall * 0.95, 0.85, 0.4, rough=0.35,
    )  # fmt: skip
    cab = 0.0 if bus else 0.9
    thing.box((0, (tall + 0.35) / 2, -cab / 2), (wide, (tall - 0.35) / 2, long_ - cab / 2), side)
    if not bus:
        thing.box((0, 0.9, long_ - 0.4), (wide * 0.96, 0.55, 0.5), coat, kz=0.2)
        thing.box((0, 1.45 + 0.25 * big, long_ - 0.62), (wide * 0.93, 0.4, 0.42), GLASS, kz=0.4)
    else:
        thing.box((0, tall * 0.6, long_), (wide * 0.93, tall * 0.22, 0.02), GLASS)
    thing.box((0, tall * 0.72, -long_), (wide * 0.75, tall * 0.14, 0.02), GLASS)
    for x in (-1, 1):
        for axle in (-0.6, 0.7):
            wheel(thing, x * (wide - 0.1), axle * long_, 0.34 + 0.12 * big, fine)
        thing.box((x * wide * 0.8, 0.75, long_ + 0.02), (0.14, 0.1, 0.04), WHITE_LAMP)
        thing.box((x * wide * 0.85, 0.85, -long_ - 0.01), (0.08, 0.16, 0.03), RED_LAMP)
    return thing


def bicycle(thing: Thing, rng: random.Random) -> None:
    """Two wheels and a frame along +z (parts of ``thing``)."""
    tube = material("plain", paint(rng), rough=0.3, metal=0.3)
    for z in (-0.52, 0.52):
        thing.tube((0, 0.34, z), 0.34, 0.014, RUBBER, roll=QUARTER)
        thing.tube((0, 0.34, z), 0.29, 0.017, material("plain", (0.3, 0.31, 0.32)), roll=QUARTER)
    thing.tube((0, 0.62, 0.05), 0.022, 0.34, tube, pitch=QUARTER * 0.93)
    thing.tube((0, 0.5, -0.28), 0.02, 0.32, tube, pitch=-0.35)
    thing.tube((0, 0.48, 0.12), 0.022, 0.35, tube, pitch=0.85)
    thing.tube((0, 0.68, 0.47), 0.02, 0.36, tube, pitch=-0.2)
    thing.box((0, 1.03, 0.38), (0.26, 0.018, 0.02), DARK)
