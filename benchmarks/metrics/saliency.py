"""Salient objects: MAE, F-, weighted F-, E- and S-measure, as PySODMetrics computes them.

Truth: (H, W), object where above 0.5; NaN counts as background. Prediction: (H, W) in [0, 1], rounded to 8
bits and (unless told not to) stretched to its own minimum and maximum, a constant one left as it is, as the
field does. maxF and maxE are maxima of the mean curve over 256 thresholds, meanF and meanE its mean, adpF and
adpE are at twice the map's mean. F: beta^2 = .3. wF: Margolin et al., CVPR 2014, beta^2 = 1. E: Fan et al.,
arXiv 1805.10421. S: Fan et al., arXiv 1708.00786, alpha = .5.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from visiongen.benchmarks.metrics.shares import as_shares
from visiongen.errors import InputError

BETA2 = 0.3
LEVELS = 256
EPS = float(np.spacing(1))
NAMES = ("MAE", "S", "adpF", "wF", "adpE")
HIGHER_IS_BETTER = {"MAE": False} | dict.fromkeys(
    ("maxF", "meanF", "adpF", "wF", "maxE", "meanE", "adpE", "S"), True
)


def image_stats(truth: np.ndarray, prediction: np.ndarray | None, stretched: bool = True) -> dict[str, Any]:
    """{"mae", "s", "adaptive", "weighted", "e_adaptive": numbers, "curve", "e_curve": F, E at 255 ... 0}.

    None: MAE 1 and nothing else. What is not finite counts as the opposite of the truth. InputError:
    shapes, a prediction of levels 0 to 255.
    """
    mask = np.nan_to_num(np.asarray(truth, np.float64), nan=0) > 0.5
    shape = mask.shape if prediction is None else np.shape(prediction)
    if mask.ndim != 2 or shape != mask.shape:
        raise InputError(f"saliency: prediction {shape}, truth {mask.shape}; give one (H, W)")
    if prediction is None:
        none = dict.fromkeys(("s", "adaptive", "weighted", "e_adaptive"), 0.0)
        return {"mae": 1.0, **none, "curve": [0.0] * LEVELS, "e_curve": [0.0] * LEVELS}
    values = stretch(prediction, mask, stretched)
    cut = values >= min(2 * values.mean(), 1)
    found, chosen = _counts(values, mask)
    return {
        "mae": float(np.abs(values - mask).mean()),
        "s": s_measure(values, mask),
        "adaptive": float(_f(*_cut(cut, mask), int(mask.sum()))),
        "weighted": weighted_f(values, mask),
        "e_adaptive": float(_e(*_cut(cut, mask), mask)),
        "curve": _f(found, chosen, int(mask.sum())).tolist(),
        "e_curve": _e(found, chosen, mask).tolist(),
    }


def stretch(prediction: np.ndarray, mask: np.ndarray, stretched: bool = True) -> np.ndarray:
    """The prediction as 8-bit levels / 255, float64 (H, W); stretched to 0 ... 1 unless it is constant."""
    values = as_shares("saliency prediction", prediction)
    values = np.where(np.isfinite(values), np.clip(values, 0, 1), ~mask)
    # Divided before it is stretched, as PySODMetrics does: rounding decides which threshold a level meets.
    shares = (values * 255).round() / 255
    low, high = shares.min(), shares.max()
    return (shares - low) / (high - low) if stretched and high > low else shares


def f_curve(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """F-measure (256,) of ``values`` >= t at t = 255/255 ... 0; 0 where nothing true is found."""
    return _f(*_counts(values, mask), int(mask.sum()))


def e_curve(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """E-measure (256,) of ``values`` >= t at t = 255/255 ... 0."""
    return _e(*_counts(values, mask), mask)


def _counts(values: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True and all pixels (256,) at or above each level, the highest first."""
    levels = (values * 255).astype(np.uint8)
    inside = np.bincount(levels[mask], minlength=LEVELS)[::-1].cumsum()
    return inside, np.bincount(levels.ravel(), minlength=LEVELS)[::-1].cumsum()


def _cut(chosen: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same of one mask."""
    return np.array((chosen & mask).sum()), np.array(chosen.sum())


def _f(found: np.ndarray, chosen: np.ndarray, there: int) -> np.ndarray:
    precision, recall = found / np.maximum(chosen, 1), found / max(there, 1)
    total = BETA2 * precision + recall
    return np.asarray((1 + BETA2) * precision * recall / np.where(total > 0, total, 1))


def _e(found: np.ndarray, chosen: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """E-measure of cuts with ``found`` true pixels of ``chosen``: both maps centred, then their alignment.

    Centred binary maps take four values together, so four numbers of pixels say everything.
    """
    size, there = mask.size, int(mask.sum())
    if there in (0, size):
        total = chosen if there else size - chosen
    else:
        given, wanted = chosen / size, there / size
        total = np.zeros(np.shape(chosen))
        for count, a, b in (
            (found, 1 - given, 1 - wanted),
            (chosen - found, 1 - given, -wanted),
            (there - found, -given, 1 - wanted),
            (size - there - chosen + found, -given, -wanted),
        ):
            total = total + count * (2 * a * b / (a * a + b * b + EPS) + 1) ** 2 / 4
    return np.asarray(total / (size - 1 + EPS))


# --- weighted F -------------------------------------------------------------------------------


def weighted_f(values: np.ndarray, mask: np.ndarray) -> float:
    """Margolin's F of values (H, W) in [0, 1] and bool (H, W); 0 where there is no object.

    Errors inside the object are softened over 7x7 (Gaussian, sigma 5), those outside weigh more the farther
    they are from it.
    """
    import cv2
    from scipy.ndimage import distance_transform_edt

    if not mask.any():
        return 0.0
    away, nearest = distance_transform_edt(~mask, return_indices=True)
    error = np.abs(values - mask)
    spread = np.where(mask, error, error[nearest[0], nearest[1]])
    line = np.exp(-(np.arange(-3, 4) ** 2) / 50)
    kernel = np.outer(line, line) / np.outer(line, line).sum()
    soft = cv2.filter2D(spread, cv2.CV_64F, kernel, borderType=cv2.BORDER_CONSTANT)
    least = np.where(mask & (soft < error), soft, error)
    weighed = least * np.where(mask, 1, 2 - np.exp(np.log(0.5) / 5 * away))
    inside = weighed[mask]
    right, false = mask.sum() - inside.sum(), weighed[~mask].sum()
    recall, precision = 1 - inside.mean(), right / (right + false + EPS)
    return float(2 * recall * precision / (recall + precision + EPS))


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
    """1, the five numbers of ``NAMES`` and both curves, float64 (518,)."""
    numbers = [stats[key] for key in ("mae", "s", "adaptive", "weighted", "e_adaptive")]
    return np.array([1.0, *numbers, *stats["curve"], *stats["e_curve"]])


def scores(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Means over images (...) of sums (..., 518); NaN without any."""
    sums = np.asarray(sums, np.float64)
    mean = sums[..., 1:] / np.where(sums[..., :1] > 0, sums[..., :1], np.nan)
    start = len(NAMES)
    f, e = mean[..., start : start + LEVELS], mean[..., start + LEVELS :]
    numbers = {name: mean[..., place] for place, name in enumerate(NAMES)}
    curves = {"maxF": f.max(-1), "meanF": f.mean(-1), "maxE": e.max(-1), "meanE": e.mean(-1)}
    return {name: (numbers | curves)[name] for name in HIGHER_IS_BETTER}


class SaliencyMetric:
    """Accumulator: one vector of sums."""

    def __init__(self, stretched: bool = True) -> None:
        self.stretched = stretched
        self.sums = np.zeros(1 + len(NAMES) + 2 * LEVELS)

    def update(self, truth: np.ndarray, prediction: np.ndarray | None) -> None:
        """Add one image; None has MAE 1."""
        self.sums += vector(image_stats(truth, prediction, self.stretched))

    def merge(self, other: SaliencyMetric) -> None:
        """Add the images of another accumulator."""
        self.sums += other.sums

    def compute(self) -> dict[str, float]:
        """The scores of all images."""
        return {name: float(value) for name, value in scores(self.sums).items()}
