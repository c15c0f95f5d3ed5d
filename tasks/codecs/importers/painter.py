"""Painter's class colours: a regular grid from white down, read by the smallest L1 distance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from visiongen.errors import InputError
from visiongen.prompt import Legend
from visiongen.tasks.codecs.base import Codec, check_map, check_positive
from visiongen.tasks.codecs.legend import UNKNOWN

PALETTES = {"ade20k": (150, 6), "coco": (133, 7)}
"""Number of classes, levels a channel."""
_CHUNK = 1 << 15


def painter_colours(palette: str) -> np.ndarray:
    """Colours uint8 (K, 3): counting down from white in steps of 256 // levels, blue fastest."""
    count, steps = PALETTES[palette]
    index = np.arange(count)
    digits = np.stack([index // steps**2, index % steps**2 // steps, index % steps], axis=1)
    return (255 - digits * (256 // steps)).astype(np.uint8)


@dataclass(frozen=True)
class PainterPalette(Codec):
    """Painter's ADE20K (150) or COCO (133 panoptic classes, in the order of their ids) colours.

    Labels are positions in that order (ADE20K's own ids less 1); 255 (ignored) is painted black, as
    Painter's unlabelled pixels are, and never read. ``temperature`` (levels): softmax over L1
    distances. Source: github.com/baaivision/Painter, data/ade20k/gen_color_ade20k_sem.py,
    data/coco_semseg/gen_color_coco_panoptic_segm.py, eval/*/*SegEvaluatorCustom.py (dist_type "abs").
    """

    temperature: float = 8.0
    palette: str = "ade20k"

    name: ClassVar[str] = "legend/painter@1"
    unit: ClassVar[str] = "class id"
    bound: ClassVar[str] = "exact for every id of the palette"

    def __post_init__(self) -> None:
        check_positive(self.name, temperature=self.temperature)
        if self.palette not in PALETTES:
            raise InputError(f"codec {self.name}: palette={self.palette!r}; use {' or '.join(PALETTES)}")

    @cached_property
    def legend(self) -> Legend:
        """The colours under the names "ade20k 0", "ade20k 1", ..."""
        colours = painter_colours(self.palette).tolist()
        return Legend.of((f"{self.palette} {i}", colour) for i, colour in enumerate(colours))

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Ids int (H, W), 255 = ignored -> map."""
        ids = np.asarray(labels)
        if ids.ndim != 2 or ids.dtype.kind not in "iu":
            raise InputError(f"labels: {ids.dtype} {ids.shape} are not class ids; give ints (H, W)")
        table = np.zeros((256, 3), np.uint8)
        table[: len(self.legend)] = self.legend.array()
        bad = ((ids < 0) | (ids >= len(self.legend))) & (ids != UNKNOWN)
        if bad.any():
            raise InputError(f"labels: id {int(ids[bad][0])} is not one of {len(self.legend)}; 255 ignores")
        return table[ids]

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> ids uint8 (H, W), and the softmax probability of the id."""
        from scipy.spatial.distance import cdist

        flat = check_map(painted).reshape(-1, 3)
        labels, confidence = np.empty(len(flat), np.uint8), np.empty(len(flat), np.float32)
        colours = self.legend.array().astype(float)
        for start in range(0, len(flat), _CHUNK):
            part = slice(start, start + _CHUNK)
            distance = cdist(flat[part].astype(float), colours, "cityblock")
            labels[part] = distance.argmin(axis=1)
            distance -= distance.min(axis=1, keepdims=True)
            confidence[part] = 1 / np.exp(distance / -self.temperature).sum(axis=1)
        shape = painted.shape[:2]
        return labels.reshape(shape), confidence.reshape(shape)
