"""Metric depth: the field's scores under every alignment side by side, per image and pooled.

Definitions (KITTI/BTS/Marigold): AbsRel = mean |p-g|/g, SqRel = mean (p-g)^2/g, RMSE in metres,
RMSElog, log10, SILog = 100 sqrt(mean d^2 - mean(d)^2) with d = ln p - ln g, delta_k = share of
max(p/g, g/p) < 1.25^k (strict). An image is reduced to sums, from which both the per-image and the
pooled value follow.

A missing answer (NaN, or a whole image that failed) counts as whichever end of the range is farther
from the truth in |p-g|/g, so it can never beat an answer. +inf counts as the far end, values are
clipped to the range. Fits (Marigold) use all valid pixels, no weights, no trimming; a negative
scale is permitted and reported (``inverted``), never set to zero.
"""

from __future__ import annotations

import numpy as np

from visiongen.errors import InputError

ALIGNMENTS = ("none", "median", "lsq_depth", "lsq_disparity", "lsq_log")
SUMS = (
    "n", "abs_rel", "sq_rel", "sq", "sq_log", "log", "log10", "d1", "d2", "d3", "inverted",
)  # fmt: skip
HIGHER_IS_BETTER = {
    "AbsRel": False, "SqRel": False, "RMSE": False, "RMSElog": False, "log10": False,
    "SILog": False, "delta1": True, "delta2": True, "delta3": True,
}  # fmt: skip
Range = tuple[float, float]
_MIN_DISPARITY = 1e-3


def valid_pixels(target: np.ndarray, limits: Range) -> np.ndarray:
    """Boolean mask (H, W): finite truth strictly inside the range (min < g < max)."""
    with np.errstate(invalid="ignore"):
        return np.isfinite(target) & (target > limits[0]) & (target < limits[1])


def worst_depth(target: np.ndarray, limits: Range) -> np.ndarray:
    """The end of the range with the larger |p-g|/g for each positive truth; same shape."""
    low, high = limits
    return np.where(high - target > target - low, high, low)


def line_fit(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Scale and shift of least squares y = s x + t, by centred sums in float64.

    Constant or empty x has no slope: s = 0, t = mean(y).
    """
    if not x.size:
        return 0.0, 0.0
    x0, y0 = x.mean(), y.mean()
    dx = x - x0
    spread = float(dx @ dx)
    if spread <= 1e-18 * max(1.0, float(x0 * x0)) * x.size:
        return 0.0, float(y0)
    scale = float(dx @ (y - y0)) / spread
    return scale, float(y0 - scale * x0)


def align(prediction: np.ndarray, target: np.ndarray, how: str) -> tuple[np.ndarray, bool]:
    """Aligned predictions (n,) for truths (n,) in metres, and whether the fitted scale is negative.

    NaN stays NaN. A pixel that the fit cannot use (p <= 0 for disparity and log) becomes NaN, which
    later counts as missing; +inf stays +inf (in disparity it is 0).
    """
    p, g = prediction.astype(np.float64), target.astype(np.float64)
    if how == "none":
        return p, False
    usable = np.isfinite(p)
    if how != "lsq_depth":
        usable &= p > 0
    if not usable.any():
        return np.full_like(p, np.nan), False
    if how == "median":
        return p * (np.median(g[usable]) / np.median(p[usable])), False
    if how == "lsq_depth":
        scale, shift = line_fit(p[usable], g[usable])
        return np.where(np.isinf(p), p, scale * np.where(np.isinf(p), 0, p) + shift), scale < 0
    positive = np.where(p > 0, p, np.nan)
    if how == "lsq_disparity":
        disparity = 1 / positive
        scale, shift = line_fit(disparity[usable], 1 / g[usable])
        return 1 / np.maximum(scale * disparity + shift, _MIN_DISPARITY), scale < 0
    if how == "lsq_log":
        log = np.log(positive)
        scale, shift = line_fit(log[usable], np.log(g[usable]))
        finite = np.where(np.isinf(log), 0, log)
        aligned = np.exp(np.clip(scale * finite + shift, -50, 50))
        return np.where(np.isinf(log), np.inf, aligned), scale < 0
    raise InputError(f"alignment {how!r} is unknown: choose one of {', '.join(ALIGNMENTS)}")


def _sums(p: np.ndarray, g: np.ndarray, inverted: bool) -> list[float]:
    difference, log = p - g, np.log(p) - np.log(g)
    ratio = np.maximum(p / g, g / p)
    deltas = [float((ratio < 1.25**k).sum()) for k in (1, 2, 3)]
    return [
        float(g.size),
        float((np.abs(difference) / g).sum()),
        float((difference**2 / g).sum()),
        float((difference**2).sum()),
        float((log**2).sum()),
        float(log.sum()),
        float(np.abs(log).sum() / np.log(10)),
        *deltas,
        float(inverted),
    ]


def image_sums(target: np.ndarray, prediction: np.ndarray | None, limits: Range) -> dict[str, list[float]]:
    """Sums named in ``SUMS`` for each alignment, of one image.

    target: (H, W) metres, NaN/inf/out of range = not scored. prediction: (H, W), metres or any
    affine/scale-free depth; None = the image failed. InputError: shapes differ.
    """
    keep = valid_pixels(np.asarray(target), limits)
    g = np.asarray(target)[keep].astype(np.float64)
    if prediction is None:
        return {how: _sums(worst_depth(g, limits), g, False) for how in ALIGNMENTS}
    if np.shape(prediction) != np.shape(target):
        raise InputError(
            f"prediction has shape {np.shape(prediction)}, the depth {np.shape(target)}: resize it"
        )
    raw = np.asarray(prediction)[keep].astype(np.float64)
    result = {}
    for how in ALIGNMENTS:
        with np.errstate(over="ignore"):
            p, inverted = align(raw, g, how)
        p = np.where(np.isnan(p), worst_depth(g, limits), np.clip(p, *limits))
        result[how] = _sums(p, g, inverted)
    return result


def from_sums(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Scores of sums (..., len(SUMS)); each value has shape (...); no pixel at all gives NaN."""
    s = dict(zip(SUMS, np.moveaxis(np.asarray(sums, np.float64), -1, 0), strict=True))
    n = np.where(s["n"] > 0, s["n"], np.nan)
    variance = s["sq_log"] / n - (s["log"] / n) ** 2
    return {
        "AbsRel": s["abs_rel"] / n,
        "SqRel": s["sq_rel"] / n,
        "RMSE": np.sqrt(s["sq"] / n),
        "RMSElog": np.sqrt(s["sq_log"] / n),
        "log10": s["log10"] / n,
        "SILog": 100 * np.sqrt(np.maximum(variance, 0)),
        "delta1": s["d1"] / n,
        "delta2": s["d2"] / n,
        "delta3": s["d3"] / n,
    }


class DepthMetric:
    """Accumulator: keeps one row of sums an image and alignment."""

    def __init__(self, limits: Range) -> None:
        self.limits = limits
        self.images: list[dict[str, list[float]]] = []

    def update(self, target: np.ndarray, prediction: np.ndarray | None) -> None:
        """Add one image (metres); ``None`` counts as the worst answer."""
        self.images.append(image_sums(target, prediction, self.limits))

    def merge(self, other: DepthMetric) -> None:
        """Add the images of another accumulator with the same range."""
        if other.limits != self.limits:
            raise InputError(f"cannot merge range {other.limits} into {self.limits}")
        self.images += other.images

    def compute(self, how: str = "none", pooled: bool = False) -> dict[str, float]:
        """Mean over images (images without a valid pixel left out), or over all pixels."""
        sums = np.array([image[how] for image in self.images]).reshape(-1, len(SUMS))
        sums = sums[sums[:, 0] > 0]
        if not len(sums):
            return dict.fromkeys(HIGHER_IS_BETTER, float("nan"))
        values = from_sums(sums.sum(0)) if pooled else from_sums(sums)
        return {name: float(np.mean(value)) for name, value in values.items()}
