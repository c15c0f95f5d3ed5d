"""Foreground colours and cutouts, on composites whose foreground is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from visiongen.errors import InputError
from visiongen.tasks import foreground


def smooth_picture(rng: np.random.Generator, size: tuple[int, int], level: float) -> np.ndarray:
    noise = cv2.GaussianBlur(rng.normal(size=(*size, 3)).astype(np.float32), (0, 0), 9)
    return np.clip(level + noise / noise.std() * 25, 0, 255).astype(np.uint8)


def fringe(rng: np.random.Generator, size: tuple[int, int], soft: float) -> np.ndarray:
    noise = cv2.GaussianBlur(rng.normal(size=size).astype(np.float32), (0, 0), 3)
    y, x = np.indices(size)
    inside = min(size) / 3 - np.hypot(y - size[0] / 2, x - size[1] / 2) + 4 * noise / noise.std()
    return np.clip(inside / soft + 0.5, 0, 1).astype(np.float32)


@pytest.mark.parametrize(("size", "soft"), [((90, 120), 4), ((240, 200), 12), ((300, 400), 30)])
def test_colours_are_freed_of_the_background(size: tuple[int, int], soft: float) -> None:
    rng = np.random.default_rng(0)
    front, back = smooth_picture(rng, size, 70), smooth_picture(rng, size, 190)
    alpha = fringe(rng, size, soft)
    a = alpha[..., None]
    photo = (a * front + (1 - a) * back + 0.5).astype(np.uint8)
    mixed = (alpha > 0.02) & (alpha < 0.98)

    def error(colours: np.ndarray) -> float:
        """Of what is seen on a new background: alpha times the colour."""
        return float((abs(colours.astype(float) - front) * a)[mixed].mean())

    found = foreground.estimate(photo, alpha)
    assert error(found) < 0.35 * error(photo)
    assert np.array_equal(found[alpha == 1], photo[alpha == 1])
    black = foreground.compose(foreground.cutout(photo, alpha), np.zeros(3))
    halo = foreground.compose(np.dstack([photo, (alpha * 255).round().astype(np.uint8)]), np.zeros(3))
    truth = (a * front).astype(float)
    assert abs(black - truth)[mixed].mean() < 0.4 * abs(halo - truth)[mixed].mean()


def test_hard_masks_and_empty_ones_keep_the_photo() -> None:
    rng = np.random.default_rng(1)
    photo = rng.integers(0, 256, (40, 50, 3), np.uint8)
    mask = np.zeros((40, 50), np.float32)
    mask[10:30, 10:30] = 1
    rgba = foreground.cutout(photo, mask)
    assert np.array_equal(rgba[mask == 1][:, :3], photo[mask == 1]) and set(np.unique(rgba[..., 3])) == {
        0,
        255,
    }
    assert foreground.cutout(photo, np.zeros((40, 50)))[..., 3].max() == 0
    assert np.array_equal(foreground.cutout(photo, np.ones((40, 50)))[..., :3], photo)
    thin = rng.integers(0, 256, (1, 9, 3), np.uint8)
    assert foreground.estimate(thin, np.full((1, 9), 0.5)).shape == (1, 9, 3)


def test_composing() -> None:
    rgba = np.array([[[200, 100, 0, 255], [200, 100, 0, 0], [200, 100, 0, 51]]], np.uint8)
    with pytest.raises(InputError, match=r"background: \(3, 3, 3\)"):
        foreground.compose(rgba, np.zeros((3, 3, 3), np.uint8))
    assert foreground.compose(rgba, np.array([0, 0, 100])).tolist() == [
        [[200, 100, 0], [0, 0, 100], [40, 20, 80]]
    ]


def test_a_small_matte_follows_the_photos_borders() -> None:
    rng = np.random.default_rng(2)
    size = (360, 480)
    front, back = smooth_picture(rng, size, 60), smooth_picture(rng, size, 200)
    alpha = fringe(rng, size, 2)
    photo = (alpha[..., None] * front + (1 - alpha[..., None]) * back).astype(np.uint8)
    step = 6.0
    small = cv2.resize(alpha, (80, 60), interpolation=cv2.INTER_AREA)
    large = np.clip(cv2.resize(small, (480, 360), interpolation=cv2.INTER_LINEAR), 0, 1)
    sharp = foreground.sharpen(photo, large, step)
    assert ((sharp - alpha) ** 2).mean() < 0.65 * ((large - alpha) ** 2).mean()
    assert abs(sharp - alpha).mean() < abs(large - alpha).mean()
    assert sharp.min() >= 0 and sharp.max() <= 1
    around = np.ones((7, 7), np.uint8)  # half a step to each side
    assert (sharp >= cv2.erode(large, around)).all() and (sharp <= cv2.dilate(large, around)).all()
    assert np.array_equal(foreground.sharpen(photo, large, 1.0), large)
    for level in (0.0, 1.0):
        assert (foreground.sharpen(photo, np.full(size, level, np.float32), step) == level).all()


def test_png_with_alpha(tmp_path) -> None:
    rgba = np.random.default_rng(0).integers(0, 256, (12, 20, 4), np.uint8)
    path = tmp_path / "x.png"
    path.write_bytes(foreground.encode_rgba(rgba))
    assert np.array_equal(np.asarray(Image.open(path)), rgba)


def test_refusals() -> None:
    photo = np.zeros((10, 10, 3), np.uint8)
    with pytest.raises(InputError, match="resize"):
        foreground.estimate(photo, np.zeros((5, 5)))
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        foreground.estimate(photo, np.full((10, 10), np.nan))
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        foreground.cutout(photo, np.full((10, 10), 255.0))
    with pytest.raises(InputError, match="uint8 RGB"):
        foreground.estimate(photo.astype(float), np.zeros((10, 10)))
