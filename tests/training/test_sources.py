"""Sources and mixture: pure in (seed, index), exact correspondence of photo, map and labels."""

from __future__ import annotations

import importlib
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from visiongen.data import data_root as find_root
from visiongen.errors import InputError, MissingDataError, UsageError
from visiongen.registry import CODECS
from visiongen.training.mixture import Mixture, batches
from visiongen.training.sources.augment import View, fill_nearest, random_view, whole_view
from visiongen.training.sources.camvid import CamVidSource
from visiongen.training.sources.encoded import EncodedPhotos
from visiongen.training.sources.episodes import EpisodeSource
from visiongen.training.sources.mattes import MatteSource
from visiongen.training.sources.photos import PhotoSource
from visiongen.training.sources.pool import Frame, pack_depth, unpack_depth
from visiongen.training.sources.shapes import ShapesSource
from visiongen.training.sources.world import WorldSource
from visiongen.training.targets.classes import paint_classes

NAMES = ("sky", "road", "car", "tree")


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    assert set(a) == set(b)
    return all(
        np.array_equal(v, b[k], equal_nan=v.is_floating_point()) if isinstance(v, torch.Tensor) else v == b[k]
        for k, v in a.items()
    )


def check_format(batch: dict[str, Any], size: tuple[int, int]) -> None:
    count, photos = len(batch["prompts"]), len(batch["photo"])
    assert batch["target"].shape == (count, 3, *size) and batch["target"].dtype == torch.float32
    assert batch["photo"].shape == (photos, 3, *size)
    assert batch["photo_blank"].shape == (photos,) and batch["photo_blank"].dtype == torch.bool
    assert batch["photo_index"].shape == (count,) and batch["photo_index"].max() < photos
    assert batch["valid"].shape == (count, *size) and batch["labels"].shape == (count, *size)
    for key in ("photo", "target"):
        assert batch[key].min() >= -1 and batch[key].max() <= 1
    for i, prompt in enumerate(batch["prompts"]):
        if prompt.task != "semantic":
            assert (batch["labels"][i] == 255).all()
            continue
        labels = batch["labels"][i].numpy()
        seen = labels != 255
        assert (batch["valid"][i].numpy() == seen).all()
        painted = ((batch["target"][i].permute(1, 2, 0).numpy() + 1) * 127.5).round().astype(np.uint8)
        assert (painted[seen] == prompt.legend.array()[labels[seen]]).all()


@pytest.fixture
def camvid(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for part in ("images", "labels"):
            (tmp_path / split / part).mkdir(parents=True)
        for number in range(3):
            labels = np.kron(rng.integers(0, 12, (6, 8)), np.ones((10, 10))).astype(np.uint8)
            photo = np.stack([labels * 20] * 3, -1)
            cv2.imwrite(str(tmp_path / split / "labels" / f"{number}.png"), labels)
            cv2.imwrite(str(tmp_path / split / "images" / f"{number}.png"), photo)
    return tmp_path


def test_labels_of_another_set_are_refused(camvid: Path) -> None:
    path = camvid / "train" / "labels" / "1.png"
    cv2.imwrite(str(path), np.full((60, 80), 17, np.uint8))
    with pytest.raises(InputError, match=r'hold 17, .* source = "folder"'):
        CamVidSource(root=str(camvid)).prepare()


def test_camvid(camvid: Path) -> None:
    source = CamVidSource(
        root=str(camvid), size=[48, 64], batch=4, reverse=1.0, tasks=["semantic", "photo"], subset=0.5
    )
    batch = source.batch(5, 1)
    check_format(batch, (48, 64))
    assert len(batch["prompts"]) == 12 and int(batch["photo_blank"].sum()) == 1
    assert [p.text for p in batch["prompts"][:3]] == ["segment", "photo from segment", "photo"]
    back = batch["prompts"].index(next(p for p in batch["prompts"] if p.text == "photo from segment"))
    given = batch["photo"][batch["photo_index"][back]]
    assert torch.equal(given, batch["target"][back - 1])
    assert same(batch, source.batch(5, 1))
    assert not torch.equal(batch["target"], source.batch(5, 2)["target"])
    assert not torch.equal(batch["target"], source.batch(6, 1)["target"])


def test_camvid_labels_stay_on_their_photo(camvid: Path) -> None:
    """The photo's gray value is 20 x class: after any window and flip both must still agree."""
    source = CamVidSource(root=str(camvid), size=[48, 64], batch=8, jitter=0.0, degrade=0.0, subset=0.0)
    for index in range(3):
        batch = source.batch(index, 0)
        gray = ((batch["photo"].mean(1) + 1) * 127.5).numpy()[batch["photo_index"].numpy()]
        labels = batch["labels"].numpy()
        seen = labels != 255
        assert (np.abs(gray - 20.0 * labels)[seen] < 6).mean() > 0.8


def test_camvid_takes_transforms_of_colours(camvid: Path) -> None:
    options = dict(root=str(camvid), size=[48, 64], batch=2, jitter=0.0, degrade=0.0)
    plain = CamVidSource(**options).batch(0, 0)  # type: ignore[arg-type]
    turned = CamVidSource(**options, augment=[{"name": "InvertImg", "p": 1.0}])  # type: ignore[arg-type]
    dark = turned.batch(0, 0)["photo"]
    assert torch.allclose(dark[0], -plain["photo"][0], atol=1e-6)  # the first: the next views are drawn later


@pytest.mark.parametrize("scale", [[0.5, 2.0], [0.0, 1.0], [1.0, 0.5], [0.5]])
def test_windows_that_do_not_fit_are_refused(scale: list[float]) -> None:
    for kind in (CamVidSource, PhotoSource, WorldSource):
        with pytest.raises(UsageError, match=r"scale = \[.*\]; give two numbers, 0 < least <= largest <= 1"):
            kind(size=[48, 64], scale=scale)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"kinds": "room"}, "kinds = 'room'; give a list: kinds = [\"room\"]"),
        ({"kinds": ["rooms"]}, "unknown kind 'rooms'; choose from room, street"),
        ({"tasks": "depth"}, "tasks = 'depth'; give a list"),
        ({"backdrops": "photos"}, "backdrops = 'photos'; give a list"),
        ({"size": 256}, "size = 256; give [height, width]"),
        ({"size": "256"}, "size = '256'; give [height, width]"),
        ({"batch": "4"}, "batch = '4'; give a whole number"),
        ({"whole": 2.0}, "whole = 2.0; give a chance"),
        ({"reverse": "0.1"}, "reverse = '0.1'; give a chance"),
    ],
)
def test_options_of_the_world_are_checked_before_a_run(options: dict, told: str) -> None:
    with pytest.raises(UsageError, match=re.escape(told)):
        WorldSource(**{"kinds": ["room"], "size": [96, 128], "tasks": ["depth"], **options})


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        (CamVidSource, {"degrade": 1.5}, "camvid11: degrade = 1.5; give a chance from 0 to 1"),
        (CamVidSource, {"whole": -1}, "camvid11: whole = -1; give a chance"),
        (CamVidSource, {"subset": 2}, "camvid11: subset = 2; give a chance"),
        (CamVidSource, {"jitter": -0.1}, "camvid11: jitter = -0.1; give a strength from 0 on"),
        (WorldSource, {"degrade": 25}, "world: degrade = 25; give a chance"),
        (WorldSource, {"jitter": "0.5"}, "world: jitter = '0.5'; give a strength"),
        (EpisodeSource, {"pool": 2, "named": 1.1}, "episodes: named = 1.1; give a chance"),
        (MatteSource, {"fray": -1}, "mattes: fray = -1; give a chance"),
        (MatteSource, {"backgrounds": "photos"}, "mattes: backgrounds = 'photos'; give a list"),
        (PhotoSource, {"fill": 2.0}, "photos: fill = 2.0; give a chance"),
        (PhotoSource, {"folders": "photos"}, "photos: folders = 'photos'; give a list"),
        (ShapesSource, {"kinds": "ramp", "size": [8, 8]}, "shapes: kinds = 'ramp'; give a list"),
        (ShapesSource, {"kinds": [], "size": [8, 8]}, "shapes: kinds is empty; choose from cells"),
    ],
)
def test_chances_and_lists_of_every_source_are_checked(kind: type, options: dict, told: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"source {told}")):
        kind(**options)


def test_camvid_refuses_the_test_split_and_missing_data(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="scoring only"):
        CamVidSource(split="test")
    with pytest.raises(MissingDataError, match="no images"):
        CamVidSource(root=str(tmp_path)).prepare()


def test_data_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VISIONGEN_DATA", raising=False)
    with pytest.raises(MissingDataError, match="VISIONGEN_DATA"):
        find_root()
    monkeypatch.setenv("VISIONGEN_DATA", str(tmp_path))
    assert find_root() == tmp_path
    with pytest.raises(MissingDataError, match="nowhere"):
        find_root(tmp_path / "nowhere")


@pytest.mark.parametrize("kind", ["cells", "polygons", "ramp", "depth", "normals"])
def test_shapes(kind: str) -> None:
    source = ShapesSource(size=[[32, 40], [16, 24]], batch=6, kinds=(kind,))
    sizes = set()
    for index in range(6):
        batch = source.batch(index, 0)
        size = tuple(batch["target"].shape[-2:])
        check_format(batch, size)
        sizes.add(size)
        assert len(batch["photo"]) == 1 and batch["photo_blank"].all()
        assert batch["target"].std() > 0.05
        assert same(batch, source.batch(index, 0))
    assert sizes == {(32, 40), (16, 24)}


def test_photos(tmp_path: Path) -> None:
    for number in range(5):
        image = np.full((40, 30, 3), 40 * number, np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), image)
    source = PhotoSource(folders=[str(tmp_path)], size=[16, 16], batch=32, jitter=0, hold_out=5)
    batch = source.batch(0, 0)
    check_format(batch, (16, 16))
    levels = {int(v) for v in ((batch["target"].amax((1, 2, 3)) + 1) * 127.5).round()}
    assert levels == {40, 80, 120, 160}  # file 0 is held out
    with pytest.raises(MissingDataError, match="no photos there"):
        PhotoSource(folders=[str(tmp_path / "none")]).prepare()


def test_a_zip_file_of_photos_is_read_and_a_cut_one_named(tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    image = cv2.imencode(".png", np.full((16, 16, 3), 80, np.uint8))[1].tobytes()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inside/a.png", image)
        archive.writestr("read.me", "no photo")
    source = PhotoSource(folders=[str(path)], size=[16, 16], batch=2, hold_out=0)
    assert len(source.batch(0, 0)["prompts"]) == 2
    whole = path.read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("read.me", "no photo")
    with pytest.raises(MissingDataError, match=r"photos\.zip: no photos there"):
        EncodedPhotos([str(path)])
    for damaged in (whole[:-30], whole.replace(image[40:50], b"0" * 10)):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"photos\.zip: damaged"):
            PhotoSource(folders=[str(path)]).prepare()


def test_world_pool(tmp_path: Path) -> None:
    options = dict(size=[24, 32], batch=3, pool=4, pool_size=[24, 32], cache_dir=str(tmp_path))
    source = WorldSource(**options, whole=0.5, reverse=0.5)
    source.prepare()
    for index in range(4):
        batch = source.batch(index, 0)
        check_format(batch, (24, 32))
        assert same(batch, source.batch(index, 0))
        for i, prompt in enumerate(batch["prompts"]):
            place = int(batch["photo_index"][i])
            image = ((batch["target"][i].permute(1, 2, 0).numpy() + 1) * 127.5).round().astype(np.uint8)
            if prompt.task == "depth":
                decoded, _ = CODECS.get("depth/cubewalk@1")().decode(image)
                true = batch["depth"][place].numpy()
                near = np.isfinite(true) & (true > 0.3) & (true < 60)
                assert (np.abs(decoded[near] / true[near] - 1) < 0.02).all()
            if prompt.task == "normals":
                decoded, _ = CODECS.get("normals/opengl@1")().decode(image)
                true = batch["normals"][place].numpy()
                valid = batch["valid"][i].numpy()
                cosine = (decoded * true).sum(-1)[valid] / np.linalg.norm(true[valid], axis=-1)
                assert (cosine > 0.999).all()
    before = {p.name: p.stat().st_mtime_ns for p in tmp_path.rglob("*.npy")}
    again = WorldSource(**options, whole=0.5, reverse=0.5)
    assert same(again.batch(2, 0), source.batch(2, 0))
    assert before == {p.name: p.stat().st_mtime_ns for p in tmp_path.rglob("*.npy")}, "rendered twice"
    with pytest.raises(UsageError, match="kept for scoring"):
        WorldSource(pool=10, first_seed=999_995)


def test_world_live() -> None:
    source = WorldSource(size=[24, 32], batch=2, tasks=["depth", "photo"], whole=1.0)
    batch = source.batch(0, 0)
    check_format(batch, (24, 32))
    assert [p.task for p in batch["prompts"]] == ["depth", "image"] * 2
    assert same(batch, source.batch(0, 0))


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_metres_of_a_window_shrink_as_its_side(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ball of 1 m and a wall behind it: pixels across times metres stay focal length times size."""
    rows, columns = np.mgrid[:120, :160] + 0.5
    ball = np.hypot(rows - 60, columns - 80) < 12  # 1 m across, 10 m away: a focal length of 240 pixels
    flat = np.zeros((120, 160, 3), np.float32)
    frame = Frame(
        photo=np.uint8(ball[..., None] * [[[255, 0, 0]]]),
        depth=np.where(ball, 10, 40).astype(np.float32),
        normals=flat + np.float32([0, 0, 1]),
        classes=np.uint8(ball),
        instance=np.int32(ball) + 1,
        base_colour=np.uint8(flat),
        orm=flat,
    )
    monkeypatch.setattr(WorldSource, "_draw", lambda self, rng, size: [frame] * self.count)
    options = dict(size=[120, 160], batch=6, whole=0.0, scale=[share, share], jitter=0, degrade=0)
    batch = WorldSource(**options, tasks=["depth"], zoom_depth=True).batch(0, 0)
    assert [prompt.task for prompt in batch["prompts"]] == ["depth"] * 6
    full = 0
    for target in batch["target"]:
        painted = ((target.permute(1, 2, 0).numpy() + 1) * 127.5).round().astype(np.uint8)
        metres, _ = CODECS.get("depth/cubewalk@1")().decode(painted)
        assert metres.max() == pytest.approx(40 * share, rel=0.02)
        near = metres < 20 * share
        if near.any(0).sum() > 23 / share:  # the ball is seen whole
            full += 1
            assert metres[near].mean() == pytest.approx(10 * share, rel=0.02)
            assert near.any(0).sum() * metres[near].mean() == pytest.approx(240, rel=0.05)
    assert full
    plain = WorldSource(**options, tasks=["depth", "normals"]).batch(0, 0)
    assert [prompt.task for prompt in plain["prompts"]] == ["normals"] * 6
    assert "depth" not in plain


def test_depth_packing() -> None:
    depth = np.float32([0.05, 0.5, 3.0, 79.0, 1500.0, np.inf, np.nan])
    back = unpack_depth(pack_depth(depth))
    assert np.abs(back[:5] / depth[:5] - 1).max() < 2e-4
    assert np.isposinf(back[5]) and np.isnan(back[6])


def test_views_agree() -> None:
    """A photo resized by a view and its labels taken by the same view show the same places."""
    y, x = np.mgrid[0:90, 0:120]
    ramp = np.stack([x, y, x], -1).astype(np.uint8)
    rng = np.random.default_rng(0)
    for _ in range(20):
        view = random_view((90, 120), (24, 32), rng, (0.3, 1.0))
        assert view.top >= 0 and view.top + view.height <= 90
        assert view.left >= 0 and view.left + view.width <= 120
        assert np.abs(view.photo(ramp).astype(int) - view.nearest(ramp)).max() <= 3
    flipped = View(0, 0, 90, 120, (90, 120), True)
    normals = np.tile(np.float32([0.6, 0.0, 0.8]), (90, 120, 1))
    assert (flipped.normals(normals)[..., 0] == -np.float32(0.6)).all()
    assert whole_view((90, 120), (24, 32)).height == 90


def test_whole_view_never_zooms_one_axis() -> None:
    view = whole_view((90, 120), (32, 32))
    assert (view.height, view.width) == (90, 90)


def test_fill_nearest() -> None:
    labels = np.full((5, 9), 255, np.uint8)
    labels[:, 0], labels[:, 8] = 1, 2
    filled = fill_nearest(labels)
    assert (filled[:, :4] == 1).all() and (filled[:, 5:] == 2).all()
    assert (fill_nearest(np.full((3, 3), 255, np.uint8)) == 255).all()


def test_painted_classes() -> None:
    rng = np.random.default_rng(0)
    classes = np.kron(np.array([[0, 1], [2, 255]]), np.ones((8, 8))).astype(np.uint8)
    colours, lengths, others = set(), set(), 0
    for _ in range(30):
        painted = paint_classes(classes, NAMES, rng, subset=0.7)
        legend = painted.prompt.legend
        assert legend is not None
        natural = [n for n in legend.names if n != "other"]
        assert natural == sorted(natural, key=NAMES.index), "order must stay natural"
        colours.add(legend.colours[0])
        lengths.add(len(legend))
        if "other" in legend.names:
            others += 1
            left_out = [i for i, n in enumerate(NAMES) if n not in legend.names]
            assert (painted.labels[np.isin(classes, left_out)] == legend.names.index("other")).all()
        for i, name in enumerate(NAMES):
            if name in legend.names:
                assert (painted.labels[classes == i] == legend.names.index(name)).all()
        assert not painted.valid[classes == 255].any()
    assert len(colours) > 25 and len(lengths) > 2 and others > 0


def test_mixture_is_pure_and_weighted() -> None:
    sources = [ShapesSource(size=[8, 8], batch=1), PhotoSource(size=[8, 8])]
    mixture = Mixture(sources, [3, 1], seed=4)
    picks = [mixture.pick(i) for i in range(2000)]
    assert picks == [Mixture(sources, [3, 1], seed=4).pick(i) for i in range(2000)]
    assert 0.21 < np.mean(picks) < 0.29
    with pytest.raises(UsageError, match="weights"):
        Mixture(sources, [1])


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_batches_come_in_order(workers: int) -> None:
    """Any number of workers gives the same batches, and the global generators stay untouched."""
    mixture = Mixture([ShapesSource(size=[8, 8], batch=1)], seed=1)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    stream = batches(mixture, 3, workers)
    for index in range(3, 8):
        assert same(next(stream), mixture.batch(index))
    assert torch.equal(before, torch.get_rng_state())


def test_worker_errors_stay_one_line(tmp_path: Path) -> None:
    """Files vanish after the start: the worker's error arrives as itself."""
    mixture = Mixture([CamVidSource(root=str(tmp_path / "gone"))])
    with pytest.raises(MissingDataError) as caught:
        next(batches(mixture, 0, workers=1))
    assert "\n" not in str(caught.value)


@pytest.mark.data
def test_real_camvid(data_root: Path) -> None:
    source = CamVidSource(size=[96, 128], batch=4, data=str(data_root), limit=6)
    check_format(source.batch(0, 0), (96, 128))
    void = [f[1] for f in source._frames]
    assert max(int(v[v != 255].max()) for v in void) == 10


def test_frames_with_nothing_to_show_are_passed_over() -> None:
    """Hardly any frame of a street has a salient thing; a batch still holds at least one order."""
    source = WorldSource(kinds=["street"], size=[24, 32], batch=1, tasks=["salient"], whole=1.0)
    for index in range(4):
        assert len(source.batch(index, 0)["prompts"]) >= 1


def test_photos_with_holes(tmp_path: Path) -> None:
    """The photo is given gray in the hole; only the hole counts, and its surroundings are held."""
    rng = np.random.default_rng(0)
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), rng.integers(0, 256, (40, 48, 3), np.uint8))
    source = PhotoSource(folders=[str(tmp_path)], size=[32, 40], batch=4, fill=1.0, hold_out=0)
    batch = source.batch(0, 0)
    given = batch["photo"][batch["photo_index"]]
    for i, prompt in enumerate(batch["prompts"]):
        assert prompt.task == "image" and prompt.held is not None
        hole = np.kron(~prompt.held.keep, np.ones((8, 8), bool))
        assert np.array_equal(batch["valid"][i].numpy(), hole) and hole.any() and not hole.all()
        assert (given[i][:, hole].abs() < 0.01).all()
        assert torch.equal(given[i][:, ~hole], batch["target"][i][:, ~hole])


def test_materials_of_a_shrunk_frame_are_averaged_and_the_sky_is_left_out() -> None:
    frame = np.zeros((8, 8, 3), np.uint8)
    frame[4:, ::2] = 200  # a texture finer than the target's pixels, below a sky
    there = np.zeros((8, 8), bool)
    there[4:] = True
    view = whole_view((8, 8), (4, 4))
    assert np.array_equal(view.mean(frame, there)[2:], np.full((2, 4, 3), 100))
    assert not view.mean(frame, there)[:2].any()
    odd = whole_view((8, 8), (3, 3), True).mean(frame.astype(np.float32) / 200, there)
    assert odd.dtype == np.float32 and np.allclose(odd[1:], 0.5, atol=0.17) and odd[1].min() > 0.3, (
        "no darker beside the sky"
    )
    seven = np.where(there[..., None], np.full(3, 7), 0).astype(np.uint8)
    grown = whole_view((8, 8), (16, 16), flip=True).mean(seven, there)
    assert set(np.unique(grown)) == {0, 7}


def test_a_photo_is_asked_for_a_task_once_and_repeats_only_weigh() -> None:
    source = WorldSource(tasks=["depth", "depth", "normals", "edges", "orm"], per_photo=3, zoom_depth=True)
    rng = np.random.default_rng(0)
    drawn = [source._draw_tasks(source.tasks, rng) for _ in range(3000)]
    assert all(len(set(names)) == 3 for names in drawn)
    share = {
        name: np.mean([name in names for names in drawn]) for name in ("depth", "normals", "edges", "orm")
    }
    assert share["depth"] > 0.85 and max(share["normals"], share["edges"], share["orm"]) < 0.75
    source.per_photo = None
    assert source._draw_tasks(source.tasks, rng) == ["depth", "normals", "edges", "orm"]


def test_a_pool_is_of_the_sets_that_a_folder_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the folder lies and whenever it was copied; without sets the name is what it was."""
    from visiongen.training.sources.pool import FramePool

    def pool(materials: str | None) -> str:
        names: list[str] = []
        monkeypatch.setattr(FramePool, "fill", lambda self, *_: names.append(self.folder.name))
        options = {"pool": 2, "cache_dir": str(tmp_path / "cache"), "materials": materials}
        WorldSource(**options, data=str(tmp_path)).prepare()  # type: ignore[arg-type]
        return names[0]

    for place in ("sets", "elsewhere/sets"):
        (tmp_path / place / "one").mkdir(parents=True)
        (tmp_path / place / "one" / "basecolor.png").write_bytes(b"1")
        (tmp_path / place / "index.json").write_text(place)  # not read by the renderer
    os.utime(tmp_path / "elsewhere" / "sets" / "one" / "basecolor.png", (1, 1))
    first = pool("sets")
    assert pool(str(tmp_path / "elsewhere" / "sets")) == first != pool(None)
    (tmp_path / "sets" / "one" / "metallic.png").write_bytes(b"1")
    second = pool("sets")
    (tmp_path / "sets" / "one" / "metallic.png").write_bytes(b"22")
    assert len({first, second, pool("sets")}) == 3
    with pytest.raises(MissingDataError, match=r"basecolor\.png"):
        pool(str(tmp_path / "cache"))


def test_pools_of_another_renderer_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    from visiongen.training.sources.pool import FramePool, describe

    renderer = importlib.import_module("visiongen.world.render")
    first = FramePool.folder_name(describe(["street"], 4, (48, 64), 0))
    monkeypatch.setattr(renderer, "VERSION", renderer.VERSION + 1)
    assert FramePool.folder_name(describe(["street"], 4, (48, 64), 0)) != first
