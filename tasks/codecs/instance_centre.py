"""Instances by where they are: the colour of a pixel tells its instance's centre and size."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from visiongen.errors import InputError
from visiongen.tasks.codecs.base import Codec, check_map, check_positive, nearest_fill
from visiongen.tasks.codecs.density import Clusters
from visiongen.tasks.codecs.grouping import by_area, join, parts

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

    Reading: blue below ``threshold`` is none; below ``certain`` it belongs to the nearest instance. The
    other pixels' colours are votes: their density (a Gaussian of ``bandwidth`` levels) is split into
    hills, and hills whose pass is higher than ``valley`` of the lower top are one. A hill's pixels
    (8 neighbours) are its parts; parts of less than ``min_area`` pixels, or without 3 x 3 pixels
    inside where they lie between other instances, go to the nearest instance; parts at most ``gap``
    pixels apart are one instance. Confidence: distance to the hill's mean colour, or to black, as a
    Gaussian of ``sigma`` levels. What is read depends on the whole map; a mirrored map has 255 - red.
    """

    threshold: float = 64.0
    certain: float = 104.0
    bandwidth: float = 9.0
    valley: float = 0.7
    min_area: int = 16
    gap: float = 32.0
    sigma: float = 24.0

    name: ClassVar[str] = "instance/centre@1"
    unit: ClassVar[str] = "instance id"
    bound: ClassVar[str] = (
        "exact but for the ids' order, for instances of min_area pixels and more, thick where they touch, "
        "whose parts lie within gap and whose colours lie 3.5 bandwidths or more apart"
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
        known, index = np.unique(ids, return_inverse=True)
        return instance_colours(index.reshape(ids.shape), known)[index.reshape(ids.shape)]

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> ids int32 (H, W), 0 = none, 1 the largest, and confidence."""
        votes = check_map(painted).astype(np.float32)
        thing = votes[..., 2] >= self.threshold
        voting = thing & (votes[..., 2] >= self.certain)
        cluster = np.where(thing, -1, 0).astype(np.int32)
        found = Clusters.of(votes[voting], self.bandwidth, self.valley)
        cluster[voting] = found.member + 1
        ids, colour = self._components(cluster, found.mean)
        ids, order = by_area(ids, len(colour) - 1)
        away = ((votes - colour[order][ids]) ** 2).sum(axis=2)
        return ids, np.exp(away * np.float32(-0.5 / self.sigma**2))

    def _components(self, cluster: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cluster of every pixel (H, W), 0 none, -1 unsure -> ids int32 (H, W), colours (N + 1, 3)."""
        ids, colour = np.zeros(cluster.shape, np.int32), [np.zeros(3, np.float32)]
        for k in range(1, len(mean) + 1):
            kept = parts(cluster == k, self.min_area)
            if kept.any():
                number, group = join(kept, self.gap)
                ids = np.where(group > 0, group + (len(colour) - 1), ids)
                colour += [mean[k - 1]] * number
        holes = (cluster != 0) & (ids == 0)
        return nearest_fill(ids.astype(np.int32), holes)[0], np.array(colour)

    def flip(self, labels: np.ndarray) -> np.ndarray:
        """The mirrored ids; their map has 255 - red where an instance is."""
        return super().flip(labels)


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
