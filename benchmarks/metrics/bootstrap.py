"""Percentile bootstrap over images, from per-image sufficient statistics.

A resample is a vector of counts (how often each image was drawn), so that thousands of resamples
are one matrix product with the per-image statistics. The same seed and number of images give the
same draws, which makes the comparison of two models paired.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

SEED = 1234
RESAMPLES = 2000
# Units that all agree by chance in 2 * .5 ** 6 = 3 % of cases; five do in 6 %. An interval of two covers in
# half of all cases, one of three in three quarters.
FEWEST = 6
ONE_UNIT = 0.2  # undefined in a larger share of the resamples: carried by one unit
NOTHING_SHOWN = "no difference shown"
Statistic = Callable[[np.ndarray], dict[str, np.ndarray]]


def draws(
    images: int, resamples: int = RESAMPLES, seed: int = SEED, clusters: Sequence[str] = ()
) -> np.ndarray:
    """Counts, float64 (resamples, images): each row sums to ``images``.

    ``clusters``: one name an image; images of one name (a scene, a drive) are drawn together, as many
    clusters as there are; "" is a cluster of its own. Then a row may sum to less or more. One cluster
    alone says nothing about how clusters differ: its images are drawn, as if there were no clusters.
    """
    rng = np.random.default_rng(seed)
    names = _units(images, clusters)
    if len(set(names)) == images:
        return rng.multinomial(images, np.full(images, 1.0 / images), size=resamples).astype(np.float64)
    kinds, place = np.unique(names, return_inverse=True)
    drawn = rng.multinomial(len(kinds), np.full(len(kinds), 1.0 / len(kinds)), size=resamples)
    return drawn[:, place].astype(np.float64)


def units(images: int, clusters: Sequence[str] = ()) -> int:
    """How many things :func:`draws` draws: clusters, or images where there are none."""
    return len(set(_units(images, clusters)))


def _units(images: int, clusters: Sequence[str]) -> list[str]:
    """The name under which each image is drawn."""
    alone = [f"\0{i}" for i in range(images)]
    named = [name or own for name, own in zip(clusters, alone, strict=True)] if any(clusters) else alone
    return alone if len(set(named)) == 1 else named


def resample(
    rows: np.ndarray, statistic: Statistic, counts: np.ndarray, chunk: int = 500
) -> dict[str, np.ndarray]:
    """Scores of every resample: name -> (R,).

    rows: (n, d) statistics that add up over images; statistic: sums (R, d) -> name -> (R,);
    counts: (R, n) from :func:`draws`.
    """
    parts = [statistic(counts[i : i + chunk] @ rows) for i in range(0, len(counts), chunk)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def percentile_interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of resampled scores (R,); NaN resamples are left out."""
    values = values[np.isfinite(values)]
    if not values.size:
        return float("nan"), float("nan")
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def undefined_share(values: np.ndarray) -> float:
    """Share of the resamples (R,) that were made in which a score is not defined; 1 where none was.

    A costly score has fewer resamples: NaN behind those that were made.
    """
    made = np.trim_zeros(np.isfinite(values), "b")
    return 1 - float(made.mean()) if made.size else 1.0


def of_one_unit(values: np.ndarray) -> bool:
    """Whether one image (or cluster) alone carries a score of resamples (R,), such as a rare class's.

    Of n units that one is missing in (1 - 1/n)^n of the resamples, .25 and more; two are in .135 at most. The
    others draw the same again and again: their percentiles would be an interval of no width.
    """
    return undefined_share(values) > ONE_UNIT


@dataclass(frozen=True)
class Difference:
    """b - a of one score over the same images: value, 95 % interval and what it means for b."""

    value: float
    low: float
    high: float
    verdict: str


def rounded(value: float, low: float, high: float) -> dict[str, float]:
    """A score and its interval for a report, to four places."""
    return {"value": round(float(value), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def paired_difference(
    a: np.ndarray,
    b: np.ndarray,
    value: float,
    higher_is_better: bool,
    units: int,
    level: float = 0.95,
) -> Difference:
    """Compare resampled scores (R,) drawn with the same counts; ``value`` is b - a on all images.

    verdict: "better" / "worse" when the interval of b - a excludes 0, else "no difference shown". Fewer
    than FEWEST ``units`` (images, or clusters) show nothing: a few that agree by chance leave 0 outside of
    every percentile interval. Nor does a score that fewer carry, such as a rare class's: it is undefined in
    a share of exp(-k) of the resamples where k units carry it.
    """
    low, high = percentile_interval(b - a, level)
    enough = units >= FEWEST and undefined_share(b - a) < math.exp(0.5 - FEWEST)
    verdict = NOTHING_SHOWN
    if enough and (low > 0 or high < 0):
        verdict = "better" if (low > 0) == higher_is_better else "worse"
    return Difference(value, low, high, verdict)
