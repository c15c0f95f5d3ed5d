"""Cheap random pictures that look like maps: what the tokenizer must keep without loss."""

from __future__ import annotations

import cv2
import numpy as np

from visiongen.registry import CODECS
from visiongen.training.batches import Batch, BatchBuilder, photo_prompt, random_colours
from visiongen.training.sources.base import Size, Source, check_names


class ShapesSource(Source):
    """Piecewise constant maps, ramps, depth-codec ramps and fields of normals.

    ``kinds`` are drawn evenly: "cells" (Voronoi), "polygons" (with ellipses and thin lines),
    "ramp", "depth" (a depth field painted by the depth codec), "normals".
    """

    name = "shapes"

    def __init__(
        self,
        *,
        size: Size = (128, 128),
        batch: int = 8,
        kinds: tuple[str, ...] = ("cells", "polygons", "polygons", "ramp", "depth", "normals"),
        data: str | None = None,
    ) -> None:
        super().__init__(size=size, batch=batch, data=data)
        self.kinds = check_names(kinds, tuple(PAINTERS), self.name, "kinds", "kind")

    def batch(self, index: int, seed: int) -> Batch:
        """``batch`` pictures as targets of one shared blank input."""
        rng = self.generator(index, seed)
        size = self.draw_size(rng)
        builder = BatchBuilder(size)
        blank = builder.photo(None)
        for _ in range(self.count):
            kind = self.kinds[int(rng.integers(len(self.kinds)))]
            builder.target(blank, photo_prompt(), PAINTERS[kind](size, rng))
        return builder.build()


def _palette(count: int, rng: np.random.Generator) -> np.ndarray:
    if rng.uniform() < 0.5:
        return random_colours(count, rng)
    return rng.integers(0, 256, (count, 3)).astype(np.uint8)


def cells(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A Voronoi diagram: every pixel takes the colour of the nearest of some random points."""
    h, w = size
    count = int(rng.integers(2, 40))
    seeds = np.full((h, w), 1, np.uint8)
    ys, xs = rng.integers(h, size=count), rng.integers(w, size=count)
    seeds[ys, xs] = 0
    _, nearest = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    palette = _palette(min(count, 12), rng)
    return palette[rng.integers(len(palette), size=int(nearest.max()) + 1)][nearest]


def polygons(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Polygons, ellipses and thin lines over a background, in up to 12 colours."""
    h, w = size
    palette = _palette(int(rng.integers(2, 13)), rng)
    image = np.empty((h, w, 3), np.uint8)
    image[:] = palette[0]
    for _ in range(int(rng.integers(3, 24))):
        colour = tuple(int(c) for c in palette[int(rng.integers(len(palette)))])
        centre = rng.uniform([0, 0], [w, h])
        radius = float(np.exp(rng.uniform(np.log(2), np.log(max(h, w) / 2))))
        shape = rng.uniform()
        if shape < 0.4:
            points = centre + rng.normal(0, radius * 0.7, (int(rng.integers(3, 7)), 2))
            cv2.fillPoly(image, [points.round().astype(np.int32)], colour)
        elif shape < 0.65:
            axes = (max(1, int(radius)), max(1, int(radius * rng.uniform(0.2, 1))))
            place = (int(centre[0]), int(centre[1]))
            cv2.ellipse(image, place, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1)
        else:
            end = centre + rng.normal(0, max(h, w) * 0.4, 2)
            start = (int(centre[0]), int(centre[1]))
            thick = int(rng.integers(1, 5))
            cv2.line(image, start, (int(end[0]), int(end[1])), colour, thick)
    return image


def ramp(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A smooth field mixing two to four colours, sometimes under shapes."""
    field = _smooth(size, 3, rng)
    low, high = np.sort(rng.integers(0, 256, (2, 3)), axis=0)
    image = (low + field * (high - low) + 0.5).astype(np.uint8)
    if rng.uniform() < 0.4:
        over = polygons(size, rng)
        image = np.where((_smooth(size, 1, rng) > 0.55), over, image)
    return image


def depth_field(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Planes and blobs of depth from 0.4 to 80 m, painted by the depth codec."""
    near, far = np.sort(np.exp(rng.uniform(np.log(0.4), np.log(80), 2)))
    depth = 1 / (1 / far + (1 / near - 1 / far) * _smooth(size, 1, rng)[..., 0])
    for _ in range(int(rng.integers(0, 8))):
        mask = np.zeros(size, np.uint8)
        centre = (int(rng.integers(size[1])), int(rng.integers(size[0])))
        axes = (int(rng.integers(1, size[1] // 3)), int(rng.integers(1, size[0] // 3)))
        if rng.uniform() < 0.5:
            cv2.ellipse(mask, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
        else:
            corner = (centre[0] + axes[0], centre[1] + axes[1])
            cv2.rectangle(mask, centre, corner, 1, -1)
        inside = float(np.exp(rng.uniform(np.log(0.4), np.log(80))))
        depth = np.where(mask > 0, inside * (0.8 + 0.4 * _smooth(size, 1, rng)[..., 0]), depth)
    if rng.uniform() < 0.3:
        horizon = int(rng.uniform(0.1, 0.6) * size[0])
        depth[:horizon][depth[:horizon] > far * 0.7] = np.inf
    return CODECS.get("depth/cubewalk@1")().encode(depth.astype(np.float32))


def normal_field(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Pieces of flat and curved surfaces facing the camera, painted by the normals codec."""
    h, w = size
    pieces = cells(size, rng)[..., 0].astype(np.int64) % 7
    flat = rng.normal(0, 0.8, (7, 3))
    flat[:, 2] = np.abs(flat[:, 2]) + 0.15
    normals = flat[pieces] + (_smooth(size, 3, rng) - 0.5) * rng.uniform(0, 1.5)
    normals[..., 2] = np.maximum(normals[..., 2], 0.02)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return CODECS.get("normals/opengl@1")().encode(normals.astype(np.float32))


def _smooth(size: tuple[int, int], channels: int, rng: np.random.Generator) -> np.ndarray:
    """A smooth random field in [0, 1], float32 (H, W, channels)."""
    h, w = size
    coarse = rng.uniform(size=(int(rng.integers(2, 6)), int(rng.integers(2, 6)), channels))
    field = cv2.resize(coarse.astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC)
    return np.clip(field.reshape(h, w, channels), 0, 1)


PAINTERS = {
    "cells": cells,
    "polygons": polygons,
    "ramp": ramp,
    "depth": depth_field,
    "normals": normal_field,
}
