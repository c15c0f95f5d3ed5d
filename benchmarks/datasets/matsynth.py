"""MatSynth's test materials (Vecchio & Deschaintre 2024): ``maps/test/CATEGORY/NAME/basecolor.png`` ...

The zip of each category, unpacked. There are no photos: a centred square of each material is photographed
under the protocol's light. Normals are OpenGL's; base colour is sRGB; the rest is linear.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from visiongen.benchmarks.datasets.files import Sample, require
from visiongen.benchmarks.datasets.surfaces import SurfaceFiles, photograph, read_fractions, square, stack
from visiongen.errors import InputError, MissingDataError
from visiongen.pbr import unit
from visiongen.relight import SurfaceMaps

SUFFIXES = ("png", "jpg", "jpeg", "tif", "tiff")
NEEDED = ("basecolor", "normal", "roughness")
FILLED = {"metallic": 0.0}  # what a missing map means to the renderer; it is not scored


class MatSynth(SurfaceFiles):
    """Ids are CATEGORY/NAME, sorted; a material without a metallic map is rendered as a dielectric."""

    folders = ("MatSynth", "matsynth")
    marker = "maps/test"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """Every folder with a base colour; MissingDataError when one lacks normals or roughness."""
        top = root / "maps" / split
        folders = sorted({path.parent for suffix in SUFFIXES for path in top.glob(f"**/basecolor.{suffix}")})
        if not folders:
            raise MissingDataError(f"{top}: no CATEGORY/NAME/basecolor.png there; unpack the zips in it")
        samples = []
        for folder in folders:
            files = {name: find(folder, name) for name in (*NEEDED, *FILLED)}
            there = {name: path for name, path in files.items() if name in NEEDED or path.is_file()}
            truth = tuple(path for name, path in there.items() if name != "basecolor")
            name = str(folder.relative_to(top))
            samples.append(Sample(name, files["basecolor"], truth, note=sorted(there)))
        return require(samples, top)

    def read_maps(self, sample: Sample) -> SurfaceMaps:
        """The square that is photographed."""
        side, folder = self.protocol["side"], sample.photo.parent
        base, normal = (_colours(find(folder, name), side) for name in ("basecolor", "normal"))
        gray = {}
        for name in ("roughness", *FILLED):
            if name in sample.note:
                values = square(read_fractions(find(folder, name)), side)
                gray[name] = values if values.ndim == 2 else values[..., 0]
            else:
                gray[name] = np.full((side, side), FILLED[name], np.float32)
        open_ = np.ones((side, side), np.float32)
        return SurfaceMaps(base, unit(normal * 2 - 1), gray["roughness"], gray["metallic"], open_)

    def read_photo(self, sample: Sample) -> np.ndarray:
        """uint8 (side, side, 3)."""
        return photograph(self.read_maps(sample), self.protocol["photo"])

    def read_truth(self, sample: Sample) -> np.ndarray:
        """See surfaces.py; occlusion is unknown."""
        return stack(self.read_maps(sample), {"normal", *sample.note})


def find(folder: Path, name: str) -> Path:
    """The file of a map, of any kind of picture; NAME.png when there is none."""
    paths = [folder / f"{name}.{suffix}" for suffix in SUFFIXES]
    return next((path for path in paths if path.is_file()), paths[0])


def _colours(path: Path, side: int) -> np.ndarray:
    values = read_fractions(path)
    if values.ndim != 3:
        raise InputError(f"{path}: gray where three channels are stored; fetch it again")
    return square(values, side)


BENCHMARK = MatSynth("matsynth")
