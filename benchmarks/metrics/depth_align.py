"""Scale and shift between a predicted depth and the true one, under every convention of the field.

none           the prediction is metres
median         scale: median of the truth / median of the prediction (monodepth2)
lsq_depth      scale and shift, least squares in metres (Marigold's ``least_square``)
lsq_disparity  the same between 1 / depth; what comes out is at least ``floor`` before it is inverted
               (Marigold's ``least_square_disparity``: 1e-3; MiDaS: 1 / cap)
lsq_log        the same between logarithms
ransac_log     the same between logarithms, robustly: of ``TRIALS`` lines through two pixels the one that
               most pixels lie within ``WITHIN`` of (in ln depth), then least squares over those. The draw
               is seeded, so that a score is the same every time.

No weights, no trimming (but for RANSAC), and a negative scale is kept, as in Marigold. Sums are float64
and closed, without the N x 2 matrix of ``lstsq``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from visiongen.errors import InputError

ALIGNMENTS = ("none", "median", "lsq_depth", "lsq_disparity", "lsq_log", "ransac_log")
FITTED = ALIGNMENTS[2:]  # those whose scale may turn out negative
FLOOR = 1e-3  # 1/m: the smallest aligned disparity
TRIALS, VOTERS, WITHIN, SEED = 128, 1024, 0.1, 0  # of RANSAC: lines tried, pixels that vote, reach, seed
_FLAT = 1e-6  # a variance below this part of the mean square is summed again around the mean


class Fit(NamedTuple):
    """An alignment found by :func:`solve`: y = scale x + shift, in the space that ``how`` names."""

    how: str
    scale: float
    shift: float


def line_fit(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Scale and shift of least squares y = s x + t, of float64 (n,), by sums in float64.

    Constant or empty x has no slope: s = 0, t = mean(y).
    """
    if not x.size:
        return 0.0, 0.0
    return _from_sums(x, y, x.size)


def masked_line_fit(x: np.ndarray, y: np.ndarray, keep: np.ndarray) -> tuple[float, float]:
    """:func:`line_fit` over the pixels ``keep``, bool (H, W), of maps x, y (H, W) of any float type.

    No pixel is gathered: what is left out (NaN included) is zero in every sum.
    """
    import cv2

    count = int(np.count_nonzero(keep))
    if not count:
        return 0.0, 0.0
    mask = np.ascontiguousarray(keep, bool).view(np.uint8)
    a, b = (cv2.copyTo(np.ascontiguousarray(v), mask).astype(np.float64).ravel() for v in (x, y))
    return _from_sums(a, b, count, keep)


def _from_sums(x: np.ndarray, y: np.ndarray, n: int, keep: np.ndarray | None = None) -> tuple[float, float]:
    """Least squares over n numbers; those outside of ``keep`` are zero."""
    x0, y0 = float(x.sum()) / n, float(y.sum()) / n
    square = float(x @ x)
    spread = square - n * x0 * x0
    if spread > _FLAT * square:  # nothing of note cancels: 1e-16 becomes 1e-10 at the most
        scale = (float(x @ y) - n * x0 * y0) / spread
        return scale, y0 - scale * x0
    dx, dy = x - x0, y - y0
    if keep is not None:
        dx *= keep.ravel()
    spread = float(dx @ dx)
    if spread <= 1e-18 * max(1.0, x0 * x0) * n:
        return 0.0, y0
    scale = float(dx @ dy) / spread
    return scale, y0 - scale * x0


def ransac_line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Scale and shift of y = s x + t that most pixels agree with, of float64 (n,); see the module."""
    rng = np.random.default_rng(SEED)
    voters = np.arange(x.size) if x.size <= VOTERS else np.sort(rng.choice(x.size, VOTERS, replace=False))
    u, v = x[voters], y[voters]
    if u.size < 2 or np.ptp(u) <= 1e-9:
        return line_fit(x, y)
    first, second = rng.integers(u.size, size=(2, TRIALS))
    step = u[second] - u[first]
    usable = np.abs(step) > 1e-9
    if not usable.any():
        return line_fit(x, y)
    scale = (v[second] - v[first])[usable] / step[usable]
    shift = v[first][usable] - scale * u[first][usable]
    votes = (np.abs(scale[:, None] * u + shift[:, None] - v) < WITHIN).sum(1)
    best = int(votes.argmax())
    line = float(scale[best]), float(shift[best])
    for _ in range(2):  # least squares over those that agree, and once more over those that agree with it
        agree = np.abs(line[0] * x + line[1] - y) < WITHIN
        if agree.sum() < 2 or np.ptp(x[agree]) <= 1e-9:
            break
        line = line_fit(x[agree], y[agree])
    return line


def solve(prediction: np.ndarray, target: np.ndarray, how: str) -> Fit | None:
    """The fit of predictions to truths, float64 (n,) in metres; None where no pixel can be used.

    Used are finite predictions, and for all but ``lsq_depth`` positive ones. InputError: unknown ``how``.
    """
    if how not in ALIGNMENTS:
        raise InputError(f"alignment {how!r} is unknown: choose one of {', '.join(ALIGNMENTS)}")
    if how == "none":
        return Fit(how, 1.0, 0.0)
    usable = np.isfinite(prediction)
    if how != "lsq_depth":
        usable &= prediction > 0
    if not usable.any():
        return None
    p, g = prediction[usable], target[usable]
    if how == "median":
        return Fit(how, float(np.median(g) / np.median(p)), 0.0)
    if how == "lsq_depth":
        return Fit(how, *line_fit(p, g))
    if how == "lsq_disparity":
        return Fit(how, *line_fit(1 / p, 1 / g))
    return Fit(how, *(line_fit if how == "lsq_log" else ransac_line)(np.log(p), np.log(g)))


def apply(fit: Fit | None, prediction: np.ndarray, floor: float = FLOOR) -> np.ndarray:
    """Aligned predictions (n,) in metres. NaN stays NaN, +inf stays +inf (in disparity it is 0).

    A pixel that the space does not know (p <= 0 for disparity and log), and without a fit every pixel,
    becomes NaN: it later counts as missing.
    """
    if fit is None:
        return np.full_like(prediction, np.nan)
    if fit.how in ("none", "median"):
        return prediction * fit.scale if fit.how == "median" else prediction
    if fit.how == "lsq_depth":
        away = np.isinf(prediction)
        return np.where(away, prediction, fit.scale * np.where(away, 0, prediction) + fit.shift)
    positive = np.where(prediction > 0, prediction, np.nan)
    if fit.how == "lsq_disparity":
        return np.asarray(1 / np.maximum(fit.scale / positive + fit.shift, floor))
    log = np.log(positive)
    away = np.isinf(log)
    aligned = np.exp(np.clip(fit.scale * np.where(away, 0, log) + fit.shift, -50, 50))
    return np.where(away, np.inf, aligned)


def align(prediction: np.ndarray, target: np.ndarray, how: str) -> tuple[np.ndarray, bool]:
    """Aligned predictions (n,) for truths (n,) in metres, and whether the fitted scale is negative."""
    p, g = prediction.astype(np.float64), target.astype(np.float64)
    fit = solve(p, g, how)
    return apply(fit, p), fit is not None and fit.scale < 0


def nearest_places(length: int, scale: float) -> np.ndarray:
    """Source positions of a nearest-neighbour reduction by ``scale``, as torch's Upsample picks them."""
    step = np.float32(1.0) / np.float32(scale)
    picked = np.floor(np.arange(int(np.floor(length * scale)), dtype=np.float32) * step).astype(np.int64)
    return np.minimum(picked, length - 1)


def fit_pixels(size: tuple[int, int], largest: int | None) -> tuple[np.ndarray, np.ndarray] | None:
    """Rows and columns that a fit looks at when a side exceeds ``largest``; None: every pixel.

    Marigold's ``--alignment_max_res`` (1024 for ETH3D): for the fit alone, nearest neighbour. Its code gives
    torch's Upsample a map (1, H, W), which that reads as H channels of one row: the columns are thinned by
    ``largest`` / the longer side, and every row stays.
    """
    if largest is None or max(size) <= largest:
        return None
    return np.arange(size[0]), nearest_places(size[1], largest / max(size))
