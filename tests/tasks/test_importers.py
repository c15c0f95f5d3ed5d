"""Foreign conventions against the formulas and colours of their own sources."""

from __future__ import annotations

import numpy as np
import pytest

from visiongen.errors import CodecError, InputError
from visiongen.tasks.codecs import codec_from_spec
from visiongen.tasks.codecs.depth import CubeWalk
from visiongen.tasks.codecs.importers.depth import (
    HilbertMap,
    MarigoldDepth,
    PainterDepth,
    VisionBananaDepth,
    VisionBananaDepthBlueFirst,
)
from visiongen.tasks.codecs.importers.material import (
    GltfMetallicRoughness,
    MarigoldMaterial,
    PowerAlbedo,
    RgbxChannel,
)
from visiongen.tasks.codecs.importers.normals import (
    DirectXNormals,
    DSINENormals,
    OpenCVNormals,
    VisionBananaNormals,
)
from visiongen.tasks.codecs.importers.painter import PainterPalette, painter_colours
from visiongen.tasks.codecs.normals import OpenGLNormals

DEPTHS = np.exp(np.linspace(np.log(0.1), np.log(150), 40 * 50)).reshape(40, 50).astype(np.float32)


def hilbert_colour(metres: float, lam: float, c: float, order: str) -> np.ndarray:
    """The formula and the corners by name, one depth at a time, in floats."""
    corners = {"k": (0, 0, 0), "r": (1, 0, 0), "y": (1, 1, 0), "g": (0, 1, 0)}
    corners |= {"c": (0, 1, 1), "b": (0, 0, 1), "m": (1, 0, 1), "w": (1, 1, 1)}
    s = 7 * (1 - (1 - metres / (lam * c)) ** (lam + 1))
    edge = min(int(s), 6)
    start, stop = np.array(corners[order[edge]]), np.array(corners[order[edge + 1]])
    return 255 * (start + (s - edge) * (stop - start))


@pytest.mark.parametrize(
    ("codec", "lam", "c", "order"),
    [
        (VisionBananaDepth(), -3, 10 / 3, "krygcbmw"),
        (VisionBananaDepthBlueFirst(), -3, 10 / 3, "kbcgyrmw"),
        (HilbertMap(), -3, 10 / 3, "krygcbmw"),
        (HilbertMap(lam=-4, c=120), -4, 120, "krygcbmw"),
    ],
)
def test_walks_paint_the_sources_colours(codec, lam: float, c: float, order: str) -> None:
    truth = np.array([hilbert_colour(float(d), lam, c, order) for d in DEPTHS.reshape(-1)])
    painted = codec.encode(DEPTHS)
    assert abs(painted.reshape(-1, 3) - truth).max() <= 0.51
    assert (abs(codec.decode(painted)[0] - DEPTHS) <= codec.tolerance(DEPTHS)).all()


def test_the_two_orders_disagree_by_factors() -> None:
    """One metre in one order reads as 7.8 m in the other."""
    painted = VisionBananaDepth().encode(np.ones((4, 4), np.float32))
    wrong = VisionBananaDepthBlueFirst().decode(painted)[0]
    assert np.allclose(wrong, 7.78, atol=0.05)
    assert np.allclose(VisionBananaDepth().decode(painted)[0], 1, atol=0.002)


def test_hilbertmap_is_the_cube_walk_by_default() -> None:
    assert np.array_equal(HilbertMap().encode(DEPTHS), CubeWalk().encode(DEPTHS))
    far = HilbertMap().encode(np.array([[np.inf, np.nan, 1e9]], np.float32))
    assert (far == 255).all() and np.isinf(HilbertMap().decode(far)[0]).all()


@pytest.mark.parametrize("lam", [-1, 0, 2, float("nan"), "x", True])
def test_hilbertmap_refuses_a_curve_that_does_not_saturate(lam: object) -> None:
    with pytest.raises(CodecError, match="lam="):
        codec_from_spec(HilbertMap().spec() | {"lam": lam})


def test_marigold_is_linear_in_depth_between_its_quantiles() -> None:
    low, high = np.percentile(DEPTHS, [2, 98])
    truth = ((DEPTHS - low) / (high - low)).clip(0, 1)
    decoded, _ = MarigoldDepth().decode(MarigoldDepth().encode(DEPTHS))
    assert abs(decoded - truth).max() <= 0.5 / 255 + 1e-5
    sky = np.where(DEPTHS > 100, np.inf, DEPTHS)
    assert (MarigoldDepth().encode(sky)[sky == np.inf] == 255).all()


def test_painter_depth_is_ten_metres_to_white() -> None:
    painted = PainterDepth().encode(np.array([[0, 1, 5, 10, 60, np.inf]], np.float32))
    assert painted[0, :, 0].tolist() == [0, 26, 128, 255, 255, 255]
    assert np.allclose(PainterDepth().decode(painted)[0], [[0, 1, 5, 10, 10, 10]], atol=0.02)


@pytest.mark.parametrize(
    "codec", [HilbertMap(), MarigoldDepth(), PainterDepth(), VisionBananaDepthBlueFirst()]
)
def test_negative_depth_is_refused(codec) -> None:
    with pytest.raises(InputError, match="negative"):
        codec.encode(np.full((3, 3), -1, np.float32))


@pytest.mark.parametrize(
    ("codec", "vector", "colour"),
    [
        # Vision Banana's own words: left is pinkish red, up light green, the camera light blue.
        (VisionBananaNormals(), (-1, 0, 0), (255, 128, 128)),
        (VisionBananaNormals(), (0, 1, 0), (128, 255, 128)),
        (VisionBananaNormals(), (0, 0, 1), (128, 128, 255)),
        # DSINE: a wall to the right of the camera faces left and is (1, 0, 0); a floor is (0, 1, 0).
        (DSINENormals(), (-1, 0, 0), (255, 128, 128)),
        (DSINENormals(), (0, 1, 0), (128, 255, 128)),
        (DirectXNormals(), (0, 1, 0), (128, 0, 128)),
        (DirectXNormals(), (1, 0, 0), (255, 128, 128)),
        # A wall in front of an OpenCV camera has the normal (0, 0, -1); a floor (0, -1, 0).
        (OpenCVNormals(), (0, 0, 1), (128, 128, 0)),
        (OpenCVNormals(), (0, 1, 0), (128, 0, 128)),
    ],
)
def test_normals_have_the_sources_colours(codec, vector: tuple, colour: tuple) -> None:
    field = np.tile(np.array(vector, np.float32), (3, 4, 1))
    painted = codec.encode(field)
    assert (painted == colour).all()
    assert abs(codec.decode(painted)[0] - field).max() < 0.01


def test_directx_is_green_from_the_other_end() -> None:
    rng = np.random.default_rng(0)
    field = rng.normal(size=(20, 30, 3))
    field = (field / np.linalg.norm(field, axis=2, keepdims=True)).astype(np.float32)
    ours, theirs = OpenGLNormals().encode(field).astype(int), DirectXNormals().encode(field).astype(int)
    assert np.array_equal(ours[..., [0, 2]], theirs[..., [0, 2]])
    assert abs(255 - ours[..., 1] - theirs[..., 1]).max() <= 1  # rounding at .5


def test_opengl_colours_agree_with_kornia() -> None:
    """Kornia's reading of normal colours, for the convention all others are turned from."""
    import torch
    from kornia.color import rgb255_to_normals

    rng = np.random.default_rng(1)
    field = rng.normal(size=(20, 30, 3))
    field = (field / np.linalg.norm(field, axis=2, keepdims=True)).astype(np.float32)
    painted = DSINENormals().encode(field)
    theirs = (
        rgb255_to_normals(torch.from_numpy(painted).permute(2, 0, 1)[None].float())[0]
        .permute(1, 2, 0)
        .numpy()
    )
    assert abs(theirs * [-1, 1, 1] - DSINENormals().decode(painted)[0]).max() < 0.01


def test_painter_colours_are_the_sources() -> None:
    ade, coco = painter_colours("ade20k").tolist(), painter_colours("coco").tolist()
    assert (len(ade), len(coco)) == (150, 133)
    assert [ade[i] for i in (0, 1, 6, 36, 149)] == [
        [255, 255, 255], [255, 255, 213], [255, 213, 255], [213, 255, 255], [87, 255, 45],
    ]  # fmt: skip
    assert [coco[i] for i in (0, 7, 49, 132)] == [
        [255, 255, 255], [255, 219, 255], [219, 255, 255], [183, 111, 39],
    ]  # fmt: skip
    for colours in (ade, coco):
        assert len({tuple(colour) for colour in colours}) == len(colours)


@pytest.mark.parametrize("palette", ["ade20k", "coco"])
def test_painter_reads_by_l1_distance(palette: str) -> None:
    codec = PainterPalette(palette=palette)
    noise = np.random.default_rng(2).integers(0, 256, (13, 17, 3), np.uint8)
    colours = painter_colours(palette).astype(int)
    truth = [[int(abs(colours - pixel.astype(int)).sum(1).argmin()) for pixel in row] for row in noise]
    assert codec.decode(noise)[0].tolist() == truth
    assert (codec.encode(np.full((2, 2), 255)) == 0).all()
    with pytest.raises(InputError, match="id 200"):
        codec.encode(np.full((2, 2), 200))


def test_materials_sit_in_the_sources_channels() -> None:
    pixel = np.array([[[9, 51, 255]]], np.uint8)
    assert np.allclose(GltfMetallicRoughness().decode(pixel)[0], [[[1, 0.2, 1]]])
    halved = GltfMetallicRoughness(roughness_factor=0.5).decode(pixel)[0]
    assert np.allclose(halved, [[[1, 0.1, 1]]])
    labels, confidence = MarigoldMaterial().decode(np.array([[[51, 255, 0], [51, 255, 200]]], np.uint8))
    assert np.allclose(labels, [[[1, 0.2, 1]] * 2]) and confidence[0, 0] == 1 and confidence[0, 1] < 0.01
    assert np.allclose(RgbxChannel().decode(np.full((2, 2, 3), 51, np.uint8))[0], 0.2)
    assert np.allclose(PowerAlbedo().decode(np.full((1, 1, 3), 186, np.uint8))[0], 0.4994, atol=1e-3)


def test_materials_out_of_range_are_refused() -> None:
    for codec in (GltfMetallicRoughness(), MarigoldMaterial(), PowerAlbedo()):
        for value in (1.5, -0.1, np.nan):
            with pytest.raises(InputError, match=r"\[0, 1\]"):
                codec.encode(np.full((2, 2, 3), value))
