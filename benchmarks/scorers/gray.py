"""Maps of one number a pixel: edges, salient objects, mattes."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from visiongen.benchmarks.metrics import edges, matting, saliency
from visiongen.benchmarks.scorers.base import Guess, ModuleScorer, Options


class GrayScorer(ModuleScorer):
    """Truth (H, W) in [0, 1], NaN = not scored; answers float (H, W)."""

    def shrink(self, truth: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Averaged, so that a soft border stays soft."""
        import cv2

        if truth.shape[:2] == tuple(size):
            return truth
        clean = np.nan_to_num(np.asarray(truth, np.float32), nan=0)
        return cv2.resize(clean, (size[1], size[0]), interpolation=cv2.INTER_AREA)

    def labels(self, truth: np.ndarray, options: Options) -> np.ndarray:
        """What is not scored is painted black."""
        return np.clip(np.nan_to_num(np.asarray(truth, np.float32), nan=0), 0, 1)


class SalientScorer(GrayScorer):
    """See metrics/saliency.py; the protocol's ``stretch = false`` leaves each map's own range as it is."""

    metrics: ClassVar[ModuleType] = saliency

    def stats(self, truth: np.ndarray, answer: np.ndarray | None) -> dict[str, Any]:
        """Of the map as the protocol stretches it."""
        return saliency.image_stats(truth, answer, bool(self.protocol.get("stretch", True)))


class MattingScorer(GrayScorer):
    """See metrics/matting.py; a truth (H, W, 2) holds the trimap's unknown region beside the opacity.

    The protocol's ``lenient_conn = true`` counts Conn as P3M's and AIM's own code.
    """

    metrics: ClassVar[ModuleType] = matting

    def stats(self, truth: np.ndarray, answer: np.ndarray | None) -> dict[str, Any]:
        """With Conn as the protocol counts it."""
        return matting.image_stats(truth, answer, bool(self.protocol.get("lenient_conn")))

    def labels(self, truth: np.ndarray, options: Options) -> np.ndarray:
        """The opacity alone."""
        return super().labels(truth if truth.ndim == 2 else truth[..., 0], options)

    def oracle(self, truth: np.ndarray, options: Options) -> np.ndarray:
        """The opacity alone."""
        return truth if truth.ndim == 2 else truth[..., 0]

    def prior(self, truths: Sequence[np.ndarray]) -> Guess:
        """Mean opacity."""
        return super().prior([truth if truth.ndim == 2 else truth[..., 0] for truth in truths])


class EdgesScorer(GrayScorer):
    """See metrics/edges.py; a truth bool (H, W, A) holds the lines of A people."""

    metrics: ClassVar[ModuleType] = edges

    def shrink(self, truth: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Of people's lines: the share who drew one, the strongest of each cell, as soft lines again."""
        if truth.ndim == 2:
            return super().shrink(truth, size)
        return lines_at(truth, size)

    def oracle(self, truth: np.ndarray, options: Options) -> np.ndarray:
        """Of people's lines: the share who drew one there."""
        return truth if truth.ndim == 2 else truth.mean(axis=2)

    def prior(self, truths: Sequence[np.ndarray]) -> Guess:
        """Mean strength."""
        return super().prior([lines_at(t, t.shape[:2]) if t.ndim == 3 else t for t in truths])


def lines_at(drawn: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Lines bool (H, W, A) of A people -> strength float32 (h, w) in [0, 1], lines two pixels wide.

    People's lines at most two pixels apart are one, as strong as the share who drew it (see
    training/source_bsds.py). To two fifths a line's strength says how many of its pixels share a cell of the
    painted size, which gives lines that all have drawn an order among themselves.
    """
    from visiongen.training.sources.augment import View
    from visiongen.training.sources.bsds import crests, mark
    from visiongen.training.targets.gray import draw_lines

    height, width = drawn.shape[:2]
    y, x, share = crests(drawn.transpose(2, 0, 1))
    wide = draw_lines(mark(y, x, share, View(0, 0, height, width, size, False)))
    cells = np.zeros(size, np.float32)
    np.maximum.at(cells, ((y * size[0] / height).astype(int), (x * size[1] / width).astype(int)), share)
    return np.asarray(wide * (0.6 + 0.4 * draw_lines(cells)), np.float32)
