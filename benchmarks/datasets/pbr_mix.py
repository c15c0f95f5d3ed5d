"""The pack pbr_mix: PBR sets of surfaces, some held out; photos of them under fixed lights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.benchmarks.protocols import load_protocol
from visiongen.data import pack
from visiongen.pbr import PbrSet, read_sets
from visiongen.relight import Light, SurfaceMaps, encode_srgb, render
from visiongen.world.materials import HELD_OUT

NAME = "pbr-mix"


@dataclass(frozen=True)
class Photo:
    """``image`` uint8 (H, W, 3) of the set ``of`` under the protocol's light ``light``."""

    of: PbrSet
    light: str
    image: np.ndarray

    @property
    def id(self) -> str:
        """SET/LIGHT."""
        return f"{self.of.name}/{self.light}"


def protocol() -> dict[str, Any]:
    """The table of protocols/pbr-mix.toml."""
    return load_protocol(NAME)


def held_out_sets(data: str | Path | None, side: int) -> list[PbrSet]:
    """The held-out sets, longer side ``side``; MissingDataError when one is not there."""
    return read_sets(pack("pbr_mix", data), side, HELD_OUT)


def train_sets(data: str | Path | None, side: int) -> list[PbrSet]:
    """All others."""
    folder = pack("pbr_mix", data)
    names = sorted(p.parent.name for p in folder.glob("*/basecolor.png") if p.parent.name not in HELD_OUT)
    return read_sets(folder, side, names)


def photographs(one: PbrSet, table: dict[str, Any]) -> list[Photo]:
    """The set under each light of the protocol, seen straight down."""
    found = []
    for light in table["photos"]:
        lamps = [
            Light(tuple(lamp["position"]), tuple(lamp["colour"]), bool(lamp.get("distant", False)))
            for lamp in light["lights"]
        ]
        linear = render(one.maps, lamps, light["ambient"])
        found.append(Photo(one, light["name"], (encode_srgb(linear) * 255 + 0.5).astype(np.uint8)))
    return found


def mean_material(sets: list[PbrSet], size: tuple[int, int]) -> SurfaceMaps:
    """The blind guess: the mean of each map over the sets that have it, the same at every pixel."""

    def mean(file: str, map_name: str) -> np.ndarray:
        known = [getattr(s.maps, map_name) for s in sets if file in s.present]
        known = known or [getattr(s.maps, map_name) for s in sets]
        return np.mean([m.reshape(-1, *m.shape[2:]).mean(axis=0) for m in known], axis=0)

    normal = mean("normal_gl", "normal")
    values = (
        mean("basecolor", "base_colour"),
        normal / np.linalg.norm(normal),
        mean("roughness", "roughness"),
        mean("metallic", "metallic"),
        mean("ao", "occlusion"),
    )
    full = (np.broadcast_to(v, (*size, *v.shape)).astype(np.float32) for v in values)
    return SurfaceMaps(*full)
