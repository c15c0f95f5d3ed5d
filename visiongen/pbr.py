"""Reading PBR sets from disk: NAME/basecolor.png and, where there are, normal_gl, roughness, ... .png.

Numbers are read as they are stored: a roughness is no colour, and glTF 2.0 (section 3.8, images) has the
profiles of textures ignored.

An ``index.json`` beside the folders may say which sets are tileable and whose normal convention is
uncertain (a list of rows with ``name``, ``tileable``, ``normal_convention_uncertain``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from visiongen.errors import MissingDataError
from visiongen.image import read_image
from visiongen.relight import SurfaceMaps
from visiongen.resize import resize_photo


@dataclass(frozen=True)
class PbrSet:
    """``maps`` with what is missing filled in (flat, rough 0.7, no metal, open).

    ``present`` names the files that were there and say something; ``certain``: the green channel of its
    normals is known to point up.
    """

    name: str
    maps: SurfaceMaps
    present: frozenset[str]
    tileable: bool = False
    certain: bool = True


def read_sets(folder: Path, side: int, names: Iterable[str] | None = None) -> list[PbrSet]:
    """The sets of ``folder`` (those of ``names``, or all, sorted), longer side ``side`` pixels.

    MissingDataError if a named set, or any set at all, is not there.
    """
    wanted = sorted(p.parent.name for p in folder.glob("*/basecolor.png")) if names is None else list(names)
    if not wanted:
        raise MissingDataError(f"{folder}: no NAME/basecolor.png in it; give a folder of PBR sets")
    index = folder / "index.json"
    rows = json.loads(index.read_text(encoding="utf-8")) if index.is_file() else []
    notes = {row["name"]: row for row in rows}
    return [_read_set(folder / name, side, notes.get(name, {})) for name in wanted]


def _read_set(folder: Path, side: int, note: dict) -> PbrSet:
    if not (folder / "basecolor.png").is_file():
        raise MissingDataError(f"{folder / 'basecolor.png'}: no such file; check the data pack")
    files = {path.stem: path for path in folder.glob("*.png")}
    base = _picture(files["basecolor"], side)
    size = (base.shape[0], base.shape[1])

    def gray(name: str, otherwise: float) -> np.ndarray:
        if name not in files:
            return np.full(size, otherwise, np.float32)
        return _picture(files[name], side, size)[..., 0]

    flat = np.zeros((*size, 3), np.float32) + np.array([0, 0, 1], np.float32)
    normal = unit(_picture(files["normal_gl"], side, size) * 2 - 1) if "normal_gl" in files else flat
    occlusion = gray("ao", 1)
    if occlusion.mean() < 0.1:  # black all over says nothing about the surface: an exporter's default
        occlusion = np.ones_like(occlusion)
        files.pop("ao")
    maps = SurfaceMaps(base, normal, gray("roughness", 0.7), gray("metallic", 0), occlusion)
    return PbrSet(
        folder.name,
        maps,
        frozenset(files),
        bool(note.get("tileable", False)),
        not note.get("normal_convention_uncertain", False),
    )


def _picture(path: Path, side: int, size: tuple[int, int] | None = None) -> np.ndarray:
    """A picture as float32 (h, w, 3) fractions, its longer side ``side``, or of ``size``."""
    image = read_image(path, stored=True)
    if size is None:
        scale = side / max(image.shape[:2])
        size = (max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale)))
    return resize_photo(image, size).astype(np.float32) / np.float32(255)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Normals (..., 3) at unit length, facing outward at least a little (z >= 0.02)."""
    x, y, z = vectors[..., 0], vectors[..., 1], np.maximum(vectors[..., 2], np.float32(0.02))
    scale = 1 / np.sqrt(x * x + y * y + z * z)
    return np.stack([x * scale, y * scale, z * scale], axis=-1).astype(np.float32)


def turned(maps: SurfaceMaps, turns: int = 0, mirror: bool = False) -> SurfaceMaps:
    """The surface mirrored left-right, then turned counter-clockwise by ``turns`` x 90 degrees."""

    def pose(array: np.ndarray) -> np.ndarray:
        return np.rot90(array[:, ::-1] if mirror else array, turns)

    x, y, z = (pose(maps.normal[..., i]) for i in range(3))
    if mirror:
        x = -x
    for _ in range(turns % 4):  # what pointed right points up, what pointed up points left
        x, y = -y, x
    normal = np.stack([x, y, z], axis=-1)
    rest = (pose(a) for a in (maps.base_colour, maps.roughness, maps.metallic, maps.occlusion))
    base, rough, metal, open_ = rest
    return SurfaceMaps(base, normal, rough, metal, open_)
