"""Blind guesses: what can be said from training truths alone, without looking at the photo.

A guess is made at the size of the truths that it comes from, and read at any other by nearest neighbour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from visiongen.resize import nearest_index, resize_nearest

CUTS = np.linspace(0.02, 0.9, 45)


@dataclass(frozen=True, eq=False)
class AtAnySize:
    """Size (H, W) -> ``guess`` (h, w, ...) in that size."""

    guess: np.ndarray

    def __call__(self, size: tuple[int, int]) -> np.ndarray:
        """The nearest pixels."""
        guess = self.guess
        rows, columns = nearest_index(size[0], guess.shape[0]), nearest_index(size[1], guess.shape[1])
        return guess[rows][:, columns]


def at_any_size(guess: np.ndarray) -> Callable[[tuple[int, int]], np.ndarray]:
    """Size (H, W) -> the guess (h, w, ...) in that size."""
    return AtAnySize(guess)


def one_size(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays (h, w, ...) of any sizes as one (N, H, W, ...), in the size of the first."""
    size = (arrays[0].shape[0], arrays[0].shape[1])
    return np.stack([a if a.shape[:2] == size else resize_nearest(a, size) for a in arrays])


def mean(truths: Sequence[np.ndarray]) -> np.ndarray:
    """Mean over the truths at each pixel, NaN left out; where all are NaN, the mean of everything."""
    stacked = one_size([np.asarray(t, np.float64) for t in truths])
    seen = np.isfinite(stacked)
    total, count = np.where(seen, stacked, 0).sum(0), seen.sum(0)
    whole = total.sum((0, 1)) / np.maximum(count.sum((0, 1)), 1)
    return np.where(count > 0, total / np.maximum(count, 1), whole).astype(np.float32)


def rows(truths: np.ndarray) -> np.ndarray:
    """Median ln depth of each row (H,) of (N, H, W), or mean unit normal (H, 3) of (N, H, W, 3).

    Sky and invalid pixels are left out; a row without any takes the value of the whole.
    """
    if truths.ndim == 3:
        finite = np.where(np.isfinite(truths) & (truths > 0), truths, np.nan)
        log = np.log(finite)
        whole = np.nanmedian(log)
        each = np.array([np.nanmedian(r) if np.isfinite(r).any() else whole for r in log.swapaxes(0, 1)])
        return np.exp(each).astype(np.float32)
    total = np.nansum(truths, axis=(0, 2))
    empty = np.linalg.norm(total, axis=-1) < 1e-6
    total[empty] = np.nansum(truths, axis=(0, 1, 2))
    return (total / np.linalg.norm(total, axis=-1, keepdims=True)).astype(np.float32)


def class_shares(truths: Sequence[np.ndarray], classes: int) -> np.ndarray:
    """How often each class stands in each row, float32 (H, 1, K); ids outside 0..K-1 left out."""
    stacked = one_size(truths).astype(np.int64)
    height = stacked.shape[1]
    flat = np.where((stacked >= 0) & (stacked < classes), stacked, classes)
    place = flat + (np.arange(height) * (classes + 1))[None, :, None]
    counts = np.bincount(place.ravel(), minlength=height * (classes + 1)).reshape(height, 1, classes + 1)
    return (counts[..., :classes] / max(1, stacked.shape[0] * stacked.shape[2])).astype(np.float32)


def best_blob(masks: Sequence[np.ndarray]) -> np.ndarray:
    """The mask bool (H, W) that a threshold on the mean of ``masks`` gives, with the highest mean IoU."""
    stacked = one_size([np.asarray(m) > 0 for m in masks])
    shares = stacked.mean(0)
    top = float(shares.max())
    best, score = shares >= top, -1.0
    # Of many small masks here and there none may reach the lowest cut: then by shares of the most that meet.
    for cut in CUTS * top if 0 < top < CUTS[0] else CUTS:
        blob = shares >= cut
        union = (stacked | blob).sum((1, 2))
        found = float(((stacked & blob).sum((1, 2)) / np.maximum(union, 1)).mean())
        if found > score:
            best, score = blob, found
    return best
