"""Intrinsic images: base colour, shading and residual against measured or rendered ones.

Arrays float (H, W) or (H, W, C); ``mask`` bool (H, W), None = everywhere. Which of these may scale the
prediction is in its name: PSNR, SSIM and RMSE may not (Marigold's protocol for albedo), si-MSE and LMSE may.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from visiongen.errors import InputError

LUMA = (0.3, 0.59, 0.11)
EXPOSED, PERCENTILE = 0.8, 90.0


def si_mse(
    truth: np.ndarray, prediction: np.ndarray, mask: np.ndarray | None = None, per_channel: bool = False
) -> float:
    """min over a of mean (truth - a prediction)^2, one a for all channels, or one for each.

    A NaN in the prediction is 0 there. InputError: shapes, an empty mask.
    """
    c, e = _pixels(truth, prediction, mask)
    axis = 0 if per_channel else None
    return float(_residue((c * c).sum(axis), (c * e).sum(axis), (e * e).sum(axis)).sum() / c.size)


def _residue(cc: np.ndarray, ce: np.ndarray, ee: np.ndarray) -> np.ndarray:
    """Least squared error of c - a e from sums of their products; a prediction of zeros explains nothing."""
    return np.asarray(np.maximum(cc - np.where(ee > 0, ce * ce / np.where(ee > 0, ee, 1), 0), 0))


def lmse(
    truth: np.ndarray, prediction: np.ndarray, mask: np.ndarray | None = None, window: int = 20
) -> float:
    """Local MSE (Grosse et al. 2009): squared error with the best scale in each window over that of zeros.

    Windows of ``window`` pixels, half overlapping, one scale for all channels of a window; a picture smaller
    than one is one window. 0 = equal up to local scale, 1 = no better than black. NaN counts as 0.
    """
    seen = np.ones(np.shape(truth)[:2], bool) if mask is None else np.asarray(mask, bool)
    _pixels(truth, prediction, seen)
    c, e = (np.atleast_3d(np.asarray(a, np.float64)) for a in (truth, prediction))
    c, e = np.where(seen[..., None], c, 0), _finite(np.where(seen[..., None], e, 0))
    cc, ce, ee = (_windows((a * b).sum(axis=2), window) for a, b in ((c, c), (c, e), (e, e)))
    return float(_residue(cc, ce, ee).sum() / cc.sum()) if cc.sum() > 0 else float((ee > 0).any())


def _windows(values: np.ndarray, window: int) -> np.ndarray:
    """Sums over the windows, (rows, columns)."""
    height, width = (min(window, n) for n in values.shape)
    table = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    table[1:, 1:] = values.cumsum(0).cumsum(1)
    rows = np.arange(0, values.shape[0] - height + 1, max(1, window // 2))
    columns = np.arange(0, values.shape[1] - width + 1, max(1, window // 2))
    top, low = table[rows], table[rows + height]
    found: np.ndarray = (low - top)[:, columns + width] - (low - top)[:, columns]
    return np.maximum(found, 0)


def whdr(reflectance: np.ndarray, judgements: Mapping[str, Any], delta: float = 0.1) -> float:
    """Weighted human disagreement rate in [0, 1] (Bell et al. 2014) of linear reflectance (H, W[, 3]).

    ``judgements``: IIW's JSON, "intrinsic_points" and "intrinsic_comparisons". Pairs with a point that is not
    opaque, or without positive weight, are left out; NaN where none is left. A NaN pixel disagrees.
    Coordinates are shares of the sides, 1 the last pixel; InputError outside of [0, 1].
    """
    light = np.asarray(reflectance, np.float64)
    light = light if light.ndim == 2 else light.mean(axis=2)
    points = {p["id"]: p for p in judgements["intrinsic_points"]}
    wrong = total = 0.0
    for pair in judgements["intrinsic_comparisons"]:
        ends = [points[pair[key]] for key in ("point1", "point2")]
        weight = pair.get("darker_score") or 0.0
        if not all(end["opaque"] for end in ends) or weight <= 0 or pair["darker"] not in ("1", "2", "E"):
            continue
        one, two = (_at(light, end) for end in ends)
        total += weight
        wrong += weight * (not np.isfinite(one + two) or darker(one, two, delta) != pair["darker"])
    return wrong / total if total else float("nan")


def _at(light: np.ndarray, point: Mapping[str, Any]) -> float:
    x, y = point["x"], point["y"]
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise InputError(f"point {point['id']}: x {x}, y {y}; both are shares of the sides, from 0 to 1")
    height, width = light.shape
    return float(light[min(int(y * height), height - 1), min(int(x * width), width - 1)])


def darker(one: float, two: float, delta: float = 0.1) -> str:
    """ "1" or "2", whichever is darker by more than ``delta``, else "E"."""
    one, two = max(one, 1e-10), max(two, 1e-10)
    return "1" if two / one > 1 + delta else "2" if one / two > 1 + delta else "E"


def fit_scale(truth: np.ndarray, prediction: np.ndarray, mask: np.ndarray | None = None) -> float:
    """The a of least squares truth = a prediction, all channels jointly; as it is, also when negative."""
    c, e = _pixels(truth, prediction, mask)
    return float((c * e).sum() / (e * e).sum()) if (e * e).sum() > 0 else 0.0


def expose(
    truth: np.ndarray, prediction: np.ndarray, mask: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Shading or residual (H, W, 3), both in [0, 1], as Marigold's protocol for Hypersim compares them.

    The prediction is scaled to the truth (:func:`fit_scale`); then both are multiplied so that the 90th
    percentile of the truth's luma (.3, .59, .11) is .8, and clamped.
    """
    scaled = _finite(np.asarray(prediction, np.float64)) * fit_scale(truth, prediction, mask)
    seen = np.ones(np.shape(truth)[:2], bool) if mask is None else np.asarray(mask, bool)
    bright = float(np.percentile((np.asarray(truth, np.float64) @ LUMA)[seen], PERCENTILE))
    factor = EXPOSED / bright if bright > 1e-9 else 1.0
    return np.clip(np.asarray(truth, np.float64) * factor, 0, 1), np.clip(scaled * factor, 0, 1)


def _finite(values: np.ndarray) -> np.ndarray:
    return np.nan_to_num(values, nan=0, posinf=0, neginf=0)


def _pixels(
    truth: np.ndarray, prediction: np.ndarray, mask: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Scored pixels of both, float64 (n, C); NaN in the prediction becomes 0. InputError."""
    c, e = np.asarray(truth, np.float64), np.asarray(prediction, np.float64)
    if c.shape != e.shape or c.ndim not in (2, 3) or (mask is not None and np.shape(mask) != c.shape[:2]):
        raise InputError(
            f"maps: prediction {e.shape}, truth {c.shape}; give two (H, W[, C]) and a mask (H, W)"
        )
    c, e = np.atleast_3d(c), np.atleast_3d(e)
    seen = np.ones(c.shape[:2], bool) if mask is None else np.asarray(mask, bool)
    c, e = c[seen], _finite(e[seen])
    if not c.size or not np.isfinite(c).all():
        raise InputError("maps: no pixel is scored, or a scored one has no truth; check the mask")
    return c, e
