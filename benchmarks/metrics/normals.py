"""Surface normals: angular error in degrees, pooled (DSINE) and per image (Marigold).

Normals are unit vectors in OpenGL camera axes (x right, y up, z to the camera). A prediction that
is NaN or infinite counts as 180 degrees; a zero vector has no direction and counts as (0, 0, 1).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from visiongen.errors import InputError

THRESHOLDS = (5.0, 7.5, 11.25, 22.5, 30.0)
SHORT = 0.01  # 8-bit gray is 0.007 long, and points wherever rounding put it
BIN = 0.1
BINS = 1800
SUMS = ("n", "sum", "sum_sq", *(f"lt_{t:g}" for t in THRESHOLDS))


def angular_error(target: np.ndarray, prediction: np.ndarray | None) -> np.ndarray:
    """Errors in degrees, float64 (n,), at the pixels with a true normal.

    target, prediction: (H, W, 3), any length (renormalised). A true normal that is NaN or shorter
    than 0.5 is not scored. prediction None (failed image): 180 everywhere. InputError: shapes, or
    a picture (unsigned) that was not decoded.
    """
    target = np.asarray(target, np.float64)
    length = np.linalg.norm(target, axis=-1)
    keep = np.isfinite(length) & (length > 0.5)
    g = target[keep] / length[keep][:, None]
    if prediction is None:
        return np.full(len(g), 180.0)
    if np.shape(prediction) != target.shape:
        raise InputError(
            f"prediction has shape {np.shape(prediction)}, the normals {target.shape}: resize it"
        )
    if np.asarray(prediction).dtype.kind == "u":
        raise InputError("prediction: a picture, not unit vectors; decode it with its codec")
    p = np.asarray(prediction, np.float64)[keep]
    bad = ~np.isfinite(p).all(-1)
    p = np.where(bad[:, None], 0.0, p)
    norm = np.linalg.norm(p, axis=-1)
    p = np.where((norm < SHORT)[:, None], (0.0, 0.0, 1.0), p / np.maximum(norm, SHORT)[:, None])
    cosine = np.clip((p * g).sum(-1), -1.0, 1.0)
    return np.where(bad, 180.0, np.degrees(np.arccos(cosine)))


def image_stats(target: np.ndarray, prediction: np.ndarray | None) -> dict[str, Any]:
    """Sums named in ``SUMS``, the exact median, and the histogram at 0.1 degree as [bin, count].

    180 degrees falls into the last bin. ``median`` is None when no pixel is valid.
    """
    error = angular_error(target, prediction)
    bins = np.bincount(np.minimum((error / BIN).astype(np.int64), BINS - 1), minlength=BINS)
    used = np.flatnonzero(bins)
    sums = [float(error.size), float(error.sum()), float((error**2).sum())]
    return {
        "sums": sums + [float((error < t).sum()) for t in THRESHOLDS],
        "median": float(np.median(error)) if error.size else None,
        "histogram": [[int(b), int(bins[b])] for b in used],
    }


def dense_histogram(sparse: list[list[int]]) -> np.ndarray:
    """The histogram of :func:`image_stats` as float64 (1800,)."""
    dense = np.zeros(BINS)
    for position, count in sparse:
        dense[position] = count
    return dense


def histogram_median(histogram: np.ndarray) -> np.ndarray:
    """Medians (...) of histograms (..., 1800), linear inside the bin: right to 0.1 degree."""
    running = np.cumsum(histogram, -1)
    half = running[..., -1:] / 2
    index = np.argmax(running >= half, -1)[..., None]
    here = np.take_along_axis(histogram, index, -1)
    before = np.take_along_axis(running, index, -1) - here
    inside = np.where(here > 0, (half - before) / np.where(here > 0, here, 1), 0.0)
    median = ((index + inside) * BIN)[..., 0]
    return np.where(running[..., -1] > 0, median, np.nan)


def from_sums(sums: np.ndarray) -> dict[str, np.ndarray]:
    """mean, rmse (degrees) and shares ``<5`` ... ``<30`` (0..1) of sums (..., len(SUMS))."""
    s = np.asarray(sums, np.float64)
    n = np.where(s[..., 0] > 0, s[..., 0], np.nan)
    result = {"mean": s[..., 1] / n, "rmse": np.sqrt(s[..., 2] / n)}
    for position, threshold in enumerate(THRESHOLDS):
        result[f"<{threshold:g}"] = s[..., 3 + position] / n
    return result


class NormalsMetric:
    """Accumulator: one record of :func:`image_stats` an image."""

    def __init__(self) -> None:
        self.images: list[dict[str, Any]] = []

    def update(self, target: np.ndarray, prediction: np.ndarray | None) -> None:
        """Add one image; ``None`` counts 180 degrees everywhere."""
        self.images.append(image_stats(target, prediction))

    def merge(self, other: NormalsMetric) -> None:
        """Add the images of another accumulator."""
        self.images += other.images

    def compute(self, pooled: bool = True) -> dict[str, float]:
        """mean, median, rmse in degrees, shares; pooled pixels, or the mean of per-image values."""
        images = [image for image in self.images if image["sums"][0] > 0]
        if not images:
            return {}
        sums = np.array([image["sums"] for image in images])
        values = from_sums(sums.sum(0)) if pooled else from_sums(sums)
        result = {name: float(np.mean(value)) for name, value in values.items()}
        if pooled:
            total = np.sum([dense_histogram(image["histogram"]) for image in images], 0)
            result["median"] = float(histogram_median(total))
        else:
            result["median"] = float(np.mean([image["median"] for image in images]))
        return result
