"""PBR sets: painted in one go, relit, compared with their photo, made to repeat, written."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from visiongen.backbones.base import Canvas, DecodeStats
from visiongen.errors import InputError, UsageError
from visiongen.registry import TASKS
from visiongen.relight import Light, SurfaceMaps, encode_srgb, render
from visiongen.tasks import predict
from visiongen.tasks.codecs import read_map_png
from visiongen.tasks.materials import MaterialSet, predict_materials
from visiongen.tasks.pbr.height import integrate


def relief(size: tuple[int, int] = (64, 96)) -> SurfaceMaps:
    """Bumps, a metal stripe, a colour ramp."""
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    nx, ny = 0.3 * np.sin(x / 5), 0.2 * np.cos(y / 4)
    normal = np.dstack([nx, ny, np.sqrt(1 - nx**2 - ny**2)])
    base = np.dstack([x / size[1], y / size[0], 0 * x + 0.5])
    metal = (abs(x - size[1] / 2) < 8).astype(np.float32)
    return SurfaceMaps(base, normal, 0.3 + 0.4 * base[..., 1], metal, 1 - 0.5 * base[..., 0])


class Painter:
    """Paints the maps it was given, whatever the photo; keeps what it was asked."""

    weights = None
    name = "painter"

    def __init__(self, maps: SurfaceMaps) -> None:
        self.maps, self.asked = maps, []

    def scene(self, photo):
        self.size = photo.shape[:2]
        return self

    def paint(self, prompts, sampler):
        self.asked.append([p.task for p in prompts])
        m = self.maps
        orm = np.dstack([m.occlusion, m.roughness, m.metallic])
        labels = {"basecolor": m.base_colour, "tangent": m.normal, "normals": m.normal, "orm": orm}
        canvases = []
        for prompt in prompts:
            small = cv2.resize(labels[prompt.task], self.size[::-1], interpolation=cv2.INTER_AREA)
            image = TASKS.get(prompt.task)().codec().encode(small)
            canvases.append(Canvas(image, None, True, 0, self.size[0], None, DecodeStats("", 1, 1, 1, 0.1)))
        return canvases


@pytest.fixture
def photo() -> np.ndarray:
    lamp = Light((0.9, 0.8, 1.3), (0.9, 0.8, 0.7), distant=True)
    return (encode_srgb(render(relief(), [lamp], (0.1, 0.1, 0.1))) * 255).astype(np.uint8)


def painted(photo: np.ndarray, **options) -> MaterialSet:
    options = {"long_side": 96} | options
    return predict_materials(photo, backbone=Painter(relief()), **options)


def test_one_painting_of_three_maps(photo: np.ndarray) -> None:
    painter, truth = Painter(relief()), relief()
    found = predict_materials(photo, backbone=painter, long_side=96)
    assert painter.asked == [["basecolor", "tangent", "orm"]]
    for name in ("base_colour", "roughness", "metallic", "occlusion", "normal"):
        got = getattr(found, name)
        assert got.dtype == np.float32 and abs(got - getattr(truth, name)).max() < 0.006, name
    assert found.height is not None and found.height_source == "integrated from normals"
    assert found.kind == "surface" and not found.tileable


def test_scene_asks_for_camera_normals(photo: np.ndarray) -> None:
    painter = Painter(relief())
    found = predict_materials(photo, kind="scene", backbone=painter)
    assert painter.asked == [["basecolor", "normals", "orm"]] and found.height is None
    assert predict_materials(photo, kind="scene", height="integrate", backbone=painter).height is not None


def test_size_bounds_the_maps(photo: np.ndarray) -> None:
    large = cv2.resize(photo, (384, 256))
    assert painted(large).maps.size == (256, 384)
    assert painted(large, size=96).maps.size == (64, 96)


@pytest.mark.parametrize(
    "options",
    [{"kind": "ball"}, {"height": "guess"}, {"kind": "scene", "tileable": True}, {"size": 8}, {"colour": 1}],
)
def test_senseless_options_are_refused(photo: np.ndarray, options: dict) -> None:
    with pytest.raises(UsageError):
        painted(photo, **options)


def test_relight_shows_the_painted_maps(photo: np.ndarray) -> None:
    pictures = painted(photo).relight()
    assert pictures.shape == (9, 64, 96, 3) and pictures.dtype == np.uint8
    lamp = [Light((0.5, 0.1, 1.0))]
    expected = encode_srgb(render(relief(), lamp)) * 255
    assert abs(painted(photo).relight(lamp, camera=None)[0] - expected).mean() < 1.5


def test_the_true_material_explains_its_photo_best(photo: np.ndarray) -> None:
    right = painted(photo).rerender_error()
    assert right.rmse < 0.05 and right.picture.shape == photo.shape and right.lights
    m = relief()
    wrong_maps = SurfaceMaps(m.base_colour[:, ::-1], m.normal, m.roughness, m.metallic, m.occlusion)
    wrong = MaterialSet(wrong_maps).rerender_error(photo)
    assert wrong.rmse > 2 * right.rmse
    flat = MaterialSet(SurfaceMaps(*(np.ascontiguousarray(v) for v in vars(m).values())), photo=photo)
    flat.normal[:] = (0, 0, 1)
    assert flat.rerender_error().rmse > right.rmse
    with pytest.raises(UsageError, match="no photo"):
        MaterialSet(m).rerender_error()


@pytest.mark.parametrize("light", [Light((0, 0, 2.14), (0.7, 0.5, 0.3)), Light((-1.5, 0, 1.5), distant=True)])
def test_a_light_among_the_candidates_is_found(light: Light) -> None:
    shot = (encode_srgb(render(relief(), [light], (0.2, 0.2, 0.2), (0, 0, 2.14))) * 255 + 0.5).astype(
        np.uint8
    )
    found = MaterialSet(relief()).rerender_error(shot)
    assert found.rmse < 0.01
    assert np.allclose(found.ambient, 0.2, atol=0.03)
    strongest = max(found.lights, key=lambda one: sum(one.colour))
    assert np.allclose(np.array(strongest.position) / np.linalg.norm(strongest.position),
                       np.array(light.position) / np.linalg.norm(light.position), atol=1e-3)  # fmt: skip
    assert np.allclose(strongest.colour, light.colour, atol=0.08)


def test_a_channel_that_is_burnt_out_all_over_is_not_dark() -> None:
    shot = np.full((64, 96, 3), (255, 200, 160), np.uint8)
    found = MaterialSet(relief()).rerender_error(shot)
    assert found.ambient[0] + sum(light.colour[0] for light in found.lights) > 0.5
    assert found.picture[..., 0].mean() > found.picture[..., 1].mean()


def test_tileable_sets(photo: np.ndarray) -> None:
    found = painted(cv2.resize(photo, (384, 256)), tileable=True)
    before, after = found.seams["before"], found.seams["after"]
    assert before["x"] > 3 and before["y"] > 3 and after["x"] < 1.5 and after["y"] < 1.5
    assert found.tileable and found.photo is None and found.seam_ratio() == after
    assert "rmse" in found.about["rerender"]
    assert np.allclose(np.linalg.norm(found.normal, axis=2), 1, atol=1e-5)
    for name in ("base_colour", "roughness", "metallic", "occlusion"):
        assert getattr(found, name).min() >= 0 and getattr(found, name).max() <= 1
    assert np.allclose(found.height, integrate(found.normal, periodic=True))


def test_save_writes_a_set_that_others_read(photo: np.ndarray, tmp_path: Path) -> None:
    found = painted(photo, photo_name="wall.jpg")
    files = found.save(tmp_path, "wall")
    names = ["basecolor.png", "normal.png", "orm.png", "height.png", "glb", "mtlx", "preview.png"]
    assert [f.name for f in files] == [f"wall.{n}" for n in (*names, "materials.json")]
    assert sorted(files) == sorted(tmp_path.iterdir())
    base, codec = read_map_png(files[0])
    assert codec.name == "material/basecolor@1" and abs(base / 255 - found.base_colour).max() <= 0.5001 / 255
    normal, codec = read_map_png(files[1])
    assert codec.name == "normals/opengl@1"
    angle = (codec.decode(normal)[0] * found.normal).sum(axis=2)
    assert np.degrees(np.arccos(np.clip(angle, -1, 1))).max() < 0.5
    orm = np.asarray(Image.open(files[2]))
    assert np.array_equal(orm[..., 1], (found.roughness * 255).round())
    report = json.loads(files[-1].read_text())
    assert report["schema"] == "visiongen.materials/1" and report["name"] == "wall"
    assert report["height_source"] == report["height"]["source"] == "integrated from normals"
    stored = cv2.imread(str(files[3]), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16
    low, high = report["height"]["black"], report["height"]["white"]
    assert abs(low + stored / 65535 * (high - low) - found.height).max() < 1e-4 * (high - low)
    assert report["rerender"]["rmse"] < 0.06 and report["files"] == [f.name for f in files[:-1]]
    preview = np.asarray(Image.open(files[6]))
    assert preview.shape[2] == 3 and min(preview.shape[:2]) > 500 and preview.std() > 20


def test_a_scene_without_normals_in_its_sky_is_saved(photo: np.ndarray, tmp_path: Path) -> None:
    maps = relief()
    maps.normal[:20] = 0
    found = predict_materials(photo, kind="scene", backbone=Painter(maps), long_side=96)
    assert not found.normal[:15].any()
    files = found.save(tmp_path, "room")
    assert [f.suffix for f in files] == [".png", ".png", ".png", ".glb", ".mtlx", ".png", ".json"]
    normal, codec = read_map_png(files[1])
    assert np.allclose(codec.decode(normal)[0][:15], (0, 0, 1), atol=0.01)  # flat for whoever renders it


def test_predictions_of_the_single_tasks(photo: np.ndarray, tmp_path: Path) -> None:
    backbone = Painter(relief())
    orm = predict("orm", photo, backbone=backbone, long_side=96)
    assert np.array_equal(orm.roughness, orm.labels[..., 1]) and orm.metallic.max() == 1
    image, reading = orm.label_image()
    assert image.dtype == np.uint16 and abs(image / 65535 - orm.labels).max() < 1e-4
    assert reading["channels"] == ["occlusion (1 = open)", "roughness", "metallic"]
    base = predict("basecolor", photo, backbone=backbone, long_side=96)
    assert np.array_equal(base.base_colour, base.labels) and base.unit == "sRGB fraction"
    tangent = predict("tangent", photo, backbone=backbone, long_side=96)
    assert tangent.codec.name == "normals/opengl@1"
    assert "out of the surface" in tangent.label_image()[1]["axes"]
    for result in (orm, base, tangent):
        assert len(result.summary()["mean"]) == 3
        assert len(result.save(tmp_path, "p")) == 6


@pytest.mark.parametrize("name", ["basecolor", "orm"])
def test_tiles_average_plainly(name: str) -> None:
    task = TASKS.get(name)()
    one, two = (np.full((8, 8, 3), v, np.uint8) for v in (51, 153))
    values = [task.soften(part, task.codec())[0] for part in (one, two)]
    labels, factor = task.harden((values[0] + values[1]) / 2)
    assert np.allclose(labels, 0.4) and (factor == 1).all()


@pytest.mark.parametrize("bad", [1.2, -0.1, np.nan])
def test_base_colour_outside_the_range_is_refused(bad: float) -> None:
    with pytest.raises(InputError, match="basecolor"):
        TASKS.get("basecolor")().codec().encode(np.full((2, 2, 3), bad, np.float32))
