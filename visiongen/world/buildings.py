"""Town houses with window grids and shop fronts, detached houses, blocks of flats."""

from __future__ import annotations

import math

from visiongen.world.palette import any_colour, facade, grey, hsv
from visiongen.world.scene import Scene, Thing, material


def _pane(scene: Scene) -> tuple[float, float, float]:
    return hsv(scene.rng.uniform(0.52, 0.66), scene.rng.uniform(0.05, 0.35), scene.rng.uniform(0.2, 0.5))


def block(
    scene: Scene, x: float, z: float, yaw: float, wide: float, deep: float, tall: float,
    shops: bool, fine: bool,
) -> Thing:  # fmt: skip
    """A town building whose street front is its -x face; wide runs along its own z."""
    rng = scene.rng
    thing = scene.thing("building", x, 0.0, z, yaw)
    wall = facade(rng)
    storey = rng.uniform(2.8, 3.6)
    front = material(
        "windows", wall, _pane(scene), rng.uniform(1.6, 3.6), storey, rng.uniform(0.35, 0.75),
        rng.uniform(0.42, 0.7), rough=0.85,
    )  # fmt: skip
    base = rng.uniform(3.0, 4.2) if shops else 0.0
    thing.box((deep / 2, base + (tall - base) / 2, 0), (deep / 2, (tall - base) / 2, wide / 2), front)
    if shops:
        look = material("shop", grey(rng, 0.1, 0.85, 0.3), (0.25, 0.28, 0.3), rng.uniform(2, 4.5), base)
        thing.box((deep / 2 + 0.1, base / 2, 0), (deep / 2 - 0.1, base / 2, wide / 2), look)
        if rng.random() < 0.4:
            cloth = material("stripe", any_colour(rng), (0.9, 0.9, 0.88), 0.5, 0.5, 0.5, rough=0.9)
            thing.box((-0.5, base * 0.72, rng.uniform(-0.2, 0.2) * wide), (0.6, 0.05, wide * 0.22),
                      cloth, roll=0.45)  # fmt: skip
    trim = material("plain", tuple(min(1.0, c * 1.2 + 0.05) for c in wall), rough=0.9)  # type: ignore
    roof = rng.random()
    if roof < 0.45:
        thing.box((deep / 2, tall + 0.15, 0), (deep / 2 + 0.25, 0.2, wide / 2 + 0.05), trim)
    else:
        tiles = material("shingle", hsv(rng.uniform(0, 0.1), rng.uniform(0.05, 0.6), rng.uniform(0.2, 0.5)),
                         su=0.3, sv=0.35, rough=0.9)  # fmt: skip
        high = rng.uniform(0.8, 2.2)
        thing.box((deep / 2, tall + high, 0), (deep / 2 + 0.2, high, wide / 2), tiles,
                  kx=rng.choice([0.5, 0.95]), kz=rng.choice([0.0, 0.1]))  # fmt: skip
    if fine:
        for _ in range(rng.randint(0, 2)):
            brick = material("brick", facade(rng), (0.6, 0.58, 0.55), 0.24, 0.08, rough=0.95)
            thing.box((deep * 0.5, tall + 1.8, rng.uniform(-0.4, 0.4) * wide), (0.35, 1.3, 0.5), brick)
        if rng.random() < 0.3:
            rail = material("plain", grey(rng, 0.1, 0.7), rough=0.6)
            for floor in range(1, min(4, int((tall - base) / storey))):
                for side in (-0.25, 0.25):
                    thing.box((-0.35, base + floor * storey + 0.4, side * wide), (0.4, 0.5, 0.9), rail)
    return thing


def house(scene: Scene, x: float, z: float, yaw: float) -> Thing:
    """A detached house with a gable or hipped roof; its door looks towards its own -x."""
    rng = scene.rng
    thing = scene.thing("building", x, 0.0, z, yaw)
    wide, deep = rng.uniform(3.5, 6.0), rng.uniform(3.2, 4.8)
    tall = rng.choice([2.8, 3.0, 5.2, 5.6])
    kind = rng.random()
    wall = facade(rng)
    body = material("windows", wall, _pane(scene), rng.uniform(2.2, 3.4), 2.7, rng.uniform(0.3, 0.5),
                    rng.uniform(0.4, 0.55), rough=0.9)  # fmt: skip
    thing.box((deep, tall / 2, 0), (deep, tall / 2, wide), body)
    tiles = material("shingle", hsv(rng.uniform(0, 0.1), rng.uniform(0.05, 0.65), rng.uniform(0.18, 0.55)),
                     su=0.3, sv=0.33, rough=0.9)  # fmt: skip
    rise = rng.uniform(0.9, 1.9)
    if kind < 0.4:
        thing.box((deep, tall + rise, 0), (deep + 0.4, rise, wide + 0.4), tiles, kx=0.98)
    elif kind < 0.7:
        thing.box((deep, tall + rise, 0), (deep + 0.4, rise, wide + 0.4), tiles, kz=0.98)
    else:
        thing.box((deep, tall + rise, 0), (deep + 0.4, rise, wide + 0.4), tiles, kx=0.96, kz=0.6)
    door = material("plain", any_colour(rng, 0.15, 0.7), rough=0.5)
    at = rng.uniform(-0.5, 0.5) * wide
    thing.box((-0.02, 1.05, at), (0.06, 1.05, 0.5), door)
    if rng.random() < 0.5:
        white = material("plain", grey(rng, 0.6, 0.9))
        thing.box((-0.6, 2.35, at), (0.7, 0.08, 1.0), white)
        thing.tube((-1.15, 1.15, at - 0.8), 0.08, 1.15, white)
        thing.tube((-1.15, 1.15, at + 0.8), 0.08, 1.15, white)
    if rng.random() < 0.6:
        brick = material("brick", facade(rng), (0.6, 0.58, 0.55), 0.24, 0.08, rough=0.95)
        thing.box((deep * rng.uniform(0.7, 1.3), tall + rise * 1.5, rng.uniform(-0.6, 0.6) * wide),
                  (0.3, rise * 0.9 + 0.3, 0.4), brick)  # fmt: skip
    if rng.random() < 0.35:
        gate = material("stripe", grey(rng, 0.4, 0.9), grey(rng, 0.3, 0.6), 0.5, 1, 0.08, 1)
        thing.box((deep * 0.8, 1.3, wide + 1.6), (deep * 0.8, 1.3, 1.6), body)
        thing.box((-0.02, 1.1, wide + 1.6), (0.05, 1.05, 1.25), gate)
    return thing


def far_skyline(scene: Scene, z: float, ground: float) -> None:
    """Buildings, trees' mass and hills that close the view beyond z."""
    rng = scene.rng
    if rng.random() < 0.35:
        tone = hsv(rng.uniform(0.25, 0.6), rng.uniform(0.1, 0.35), rng.uniform(0.25, 0.5))
        hill = scene.thing("mountain", 0.0, ground, z + rng.uniform(150, 250))
        high = rng.uniform(12, 40)
        look = material("noise", tone, tuple(c * 0.6 for c in tone), 40.0, rough=1.0)  # type: ignore
        if rng.random() < 0.5:
            hill.relief((0, high * 0.4, 0), (300, high, 70), look, waves=2.0, casts=False)
            return
        for index in range(3):
            hill.ball(((index - 1 + rng.uniform(-0.4, 0.4)) * 130, 0, index * 25),
                      (rng.uniform(90, 170), high * rng.uniform(0.5, 1), 40), look, casts=False)  # fmt: skip
    for _ in range(rng.randint(2, 6)):
        wide, tall = rng.uniform(8, 22), rng.uniform(6, 26)
        block(scene, rng.uniform(-60, 60), z + rng.uniform(0, 60), -math.pi / 2, wide, 12, tall,
              False, False)  # fmt: skip
