"""Edges: ODS, OIS and AP as BSDS500 counts them, with exact one-to-one matching.

Truth: bool (H, W, A), the one pixel wide lines that each of A people drew; or numbers (H, W) in [0, 1],
a map of soft lines whose crests from 0.5 on are the truth, NaN = unknown: nothing is scored there.
Prediction: strength (H, W). It is thinned by non-maximum suppression first, as pdollar/edges and HED do
before scoring, and at each threshold as Matlab's bwmorph and skimage's ``thin`` do. After
evaluation_bdry_image.m and collect_eval_bdry.m of BSDS500 (Arbelaez et al. 2011).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from visiongen.benchmarks.metrics.edge_matching import GRAIN, Pairing, near_pairs, weights
from visiongen.benchmarks.metrics.edge_thinning import thin
from visiongen.benchmarks.metrics.shares import as_shares
from visiongen.errors import InputError
from visiongen.thinning import thin_edges

TOLERANCE = 0.0075  # of the diagonal: how far apart matched pixels may lie
OUTLIER = 100.0  # what a pixel without a partner costs, in units of that distance
THRESHOLDS = np.arange(1, 100) / 100
STACK = 1 << 22  # pixels that are thinned at once
SURE = 0.5  # crests of a soft truth that count
COUNTS = 4  # a threshold: truth pixels matched, truth pixels, predicted pixels matched, predicted pixels
HIGHER_IS_BETTER = {"ODS": True, "OIS": True, "AP": True, "R50": True}


def image_stats(
    truth: np.ndarray, prediction: np.ndarray | None, thresholds: np.ndarray = THRESHOLDS
) -> dict[str, Any]:
    """{"counts": [[4 numbers] a threshold]}: what adds up over images. InputError: shapes.

    None: no edge found. A NaN in the prediction counts as sure edge where there is none within the
    tolerance, and as no edge elsewhere.
    """
    lines, known = read_truth(truth)
    if prediction is None:
        return {"counts": [[0, int(lines.sum()), 0, 0]] * len(thresholds)}
    reach = TOLERANCE * float(np.hypot(*known.shape))
    strength = np.where(known, _thinned(prediction, lines, reach), 0)
    return {"counts": count(strength, lines, thresholds).tolist()}


def count(strength: np.ndarray, lines: np.ndarray, thresholds: np.ndarray = THRESHOLDS) -> np.ndarray:
    """The four counts (T, 4) of strengths (H, W) that are crests already, against bool (H, W, A).

    From the highest threshold down, each person's pairing is repaired where the thinned map has changed:
    the counts are those of :func:`match` at every threshold.
    """
    thresholds = np.asarray(thresholds, np.float64)
    reach = TOLERANCE * float(np.hypot(*strength.shape))
    lowest = strength >= thresholds.min()
    places, position = np.argwhere(lowest), np.flatnonzero(lowest)
    people = [pairing_of(places, np.argwhere(lines[..., i]), reach) for i in range(lines.shape[2])]
    counts = np.zeros((len(thresholds), COUNTS), np.int64)
    counts[:, 1] = int(lines.sum())
    was = np.zeros(len(places), bool)
    order = np.argsort(-thresholds, kind="stable")
    for number, thinned in zip(order, _thinned_at(strength, thresholds[order]), strict=True):
        now = thinned.ravel()[position]
        gone, new = np.flatnonzero(was & ~now).tolist(), np.flatnonzero(now & ~was).tolist()
        for person in people:
            person.remove(gone)
            person.insert(new)
        was = now
        paired = np.logical_or.reduce([person.matched for person in people])
        found = sum(person.pairs for person in people)
        counts[number, [0, 2, 3]] = found, int(paired.sum()), int(now.sum())
    return counts


def _thinned_at(strength: np.ndarray, thresholds: np.ndarray) -> Iterator[np.ndarray]:
    """The thinned maps bool (H, W), many at once: most of the work is the same few steps for each."""
    several = max(1, STACK // max(1, strength.size))
    for start in range(0, len(thresholds), several):
        yield from thin(strength >= thresholds[start : start + several, None, None])


def pairing_of(places: np.ndarray, others: np.ndarray, reach: float) -> Pairing:
    """The pairing of places (n, 2), none there yet, with others (m, 2), at most ``reach`` apart."""
    row, column, distance = near_pairs(places, others, reach)
    cost = weights(places[row], others[column], distance)
    return Pairing(len(places), len(others), row, column, cost, round(OUTLIER * reach * GRAIN))


def read_truth(truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lines bool (H, W, A), and where they are known bool (H, W)."""
    truth = np.asarray(truth)
    if truth.dtype == bool and truth.ndim == 3:
        return truth, np.ones(truth.shape[:2], bool)
    if truth.ndim != 2:
        raise InputError(f"edges: truth {truth.dtype} {truth.shape}; give bool (H, W, A) or numbers (H, W)")
    truth = as_shares("edges: truth", truth)
    known = np.isfinite(truth)
    strong = suppress(np.where(known, truth, 0)) >= SURE
    return (thin(strong) & known)[..., None], known


def _thinned(prediction: np.ndarray, lines: np.ndarray, reach: float) -> np.ndarray:
    """The prediction's crests; InputError for another size, or levels 0 to 255."""
    import cv2

    prediction = as_shares("edges: prediction", prediction)
    if prediction.shape != lines.shape[:2]:
        raise InputError(f"edges: prediction {prediction.shape}, truth {lines.shape[:2]}; resize it")
    missing = ~np.isfinite(prediction)
    if missing.any():
        elsewhere = np.asarray(~lines.any(2), np.uint8)
        away = cv2.distanceTransform(elsewhere, cv2.DIST_L2, 5)
        prediction = np.where(missing, away > reach, prediction)
    return suppress(prediction)


def suppress(strength: np.ndarray) -> np.ndarray:
    """Non-maximum suppression: strength (H, W) clipped to [0, 1] where it is a crest, 0 elsewhere."""
    return thin_edges(np.clip(strength, 0, 1))


def match(lines: np.ndarray, truth: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Pair the pixels of two bool maps (H, W) one to one, at most ``reach`` pixels apart.

    Of all pairings the cheapest: the sum of distances, and ``OUTLIER`` x reach for every pixel left
    alone; among equals the one that edge_matching.weights prefers. Two bool maps (H, W): the paired pixels
    of ``lines``, and of ``truth``.
    """
    places, others = np.argwhere(lines), np.argwhere(truth)
    mine, theirs = np.zeros(lines.shape, bool), np.zeros(truth.shape, bool)
    row, column, distance = near_pairs(places, others, reach)
    cost = weights(places[row], others[column], distance) / GRAIN
    row, column = cheapest(row, column, cost, OUTLIER * reach)
    mine[tuple(places[row].T)] = True
    theirs[tuple(others[column].T)] = True
    return mine, theirs


def cheapest(
    row: np.ndarray, column: np.ndarray, cost: np.ndarray, alone: float
) -> tuple[np.ndarray, np.ndarray]:
    """The cheapest matching of a bipartite graph given by its edges (E,); matched rows and columns.

    A node without a partner costs ``alone``. The nodes of the smaller side get a private dummy each, at
    twice that price: every pair that is not made leaves two nodes alone.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    rows, row = np.unique(row, return_inverse=True)
    columns, column = np.unique(column, return_inverse=True)
    if not len(rows):
        return rows, columns
    if len(rows) > len(columns):
        second, first = cheapest(columns[column], rows[row], cost, alone)
        return first, second
    n, m = len(rows), len(columns)
    # Whole numbers, so that no sum is rounded; a stored zero would be no edge.
    cost = np.maximum(np.rint(cost * GRAIN), 1)
    weight = np.concatenate([cost, np.full(n, 2 * np.rint(alone * GRAIN))])
    i, j = np.concatenate([row, np.arange(n)]), np.concatenate([column, m + np.arange(n)])
    left, right = min_weight_full_bipartite_matching(csr_matrix((weight, (i, j)), shape=(n, n + m)))
    real = right < m
    return rows[left[real]], columns[right[real]]


# --- from counts to scores --------------------------------------------------------------------


def vector(stats: dict[str, Any]) -> np.ndarray:
    """The counts of every threshold, and those of the image's own best one, float64 (4 (T + 1),)."""
    counts = np.asarray(stats["counts"], np.float64)
    best = int(np.argmax(f_measure(*rates(counts))))
    return np.concatenate([counts.ravel(), counts[best]])


def rates(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision (...) of counts (..., 4); 0 where nothing is drawn, or found."""
    c = np.asarray(counts, np.float64)
    return c[..., 0] / np.maximum(c[..., 1], 1), c[..., 2] / np.maximum(c[..., 3], 1)


def f_measure(recall: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Harmonic mean, 0 where both are."""
    total = recall + precision
    return 2 * recall * precision / np.where(total > 0, total, 1)


def scores(sums: np.ndarray) -> dict[str, np.ndarray]:
    """ODS, OIS, AP and R50 (recall at half precision), each (...), of sums (..., 4 (T + 1)).

    R50 is pdollar's (edgesEvalDir.m): linear between thresholds, in order of precision. 0 where no threshold
    has half precision, which is NaN there.
    """
    sums = np.asarray(sums, np.float64)
    counts = sums.reshape(*sums.shape[:-1], -1, COUNTS)
    curve, own = counts[..., :-1, :], counts[..., -1, :]
    recall, precision = rates(curve)
    each = [_curve_scores(r, p) for r, p in zip(_flat(recall), _flat(precision), strict=True)]
    table = np.array(each).reshape(*recall.shape[:-1], 3)
    return {
        "ODS": table[..., 0],
        "OIS": f_measure(*rates(own)),
        "AP": table[..., 1],
        "R50": table[..., 2],
    }


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, values.shape[-1])


def _curve_scores(recall: np.ndarray, precision: np.ndarray) -> tuple[float, float, float]:
    """ODS (best F, linear between thresholds), AP (0.01 steps of recall, 0 where not reached), R50."""
    share = np.linspace(0, 1, 100)[:, None]
    between = [share * v[:-1] + (1 - share) * v[1:] if len(v) > 1 else v for v in (recall, precision)]
    order = np.unique(recall, return_index=True)[1]
    r, p = recall[order], precision[order]
    wanted = np.linspace(0, 1, 101)
    inside = (wanted >= r[0]) & (wanted <= r[-1])
    area = float(np.where(inside, np.interp(wanted, r, p), 0).sum() * 0.01) if len(r) > 1 else 0.0
    return float(f_measure(*between).max()), area, _recall_at_half(recall, precision)


def _recall_at_half(recall: np.ndarray, precision: np.ndarray) -> float:
    order = np.unique(precision, return_index=True)[1]
    p = precision[order]
    return float(np.interp(max(p[0], 0.5), p, recall[order])) if p[-1] >= 0.5 else 0.0


class EdgesMetric:
    """Accumulator: one vector an image."""

    def __init__(self) -> None:
        self.images: list[np.ndarray] = []

    def update(self, truth: np.ndarray, prediction: np.ndarray | None) -> None:
        """Add one image; None finds nothing."""
        self.images.append(vector(image_stats(truth, prediction)))

    def merge(self, other: EdgesMetric) -> None:
        """Add the images of another accumulator."""
        self.images += other.images

    def compute(self) -> dict[str, float]:
        """The scores of all images."""
        found = scores(np.sum(self.images, axis=0)) if self.images else {}
        return {name: float(value) for name, value in found.items()}
