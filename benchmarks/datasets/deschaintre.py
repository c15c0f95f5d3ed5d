"""Deschaintre et al. 2018 (Single-Image SVBRDF Capture): strips of five square tiles, ``testBlended/*.png``.

Photo, normal, diffuse, roughness, specular, side by side, all linear, in the specular workflow. Diffuse and
specular become base colour and metallic (surfaces.from_specular); occlusion is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.datasets.surfaces import SurfaceFiles, from_specular, read_fractions, square, stack
from visiongen.errors import InputError, MissingDataError
from visiongen.pbr import unit
from visiongen.relight import SurfaceMaps, encode_srgb

TILES = ("photo", "normal", "diffuse", "roughness", "specular")


class Deschaintre(SurfaceFiles):
    """The strips, sorted by name, evenly thinned to the protocol's count."""

    folders = ("DeepMaterialsData", "deschaintre2018")
    marker = "testBlended"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """As many strips as the split has, the first and the last among them."""
        folder = root / "testBlended"
        strips = sorted(path for path in folder.glob("*.png") if not path.name.startswith("."))
        if not strips:
            raise MissingDataError(f"{folder}: no strip (*.png) there; unpack DeepMaterialsData.zip")
        count = min(self.protocol["splits"][split], len(strips))
        chosen = np.linspace(0, len(strips) - 1, count).round().astype(int)
        return [Sample(strips[place].stem, strips[place]) for place in chosen]

    def read_photo(self, sample: Sample) -> np.ndarray:
        """uint8 (256, 256, 3) sRGB."""
        return (encode_srgb(self.tiles(sample)["photo"]) * 255 + 0.5).astype(np.uint8)

    def read_truth(self, sample: Sample) -> np.ndarray:
        """See surfaces.py; occlusion is unknown."""
        tiles = self.tiles(sample)
        base, metallic = from_specular(tiles["diffuse"], tiles["specular"])
        rough = np.ascontiguousarray(tiles["roughness"][..., 0])
        maps = SurfaceMaps(
            encode_srgb(base), unit(tiles["normal"] * 2 - 1), rough, metallic, np.ones_like(rough)
        )
        return stack(maps, {"normal", "roughness", "metallic"})

    def tiles(self, sample: Sample) -> dict[str, np.ndarray]:
        """Each tile as linear float32 (256, 256, 3): scaled to 288, its centre cut out."""
        strip = read_fractions(sample.photo)
        wide = strip.shape[1] // len(TILES)
        if strip.ndim != 3 or wide != strip.shape[0] or strip.shape[1] % len(TILES):
            raise InputError(f"{sample.photo}: {strip.shape} is no strip of five squares; fetch it again")
        side, first = self.protocol["side"], self.protocol["scaled"]
        parts = {name: strip[:, wide * k : wide * (k + 1)] for k, name in enumerate(TILES)}
        return {name: np.clip(square(part, side, first), 0, 1) for name, part in parts.items()}


BENCHMARK = Deschaintre("deschaintre2018")
