"""Instances of one class, each in a colour of its own."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar

import numpy as np

from visiongen.errors import InputError
from visiongen.resize import nearest_fill
from visiongen.tasks.codecs.base import Codec, check_map, check_positive
from visiongen.tasks.codecs.grouping import by_area, join, parts
from visiongen.tasks.codecs.legend import squared_distances

CAPACITY = 124
_BIN = 16
_CHUNK = 1 << 16  # pixels compared with every cluster at once


@dataclass(frozen=True)
class DistinctInstances(Codec):
    """Instance ids: 0 (none) is black, ids 1-124 each have a colour; any other colours are read too.

    Reading asks only that colours differ. Colours are clustered greedily (the fullest part of the
    colour histogram first; a cluster reaches ``radius`` levels), black is no instance. A cluster's
    connected parts (8 neighbours) of less than ``min_area`` pixels are dropped, so are slivers (no
    3 x 3 pixels inside) in a mix of two other clusters' colours: what a blurred border leaves.
    Dropped and unclustered pixels take the nearest instance, or none. Parts of one colour at most
    ``gap`` pixels apart are one instance, split by what stands before it; farther apart they are
    two. ``sigma`` (levels) turns the distance from the instance's colour into confidence.
    """

    radius: float = 30.0
    min_area: int = 16
    gap: float = 32.0
    sigma: float = 24.0

    name: ClassVar[str] = "instance/distinct@1"
    unit: ClassVar[str] = "instance id"
    bound: ClassVar[str] = "exact but for the ids' order, for parts of min_area pixels and more"

    def __post_init__(self) -> None:
        check_positive(self.name, **{f.name: getattr(self, f.name) for f in fields(self)})

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Ids int (H, W), 0 = no instance, 1-124 -> map; other ids raise InputError."""
        ids = np.asarray(labels)
        if ids.ndim != 2 or ids.dtype.kind not in "iu":
            raise InputError(f"instances: {ids.dtype} {ids.shape} are not ids; give ints (H, W)")
        bad = (ids < 0) | (ids > CAPACITY)
        if bad.any():
            raise InputError(f"instances: id {int(ids[bad][0])} has no colour; use 0 to {CAPACITY} a map")
        return palette()[ids]

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> ids int32 (H, W), 0 = none, 1 the largest, and confidence."""
        pixels = check_map(painted).reshape(-1, 3)
        centres = self._centres(pixels)
        cluster = self._clusters(pixels, centres).reshape(painted.shape[:2])
        ids, colour = self._components(cluster, centres)
        ids, order = by_area(ids, len(colour) - 1)
        colour = colour[order]
        away = ((pixels - colour[ids].reshape(-1, 3)) ** 2).sum(axis=1).reshape(ids.shape)
        return ids, np.exp(away * np.float32(-0.5 / self.sigma**2))

    def _clusters(self, pixels: np.ndarray, centres: np.ndarray) -> np.ndarray:
        """The nearest centre (n,) of each pixel, -1 where none is within ``radius``; a part at a time."""
        found = np.empty(len(pixels), np.int64)
        for start in range(0, len(pixels), _CHUNK):
            distance = squared_distances(pixels[start : start + _CHUNK], centres)
            nearest = distance.argmin(axis=1)
            nearest[distance.min(axis=1) > self.radius**2] = -1
            found[start : start + _CHUNK] = nearest
        return found

    def _centres(self, pixels: np.ndarray) -> np.ndarray:
        """Colours of the clusters float32 (K, 3), whole numbers; the first is black."""
        from scipy.ndimage import uniform_filter

        side = 256 // _BIN
        index = np.ravel_multi_index(tuple((pixels // _BIN).T), (side,) * 3)
        count = np.bincount(index, minlength=side**3).astype(np.float64)
        total = np.stack([np.bincount(index, pixels[:, c], side**3) for c in range(3)], 1)
        mean = total / np.maximum(count, 1)[:, None]
        centre, found = np.zeros(3), [np.zeros(3)]
        while len(found) <= 2 * CAPACITY:
            # What a cluster holds is counted no more.
            taken = ((mean - centre) ** 2).sum(axis=1) <= self.radius**2
            count[taken], total[taken] = 0, 0
            crowd = uniform_filter(count.reshape((side,) * 3), 3, mode="constant").ravel() * 27
            peak = int(crowd.round(3).argmax())
            if crowd[peak] < self.min_area - 0.5:
                break
            near = abs(np.indices((side,) * 3).reshape(3, -1).T - np.unravel_index(peak, (side,) * 3))
            near = near.max(axis=1) <= 1
            centre = total[near].sum(axis=0) / count[near].sum()
            count[near], total[near] = 0, 0
            found.append(centre)
        return np.array(found).round().astype(np.float32)

    def _components(self, cluster: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cluster of every pixel (H, W), -1 for none -> ids int32 (H, W) and their colours (N + 1, 3)."""
        ids, colour = np.zeros(cluster.shape, np.int32), [centres[0]]
        holes = cluster < 0
        for k in range(1, len(centres)):
            mixed = is_mix(centres[k], np.delete(centres, k, 0), self.radius)
            kept = parts(cluster == k, self.min_area, thick=mixed)
            holes |= (cluster == k) & (kept == 0)
            if not kept.any():
                continue
            number, group = join(kept, self.gap)
            ids = np.where(group > 0, group + (len(colour) - 1), ids).astype(np.int32)
            colour += [centres[k]] * number
        return nearest_fill(ids, holes)[0], np.array(colour)


def with_colours(ids: np.ndarray) -> np.ndarray:
    """Ids from 0 on as those that have colours: beyond ``CAPACITY`` the first ones' come again."""
    return np.where(ids > 0, (ids - 1) % CAPACITY + 1, 0)


@cache
def palette() -> np.ndarray:
    """Colours of ids 0-124, uint8 (125, 3).

    Black, white, the other corners of the colour cube, then always the colour of a five-level
    lattice farthest from all before. Any two are 63 levels or more apart, the first eight 255.
    """
    levels = np.linspace(0, 255, 5).round()
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)
    order = [0, 124, 100, 20, 4, 24, 104, 120]
    gap = np.linalg.norm(grid[:, None] - grid[order], axis=2).min(axis=1)
    while len(order) <= CAPACITY:
        order.append(int(gap.argmax()))
        gap = np.minimum(gap, np.linalg.norm(grid - grid[order[-1]], axis=1))
    return grid[order].astype(np.uint8)


def is_mix(colour: np.ndarray, others: np.ndarray, radius: float) -> bool:
    """Whether a colour (3,) lies within ``radius`` levels of a chord between two of ``others`` (K, 3)."""
    if len(others) < 2:
        return False
    first, second = np.triu_indices(len(others), 1)
    chord, offset = others[second] - others[first], colour - others[first]
    share = (offset * chord).sum(axis=1) / np.maximum((chord * chord).sum(axis=1), 1)
    share = np.clip(share, 0.1, 0.9)[:, None]
    return bool((((offset - share * chord) ** 2).sum(axis=1) <= radius**2).any())


@dataclass(frozen=True)
class Instance:
    """One instance: mask bool (H, W), box (x, y, width, height) in pixels, area, score in [0, 1]."""

    mask: np.ndarray
    box: tuple[int, int, int, int]
    area: int
    score: float

    def coco(self, image_id: int, category_id: int) -> dict[str, Any]:
        """A COCO result: the mask as run lengths (RLE) that json can write, box and score."""
        from pycocotools import mask as rle

        runs = rle.encode(np.asfortranarray(self.mask.astype(np.uint8)))
        segmentation = {"size": list(runs["size"]), "counts": runs["counts"].decode("ascii")}
        return {
            "image_id": image_id,
            "category_id": category_id,
            "segmentation": segmentation,
            "bbox": list(self.box),
            "score": self.score,
        }


def list_instances(ids: np.ndarray, confidence: np.ndarray) -> list[Instance]:
    """The instances of a decoded map, by falling score, which is the mean confidence inside.

    ``ids`` int (H, W) with 0 for none, ``confidence`` (H, W) in [0, 1]; shapes that differ raise
    InputError.
    """
    if ids.ndim != 2 or ids.shape != confidence.shape:
        raise InputError(f"instances: ids {ids.shape} and confidence {confidence.shape} must be one (H, W)")
    found = []
    for number in np.unique(ids[ids > 0]):
        mask = ids == number
        y, x = np.nonzero(mask)
        box = (int(x.min()), int(y.min()), int(np.ptp(x)) + 1, int(np.ptp(y)) + 1)
        score = min(1.0, float(confidence[mask].mean(dtype=np.float64)))
        found.append(Instance(mask, box, len(x), score))
    return sorted(found, key=lambda one: -one.score)
