"""The geometry between a photo and the size it is painted at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from visiongen.errors import InputError, UsageError
from visiongen.resize import resize_depth, resize_labels, resize_linear, resize_normals, resize_photo
from visiongen.units import PATCH


@dataclass(frozen=True)
class Geometry:
    """How a photo of ``input_size`` (H, W) was resized to ``work_size`` (h, w), multiples of 8.

    Plain resize, no padding. The ``undo_*`` methods bring decoded labels back to ``input_size``.
    """

    input_size: tuple[int, int]
    work_size: tuple[int, int]

    @classmethod
    def fit(cls, size: tuple[int, int], long_side: int = 320) -> Geometry:
        """Keep the aspect up to rounding, with the longer side as near ``long_side`` as 8 allows."""
        whole = isinstance(long_side, (int, np.integer)) and not isinstance(long_side, bool)
        if not whole or long_side < PATCH:
            raise UsageError(f"long_side={long_side!r}: give a whole number of pixels, at least {PATCH}")
        scale = long_side / max(size)
        height, width = (max(PATCH, int(s * scale / PATCH + 0.5) * PATCH) for s in size)
        return cls((int(size[0]), int(size[1])), (height, width))

    @classmethod
    def painted(cls, size: tuple[int, int], shape: tuple[int, ...]) -> Geometry:
        """That of a photo of ``size`` (H, W) whose whole was painted as a map of ``shape`` (h, w, ...).

        The map does not tell the ``long_side`` that it was painted at: any that :meth:`fit` rounds to its
        longer side will do. InputError: no photo of this aspect is painted so.
        """
        h, w = shape[:2]
        for side in range(max(PATCH, max(h, w) - PATCH // 2), max(h, w) + PATCH // 2):
            found = cls.fit(size, side)
            if found.work_size == (h, w):
                return found
        high, wide = size
        raise InputError(f"map: {w}x{h} is not the shape of a photo of {wide}x{high}; paint it whole")

    def as_dict(self) -> dict[str, list[int]]:
        """JSON-able form: {"input_size": [H, W], "work_size": [h, w]}."""
        return {"input_size": list(self.input_size), "work_size": list(self.work_size)}

    def apply(self, photo: np.ndarray) -> np.ndarray:
        """Photo uint8 of the input size -> uint8 (h, w, 3)."""
        if photo.shape[:2] != self.input_size:
            raise InputError(f"photo: {photo.shape[:2]} is not the geometry's {self.input_size}")
        return resize_photo(photo, self.work_size)

    def undo_labels(self, labels: np.ndarray) -> np.ndarray:
        """Ids (h, w) -> (H, W) by vote; ids are only copied, never mixed."""
        return resize_labels(self._check(labels), self.input_size)

    def undo_scalar(self, values: np.ndarray) -> np.ndarray:
        """Confidence and the like, float (h, w) -> float32 (H, W), linear."""
        return resize_linear(self._check(values), self.input_size)

    def undo_depth(self, depth: np.ndarray) -> np.ndarray:
        """Depth (h, w) -> float32 (H, W): linear on surfaces, nearest at edges and beside NaN/inf."""
        return resize_depth(self._check(depth), self.input_size)

    def undo_normals(self, normals: np.ndarray) -> np.ndarray:
        """Normals (h, w, 3) -> unit float32 (H, W, 3), linear; nearest beside invalid ones."""
        return resize_normals(self._check(normals), self.input_size)

    def _check(self, array: np.ndarray) -> np.ndarray:
        if array.shape[:2] != self.work_size:
            raise InputError(f"map: {array.shape[:2]} is not the geometry's {self.work_size}")
        return array
