"""Table-tops: small things close to the camera."""

from __future__ import annotations

import math

from visiongen.world import furniture
from visiongen.world.palette import daylight
from visiongen.world.room import camera, indoor_light
from visiongen.world.room_parts import floor_look, shell
from visiongen.world.scene import Camera, Lens, Scene
from visiongen.world.smallthings import scatter


def build_tabletop(scene: Scene) -> None:
    """Fill ``scene``: a table in a room (or a terrace in the sun) with 4-16 things on it."""
    rng = scene.rng
    wide, deep, tall = rng.uniform(1.6, 3.0), rng.uniform(1.6, 3.0), rng.uniform(2.4, 3.0)
    outside = rng.random() < 0.15
    if outside:
        scene.lighting = daylight(rng)
        scene.thing("floor").box((0, -0.05, 0), (60, 0.05, 60), floor_look(rng))
    else:
        shell(scene, wide, deep, tall)
        scene.lighting = indoor_light(scene, wide, deep, tall)
    scene.lens = Lens(
        rng.gauss(0.05, 0.45), rng.uniform(0.9, 1.3), rng.uniform(0.6, 1.25), rng.gauss(0.02, 0.06),
        rng.uniform(0, 0.3), rng.uniform(0.2, 0.8), rng.uniform(0.001, 0.022),
    )  # fmt: skip
    high = rng.uniform(0.68, 0.8)
    half = (rng.uniform(0.45, 0.9), rng.uniform(0.35, 0.6))
    furniture.table(scene, 0, 0, 0, half, high)
    spread = (half[0] * rng.uniform(0.4, 0.9), half[1] * rng.uniform(0.5, 0.9))
    scatter(scene, 0, high, 0, spread, rng.randint(4, 16))
    if rng.random() < 0.15:
        furniture.desk_lamp(scene, rng.uniform(-0.3, 0.3), high, rng.uniform(0, 0.3))
    if rng.random() < 0.15:
        furniture.display(scene, rng.uniform(-0.2, 0.2), high, half[1] * 0.6, math.pi, 0.27)
    for side in (-1, 1):
        if rng.random() < 0.4:
            furniture.chair(scene, side * 0.3, half[1] + 0.25, math.pi + rng.gauss(0, 0.3),
                            rng.randrange(3), (furniture.timber(scene), furniture.cloth(scene)))  # fmt: skip
    camera(scene, wide, deep)
    distance, turn = rng.uniform(0.45, 1.1), rng.gauss(0, 0.5)
    above = rng.uniform(0.25, 0.75)
    x, z = -distance * math.sin(turn), -distance * math.cos(turn)
    y = min(high + above, 1.6)
    pitch = -math.atan2(y - high, distance) + rng.uniform(-0.05, 0.2)
    scene.camera = Camera(x, y, z, turn + rng.gauss(0, 0.12), pitch, rng.gauss(0, 0.03),
                          math.radians(rng.uniform(50, 68)))  # fmt: skip
