"""Small things that stand on tables."""

from __future__ import annotations

import math

from visiongen.world.palette import any_colour, grey, hsv, wooden
from visiongen.world.scene import Material, Scene, Thing, material

QUARTER = math.pi / 2


def glaze(scene: Scene) -> Material:
    """Ceramic, plastic, metal, painted or patterned surface for a small thing."""
    rng = scene.rng
    kind = rng.random()
    colour = any_colour(rng, 0.1, 0.98)
    if kind < 0.45:
        return material("plain", colour, rough=rng.uniform(0.08, 0.8))
    if kind < 0.6:
        tone = rng.choice([(0.9, 0.9, 0.92), (0.95, 0.78, 0.4), (0.85, 0.55, 0.4), (0.5, 0.5, 0.53)])
        return material("plain", tone, rough=rng.uniform(0.12, 0.45), metal=1.0)
    if kind < 0.7:
        return material("set", colour, any_colour(rng), rng.uniform(0.15, 0.5), 1, rng.randrange(37))
    name = rng.choice(["stripe", "dots", "checker", "marble", "noise", "speckle", "wood"])
    size = rng.uniform(0.015, 0.08)
    return material(name, colour, any_colour(rng), size, size, rng.uniform(0.25, 0.5),
                    rng.choice([0, 1]), rough=rng.uniform(0.15, 0.9))  # fmt: skip


def cup(scene: Scene, x: float, y: float, z: float, yaw: float) -> Thing:
    """A mug with a handle, or a glass-like beaker."""
    rng = scene.rng
    thing = scene.thing("cup", x, y, z, yaw)
    look, r, h = glaze(scene), rng.uniform(0.032, 0.045), rng.uniform(0.04, 0.06)
    thing.tube((0, h, 0), r, h, look, top=rng.uniform(0.95, 1.3))
    thing.tube(
        (0, 2 * h, 0), r * 0.86, 0.002, material("plain", hsv(0.07, 0.6, rng.uniform(0.1, 0.9)), rough=0.1)
    )
    if rng.random() < 0.75:
        for at, half in (((r * 1.35, h * 1.5, 0), (r * 0.4, 0.006, 0.008)),
                         ((r * 1.35, h * 0.6, 0), (r * 0.4, 0.006, 0.008)),
                         ((r * 1.7, h * 1.05, 0), (0.006, h * 0.52, 0.008))):  # fmt: skip
            thing.box(at, half, look)
    return thing


def bottle(scene: Scene, x: float, y: float, z: float, yaw: float) -> Thing:
    """Body, shoulder, neck, cap and a label."""
    rng = scene.rng
    thing = scene.thing("bottle", x, y, z, yaw)
    r, h = rng.uniform(0.03, 0.045), rng.uniform(0.07, 0.11)
    look = material("plain", hsv(rng.random(), rng.uniform(0.2, 0.9), rng.uniform(0.1, 0.7)), rough=0.08)
    thing.tube((0, h, 0), r, h, look)
    thing.tube((0, 2 * h + r * 0.6, 0), r, r * 0.6, look, top=0.38)
    neck = rng.uniform(0.02, 0.045)
    thing.tube((0, 2 * h + r * 1.2 + neck, 0), r * 0.36, neck, look)
    thing.tube((0, 2 * h + r * 1.2 + 2 * neck, 0), r * 0.4, 0.01, glaze(scene))
    if rng.random() < 0.7:
        label = material("sign", grey(rng, 0.6, 0.95), any_colour(rng), 0.1, h, 0, rough=0.7)
        thing.tube((0, h * 1.0, 0), r * 1.01, h * 0.5, label)
    return thing


def can(scene: Scene, x: float, y: float, z: float, yaw: float) -> Thing:
    """A tin or drink can, sometimes lying."""
    rng = scene.rng
    r, h = rng.uniform(0.03, 0.05), rng.uniform(0.04, 0.065)
    lying = rng.random() < 0.2
    thing = scene.thing("can", x, y, z, yaw)
    side = glaze(scene)
    roll, mid = (QUARTER, r) if lying else (0.0, h)
    thing.tube((0, mid, 0), r, h, side, roll=roll)
    steel = material("plain", (0.8, 0.8, 0.82), rough=0.3, metal=1.0)
    if not lying:
        thing.tube((0, 2 * h, 0), r * 0.92, 0.003, steel)
    return thing


def bowl(scene: Scene, x: float, y: float, z: float, yaw: float) -> Thing:
    """A bowl, sometimes with fruit."""
    rng = scene.rng
    thing = scene.thing("bowl", x, y, z, yaw)
    look, r, h = glaze(scene), rng.uniform(0.06, 0.12), rng.uniform(0.025, 0.045)
    thing.tube((0, h, 0), r * 0.55, h, look, top=1.8)
    thing.tube((0, 2 * h, 0), r * 0.9, 0.002, material("plain", grey(rng, 0.1, 0.5)))
    for k in range(rng.choice([0, 3, 4, 5])):
        turn = k * 1.9
        fruit(scene, x + r * 0.45 * math.cos(turn), y + 2 * h, z + r * 0.45 * math.sin(turn), 0.0)
    return thing


def plate(scene: Scene, x: float, y: float, z: float, yaw: float) -> Thing:
    """A flat plate."""
    rng = scene.rng
    thing = scene.thing("plate", x, y, z, yaw)
    r = rng.uniform(0.08, 0.14)
    thing.tube((0, 0.008, 0), r * 0.65, 0.008, glaze(scene), top=1.5)
    return thing


def vase(scene: Scene, x: float, y: float, z: float, yaw: float) -> Thing:
    """A bellied vase, sometimes with stems and blossoms."""
    rng = scene.rng
    thing = scene.thing("vase", x, y, z, yaw)
    look, r, h = glaze(scene), rng.uniform(0.035, 0.07), rng.uniform(0.06, 0.11)
    thing.ball((0, h, 0), (r, h, r), look)
    thing.tube((0, 2 * h, 0), r * 0.4, h * 0.35, look, top=1.4)
    if rng.random() < 0.5:
        flowers = thing.also("plant")
        leaf = material("plain", hsv(0.3, 0.6, rng.uniform(0.2, 0.5)))
        petal = material("noise", any_colour(rng, 0.5, 1.0), any_colour(rng, 0.4, 1.0), 0.02)
        for _ in range(rng.randint(3, 6)):
            turn, tilt, tall = rng.uniform(0, 6.28), rng.uniform(0, 0.5), rng.uniform(0.06, 0.12)
            tip = (2 * tall * math.sin(tilt) * math.sin(turn), 2.3 * h + 2 * tall * math.cos(tilt),
                   2 * tall * math.sin(tilt) * math.cos(turn))  # fmt: skip
            flowers.tube((tip[0] / 2, 2.3 * h + tall * math.cos(tilt), tip[2] / 2), 0.003, tall, leaf,
                         yaw=turn, pitch=tilt)  # fmt: skip
            flowers.ball(tip, (0.025, 0.018, 0.025), petal)
    return thing


def fruit(scene: Scene, x: float, y: float, z: float, yaw: float) -> Thing:
    """Apple, orange, lemon, pear."""
    rng = scene.rng
    thing = scene.thing("fruit", x, y, z, yaw)
    hue, r = rng.choice([0.0, 0.02, 0.08, 0.14, 0.25, 0.3]), rng.uniform(0.028, 0.042)
    a, b = hsv(hue, 0.85, rng.uniform(0.5, 0.9)), hsv(hue + 0.06, 0.7, 0.8)
    look = material("noise", a, b, 0.06, rough=rng.uniform(0.25, 0.6))
    thing.ball((0, r, 0), (r, r * rng.uniform(0.85, 1.1), r * rng.uniform(0.95, 1.3)), look)
    thing.tube((0, 2 * r, 0), 0.003, 0.01, material("plain", (0.25, 0.15, 0.08)), pitch=0.3)
    return thing


def ball(scene: Scene, x: float, y: float, z: float, yaw: float) -> Thing:
    """A ball, 4-16 cm across."""
    r = scene.rng.uniform(0.02, 0.08)
    return scene.thing("ball", x, y, z, yaw).ball((0, r, 0), r, glaze(scene))


def box(scene: Scene, x: float, y: float, z: float, yaw: float) -> Thing:
    """A carton or block, sometimes a printed one."""
    rng = scene.rng
    thing = scene.thing("box", x, y, z, yaw)
    hx, hy, hz = rng.uniform(0.03, 0.1), rng.uniform(0.02, 0.1), rng.uniform(0.03, 0.1)
    look = glaze(scene)
    if rng.random() < 0.35:
        look = material("image", any_colour(rng), None, 2 * hx, 2 * hy, rng.randrange(256), rough=0.5)
    return thing.box((0, hy, 0), (hx, hy, hz), look, kx=rng.choice([0, 0, 0, 0.4]))


def books(scene: Scene, x: float, y: float, z: float, yaw: float) -> Thing:
    """A pile of one to five books."""
    rng = scene.rng
    level, thing = y, scene.thing("book", x, y, z, yaw)
    for _ in range(rng.randint(1, 5)):
        hy, hx, hz = rng.uniform(0.008, 0.022), rng.uniform(0.06, 0.11), rng.uniform(0.09, 0.14)
        book = scene.thing("book", x, level, z, yaw + rng.gauss(0, 0.15))
        cover = material("image" if rng.random() < 0.3 else "plain", any_colour(rng), None, 2 * hx, 2 * hz,
                         rng.randrange(256), rough=0.5)  # fmt: skip
        book.box((0, 2 * hy - 0.001, 0), (hx, 0.0015, hz), cover)
        book.box((0, 0.0015, 0), (hx, 0.0015, hz), cover)
        book.box((0.004, hy, 0), (hx - 0.006, hy - 0.001, hz - 0.004), material("plain", (0.9, 0.87, 0.8)))
        book.box((-hx + 0.002, hy, 0), (0.003, hy, hz), cover)
        level += 2 * hy
    return thing


def pen(scene: Scene, x: float, y: float, z: float, yaw: float) -> Thing:
    """A pen or pencil lying down."""
    thing = scene.thing("pen", x, y, z, yaw)
    look = glaze(scene)
    thing.tube((0, 0.005, 0), 0.005, 0.065, look, pitch=QUARTER)
    return thing.tube(
        (0, 0.005, 0.073), 0.005, 0.008, material("plain", (0.8, 0.7, 0.5)), pitch=QUARTER, top=0.1
    )


def toy(scene: Scene, x: float, y: float, z: float, yaw: float) -> Thing:
    """A tower of blocks, a pyramid, a snowman or a wooden car."""
    rng = scene.rng
    thing = scene.thing("toy", x, y, z, yaw)
    kind, size = rng.randrange(4), rng.uniform(0.02, 0.04)
    if kind == 0:
        for k in range(rng.randint(2, 4)):
            thing.box(
                (rng.gauss(0, 0.003), size * (2 * k + 1), 0),
                (size, size, size),
                glaze(scene),
                yaw=rng.gauss(0, 0.3),
            )
    elif kind == 1:
        thing.box((0, size * 1.5, 0), (size * 1.5, size * 1.5, size * 1.5), glaze(scene), kx=0.999, kz=0.999)
    elif kind == 2:
        look = glaze(scene)
        for height, r in ((1.0, 1.0), (2.5, 0.7), (3.6, 0.5)):
            thing.ball((0, size * height, 0), size * r, look)
    else:
        look, rubber = glaze(scene), material("wood", wooden(rng), (0.1, 0.1, 0.1), 1, 1)
        thing.box((0, size, 0), (size, size * 0.6, size * 2), look)
        thing.box((0, size * 2, -0.3 * size), (size * 0.9, size * 0.5, size), look, kz=0.3)
        for sx in (-1, 1):
            for sz in (-1.2, 1.2):
                thing.tube((sx * size, size * 0.5, sz * size), size * 0.5, 0.006, rubber, roll=QUARTER)
    return thing


MAKERS = (cup, bottle, can, bowl, plate, vase, fruit, ball, box, books, pen, toy)
RADIUS = {cup: 0.07, bottle: 0.05, can: 0.06, bowl: 0.12, plate: 0.14, vase: 0.09, fruit: 0.05,
          ball: 0.08, box: 0.12, books: 0.15, pen: 0.08, toy: 0.08}  # fmt: skip


def scatter(
    scene: Scene, x: float, y: float, z: float, half: tuple[float, float], count: int, scale: int = 1
) -> None:
    """Put ``count`` small things at random free places on a surface of half size (x, z) at y."""
    rng = scene.rng
    taken: list[tuple[float, float, float]] = []
    for _ in range(count):
        make = rng.choice(MAKERS)
        r = RADIUS[make]
        for _ in range(8):
            px = x + rng.uniform(-1, 1) * max(0.0, half[0] - r)
            pz = z + rng.uniform(-1, 1) * max(0.0, half[1] - r)
            if all((px - a) ** 2 + (pz - b) ** 2 > (r + c) ** 2 for a, b, c in taken):
                taken.append((px, pz, r))
                make(scene, px, y, pz, rng.uniform(0, 2 * math.pi))
                break
