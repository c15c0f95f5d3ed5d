"""Intrinsic images on Marigold's lists: InteriorVerse (EXR) and Hypersim's albedo (NPY).

Albedo is scored in sRGB by the pure power 1/2.2 and never scaled to the truth; the rest is linear.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.datasets.float_images import read_exr, read_npy
from visiongen.benchmarks.datasets.listed import ListedFiles, stem
from visiongen.errors import InputError
from visiongen.relight import encode_srgb


class InteriorVerse(ListedFiles):
    """Lines ``SCENE/000_im.exr albedo material mask``; the mask is not used, as in Marigold's script."""

    folders = ("interiorverse/InteriorVerse", "interiorverse")

    def line(self, root: Path, columns: Sequence[str]) -> Sample:
        """The photo, albedo and material; clusters are scenes."""
        image, albedo, material = columns[:3]
        truth = (root / albedo, root / material)
        return Sample(stem(image).removesuffix("_im"), root / image, truth, cluster=image.split("/")[-2])

    def read_photo(self, sample: Sample) -> np.ndarray:
        """uint8 (H, W, 3): linear, clipped to [0, 1], power 1/2.2."""
        return (encode_srgb(_colours(sample.photo)) * 255 + 0.5).astype(np.uint8)

    def read_truth(self, sample: Sample) -> np.ndarray:
        """float32 (H, W, 6): base colour sRGB; NaN; roughness (red) and metallic (green), linear."""
        albedo, material = (_colours(path) for path in sample.truth)
        if albedo.shape != material.shape:
            raise InputError(f"{sample.truth[1]}: {material.shape}, albedo {albedo.shape}; fetch it again")
        nothing = np.full(albedo.shape[:2], np.nan, np.float32)
        return np.dstack([encode_srgb(albedo), nothing, np.clip(material[..., :2], 0, 1)]).astype(np.float32)


class HypersimAlbedo(ListedFiles):
    """Lines ``rgb.png albedo.npy shading.npy residual.npy stats.json``; of these the albedo is scored."""

    folders = ("hypersim",)

    def line(self, root: Path, columns: Sequence[str]) -> Sample:
        """The photo and its albedo; clusters are scenes."""
        image, albedo = columns[:2]
        return Sample(stem(image), root / image, (root / albedo,), cluster=image.split("/")[-2])

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Base colour float32 (H, W, 3) sRGB; NaN where the albedo is black, NaN or infinite (Marigold)."""
        path = sample.truth[0]
        linear = read_npy(path)
        if linear.ndim != 3 or linear.shape[-1] != 3:
            raise InputError(f"{path}: albedo of shape {linear.shape}, not (H, W, 3); fetch it again")
        known = np.isfinite(linear).all(-1, keepdims=True) & (linear != 0).any(-1, keepdims=True)
        return np.where(known, encode_srgb(np.nan_to_num(linear).astype(np.float32)), np.nan).astype(
            np.float32
        )


def _colours(path: Path) -> np.ndarray:
    values = read_exr(path)
    if values.ndim != 3:
        raise InputError(f"{path}: one channel where three are stored; fetch it again")
    return np.nan_to_num(values)


INTERIORVERSE = InteriorVerse("interiorverse")
HYPERSIM = HypersimAlbedo("hypersim-iid")
