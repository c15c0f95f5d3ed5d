"""Panoptic segments as COCO writes them: a PNG of ids and segments_info."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from visiongen.tasks.codecs.panoptic import MANY


@dataclass(frozen=True)
class Segment:
    """One segment: ``id`` in the PNG, class ``position`` and ``name``, area and box (x, y, w, h) in pixels.

    ``score`` is the mean confidence inside, in [0, 1].
    """

    id: int
    position: int
    name: str
    thing: bool
    area: int
    box: tuple[int, int, int, int]
    score: float

    def coco(self) -> dict[str, Any]:
        """The segments_info entry; ``score`` is an extra that readers ignore."""
        return {
            "id": self.id,
            "category_id": self.position + 1,
            "area": self.area,
            "bbox": list(self.box),
            "iscrowd": 0,
            "score": round(self.score, 4),
        }


def segment_ids(labels: np.ndarray) -> np.ndarray:
    """Labels int (H, W), position * 1000 + number, -1 = void -> COCO ids int64, 0 = void."""
    return np.where(labels < 0, 0, labels.astype(np.int64) + MANY)


def id_image(labels: np.ndarray) -> np.ndarray:
    """The COCO panoptic picture uint8 (H, W, 3): id = R + 256 G + 256^2 B, 0 = void."""
    ids = segment_ids(labels)
    return np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=2).astype(np.uint8)


def read_ids(picture: np.ndarray) -> np.ndarray:
    """Ids int64 (H, W) of a COCO panoptic picture uint8 (H, W, 3)."""
    return picture.astype(np.int64) @ np.array([1, 256, 65536])


def list_segments(
    labels: np.ndarray, confidence: np.ndarray, names: tuple[str, ...], things: tuple[str, ...]
) -> list[Segment]:
    """The segments of labels int (H, W), by falling area; void is none."""
    known, index = np.unique(labels, return_inverse=True)
    flat = index.ravel()
    area = np.bincount(flat)
    score = np.bincount(flat, confidence.ravel().astype(np.float64)) / area
    boxes = _boxes(index.reshape(labels.shape), len(known))
    found = []
    for k, value in enumerate(known.tolist()):
        if value >= 0:
            position = value // MANY
            name = names[position]
            mean = min(1.0, float(score[k]))
            found.append(Segment(value + MANY, position, name, name in things, int(area[k]), boxes[k], mean))
    return sorted(found, key=lambda one: -one.area)


def _boxes(index: np.ndarray, count: int) -> list[tuple[int, int, int, int]]:
    """Box (x, y, w, h) of every position 0..count - 1 in ``index`` int (H, W)."""
    from scipy.ndimage import find_objects

    found = find_objects(index + 1, max_label=count)
    return [(x.start, y.start, x.stop - x.start, y.stop - y.start) for y, x in found]


def segment_colours(labels: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """A picture uint8 (H, W, 3): class ``colours`` uint8 (K, 3), each thing in its shade, void black."""
    known, index = np.unique(labels, return_inverse=True)
    table = np.zeros((len(known), 3), np.float32)
    for k, value in enumerate(known.tolist()):
        if value >= 0:
            number = value % MANY
            shade = 0.0 if number == 0 else 0.45 * ((number * 0.618034) % 1 - 0.5) * 2
            colour = colours[value // MANY].astype(np.float32)
            table[k] = colour + shade * ((255 - colour) if shade > 0 else colour)
    return (table + 0.5).astype(np.uint8)[index.reshape(labels.shape)]
