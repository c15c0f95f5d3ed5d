"""Pedestrians and cyclists from capsule-like parts."""

from __future__ import annotations

from visiongen.world.palette import any_colour, grey, skin
from visiongen.world.scene import Scene, Thing, material
from visiongen.world.vehicles import bicycle


def pedestrian(scene: Scene, x: float, z: float, yaw: float, y: float = 0.0) -> Thing:
    """A standing or walking person, 1.5-1.9 m (sometimes a child), facing +z of its own axes."""
    rng = scene.rng
    thing = scene.thing("pedestrian", x, y, z, yaw)
    tall = rng.uniform(1.55, 1.9) if rng.random() < 0.88 else rng.uniform(1.05, 1.45)
    flesh = material("plain", skin(rng), rough=0.6)
    top = material(
        rng.choice(["plain", "fabric", "stripe"]), any_colour(rng, 0.08, 0.9), grey(rng, 0.1, 0.9),
        0.12, 0.1, 0.4, 1, rough=0.85,
    )  # fmt: skip
    trousers = material("fabric", any_colour(rng, 0.08, 0.5), p=0.3, rough=0.9)
    shoes = material("plain", grey(rng, 0.05, 0.5), rough=0.6)
    hair = material("plain", rng.choice([(0.08, 0.06, 0.05), (0.3, 0.2, 0.1), (0.6, 0.5, 0.35),
                                         (0.5, 0.5, 0.5)]), rough=0.7)  # fmt: skip
    stride = rng.uniform(0, 0.45)
    s = tall / 1.75
    leg = 0.43 * s
    for side in (-1, 1):
        thing.tube((side * 0.09 * s, leg, side * stride * leg * 0.9), 0.085 * s, leg, trousers,
                   pitch=side * -stride, top=1.0)  # fmt: skip
        thing.box((side * 0.09 * s, 0.04, side * stride * leg * 1.9 + 0.05), (0.05, 0.04, 0.13), shoes)
        swing = -side * stride * rng.uniform(0.6, 1.1)
        thing.tube((side * 0.25 * s, 1.15 * s, swing * -0.25), 0.05 * s, 0.3 * s, top, pitch=swing)
        thing.ball((side * 0.25 * s, 0.84 * s, swing * -0.55), 0.05 * s, flesh)
    thing.ball((0, 1.17 * s, 0), (0.21 * s, 0.36 * s, 0.135 * s), top)
    if rng.random() < 0.25:  # a coat or skirt
        thing.tube((0, 0.78 * s, 0), 0.25 * s, 0.26 * s, top, top=0.65)
    thing.tube((0, 1.5 * s, 0), 0.055 * s, 0.07 * s, flesh)
    thing.ball((0, 1.63 * s, 0.01), (0.085 * s, 0.115 * s, 0.1 * s), flesh)
    thing.ball((0, 1.67 * s, -0.02), (0.095 * s, 0.1 * s, 0.105 * s), hair)
    if rng.random() < 0.25:
        thing.box((0, 1.2 * s, -0.2 * s), (0.15, 0.22, 0.09), material("plain", any_colour(rng)))
    return thing


def cyclist(scene: Scene, x: float, z: float, yaw: float, y: float = 0.0) -> Thing:
    """A rider on a bicycle, riding along +z of its own axes."""
    rng = scene.rng
    thing = scene.thing("bicyclist", x, y, z, yaw)
    bicycle(thing, rng)
    flesh = material("plain", skin(rng), rough=0.6)
    top = material("plain", any_colour(rng, 0.15, 0.95), rough=0.85)
    trousers = material("plain", any_colour(rng, 0.08, 0.4), rough=0.9)
    for side in (-1, 1):
        thing.tube((side * 0.1, 0.78, 0.02 + 0.08 * side), 0.075, 0.24, trousers, pitch=-1.0)
        thing.tube((side * 0.11, 0.42, 0.13 + 0.12 * side), 0.055, 0.24, trousers, pitch=0.15)
        thing.tube((side * 0.2, 1.2, 0.2), 0.042, 0.27, top, pitch=-0.95)
    thing.ball((0, 1.2, -0.05), (0.19, 0.36, 0.14), top, pitch=0.45)
    thing.ball((0, 1.58, 0.14), (0.085, 0.115, 0.1), flesh)
    cap = rng.choice([any_colour(rng), (0.08, 0.06, 0.05)])
    thing.ball((0, 1.63, 0.12), (0.1, 0.09, 0.125), material("plain", cap, rough=0.5))
    return thing
