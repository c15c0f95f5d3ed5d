"""The pack pbr_mix: PBR sets of surfaces, some held out; photos of them under fixed lights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.benchmarks.base import Benchmark, Item, digest_of
from visiongen.benchmarks.datasets.surfaces import one_material, photograph, stack
from visiongen.benchmarks.protocols import load_protocol
from visiongen.data import pack
from visiongen.errors import VisiongenError
from visiongen.pbr import PbrSet, read_sets
from visiongen.relight import SurfaceMaps
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
    return [Photo(one, light["name"], photograph(one.maps, light)) for light in table["photos"]]


def truth_of(one: PbrSet) -> np.ndarray:
    """float32 (H, W, 9), see surfaces.py; NaN for missing maps, and for normals of uncertain convention."""
    names = {"ao": "occlusion", "roughness": "roughness", "metallic": "metallic"}
    known = {map_name for file, map_name in names.items() if file in one.present}
    return stack(one.maps, known | ({"normal"} if one.certain and "normal_gl" in one.present else set()))


class PbrMix(Benchmark):
    """Items SET/LIGHT; the set is the cluster. ``python -m visiongen.benchmarks.materials`` also has the row
    *photo* and draws contact sheets.
    """

    def present(self, data: str | Path | None) -> Path | None:
        """The pack's folder."""
        try:
            return pack("pbr_mix", data)
        except VisiongenError:
            return None

    def items(self, data: str | Path | None, split: str, limit: int | None = None) -> list[Item]:
        """The held-out sets, each under every light."""
        sets = held_out_sets(data, self.protocol["side"])
        photos = [photo for one in sets for photo in photographs(one, self.protocol)]
        return [_item(photo) for photo in photos[:limit]]

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """One material for all photos: the mean over the train sets."""
        return one_material(self.scorer, [truth_of(one) for one in train_sets(data, self.protocol["side"])])


def _item(photo: Photo) -> Item:
    truth = truth_of(photo.of)
    digest = digest_of([photo.image, truth])
    return Item(photo.id, digest, lambda: photo.image, lambda: truth, cluster=photo.of.name)


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


BENCHMARK = PbrMix(NAME)
