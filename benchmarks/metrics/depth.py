"""Metric depth: the field's scores under every alignment side by side, per image and pooled.

Definitions (KITTI/BTS/Marigold): AbsRel = mean |p-g|/g, SqRel = mean (p-g)^2/g, RMSE in metres,
RMSElog, log10, SILog = 100 sqrt(mean d^2 - mean(d)^2) with d = ln p - ln g, delta_k = share of
max(p/g, g/p) < 1.25^k (strict). An image is reduced to sums, from which both the per-image and the
pooled value follow.

iRMSE = RMSE of 1/depth in 1/km (KITTI). SILog has two namesakes: :func:`silog_unbiased` (UniDepth) and
:func:`silog_half` (Depth Anything V2).

A missing answer (NaN, or a whole image that failed) counts, in each score, as whichever end of the range
is worse there, so it can never beat an answer; for SILog half of it as one end and half as the other, each
as far as the farther one. +inf counts as the far end. In Marigold's order:
fit over the valid pixels, clip to the range, at least 1e-6 m, score at the truth's size. Alignments: see
depth_align.py; a negative scale is permitted and reported (``inverted``), never set to zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from visiongen.benchmarks.metrics.depth_align import (
    ALIGNMENTS,
    FITTED,
    FLOOR,
    align,
    apply,
    fit_pixels,
    line_fit,
    solve,
)
from visiongen.errors import InputError

__all__ = ["ALIGNMENTS", "FITTED", "DepthMetric", "Rules", "align", "from_sums", "image_sums", "line_fit"]

SUMS = (
    "n", "abs_rel", "sq_rel", "sq", "sq_log", "log", "log10", "d1", "d2", "d3", "inverted", "sq_inv",
)  # fmt: skip
HIGHER_IS_BETTER = {
    "AbsRel": False, "SqRel": False, "RMSE": False, "RMSElog": False, "log10": False,
    "SILog": False, "delta1": True, "delta2": True, "delta3": True, "iRMSE": False,
}  # fmt: skip
Range = tuple[float, float]
LEAST = 1e-6  # metres: no prediction is nearer
FAR = 1000.0  # metres: the far end where the range has none (aligned disparity ends there too)


@dataclass(frozen=True)
class Rules:
    """What a protocol says about depth.

    limits: (min, max) in metres; max may be inf. scored: "range" = truths strictly between the limits;
    "mask" = every positive truth (the dataset has left out the others), the limits only clip predictions
    (DIODE). floor: 1/m, the smallest aligned disparity. largest: a map with a longer side is fitted on fewer
    columns (depth_align.fit_pixels).
    """

    limits: Range
    alignments: tuple[str, ...] = ALIGNMENTS
    scored: str = "range"
    floor: float = FLOOR
    largest: int | None = None

    def valid(self, target: np.ndarray) -> np.ndarray:
        """Boolean mask (H, W) of the pixels that are scored."""
        return valid_pixels(target, (0.0, np.inf) if self.scored == "mask" else self.limits)

    def ends(self, target: np.ndarray) -> Range:
        """The range (low, high) that predictions for the valid truths (n,) are clipped to, both finite."""
        low, high = self.limits
        if not np.isfinite(high):
            high = max(FAR, float(target.max(initial=0)))
        return max(low, LEAST), high


def valid_pixels(target: np.ndarray, limits: Range) -> np.ndarray:
    """Boolean mask (H, W): finite truth strictly inside the range (min < g < max)."""
    with np.errstate(invalid="ignore"):
        return np.isfinite(target) & (target > limits[0]) & (target < limits[1])


def worst_depth(target: np.ndarray, limits: Range) -> np.ndarray:
    """The end of the range with the larger |p-g|/g for each positive truth; same shape."""
    low, high = limits
    return np.where(high - target > target - low, high, low)


def _sums(p: np.ndarray, g: np.ndarray, inverted: bool, ends: Range) -> list[float]:
    """Sums of predictions (n,), NaN = missing, for truths (n,); ``ends`` of the range."""
    lost = np.isnan(p)
    p = np.where(lost, worst_depth(g, ends), p)
    difference, log, inverse = p - g, np.log(p) - np.log(g), 1 / p - 1 / g
    ratio, signed = np.maximum(p / g, g / p), log
    if lost.any():
        low, high = ends
        log[lost] = np.maximum(np.abs(np.log(low / g[lost])), np.abs(np.log(high / g[lost])))
        inverse[lost] = np.maximum(np.abs(1 / low - 1 / g[lost]), np.abs(1 / high - 1 / g[lost]))
        ratio[lost], signed = np.exp(log[lost]), np.where(lost, 0, log)
    deltas = [float((ratio < 1.25**k).sum()) for k in (1, 2, 3)]
    return [
        float(g.size),
        float((np.abs(difference) / g).sum()),
        float((difference**2 / g).sum()),
        float((difference**2).sum()),
        float((log**2).sum()),
        float(signed.sum()),
        float(np.abs(log).sum() / np.log(10)),
        *deltas,
        float(inverted),
        float((inverse**2).sum()),
    ]


def image_sums(
    target: np.ndarray, prediction: np.ndarray | None, rules: Range | Rules
) -> dict[str, list[float]]:
    """Sums named in ``SUMS`` for each alignment, of one image.

    target: (H, W) metres, NaN/inf/out of range = not scored. prediction: (H, W), metres or any
    affine/scale-free depth; None = the image failed. ``rules`` may be the range alone. InputError:
    shapes differ.
    """
    rules = rules if isinstance(rules, Rules) else Rules(rules)
    target = np.asarray(target)
    keep = rules.valid(target)
    g = target[keep].astype(np.float64)
    ends = rules.ends(g)
    if prediction is None:
        return {how: _sums(np.full_like(g, np.nan), g, False, ends) for how in rules.alignments}
    prediction = np.asarray(prediction)
    if prediction.shape != target.shape:
        raise InputError(f"prediction has shape {prediction.shape}, the depth {target.shape}: resize it")
    raw = prediction[keep].astype(np.float64)
    p_fit, g_fit = raw, g
    picked = fit_pixels((target.shape[0], target.shape[1]), rules.largest)
    if picked is not None:
        seen = keep[np.ix_(*picked)]
        p_fit = prediction[np.ix_(*picked)][seen].astype(np.float64)
        g_fit = target[np.ix_(*picked)][seen].astype(np.float64)
    result = {}
    for how in rules.alignments:
        fit = solve(p_fit, g_fit, how)
        with np.errstate(over="ignore"):
            p = apply(fit, raw, rules.floor)
        result[how] = _sums(np.clip(p, *ends), g, fit is not None and fit.scale < 0, ends)
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
        "iRMSE": 1000 * np.sqrt(s["sq_inv"] / n),
    }


def silog_unbiased(sums: np.ndarray) -> np.ndarray:
    """UniDepth's SILog, 100 std(d) with divisor n - 1, of sums (..., len(SUMS)); NaN below two pixels."""
    s = np.asarray(sums, np.float64)
    n, square, total = (s[..., SUMS.index(name)] for name in ("n", "sq_log", "log"))
    spread = np.maximum(square - total**2 / np.maximum(n, 1), 0)
    return np.where(n > 1, 100 * np.sqrt(spread / np.maximum(n - 1, 1)), np.nan)


def silog_half(sums: np.ndarray) -> np.ndarray:
    """Depth Anything V2's SILog, sqrt(mean d^2 - mean(d)^2 / 2), not times 100, of sums (..., len(SUMS))."""
    s = np.asarray(sums, np.float64)
    n, square, total = (s[..., SUMS.index(name)] for name in ("n", "sq_log", "log"))
    n = np.where(n > 0, n, np.nan)
    return np.sqrt(np.maximum(square / n - (total / n) ** 2 / 2, 0))


def closer_first(depth: np.ndarray | None, near: np.ndarray, far: np.ndarray) -> np.ndarray:
    """DA-2K: bool (n,), whether depth (H, W) puts each point ``near`` (n, 2) = (row, column) before ``far``.

    Equal depths, a NaN and a depth that is not there are wrong; the accuracy is the mean over all pairs.
    """
    near, far = np.asarray(near, np.int64), np.asarray(far, np.int64)
    if depth is None:
        return np.zeros(len(near), bool)
    return np.asarray(depth[near[:, 0], near[:, 1]] < depth[far[:, 0], far[:, 1]])


class DepthMetric:
    """Accumulator: keeps one row of sums an image and alignment."""

    def __init__(self, limits: Range | Rules) -> None:
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
