from __future__ import annotations

import cv2
import numpy as np
import pytest

from visiongen.errors import InputError, UsageError
from visiongen.prompt import Legend
from visiongen.tasks.codecs.depth import CORNERS, STEPS, WALK, CubeWalk, CubeWalkEdges, GrayDisparity, project
from visiongen.tasks.codecs.legend import LegendNearest, fill_ignored, random_legend_colours
from visiongen.tasks.codecs.normals import OpenGLNormals, import_normals

LEGEND = Legend.parse("a=#000000,b=#ff0000,c=#00ff00,d=#0000ff")


def test_walk_follows_the_seven_edges() -> None:
    assert len(WALK) == STEPS + 1 and np.array_equal(WALK[::255], CORNERS * 255)
    assert (abs(np.diff(WALK.astype(int), axis=0)).sum(axis=1) == 1).all()
    position, squared = project(WALK[None])
    assert np.array_equal(position[0], np.arange(STEPS + 1)) and not squared.any()


def test_projection_is_the_nearest_point_of_the_walk() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    gap = np.linalg.norm(picture[:, :, None].astype(float) - WALK, axis=3)
    _, squared = project(picture)
    assert np.allclose(np.sqrt(squared), gap.min(axis=2), atol=1e-3)


def test_known_depths() -> None:
    """f = 1 - (1 + d/10)^-2: 10 m is f = 3/4, position 5.25 of 7, a quarter from blue to magenta."""
    painted = CubeWalk().encode(np.array([[0.0, 10.0, np.inf, np.nan, 500.0]], np.float32))
    assert painted[0].tolist() == [[0] * 3, [64, 0, 255], [255] * 3, [255] * 3, [255] * 3]
    decoded, confidence = CubeWalk().decode(painted)
    assert decoded[0, 0] == 0 and abs(decoded[0, 1] - 10) < 0.03 and np.isinf(decoded[0, 2:]).all()
    assert (confidence == 1).all()
    nearer = CubeWalk(scale=2.5)  # a quarter of the distances, the same colours
    assert np.array_equal(nearer.encode(np.array([[0, 2.5, np.inf]], np.float32)), painted[:, :3])
    assert nearer.decode(painted)[0][0, 1] == pytest.approx(decoded[0, 1] / 4)


def test_stated_eight_bit_cost() -> None:
    rng = np.random.default_rng(1)
    depth = rng.uniform(0.5, 20, (200, 200)).astype(np.float32)
    error = abs(CubeWalk().decode(CubeWalk().encode(depth))[0] - depth) / depth
    assert error.mean() < 0.0017 and error.max() < 0.004
    far = np.full((8, 8), 80, np.float32)
    assert (abs(CubeWalk().decode(CubeWalk().encode(far))[0] - far) / far).max() < 0.013


def test_noise_costs_less_than_gray() -> None:
    """Colour noise of sigma 12 costs the cube walk several times less than a gray log scale."""
    rng = np.random.default_rng(2)
    depth = np.exp(rng.uniform(np.log(0.5), np.log(20), (100, 100))).astype(np.float32)
    noisy = CubeWalk().encode(depth) + rng.normal(0, 12, (100, 100, 3))
    walk = CubeWalk().decode(np.clip(noisy.round(), 0, 255).astype(np.uint8))[0]
    span = np.log(80 / 0.5)
    gray = np.log(depth / 0.5) / span * 255 + rng.normal(0, 12 / np.sqrt(3), depth.shape)
    log = 0.5 * np.exp(gray.clip(0, 255) / 255 * span)
    cost = [(abs(p - depth) / depth).mean() for p in (walk, log)]
    assert cost[0] < 0.04 and cost[0] < cost[1] / 2


@pytest.mark.parametrize("pair", [(1, 10), (2, 20), (0.7, 30), (1, 4), (5, 15)])
def test_flying_pixels_take_a_side(pair: tuple[float, float]) -> None:
    near, far = pair
    depth = np.where(np.arange(40) < 20, near, far)[None].repeat(16, 0).astype(np.float32)
    blurred = cv2.GaussianBlur(CubeWalk().encode(depth), (5, 5), 1.0)
    for stray, expect in ((1e9, False), (CubeWalk().stray, True)):
        decoded = CubeWalk(stray=stray).decode(blurred)[0]
        off = np.minimum(abs(decoded / near - 1), abs(decoded / far - 1)) > 0.1
        assert (not off.any()) == expect, (stray, decoded[8])


def test_sky_is_decoded_from_nearly_white() -> None:
    white = np.full((4, 4, 3), 254, np.uint8)
    assert np.isinf(CubeWalk().decode(white)[0]).all()


def test_only_what_is_infinitely_far_is_white_however_far_the_walk_goes() -> None:
    """Where ``far`` itself lies in the walk's last step, white still is the sky."""
    depth = np.array([[1, 82, 150, 199, 200, np.inf]], np.float32)
    for codec in (CubeWalk(scale=2), CubeWalkEdges(scale=2), CubeWalk(scale=1, far=1e4)):
        painted = codec.encode(depth)
        far = depth >= codec.far
        assert np.array_equal((painted == 255).all(axis=2), far)
        assert np.array_equal(np.isinf(codec.decode(painted)[0]), far)


def test_bad_depths_and_parameters() -> None:
    with pytest.raises(InputError, match="negative"):
        CubeWalk().encode(np.array([[1.0, -2.0, np.nan]]))
    for options in ({"scale": 0}, {"far": float("nan")}, {"sigma": "x"}, {"reach": -1}):
        with pytest.raises(InputError):
            CubeWalk(**options)
    with pytest.raises(InputError, match="below high"):
        GrayDisparity(low=0.9, high=0.5)


def test_disparity_is_affine_invariant_and_near_is_white() -> None:
    rng = np.random.default_rng(3)
    disparity = rng.uniform(0.1, 2, (30, 30)).astype(np.float32)
    one = GrayDisparity().encode(1 / disparity)
    two = GrayDisparity().encode(1 / (3 * disparity + 0.5))
    assert abs(one.astype(int) - two).max() <= 1
    assert one[np.unravel_index(disparity.argmax(), disparity.shape)][0] == 255
    assert (one == one[..., :1]).all()


def test_disparity_of_sky_invalid_and_constant() -> None:
    depth = np.array([[1, 2, np.inf, np.nan, 0]], np.float32)
    relative = GrayDisparity().relative(depth)
    assert relative[0, 0] == 1 and relative[0, 2] == 0 and np.isnan(relative[0, 3:]).all()
    assert np.isnan(GrayDisparity().relative(np.full((2, 2), np.nan, "f4"))).all()
    assert (GrayDisparity().relative(np.full((2, 2), np.inf, "f4")) == 0).all()
    assert np.isfinite(GrayDisparity().relative(np.full((2, 2), 5, "f4"))).all()


def test_normals_known_colours_and_invalid() -> None:
    normals = np.array([[[0, 0, 1], [1, 0, 0], [0, -1, 0], [0, 0, 0], [np.nan] * 3]], np.float32)
    painted = OpenGLNormals().encode(normals)
    assert painted[0].tolist() == [[128, 128, 255], [255, 128, 128], [128, 0, 128]] + [[128] * 3] * 2
    decoded, confidence = OpenGLNormals().decode(painted)
    assert not decoded[0, 3:].any() and not confidence[0, 3:].any()
    assert np.allclose(np.linalg.norm(decoded[0, :3], axis=1), 1, atol=1e-6)


def test_a_vector_with_one_invalid_channel_is_none() -> None:
    normals = np.array([[[np.nan, 0.6, 0.8], [0.6, np.inf, 0.8], [0, 0.6, 0.8]]], np.float32)
    decoded, confidence = OpenGLNormals().decode(OpenGLNormals().encode(normals))
    assert not decoded[0, :2].any() and not confidence[0, :2].any()
    assert abs(decoded[0, 2] - [0, 0.6, 0.8]).max() < 0.01


def test_foreign_conventions() -> None:
    """A wall to the right faces left in ours; a floor faces up."""
    left, up = [-1, 0, 0], [0, 1, 0]
    assert import_normals(np.array([1, 0, 0]), "lub").tolist() == left
    assert import_normals(np.array([-1, 0, 0]), "opencv").tolist() == left
    assert import_normals(np.array([0, -1, 0]), "opencv").tolist() == up
    assert import_normals(np.array([0, -1, 0]), "directx").tolist() == up
    assert import_normals(np.array([0, 0, -1]), "opencv").tolist() == [0, 0, 1]
    with pytest.raises(UsageError, match="choose one of"):
        import_normals(np.zeros(3), "z-up")


def test_unknown_pixels_have_no_confidence() -> None:
    """Far from every colour the nearest one often wins the softmax by far: that says nothing."""
    codec = LegendNearest(LEGEND, unknown_distance=60)
    labels, confidence = codec.decode(codec.encode(np.array([[0, 1, 2, 3, 255]])))
    assert labels[0, 4] == 255 and confidence[0, 4] == 0 and (confidence[0, :4] > 0.9).all()


def test_legend_unknown_and_ignored() -> None:
    codec = LegendNearest(LEGEND, unknown_distance=60)
    labels = np.array([[0, 1, 2, 3, 255]])
    decoded, _ = codec.decode(codec.encode(labels))
    assert np.array_equal(decoded, labels)
    assert (LegendNearest(LEGEND).decode(codec.encode(labels))[0] != 255).all()
    for bad in (np.array([[4]]), np.array([[-1]]), np.array([[0.0]])):
        with pytest.raises(InputError):
            codec.encode(bad)


def test_legend_confidence_is_the_softmax() -> None:
    codec = LegendNearest(Legend.parse("a=#000000,b=#c80000"), temperature=50)
    picture = np.zeros((1, 3, 3), np.uint8)
    picture[0, :, 0] = (0, 100, 150)
    labels, confidence = codec.decode(picture)
    probability = codec.probabilities(picture)
    at_150 = np.exp(-(50**2) / 5000) / (np.exp(-(50**2) / 5000) + np.exp(-(150**2) / 5000))
    assert confidence[0, 1] == pytest.approx(0.5) and confidence[0, 2] == pytest.approx(at_150)
    assert labels[0].tolist() == [0, 0, 1] and np.allclose(probability.sum(axis=2), 1)
    assert np.allclose(probability.max(axis=2), confidence)


def test_a_full_legend_leaves_room_for_unknown() -> None:
    legend = Legend(tuple(map(str, range(256))), tuple((i, 0, 0) for i in range(256)))
    with pytest.raises(InputError, match="255 at most"):
        LegendNearest(legend)


def test_fill_ignored_takes_the_nearest() -> None:
    labels = np.full((5, 9), 255, np.uint8)
    labels[:, 0], labels[:, 8] = 3, 7
    filled = fill_ignored(labels)
    assert (filled[:, :4] == 3).all() and (filled[:, 5:] == 7).all()
    assert (fill_ignored(np.full((2, 2), 255, np.uint8)) == 255).all()
    assert (fill_ignored(np.zeros((2, 2), np.uint8)) == 0).all()


@pytest.mark.parametrize("k", [1, 2, 3, 12, 40, 150, 255])
def test_random_colours(k: int) -> None:
    """Distinct, far apart, reproducible; for a dozen, mixes keep away from third colours too."""
    worst_gap, worst_mix = 1e9, 1e9
    for seed in range(5 if k < 100 else 1):
        colours = random_legend_colours(k, np.random.default_rng(seed))
        assert colours.shape == (k, 3) and colours.dtype == np.uint8
        assert len(np.unique(colours, axis=0)) == k
        again = random_legend_colours(k, np.random.default_rng(seed))
        assert np.array_equal(colours, again)
        gap, mix = clearance(colours)
        worst_gap, worst_mix = min(worst_gap, gap), min(worst_mix, mix)
    if k == 12:
        assert worst_gap > 55 and worst_mix > 36
    if k > 1:
        assert worst_gap > 150 * k**-0.5 - 4


def clearance(colours: np.ndarray) -> tuple[float, float]:
    """Smallest distance of two colours, and of a 50/50 mix to a third."""
    c, k = colours.astype(float), len(colours)
    gap = np.linalg.norm(c[:, None] - c, axis=2) + 1e9 * np.eye(k)
    mix = np.inf
    for i in range(k if k <= 40 else 0):
        away = np.linalg.norm((c[i] + c)[:, None] / 2 - c, axis=2) + 1e9 * np.eye(k)
        away[:, i] = away[i] = 1e9
        mix = min(mix, away.min())
    return float(gap.min()), float(mix)


def test_colours_vary() -> None:
    """Training must see every part of the cube, not only its corners."""
    drawn = np.concatenate([random_legend_colours(8, np.random.default_rng(s)) for s in range(60)])
    occupied = np.unique(drawn // 64, axis=0)
    assert len(occupied) > 50  # of 64 cells
