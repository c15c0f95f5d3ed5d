"""iBims-1's geometric errors against the official formulas written out plainly, and wrong answers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import ndimage
from skimage import feature

from visiongen.benchmarks.metrics import ibims
from visiongen.benchmarks.scorers import scorer_for
from visiongen.benchmarks.scorers.ibims import IbimsTruth, Plane

CAMERA = (90.0, 92.0, 40.5, 30.5)
NORMAL = np.array([0.48, -0.8, 0.36])
SIZE = (60, 80)


def lift(depth: np.ndarray) -> np.ndarray:
    """Points (H, W, 3): x right, y forward, z up; the first pixel at (1, 1)."""
    fx, fy, cx, cy = CAMERA
    r, c = np.indices(depth.shape) + 1
    return np.stack([(c - cx) * depth / fx, depth, -(r - cy) * depth / fy], 2)


def plane_depth(normal: np.ndarray, distance: float) -> np.ndarray:
    return -distance / (lift(np.ones(SIZE)) @ normal)


def truth() -> IbimsTruth:
    depth = plane_depth(NORMAL, 2.5)
    mask = np.zeros(SIZE, bool)
    mask[5:45, 5:50] = True
    depth = np.where(mask, depth, depth + 2.0)
    edges = np.zeros(SIZE, bool)
    edges[5:45, 5] = edges[5:45, 49] = edges[5, 5:50] = edges[44, 5:50] = True
    depth[:3] = np.nan
    small = np.zeros(SIZE, bool)
    small[50:54, 60:70] = True
    return IbimsTruth(depth, edges, (Plane(mask, tuple(NORMAL)), Plane(small, (0, 0, 1))), CAMERA)


def test_directed_errors_are_counted_at_three_metres() -> None:
    g = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, np.nan, 0.0]])
    p = np.array([[1.0, 9.0, 3.5, 3.0, 8.0, 1.0, 1.0]])
    assert ibims.directed_errors(g, p) == (0.4, 0.2, 0.4)
    assert ibims.directed_errors(g, None) == (0.0, 0.4, 0.6)
    assert ibims.directed_errors(g, np.where(p == 1, np.nan, p))[0] == pytest.approx(0.2)
    assert ibims.directed_errors(np.full((2, 2), np.nan), np.ones((2, 2))) is None


def test_boundary_errors_are_those_of_the_script() -> None:
    made = truth()
    rng = np.random.default_rng(0)
    p = np.nan_to_num(made.depth, nan=4.0) + rng.normal(0, 0.05, SIZE)
    p = np.roll(p, 2, axis=1)
    stretched = (p - p.min()).astype(np.float32)
    stretched /= stretched.max()
    found = feature.canny(stretched, sigma=np.sqrt(2), low_threshold=0.1, high_threshold=0.2)
    to_truth = ndimage.distance_transform_edt(1 - made.edges)
    to_found = ndimage.distance_transform_edt(1 - found)
    inside = found * (to_truth < 10)
    expected = (
        (to_truth * inside).sum() / inside.sum(),
        (to_found * made.edges).sum() / made.edges.sum(),
    )
    assert ibims.boundary_errors(made.edges, p) == pytest.approx(expected, rel=1e-6)
    assert ibims.boundary_errors(made.edges, np.full(SIZE, 3.0)) == (10.0, 10.0)
    assert ibims.boundary_errors(made.edges, None) == (10.0, 100.0)
    assert ibims.boundary_errors(np.zeros(SIZE, bool), p) is None


def test_planarity_errors_are_those_of_a_principal_component_analysis() -> None:
    made = truth()
    rng = np.random.default_rng(1)
    p = 3 * plane_depth(np.array([0.36, -0.8, 0.48]), 2.5) + rng.normal(0, 0.1, SIZE)
    mask = made.planes[0].mask
    scaled = np.where(mask, p, np.nan) * np.median(made.depth[mask]) / np.median(p[mask])
    points = lift(scaled)[mask]
    _, _, axes = np.linalg.svd(points - points.mean(0), full_matrices=False)
    flat = np.std((points - points.mean(0)) @ axes[2]) * 100
    angle = np.degrees(np.arccos(abs(axes[2] @ NORMAL)))
    found = ibims.planarity_errors(made.depth, p, mask, NORMAL, CAMERA)
    assert found == pytest.approx((flat, angle), rel=1e-5)
    assert 5 < angle < 30 and flat > 1
    right = ibims.planarity_errors(made.depth, made.depth * 7, mask, -NORMAL, CAMERA)
    assert right == pytest.approx((0, 0), abs=1e-4)  # neither scale nor the normal's sign matters
    assert ibims.planarity_errors(made.depth, p, made.planes[1].mask, NORMAL, CAMERA) is None  # below 5 %


def test_scorer_adds_geometry_to_the_depth_scores_and_punishes_what_is_missing() -> None:
    scorer = scorer_for({"name": "i", "task": "depth", "scorer": "ibims", "max_depth": 50.0})
    made = truth()

    def score(answer: np.ndarray | None) -> dict[str, float]:
        stats = json.loads(json.dumps(scorer.stats(made, answer), allow_nan=False))
        return {k: float(v) for k, v in scorer.scores(scorer.vector(stats)).items()}

    clean = np.nan_to_num(made.depth, nan=4.0)
    best, none, half = score(clean), score(None), clean.copy()
    half[:, ::2] = np.nan
    assert best["AbsRel"] == pytest.approx(0, abs=1e-6) and best["DDE_0"] == 1 and best["PE_ori"] < 1e-3
    for answer in (none, score(np.full(SIZE, np.nan)), score(half)):
        assert answer["DDE_0"] < 0.6 and answer["PE_fla"] > 50 and answer["PE_ori"] > 30
        assert answer["DBE_com"] > best["DBE_com"] and answer["AbsRel"] > 0.3
    for name in best:
        better = scorer.higher_is_better(name)
        if name.split("@")[0] in ("DDE_0", "DDE_p", "DBE_acc", "DBE_com", "PE_fla", "PE_ori"):
            assert (best[name] > none[name]) if better else (best[name] <= none[name]), name
    scaled = score(clean * 3 + 1)
    assert scaled["DDE_0"] < 1 and scaled["DDE_0@lsq_depth"] == 1
    assert scaled["AbsRel@lsq_depth"] == pytest.approx(0, abs=1e-6)


def test_planes_are_averaged_over_the_split_not_over_images() -> None:
    scorer = scorer_for({"name": "i", "task": "depth", "scorer": "ibims", "max_depth": 50.0})
    one = truth()
    bare = IbimsTruth(one.depth, np.zeros(SIZE, bool), (), CAMERA)
    answer = np.nan_to_num(one.depth, nan=4.0) ** 2
    rows = [scorer.vector(scorer.stats(t, answer)) for t in (one, one, bare)]
    alone, all_three = scorer.scores(rows[0]), scorer.scores(np.sum(rows, 0))
    for name in ("PE_fla", "PE_ori", "DBE_acc", "DBE_com"):
        assert all_three[name] == pytest.approx(float(alone[name])), name
    labels = scorer.labels(scorer.shrink(one, (30, 40)), {})
    assert labels.shape == (30, 40) and scorer.oracle(one, {}) is one.depth


def test_each_error_stands_under_its_own_name() -> None:
    scorer = scorer_for({"name": "i", "task": "depth", "scorer": "ibims", "max_depth": 50.0})
    made = truth()
    answer = np.roll(np.nan_to_num(made.depth, nan=4.0), 3, axis=1) ** 1.3
    found = scorer.scores(scorer.vector(scorer.stats(made, answer)))
    directed = ibims.directed_errors(made.depth, answer)
    edges = ibims.boundary_errors(made.edges, answer)
    plane = ibims.planarity_errors(made.depth, answer, made.planes[0].mask, NORMAL, CAMERA)
    assert directed is not None and edges is not None and plane is not None
    names = ("DDE_0", "DDE_m", "DDE_p", "DBE_acc", "DBE_com", "PE_fla", "PE_ori")
    wanted = (*directed, *edges, *plane)
    assert len(set(np.round(wanted, 6))) == len(names), "no two are the same by chance"
    assert [float(found[name]) for name in names] == pytest.approx(list(wanted))
