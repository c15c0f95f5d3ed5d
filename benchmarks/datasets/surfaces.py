"""Truths of material sets, photos of them under fixed lights, and the specular workflow in ours.

A truth is float32 (H, W, 9): base colour sRGB, occlusion, roughness, metallic, tangent normal (OpenGL); NaN
where a map is not there or not to be trusted. A photo is the set seen straight down, by visiongen.relight.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.benchmarks.datasets.files import FilesBenchmark
from visiongen.benchmarks.scorers.base import Scorer
from visiongen.errors import InputError
from visiongen.relight import Light, SurfaceMaps, encode_srgb, render

F0 = 0.04  # of a dielectric, glTF


def stack(maps: SurfaceMaps, known: Collection[str]) -> np.ndarray:
    """The truth of a set; ``known``: which of occlusion, roughness, metallic and normal are scored."""
    truth = np.full((*maps.size, 9), np.nan, np.float32)
    truth[..., :3] = maps.base_colour
    for place, name in enumerate(("occlusion", "roughness", "metallic"), 3):
        if name in known:
            truth[..., place] = getattr(maps, name)
    if "normal" in known:
        truth[..., 6:] = maps.normal
    return truth


def photograph(maps: SurfaceMaps, light: Mapping[str, Any]) -> np.ndarray:
    """uint8 (H, W, 3) of a set under a protocol's light: ``lights`` and ``ambient``."""
    lamps = [
        Light(tuple(lamp["position"]), tuple(lamp["colour"]), bool(lamp.get("distant", False)))
        for lamp in light["lights"]
    ]
    return (encode_srgb(render(maps, lamps, light["ambient"])) * 255 + 0.5).astype(np.uint8)


def one_material(scorer: Scorer, truths: Sequence[np.ndarray]) -> Callable[[tuple[int, int]], np.ndarray]:
    """A blind guess without a place: the mean of each map over the sets that know it, at every pixel."""
    means = []
    for truth in truths:
        known = np.isfinite(truth)
        total = np.where(known, truth, 0).sum((0, 1), dtype=np.float64)
        count = known.sum((0, 1))
        means.append(np.where(count > 0, total / np.maximum(count, 1), np.nan)[None, None])
    return scorer.prior(means)


class SurfaceFiles(FilesBenchmark):
    """A material set a file or folder; the blind guess has no place."""

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """See :func:`one_material`; from the first ``blind_images`` truths of ``blind_split``."""
        return one_material(self.scorer, [self.read_truth(sample) for sample in self.blind_samples(data)])


def from_specular(diffuse: np.ndarray, specular: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Linear base colour (H, W, 3) and metallic (H, W) of linear diffuse and F0 (H, W, 3).

    The inverse of glTF's F0 = mix(0.04, base, metallic), diffuse = base (1 - metallic). With u = 1 - metallic
    both give 0.04 u^2 - (F0 + diffuse) u + diffuse = 0; of its roots, on the channels' means, the largest
    up to 1 is taken (dark: rather a dielectric). base = diffuse + F0 - 0.04 u is then exact in each channel.
    What no base colour and metallic can give (F0 below 0.04) becomes a dielectric.
    """
    d, s = diffuse.mean(-1, dtype=np.float64), specular.mean(-1, dtype=np.float64)
    root = np.sqrt(np.maximum((s + d) ** 2 - 4 * F0 * d, 0))
    roots = np.stack([(s + d - root) / (2 * F0), (s + d + root) / (2 * F0)])
    u = np.clip(np.where(roots <= 1 + 1e-9, roots, -np.inf).max(0), 0, 1)
    u = np.where(s < F0, np.where(s + d > 0, 1.0, 0.0), u)
    base = np.clip(diffuse + specular - F0 * u[..., None], 0, 1)
    return base.astype(np.float32), (1 - u).astype(np.float32)


def read_fractions(path: Path) -> np.ndarray:
    """A picture of 8 or 16 bits as float32 (H, W) or RGB (H, W, 3) in [0, 1], without any conversion."""
    import cv2

    array = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if array is None or array.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{path}: missing, damaged or not of 8 or 16 bits; fetch it again")
    values = array.astype(np.float32) / np.float32(255 if array.dtype == np.uint8 else 65535)
    return values if values.ndim == 2 else np.ascontiguousarray(values[..., 2::-1])


def square(values: np.ndarray, side: int, first: int | None = None) -> np.ndarray:
    """The largest centred square, scaled to ``first`` (or ``side``) by area, cropped to ``side``."""
    import cv2

    size = min(values.shape[:2])
    top, left = (values.shape[0] - size) // 2, (values.shape[1] - size) // 2
    scaled = first or side
    how = cv2.INTER_AREA if size > scaled else cv2.INTER_LINEAR
    small = cv2.resize(values[top : top + size, left : left + size], (scaled, scaled), interpolation=how)
    edge = (scaled - side) // 2
    return np.ascontiguousarray(small[edge : edge + side, edge : edge + side])
