"""Photos of surfaces to train on: right correspondence, right normals, no held-out set."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mini_files import exchanged_profile
from PIL import Image

from visiongen.errors import MissingDataError, UsageError
from visiongen.pbr import read_sets, turned
from visiongen.relight import SurfaceMaps
from visiongen.training.sources.surfaces import SurfaceSource, releveled
from visiongen.training.targets import Seen
from visiongen.training.targets.materials import basecolor, orm
from visiongen.world.materials import HELD_OUT

RED, GREEN, BLUE = (200, 40, 40), (40, 200, 40), (40, 40, 200)


def write_set(folder: Path, colour: tuple[int, int, int], **gray: int) -> None:
    """A set of one colour; a tilted normal; gray maps."""
    folder.mkdir(parents=True)
    size = (64, 64, 3)
    cv2.imwrite(str(folder / "basecolor.png"), np.full(size, colour[::-1], np.uint8))
    cv2.imwrite(str(folder / "normal_gl.png"), np.full(size, (230, 170, 140), np.uint8))
    for name, value in gray.items():
        cv2.imwrite(str(folder / f"{name}.png"), np.full(size[:2], value, np.uint8))


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    write_set(tmp_path / "one", RED, roughness=51, metallic=255, ao=102)
    write_set(tmp_path / "two", GREEN, roughness=204)
    write_set(tmp_path / HELD_OUT[0], BLUE, roughness=128)
    notes = [
        {"name": "one", "tileable": True, "normal_convention_uncertain": False},
        {"name": "two", "tileable": False, "normal_convention_uncertain": True},
    ]
    (tmp_path / "index.json").write_text(json.dumps(notes))
    return tmp_path


def test_maps_are_read_as_they_are_stored_whatever_profile_they_have(sets: Path) -> None:
    """Image programs save profiles along; as a colour a normal would lean to another side."""
    before = read_sets(sets, 64, ["one"])[0].maps
    for path in (sets / "one").glob("*.png"):
        Image.open(path).convert("RGB").save(path, icc_profile=exchanged_profile())
    after = read_sets(sets, 64, ["one"])[0].maps
    for name in ("normal", "base_colour", "roughness"):
        assert np.array_equal(getattr(after, name), getattr(before, name)), name


def plain(root: Path, **options) -> SurfaceSource:
    options = {"mix": 0, "recolour": 0, "size": [32, 48], "batch": 8, "jitter": 0, "degrade": 0} | options
    return SurfaceSource(root=str(root), **options)


def test_format_and_purity(sets: Path) -> None:
    source = plain(sets, mix=0.5, recolour=0.5)
    batch = source.batch(3, 1)
    assert batch["photo"].shape == (8, 3, 32, 48) and batch["target"].shape[1:] == (3, 32, 48)
    assert abs(batch["photo"]).max() <= 1 and abs(batch["target"]).max() <= 1
    assert batch["valid"].all() and (batch["labels"] == 255).all() and not batch["photo_blank"].any()
    again = SurfaceSource(root=str(sets), mix=0.5, recolour=0.5, size=[32, 48], batch=8, jitter=0, degrade=0)
    assert torch.equal(again.batch(3, 1)["target"], batch["target"])
    assert torch.equal(again.batch(3, 1)["photo"], batch["photo"])
    assert not torch.equal(source.batch(4, 1)["photo"], batch["photo"])


def test_targets_are_the_sets_own(sets: Path) -> None:
    """Colours, ORM and which set gives tangent normals: read back from the painted maps."""
    seen = set()
    source = plain(sets)
    for index in range(4):
        batch = source.batch(index, 0)
        byte = ((batch["target"] + 1) * 127.5).round().int()
        for photo in range(8):
            rows = [i for i, p in enumerate(batch["photo_index"].tolist()) if p == photo]
            maps = {batch["prompts"][i].task: byte[i, :, 16, 24].tolist() for i in rows}
            seen.add(tuple(maps["basecolor"]))
            if tuple(maps["basecolor"]) == RED:
                assert maps["orm"] == [102, 51, 255] and "tangent" in maps
                tilt = sorted(abs(v - 127.5) for v in maps["tangent"][:2])
                assert tilt == pytest.approx([14, 48.5], abs=1.5)  # at unit length
            else:  # no metallic map: no metal; no occlusion map: open; uncertain normals: not asked
                assert maps["orm"] == [255, 204, 0] and "tangent" not in maps
    assert seen == {RED, GREEN}, "held-out sets must never be seen"


def test_tangent_alone_always_has_something_to_paint(sets: Path) -> None:
    batch = plain(sets, tasks=["tangent"]).batch(0, 0)
    assert len(batch["prompts"]) == len(batch["photo"]) == 8


def test_photos_show_their_material(sets: Path) -> None:
    """Matte red and green surfaces are red and green in the photo, and not all equally bright."""
    source = plain(sets, tasks=["basecolor"])
    levels = []
    for index in range(4):
        batch = source.batch(index, 0)
        photo = batch["photo"].mean((2, 3))[batch["photo_index"]]
        target = batch["target"].mean((2, 3))
        assert (photo.argmax(1) == target.argmax(1)).float().mean() > 0.9
        levels += photo.amax(1).tolist()
    assert np.std(levels) > 0.1


def test_prints_are_photos_under_the_sets_own_finish(sets: Path, tmp_path: Path) -> None:
    """One of two halves, violet and yellow, which no set has; never metal, and lit as everything else is."""
    photo = np.zeros((64, 96, 3), np.uint8)
    photo[:, :48], photo[:, 48:] = (120, 0, 200), (200, 200, 0)
    (tmp_path / "photos").mkdir()
    Image.fromarray(photo).save(tmp_path / "photos/a.png")
    folders = [str(tmp_path / "photos")]
    batch = plain(sets, prints=folders, printed=1.0).batch(0, 0)
    byte = ((batch["target"] + 1) * 127.5).round().int()
    base = [i for i, p in enumerate(batch["prompts"]) if p.task == "basecolor"]
    colours = {tuple(c) for i in base for c in byte[i].flatten(1).T.tolist()}
    assert {(120, 0, 200), (200, 200, 0)} <= colours and not {RED, GREEN} & colours
    shown = batch["photo"][batch["photo_index"][base]].mean((2, 3))
    assert np.corrcoef(shown[:, 2], batch["target"][base].mean((2, 3))[:, 2])[0, 1] > 0.5
    finish = {tuple(byte[i, :, 16, 24].tolist()) for i, p in enumerate(batch["prompts"]) if p.task == "orm"}
    assert finish == {(102, 51, 0), (255, 204, 0)}
    never, maps = plain(sets, prints=folders, printed=0.0).batch(1, 0), set()
    for prompt, target in zip(never["prompts"], never["target"], strict=True):
        if prompt.task == "basecolor":
            maps.add(tuple(((target[:, 8, 8] + 1) * 127.5).round().int().tolist()))
    assert maps == {RED, GREEN}
    with pytest.raises(UsageError, match="printed"):
        plain(sets, prints=folders, printed=2)
    with pytest.raises(MissingDataError, match="no photos there"):
        plain(sets, prints=[str(tmp_path / "none")]).prepare()


def test_releveled_colours_take_any_brightness_and_photos_follow(sets: Path) -> None:
    """The level is drawn, nothing clips, and what is black or white stays."""
    known = plain(sets, tasks=["basecolor"])
    source = plain(sets, tasks=["basecolor"], relevel=1.0)
    bright, photos, clipped = [], [], 0
    for index in range(12):
        batch = source.batch(index, 0)
        target = batch["target"].mean((2, 3))
        bright += target.mean(1).tolist()
        photos += batch["photo"].mean((1, 2, 3))[batch["photo_index"]].tolist()
        clipped += int((target.amax(1) > 0.999).sum())
    own = known.batch(0, 0)["target"].mean((1, 2, 3))
    assert np.std(bright) > 2 * float(own.std())
    assert np.corrcoef(bright, photos)[0, 1] > 0.3 and clipped == 0

    def moved(colour: tuple[float, float, float], level: float, metal: float = 0) -> np.ndarray:
        gray = np.ones((8, 8), np.float32)
        flat, base = (np.broadcast_to(np.float32(value), (8, 8, 3)) for value in ((0, 0, 1), colour))
        return releveled(SurfaceMaps(base, flat, gray, gray * metal, gray), level).base_colour

    darker = moved((0, 0.5, 1), 0.3)
    assert (darker[..., 0] == 0).all() and (darker[..., 2] == 1).all() and (darker[..., 1] < 0.5).all()
    for level in (0.1, 0.5, 0.85):
        assert np.allclose(moved((0.5, 0.5, 0.5), level), level, atol=1e-5)
        assert np.allclose(moved((0.5, 0.5, 0.5), level, metal=1), 0.5)  # what metals reflect stays


def test_per_photo_and_bad_options(sets: Path, tmp_path: Path) -> None:
    batch = plain(sets, per_photo=1).batch(0, 0)
    assert len(batch["prompts"]) == 8
    with pytest.raises(UsageError, match="unknown task 'depth'"):
        SurfaceSource(tasks=["depth"])
    for option in ("mix", "recolour", "relevel"):
        with pytest.raises(UsageError, match=f"{option} = 1.5; give a chance"):
            SurfaceSource(**{option: 1.5})
    with pytest.raises(MissingDataError, match="no NAME/basecolor"):
        plain(tmp_path / "two").prepare()


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("mirror", [False, True])
def test_turned_normals_are_those_of_the_turned_relief(turns: int, mirror: bool) -> None:
    """Turning a relief and taking its normals, or taking them and turning the maps: the same."""
    rng = np.random.default_rng(3)
    relief = cv2.GaussianBlur(rng.normal(size=(40, 40)), (0, 0), 4)

    def normals(height: np.ndarray) -> np.ndarray:
        down, right = np.gradient(height * 20)
        n = np.dstack([-right, down, np.ones_like(right)])  # rows run down, y up
        return (n / np.linalg.norm(n, axis=2, keepdims=True)).astype(np.float32)

    def maps(height: np.ndarray) -> SurfaceMaps:
        gray = height.astype(np.float32)
        return SurfaceMaps(np.dstack([gray] * 3), normals(height), gray, gray, gray)

    posed = np.rot90(relief[:, ::-1] if mirror else relief, turns)
    found = turned(maps(relief), turns, mirror)
    assert np.allclose(found.normal, normals(posed), atol=1e-6)
    assert np.allclose(found.roughness, posed) and np.allclose(found.base_colour[..., 0], posed)


def test_world_targets_leave_the_sky_out() -> None:
    size = (4, 5)
    instance = np.zeros(size, np.int32)
    instance[2:] = 7
    colour = np.full((*size, 3), (10, 128, 250), np.uint8)
    parts = np.full((*size, 3), (1, 0.5, 0), np.float32)
    nothing = np.zeros((*size, 3))
    seen = Seen(colour, None, nothing, np.zeros(size), instance, colour, parts, ("sky", "thing"))
    rng = np.random.default_rng(0)
    for function, expected in ((basecolor, (10, 128, 250)), (orm, (255, 128, 0))):
        target = function(seen, rng)
        assert target.prompt.task == function.__name__ and target.labels is None
        assert (target.map[2:] == expected).all() and np.array_equal(target.valid, instance > 0)


@pytest.mark.data
def test_the_real_pack(data_root: Path) -> None:
    source = SurfaceSource(data=str(data_root), size=[64, 64], batch=4)
    batch = source.batch(0, 0)
    assert len(batch["photo"]) == 4 and torch.isfinite(batch["photo"]).all()
    assert -0.9 < batch["photo"].mean() < 0.5
    found = read_sets(data_root / "pbr_mix", 64)
    assert len(found) == 35 and sum(not s.certain for s in found) >= 5
    concrete = next(s for s in found if s.name == "polished_concrete")
    assert concrete.maps.occlusion.min() == 1 and "ao" not in concrete.present
