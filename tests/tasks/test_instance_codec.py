from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as rle

from visiongen.errors import InputError
from visiongen.tasks.codecs.density import cluster_colours
from visiongen.tasks.codecs.instance import CAPACITY, DistinctInstances, list_instances, palette
from visiongen.tasks.codecs.instance_centre import CentreInstances

CODEC = DistinctInstances()


def discs(count: int, size: int = 160) -> np.ndarray:
    """Ids int (size, size): ``count`` discs of radius 12 on a grid, some of them touching."""
    ids = np.zeros((size, size), np.int64)
    y, x = np.mgrid[:size, :size]
    for k in range(count):
        row, column = divmod(k, 6)
        ids[np.hypot(y - 14 - 24 * row, x - 14 - 24 * column) <= 12] = k + 1
    return ids


def matched(ids: np.ndarray, truth: np.ndarray) -> list[float]:
    """IoU of every true instance with its best found one."""
    return [
        max(
            ((ids == k) & (truth == t)).sum() / ((ids == k) | (truth == t)).sum()
            for k in range(1, ids.max() + 1)
        )
        for t in np.unique(truth[truth > 0])
    ]


def test_the_palette_is_far_apart() -> None:
    colours = palette().astype(float)
    gap = np.linalg.norm(colours[:, None] - colours, axis=2) + 1e9 * np.eye(len(colours))
    assert len(colours) == CAPACITY + 1 and gap.min() >= 63 and gap[:8, :8].min() >= 255
    assert not colours[0].any()


@settings(max_examples=8, deadline=None)
@given(count=st.integers(1, 36), sigma=st.floats(0, 12), blur=st.booleans(), seed=st.integers(0, 99))
def test_discs_survive_noise_and_blur(count: int, sigma: float, blur: bool, seed: int) -> None:
    truth = discs(count)
    painted = CODEC.encode(truth).astype(np.float32)
    if blur:
        painted = cv2.GaussianBlur(painted, (3, 3), 0.8)
    noisy = painted + np.random.default_rng(seed).normal(0, sigma, painted.shape)
    ids, confidence = CODEC.decode(np.clip(noisy.round(), 0, 255).astype(np.uint8))
    assert ids.max() == count
    assert min(matched(ids, truth)) > 0.8


def test_colours_that_a_generator_chooses_itself() -> None:
    truth = discs(3)
    colours = np.array([[0, 0, 0], [201, 90, 33], [20, 140, 220], [230, 230, 70]], np.uint8)
    ids, confidence = CODEC.decode(colours[truth])
    assert ids.max() == 3 and matched(ids, truth) == [1, 1, 1] and confidence.min() > 0.98


def test_parts_of_one_colour_join_over_a_gap_only() -> None:
    truth = np.zeros((60, 200), np.int64)
    truth[20:40, 10:60] = 1
    truth[:, 30:40] = 2  # a pole before it
    ids, _ = CODEC.decode(CODEC.encode(truth))
    assert ids.max() == 2 and min(matched(ids, truth)) == 1
    truth[20:40, 150:190] = 1  # the same colour far away is another instance
    assert CODEC.decode(CODEC.encode(truth))[0].max() == 3


def test_blurred_borders_are_no_instances() -> None:
    """Half white, half red on black, mixed two pixels wide: gray and pink are nobody's."""
    truth = np.zeros((80, 80), np.int64)
    truth[10:70, 10:40], truth[10:70, 40:70] = 1, 2
    painted = cv2.GaussianBlur(CODEC.encode(truth), (5, 5), 1.2)
    ids, _ = CODEC.decode(painted)
    assert ids.max() == 2 and min(matched(ids, truth)) > 0.93


def test_specks_are_dropped_and_thin_things_kept() -> None:
    truth = np.zeros((40, 40), np.int64)
    truth[5:20, 5:20] = 1
    truth[30:33, 30:33] = 2  # 9 pixels
    truth[25:27, :20] = 3  # two pixels thin, but of a colour that is no mix
    ids, confidence = CODEC.decode(CODEC.encode(truth))
    assert ids.max() == 2 and not ids[30:33, 30:33].any()
    assert confidence[31, 31] < 0.01 and confidence[10, 10] == 1


def test_flips_find_the_same_instances() -> None:
    painted = CODEC.encode(discs(20))
    ids = CODEC.decode(painted)[0]
    mirrored = CODEC.decode(np.ascontiguousarray(painted[:, ::-1]))[0][:, ::-1]
    assert min(matched(mirrored, ids)) == 1 and np.array_equal(ids == 0, mirrored == 0)


def test_masks_boxes_scores_and_coco() -> None:
    truth = np.zeros((40, 50), np.int64)
    truth[5:25, 8:20], truth[30:38, 30:45] = 1, 2
    painted = CODEC.encode(truth)
    painted[5:25, 8:20] -= 9  # paler paint, lower score
    painted[7, 9] -= 20
    found = list_instances(*CODEC.decode(painted))
    assert [one.box for one in found] == [(30, 30, 15, 8), (8, 5, 12, 20)]
    assert [one.area for one in found] == [120, 240] and found[0].score == 1 > found[1].score > 0.9
    result = json.loads(json.dumps(found[1].coco(7, 3)))
    assert np.array_equal(rle.decode(result["segmentation"]).astype(bool), truth == 1)
    assert result["bbox"] == rle.toBbox(result["segmentation"]).tolist()
    assert (result["image_id"], result["category_id"]) == (7, 3)
    assert list_instances(np.zeros((3, 3), int), np.ones((3, 3))) == []


def test_bad_ids() -> None:
    for bad in (np.array([[CAPACITY + 1]]), np.array([[-1]]), np.array([[0.0]])):
        with pytest.raises(InputError):
            CODEC.encode(bad)
    with pytest.raises(InputError, match="must be one"):
        list_instances(np.zeros((2, 2), int), np.zeros((3, 3)))


# --- centre colours ---------------------------------------------------------------------------

CENTRE = CentreInstances()


def test_a_centre_colour_is_place_and_size() -> None:
    ids = np.zeros((60, 80), np.int64)
    ids[10:30, 20:60] = 7
    painted = CENTRE.encode(ids)
    side = (20 * 40 / (60 * 80)) ** 0.5
    blue = 128 + 127 * (1 + np.log(side) / np.log(50))
    assert np.array_equal(np.unique(painted[ids == 7], axis=0), [[128, 85, round(blue)]])
    assert not painted[ids == 0].any()
    whole = CENTRE.encode(np.ones((8, 8), np.int64))
    assert np.array_equal(whole[0, 0], [128, 128, 255])


@settings(max_examples=8, deadline=None)
@given(count=st.integers(1, 16), sigma=st.floats(0, 5), blur=st.booleans(), seed=st.integers(0, 99))
def test_centre_colours_survive_noise_and_blur(count: int, sigma: float, blur: bool, seed: int) -> None:
    """Discs 38 pixels apart, colours off by up to 10 levels in patches of 8 x 8 pixels."""
    truth = np.zeros((160, 160), np.int64)
    y, x = np.mgrid[:160, :160]
    for k in range(count):
        truth[np.hypot(y - 22 - 38 * (k // 4), x - 22 - 38 * (k % 4)) <= 17] = k + 1
    painted = CENTRE.encode(truth).astype(np.float32)
    if blur:
        painted = cv2.GaussianBlur(painted, (5, 5), 1.2)
    rng = np.random.default_rng(seed)
    patches = rng.uniform(-10, 10, (20, 20, 3)).repeat(8, 0).repeat(8, 1)
    noisy = painted + patches + rng.normal(0, sigma, painted.shape)
    ids, confidence = CENTRE.decode(np.clip(noisy.round(), 0, 255).astype(np.uint8))
    assert ids.max() == count and min(matched(ids, truth)) > 0.8
    assert confidence.mean() > 0.6


def test_centres_tell_a_cup_from_the_table_behind_it() -> None:
    """The same centre, but another size; and a table that a cup and a pole split stays one."""
    truth = np.zeros((120, 160), np.int64)
    truth[20:100, 20:140] = 1
    truth[50:70, 70:90] = 2
    ids, _ = CENTRE.decode(CENTRE.encode(truth))
    assert ids.max() == 2 and matched(ids, truth) == [1, 1]
    truth[:, 100:106] = 0
    ids, _ = CENTRE.decode(CENTRE.encode(truth))
    assert ids.max() == 2 and matched(ids, truth) == [1, 1]


def test_things_that_touch_are_two() -> None:
    truth = np.zeros((120, 160), np.int64)
    truth[40:80, 40:70], truth[40:80, 70:100] = 1, 2
    painted = cv2.GaussianBlur(CENTRE.encode(truth), (7, 7), 1.5)
    ids, confidence = CENTRE.decode(painted)
    assert ids.max() == 2 and min(matched(ids, truth)) > 0.85
    assert confidence[60, 55] > 0.95 and confidence[60, 55] > confidence[60, 70]


def test_centre_colours_that_drift_across_a_thing_stay_one() -> None:
    """A painter that is drawn to the pixel's own place by a fifth of the way."""
    truth = np.zeros((120, 160), np.int64)
    truth[30:90, 20:120] = 1
    painted = CENTRE.encode(truth).astype(np.float32)
    y, x = np.mgrid[:120, :160]
    own = np.stack([x * 255 / 160, y * 255 / 120], axis=2)
    painted[..., :2] += np.where(truth[..., None] > 0, 0.2 * (own - painted[..., :2]), 0)
    ids, _ = CENTRE.decode(painted.round().astype(np.uint8))
    assert ids.max() == 1 and matched(ids, truth) == [1]


def test_centre_specks_are_dropped() -> None:
    truth = np.zeros((60, 60), np.int64)
    truth[10:30, 10:30], truth[50:53, 50:53] = 1, 2
    ids, confidence = CENTRE.decode(CENTRE.encode(truth))
    assert ids.max() == 1 and not ids[50:53, 50:53].any() and confidence[51, 51] < 0.01
    assert CENTRE.decode(np.zeros((8, 8, 3), np.uint8))[0].max() == 0


def test_centre_bad_ids() -> None:
    for bad in (np.array([[-1]]), np.array([[0.0]]), np.zeros((2, 2, 2), int)):
        with pytest.raises(InputError):
            CENTRE.encode(bad)
    huge = CENTRE.encode(np.array([[10**12] * 8] * 8))
    assert np.array_equal(huge, CENTRE.encode(np.ones((8, 8), int)))


def test_clusters_are_the_hills_of_the_density() -> None:
    rng = np.random.default_rng(0)
    centres = np.array([[40, 60, 200], [90, 60, 200], [90, 180, 140]])
    truth = rng.integers(0, 3, 900)
    colours = np.clip(centres[truth] + rng.normal(0, 5, (900, 3)), 0, 255)
    member, count = cluster_colours(colours, np.ones(900), 6.0, 0.7)
    assert count == 3 and (member > 0).mean() > 0.98
    for k in range(3):
        assert np.bincount(member[truth == k]).max() > 0.97 * (truth == k).sum()
    assert cluster_colours(np.zeros((0, 3)), np.zeros(0), 6.0, 0.7)[1] == 0
