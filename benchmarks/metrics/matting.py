"""Matting: SAD, MSE, MAD, Grad and Conn of an alpha matte, over the whole image and in the unknown region.

Truth: opacity (H, W) in [0, 1], NaN = not scored; or (H, W, 2) with the trimap's unknown region
(1 = unknown) in the second channel. Without one, the unknown region is what lies within ``BAND``
of the diagonal of a pixel that is neither opaque nor see-through, or of the border between both.

Whole image, as P3M-500 and AIM-500: SAD (sum / 1000), MSE, MAD (means), Grad, Conn in the convention "p3m";
SAD_fg and SAD_bg are the parts of SAD on what is known to be opaque and see-through. Unknown region, as
Composition-1k: NAME_trimap, Grad and Conn in the convention "comp1k", everything else set to what the
trimap knows. Both conventions: matting_errors.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from visiongen.benchmarks.metrics.matting_errors import connectivity_error, gradient_error
from visiongen.benchmarks.metrics.shares import as_shares
from visiongen.errors import InputError

BAND = 0.0125  # 10 pixels at 640 x 480
SURE = 0.5 / 255
WHOLE = ("SAD", "MSE", "MAD", "SAD_fg", "SAD_bg", "Grad", "Conn")
TRIMAP = ("SAD_trimap", "MSE_trimap", "MAD_trimap", "Grad_trimap", "Conn_trimap")
SUMS = ("images", *WHOLE, "trimaps", *TRIMAP)
HIGHER_IS_BETTER = {name: False for name in SUMS if name not in ("images", "trimaps")}


def unknown_region(alpha: np.ndarray) -> np.ndarray:
    """bool (H, W): the trimap that a careful user would draw around the border of ``alpha`` (H, W)."""
    import cv2

    seen = np.nan_to_num(alpha, nan=0)
    core = (seen > SURE) & (seen < 1 - SURE)
    inside = (seen >= 0.5).astype(np.uint8)
    core |= cv2.morphologyEx(inside, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    away = cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(away <= BAND * np.hypot(*alpha.shape)) & core.any()


def image_stats(truth: np.ndarray, prediction: np.ndarray | None, lenient: bool = False) -> dict[str, Any]:
    """{"sums": the numbers named in ``SUMS``}; InputError: shapes, levels 0 to 255 instead of opacity.

    None, and a pixel that is NaN, counts as the end of [0, 1] that is farther from the truth; other
    numbers are clipped to [0, 1]. An image without unknown pixels leaves the trimap's sums alone.
    ``lenient``: Conn as P3M's code has it (matting_errors.py), unless something is missing.
    """
    truth = as_shares("alpha: truth", truth)
    if truth.ndim not in (2, 3) or (truth.ndim == 3 and truth.shape[2] != 2):
        raise InputError(f"alpha: truth {truth.shape}; give (H, W), or (H, W, 2) with the trimap")
    alpha = truth if truth.ndim == 2 else truth[..., 0]
    unknown = unknown_region(alpha) if truth.ndim == 2 else truth[..., 1] >= 0.5
    if prediction is not None and np.shape(prediction) != alpha.shape:
        raise InputError(f"alpha: prediction {np.shape(prediction)}, truth {alpha.shape}; resize it")
    known = np.isfinite(alpha)
    if not known.any():
        return {"sums": [0.0] * len(SUMS)}
    alpha = np.where(known, np.clip(alpha, 0, 1), 0.0)
    worst = np.where(alpha < 0.5, 1.0, 0.0)
    given = worst if prediction is None else as_shares("alpha: prediction", prediction)
    missing = ~np.isfinite(given) if prediction is not None else np.ones(alpha.shape, bool)
    given = np.where(missing, worst, np.clip(given, 0, 1))
    given[~known] = 0.0  # as in the truth: no error, no edge
    whole = _whole(given, alpha, known, unknown, missing, lenient and not missing.any())
    sure = known & ~unknown
    unknown = unknown & known
    part = _part(np.where(sure, alpha >= 0.5, given), alpha, unknown, missing)
    return {"sums": [float(v) for v in (1.0, *whole, float(unknown.any()), *part)]}


def _whole(
    given: np.ndarray,
    alpha: np.ndarray,
    known: np.ndarray,
    unknown: np.ndarray,
    missing: np.ndarray,
    lenient: bool,
) -> list[float]:
    """The values named in ``WHOLE``."""
    error = np.abs(given - alpha)
    count = int(known.sum())
    opaque = alpha >= 0.5
    return [
        error.sum() / 1000,
        (error**2).sum() / count,
        error.sum() / count,
        error[opaque & ~unknown].sum() / 1000,
        error[~opaque & ~unknown].sum() / 1000,
        gradient_error(given, alpha, known, "p3m", missing),
        connectivity_error(given, alpha, known, "p3m", lenient),
    ]


def _part(given: np.ndarray, alpha: np.ndarray, unknown: np.ndarray, missing: np.ndarray) -> list[float]:
    """The values named in ``TRIMAP``; zeros where nothing is unknown."""
    near = np.abs(given - alpha)[unknown]
    if not near.size:
        return [0.0] * len(TRIMAP)
    return [
        near.sum() / 1000,
        (near**2).mean(),
        near.mean(),
        gradient_error(given, alpha, unknown, "comp1k", missing),
        connectivity_error(given, alpha, unknown, "comp1k"),
    ]


def vector(stats: dict[str, Any]) -> np.ndarray:
    """The sums, float64 (14,)."""
    return np.asarray(stats["sums"], np.float64)


def scores(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Means over images (...) of sums (..., 14), the names of ``WHOLE`` and ``TRIMAP``; NaN without any."""
    table = dict(zip(SUMS, np.moveaxis(np.asarray(sums, np.float64), -1, 0), strict=True))
    images = np.where(table["images"] > 0, table["images"], np.nan)
    trimaps = np.where(table["trimaps"] > 0, table["trimaps"], np.nan)
    return {name: table[name] / (trimaps if "trimap" in name else images) for name in HIGHER_IS_BETTER}


class MattingMetric:
    """Accumulator: one vector of sums."""

    def __init__(self) -> None:
        self.sums = np.zeros(len(SUMS))

    def update(self, truth: np.ndarray, prediction: np.ndarray | None) -> None:
        """Add one image; None counts as the opposite of the truth."""
        self.sums += vector(image_stats(truth, prediction))

    def merge(self, other: MattingMetric) -> None:
        """Add the images of another accumulator."""
        self.sums += other.sums

    def compute(self) -> dict[str, float]:
        """The scores of all images."""
        return {name: float(value) for name, value in scores(self.sums).items()}
