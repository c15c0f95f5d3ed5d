"""Rooms: living rooms, bedrooms, studies, kitchens, corridors seen at a person's height."""

from __future__ import annotations

import math

from visiongen.world import furniture
from visiongen.world.palette import any_colour
from visiongen.world.plants import potted
from visiongen.world.room_parts import door, hang, shell, walls, window
from visiongen.world.scene import Camera, Lens, Lighting, Scene, material
from visiongen.world.smallthings import scatter


def build_room(scene: Scene) -> None:
    """Fill ``scene``: a furnished room of 3-8 m, the camera in a corner or at a wall."""
    rng = scene.rng
    wide, deep, tall = rng.uniform(1.6, 3.4), rng.uniform(1.9, 4.2), rng.uniform(2.3, 3.1)
    shell(scene, wide, deep, tall)
    scene.lighting = indoor_light(scene, wide, deep, tall)
    scene.lens = Lens(
        rng.gauss(0.05, 0.45), rng.uniform(0.9, 1.3), rng.uniform(0.6, 1.2), rng.gauss(0.03, 0.06),
        rng.uniform(0, 0.3), rng.uniform(0.3, 0.8), rng.uniform(0.001, 0.022),
    )  # fmt: skip
    camera(scene, wide, deep)
    along_walls(scene, wide, deep, tall)
    middle(scene, wide, deep)
    clutter(scene, wide, deep)


def camera(scene: Scene, wide: float, deep: float) -> None:
    """Near one wall or corner, looking across the room."""
    rng = scene.rng
    x = rng.uniform(-0.85, 0.85) * (wide - 0.3)
    z = -deep + rng.uniform(0.15, 0.35 * deep)
    yaw = math.atan2(rng.uniform(-0.6, 0.6) * wide - x, rng.uniform(0.2, 0.8) * deep - z)
    scene.camera = Camera(x, rng.uniform(1.2, 1.8), z, yaw, rng.gauss(-0.17, 0.12), rng.gauss(0, 0.02),
                          math.radians(rng.uniform(52, 75)))  # fmt: skip


def indoor_light(scene: Scene, wide: float, deep: float, tall: float) -> Lighting:
    """Lamps at the ceiling, soft light from windows."""
    rng = scene.rng
    light = Lighting()
    light.clouds = 0.0
    level = rng.uniform(0.25, 0.8)
    warm = rng.uniform(0.0, 0.25)
    light.zenith = (level * (1 - 0.3 * warm), level * (1 - 0.4 * warm), level * (1 - 0.5 * warm))
    light.horizon = (level, level * (1 - 0.2 * warm), level * (1 - 0.4 * warm))
    light.ground = (level * 0.75, level * 0.68, level * 0.6)
    count = rng.choice([1, 1, 2])
    for _ in range(count):
        power = rng.uniform(1.5, 5.5) / count * (wide * deep / 6) ** 0.5
        tint = rng.uniform(0.0, 0.35)
        x, z = rng.uniform(-0.5, 0.5) * wide, rng.uniform(-0.6, 0.6) * deep
        y = tall - rng.uniform(0.12, 0.7)
        light.points.append((x, y - 0.16, z, power, power * (1 - 0.4 * tint), power * (1 - tint)))
        lamp = scene.thing("lamp", x, y, z)
        glow = material("plain", (1.0, 0.97, 0.9), emit=2.5)
        if rng.random() < 0.5:
            lamp.ball((0, 0, 0), rng.uniform(0.08, 0.14), glow, casts=False)
        else:
            lamp.tube((0, 0, 0), rng.uniform(0.1, 0.25), 0.07, glow, top=rng.uniform(0.4, 1), casts=False)
        lamp.tube((0, (tall - y) / 2, 0), 0.008, (tall - y) / 2, furniture.metal(scene), casts=False)
    return light


def along_walls(scene: Scene, wide: float, deep: float, tall: float) -> None:
    """Furniture with its back to the walls; windows, doors and pictures above."""
    rng = scene.rng
    for side, (x, z, yaw, half) in enumerate(walls(wide, deep)):
        cos, sin = math.cos(yaw), math.sin(yaw)

        def spot(a: float, out: float, x: float = x, z: float = z, c: float = cos, s: float = sin
                 ) -> tuple[float, float]:  # fmt: skip
            return x + a * c + out * s, z - a * s + out * c

        if side == 3:
            continue
        at = -half + rng.uniform(0.1, 0.5)
        while at < half - 0.5:
            at += place_at_wall(scene, spot, at, half, yaw, tall, camera_side=side != 0)


def place_at_wall(scene, spot, at, half, yaw, tall, camera_side):  # type: ignore[no-untyped-def]
    """One piece at position ``at`` along a wall; returns the length used."""
    rng = scene.rng
    kind = rng.random()
    room = half - at
    if kind < 0.16 and room > 1.1:
        window(scene, spot, at + 0.55, yaw, rng.uniform(0.4, 0.75), tall)
        return 1.5
    if kind < 0.26 and room > 1.0:
        door(scene, spot, at + 0.5, yaw)
        return 1.15
    if kind < 0.42 and room > 0.8:
        w = min(rng.uniform(0.3, 0.8), room / 2)
        x, z = spot(at + w, 0.19)
        furniture.shelf(scene, x, z, yaw, w, rng.uniform(0.8, min(2.2, tall - 0.1)))
        return 2 * w + rng.uniform(0.02, 0.4)
    if kind < 0.56 and room > 1.6:
        seats = rng.randint(1, 3)
        w = 0.32 * seats + 0.36
        x, z = spot(at + w, 0.52)
        furniture.sofa(scene, x, z, yaw, seats)
        hang(scene, spot, at + w, yaw)
        return 2 * w + 0.15
    if kind < 0.72 and room > 0.9:
        w, h, d = (
            min(rng.uniform(0.35, 0.9), room / 2),
            rng.choice([0.5, 0.75, 0.9, 1.8, 2.0]),
            rng.uniform(0.2, 0.3),
        )
        x, z = spot(at + w, d + 0.01)
        furniture.cabinet(scene, x, z, yaw, w, h, d)
        if h < 1.2:
            _on_top(scene, x, h, z, w, d, yaw)
            hang(scene, spot, at + w, yaw)
        return 2 * w + rng.uniform(0.05, 0.4)
    if kind < 0.8 and room > 1.2:
        w = rng.uniform(0.5, 0.8)
        x, z = spot(at + w, 0.36)
        furniture.table(scene, x, z, yaw, (w, 0.33), 0.74)
        _on_top(scene, x, 0.74, z, w, 0.3, yaw)
        cx, cz = spot(at + w, 0.85)
        furniture.chair(scene, cx, cz, yaw + math.pi + rng.gauss(0, 0.4), rng.randrange(4),
                        (furniture.timber(scene), furniture.cloth(scene)))  # fmt: skip
        return 2 * w + 0.3
    if kind < 0.85 and room > 2.2 and camera_side:
        x, z = spot(at + 1.0, 1.1)
        furniture.bed(scene, x, z, yaw)
        return 2.2
    if kind < 0.92:
        x, z = spot(at + 0.3, 0.32)
        if rng.random() < 0.5:
            potted(scene, x, z, 0.0, rng.uniform(0.3, 0.8))
        else:
            furniture.floor_lamp(scene, x, z, rng.random() < 0.5)
        return 0.7
    hang(scene, spot, at + 0.4, yaw)
    return rng.uniform(0.6, 1.2)


def _on_top(scene: Scene, x: float, y: float, z: float, w: float, d: float, yaw: float) -> None:
    rng = scene.rng
    half = (w, d) if abs(math.sin(yaw)) < 0.5 else (d, w)
    if rng.random() < 0.35:
        furniture.display(scene, x, y, z, yaw, rng.uniform(0.22, min(0.55, w)))
    elif rng.random() < 0.3:
        furniture.desk_lamp(scene, x, y, z)
    else:
        scatter(scene, x, y, z, half, rng.randint(0, 5))


def middle(scene: Scene, wide: float, deep: float) -> None:
    """What stands free: a rug, tables with chairs, an armchair."""
    rng = scene.rng
    if rng.random() < 0.6:
        half = (rng.uniform(0.5, 0.8 * wide), rng.uniform(0.5, 0.5 * deep))
        kind = rng.choice(["stripe", "fabric", "checker", "dots", "tile"])
        size = rng.uniform(0.08, 0.4)
        look = material(kind, any_colour(rng), any_colour(rng), size, size, rng.uniform(0.2, 0.5),
                        rng.choice([0, 1]), rough=0.97)  # fmt: skip
        rug = scene.thing(
            "rug", rng.uniform(-0.3, 0.3) * wide, 0, rng.uniform(-0.1, 0.4) * deep, rng.gauss(0, 0.2)
        )
        rug.box((0, 0.006, 0), (half[0], 0.006, half[1]), look)
    for _ in range(rng.choice([0, 1, 1, 1, 2])):
        x, z = rng.uniform(-0.5, 0.5) * wide, rng.uniform(-0.15, 0.5) * deep
        if math.hypot(x - scene.camera.x, z - scene.camera.z) < 1.3:
            continue
        low = rng.random() < 0.45
        half2 = (
            (rng.uniform(0.3, 0.55), rng.uniform(0.25, 0.45))
            if low
            else (rng.uniform(0.45, 0.85), rng.uniform(0.35, 0.5))
        )
        tall = rng.uniform(0.35, 0.5) if low else 0.74
        yaw = rng.choice([0.0, math.pi / 2]) + rng.gauss(0, 0.15)
        furniture.table(scene, x, z, yaw, half2, tall)
        inner = min(half2) * 0.75
        scatter(scene, x, tall, z, (inner, inner), rng.randint(0, 5))
        if not low:
            looks = (furniture.timber(scene), furniture.cloth(scene))
            style = rng.randrange(3)
            for sx, sz in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                if rng.random() < 0.7:
                    a, b = sx * (half2[0] + 0.18), sz * (half2[1] + 0.18)
                    px, pz = (
                        x + a * math.cos(yaw) + b * math.sin(yaw),
                        z - a * math.sin(yaw) + b * math.cos(yaw),
                    )
                    if math.hypot(px - scene.camera.x, pz - scene.camera.z) > 0.8:
                        furniture.chair(
                            scene, px, pz, yaw + math.atan2(-sx, -sz) + rng.gauss(0, 0.25), style, looks
                        )


def clutter(scene: Scene, wide: float, deep: float) -> None:
    """Things on the floor."""
    rng = scene.rng
    for _ in range(rng.randint(0, 4)):
        x, z = rng.uniform(-0.8, 0.8) * wide, rng.uniform(-0.3, 0.8) * deep
        if math.hypot(x - scene.camera.x, z - scene.camera.z) < 1.0:
            continue
        name = rng.choice(["box", "ball", "toy", "cushion", "bin"])
        thing = scene.thing(name, x, 0, z, rng.uniform(0, 3))
        size = rng.uniform(0.08, 0.25)
        look = furniture.cloth(scene) if name == "cushion" else furniture.timber(scene)
        if name in ("ball", "cushion"):
            flat = 0.5 if name == "cushion" else 1.0
            thing.ball((0, size * flat, 0), (size, size * flat, size), look)
        elif name == "bin":
            thing.tube((0, size, 0), size * 0.6, size, look, top=1.2)
        else:
            thing.box((0, size * 0.8, 0), (size, size * 0.8, size), look)
