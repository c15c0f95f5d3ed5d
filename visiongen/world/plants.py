"""Trees, bushes and potted plants from clustered ellipsoids and cones."""

from __future__ import annotations

import math

from visiongen.world.palette import green, hsv
from visiongen.world.scene import Colour, Material, Scene, Thing, material


def foliage(scene: Scene, size: float = 0.35) -> Material:
    """A leaf texture in one tree's greens."""
    rng = scene.rng
    base = green(rng)
    bright: Colour = tuple(min(1.0, c * rng.uniform(1.5, 2.0) + 0.04) for c in base)  # type: ignore
    return material("leaves", tuple(c * 0.6 for c in base), bright, size, rough=0.85)  # type: ignore


def bark(scene: Scene) -> Material:
    """Trunk material."""
    rng = scene.rng
    tone = hsv(rng.uniform(0.05, 0.12), rng.uniform(0.1, 0.4), rng.uniform(0.18, 0.45))
    return material("noise", tone, tuple(c * 0.55 for c in tone), 0.15, rough=0.95)  # type: ignore


def tree(scene: Scene, x: float, z: float, y: float = 0.0, tall: float | None = None) -> Thing:
    """A broad-leaved tree, a poplar, or a conifer, 3-14 m."""
    rng = scene.rng
    thing = scene.thing("tree", x, y, z, rng.uniform(0, 6.28))
    high = rng.uniform(4, 11) if tall is None else tall
    leaf = foliage(scene, 0.1 + 0.04 * high)
    wood = bark(scene)
    kind = rng.random()
    if kind < 0.15:  # conifer
        thing.tube((0, high * 0.12, 0), 0.03 * high, high * 0.14, wood)
        wide = high * rng.uniform(0.17, 0.26)
        for layer in range(4):
            rise = high * (0.2 + 0.2 * layer)
            thing.tube((0, rise + high * 0.14, 0), wide * (1 - 0.2 * layer), high * 0.16, leaf, top=0.1)
        return thing
    stem = high * rng.uniform(0.2, 0.42)
    thing.tube((0, stem * 0.6, 0), 0.018 * high + 0.05, stem * 0.6, wood, top=0.75)
    slim = 0.5 if kind < 0.28 else 1.0
    crown = (high - stem) / 2
    wide = crown * rng.uniform(0.75, 1.15) * slim
    middle = stem + crown * 0.95
    thing.ball((0, middle, 0), (wide * 0.72, crown * 0.85, wide * 0.72), leaf)
    away = math.hypot(x - scene.camera.x, z - scene.camera.z)
    blobs = rng.randint(11, 17) if away < 30 else rng.randint(6, 9) if away < 60 else 3
    for _ in range(blobs):
        angle, lift = rng.uniform(0, 6.28), rng.uniform(-0.75, 0.85)
        out = wide * math.sqrt(1 - lift * lift) * rng.uniform(0.45, 0.85)
        size = wide * rng.uniform(0.16, 0.5)
        thing.ball(
            (out * math.cos(angle), middle + lift * crown * 0.72, out * math.sin(angle)),
            (size, size * rng.uniform(0.7, 1.0), size), leaf,
        )  # fmt: skip
    for _ in range(rng.randint(0, 2) if away < 30 else 0):
        angle = rng.uniform(0, 6.28)
        thing.tube((0.3 * math.cos(angle), stem * 1.05, 0.3 * math.sin(angle)), 0.05 + 0.004 * high,
                   crown * 0.4, wood, yaw=angle, pitch=rng.uniform(0.3, 0.7))  # fmt: skip
    return thing


def bush(scene: Scene, x: float, z: float, y: float = 0.0, size: float = 0.6) -> Thing:
    """A round bush of 2-4 lumps."""
    rng = scene.rng
    thing = scene.thing("bush", x, y, z)
    leaf = foliage(scene, 0.15)
    for _ in range(rng.randint(2, 4)):
        r = size * rng.uniform(0.6, 1.0)
        thing.ball((rng.uniform(-size, size) * 0.8, r * 0.6, rng.uniform(-size, size) * 0.8),
                   (r, r * 0.85, r), leaf)  # fmt: skip
    return thing


def hedge(scene: Scene, x: float, z: float, half: float, yaw: float = 0.0, y: float = 0.0) -> Thing:
    """A clipped hedge of length 2 half along its own z."""
    tall = scene.rng.uniform(0.4, 0.8)
    thing = scene.thing("bush", x, y, z, yaw)
    return thing.box((0, tall, 0), (0.35, tall, half), foliage(scene, 0.2), kx=0.12)


def potted(scene: Scene, x: float, z: float, y: float = 0.0, size: float = 0.5) -> Thing:
    """A plant in a pot; ``size`` is half its height in metres."""
    rng = scene.rng
    thing = scene.thing("plant", x, y, z, rng.uniform(0, 6.28))
    pot = material("plain", hsv(rng.random(), rng.random() * 0.6, rng.uniform(0.2, 0.9)), rough=0.5)
    r = size * 0.32
    thing.tube((0, size * 0.3, 0), r * 0.8, size * 0.3, pot, top=1.25)
    leaf = foliage(scene, 0.06)
    for _ in range(rng.randint(6, 11)):
        angle, tilt = rng.uniform(0, 6.28), rng.uniform(0.1, 1.0)
        reach = size * rng.uniform(0.35, 0.65)
        thing.ball(
            (reach * math.sin(tilt) * math.sin(angle), size * 0.6 + reach * math.cos(tilt),
             reach * math.sin(tilt) * math.cos(angle)),
            (size * rng.uniform(0.08, 0.2), reach * 0.75, size * 0.05), leaf, yaw=angle, pitch=tilt,
        )  # fmt: skip
    return thing
