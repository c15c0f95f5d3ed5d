"""Instances by where they are: the colour of a pixel tells its instance's centre and size."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from visiongen.errors import InputError
from visiongen.resize import nearest_fill
from visiongen.tasks.codecs.base import Codec, check_map, check_positive
from visiongen.tasks.codecs.density import cluster_colours
from visiongen.tasks.codecs.grouping import by_area, compact, join, parts

_CORE = 6  # pixels that a core has, and
_SOLID = 4.0  # how many of them count as flat
_EDGE = 4.0  # times ``flat``: the contrast from which on a pixel does not vote
SMALLEST = 0.02
"""Side of the smallest size told, as a share of the map's: (area / (H W)) ** 0.5."""


@dataclass(frozen=True)
class CentreInstances(Codec):
    """Instance ids: none is black, a pixel of an instance says where the instance's centre lies.

    Red and green are x and y of the mean of its pixels, 0-255 over the map; blue is its size,
    128 + 127 (1 + ln(side) / ln 50), side = (area / (H W)) ** 0.5 clipped to [0.02, 1], so that a thing
    before the middle of a larger one differs. The colour follows from the picture alone (no arbitrary
    numbering), so a network can regress it. As Painter's location palette (arXiv 2212.02499) and
    Panoptic-DeepLab's centre votes (arXiv 1911.10194), but for the size.

    Reading: blue below ``threshold`` is none. Pixels of blue ``certain`` and more vote with their
    colours, the less the more the map changes around them (a Gaussian of ``flat`` levels over the
    contrast of 3 x 3 pixels): what a blurred border mixes says nothing. The votes' density (a Gaussian of
    ``bandwidth`` levels) is split into hills, and hills whose pass is higher than ``valley`` of the
    lower top are one. Pixels of a hill at most ``gap`` pixels apart are one instance, which grows over the
    rest of what is not none along the edges of the map; less than ``min_area`` pixels become what is
    nearest, an instance or none. Confidence: distance to the instance's mean colour, or to black, as a
    Gaussian of ``sigma`` levels. What is read depends on the whole map; a mirrored map has 255 - red.
    """

    threshold: float = 64.0
    certain: float = 104.0
    flat: float = 16.0
    bandwidth: float = 7.0
    valley: float = 0.7
    min_area: int = 16
    gap: float = 32.0
    sigma: float = 24.0

    name: ClassVar[str] = "instance/centre@1"
    unit: ClassVar[str] = "instance id"
    bound: ClassVar[str] = (
        "exact but for the ids' order, for instances and gaps of min_area pixels and more, 5 pixels thick, "
        "whose parts lie within gap and whose colours lie 4 bandwidths or more apart"
    )

    def __post_init__(self) -> None:
        check_positive(self.name, **{f.name: getattr(self, f.name) for f in fields(self)})

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Ids int (H, W), 0 = no instance -> map; negative ids raise InputError."""
        ids = np.asarray(labels)
        if ids.ndim != 2 or ids.dtype.kind not in "iu":
            raise InputError(f"instances: {ids.dtype} {ids.shape} are not ids; give ints (H, W)")
        if (ids < 0).any():
            raise InputError(f"instances: id {int(ids.min())} is negative; 0 is none, instances count from 1")
        known, index = compact(ids)
        return instance_colours(index, known)[index]

    def flip_map(self, painted: np.ndarray) -> np.ndarray:
        """Mirrored; red tells x, so it is counted from the other side."""
        turned = np.ascontiguousarray(check_map(painted)[:, ::-1])
        thing = turned[..., 2] >= self.threshold
        turned[thing, 0] = 255 - turned[thing, 0]
        return turned

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> ids int32 (H, W), 0 = none, 1 the largest, and confidence."""
        from skimage.segmentation import watershed

        blue = check_map(painted)[..., 2]
        contrast = _contrast(painted)
        weight = np.exp(contrast**2 * np.float32(-0.5 / self.flat**2))
        thing = blue >= self.threshold
        voting = thing & (blue >= self.certain) & (contrast < _EDGE * self.flat)
        cluster = np.zeros(blue.shape, np.int32)
        cluster[voting], count = cluster_colours(painted[voting], weight[voting], self.bandwidth, self.valley)
        ids = self._cores(cluster, count, weight)
        if ids.any():
            ids = watershed(contrast, ids, connectivity=2, mask=thing).astype(np.int32)
        kept = np.bincount(ids.ravel()) >= self.min_area
        ids = nearest_fill(np.where(kept[ids], ids, 0), ~kept[ids])[0]
        ids = by_area(ids, len(kept) - 1)[0]
        return ids, self._confidence(painted, ids, weight)

    def _cores(self, cluster: np.ndarray, count: int, weight: np.ndarray) -> np.ndarray:
        """Ids int32 (H, W) of what is surely inside an instance, 0 elsewhere."""
        ids, last = np.zeros(cluster.shape, np.int32), 0
        for k in range(1, count + 1):
            kept = parts(cluster == k, _CORE)
            if not kept.any():
                continue
            number, group = join(kept, self.gap)
            solid = np.bincount(group.ravel(), weight.ravel(), number + 1) >= _SOLID
            solid[0] = False
            names = np.where(solid, last + np.cumsum(solid), 0)
            ids = np.where(group > 0, names[group], ids).astype(np.int32)
            last += int(solid.sum())
        return ids

    def _confidence(self, painted: np.ndarray, ids: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """How near each pixel is to its instance's mean colour, or to black; float32 (H, W)."""
        values = painted.astype(np.float32)
        share, flat = weight.ravel() + 1e-6, ids.ravel()
        sums = [np.bincount(flat, values[..., c].ravel() * share) for c in range(3)]
        mean = np.stack(sums, axis=1) / np.bincount(flat, share)[:, None].clip(1e-12)
        mean[0] = 0
        away = ((values - mean.astype(np.float32)[ids]) ** 2).sum(axis=2)
        return np.exp(away * np.float32(-0.5 / self.sigma**2))


def _contrast(painted: np.ndarray) -> np.ndarray:
    """How much a map changes within 3 x 3 pixels: distance of the highest from the lowest, float32 (H, W)."""
    import cv2

    window = np.ones((3, 3), np.uint8)
    span = cv2.dilate(painted, window).astype(np.float32) - cv2.erode(painted, window)
    return np.sqrt((span * span).sum(axis=2))


def instance_colours(index: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Colours uint8 (K, 3) of the K ids ``known``, ``index`` int (H, W) their positions; id 0 is black."""
    height, width = index.shape
    flat, count = index.ravel(), len(known)
    area = np.bincount(flat, minlength=count).astype(np.float64)
    rows = np.arange(height, dtype=np.float64).repeat(width)
    columns = np.tile(np.arange(width, dtype=np.float64), height)
    x = (np.bincount(flat, columns, count) / area + 0.5) / width
    y = (np.bincount(flat, rows, count) / area + 0.5) / height
    side = np.clip(np.sqrt(area / index.size), SMALLEST, 1)
    colours = np.stack([255 * x, 255 * y, 128 + 127 * (1 - np.log(side) / np.log(SMALLEST))], axis=1)
    colours[known == 0] = 0
    return (colours + 0.5).astype(np.uint8)
