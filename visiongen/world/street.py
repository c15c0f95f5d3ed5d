"""Streets as a dash camera or a pedestrian sees them."""

from __future__ import annotations

import math

from visiongen.world import furniture_street as street_furniture
from visiongen.world.buildings import block, far_skyline, house
from visiongen.world.palette import daylight, green, grey, hsv
from visiongen.world.people import cyclist, pedestrian
from visiongen.world.plants import bush, hedge, tree
from visiongen.world.scene import Camera, Lens, Scene, material
from visiongen.world.vehicles import car

KERB = 0.12


def build_street(scene: Scene) -> None:
    """Fill ``scene``: a town street, a suburb, a park road or a car park."""
    rng = scene.rng
    scene.lighting = daylight(rng)
    scene.lens = street_lens(scene)
    style = rng.choices(["town", "suburb", "park", "lot"], [45, 25, 15, 15])[0]
    lanes = rng.choice([2, 2, 2, 3, 4])
    half = lanes * rng.uniform(2.9, 3.5) / 2
    parking = rng.choice([0.0, 2.1]) if style in ("town", "suburb") else 0.0
    half += parking
    walk = rng.uniform(1.6, 4.0)
    camera_in(scene, half - parking, lanes, walk)
    ground(scene, style, half, walk, lanes)
    for side in (-1, 1):
        roadside(scene, style, side, half, walk, parking)
    traffic(scene, style, half - parking, lanes)
    if style == "lot":
        car_park(scene, half + walk)
    far_skyline(scene, 130.0, 0.0)


def street_lens(scene: Scene) -> Lens:
    """The flaws of a video or phone camera outdoors."""
    rng = scene.rng
    return Lens(
        rng.gauss(-0.15, 0.45), rng.uniform(0.9, 1.35), rng.uniform(0.5, 1.2), rng.gauss(0.0, 0.05),
        rng.uniform(0, 0.35), rng.uniform(0.3, 0.9), rng.uniform(0.001, 0.018),
    )  # fmt: skip


def camera_in(scene: Scene, half: float, lanes: int, walk: float) -> None:
    """Mostly in a lane looking along it; sometimes on the pavement or turned."""
    rng = scene.rng
    width = 2 * half / lanes
    camera = Camera(hfov=math.radians(rng.uniform(50, 75)))
    lane = rng.randrange(lanes)
    camera.x = -half + width * (lane + 0.5) + rng.gauss(0, 0.3)
    camera.y = rng.uniform(1.2, 1.7)
    camera.yaw = rng.gauss(0, 0.06) if rng.random() < 0.8 else rng.gauss(0, 0.45)
    camera.pitch = rng.gauss(-0.03, 0.035)
    camera.roll = rng.gauss(0, 0.012)
    if rng.random() < 0.15:
        side = rng.choice([-1, 1])
        camera.x = side * (half + walk * rng.uniform(0.4, 0.8))
        camera.y = rng.uniform(1.45, 1.8) + KERB
        camera.yaw = -side * rng.uniform(-0.1, 0.7)
    scene.camera = camera


def ground(scene: Scene, style: str, half: float, walk: float, lanes: int) -> None:
    """Road, kerbs, pavements, and what lies beyond them."""
    rng = scene.rng
    road = scene.thing("road")
    tone = grey(rng, 0.22, 0.5, 0.12)
    marks = grey(rng, 0.75, 0.95)
    # neighbours overlap a little, or rays would slip through the seams
    road.box((0, -0.5, 60), (half + 0.05, 0.5, 140), material(
        "asphalt", tone, marks, 2 * half + 0.1, lanes, rng.choice([0, 1, 1, 2]), rng.choice([0, 1, 1]),
        rough=rng.uniform(0.6, 0.95)), casts=False)  # fmt: skip
    if rng.random() < 0.3:
        z = rng.uniform(5, 22)
        bars = material("stripe", tone, marks, 1.0, 1, 0.5, 0, rough=0.8)
        road.box((0, -0.49, z), (half, 0.493, 1.6), bars, casts=False)
    crossing = rng.uniform(18, 50) if rng.random() < 0.35 else None
    if crossing is not None:
        road.box((0, -0.492, crossing), (80, 0.49, 3.2), material("asphalt", tone, marks, 160, 1, 0, 0),
                 casts=False)  # fmt: skip
    slab = grey(rng, 0.4, 0.75, 0.15)
    kind = rng.choice(["paving", "paving", "brick", "speckle", "set"])
    size = {"brick": 0.22, "speckle": 0.06, "set": 1.5}.get(kind, rng.choice([0.4, 0.6, 0.9]))
    joint = (slab[0] * 0.55, slab[1] * 0.55, slab[2] * 0.55)
    flags = material(kind, slab, joint, size, size * rng.choice([0.5, 1.0]),
                     rng.randrange(37), rough=0.9)  # fmt: skip
    stone = material("paving", grey(rng, 0.5, 0.8), (0.3, 0.3, 0.3), 0.9, 0.9, rough=0.9)
    path = scene.thing("pavement")
    lawn = scene.thing("grass")
    leaf = green(rng)
    turf = material("grass", tuple(c * 0.8 for c in leaf), tuple(min(1, c * 1.35) for c in leaf))  # type: ignore
    beyond = turf if style in ("suburb", "park") else flags
    cuts = [(-80.0, 200.0)] if crossing is None else [(-80.0, crossing - 3.2), (crossing + 3.2, 200.0)]
    for z0, z1 in cuts:
        mid, long_ = (z0 + z1) / 2, (z1 - z0) / 2
        for side in (-1, 1):
            path.box((side * (half + walk / 2 + 0.075), KERB - 0.5, mid), (walk / 2 - 0.02, 0.5, long_),
                     flags, casts=False)  # fmt: skip
            path.box((side * (half + 0.075), KERB - 0.495, mid), (0.075, 0.5, long_), stone)
            onto = lawn if beyond is turf else path
            onto.box((side * (half + walk + 59.8), KERB - 0.52, mid), (60, 0.5, long_), beyond, casts=False)
    (lawn if beyond is turf else road).box((0, -1.1, 150), (400, 0.5, 330), beyond if beyond is turf else
                                           material("asphalt", tone, marks, 800, 1, 0, 0),
                                           casts=False)  # fmt: skip


def roadside(scene: Scene, style: str, side: int, half: float, walk: float, parking: float) -> None:
    """Everything along one side of the road."""
    rng = scene.rng
    edge = half + walk
    if style == "town":
        town_front(scene, side, edge)
    elif style == "suburb":
        gardens(scene, side, edge)
    else:
        park_edge(scene, side, edge, style)
    poles(scene, side, half)
    if rng.random() < (0.5 if style == "town" else 0.75):
        gap, z = rng.uniform(6, 14), rng.uniform(3, 12)
        tall = rng.uniform(3.5, 8)
        while z < 75:
            tree(scene, side * (half + min(0.9, walk * 0.4)), z, KERB, tall * rng.uniform(0.8, 1.2))
            z += gap * rng.uniform(0.8, 1.6)
    for _ in range(rng.choice([0, 1, 2, 3, 4, 6, 8]) if style == "town" else rng.choice([0, 0, 1, 2, 3])):
        z = 3 + 32 * rng.random() ** 1.4
        pedestrian(scene, side * (half + rng.uniform(0.4, walk)), z, rng.choice([0, math.pi])
                   + rng.gauss(0, 0.4), KERB)  # fmt: skip
    for _ in range(rng.randint(0, 3)):
        street_furniture.bin_or_box(scene, side * (half + rng.uniform(0.3, walk)), rng.uniform(4, 40), KERB)
    if rng.random() < 0.2:
        street_furniture.bench(scene, side * (edge - 0.5), rng.uniform(4, 25), side * math.pi / 2, KERB)
    if parking:
        z = rng.uniform(-6, 8)
        while z < 70:
            if rng.random() < 0.7:
                turn = (0 if rng.random() < 0.7 else math.pi) + rng.gauss(0, 0.03)
                car(scene, side * (half - 1.05), z, turn, z < 28)
            z += rng.uniform(5.2, 7.5)


def town_front(scene: Scene, side: int, edge: float) -> None:
    """A closed row of buildings."""
    rng = scene.rng
    z = rng.uniform(-14, -6)
    base = rng.uniform(6, 15)
    setback = rng.choice([0.0, 0.0, rng.uniform(0.5, 4)])
    while z < 125:
        wide = rng.uniform(6, 18)
        if rng.random() < 0.88:
            tall = max(5.0, base + rng.gauss(0, 2.5))
            block(scene, side * (edge + setback), z + wide / 2, 0 if side > 0 else math.pi, wide,
                  rng.uniform(8, 12), tall, rng.random() < 0.55, z < 50)  # fmt: skip
        z += wide + (rng.uniform(2, 6) if rng.random() < 0.12 else 0.0)


def gardens(scene: Scene, side: int, edge: float) -> None:
    """Detached houses behind fences, hedges, lawns and driveways."""
    rng = scene.rng
    setback = rng.uniform(3, 9)
    z = rng.uniform(-8, 2)
    while z < 110:
        yaw = 0 if side > 0 else math.pi
        house(scene, side * (edge + setback), z + 6, yaw + rng.gauss(0, 0.03))
        kind = rng.random()
        if kind < 0.45 and z < 60:
            street_furniture.fence(scene, side * (edge + 0.2), z, z + rng.uniform(8, 13), KERB, 30)
        elif kind < 0.65:
            hedge(scene, side * (edge + 0.5), z + 6, 5, 0.0, KERB)
        if rng.random() < 0.35:
            car(scene, side * (edge + setback * 0.5), z + 12.5, side * math.pi / 2 + rng.gauss(0, 0.1),
                z < 25, KERB)  # fmt: skip
        for _ in range(rng.randint(0, 2)):
            bush(scene, side * (edge + rng.uniform(0.8, setback)), z + rng.uniform(0, 12), KERB,
                 rng.uniform(0.3, 0.9))  # fmt: skip
        if rng.random() < 0.5:
            tree(scene, side * (edge + rng.uniform(2, setback + 8)), z + rng.uniform(0, 14), KERB)
        z += rng.uniform(13, 20)


def park_edge(scene: Scene, side: int, edge: float, style: str) -> None:
    """Trees, bushes, a fence, a few far buildings."""
    rng = scene.rng
    if rng.random() < 0.45:
        z0 = rng.uniform(-5, 5)
        street_furniture.fence(scene, side * (edge + 0.3), z0, z0 + rng.uniform(15, 50), KERB, 30)
    for _ in range(rng.randint(5, 14) if style == "park" else rng.randint(0, 4)):
        tree(scene, side * (edge + rng.uniform(1.5, 28)), rng.uniform(4, 90), KERB, rng.uniform(4, 12))
    for _ in range(rng.randint(0, 5)):
        bush(scene, side * (edge + rng.uniform(0.8, 12)), rng.uniform(3, 50), KERB, rng.uniform(0.4, 1.2))
    if style == "park" and rng.random() < 0.5:
        leaf = green(rng)
        turf = material("grass", leaf, tuple(min(1, c * 1.5) for c in leaf))  # type: ignore
        mound = scene.thing("grass", side * (edge + 22), KERB, rng.uniform(20, 50))
        mound.relief((0, 0.2, 0), (rng.uniform(10, 19), rng.uniform(1, 3), rng.uniform(10, 25)), turf,
                     casts=False)  # fmt: skip
    for _ in range(rng.randint(1, 4)):
        block(scene, side * (edge + rng.uniform(20, 45)), rng.uniform(20, 110),
              0 if side > 0 else math.pi, rng.uniform(10, 25), 10, rng.uniform(5, 16), False,
              False)  # fmt: skip


def poles(scene: Scene, side: int, half: float) -> None:
    """Lamps, utility poles, signs and traffic lights at the kerb."""
    rng = scene.rng
    x = side * (half + rng.uniform(0.3, 0.7))
    if rng.random() < 0.7:
        gap, z = rng.uniform(14, 28), rng.uniform(3, 14)
        make = rng.random() < 0.8
        while z < 90:
            if make:
                street_furniture.lamp_post(scene, x, z, side, KERB)
            else:
                street_furniture.utility_pole(scene, x, z, KERB)
            z += gap
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        yaw = rng.gauss(0, 0.3)
        street_furniture.road_sign(scene, x + side * 0.2, rng.uniform(4, 35), KERB, yaw)
    if rng.random() < 0.3:
        street_furniture.traffic_light(scene, x, rng.uniform(6, 30), KERB)


def traffic(scene: Scene, style: str, half: float, lanes: int) -> None:
    """Cars ahead and oncoming, cyclists, people crossing."""
    rng = scene.rng
    width = 2 * half / lanes
    for lane in range(lanes):
        x = -half + width * (lane + 0.5)
        oncoming = (lane < lanes / 2) == (scene.seed % 2 == 0)
        mine = abs(scene.camera.x - x) < width * 0.6
        z = rng.uniform(6, 30) if mine else rng.uniform(-3, 25)
        for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
            turn = (math.pi if oncoming and not mine else 0.0) + rng.gauss(0, 0.02)
            if not (abs(scene.camera.x - x) < 1.6 and z < 5):
                car(scene, x + rng.gauss(0, 0.2), z, turn, z < 30)
            z += rng.uniform(6, 30)
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
        side = rng.choice([-1, 1])
        cyclist(scene, side * (half - rng.uniform(0.3, 0.9)), rng.uniform(4, 25),
                (0 if side > 0 else math.pi) + rng.gauss(0, 0.1))  # fmt: skip
    if rng.random() < 0.15:
        for _ in range(rng.randint(1, 3)):
            pedestrian(scene, rng.uniform(-half, half), rng.uniform(6, 22),
                       rng.choice([-1, 1]) * math.pi / 2)  # fmt: skip


def car_park(scene: Scene, edge: float) -> None:
    """Rows of parked cars on the paved ground beside the road."""
    rng = scene.rng
    for side in (-1, 1):
        z = rng.uniform(3, 10)
        turn = rng.choice([0.0, side * math.pi / 2, side * math.pi / 2])
        step = 2.7 if turn else 5.6
        while z < 45:
            if rng.random() < 0.75:
                car(scene, side * (edge + 3.0), z, turn + rng.gauss(0, 0.04), z < 22, KERB - 0.02)
            z += step + rng.uniform(0, 0.4)
    if rng.random() < 0.5:
        colour = hsv(rng.random(), 0.7, 0.6)
        for index in range(4):
            thing = scene.thing("bin", rng.uniform(-2, 2), 0, 6 + 3 * index)
            thing.tube((0, 0.3, 0), 0.18, 0.3, material("stripe", colour, (0.9, 0.9, 0.9), 0.2, 1, 0.4, 1),
                       top=0.15)  # fmt: skip
