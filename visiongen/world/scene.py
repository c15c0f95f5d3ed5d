"""A scene as rows of numbers: primitives, camera, lights; and the builder that fills it.

World axes: x right, y up, z forward (metres). Every primitive is a unit shape under an affine map:
``world = R diag(half) shear q + centre`` with R = Ry(yaw) Rx(pitch) Rz(roll).
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

import numpy as np

from visiongen.world.classes import CLASS_ID

BOX, SPHERE, FRUSTUM, FIELD = 0, 1, 2, 3
"""Unit shapes: the cube [-1, 1]^3 (taper kx, kz narrows its top), the unit sphere, the cylinder
|y| <= 1 whose radius falls from 1 to 1 - kx at the top, and the height field inside the cube."""

COLUMNS = (
    "kind", "cx", "cy", "cz", "hx", "hy", "hz", "yaw", "pitch", "roll", "kx", "kz", "shear",
    "instance", "cls", "tex", "r1", "g1", "b1", "r2", "g2", "b2", "su", "sv", "p", "q",
    "rough", "metal", "emit", "seed", "casts",
)  # fmt: skip
COLUMN = {name: index for index, name in enumerate(COLUMNS)}

TEXTURES = (
    "plain", "noise", "brick", "tile", "stripe", "marble", "windows", "wood", "asphalt", "checker",
    "speckle", "image", "set", "leaves", "plaster", "fabric", "shop", "grass", "paving", "sign",
    "shingle", "dots", "screen", "books",
)  # fmt: skip
TEXTURE_ID = {name: index for index, name in enumerate(TEXTURES)}

Colour = tuple[float, float, float]
Material = tuple[float, ...]


def material(
    tex: str,
    a: Colour,
    b: Colour | None = None,
    su: float = 1.0,
    sv: float = 1.0,
    p: float = 0.0,
    q: float = 0.0,
    rough: float = 0.7,
    metal: float = 0.0,
    emit: float = 0.0,
) -> Material:
    """A surface: texture name, two sRGB colours in [0, 1], sizes su, sv in metres, two parameters.

    ``emit`` is radiance relative to white paper in daylight; what p and q mean depends on the
    texture (see textures.py).
    """
    second = a if b is None else b
    return (float(TEXTURE_ID[tex]), *a, *second, su, sv, p, q, rough, metal, emit)


@dataclass
class Camera:
    """Where a frame is seen from. Angles in radians; pitch > 0 looks up; hfov is horizontal."""

    x: float = 0.0
    y: float = 1.5
    z: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    hfov: float = math.radians(60.0)


@dataclass
class Lighting:
    """Sun, sky, fog and up to two point lights; colours are linear RGB radiance."""

    sun_direction: Colour = (0.3, 0.8, -0.4)
    sun: Colour = (0.0, 0.0, 0.0)
    zenith: Colour = (0.25, 0.4, 0.8)
    horizon: Colour = (0.7, 0.8, 0.9)
    ground: Colour = (0.25, 0.23, 0.2)
    clouds: float = 0.3
    fog: float = 0.0
    ambient: float = 1.0
    points: list[tuple[float, float, float, float, float, float]] = field(default_factory=list)


@dataclass
class Lens:
    """What the camera's lens and sensor do to the radiance; see lens.py."""

    exposure: float = 0.0
    contrast: float = 1.0
    saturation: float = 1.0
    warmth: float = 0.0
    vignette: float = 0.1
    blur: float = 0.5
    noise: float = 0.01


class Scene:
    """Primitives of one frame. ``rows`` holds one tuple a primitive, in COLUMNS order."""

    def __init__(self, seed: int, kind: str) -> None:
        self.rng = random.Random(f"{kind}/{seed}")
        self.seed = seed
        self.kind = kind
        self.rows: list[tuple[float, ...]] = []
        self.camera = Camera()
        self.lighting = Lighting()
        self.lens = Lens()
        self.instances = 0

    def thing(self, name: str, x: float = 0.0, y: float = 0.0, z: float = 0.0, yaw: float = 0.0) -> Thing:
        """Start a new instance of class ``name`` whose parts are placed relative to (x, y, z)."""
        self.instances += 1
        return Thing(self, self.instances, CLASS_ID[name], x, y, z, yaw)

    def table(self) -> np.ndarray:
        """The primitives as a float64 array (N, len(COLUMNS))."""
        return np.array(self.rows, dtype=np.float64).reshape(-1, len(COLUMNS))


class Thing:
    """One instance under construction: parts are given in its own axes (yaw about its origin)."""

    def __init__(
        self, scene: Scene, instance: int, cls: int, x: float, y: float, z: float, yaw: float
    ) -> None:
        self.scene = scene
        self.instance = instance
        self.cls = cls
        self.x, self.y, self.z, self.yaw = x, y, z, yaw
        self.cos, self.sin = math.cos(yaw), math.sin(yaw)
        self.seed = scene.rng.random()

    def also(self, name: str) -> Thing:
        """The same place, but a new instance of another class (a pole under a sign)."""
        return self.scene.thing(name, self.x, self.y, self.z, self.yaw)

    def part(
        self,
        kind: int,
        at: Colour,
        half: Colour,
        mat: Material,
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
        kx: float = 0.0,
        kz: float = 0.0,
        shear: float = 0.0,
        casts: bool = True,
    ) -> Thing:
        """Add one primitive: centre and half sizes in metres, angles in radians."""
        dx, dy, dz = at
        self.scene.rows.append(
            (
                kind,
                self.x + dx * self.cos + dz * self.sin,
                self.y + dy,
                self.z - dx * self.sin + dz * self.cos,
                *half,
                self.yaw + yaw,
                pitch,
                roll,
                kx,
                kz,
                shear,
                self.instance,
                self.cls,
                *mat,
                self.seed,
                float(casts),
            )
        )
        return self

    def box(self, at: Colour, half: Colour, mat: Material, **more: float) -> Thing:
        """A box (or with kx, kz a tapered box, roof or wedge)."""
        return self.part(BOX, at, half, mat, **more)  # type: ignore[arg-type]

    def ball(self, at: Colour, half: Colour | float, mat: Material, **more: float) -> Thing:
        """A sphere or ellipsoid."""
        size = (half, half, half) if isinstance(half, int | float) else half
        return self.part(SPHERE, at, size, mat, **more)  # type: ignore[arg-type]

    def tube(
        self, at: Colour, radius: float, half: float, mat: Material, top: float = 1.0, **more: float
    ) -> Thing:
        """A cylinder along y (turn it with pitch or roll); ``top`` < 1 narrows it to a cone."""
        return self.part(
            FRUSTUM,
            at,
            (radius, half, radius),
            mat,
            kx=1.0 - top,
            **more,  # type: ignore[arg-type]
        )

    def relief(self, at: Colour, half: Colour, mat: Material, waves: float = 1.0, **more: float) -> Thing:
        """A height field: smooth bumps inside the given box, ``waves`` times as many a side."""
        return self.part(FIELD, at, half, mat, kx=waves, **more)  # type: ignore[arg-type]
