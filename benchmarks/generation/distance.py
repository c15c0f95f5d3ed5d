"""Kernel distance between two sets of photos, unbiased for any number of them.

The Kernel Inception Distance of Binkowski et al. 2018 (arXiv 1801.01401) in other features: squared
maximum mean discrepancy under the kernel (x.y / d + 1)^3, estimated without the diagonal. A Frechet
distance needs many more photos than features and is too large for fewer; this is right on average for
two photos, and may be below 0 where the sets are alike. Its values are not comparable with published KIDs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from visiongen.benchmarks.metrics.bootstrap import RESAMPLES, draws, percentile_interval, rounded
from visiongen.errors import InputError


@dataclass(frozen=True)
class Distance:
    """``value`` and its 95 % interval over the photos of both sets."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        """Rounded."""
        return rounded(self.value, self.low, self.high)


def kernel(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """(N, d), (M, d) -> (N, M)."""
    return np.asarray((one @ two.T / one.shape[1] + 1) ** 3)


def distance(real: np.ndarray, made: np.ndarray, resamples: int = RESAMPLES) -> Distance:
    """Between features (N, d) and (M, d); InputError for fewer than two photos.

    The interval is a percentile bootstrap over photos of both sets. Pairs of one photo with itself,
    which a resample has more of, are left out as the estimator leaves them out.
    """
    if len(real) < 2 or len(made) < 2:
        raise InputError(f"{len(real)} real photos against {len(made)}: give at least 2 of each")
    one, two, across = kernel(real, real), kernel(made, made), kernel(real, made)
    for matrix in (one, two):
        np.fill_diagonal(matrix, 0)
    value = float(_estimates(one, two, across, np.ones((1, len(real))), np.ones((1, len(made))))[0])
    n, m = draws(len(real), resamples), draws(len(made), resamples, seed=4321)
    return Distance(value, *percentile_interval(_estimates(one, two, across, n, m)))


def _estimates(
    real: np.ndarray, made: np.ndarray, across: np.ndarray, n: np.ndarray, m: np.ndarray
) -> np.ndarray:
    """One estimate a row of counts (R, N), (R, M); the matrices within have no diagonal."""
    total = (n @ across * m).sum(1) / (n.sum(1) * m.sum(1))
    return _mean_pair(real, n) + _mean_pair(made, m) - 2 * total


def _mean_pair(matrix: np.ndarray, counts: np.ndarray) -> np.ndarray:
    pairs = counts.sum(1) ** 2 - (counts**2).sum(1)
    return np.asarray((counts @ matrix * counts).sum(1) / np.where(pairs > 0, pairs, np.nan))
