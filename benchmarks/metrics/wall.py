"""A road painted on a wall: is the wall still a wall?

Depth is planar depth in metres (H, W); ``wall`` is the wall's pixels, bool (H, W). There is no established
benchmark of this kind (related: 3D Visual Illusion, arXiv 2505.13061; 3D-Mirage, arXiv 2512.15423), so every
definition stands here. ``camera`` is (fx, fy, cx, cy) in pixels, the centre of the first pixel at (0.5, 0.5);
axes are OpenGL's (x right, y up, z to the camera).

A missing pixel (NaN) of a prediction counts as the far end of the range, or the near end where that is
farther from the truth; it never helps. ``None`` is an image that failed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visiongen.errors import InputError

Camera = tuple[float, float, float, float]
FACTOR = 1.25  # a wall within this factor of its distance stands where it should (delta1's)
NAMES = ("planarity", "hallucinated", "tilt", "leak", "recall", "AbsRel/wall")
HIGHER_IS_BETTER = {name: name == "recall" for name in NAMES}


def rays(size: tuple[int, int], camera: Camera) -> np.ndarray:
    """Directions (H, W, 3) of the pixels' centres, OpenGL axes, z = -1: a point is depth * ray."""
    fx, fy, cx, cy = camera
    x = (np.arange(size[1]) + 0.5 - cx) / fx
    y = (np.arange(size[0]) + 0.5 - cy) / fy
    grid = np.empty((*size, 3))
    grid[..., 0], grid[..., 1], grid[..., 2] = x[None], -y[:, None], -1.0
    return grid


def fit_plane(depth: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """The plane (3,) through pixels of depths (n,) and rays (n, 3): 1 / depth = ray . plane.

    Inverse depth is linear in the rays of a plane, so that no iteration is needed. Weights depth^2 turn
    errors of inverse depth into errors of depth. All zero for fewer than three pixels.
    """
    if len(depth) < 3:
        return np.zeros(3)
    weighted = directions * (depth**2)[:, None]
    plane: np.ndarray = np.linalg.lstsq(weighted, depth, rcond=None)[0]
    return plane


def plane_depth(plane: np.ndarray, directions: np.ndarray, far: float) -> np.ndarray:
    """Depth (n,) of a plane of :func:`fit_plane` along rays (n, 3), at most ``far``."""
    return 1 / np.maximum(directions @ plane, 1 / far)


def angle_to(plane: np.ndarray, normal: np.ndarray) -> float:
    """Degrees between a plane of :func:`fit_plane` and a normal (3,); 180 for a plane that is none."""
    length = float(np.linalg.norm(plane))
    if not length:
        return 180.0
    # ray . plane > 0 in front of the camera, so that the plane's normal towards the camera is its negative
    cosine = float(-plane @ normal) / length / float(np.linalg.norm(normal))
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def depth_measures(
    prediction: np.ndarray | None,
    depth: np.ndarray,
    wall: np.ndarray,
    camera: Camera,
    normal: np.ndarray,
    limits: tuple[float, float],
) -> dict[str, float]:
    """What a depth map says about the wall; names of ``NAMES``. InputError: no pixel of the wall.

    planarity: RMSE of the predicted depth to the plane fitted to it, over the wall, divided by the wall's
    mean distance. hallucinated: median of prediction / truth (1 = the wall is seen, more = a tunnel).
    tilt: degrees between that plane and the wall's. leak: share of the wall farther than ``FACTOR`` times
    its distance, where one would drive on. recall: 1 when at least half of the wall lies within
    ``FACTOR`` of its distance. AbsRel/wall: mean |p - g| / g over the wall.
    """
    keep = wall & np.isfinite(depth) & (depth > 0)
    if not keep.any():
        raise InputError("wall: no pixel of the wall has a depth; check mask and depth")
    g = depth[keep].astype(np.float64)
    low, high = limits
    worst = np.where(high - g > g - low, high, low)
    p = np.full_like(g, np.nan) if prediction is None else np.asarray(prediction)[keep].astype(np.float64)
    seen = ~np.isnan(p)
    p = np.where(seen, np.clip(p, *limits), worst)
    directions = rays((depth.shape[0], depth.shape[1]), camera)[keep]
    plane = fit_plane(p[seen], directions[seen])
    off = np.where(seen, p - plane_depth(plane, directions, high), worst - g)
    ratio = np.where(seen, p / g, high / g)
    return {
        "planarity": float(np.sqrt(np.mean(off**2)) / g.mean()),
        "hallucinated": float(np.median(ratio)),
        "tilt": angle_to(plane, normal),
        "leak": float(np.mean(ratio > FACTOR)),
        "recall": float(np.mean(seen & (np.maximum(ratio, 1 / ratio) < FACTOR)) >= 0.5),
        "AbsRel/wall": float(np.mean(np.abs(p - g) / g)),
    }


def aligned_outside(
    prediction: np.ndarray, depth: np.ndarray, wall: np.ndarray, limits: tuple[float, float]
) -> np.ndarray:
    """The prediction (H, W) under the one line that fits it to the depth everywhere but on the wall.

    Least squares in depth over the valid pixels outside; as it is where none is left.
    """
    from visiongen.benchmarks.metrics.depth import valid_pixels
    from visiongen.benchmarks.metrics.depth_align import masked_line_fit

    keep = valid_pixels(depth, limits) & ~wall & np.isfinite(prediction)
    if not keep.any():
        return prediction
    scale, shift = masked_line_fit(prediction, depth, keep)
    return scale * prediction + shift


def normals_in_wall(normals: np.ndarray | None, wall: np.ndarray, normal: np.ndarray) -> float:
    """Mean angle in degrees between normals (H, W, 3) in the wall and the wall's (3,); None, NaN: 180."""
    from visiongen.benchmarks.metrics.normals import angular_error

    truth = np.where(wall[..., None], np.asarray(normal, np.float64), np.nan)
    error = angular_error(truth, normals)
    return float(error.mean()) if error.size else float("nan")


def free_space_leak(drivable: np.ndarray | None, wall: np.ndarray) -> float:
    """Share of the wall's pixels that an answer, bool (H, W), calls road; None: all. NaN without a wall."""
    if not wall.any():
        return float("nan")
    return 1.0 if drivable is None else float(np.asarray(drivable, bool)[wall].mean())


def obstacle_recall(
    found: Sequence[np.ndarray | None], walls: Sequence[np.ndarray], overlap: float = 0.5
) -> float:
    """Share of walls, bool (H, W) each, that the obstacle of the same photo covers at IoU >= ``overlap``.

    None: no obstacle was found. Photos without a wall are left out; NaN when none is left.
    """
    hits = []
    for mask, wall in zip(found, walls, strict=True):
        if wall.any():
            guess = np.zeros_like(wall) if mask is None else np.asarray(mask, bool)
            hits.append((guess & wall).sum() >= overlap * (guess | wall).sum())
    return float(np.mean(hits)) if hits else float("nan")
