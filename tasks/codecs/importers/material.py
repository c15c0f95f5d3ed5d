"""Material maps as others pack them.

Packed labels are always float32 (H, W, 3): occlusion, roughness, metallic in [0, 1], linear, the
order of glTF's ORM maps; a packing without occlusion decodes it to 1 (none).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from visiongen.tasks.codecs.base import Codec, check_labels, check_map, check_positive, check_unit
from visiongen.tasks.codecs.gray import AlphaGray

ORM = "occlusion, roughness, metallic"


@dataclass(frozen=True)
class GltfMetallicRoughness(Codec):
    """glTF's metallicRoughnessTexture: G roughness, B metallic, linear; R is ignored and painted 255.

    Labels are the texture times the material's factors. Every colour is legal, so the confidence is
    1 everywhere. Source: glTF 2.0, material.pbrMetallicRoughness ("metalness values are sampled from
    the B channel, roughness from the G channel; linear; other channels MUST be ignored").
    """

    roughness_factor: float = 1.0
    metallic_factor: float = 1.0

    name: ClassVar[str] = "material/gltf@1"
    unit: ClassVar[str] = ORM
    bound: ClassVar[str] = "factor / 510"
    redundant: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_positive(
            self.name, roughness_factor=self.roughness_factor, metallic_factor=self.metallic_factor
        )

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Occlusion (left out), roughness, metallic float (H, W, 3) -> map."""
        values = check_unit("material", check_labels("material", labels, 3)) / np.array(
            [1, self.roughness_factor, self.metallic_factor], np.float32
        )
        values[..., 0] = 1
        return levels(values)

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> occlusion (1), roughness, metallic float32 (H, W, 3), and confidence 1."""
        values = check_map(painted).astype(np.float32) / np.float32(255)
        values *= np.array([1, self.roughness_factor, self.metallic_factor], np.float32)
        values[..., 0] = 1
        return values, np.ones(values.shape[:2], np.float32)


@dataclass(frozen=True)
class MarigoldMaterial(Codec):
    """Marigold-IID's material map: R roughness, G metallicity, B unused (0), linear.

    ``sigma`` (levels) turns what stands in the unused channel into confidence exp(-b^2 / 2 sigma^2).
    Source: github.com/prs-eth/Marigold, src/dataset/interiorverse_dataset.py ("R is roughness, G is
    metallicity", channel 2 set to 0), marigold/marigold_iid_pipeline.py (a "stack" is written as it
    is, times 255); the model's target_properties call both linear.
    """

    sigma: float = 24.0

    name: ClassVar[str] = "material/marigold-iid@1"
    unit: ClassVar[str] = ORM
    bound: ClassVar[str] = "1/510"

    def __post_init__(self) -> None:
        check_positive(self.name, sigma=self.sigma)

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Occlusion (left out), roughness, metallic float (H, W, 3) -> map."""
        values = check_unit("material", check_labels("material", labels, 3))
        return levels(np.stack([values[..., 1], values[..., 2], np.zeros_like(values[..., 0])], axis=2))

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> occlusion (1), roughness, metallic float32 (H, W, 3), and confidence."""
        channels = check_map(painted).astype(np.float32)
        confidence = np.exp(channels[..., 2] ** 2 * np.float32(-0.5 / self.sigma**2))
        rough, metal = channels[..., 0] / 255, channels[..., 1] / 255
        return np.stack([np.ones_like(rough), rough, metal], axis=2), confidence


@dataclass(frozen=True)
class RgbxChannel(AlphaGray):
    """Roughness or metallicity of the published RGB<->X weights: a gray picture each, linear.

    ``sigma`` (levels) turns the distance from gray into confidence. Source: github.com/zheng95z/rgbx,
    rgb2x/pipeline_rgb2x.py (one channel repeated, no gamma correction). The paper's packing of both
    in one picture belongs to weights that the authors say are lost; it is not read here.
    """

    name: ClassVar[str] = "material/rgbx-channel@1"
    unit: ClassVar[str] = "roughness or metallic"


@dataclass(frozen=True)
class PowerAlbedo(Codec):
    """Albedo written with a pure power law: colour = linear^(1 / gamma), gamma = 2.2.

    Every colour is legal, so the confidence is 1 everywhere. Sources: RGB<->X
    (rgb2x/pipeline_rgb2x.py: torch.pow(image, 1 / 2.2) for albedo) and Marigold-IID
    (src/util/image_util.py: img_linear2srgb is the power 1 / 2.2, not the piecewise sRGB curve).
    """

    gamma: float = 2.2

    name: ClassVar[str] = "material/albedo-power@1"
    unit: ClassVar[str] = "linear reflectance"
    bound: ClassVar[str] = "1/510 of the coded value: 0.0044 at 1"
    redundant: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_positive(self.name, gamma=self.gamma)

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Linear albedo float (H, W, 3) in [0, 1] -> map."""
        return levels(
            check_unit("material", check_labels("material", labels, 3)) ** np.float32(1 / self.gamma)
        )

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> linear albedo float32 (H, W, 3) in [0, 1], and confidence 1."""
        values = (check_map(painted).astype(np.float32) / 255) ** np.float32(self.gamma)
        return values, np.ones(values.shape[:2], np.float32)


def levels(values: np.ndarray) -> np.ndarray:
    """Values in [0, 1], clipped -> uint8, rounded."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
