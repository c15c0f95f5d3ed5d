"""Reading legend colours back: wrong third classes, accuracy, ECE and AURC of damaged label maps."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from visiongen.benchmarks.codecs.damage import Damage
from visiongen.benchmarks.metrics.calibration import area_under_risk_coverage, expected_calibration_error
from visiongen.tasks.codecs.legend import LegendCodec


def label_map(size: tuple[int, int], classes: int, rng: np.random.Generator) -> np.ndarray:
    """Ids uint8 (H, W): a Voronoi diagram of some 40 cells under 8 lines 1 to 4 pixels wide."""
    h, w = size
    points = np.ones((h, w), np.uint8)
    points[rng.integers(h, size=40), rng.integers(w, size=40)] = 0
    _, cell = cv2.distanceTransformWithLabels(points, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    labels = rng.integers(0, classes, int(cell.max()) + 1).astype(np.uint8)[cell]
    for _ in range(8):
        ends = rng.integers([0, 0], [w, h], (2, 2)).tolist()
        cv2.line(labels, ends[0], ends[1], int(rng.integers(classes)), int(rng.integers(1, 5)))
    return labels


def third_on_edges(labels: np.ndarray, decoded: np.ndarray) -> tuple[int, int]:
    """How many pixels have exactly two classes in the 5 x 5 around, and were decoded as a third.

    ``labels`` are the true ids (H, W). Returns the wrong ones and all of them.
    """
    around = np.lib.stride_tricks.sliding_window_view(np.pad(labels, 2, "edge"), (5, 5))
    low, high = around.min(axis=(2, 3)), around.max(axis=(2, 3))
    two = ((around == low[..., None, None]) | (around == high[..., None, None])).all(axis=(2, 3))
    edge = two & (low != high)
    return int((edge & (decoded != low) & (decoded != high)).sum()), int(edge.sum())


def third_of_pairs(colours: np.ndarray, shares: Sequence[float] = (0.5,)) -> float:
    """Share of the mixes of two of ``colours`` (K, 3) that lie nearer to a third than to both.

    The nearest-colour decode reads these as a class that is not there; shares of the second colour.
    """
    c = np.asarray(colours, np.float64)
    first, second = np.triu_indices(len(c), 1)
    wrong = 0.0
    for share in shares:
        mixes = (1 - share) * c[first] + share * c[second]
        squared = (mixes**2).sum(1)[:, None] - 2 * mixes @ c.T + (c**2).sum(1)
        place = np.arange(len(first))
        own = np.minimum(squared[place, first], squared[place, second])
        wrong += float((squared.min(axis=1) < own - 1e-6).mean())
    return wrong / len(shares)


def third_of_mixes(codec: LegendCodec, rng: np.random.Generator, count: int = 500) -> float:
    """Share of mixed pixels read as a third class where a column of mixes parts two regions.

    ``count`` random pairs of classes in strips of 9 x 13 pixels (class, mix, class), stacked; the
    middle pixel of each is asked. The second colour's share in the mix is 0.2 to 0.8.
    """
    k = len(codec.legend)
    first = rng.integers(0, k, count)
    second = (first + rng.integers(1, k, count)) % k
    share = rng.uniform(0.2, 0.8, (count, 1))
    labels = np.stack([first, second], axis=1)[:, np.arange(13) // 7].repeat(9, 0)
    painted = codec.encode(labels)
    colours = codec.legend.array().astype(float)
    mixes = (1 - share) * colours[first] + share * colours[second]
    painted[:, 6] = mixes.round().repeat(9, 0)
    decoded = codec.decode(painted)[0][4::9, 6]
    return float(((decoded != first) & (decoded != second)).mean())


def scores(codec: LegendCodec, maps: Sequence[np.ndarray], damage: Damage, seed: int) -> dict[str, float]:
    """Accuracy, ECE, AURC and the wrong thirds on edges over label ``maps``, painted and damaged."""
    rng = np.random.default_rng(seed)
    confidences, corrects, thirds = [], [], []
    for labels in maps:
        decoded, confidence = codec.decode(damage(codec.encode(labels), rng))
        confidences.append(confidence)
        corrects.append(decoded == labels)
        thirds.append(third_on_edges(labels, decoded))
    confidence, correct = np.stack(confidences), np.stack(corrects)
    wrong, edge = np.sum(thirds, axis=0)
    return {
        "accuracy": float(correct.mean()),
        "ECE": expected_calibration_error(confidence, correct),
        "AURC": area_under_risk_coverage(confidence, correct),
        "third": float(wrong / max(1, edge)),
    }
