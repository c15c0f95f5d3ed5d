"""Salient objects: MAE, F-measure (beta^2 = 0.3) and S-measure, as PySODMetrics computes them.

Truth: (H, W), object where above 0.5; NaN counts as background. Prediction: (H, W) in [0, 1],
rounded to 8 bits and stretched to its own minimum and maximum (a constant one is left as it is), as
the field does. maxF is the maximum of the mean curve over 256 thresholds, meanF its mean; S: Fan et
al. 2017, arXiv 1708.00786, alpha = 0.5.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from visiongen.errors import InputError

BETA2 = 0.3
LEVELS = 256
EPS = float(np.spacing(1))
HIGHER_IS_BETTER = {"MAE": False, "maxF": True, "meanF": True, "adpF": True, "S": True}


def image_stats(truth: np.ndarray, prediction: np.ndarray | None) -> dict[str, Any]:
    """{"mae", "s", "adaptive": numbers, "curve": F at thresholds 255 ... 0}; InputError: shapes.

    None: MAE 1 and nothing else. A NaN in the prediction counts as the opposite of the truth.
    """
    mask = np.nan_to_num(np.asarray(truth, np.float64), nan=0) > 0.5
    shape = mask.shape if prediction is None else np.shape(prediction)
    if mask.ndim != 2 or shape != mask.shape:
        raise InputError(f"saliency: prediction {shape}, truth {mask.shape}; give one (H, W)")
    if prediction is None:
        return {"mae": 1.0, "s": 0.0, "adaptive": 0.0, "curve": [0.0] * LEVELS}
    values = stretch(prediction, mask)
    return {
        "mae": float(np.abs(values - mask).mean()),
        "s": s_measure(values, mask),
        "adaptive": _adaptive(values, mask),
        "curve": f_curve(values, mask).tolist(),
    }


def stretch(prediction: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The prediction as 8-bit levels / 255, from 0 to 1 unless it is constant, float64 (H, W)."""
    values = np.asarray(prediction, np.float64)
    values = np.where(np.isnan(values), ~mask, np.clip(values, 0, 1))
    levels = (values * 255).round()
    low, high = levels.min(), levels.max()
    return (levels - low) / (high - low) if high > low else levels / 255


def f_curve(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """F-measure (256,) of ``values`` >= t at t = 255/255 ... 0; 0 where nothing true is found."""
    levels = (values * 255).astype(np.uint8)
    inside = np.bincount(levels[mask], minlength=LEVELS)[::-1].cumsum()
    every = np.bincount(levels.ravel(), minlength=LEVELS)[::-1].cumsum()
    return _f(inside, every, int(mask.sum()))


def _f(found: np.ndarray, chosen: np.ndarray, there: int) -> np.ndarray:
    precision, recall = found / np.maximum(chosen, 1), found / max(there, 1)
    total = BETA2 * precision + recall
    return np.asarray((1 + BETA2) * precision * recall / np.where(total > 0, total, 1))


def _adaptive(values: np.ndarray, mask: np.ndarray) -> float:
    """F at twice the mean, at most 1."""
    chosen = values >= min(2 * values.mean(), 1)
    return float(_f(np.array((chosen & mask).sum()), np.array(chosen.sum()), int(mask.sum())))


# --- S-measure --------------------------------------------------------------------------------


def s_measure(values: np.ndarray, mask: np.ndarray) -> float:
    """Half object, half region similarity of values (H, W) in [0, 1] and bool (H, W); at least 0."""
    share = float(mask.mean())
    if share in (0.0, 1.0):
        return float(values.mean() if share else 1 - values.mean())
    alike = share * _object(values[mask]) + (1 - share) * _object(1 - values[~mask])
    return max(0.0, 0.5 * alike + 0.5 * _region(values, mask))


def _object(values: np.ndarray) -> float:
    """How near to 1, and how even, values (n,) are."""
    mean, spread = float(values.mean()), float(values.std(ddof=1)) if values.size > 1 else 0.0
    return 2 * mean / (mean**2 + 1 + spread + EPS)


def _region(values: np.ndarray, mask: np.ndarray) -> float:
    """Similarity of the four parts around the object's centroid, weighted by their area."""
    cy, cx = (int(c) + 1 for c in np.argwhere(mask).mean(axis=0).round())
    total = 0.0
    for rows in (slice(None, cy), slice(cy, None)):
        for columns in (slice(None, cx), slice(cx, None)):
            part = mask[rows, columns]
            if part.size:
                total += _similarity(values[rows, columns], part.astype(np.float64)) * part.size
    return total / mask.size


def _similarity(one: np.ndarray, two: np.ndarray) -> float:
    """SSIM of two whole blocks, without its constants."""
    n = one.size - 1 + EPS
    x, y = float(one.mean()), float(two.mean())
    a, b = one - x, two - y
    above = 4 * x * y * float((a * b).sum()) / n
    below = (x * x + y * y) * (float((a * a).sum()) + float((b * b).sum())) / n
    if above != 0:
        return above / (below + EPS)
    return 1.0 if below == 0 else 0.0


# --- sums and scores --------------------------------------------------------------------------


def vector(stats: dict[str, Any]) -> np.ndarray:
    """1, MAE, S, adaptive F and the curve, float64 (260,)."""
    return np.array([1.0, stats["mae"], stats["s"], stats["adaptive"], *stats["curve"]])


def scores(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Means over images (...) of sums (..., 260); NaN without any."""
    sums = np.asarray(sums, np.float64)
    mean = sums[..., 1:] / np.where(sums[..., :1] > 0, sums[..., :1], np.nan)
    curve = mean[..., 3:]
    return {
        "MAE": mean[..., 0],
        "maxF": curve.max(-1),
        "meanF": curve.mean(-1),
        "adpF": mean[..., 2],
        "S": mean[..., 1],
    }


class SaliencyMetric:
    """Accumulator: one vector of sums."""

    def __init__(self) -> None:
        self.sums = np.zeros(4 + LEVELS)

    def update(self, truth: np.ndarray, prediction: np.ndarray | None) -> None:
        """Add one image; None has MAE 1."""
        self.sums += vector(image_stats(truth, prediction))

    def merge(self, other: SaliencyMetric) -> None:
        """Add the images of another accumulator."""
        self.sums += other.sums

    def compute(self) -> dict[str, float]:
        """The scores of all images."""
        return {name: float(value) for name, value in scores(self.sums).items()}
