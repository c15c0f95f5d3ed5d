"""The painted wall: known planes, walls that are believed to be tunnels, and what is missing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from visiongen.benchmarks.metrics import wall
from visiongen.benchmarks.metrics.bootstrap import resample
from visiongen.benchmarks.scorers import scorer_for
from visiongen.benchmarks.scorers.wall import WallTruth
from visiongen.errors import InputError

SIZE = (45, 60)
CAMERA = (50.0, 55.0, 29.0, 24.0)
NORMAL = np.array([0.36, 0.48, 0.8])
PROTOCOL = {"name": "w", "task": "depth", "scorer": "painted-wall", "min_depth": 0.1, "max_depth": 80.0}


def truth(painted: bool = True) -> WallTruth:
    """A slanted wall 6 m away (along its normal) above a floor 1.5 m below the camera."""
    toward = wall.rays(SIZE, CAMERA)
    depth = -6 / (toward @ NORMAL)
    with np.errstate(divide="ignore"):
        floor = np.where(toward[..., 1] < 0, -1.5 / toward[..., 1], np.inf)
    there = depth < floor
    there[:, :5] = False
    side = np.where(np.isfinite(floor), floor, 30.0)
    return WallTruth(np.where(there, depth, side).astype(np.float32), there, tuple(NORMAL), CAMERA, painted)


def score(answers: list[np.ndarray | None], truths: list[WallTruth]) -> dict[str, float]:
    scorer = scorer_for(PROTOCOL)
    rows = []
    for answer, made in zip(answers, truths, strict=True):
        stats = json.loads(json.dumps(scorer.stats(made, answer), allow_nan=False))
        rows.append(scorer.vector(stats))
    return {name: float(value) for name, value in scorer.scores(np.sum(rows, 0)).items()}


def test_points_on_a_plane_are_recovered() -> None:
    toward = wall.rays(SIZE, CAMERA)
    depth = -6 / (toward @ NORMAL)
    points = depth[..., None] * toward
    assert points @ NORMAL == pytest.approx(-6 * np.ones(SIZE))
    fitted = wall.fit_plane(depth.ravel(), toward.reshape(-1, 3))
    assert wall.plane_depth(fitted, toward.reshape(-1, 3), 80.0) == pytest.approx(depth.ravel())
    assert wall.angle_to(fitted, NORMAL) == pytest.approx(0, abs=1e-5)
    other = np.array([0.48, 0.36, 0.8])
    assert wall.angle_to(fitted, other) == pytest.approx(np.degrees(np.arccos(NORMAL @ other)))
    assert wall.angle_to(fitted, -NORMAL) == pytest.approx(180)


def test_a_wall_that_is_seen() -> None:
    made = truth()
    found = score([made.depth], [made])
    assert found["planarity"] == pytest.approx(0, abs=1e-5) and found["hallucinated"] == pytest.approx(1)
    assert found["tilt"] == pytest.approx(0, abs=0.05) and found["leak"] == 0 and found["recall"] == 1
    assert found["AbsRel/wall"] == pytest.approx(0, abs=1e-6) and found["AbsRel"] == pytest.approx(
        0, abs=1e-6
    )
    affine = score([0.2 * made.depth + 0.5], [made])
    assert affine["hallucinated"] < 0.8
    assert affine["hallucinated@lsq_outside"] == pytest.approx(1, abs=1e-4)
    assert affine["tilt@lsq_outside"] == pytest.approx(0, abs=0.05)


def test_a_tunnel_a_rough_wall_and_a_turned_one() -> None:
    made = truth()
    tunnel = made.depth.copy()
    tunnel[made.wall] *= 4
    found = score([tunnel], [made])
    assert (
        found["hallucinated"]
        == pytest.approx(4)
        == pytest.approx(found["hallucinated@lsq_outside"], rel=1e-3)
    )
    assert found["leak"] == 1 and found["recall"] == 0 and found["planarity"] < 1e-4
    rough = made.depth * (1 + np.random.default_rng(0).normal(0, 0.1, SIZE)).astype(np.float32)
    scored = score([rough], [made])
    g = made.depth[made.wall]
    assert scored["planarity"] == pytest.approx(0.1 * np.sqrt((g**2).mean()) / g.mean(), rel=0.1)
    assert scored["hallucinated"] == pytest.approx(1, abs=0.02)
    turned = made.depth.copy()
    toward = wall.rays(SIZE, CAMERA)
    turned[made.wall] = (-6 / (toward @ [0.0, 0.6, 0.8]))[made.wall]
    angle = np.degrees(np.arccos(NORMAL @ [0.0, 0.6, 0.8]))
    assert score([turned], [made])["tilt"] == pytest.approx(angle, abs=0.1)


def test_what_is_missing_never_helps() -> None:
    made = truth()
    half = made.depth.copy()
    half[:, ::2] = np.nan
    kinds = {
        "none": None,
        "nan": np.full(SIZE, np.nan),
        "half": half,
        "zero": np.zeros(SIZE),
        "far": made.depth * 9,
    }
    best = score([made.depth], [made])
    for kind, answer in kinds.items():
        found = score([answer], [made])
        assert found["AbsRel/wall"] > 0.5, kind
        if kind in ("none", "nan", "half"):
            assert found["planarity"] > 1 and found["leak"] > 0.45, kind
        if kind in ("none", "nan"):
            assert found["tilt"] == 180 and found["recall"] == 0 and found["hallucinated"] > 5
    assert best["recall"] == 1
    with pytest.raises(InputError, match="no pixel of the wall"):
        score([made.depth], [WallTruth(made.depth, np.zeros(SIZE, bool), (0, 0, 1), CAMERA)])


def test_pairs_are_compared_with_their_blank_control() -> None:
    painted, blank = truth(), truth(painted=False)
    tunnel = painted.depth.copy()
    tunnel[painted.wall] *= 2
    found = score([tunnel, blank.depth], [painted, blank])
    assert found["hallucinated"] == pytest.approx(2) and found["hallucinated/blank"] == pytest.approx(1)
    assert found["hallucinated/difference"] == pytest.approx(1)
    alone = score([tunnel], [painted])
    assert np.isnan(alone["hallucinated/blank"]) and np.isnan(alone["hallucinated/difference"])
    scorer = scorer_for(PROTOCOL)
    rows = np.stack([scorer.vector(scorer.stats(t, a)) for t, a in ((painted, tunnel), (blank, blank.depth))])
    many = resample(rows, scorer.scores, np.array([[1.0, 1.0], [2.0, 2.0], [0.0, 3.0]]))
    assert many["recall/difference"][:2].tolist() == [-1, -1] and np.isnan(many["recall"][2])
    assert scorer.higher_is_better("recall@lsq_outside") and not scorer.higher_is_better("leak/blank")


def test_forms_at_the_painted_size() -> None:
    scorer, made = scorer_for(PROTOCOL), truth()
    small = scorer.shrink(made, (15, 20))
    assert small.depth.shape == small.wall.shape == (15, 20) and small.wall.dtype == bool
    fx, _, cx, _ = small.camera
    assert (fx, cx) == pytest.approx((50 / 3, 29 / 3))
    stats = scorer.stats(small, small.depth)
    assert scorer.scores(scorer.vector(stats))["tilt"] < 0.1  # the camera shrank with it
    assert scorer.labels(small, {}) is small.depth and scorer.oracle(made, {}) is made.depth
    assert scorer.prior([made, made])((9, 12)).shape == (9, 12)


def test_masks_and_normals() -> None:
    made = truth()
    normals = np.broadcast_to(NORMAL, (*SIZE, 3)).copy()
    assert wall.normals_in_wall(normals, made.wall, NORMAL) == pytest.approx(0, abs=1e-4)
    assert wall.normals_in_wall(normals * [-1, 1, 1], made.wall, NORMAL) == pytest.approx(
        np.degrees(np.arccos(NORMAL @ (NORMAL * [-1, 1, 1])))
    )
    assert wall.normals_in_wall(None, made.wall, NORMAL) == 180
    drivable = np.zeros(SIZE, bool)
    drivable[:, :30] = True
    expected = (drivable & made.wall).sum() / made.wall.sum()
    assert wall.free_space_leak(drivable, made.wall) == pytest.approx(expected)
    assert wall.free_space_leak(None, made.wall) == 1
    assert np.isnan(wall.free_space_leak(drivable, np.zeros(SIZE, bool)))
    walls = [made.wall] * 3 + [np.zeros(SIZE, bool)]
    assert wall.obstacle_recall([made.wall, ~made.wall, None, None], walls) == pytest.approx(1 / 3)
    assert np.isnan(wall.obstacle_recall([None], walls[3:]))
