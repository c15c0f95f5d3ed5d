"""Photos behind rendered frames: what stands before them keeps its answers, of the rest nothing is known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from visiongen.errors import MissingDataError, UsageError
from visiongen.training.sources.backdrops import FAR, TASKS, Backdrops
from visiongen.training.sources.pool import Frame
from visiongen.training.sources.world import WorldSource
from visiongen.training.targets import directions, metres
from visiongen.world.classes import CLASS_NAMES

RED = (0, 0, 255)  # as OpenCV writes it
KINDS = ["street", "room"]


@pytest.fixture
def photos(tmp_path: Path) -> str:
    cv2.imwrite(str(tmp_path / "red.png"), np.full((90, 130, 3), RED, np.uint8))
    return str(tmp_path)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    source = WorldSource(kinds=KINDS, pool_size=(48, 64))
    return [source._render(kind, [seed], (48, 64), "cpu")[0] for kind in KINDS for seed in (3, 4)]


def test_what_stands_before_a_photo_keeps_its_answers(photos: str, frames: list[Frame]) -> None:
    backdrops = Backdrops([photos], CLASS_NAMES)
    far_ids = [CLASS_NAMES.index(name) for name in FAR]
    put = [(frame, backdrops.put(frame, np.random.default_rng(1))) for frame in frames]
    assert any(after for _, after in put)
    for before, after in put:
        if after is None:
            continue
        far = np.isin(before.classes, far_ids)
        assert np.array_equal(after.classes, np.where(far, 255, before.classes))
        assert np.array_equal(after.instance, np.where(far, 0, before.instance))
        assert np.array_equal(np.isnan(after.depth), far | np.isnan(before.depth))
        assert (np.linalg.norm(after.normals[far], axis=-1) == 0).all()
        for name in ("depth", "normals", "orm", "base_colour"):
            assert np.array_equal(getattr(after, name)[~far], getattr(before, name)[~far]), name
        inner = cv2.erode(far.astype(np.uint8), np.ones((7, 7))) > 0
        outer = cv2.dilate(far.astype(np.uint8), np.ones((7, 7))) == 0
        assert np.array_equal(after.photo[outer], before.photo[outer])
        red = after.photo[inner].astype(int)
        assert len(red) and (red[:, 0] > red[:, 1:].max(axis=1) + 50).all()


def test_a_frame_that_is_all_backdrop_or_has_none_stays(photos: str, frames: list[Frame]) -> None:
    from dataclasses import replace

    backdrops, shape = Backdrops([photos], CLASS_NAMES), frames[0].classes.shape
    for name in ("sky", "road"):
        frame = replace(frames[0], classes=np.full(shape, CLASS_NAMES.index(name), np.uint8))
        assert backdrops.put(frame, np.random.default_rng(0)) is None


def test_only_orders_that_can_leave_the_photo_out_are_asked(photos: str) -> None:
    tasks = ["semantic", "depth", "normals", "instance", "edges", "salient", "photo"]
    options = {"kinds": KINDS, "size": [48, 64], "batch": 4, "tasks": tasks, "whole": 1.0}
    plain = WorldSource(**options, reverse=1.0).batch(0, 1)  # type: ignore[arg-type]
    never = WorldSource(**options, reverse=1.0, backdrops=[photos], behind=0.0).batch(0, 1)  # type: ignore[arg-type]
    assert {prompt.task for prompt in plain["prompts"]} > {"edges", "image"}
    assert [p.task for p in never["prompts"]] != []
    batch = WorldSource(**options, reverse=1.0, backdrops=[photos], behind=1.0).batch(0, 1)  # type: ignore[arg-type]
    unknown = [i for i, p in enumerate(batch["prompts"]) if p.task == "depth" and not batch["valid"][i].all()]
    assert unknown
    before_photos = {int(batch["photo_index"][i]) for i in unknown}
    asked = {
        p.task
        for p, at in zip(batch["prompts"], batch["photo_index"], strict=True)
        if int(at) in before_photos
    }
    assert asked <= set(TASKS)


def test_without_backdrops_batches_are_what_they_were(photos: str) -> None:
    options = {"kinds": KINDS, "size": [48, 64], "batch": 2}
    one, two = (WorldSource(**options, **more).batch(0, 1) for more in ({}, {"behind": 0.9}))  # type: ignore[arg-type]
    assert torch.equal(one["photo"], two["photo"]) and torch.equal(one["target"], two["target"])


def test_backdrops_that_no_task_could_leave_out_are_refused(photos: str) -> None:
    with pytest.raises(UsageError, match="none of which can leave a photo out"):
        WorldSource(tasks=["edges", "photo"], backdrops=[photos])
    with pytest.raises(UsageError, match=r"behind = 1\.5"):
        WorldSource(behind=1.5)


def test_a_folder_without_photos_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="no photos there"):
        WorldSource(backdrops=[str(tmp_path)]).prepare()


def test_what_is_unknown_goes_on_as_its_border() -> None:
    values = np.full((16, 16), 5.0, np.float32)
    values[:, 4:] = np.nan
    target = metres(values)
    assert target.valid is not None and not target.valid[:, 4:].any() and target.valid[:, :4].all()
    assert (target.map == target.map[0, 0]).all()
    vectors = np.zeros((16, 16, 3), np.float32)
    vectors[:8] = (0, 1, 0)
    painted = directions(vectors)
    assert (
        painted.valid is not None and painted.valid.mean() == 0.5 and (painted.map == painted.map[0, 0]).all()
    )
    nothing = metres(np.full((16, 16), np.nan, np.float32))
    assert nothing.valid is not None and not nothing.valid.any()
