"""Photos of flat surfaces with known materials: PBR sets cropped, mixed, tinted and lit at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from visiongen.data import pack
from visiongen.pbr import PbrSet, read_sets, turned, unit
from visiongen.relight import Light, SurfaceMaps, encode_srgb, render
from visiongen.training.batches import Batch, BatchBuilder
from visiongen.training.sources.augment import degrade, jitter, random_view
from visiongen.training.sources.base import (
    Size,
    Source,
    check_chances,
    check_list,
    check_per_photo,
    check_scale,
    check_strength,
    check_tasks,
)
from visiongen.training.sources.encoded import EncodedPhotos
from visiongen.training.targets import dense
from visiongen.world.materials import HELD_OUT

SIDE = 256
LEVELS = (0.08, 0.95)  # mean base colours, sRGB: coal to snow
_TASKS = ("basecolor", "tangent", "orm")


class SurfaceSource(Source):
    """Material tasks on photos of flat surfaces, rendered by visiongen.relight.

    ``root``: a folder of PBR sets, by default the pack pbr_mix; held-out sets are never read.
    ``tasks``: of basecolor, tangent, orm; ``per_photo``: at most so many of them, drawn anew.
    ``scale``: side of the window against the largest one that fits (beyond 1 for tiles, repeating).
    ``mix``: chance that a second set shows through in places. ``recolour``: chance of a new tint and
    finish. ``relevel``: chance that the brightness of the base colour is drawn anew; few sets are soon
    known by heart, and then no level is read from the photo. ``prints``: folders of photos; with chance
    ``printed`` a part of one is the base colour, which nobody knows by heart, and nothing is metal; relief
    and finish stay. ``jitter``, ``degrade``: as for other photos.
    Sets whose normal convention is uncertain give no ``tangent`` target; what a set lacks counts as
    metallic 0, occlusion 1.
    """

    name = "surfaces"

    def __init__(
        self,
        *,
        root: str | None = None,
        size: Size = (128, 128),
        batch: int = 6,
        tasks: Sequence[str] = _TASKS,
        per_photo: int | None = None,
        scale: tuple[float, float] = (0.3, 1.5),
        mix: float = 0.3,
        recolour: float = 0.5,
        relevel: float = 0.0,
        prints: Sequence[str] = (),
        printed: float = 0.3,
        jitter: float = 0.3,
        degrade: float = 0.1,
        data: str | None = None,
    ) -> None:
        super().__init__(size=size, batch=batch, data=data)
        self.root = root
        self.tasks = check_tasks(tasks, _TASKS, self.name)
        self.per_photo = check_per_photo(per_photo, self.name)
        chances = {"mix": mix, "recolour": recolour, "relevel": relevel, "printed": printed}
        check_chances(self.name, **chances, degrade=degrade)
        self.mix, self.recolour, self.relevel = mix, recolour, relevel
        self.prints, self.printed = check_list(prints, self.name, "prints"), printed
        self.scale = check_scale(scale, self.name, float("inf"))
        self.jitter, self.degrade = check_strength(jitter, self.name), degrade
        self._sets: list[Packed] = []
        self._chances: np.ndarray = np.zeros(0)
        self._photos: EncodedPhotos | None = None

    def prepare(self) -> None:
        """Read the sets once, at 256 pixels."""
        if self._sets:
            return
        folder = Path(self.root) if self.root else pack("pbr_mix", self.data)
        names = sorted(p.parent.name for p in folder.glob("*/basecolor.png") if p.parent.name not in HELD_OUT)
        self._sets = [_packed(s, max(self.scale[1], 1.0)) for s in read_sets(folder, SIDE, names)]
        # Atlases are no photographs of a surface, but few sets are better than fewer: half as often.
        weights = np.array([2.0 if s.tileable else 1.0 for s in self._sets])
        self._chances = weights / weights.sum()
        if self.prints:
            self._photos = EncodedPhotos(self.prints, self.data)

    def batch(self, index: int, seed: int) -> Batch:
        """``batch`` photos and their tasks."""
        self.prepare()
        rng = self.generator(index, seed)
        size = self.draw_size(rng)
        builder = BatchBuilder(size)
        for _ in range(self.count):
            self._add(builder, size, rng)
        return builder.build()

    def _add(self, builder: BatchBuilder, size: tuple[int, int], rng: np.random.Generator) -> None:
        maps, certain = self.surface(size, rng)
        tasks = [task for task in self.tasks if certain or task != "tangent"]
        if self.per_photo is not None and len(tasks) > self.per_photo:
            tasks = [tasks[i] for i in sorted(rng.permutation(len(tasks))[: self.per_photo])]
        photo = degrade(jitter(photograph(maps, rng), rng, self.jitter), rng, self.degrade)
        if not tasks:
            return
        place = builder.photo(photo)
        for task in tasks:
            target = dense(task, labels(maps, task))
            builder.target(place, target.prompt, target.map)

    def surface(self, size: tuple[int, int], rng: np.random.Generator) -> tuple[SurfaceMaps, bool]:
        """A new surface, and whether its normals' convention is certain."""
        self.prepare()
        first, second = (self._sets[i] for i in rng.choice(len(self._sets), size=2, p=self._chances))
        if self.tasks == ("tangent",) and not first.certain:  # such a photo would have nothing to paint
            chances = self._chances * [s.certain for s in self._sets]
            first = self._sets[int(rng.choice(len(self._sets), p=chances / chances.sum()))]
        maps, certain = window(first, size, self.scale, rng), first.certain
        if rng.uniform() < self.mix and second is not first and (second.certain or not certain):
            maps = mixed(maps, window(second, size, self.scale, rng), rng)
        if self._photos is not None and rng.uniform() < self.printed:
            maps = painted_over(maps, self._photos.draw(rng), rng)
        if rng.uniform() < self.recolour:
            maps = refinished(maps, rng)
        if self.relevel and rng.uniform() < self.relevel:  # without it draws stay what they were
            maps = releveled(maps, float(rng.uniform(*LEVELS)))
        return maps, certain


def labels(maps: SurfaceMaps, task: str) -> np.ndarray:
    """What a task's codec encodes, float32 (H, W, 3)."""
    if task == "tangent":
        return maps.normal
    orm = (maps.occlusion, maps.roughness, maps.metallic)
    # Resizing and blending may pass 1 by rounding.
    return np.clip(np.stack(orm, axis=-1) if task == "orm" else maps.base_colour, 0, 1)


@dataclass(frozen=True)
class Packed:
    """A set as three uint8 pictures (h, w, 3): base colour, normal, roughness + metallic + occlusion.

    ``size`` is that of one period; the pictures of tiles go on beyond it, by ``size`` x the scale.
    """

    pictures: tuple[np.ndarray, ...]
    size: tuple[int, int]
    tileable: bool
    certain: bool


def _packed(one: PbrSet, reach: float) -> Packed:
    m = one.maps
    fractions = (m.base_colour, m.normal / 2 + 0.5, np.dstack([m.roughness, m.metallic, m.occlusion]))
    pictures = [(f * 255 + 0.5).astype(np.uint8) for f in fractions]
    if one.tileable:  # so that any window is one plain slice
        more = [(0, int(side * reach) + 1) for side in m.size]
        pictures = [np.pad(p, [*more, (0, 0)], mode="wrap") for p in pictures]
    return Packed(tuple(pictures), m.size, one.tileable, one.certain)


def window(
    one: Packed, size: tuple[int, int], scale: tuple[float, float], rng: np.random.Generator
) -> SurfaceMaps:
    """A random window of a set, in one of the eight poses, resized to ``size``."""
    turns, mirror = int(rng.integers(4)), bool(rng.integers(2))
    h, w = size if turns % 2 == 0 else (size[1], size[0])
    tall, wide = one.size
    most = scale[1] if one.tileable else min(1.0, scale[1])
    least = min(scale[0], most)
    share = float(np.exp(rng.uniform(np.log(least), np.log(most))))
    zoom = min(tall / h, wide / w) * share
    height, width = max(2, round(h * zoom)), max(2, round(w * zoom))
    top = rng.integers(tall if one.tileable else tall - height + 1)
    left = rng.integers(wide if one.tileable else wide - width + 1)
    how = cv2.INTER_AREA if zoom > 1 else cv2.INTER_LINEAR
    cuts = []
    for picture in one.pictures:
        cut = cv2.resize(picture[top : top + height, left : left + width], (w, h), interpolation=how)
        cuts.append(cut * np.float32(1 / 255))
    base, normal, rest = cuts
    maps = SurfaceMaps(base, unit(normal * 2 - 1), rest[..., 0], rest[..., 1], rest[..., 2])
    return turned(maps, turns, mirror)


def mixed(one: SurfaceMaps, two: SurfaceMaps, rng: np.random.Generator) -> SurfaceMaps:
    """``two`` shows through ``one`` in blotches with soft borders."""
    height, width = one.size
    cells = int(rng.integers(2, 8))
    noise = rng.random((cells, cells), np.float32)
    smooth = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    share = np.clip((smooth - rng.uniform(0.35, 0.65)) * rng.uniform(3, 30) + 0.5, 0, 1)
    pairs = zip(vars(one).values(), vars(two).values(), strict=True)
    blend = [a + (b - a) * (share[..., None] if a.ndim == 3 else share) for a, b in pairs]
    return SurfaceMaps(blend[0], unit(blend[1]), *blend[2:])


def painted_over(maps: SurfaceMaps, photo: np.ndarray, rng: np.random.Generator) -> SurfaceMaps:
    """A part of ``photo`` uint8 (h, w, 3) as the base colour: a print, whatever it was that it shows."""
    view = random_view((photo.shape[0], photo.shape[1]), maps.size, rng)
    base = view.photo(photo).astype(np.float32) / np.float32(255)
    return replace(maps, base_colour=base, metallic=np.zeros_like(maps.metallic))


def refinished(maps: SurfaceMaps, rng: np.random.Generator) -> SurfaceMaps:
    """Another tint, roughness and depth of relief; sometimes all metal or none."""
    turn = np.eye(3) + rng.normal(0, 0.15, (3, 3))
    turn /= turn.sum(axis=1, keepdims=True)  # gray stays gray
    gain = np.exp(rng.normal(0, 0.2)) * np.exp(rng.normal(0, 0.1, 3))
    base = np.clip(cv2.transform(maps.base_colour, (turn * gain[:, None]).astype(np.float32)), 0, 1)
    rough = np.clip(maps.roughness * rng.uniform(0.7, 1.3) + rng.uniform(-0.15, 0.15), 0.04, 1)
    slope = np.array([*[rng.uniform(0.4, 1.6)] * 2, 1], np.float32)
    metal, dice = maps.metallic, rng.uniform()
    if dice < 0.1:
        metal = np.full_like(metal, dice < 0.05)
    return SurfaceMaps(base, unit(maps.normal * slope), rough, metal, maps.occlusion)


def releveled(maps: SurfaceMaps, level: float) -> SurfaceMaps:
    """The base colour with its mean near ``level`` (0-1), by a power of 0.2 to 5: black and white stay.

    Metals keep theirs: it is what they reflect, and there are no dark ones.
    """
    mean = float(np.clip(maps.base_colour.mean(), 0.02, 0.98))
    power = float(np.clip(np.log(level) / np.log(mean), 0.2, 5))
    base = np.clip(maps.base_colour, 0, 1)
    new = base ** np.float32(power)
    return replace(maps, base_colour=new + (base - new) * np.clip(maps.metallic, 0, 1)[..., None])


def photograph(maps: SurfaceMaps, rng: np.random.Generator) -> np.ndarray:
    """uint8 sRGB photo under 1-4 lights (a near flash, lamps, the sun) and a surrounding.

    White matte paint would come out near 0.85 on the average, within a factor of about 1.3: so much
    the eye of the camera holds, else no photo could tell a base colour.
    """
    count = int(rng.integers(1, 5))
    strength = rng.dirichlet(np.full(count + 1, 0.8))
    lights = [_light(rng, float(strength[i])) for i in range(count)]
    centre = [light.colour[1] * light.position[2] / np.linalg.norm(light.position) for light in lights]
    surround = float(strength[count])
    level = 0.85 * np.exp(rng.normal(0, 0.25)) / max(sum(centre) + surround, 1e-3)
    camera = (0.0, 0.0, float(rng.uniform(1, 3))) if rng.uniform() < 0.5 else None
    tone = surround * np.exp(rng.normal(0, 0.05, 3))
    linear = render(maps, lights, tone.tolist(), camera)
    linear *= (level * np.exp(rng.normal(0, 0.04, 3))).astype(np.float32)
    return (encode_srgb(linear) * 255 + np.float32(0.5)).astype(np.uint8)


def _light(rng: np.random.Generator, strength: float) -> Light:
    """A near flash in front, or a lamp or the sun from a side."""
    red, green, blue = (strength * np.exp(rng.normal(0, 0.06, 3))).tolist()
    if rng.uniform() < 0.3:
        x, y = rng.normal(0, 0.15, 2).tolist()
        return Light((x, y, float(rng.uniform(0.7, 3))), (red, green, blue))
    angle, lean = rng.uniform(0, 2 * np.pi), np.arccos(rng.uniform(0.3, 1))
    direction = np.array([np.sin(lean) * np.cos(angle), np.sin(lean) * np.sin(angle), np.cos(lean)])
    far = bool(rng.uniform() < 0.6)
    place = direction * (1 if far else rng.uniform(1, 3))
    return Light((float(place[0]), float(place[1]), float(place[2])), (red, green, blue), far)
