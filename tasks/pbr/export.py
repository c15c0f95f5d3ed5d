"""Writing a PBR set: PNG in glTF packing, .glb, MaterialX, a preview and a JSON report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from visiongen.files import remove, write_atomic, write_json
from visiongen.tasks.codecs.base import map_png
from visiongen.tasks.codecs.material import BaseColour, OrmMaterial
from visiongen.tasks.codecs.normals import OpenGLNormals
from visiongen.tasks.pbr.gltf import glb
from visiongen.tasks.pbr.materialx import document
from visiongen.tasks.pbr.preview import contact_sheet
from visiongen.tasks.pictures import encode_png

if TYPE_CHECKING:
    from visiongen.tasks.material_set import MaterialSet

_BALL_REPEAT = 2.0


def save(one: MaterialSet, folder: Path, stem: str) -> list[Path]:
    """Write every file of the set; see :meth:`MaterialSet.save`."""
    pictures = packed(one)
    files: list[Path] = []
    for suffix, content in pictures.items():
        files.append(write_atomic(folder / f"{stem}.{suffix}.png", content))
    relief, reading = height_image(one)
    if relief is not None:
        files.append(write_atomic(folder / f"{stem}.height.png", encode_png(relief)))
    elif (folder / f"{stem}.materials.json").is_file():  # an earlier set's, perhaps with a relief
        remove(folder / f"{stem}.height.png")
    height, width = one.maps.size
    repeat = _BALL_REPEAT if one.tileable else 1.0
    base, normal, orm = pictures.values()
    files.append(write_atomic(folder / f"{stem}.glb", glb(stem, base, normal, orm, height / width, repeat)))
    names = (f"{stem}.basecolor.png", f"{stem}.normal.png", f"{stem}.orm.png")
    bounds = (f"{stem}.height.png", reading["black"], reading["white"]) if reading else None
    text = document(stem, names[0], names[1], names[2], bounds)
    files.append(write_atomic(folder / f"{stem}.mtlx", text))
    report: dict[str, Any] = one.as_dict() | {"height": reading}
    extra: dict[str, np.ndarray] = {}
    if one.photo is not None:
        again = one.rerender_error()
        report["rerender"] = again.as_dict()
        extra = {"photo": one.photo, "again": again.picture}
    if relief is not None:
        extra["height"] = np.repeat((relief // 257).astype(np.uint8)[..., None], 3, axis=2)
    files.append(
        write_atomic(folder / f"{stem}.preview.png", encode_png(contact_sheet(one.maps, extra, repeat)))
    )
    report["files"] = [file.name for file in files]
    files.append(write_json(folder / f"{stem}.materials.json", report))
    return files


def packed(one: MaterialSet) -> dict[str, bytes]:
    """PNG bytes of base colour, normal and ORM, as glTF wants them; no direction counts as flat."""
    m = one.maps
    normal = np.where(m.normal.any(axis=2, keepdims=True), m.normal, np.array([0, 0, 1], np.float32))
    orm = np.dstack([m.occlusion, m.roughness, m.metallic])
    maps = {"basecolor": (m.base_colour, BaseColour()), "normal": (normal, OpenGLNormals())}
    maps["orm"] = (orm, OrmMaterial())
    return {name: map_png(codec.encode(labels), codec) for name, (labels, codec) in maps.items()}


def height_image(one: MaterialSet) -> tuple[np.ndarray | None, dict[str, Any] | None]:
    """Height as uint16 (H, W), its lowest point 0, its highest 65535; and what those stand for."""
    if one.height is None:
        return None, None
    low, high = float(one.height.min()), float(one.height.max())
    scale = 65535 / (high - low) if high > low else 0.0
    image = ((one.height - low) * scale + 0.5).astype(np.uint16)
    reading = {"bits": 16, "black": low, "white": high, "unit": "patch widths", "source": one.height_source}
    return image, reading
