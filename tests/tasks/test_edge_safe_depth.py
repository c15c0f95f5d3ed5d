"""depth/cubewalk@2: no flying pixels, and nothing lost for it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from edge_safety import pole, ramp
from hypothesis import given, settings
from hypothesis import strategies as st

from visiongen.benchmarks.codecs.depth_edges import cube, edges, log_uniform, profiles, under_noise
from visiongen.errors import InputError
from visiongen.tasks.codecs.depth import CubeWalk, CubeWalkEdges

CODEC = CubeWalkEdges()
IDEA = cube(lambda painted: CODEC.decode(painted)[0], "@2")
DEPTHS = st.floats(0.5, 60)
FEW = settings(max_examples=12, deadline=None)


def blurred(near: float, far: float, seed: int = 0, sigma: float = 0.0) -> np.ndarray:
    """A painted patchwork of two depths, its colours blurred and noisy; uint8 (40, 56, 3)."""
    rng = np.random.default_rng(seed)
    depth = np.where(rng.random((5, 7)) < 0.5, near, far).astype(np.float32)
    painted = CODEC.encode(depth.repeat(8, 0).repeat(8, 1))
    soft = cv2.GaussianBlur(painted.astype(np.float32), (3, 3), 0.8)
    return np.clip((soft + rng.normal(0, sigma, soft.shape)).round(), 0, 255).astype(np.uint8)


def test_it_paints_what_the_first_version_paints() -> None:
    depth = log_uniform(0.05, 199, size=64)
    assert np.array_equal(CODEC.encode(depth), CubeWalk().encode(depth))


@pytest.mark.parametrize("pair", [(1, 10), (0.5, 50), (2, 5), (5, 60)])
def test_mixed_pixels_take_a_side(pair: tuple[float, float]) -> None:
    outside, neither = edges(IDEA, *pair)
    assert outside < 0.05 and neither < 0.01


def test_the_first_version_does_not() -> None:
    assert edges(cube(lambda p: CubeWalk(stray=1e9).decode(p)[0], "projection"), 1, 10)[0] > 0.5


@FEW
@given(near=DEPTHS, far=DEPTHS)
def test_straight_mixes_of_any_two_depths_stay_between(near: float, far: float) -> None:
    """Edges one to three pixels wide, every ratio: no mixed pixel 5 % nearer or farther than both."""
    ends = CODEC.encode(np.array([[near, far]], np.float32))[0].astype(float)
    low, high = sorted((near, far))
    for share in list(profiles())[:93:6]:
        painted = (ends[0] + share[..., None] * (ends[1] - ends[0])).round().astype(np.uint8)
        depth = CODEC.decode(painted)[0]
        assert (depth > 0.95 * low).all() and (depth < 1.05 * high).all()


def test_noise_costs_at_most_three_per_cent() -> None:
    """Over 0.5-20 m, even where no neighbour tells anything."""
    assert under_noise(IDEA, log_uniform(0.5, 20)) <= 0.03


@pytest.mark.parametrize("truth", [ramp(), pole(1), pole(3), pole(1, 1, 10), log_uniform(0.5, 20, 1, 64)])
def test_clean_maps_decode_as_before(truth: np.ndarray) -> None:
    painted = CODEC.encode(truth)
    depth = CODEC.decode(painted)[0]
    assert np.array_equal(depth, CubeWalk().decode(painted)[0])
    assert (abs(depth - truth) <= CODEC.tolerance(truth)).all()


@FEW
@given(seed=st.integers(0, 1000), sigma=st.sampled_from([0.0, 3.0, 12.0]))
def test_crops_commute_inside_the_margin(seed: int, sigma: float) -> None:
    painted = blurred(1.0, 10.0, seed, sigma)
    margin = CODEC.margin
    assert margin == 8
    part = CODEC.decode(np.ascontiguousarray(painted[5:33, 9:47]))[0]
    whole = CODEC.decode(painted)[0][5:33, 9:47]
    assert np.array_equal(part[margin:-margin, margin:-margin], whole[margin:-margin, margin:-margin])


def test_mirrored_edges_decode_mirrored() -> None:
    for share in profiles():
        ends = CODEC.encode(np.array([[1, 10]], np.float32))[0].astype(float)
        painted = (ends[0] + share[..., None] * (ends[1] - ends[0])).round().astype(np.uint8)
        mirrored = CODEC.decode(np.ascontiguousarray(painted[:, ::-1]))[0][:, ::-1]
        # Where no chord explains a mix, the nearest of two equally near pixels may be of either side.
        assert (abs(mirrored / CODEC.decode(painted)[0] - 1) > 0.01).mean() < 0.01


@pytest.mark.parametrize("options", [{"window": 4}, {"window": 3.5}, {"floor": 0}, {"excess": -1}])
def test_bad_parameters(options: dict) -> None:
    with pytest.raises(InputError):
        CubeWalkEdges(**options)
