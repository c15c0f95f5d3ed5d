"""Materials as pictures: base colour, and occlusion, roughness and metallic as glTF packs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from visiongen.errors import UsageError
from visiongen.tasks.codecs.base import Codec, check_labels, check_map, check_unit


@dataclass(frozen=True)
class _UnitTriple(Codec):
    """Three numbers in [0, 1] a pixel, one a channel, rounded to 8 bits.

    Every colour means something, so none can be told to be wrong: confidence is 1 everywhere.
    """

    unit: ClassVar[str] = "fraction"
    bound: ClassVar[str] = "1/510"
    redundant: ClassVar[bool] = False

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Float (H, W, 3) in [0, 1] -> map. Numbers outside, NaN too, raise InputError."""
        what = self.name.split("/")[1].split("@")[0]
        values = check_unit(what, check_labels(what, labels, 3))
        return (values * 255).round().astype(np.uint8)

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> float32 (H, W, 3) in [0, 1], and ones."""
        values = check_map(painted).astype(np.float32) / np.float32(255)
        return values, np.ones(values.shape[:2], np.float32)


@dataclass(frozen=True)
class OrmMaterial(_UnitTriple):
    """R = ambient occlusion (1 = open), G = roughness, B = metallic, linear (not sRGB)."""

    name: ClassVar[str] = "material/orm@1"


@dataclass(frozen=True)
class BaseColour(_UnitTriple):
    """Base colour (albedo of a dielectric, reflectance of a metal) as sRGB, the way glTF stores it."""

    name: ClassVar[str] = "material/basecolor@1"
    unit: ClassVar[str] = "sRGB fraction"


def import_orm(packed: np.ndarray, packing: str) -> np.ndarray:
    """Channels (..., C) of another packing -> occlusion, roughness, metallic float32 (..., 3).

    ``packing`` names the channels in order, a letter each: ``o`` or ``a`` ambient occlusion, ``r``
    roughness, ``s`` smoothness (1 - roughness), ``m`` metallic, ``-`` unused. ``"arm"`` and
    ``"rma"`` are common; Unity's mask map is ``"mo-s"``. No occlusion at all means open (1).
    """
    letters = packing.lower().replace("a", "o")
    values = np.asarray(packed, np.float32)
    known = set(letters) <= set("orsm-") and all(letters.count(c) <= 1 for c in "orsm")
    if not known or "m" not in letters or ("r" in letters) == ("s" in letters):
        raise UsageError(f"packing {packing!r}: name each channel by o|a, r|s, m or -, as in 'orm' or 'mo-s'")
    if values.ndim < 1 or values.shape[-1] != len(letters):
        raise UsageError(
            f"packing {packing!r}: it names {len(letters)} channels, the array is {values.shape}"
        )
    occlusion = values[..., letters.index("o")] if "o" in letters else np.ones_like(values[..., 0])
    rough = values[..., letters.index("r")] if "r" in letters else 1 - values[..., letters.index("s")]
    return np.stack([occlusion, rough, values[..., letters.index("m")]], axis=-1)
