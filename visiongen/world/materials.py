"""Surfaces that come as images: pictures (built in, or photos) and PBR material sets from disk."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from visiongen.errors import MissingDataError
from visiongen.world.maths import take, unit
from visiongen.world.noise import noise
from visiongen.world.patch import Patch, Surface, blend, lit

HELD_OUT = (
    "chess_king_black", "flighthelmet_LeatherPartsMat", "grass001", "rock023", "terrazzo019",
    "tps_container2", "tps_player_robot", "tps_tile_painted_gun_metal", "tps_tile_tech_panels",
)  # fmt: skip
"""Sets of the pbr_mix pack that are for validation: never used for rendering training frames."""

PICTURE, SET = 64, 128
SET_FILES = ("basecolor.png", "normal_gl.png", "roughness.png", "metallic.png")  # the first is needed


@dataclass
class Stack:
    """K square images with C channels and all their mip levels, flat (texels, C) float32."""

    texels: Tensor
    count: int
    size: int

    @classmethod
    def build(cls, images: Sequence[np.ndarray], size: int, device: str) -> Stack:
        """From float arrays (size, size, C)."""
        level: np.ndarray = np.stack(images).astype(np.float32)
        levels = []
        while True:
            levels.append(level.reshape(-1, level.shape[-1]))
            if level.shape[1] == 1:
                break
            level = (
                level[:, ::2, ::2] + level[:, 1::2, ::2] + level[:, ::2, 1::2] + level[:, 1::2, 1::2]
            ) / 4
        return cls(torch.from_numpy(np.concatenate(levels)).to(device), len(images), size)

    def sample(self, index: Tensor, u: Tensor, v: Tensor, footprint: Tensor) -> Tensor:
        """(P, C) at image coordinates u right, v down in [0, 1) (repeating), bilinear."""
        top = self.size.bit_length() - 1
        level = torch.log2((footprint * self.size).clamp(min=1)).round().clamp(max=top).long()
        size = self.size >> level
        before = self.count * (4 * self.size * self.size - 4 * size * size) // 3
        base = before + (index.long() % self.count) * size * size
        x, y = u * size - 0.5, v * size - 0.5
        x0, y0 = x.floor(), y.floor()
        fx, fy = (x - x0)[:, None], (y - y0)[:, None]
        x0, y0 = x0.long() % size, y0.long() % size
        x1, y1 = (x0 + 1) % size, (y0 + 1) % size
        t = self.texels
        first = torch.lerp(take(t, base + y0 * size + x0), take(t, base + y0 * size + x1), fx)
        second = torch.lerp(take(t, base + y1 * size + x0), take(t, base + y1 * size + x1), fx)
        return torch.lerp(first, second, fy)


class Materials:
    """Pictures and, where a folder is given, PBR sets.

    Set channels: linear base colour 3, tangent normal xyz 3, roughness, metallic.
    """

    def __init__(self, pictures: Stack, sets: Stack | None) -> None:
        self.pictures = pictures
        self.sets = sets

    @classmethod
    def from_folders(
        cls, sets: str | Path | None = None, pictures: str | Path | None = None, device: str = "cpu"
    ) -> Materials:
        """Read folders. MissingDataError if one is given and holds nothing usable."""
        images = _builtin_pictures() if pictures is None else _photos(Path(pictures))
        loaded = None if sets is None else Stack.build(_read_sets(Path(sets)), SET, device)
        return cls(Stack.build(images, PICTURE, device), loaded)

    def apply(self, name: str, patch: Patch, surface: Surface, at: Tensor) -> None:
        """Write the hits ``at`` of texture "image" or "set" into ``surface``."""
        if name == "image":
            u, v = patch.u / patch.su, 1 - patch.v / patch.sv
            surface.colour[at] = self.pictures.sample(
                patch.p, u.clamp(0, 0.999), v.clamp(0, 0.999), patch.w / patch.su
            )
        elif self.sets is None:
            n = noise(patch.u * 0.2 + patch.seed, patch.v * 0.2, patch.w * 0.2)
            surface.colour[at] = lit(
                blend(patch.a, patch.b, (0.4 + 0.3 * n[:, 3]).clamp(0, 1)), 1 + 0.1 * n[:, 0]
            )
        else:
            values = self.sets.sample(patch.p, patch.u / patch.su, -patch.v / patch.su, patch.w / patch.su)
            surface.colour[at] = values[:, :3]
            surface.rough[at], surface.metal[at] = values[:, 6], values[:, 7]
            surface.normal[at] = _bent(patch.normal, values[:, 3:6])


def _bent(normal: Tensor, tangent: Tensor) -> Tensor:
    """Tilt geometric normals (P, 3) by tangent-space ones; any stable tangent frame does."""
    up = torch.where(normal[:, 1:2].abs() > 0.9, normal.new_tensor([0, 0, 1.0]),
                     normal.new_tensor([0, 1.0, 0]))  # fmt: skip
    across = unit(torch.linalg.cross(up, normal))
    along = torch.linalg.cross(normal, across)
    return across * tangent[:, :1] + along * tangent[:, 1:2] + normal * tangent[:, 2:3].clamp(min=0.2)


def load_materials(source: Materials | str | Path | None, device: str) -> Materials:
    """A Materials as it is; a folder of sets; None for the built-in pictures only."""
    if isinstance(source, Materials):
        return source
    return _cached(None if source is None else str(source), str(device))


@functools.lru_cache(maxsize=4)
def _cached(source: str | None, device: str) -> Materials:
    return Materials.from_folders(sets=source, device=device)


def _read(path: Path, size: int) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise MissingDataError(f"{path}: not a readable image; remove the set or repair the file")
    image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    return image[:, :, ::-1].astype(np.float32) / 255


def sets_digest(folder: Path) -> str:
    """A digest of the names and sizes of what rendering reads of the sets; a copied folder has the same."""
    files = [path / name for path in _found_sets(folder) for name in SET_FILES]
    sizes = [(str(f.relative_to(folder)), f.stat().st_size) for f in files if f.exists()]
    return hashlib.sha256(repr(sizes).encode()).hexdigest()[:12]


def _found_sets(folder: Path) -> list[Path]:
    found = sorted(p.parent for p in folder.glob("*/basecolor.png") if p.parent.name not in HELD_OUT)
    if not found:
        raise MissingDataError(f"{folder}: no NAME/basecolor.png in it; give a folder of PBR sets")
    return found


def _read_sets(folder: Path) -> list[np.ndarray]:
    sets = []
    for path in _found_sets(folder):
        flat = np.zeros((SET, SET, 1), np.float32)
        colour, normal, rough, metal = (path / name for name in SET_FILES)
        tilt = _read(normal, SET) * 2 - 1 if normal.exists() else np.dstack([flat, flat, flat + 1])
        sets.append(
            np.dstack([
                _read(colour, SET) ** 2.2, tilt,
                _read(rough, SET)[:, :, :1] if rough.exists() else flat + 0.7,
                _read(metal, SET)[:, :, :1] if metal.exists() else flat,
            ])
        )  # fmt: skip
    return sets


def _photos(folder: Path) -> list[np.ndarray]:
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not paths:
        raise MissingDataError(f"{folder}: no .jpg or .png in it; give a folder of photos")
    return [_read(path, PICTURE) ** 2.2 for path in paths[:256]]


def _builtin_pictures(count: int = 48) -> list[np.ndarray]:
    """Painted by rule: landscapes, still lifes, abstracts (linear RGB)."""
    rng = np.random.default_rng(7)
    images = []
    for index in range(count):
        images.append(_paint(rng, index) ** 2.2)
    return images


def _paint(rng: np.random.Generator, index: int) -> np.ndarray:
    size = PICTURE * 2
    top, bottom = rng.random(3), rng.random(3)
    ramp = np.linspace(0, 1, size, dtype=np.float64)[:, None, None] * np.ones((1, size, 1))
    blend = (top * (1 - ramp) + bottom * ramp) * 255
    image: np.ndarray = np.ascontiguousarray(blend.astype(np.uint8))
    if index % 3 == 0:
        for layer in range(4):
            x = np.arange(size)
            y = size * (0.35 + 0.15 * layer) + sum(
                rng.normal() * 9 / k * np.sin(x * k / 20 + rng.random() * 6) for k in (1, 2, 4)
            )
            outline = np.concatenate([np.stack([x, y], 1), [[size, size], [0, size]]])
            cv2.fillPoly(image, [outline.astype(np.int32)], tuple(map(int, rng.integers(20, 230, 3))))
    for _ in range(int(rng.integers(2, 14))):
        colour = tuple(map(int, rng.integers(0, 255, 3)))
        a, b = rng.integers(0, size, 2), rng.integers(0, size, 2)
        if index % 3 == 1:
            cv2.rectangle(image, a.tolist(), b.tolist(), colour, -1)
        elif index % 3 == 2:
            cv2.circle(image, a.tolist(), int(rng.integers(4, 30)), colour, -1)
        else:
            cv2.ellipse(image, (a.tolist(), rng.integers(4, 40, 2).tolist(), float(b[0])), colour, -1)
    image = cv2.GaussianBlur(image, (0, 0), 1.0)
    return cv2.resize(image, (PICTURE, PICTURE), interpolation=cv2.INTER_AREA).astype(np.float64) / 255
