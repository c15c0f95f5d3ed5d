"""A recipe's own augmentation by albumentations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from visiongen.errors import UsageError
from visiongen.training.sources.ecssd import EcssdSource
from visiongen.training.sources.transforms import Transforms

PHOTO = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)


def rng() -> np.random.Generator:
    return np.random.default_rng(4)


def test_colours_change_where_things_stay() -> None:
    both = Transforms(
        [{"name": "RandomBrightnessContrast", "p": 1.0}, {"name": "HorizontalFlip", "p": 1.0}], "x"
    )
    assert both.moving == ["HorizontalFlip"]
    changed = both.photo(PHOTO, rng())
    assert changed.dtype == np.uint8 and changed.shape == PHOTO.shape and (changed != PHOTO).mean() > 0.5
    photo, labels = both.pair(PHOTO, PHOTO[..., 0].astype(np.int32), -1, rng())
    assert np.array_equal(photo, PHOTO[:, ::-1]) and np.array_equal(labels, PHOTO[:, ::-1, 0])
    assert labels.dtype == np.int32


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32])
def test_labels_are_never_mixed(dtype: Any) -> None:
    labels = (np.arange(24 * 32).reshape(24, 32) % 7 * (30 if dtype == np.uint8 else 20011)).astype(dtype)
    elastic = Transforms(
        [{"name": "ElasticTransform", "alpha": 40, "p": 1.0}, {"name": "Rotate", "p": 1.0}], "x"
    )
    _, moved = elastic.pair(PHOTO, labels, 255, rng())
    assert set(np.unique(moved)) <= {*np.unique(labels), 255} and not np.array_equal(moved, labels)


def test_each_transform_is_drawn_for_itself() -> None:
    """By its own chance and with its own numbers, nested or not; and the same ones again for a seed."""
    even = [{"name": "InvertImg", "p": 0.5}, {"name": "ToGray", "p": 0.5}]
    red = np.full((8, 8, 3), (200, 0, 0), np.uint8)
    for spec in (even, [{"name": "Sequential", "transforms": even, "p": 1.0}]):
        both, draw = Transforms(spec, "x"), rng()
        seen = {tuple(both.photo(red, draw)[0, 0].tolist()) for _ in range(40)}
        assert len(seen) == 4  # neither, one, the other, both
        assert np.array_equal(both.photo(red, rng()), both.photo(red, rng()))
    flips = Transforms([{"name": "HorizontalFlip", "p": 0.5}, {"name": "VerticalFlip", "p": 0.5}], "x")
    draw = rng()
    corners = {int(flips.pair(PHOTO, np.arange(768).reshape(24, 32), -1, draw)[1][0, 0]) for _ in range(40)}
    assert corners == {0, 31, 736, 767}


def test_crops_change_the_size_of_both() -> None:
    crop = Transforms([{"name": "RandomCrop", "height": 10, "width": 12, "p": 1.0}], "x")
    photo, labels = crop.pair(PHOTO, PHOTO[..., 1], 0, rng())
    assert photo.shape == (10, 12, 3) and np.array_equal(photo[..., 1], labels)


def test_one_of_several() -> None:
    inner = [{"name": "GaussianBlur", "p": 1.0}, {"name": "Affine", "p": 1.0}]
    assert Transforms([{"name": "OneOf", "transforms": inner, "p": 1.0}], "x").moving == ["OneOf"]
    assert not Transforms([{"name": "OneOf", "transforms": inner[:1], "p": 1.0}], "x").moving


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"name": "Gauss"}, "mine: augment: 'Gauss' is no transform of albumentations"),
        ({"p": 1.0}, "None is no transform"),
        ({"name": "Compose", "transforms": [{"name": "cv2"}]}, "'cv2' is no transform"),
        ({"name": "GaussNoise", "sigma": 3}, r"GaussNoise: Argument\(s\) 'sigma' are not valid"),
        ({"name": "Rotate", "limit": "far"}, "Rotate: .*limit"),
        ({"name": "Rotate", "mask_interpolation": 1}, "Rotate: mask_interpolation would falsify labels"),
        ({"name": "OneOf", "transforms": [{"name": "Affine", "fill_mask": 9}]}, "Affine: fill_mask would"),
    ],
)
def test_what_cannot_be_made_is_said(table: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Transforms([table], "mine")


def test_what_makes_no_photo_is_said() -> None:
    with pytest.raises(UsageError, match="mine: augment made float32"):
        Transforms([{"name": "ToFloat", "p": 1.0}], "mine").photo(PHOTO, rng())
    with pytest.raises(UsageError, match="mine: augment: one of them needs 'bboxes'"):
        boxes = {"name": "BBoxSafeRandomCrop", "p": 1.0}
        Transforms([boxes], "mine").pair(PHOTO, PHOTO[..., 0], 0, rng())


def test_a_source_that_cannot_move_its_maps_says_so() -> None:
    EcssdSource(augment=[{"name": "GaussNoise"}])
    with pytest.raises(UsageError, match="source ecssd: augment: Rotate moves pixels"):
        EcssdSource(augment=[{"name": "Rotate"}])
