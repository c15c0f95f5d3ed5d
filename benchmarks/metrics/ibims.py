"""iBims-1's geometric errors (Koch et al., ECCVW 2018), as the official Python script v0.9 computes them.

Depth (H, W) in metres; the truth has NaN where it is not valid. The script's Canny differs from Matlab's,
so boundary errors are those of the script, not of the paper. Where the script drops a missing pixel of the
prediction (NaN, 0), it counts here: as the wrong side, as a plane's worst deviation, as no edge.
"""

from __future__ import annotations

import numpy as np

THRESHOLD = 3.0  # metres: where directed errors tell near from far
REACH = 10.0  # pixels: predicted edges farther from a true one do not count, and what no edge costs
LEAST_SHARE = 0.05  # of the image: smaller planes are left out
Camera = tuple[float, float, float, float]


def directed_errors(
    truth: np.ndarray, prediction: np.ndarray | None, threshold: float = THRESHOLD
) -> tuple[float, float, float] | None:
    """DDE: shares of valid pixels on the right side of ``threshold``, too near, too far; None without any.

    A pixel is near when its depth is <= threshold. A missing one is on the wrong side of its truth.
    """
    keep = np.isfinite(truth) & (truth > 0)
    if not keep.any():
        return None
    near = truth[keep] <= threshold
    given = np.full(near.shape, np.nan) if prediction is None else np.asarray(prediction)[keep]
    guess = np.where(np.isnan(given) | (given == 0), ~near, given <= threshold)
    return float((guess == near).mean()), float((guess & ~near).mean()), float((~guess & near).mean())


def boundary_errors(edges: np.ndarray, prediction: np.ndarray | None) -> tuple[float, float] | None:
    """DBE: accuracy and completeness in pixels of edges bool (H, W); None where the truth has no edge.

    Accuracy: mean distance to the truth of predicted edges nearer than ``REACH``. Completeness: mean
    distance of true edges to predicted ones. Without a predicted edge within reach both are ``REACH``.
    Predicted edges: Canny (sigma sqrt 2, 0.1 and 0.2) of the depth stretched to [0, 1]. A prediction that is
    not there costs ``REACH`` and the diagonal.
    """
    from scipy.ndimage import distance_transform_edt
    from skimage.feature import canny

    edges = np.asarray(edges, bool)
    if not edges.any():
        return None
    seen = np.zeros(edges.shape, bool)
    if prediction is not None:
        seen = np.isfinite(prediction) & (np.asarray(prediction) != 0)
    if not seen.any():
        return REACH, float(np.hypot(*edges.shape))
    depth = np.asarray(prediction, np.float32)
    low, high = depth[seen].min(), depth[seen].max()
    if low == high:
        return REACH, REACH
    stretched = np.where(seen, (depth - low) / (high - low), 0).astype(np.float32)
    mask = None if seen.all() else seen
    found = canny(stretched, sigma=np.sqrt(2), low_threshold=0.1, high_threshold=0.2, mask=mask)
    away = distance_transform_edt(~edges)
    near = found & (away < REACH)
    if not near.any():
        return REACH, REACH
    return float(away[near].mean()), float(distance_transform_edt(~found)[edges].mean())


def planarity_errors(
    truth: np.ndarray,
    prediction: np.ndarray | None,
    plane: np.ndarray,
    normal: np.ndarray,
    camera: Camera,
) -> tuple[float, float] | None:
    """PE of one plane, bool (H, W): flatness in cm and orientation in degrees; None for a small plane.

    The prediction is scaled by the medians' ratio inside the plane and lifted to points; flatness is the
    standard deviation of their distance to the plane fitted by PCA, orientation the angle of its normal, in
    [0, 90], to the true one (3,) in the dataset's axes (x right, y forward, z up). ``camera``: fx, fy, cx,
    cy in pixels, the first pixel at (1, 1). A missing pixel deviates by the plane's distance and 90 degrees.
    """
    inside = plane & np.isfinite(truth) & (truth > 0)
    count = int(inside.sum())
    if count < LEAST_SHARE * truth.size:
        return None
    distance = float(np.median(truth[inside]))
    given = np.full(count, np.nan) if prediction is None else np.asarray(prediction, np.float64)[inside]
    seen = np.isfinite(given) & (given != 0)
    known = int(seen.sum())
    middle = float(np.median(given[seen])) if known >= 3 else 0.0
    if not middle:
        return 100 * distance, 90.0
    row, column = (axis[seen] for axis in np.nonzero(inside))
    depth = given[seen] * (distance / middle)
    fx, fy, cx, cy = camera
    points = np.stack([(column + 1 - cx) * depth / fx, depth, -(row + 1 - cy) * depth / fy])
    points -= points.mean(1, keepdims=True)
    fitted = np.linalg.eigh(points @ points.T)[1][:, 0]
    flat = float(np.mean((fitted @ points) ** 2))
    true = np.asarray(normal, np.float64)
    cosine = abs(float(fitted @ true))
    angle = float(np.degrees(np.arctan2(np.linalg.norm(np.cross(true, fitted)), cosine)))
    missing = count - known
    flatness = 100 * np.sqrt((known * flat + missing * distance**2) / count)
    return float(flatness), (known * angle + missing * 90.0) / count
