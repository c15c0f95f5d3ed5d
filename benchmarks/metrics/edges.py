"""Edges: ODS, OIS and AP as BSDS500 counts them, with exact one-to-one matching.

Truth: bool (H, W, A), the one pixel wide lines that each of A people drew; or numbers (H, W) in [0, 1],
a map of soft lines whose crests from 0.5 on are the truth, NaN = unknown: nothing is scored there.
Prediction: strength (H, W). It is thinned by non-maximum suppression first, as pdollar/edges and HED do
before scoring, and at each threshold by skimage's ``thin``. After evaluation_bdry_image.m and
collect_eval_bdry.m of BSDS500 (Arbelaez et al. 2011).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from visiongen.errors import InputError
from visiongen.thinning import thin_edges

TOLERANCE = 0.0075  # of the diagonal: how far apart matched pixels may lie
OUTLIER = 100.0  # what a pixel without a partner costs, in units of that distance
THRESHOLDS = np.arange(1, 100) / 100
GRAIN = 1024.0  # costs are told apart to this part of a pixel
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
    """The four counts (T, 4) of strengths (H, W) that are crests already, against bool (H, W, A)."""
    reach = TOLERANCE * float(np.hypot(*strength.shape))
    people = [np.ascontiguousarray(lines[..., i]) for i in range(lines.shape[2])]
    drawn = int(lines.sum())
    counts = np.zeros((len(thresholds), COUNTS), np.int64)
    last = b""
    for number, threshold in enumerate(thresholds):
        wanted = strength >= threshold
        key = np.packbits(wanted).tobytes()
        if number and key == last:
            counts[number] = counts[number - 1]
        else:
            found, paired, pixels = _match_all(_thin(wanted), people, reach)
            counts[number] = (found, drawn, paired, pixels)
        last = key
    return counts


def read_truth(truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lines bool (H, W, A), and where they are known bool (H, W)."""
    truth = np.asarray(truth)
    if truth.dtype == bool and truth.ndim == 3:
        return truth, np.ones(truth.shape[:2], bool)
    if truth.ndim != 2:
        raise InputError(f"edges: truth {truth.dtype} {truth.shape}; give bool (H, W, A) or numbers (H, W)")
    known = np.isfinite(truth)
    strong = suppress(np.where(known, truth, 0)) >= SURE
    return (_thin(strong) & known)[..., None], known


def _thinned(prediction: np.ndarray, lines: np.ndarray, reach: float) -> np.ndarray:
    """The prediction's crests; InputError for another size."""
    import cv2

    prediction = np.asarray(prediction, np.float64)
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


def _thin(lines: np.ndarray) -> np.ndarray:
    from skimage.morphology import thin

    return np.asarray(thin(lines))


def _match_all(lines: np.ndarray, people: list[np.ndarray], reach: float) -> tuple[int, int, int]:
    """Truth pixels found, summed over people; pixels of ``lines`` paired with any of them; its pixels."""
    found, paired = 0, np.zeros(lines.shape, bool)
    for truth in people:
        mine, theirs = match(lines, truth, reach)
        paired |= mine
        found += int(theirs.sum())
    return found, int(paired.sum()), int(lines.sum())


def match(lines: np.ndarray, truth: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Pair the pixels of two bool maps (H, W) one to one, at most ``reach`` pixels apart.

    Of all pairings the cheapest: the sum of distances, and ``OUTLIER`` x reach for every pixel left
    alone. Two bool maps (H, W): the paired pixels of ``lines``, and of ``truth``.
    """
    from scipy.spatial import cKDTree

    places, others = np.argwhere(lines), np.argwhere(truth)
    mine, theirs = np.zeros(lines.shape, bool), np.zeros(truth.shape, bool)
    if len(places) and len(others):
        near = cKDTree(places).sparse_distance_matrix(cKDTree(others), reach, output_type="coo_matrix")
        row, column = cheapest(near.row, near.col, near.data, OUTLIER * reach)
        mine[tuple(places[row].T)] = True
        theirs[tuple(others[column].T)] = True
    return mine, theirs


def cheapest(
    row: np.ndarray, column: np.ndarray, cost: np.ndarray, alone: float
) -> tuple[np.ndarray, np.ndarray]:
    """The cheapest matching of a bipartite graph given by its edges (E,); matched rows and columns.

    A node without a partner costs ``alone``. Every node gets a private dummy on the other side, and
    dummies may pair wherever their owners could, so that a full matching always exists.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    rows, row = np.unique(row, return_inverse=True)
    columns, column = np.unique(column, return_inverse=True)
    n, m = len(rows), len(columns)
    if not n:
        return rows, columns
    # Whole numbers: sums of rounded fractions can send the solver round in circles for ever.
    cost, alone = np.rint(cost * GRAIN) + 1, float(np.rint(alone * GRAIN))  # a stored zero is no edge
    i = np.concatenate([row, np.arange(n), n + np.arange(m), n + column])
    j = np.concatenate([column, m + np.arange(n), np.arange(m), m + row])
    weight = np.concatenate([cost, np.full(n + m, alone), np.ones(len(row))])
    graph = coo_matrix((weight, (i, j)), shape=(n + m, n + m)).tocsr()
    left, right = min_weight_full_bipartite_matching(graph)
    real = (left < n) & (right < m)
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
    """ODS, OIS, AP and R50 (recall at half precision), each (...), of sums (..., 4 (T + 1))."""
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
    half = recall[precision >= 0.5]
    return float(f_measure(*between).max()), area, float(half.max()) if len(half) else 0.0


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
