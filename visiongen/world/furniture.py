"""Indoor things: tables, chairs, shelves, sofas, beds, lamps, screens."""

from __future__ import annotations

import math

from visiongen.world.palette import any_colour, grey, hsv, wooden
from visiongen.world.scene import Material, Scene, Thing, material

QUARTER = math.pi / 2


def timber(scene: Scene) -> Material:
    """Wood, paint or plastic for furniture."""
    rng = scene.rng
    kind = rng.random()
    if kind < 0.6:
        return material("wood", wooden(rng), (0.12, 0.08, 0.05), rng.choice([0.1, 0.2, 2.0]), 1,
                        rough=rng.uniform(0.25, 0.7))  # fmt: skip
    if kind < 0.8:
        return material("plain", grey(rng, 0.05, 0.95, 0.1), rough=rng.uniform(0.2, 0.7))
    return material("plain", any_colour(rng), rough=rng.uniform(0.2, 0.6))


def cloth(scene: Scene) -> Material:
    """Upholstery."""
    rng = scene.rng
    kind = rng.choice(["fabric", "fabric", "fabric", "stripe", "checker", "dots", "set"])
    size = rng.uniform(0.05, 0.25)
    return material(kind, any_colour(rng, 0.12, 0.85), any_colour(rng, 0.1, 0.9), size, size,
                    rng.uniform(0.2, 0.5) if kind != "set" else rng.randrange(37), rng.choice([0, 1]),
                    rough=0.9)  # fmt: skip


def metal(scene: Scene) -> Material:
    """Steel, brass, black legs."""
    rng = scene.rng
    tone = rng.choice([(0.6, 0.6, 0.62), (0.75, 0.6, 0.3), (0.06, 0.06, 0.06), (0.85, 0.85, 0.86)])
    return material("plain", tone, rough=rng.uniform(0.15, 0.5), metal=rng.choice([0.0, 0.9]))


def table(scene: Scene, x: float, z: float, yaw: float, half: tuple[float, float], tall: float,
          y: float = 0.0) -> Thing:  # fmt: skip
    """A table of height ``tall`` with four legs, a pedestal or panels; half (x, z) of the top."""
    rng = scene.rng
    thing = scene.thing("table", x, y, z, yaw)
    top, (hx, hz) = timber(scene), half
    kind = rng.random()
    if kind < 0.2:
        round_top = min(hx, hz)
        thing.tube((0, tall - 0.02, 0), round_top, 0.02, top)
        thing.tube((0, tall / 2, 0), 0.04, tall / 2, metal(scene))
        thing.tube((0, 0.015, 0), round_top * 0.55, 0.015, metal(scene))
        return thing
    thing.box((0, tall - 0.02, 0), (hx, 0.02, hz), top)
    leg = rng.choice([top, metal(scene)])
    thin = rng.uniform(0.02, 0.04)
    for sx in (-1, 1):
        for sz in (-1, 1):
            at = (sx * (hx - 0.06), tall / 2, sz * (hz - 0.06))
            if kind < 0.4:
                thing.tube(at, thin, tall / 2, leg, top=1.3)
            else:
                thing.box(at, (thin, tall / 2, thin), leg)
    if rng.random() < 0.4:
        thing.box((0, tall - 0.09, 0), (hx - 0.05, 0.05, hz - 0.05), top)
    if rng.random() < 0.2:
        thing.box((0, tall * 0.3, 0), (hx - 0.07, 0.012, hz - 0.07), top)
    return thing


def chair(scene: Scene, x: float, z: float, yaw: float, style: int, looks: tuple[Material, Material],
          y: float = 0.0) -> Thing:  # fmt: skip
    """A chair facing +z of its own axes; ``style`` 0-3."""
    thing = scene.thing("chair", x, y, z, yaw)
    body, seat = looks
    thing.box((0, 0.45, 0), (0.21, 0.025, 0.21), seat)
    if style == 3:  # office chair
        thing.tube((0, 0.24, 0), 0.025, 0.2, body)
        for k in range(5):
            turn = k * 2 * math.pi / 5
            thing.box(
                (0.14 * math.sin(turn), 0.06, 0.14 * math.cos(turn)), (0.02, 0.02, 0.14), body, yaw=turn
            )
        thing.box((0, 0.78, -0.22), (0.2, 0.26, 0.03), seat, pitch=-0.1)
        return thing
    for sx in (-1, 1):
        for sz in (-1, 1):
            tall = 0.22 if sz > 0 else (0.45 if style != 1 else 0.22)
            at = (sx * 0.18, tall, sz * 0.18)
            if style == 2:
                thing.tube(at, 0.018, tall, body)
            else:
                thing.box(at, (0.018, tall, 0.018), body)
    if style == 1:
        return thing  # a stool
    if style == 0:
        for height in (0.6, 0.73, 0.86):
            thing.box((0, height, -0.19), (0.18, 0.03, 0.012), body)
    else:
        thing.box((0, 0.72, -0.19), (0.19, 0.2, 0.02), seat)
    return thing


def shelf(scene: Scene, x: float, z: float, yaw: float, wide: float, tall: float) -> Thing:
    """A bookcase against a wall (its back at -z), filled with books and things."""
    rng = scene.rng
    thing = scene.thing("shelf", x, 0.0, z, yaw)
    look = timber(scene)
    deep = rng.uniform(0.13, 0.18)
    levels = max(2, int(tall / rng.uniform(0.3, 0.42)))
    for side in (-1, 1):
        thing.box((side * wide, tall / 2, 0), (0.012, tall / 2, deep), look)
    if rng.random() < 0.7:
        thing.box((0, tall / 2, -deep + 0.008), (wide, tall / 2, 0.008), look)
    step = tall / levels
    for level in range(levels + 1):
        thing.box((0, max(0.012, level * step - 0.012), 0), (wide, 0.012, deep), look)
    for level in range(levels):
        fill_shelf(scene, thing, level * step, step, wide, deep)
    return thing


def fill_shelf(scene: Scene, host: Thing, y: float, step: float, wide: float, deep: float) -> None:
    """Books and small things on one board."""
    rng = scene.rng
    x = -wide + 0.03
    while x < wide - 0.08:
        kind = rng.random()
        if kind < 0.6:
            run = min(rng.uniform(0.12, 0.6), wide - 0.02 - x)
            books = host.also("book")
            tall = step * rng.uniform(0.6, 0.85)
            look = material("books", (0.5, 0.5, 0.5), None, rng.uniform(0.018, 0.045), tall, rough=0.7)
            books.box(
                (x + run / 2, y + tall / 2, rng.uniform(-0.02, 0.02)), (run / 2, tall / 2, deep * 0.75), look
            )
            x += run + 0.01
        elif kind < 0.85:
            size = rng.uniform(0.04, min(0.1, step * 0.3))
            name = rng.choice(["box", "vase", "ball", "cup"])
            small = host.also(name)
            look = material("plain", any_colour(rng), rough=rng.uniform(0.1, 0.8))
            if name == "box":
                small.box((x + size, y + size * 0.8, 0), (size, size * 0.8, size), look)
            elif name == "ball":
                small.ball((x + size, y + size, 0), size, look)
            else:
                small.tube((x + size, y + size, 0), size * 0.7, size, look, top=rng.uniform(0.6, 1.3))
            x += 2 * size + 0.04
        else:
            x += rng.uniform(0.05, 0.25)


def sofa(scene: Scene, x: float, z: float, yaw: float, seats: int) -> Thing:
    """A sofa or armchair facing +z of its own axes."""
    rng = scene.rng
    thing = scene.thing("sofa", x, 0.0, z, yaw)
    look = cloth(scene)
    wide = 0.32 * seats + 0.12
    arm, back = rng.uniform(0.07, 0.13), rng.uniform(0.36, 0.5)
    thing.box((0, 0.19, 0), (wide, 0.13, 0.42), look)
    thing.box((0, back, -0.36), (wide, back - 0.06, 0.1), look, pitch=-0.12)
    for side in (-1, 1):
        thing.box((side * (wide + arm), 0.3, 0), (arm, 0.27, 0.44), look)
        if rng.random() < 0.5:
            thing.tube((side * (wide + arm), 0.57, 0), arm, 0.44, look, pitch=QUARTER)
    for seat in range(seats):
        at = (seat - (seats - 1) / 2) * 0.64
        thing.box((at, 0.37, 0.06), (0.31, 0.07, 0.37), look)
    for _ in range(rng.randint(0, seats + 1)):
        cushion = thing.also("cushion")
        cushion.ball((rng.uniform(-wide, wide) * 0.85, 0.58, -0.18), (0.2, 0.19, 0.08), cloth(scene),
                     pitch=-0.4, roll=rng.uniform(-0.4, 0.4))  # fmt: skip
    return thing


def bed(scene: Scene, x: float, z: float, yaw: float) -> Thing:
    """A bed with its head at -z."""
    rng = scene.rng
    thing = scene.thing("bed", x, 0.0, z, yaw)
    wide, look, sheet = rng.choice([0.5, 0.8, 0.95]), timber(scene), cloth(scene)
    thing.box((0, 0.18, 0), (wide, 0.1, 1.0), look)
    thing.box((0, 0.38, 0), (wide, 0.11, 0.98), material("fabric", grey(rng, 0.7, 0.95)))
    thing.box((0, rng.uniform(0.45, 0.6), -1.02), (wide, 0.4, 0.03), look)
    thing.relief((0, 0.49, 0.25), (wide + 0.04, 0.06, 0.75), sheet, waves=1.5)
    for side in (-1, 1) if wide > 0.6 else (0,):
        cushion = thing.also("cushion")
        cushion.ball(
            (side * wide * 0.5, 0.56, -0.72), (0.3, 0.1, 0.2), material("fabric", grey(rng, 0.6, 0.98))
        )
    return thing


def cabinet(scene: Scene, x: float, z: float, yaw: float, wide: float, tall: float, deep: float) -> Thing:
    """A closed cabinet, chest of drawers or wardrobe, its back at -z."""
    rng = scene.rng
    thing = scene.thing("cabinet", x, 0.0, z, yaw)
    look = timber(scene)
    thing.box((0, tall / 2, 0), (wide, tall / 2, deep), look)
    knob = metal(scene)
    rows = max(1, round(tall / rng.uniform(0.25, 0.9)))
    columns = max(1, round(wide * 2 / 0.5))
    front = timber(scene) if rng.random() < 0.3 else look
    for row in range(min(rows, 5)):
        for column in range(min(columns, 4)):
            hx, hy = wide / columns, tall / rows / 2
            at = (-wide + (2 * column + 1) * hx, (2 * row + 1) * hy, deep + 0.008)
            thing.box(at, (hx - 0.012, hy - 0.012, 0.01), front)
            thing.ball((at[0], at[1] + hy * 0.4, deep + 0.03), 0.015, knob)
    return thing


def floor_lamp(scene: Scene, x: float, z: float, lit: bool) -> Thing:
    """A standing lamp with a conical shade."""
    rng = scene.rng
    thing = scene.thing("lamp", x, 0.0, z)
    tall = rng.uniform(1.3, 1.75)
    thing.tube((0, 0.015, 0), 0.14, 0.015, metal(scene))
    thing.tube((0, tall / 2, 0), 0.012, tall / 2, metal(scene))
    shade = material("plain", hsv(0.1, rng.uniform(0, 0.4), 0.95), emit=1.2 if lit else 0.0)
    thing.tube((0, tall, 0), 0.2, 0.13, shade, top=rng.uniform(0.55, 1.0))
    return thing


def desk_lamp(scene: Scene, x: float, y: float, z: float) -> Thing:
    """A small lamp to stand on furniture."""
    rng = scene.rng
    thing = scene.thing("lamp", x, y, z, rng.uniform(0, 6.28))
    look = material("plain", any_colour(rng), rough=0.4)
    thing.tube((0, 0.01, 0), 0.07, 0.01, look)
    thing.tube((0, 0.15, 0), 0.012, 0.15, metal(scene))
    shade = material("plain", hsv(0.1, rng.uniform(0, 0.5), 0.95), emit=rng.choice([0.0, 1.0]))
    thing.tube((0, 0.33, 0), 0.11, 0.08, shade, top=0.6)
    return thing


def display(scene: Scene, x: float, y: float, z: float, yaw: float, wide: float) -> Thing:
    """A monitor or television standing at height y, facing +z of its own axes."""
    rng = scene.rng
    thing = scene.thing("screen", x, y, z, yaw)
    tall, case = wide * 0.58, material("plain", (0.04, 0.04, 0.045), rough=0.3)
    thing.box((0, tall + 0.08, -0.02), (wide, tall, 0.02), case)
    face = any_colour(rng, 0.02, 0.9) if rng.random() < 0.7 else (0.03, 0.03, 0.035)
    if rng.random() < 0.5:
        look = material(
            "image", face, None, 1.92 * wide, 1.92 * tall, rng.randrange(256), rough=0.2, emit=0.9
        )
    else:
        look = material("screen", face, None, 2 * wide, 2 * tall, rough=0.2, emit=0.8)
    thing.box((0, tall + 0.08, 0.002), (wide * 0.96, tall * 0.94, 0.004), look)
    thing.box((0, 0.05, -0.03), (0.03, 0.06, 0.02), case)
    thing.box((0, 0.006, -0.02), (0.13, 0.006, 0.09), case)
    return thing
