"""Returned maps are laid on their photos; inverted and turned ones are noticed."""

from __future__ import annotations

import functools
import importlib
import io

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from visiongen.benchmarks.returned import AXES, lay_back, painted, random_drift
from visiongen.errors import InputError
from visiongen.tasks.codecs.depth import CubeWalk
from visiongen.tasks.codecs.legend import LegendNearest
from visiongen.tasks.codecs.normals import OpenGLNormals
from visiongen.tasks.registration import affine, check_depth_order, check_normal_axes, register
from visiongen.tasks.registration.checks import axes_cues, axis_readings, describe, turn
from visiongen.tasks.registration.framing import framings, inside_borders
from visiongen.tasks.registration.structure import agreement, structure
from visiongen.world.render import Frames, render

SIZE = (240, 320)


@functools.cache
def frame(seed: int, size: tuple[int, int] = SIZE) -> Frames:
    return render("mixed", [seed], *size)


@functools.cache
def photograph(name: str) -> np.ndarray:
    """A real photo of scikit-image, 384 pixels wide."""
    from skimage import data

    photo = getattr(data, name)()[..., :3]
    return cv2.resize(
        photo, (384, round(384 * photo.shape[0] / photo.shape[1])), interpolation=cv2.INTER_AREA
    )


@functools.cache
def motorcycle() -> tuple[np.ndarray, np.ndarray]:
    """A real photo and its measured depth (scikit-image's stereo pair), 384 pixels wide."""
    from skimage import data

    left, _, disparity = data.stereo_motorcycle()
    depth = 994.978 * 0.193001 / (np.where(np.isfinite(disparity), disparity, np.nan) + 31.086)
    size = (384, round(384 * left.shape[0] / left.shape[1]))
    photo = cv2.resize(left, size, interpolation=cv2.INTER_AREA)
    return photo, cv2.resize(depth.astype(np.float32), size, interpolation=cv2.INTER_NEAREST)


def regions(photo: np.ndarray) -> tuple[np.ndarray, LegendNearest]:
    """A map of the photo's own regions in colours that have nothing to do with it."""
    from skimage.segmentation import felzenszwalb

    from visiongen.prompt import Legend
    from visiongen.tasks.codecs.legend import random_legend_colours

    ids = felzenszwalb(photo, scale=400, sigma=1, min_size=400) % 12
    colours = random_legend_colours(12, np.random.default_rng(0)).tolist()
    codec = LegendNearest(Legend.of((f"c{i}", colour) for i, colour in enumerate(colours)))
    return codec.encode(ids), codec


def test_sampling_is_scipys_nearest() -> None:
    rng = np.random.default_rng(0)
    array = rng.integers(0, 256, (30, 40, 3), np.uint8)
    move = random_drift(rng, (30, 40), 0.1, 4)
    moved, inside = affine.sample_nearest(array, move, (25, 35))
    matrix = move[::-1, [1, 0]]
    for channel in range(3):
        theirs = ndimage.affine_transform(
            array[..., channel], matrix, move[::-1, 2], output_shape=(25, 35), order=0, mode="nearest"
        )
        assert (theirs == moved[..., channel]).mean() > 0.998  # ties at .5 may fall either way
    assert inside.any() and not inside.all()


def test_affines_compose_and_fit() -> None:
    rng = np.random.default_rng(1)
    one, two = (random_drift(rng, SIZE, 0.1, 9) for _ in range(2))
    points = rng.uniform(0, 300, (7, 2))
    assert np.allclose(
        affine.apply(affine.then(one, two), points), affine.apply(two, affine.apply(one, points))
    )
    assert np.allclose(affine.apply(affine.invert(one), affine.apply(one, points)), points)
    # The outer edges of the picture, half a pixel outside the corner centres, meet the box's.
    fit = affine.fit_box((10, 20), (5, 7, 45, 27))
    assert np.allclose(affine.apply(fit, np.array([[-0.5, -0.5], [19.5, 9.5]])), [[4.5, 6.5], [44.5, 26.5]])
    assert affine.corner_distance(np.eye(2, 3), np.array([[1, 0, 3.0], [0, 1, 4.0]]), SIZE) == pytest.approx(
        5
    )


def test_edges_do_not_know_the_colours() -> None:
    photo = photograph("coffee")
    same, inverted = structure(photo), structure(255 - photo)
    assert abs(same - inverted).max() < 1e-4
    everywhere = np.ones(photo.shape[:2], bool)
    assert agreement(same, inverted, everywhere) > 0.999
    assert abs(agreement(same, np.roll(inverted, 60, axis=1), everywhere)) < 0.1


def test_borders_are_pairs_of_one_colour() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    assert inside_borders(picture) == (0, 0, 60, 40)
    boxed = picture.copy()
    boxed[:6] = boxed[-6:] = 0
    assert inside_borders(boxed) == (0, 6, 60, 34)
    boxed[:, :5] = boxed[:, -5:] = 0
    assert inside_borders(boxed) == (5, 6, 55, 34)
    sky = picture.copy()
    sky[:9] = (255, 255, 255)  # one bar alone is not a border
    assert inside_borders(sky) == (0, 0, 60, 40)
    assert inside_borders(np.zeros((20, 20, 3), np.uint8)) == (0, 0, 20, 20)
    assert set(framings((40, 60), picture)) == {"stretched"}
    assert set(framings((60, 60), picture)) == {"stretched", "cropped", "extended"}


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def padded(map_: np.ndarray, colour: int) -> np.ndarray:
    """With bars of 70 pixels above and below and of 80 at the sides: no multiple of JPEG's blocks."""
    return np.pad(map_, ((70, 70), (80, 80), (0, 0)), constant_values=colour)


@pytest.mark.parametrize("colour", [255, 128, 0])
@pytest.mark.parametrize("harm", ["none", "noise", "spots", 95, 90, 80, 60])
def test_borders_are_found_under_noise_and_jpeg(harm: str | int, colour: int) -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (12, 3), np.uint8)
    given = padded(colours[np.add.outer(np.arange(180) // 29 * 3, np.arange(240) // 37 * 5) % 12], colour)
    if harm == "noise":
        given = (given.astype(int) + rng.integers(-1, 2, given.shape)).clip(0, 255).astype(np.uint8)
    elif harm == "spots":
        given[rng.random(given.shape[:2]) < 0.002] = (9, 200, 90)
    elif harm != "none":
        given = jpeg(given, int(harm))
    found = np.array(inside_borders(given)) - (80, 70, 320, 250)
    assert abs(found).max() <= (0 if isinstance(harm, str) else 1), found


def test_a_slope_is_no_border_and_exact_bars_end_where_they_did() -> None:
    """What fades away from the bars' colour is the map, as in a picture of depth."""
    slope = np.minimum(np.arange(120), 239 - np.arange(120) - 120).clip(0)[:, None, None]
    map_ = np.repeat(np.repeat(slope, 90, 1), 3, 2).astype(np.uint8)
    map_[:, ::2] += 3
    assert inside_borders(map_) == (0, 0, 90, 120)
    boxed = np.pad(map_ + np.uint8(2), ((20, 20), (0, 0), (0, 0)))
    assert inside_borders(boxed) == (0, 20, 90, 140)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["legend", "depth", "normals"])
def test_drifts_of_rendered_maps_are_found(kind: str) -> None:
    """Scale, aspect and shear to 3 %, 10 pixels of translation: about 10 px at the corners."""
    errors = []
    for seed in range(3):
        shown, rng = frame(seed), np.random.default_rng(seed)
        map_, codec = painted(shown, rng)[kind]
        drift = random_drift(rng, SIZE, 0.03, 10)
        error, found = lay_back(shown.photo[0].numpy(), map_, codec, drift)
        assert found.refined and found.framing == "stretched" and found.sure() == "yes"
        errors.append(error)
    assert np.mean(errors) <= 1 and max(errors) <= 2


@pytest.mark.slow
def test_drifts_of_region_maps_of_photos_are_found() -> None:
    errors = []
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        photo, rng = photograph(name), np.random.default_rng(7)
        map_, codec = regions(photo)
        errors.append(lay_back(photo, map_, codec, random_drift(rng, photo.shape[:2], 0.03, 10))[0])
    # Felzenszwalb's borders run through fur and blur: looser than exact maps (docs/codecs.md).
    assert np.mean(errors) <= 1.5 and max(errors) <= 2.5


@pytest.mark.slow
def test_drifts_of_measured_depth_are_found() -> None:
    photo, depth = motorcycle()
    drift = random_drift(np.random.default_rng(3), photo.shape[:2], 0.03, 10)
    assert lay_back(photo, CubeWalk().encode(depth), CubeWalk(), drift)[0] <= 2


@pytest.mark.slow
@pytest.mark.parametrize("framing", ["padded", "padded, JPEG", "cropped", "stretched"])
def test_framings_are_told_apart(framing: str) -> None:
    photo = photograph("coffee")
    map_, _ = regions(photo)
    height, width = photo.shape[:2]
    if framing == "padded":  # letterboxed into a square
        bar = (width - height) // 2
        given = np.pad(map_, ((bar, bar), (0, 0), (0, 0)))
        truth = np.array([[1, 0, 0], [0, 1, bar]], float)
    elif framing == "padded, JPEG":
        given = jpeg(padded(map_, 255), 90)
        truth = np.array([[1, 0, 80], [0, 1, 70]], float)
    elif framing == "cropped":  # the middle square
        left = (width - height) // 2
        given = np.ascontiguousarray(map_[:, left : left + height])
        truth = np.array([[1, 0, -left], [0, 1, 0]], float)
    else:  # squeezed into a square
        truth = affine.fit_box((height, width), (0, 0, 300, 300))
        given, _ = affine.sample_nearest(map_, affine.invert(truth), (300, 300))
    found = register(photo, given)
    assert found.framing == framing.split(",")[0]
    assert affine.corner_distance(found.affine, truth, photo.shape[:2]) <= 1


def test_a_map_in_place_stays_there() -> None:
    photo = photograph("chelsea")
    map_, codec = regions(photo)
    found = register(photo, map_)
    assert affine.corner_distance(found.affine, np.eye(2, 3), photo.shape[:2]) <= 0.5
    labels = codec.decode(map_)[0]
    moved, inside = found.sample(labels)
    assert set(np.unique(moved)) <= set(np.unique(labels)) and inside.mean() > 0.98


def test_a_drift_is_no_gain_where_edges_disagree_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agreement may be negative: 5 % more of that is worse, not better."""
    module = importlib.import_module("visiongen.tasks.registration.register")
    moved = np.array([[1.0, 0, 1], [0, 1, 0]])
    stages = [np.zeros((64, 64, 3), np.float32)] * len(module.STAGES)
    monkeypatch.setattr(module, "_step", lambda *rest: moved)
    for after, taken in ((-0.103, False), (-0.098, False), (-0.09, True)):
        scores = iter((-0.1, after))
        monkeypatch.setattr(module, "agreement", lambda *rest, scores=scores: next(scores))
        affine, _ = module.follow(stages, stages, np.ones((64, 64), bool))
        assert np.array_equal(affine, moved) == taken, after


def test_an_unrelated_map_is_not_sure() -> None:
    map_, _ = regions(photograph("rocket"))
    found = register(photograph("coffee"), map_)
    assert found.sure() == "no"
    flat = register(photograph("coffee"), np.full((50, 60, 3), 9, np.uint8))
    assert flat.sure() == "no" and flat.agreement == 0 and not flat.refined


def test_only_pictures_are_registered() -> None:
    photo = np.zeros((20, 30, 3), np.uint8)
    for one, two in ((photo[..., 0], photo), (photo, photo.astype(float)), (photo[:4], photo)):
        with pytest.raises(InputError):
            register(one, two)


def ground(height: int = 60, width: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """Depth and normals of a floor under a sky with a ball on it, by hand."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    horizon = height * 0.4
    depth = np.where(rows > horizon, 40 / np.maximum(rows - horizon, 0.4), np.inf).astype(np.float32)
    normals = np.zeros((height, width, 3), np.float32)
    normals[rows > horizon] = (0, 0.97, 0.243)
    x, y = (columns - width * 0.45) / 12, -(rows - height * 0.62) / 12
    ball = x**2 + y**2 < 0.98
    z = np.sqrt(np.maximum(1 - x**2 - y**2, 0))
    normals[ball] = np.stack([x, y, z], axis=2)[ball]
    depth[ball] = 2.0
    return depth, normals


def test_a_floor_under_a_sky_is_understood() -> None:
    depth, normals = ground()
    assert not check_depth_order(depth).wrong and check_depth_order(depth).reading == "as given"
    found = check_depth_order(-depth)
    assert found.wrong and "inverted" in found.reading
    # Any rising scale will do: only the order counts.
    assert check_depth_order(np.log(depth)).probability == pytest.approx(check_depth_order(depth).probability)
    assert check_normal_axes(normals).reading == "as given"
    for name, reading in AXES.items():
        assert check_normal_axes(turn(normals, reading)).reading == describe(reading), name


def test_readings_are_named() -> None:
    readings = axis_readings()
    assert len(set(map(describe, readings))) == 48 and describe(readings[0]) == "as given"
    assert describe(AXES["x flipped"]) == "x flipped"
    assert describe(AXES["red, blue swapped"]) == "x from z, z from x"


def test_all_readings_are_weighed_as_if_each_were_given() -> None:
    """The cues of reading r are the first row of what the field turned by r gives."""
    normals = ground()[1]
    everything = axes_cues(normals)
    for number, reading in enumerate(axis_readings()):
        np.testing.assert_allclose(axes_cues(turn(normals, reading))[0], everything[number], atol=1e-6)


def test_nothing_to_see_is_not_called_wrong() -> None:
    for depth in (np.full((20, 30), np.nan), np.full((20, 30), 3.0), np.full((20, 30), np.inf)):
        assert not check_depth_order(depth).wrong
    assert not check_normal_axes(np.zeros((20, 30, 3))).wrong
    flat = np.tile(np.array([0, 0, 1], np.float32), (20, 30, 1))
    assert not check_normal_axes(flat).wrong


@pytest.mark.slow
def test_rendered_labels_are_seldom_called_wrong() -> None:
    """The rates over 100 frames stand in docs/codecs.md; here a few frames keep them alive."""
    shown = [frame(seed, (96, 128)) for seed in range(12)]
    depth = [CubeWalk().decode(CubeWalk().encode(f.depth[0].numpy()))[0] for f in shown]
    assert sum(check_depth_order(d).wrong for d in depth) <= 1
    assert sum(check_depth_order(-d).wrong for d in depth) >= 8
    normals = [OpenGLNormals().decode(OpenGLNormals().encode(f.normals[0].numpy()))[0] for f in shown]
    assert sum(check_normal_axes(n).wrong for n in normals) <= 1
    for name in ("y flipped", "z flipped"):
        assert sum(check_normal_axes(turn(n, AXES[name])).wrong for n in normals) >= 9, name
