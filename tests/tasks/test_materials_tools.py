"""Height, seams, glTF and MaterialX, each against something independent."""

from __future__ import annotations

import io
import json
import re
import struct
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from visiongen.errors import InputError, UsageError
from visiongen.tasks.pbr.gltf import Mesh, glb, plane, sphere
from visiongen.tasks.pbr.height import integrate
from visiongen.tasks.pbr.materialx import document
from visiongen.tasks.pbr.preview import ball
from visiongen.tasks.pbr.seams import seam_ratio, tileable


def normals(across: np.ndarray, up: np.ndarray) -> np.ndarray:
    """From slopes dz/dx, dz/dy (y up) in widths a width."""
    n = np.dstack([-across, -up, np.ones_like(across)])
    return (n / np.linalg.norm(n, axis=2, keepdims=True)).astype(np.float32)


def grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y (up) of the pixels' centres, in patch widths."""
    x = (np.arange(width) + 0.5) / width
    y = (height - np.arange(height) - 0.5) / width
    return np.meshgrid(x, y)


@pytest.mark.parametrize("size", [(64, 64), (63, 65), (48, 96)])
def test_height_of_a_periodic_relief(size: tuple[int, int]) -> None:
    x, y = grid(*size)
    k, m = 2 * np.pi * 2, 2 * np.pi * 3 * size[1] / size[0]
    z = 0.05 * np.sin(k * x) + 0.02 * np.cos(m * y + 1) * np.sin(k * x)
    across = 0.05 * k * np.cos(k * x) + 0.02 * k * np.cos(m * y + 1) * np.cos(k * x)
    up = -0.02 * m * np.sin(m * y + 1) * np.sin(k * x)
    found = integrate(normals(across, up), periodic=True)
    assert found.dtype == np.float32 and abs(found - (z - z.mean())).max() < 1e-4


@pytest.mark.parametrize("periodic", [False, True])
def test_height_of_a_bump(periodic: bool) -> None:
    x, y = grid(80, 120)
    z = 0.1 * np.exp(-((x - 0.5) ** 2 + (y - 0.33) ** 2) / 0.01)
    across, up = -2 * (x - 0.5) / 0.01 * z, -2 * (y - 0.33) / 0.01 * z
    found = integrate(normals(across, up), periodic)
    assert abs(found - (z - z.mean())).max() < 0.002  # 2 % of the bump


def test_height_of_a_slope_needs_free_borders() -> None:
    x, y = grid(40, 50)
    z = 0.3 * x - 0.2 * y + 0.5 * x * x
    found = integrate(normals(0.3 + x, np.full_like(y, -0.2)))
    assert abs(found - (z - z.mean())).max() < 1e-4


def test_height_ignores_what_has_no_normal() -> None:
    flat = np.zeros((16, 16, 3), np.float32)
    assert not integrate(flat).any() and not integrate(flat, periodic=True).any()


def test_seam_ratio_of_known_maps() -> None:
    rng = np.random.default_rng(0)
    ramp = np.tile(np.arange(32, dtype=np.float32) / 31, (24, 1))
    assert seam_ratio([ramp]) == (pytest.approx(31), 1.0)
    noise = rng.random((128, 128))
    assert seam_ratio([noise]) == (pytest.approx(1, abs=0.15), pytest.approx(1, abs=0.15))
    wave = np.sin(np.arange(64) / 64 * 2 * np.pi)[:, None] * np.ones((1, 40))
    x, y = seam_ratio([wave])
    assert x == 1.0 and y == pytest.approx(np.pi / 2, abs=0.05)  # steepest where it closes
    assert seam_ratio([np.ones((8, 8, 3))]) == (1.0, 1.0)


def test_repair_closes_the_seam_and_keeps_register() -> None:
    """A picture with a gradient: the seam goes; two equal maps stay equal; nothing new in the middle."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:160, :200] / 100.0
    picture = (0.3 * x + 0.2 * y + 0.1 * rng.random((160, 200))).astype(np.float32)
    one, two = tileable([np.dstack([picture] * 3), picture])
    assert np.array_equal(one[..., 0], two)
    assert min(seam_ratio([picture])) > 4 and max(seam_ratio([one])) < 1.4
    assert 160 * 0.84 < one.shape[0] < 160 * 0.91 and 200 * 0.84 < one.shape[1] < 200 * 0.91
    middle = two[40:-10, 45:-10]
    assert np.array_equal(middle, picture[40 : 40 + middle.shape[0], 45 : 45 + middle.shape[1]])
    # Rolled by half a period, the place of the old seam is as smooth as any other.
    rolled = np.roll(two, (two.shape[0] // 2, two.shape[1] // 2), (0, 1))
    steps = abs(np.diff(rolled, axis=1)).mean(axis=0)
    assert steps[two.shape[1] // 2 - 1] < 1.5 * steps.mean()


@pytest.mark.parametrize(("size", "share"), [((160, 160), 0.0), ((160, 160), 0.6), ((40, 160), 0.125)])
def test_overlaps_that_cannot_be_are_refused(size: tuple[int, int], share: float) -> None:
    with pytest.raises(InputError if size[0] < 64 else UsageError):
        tileable([np.zeros(size)], share)


def png(colour: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 8), colour).save(buffer, "PNG")
    return buffer.getvalue()


def read_glb(data: bytes) -> tuple[dict, bytes]:
    """By the specification's layout: header, JSON chunk, binary chunk."""
    magic, version, length = struct.unpack_from("<III", data)
    assert (magic, version, length) == (0x46546C67, 2, len(data))
    size, kind = struct.unpack_from("<II", data, 12)
    assert kind == 0x4E4F534A and size % 4 == 0
    text = json.loads(data[20 : 20 + size])
    more, kind = struct.unpack_from("<II", data, 20 + size)
    assert kind == 0x004E4942 and more % 4 == 0 and 28 + size + more == len(data)
    return text, data[28 + size :]


def test_glb_is_whole() -> None:
    data = glb("wall", png((10, 20, 30)), png((128, 128, 255)), png((255, 128, 0)), aspect=0.5)
    text, body = read_glb(data)
    assert text["asset"]["version"] == "2.0" and len(text["meshes"]) == 2
    views = text["bufferViews"]
    assert all(v["byteOffset"] % 4 == 0 and v["byteOffset"] + v["byteLength"] <= len(body) for v in views)
    kinds = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
    for accessor in text["accessors"]:
        width = {5123: 2, 5126: 4}[accessor["componentType"]] * kinds[accessor["type"]]
        assert views[accessor["bufferView"]]["byteLength"] == width * accessor["count"]
    material = text["materials"][0]
    pictures = [views[image["bufferView"]] for image in text["images"]]

    def texture(reference: dict) -> tuple[int, int, int]:
        view = pictures[text["textures"][reference["index"]]["source"]]
        raw = body[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]
        return Image.open(io.BytesIO(raw)).convert("RGB").getpixel((0, 0))

    assert texture(material["pbrMetallicRoughness"]["baseColorTexture"]) == (10, 20, 30)
    assert texture(material["pbrMetallicRoughness"]["metallicRoughnessTexture"]) == (255, 128, 0)
    assert texture(material["normalTexture"]) == (128, 128, 255)
    assert texture(material["occlusionTexture"]) == (255, 128, 0)


@pytest.mark.parametrize("mesh", [plane(0.5), sphere((2.0, 1.0))])
def test_meshes_face_outward_and_hold_their_frames(mesh: Mesh) -> None:
    for vectors in (mesh.normals, mesh.tangents[:, :3]):
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose((mesh.normals * mesh.tangents[:, :3]).sum(axis=1), 0, atol=1e-5)
    a, b, c = (mesh.positions[mesh.triangles[:, i]].astype(float) for i in range(3))
    face = np.cross(b - a, c - a)
    area = np.linalg.norm(face, axis=1)
    assert (area > 1e-7).all()
    assert ((face / area[:, None] * mesh.normals[mesh.triangles[:, 0]]).sum(axis=1) > 0.9).all()
    # The tangent is where u grows; the bitangent (n x t) w is where v falls: +Y of the normal map is up.
    uv = [mesh.uv[mesh.triangles[:, i]].astype(float) for i in range(3)]
    du, dv = uv[1] - uv[0], uv[2] - uv[0]
    det = du[:, 0] * dv[:, 1] - du[:, 1] * dv[:, 0]
    grow_u = ((b - a) * dv[:, 1:] - (c - a) * du[:, 1:]) / det[:, None]
    grow_v = ((c - a) * du[:, :1] - (b - a) * dv[:, :1]) / det[:, None]
    first = mesh.triangles[:, 0]
    tangent, w = mesh.tangents[first, :3], mesh.tangents[first, 3:]
    bitangent = np.cross(mesh.normals[first], tangent) * w
    away = abs(mesh.normals[first][:, 1]) < 0.9 if len(first) > 2 else slice(None)  # poles are pinched
    assert ((grow_u * tangent).sum(axis=1)[away] > 0).all()
    assert ((grow_v * bitangent).sum(axis=1)[away] < 0).all()


@pytest.mark.parametrize("repeat", [(1.0, 1.0), (2.0, 1.0), (2.0, 4 / 3), (2.0, 2.0), (4.0, 2.0)])
def test_the_middle_of_a_copy_faces_the_viewer(repeat: tuple[float, float]) -> None:
    """glTF's viewers look at +z: the seam of a set that does not tile is at the sides there."""
    mesh = sphere(repeat)
    front = np.flatnonzero((mesh.normals[:, 2] > 0.999) & (abs(mesh.normals[:, 1]) < 1e-6))
    assert len(front) == 1  # the mesh's own seam has two vertices a place, and is behind
    np.testing.assert_allclose(mesh.uv[front[0]] % 1, 0.5, atol=1e-6)
    np.testing.assert_allclose(mesh.tangents[front[0]], [1, 0, 0, 1], atol=1e-6)


def test_glb_in_other_libraries() -> None:
    data = glb("wall", png((10, 20, 30)), png((128, 128, 255)), png((255, 128, 0)))
    trimesh = pytest.importorskip("trimesh", reason="the extra 'test' is not installed")
    scene = trimesh.load(io.BytesIO(data), file_type="glb")
    assert set(scene.geometry) == {"plane", "sphere"}
    ballish = scene.geometry["sphere"]
    assert ballish.volume == pytest.approx(np.pi / 6, rel=0.01)


def test_materialx_document() -> None:
    text = document("my wall", "w.basecolor.png", "w.normal.png", "w.orm.png", ("w.height.png", -0.1, 0.2))
    root = ElementTree.fromstring(text.split("\n", 1)[1])
    assert root.tag == "materialx" and root.get("version") == "1.38"
    graph = root.find("nodegraph")
    assert graph is not None
    nodes = {node.get("name"): node for node in graph}
    outputs = {o.get("name"): o.get("nodename") for o in graph.iter("output")}
    assert set(outputs.values()) <= set(nodes)
    for node in graph.iter("input"):
        assert node.get("nodename") is None or node.get("nodename") in nodes
    files = {n.get("name"): n.find("input[@name='file']") for n in graph.iter("image")}
    assert files["base_colour"].get("colorspace") == "srgb_texture"
    assert files["orm"].get("colorspace") is None and files["orm"].get("value") == "w.orm.png"
    index = {n.get("name"): n.find("input[@name='index']").get("value") for n in graph.iter("extract")}
    assert index == {"occlusion": "0", "roughness": "1", "metallic": "2"}
    surface = root.find("gltf_pbr")
    assert surface is not None
    assert {i.get("name") for i in surface} == {"base_color", "normal", "occlusion", "roughness", "metallic"}
    assert all(i.get("nodegraph") == graph.get("name") and i.get("output") in outputs for i in surface)
    material = root.find("surfacematerial")
    assert material is not None
    named = {element.get("name") for element in root}
    assert {i.get("nodename") for i in material} <= named and len(material) == 2
    assert root.find("displacement") is not None
    assert document("x", "a", "b", "c").count("displacement") == 0


@pytest.mark.parametrize("name", ["Straße", "壁 3", "3 walls", "٣", "a.b-c", "", "wall_2"])
def test_materialx_names_are_ascii_identifiers(name: str) -> None:
    root = ElementTree.fromstring(document(name, f"{name}.png", "n", "o").split("\n", 1)[1])
    names = [element.get("name") for element in root.iter() if element.get("name")]
    assert all(re.fullmatch("[A-Za-z][A-Za-z0-9_]*", one) for one in names)
    assert root.find("nodegraph/image/input").get("value") == f"{name}.png"  # the file keeps its own


def test_materialx_in_its_own_library() -> None:
    mx = pytest.importorskip("MaterialX", reason="no MaterialX for this machine")
    library, found = mx.createDocument(), mx.createDocument()
    mx.loadLibraries(mx.getDefaultDataLibraryFolders(), mx.getDefaultDataSearchPath(), library)
    mx.readFromXmlString(found, document("w", "b.png", "n.png", "o.png", ("h.png", 0.0, 1.0)))
    found.setDataLibrary(library)
    assert found.validate() == (True, "")


@pytest.mark.parametrize(
    ("size", "repeat"), [((48, 64), 1.0), ((64, 48), 1.0), ((32, 64), 1.0), ((64, 64), 2.0)]
)
def test_the_middle_of_a_copy_is_in_front_of_the_ball(size: tuple[int, int], repeat: float) -> None:
    """A wide photo goes down the ball more than once: its upper and lower border must not meet in front."""
    from visiongen.relight import SurfaceMaps

    one = np.ones(size, np.float32)
    flat = np.dstack([0 * one, 0 * one, one])
    base = np.zeros((*size, 3), np.float32)
    y, x = size[0] // 2, size[1] // 2
    base[y - 6 : y + 6, x - 6 : x + 6, 0] = 1  # red in the middle alone
    picture = ball(SurfaceMaps(base, flat, one, 0 * one, one), 64).astype(int)
    assert (picture[30:34, 30:34, 0] > picture[30:34, 30:34, 1] + 60).all()


def test_the_ball_is_lit_from_above() -> None:
    from visiongen.relight import SurfaceMaps

    one = np.ones((16, 16), np.float32)
    flat = np.dstack([0 * one, 0 * one, one])
    picture = ball(SurfaceMaps(flat * 0 + 0.7, flat, one, 0 * one, one), 64).astype(int)
    assert picture.shape == (64, 64, 3) and (picture[0, 0] == picture[-1, -1]).all()
    assert picture[12:20, 28:36].mean() > picture[44:52, 28:36].mean() + 15
