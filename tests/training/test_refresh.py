"""Frames that are replaced while they are read."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visiongen.cli.main import main
from visiongen.errors import UsageError
from visiongen.training.recipe import check_recipe
from visiongen.training.refresh import refresh
from visiongen.training.sources.episodes import EpisodeSource
from visiongen.training.sources.pool import Frame, FramePool
from visiongen.training.sources.world import WorldSource

SIZE = (16, 24)


def frame(value: int) -> Frame:
    flat = np.full(SIZE, value)
    return Frame(
        np.full((*SIZE, 3), value, np.uint8),
        flat.astype(np.float32),
        np.zeros((*SIZE, 3), np.float32),
        flat.astype(np.uint8),
        flat.astype(np.int32),
        np.full((*SIZE, 3), value, np.uint8),
        np.full((*SIZE, 3), value / 255, np.float32),
    )


def values(shown: Frame) -> set[int]:
    """All that its maps say; of a frame of ours one number."""
    parts = (shown.photo, shown.depth.round(), shown.classes, shown.instance, shown.base_colour)
    return {int(v) for part in (*parts, (shown.orm * 255).round()) for v in np.unique(part)}


def test_no_frame_is_read_half_old_and_half_new(tmp_path: Path) -> None:
    pool, writer = (FramePool(tmp_path, 2, SIZE, fresh=True) for _ in range(2))
    for one in (pool, writer):
        one.fill(lambda start, stop: [frame(1 + i) for i in range(start, stop)], {})
    assert values(pool[0]) == {1} and values(pool[1]) == {2}
    stop = threading.Event()

    def write() -> None:
        value = 3
        while not stop.is_set():
            writer.replace(0, [frame(value)])
            value = 3 + value % 200

    thread = threading.Thread(target=write)
    thread.start()
    try:
        seen = [values(pool[0]) for _ in range(300)]
        while len({min(one) for one in seen}) < 6:  # a writer that gets little time
            seen.append(values(pool[0]))
    finally:
        stop.set()
        thread.join()
    assert all(len(one) == 1 for one in seen)
    assert values(pool[1]) == {2}
    kept = pool[0]
    writer.replace(0, [frame(250)])
    assert values(kept) != {250} and values(pool[0]) == {250}  # what was read stays as it was


def test_a_writer_that_was_killed_does_not_stop_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visiongen.training.sources.pool.TRIES", 2)
    pool = FramePool(tmp_path, 1, SIZE, fresh=True)
    pool.fill(lambda start, stop: [frame(7)], {})
    np.load(tmp_path / "turn.npy", mmap_mode="r+")[0] = 5
    assert values(pool[0]) == {7}
    pool.replace(0, [frame(9)])
    assert values(pool[0]) == {9} and np.load(tmp_path / "turn.npy")[0] % 2 == 0


def recipe(tmp_path: Path, **options: Any) -> Any:
    world = {"kinds": ["tabletop"], "tasks": ["depth"], "size": [32, 40], "pool": 2, "pool_size": [32, 40]}
    parts = [world | {"cache_dir": str(tmp_path), "kinds": [kind]} | options for kind in ("tabletop", "room")]
    return check_recipe(
        {
            "model": {"target": "visiongen.tokenizer:ImageTokenizer"},
            "data": [{"source": "world", "options": one} for one in parts],
            "schedule": {"steps": 1},
        }
    )


@pytest.mark.parametrize("jobs", [1, 2])
def test_fresh_pools_get_frames_of_other_seeds(tmp_path: Path, jobs: int) -> None:
    plan = recipe(tmp_path, fresh=True)
    sources = [WorldSource(**part.options) for part in plan.data]
    for source in sources:
        source.prepare()
    before = [source._pool[i].photo.copy() for source in sources for i in range(2)]
    refresh(plan, jobs=jobs, rounds=1)
    after = [source._pool[i].photo for source in sources for i in range(2)]
    assert not any(np.array_equal(*pair) for pair in zip(before, after, strict=True))
    sources[0].replace(0, 2, sources[0].first_seed)
    assert np.array_equal(sources[0]._pool[1].photo, before[1])


def test_a_second_call_renders_others_and_a_shared_pool_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = recipe(tmp_path, fresh=True, kinds=["tabletop"])  # the same frames for both sources
    plan.data[1].options["tasks"] = ["normals"]
    source = WorldSource(**plan.data[0].options)
    source.prepare()
    assert source._pool is not None
    shown = [source._pool[0].photo.copy()]
    for _ in range(2):
        refresh(plan, jobs=2, rounds=1)
        shown.append(source._pool[0].photo.copy())
        assert source.replaced == 2 * (len(shown) - 1)
    assert len({photo.tobytes() for photo in shown}) == 3


def test_two_writers_of_a_pool_take_turns(tmp_path: Path) -> None:
    pools = [FramePool(tmp_path, 1, SIZE, fresh=True) for _ in range(3)]
    for one in pools:
        one.fill(lambda start, stop: [frame(1)], {})
    writers = [
        threading.Thread(target=lambda p=p, v=v: [p.replace(0, [frame(v)]) for _ in range(60)])
        for v, p in enumerate(pools[1:], 2)
    ]
    for writer in writers:
        writer.start()
    seen = [values(pools[0][0]) for _ in range(100)]
    for writer in writers:
        writer.join()
    assert all(len(one) == 1 for one in seen)
    assert np.load(tmp_path / "turn.npy").tolist() == [240] and pools[0].replaced == 120


def test_only_pools_that_are_meant_to_change_do(tmp_path: Path) -> None:
    plain, fresh = (WorldSource(**recipe(tmp_path, fresh=f).data[0].options) for f in (False, True))
    for source in (plain, fresh):
        source.prepare()
    assert plain._pool.folder != fresh._pool.folder
    with pytest.raises(UsageError, match="set fresh = true"):
        plain.replace(0, 1, 5)
    with pytest.raises(UsageError, match="no source of the recipe has fresh"):
        refresh(recipe(tmp_path))
    with pytest.raises(UsageError, match="--jobs 0"):
        refresh(recipe(tmp_path, fresh=True), jobs=0)
    with pytest.raises(UsageError, match="there is no pool"):
        WorldSource(fresh=True)
    with pytest.raises(UsageError, match="fresh is of the source world alone"):
        EpisodeSource(pool=4, fresh=True)
    assert main(["train", "nano-test", "--refresh"]) == 2
