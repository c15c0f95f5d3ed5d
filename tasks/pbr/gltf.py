"""A PBR set as glTF 2.0 binary (.glb): a plane and a sphere that wear it, textures inside."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_FLOAT, _USHORT = 5126, 5123
_VERTICES, _INDICES = 34962, 34963
_MAGIC, _JSON, _BIN = 0x46546C67, 0x4E4F534A, 0x004E4942


@dataclass(frozen=True)
class Mesh:
    """``positions``, ``normals`` float32 (N, 3), ``tangents`` (N, 4), ``uv`` (N, 2), ``triangles`` uint16
    (T, 3), counter-clockwise from outside.
    """

    positions: np.ndarray
    normals: np.ndarray
    tangents: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray


def plane(aspect: float = 1.0) -> Mesh:
    """Facing +z, one wide, ``aspect`` high; v runs down as the texture's rows do."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)  # u, v
    positions = np.stack([corners[:, 0] - 0.5, (0.5 - corners[:, 1]) * aspect, 0 * corners[:, 0]], axis=1)
    return Mesh(
        positions.astype(np.float32),
        np.tile(np.array([0, 0, 1], np.float32), (4, 1)),
        np.tile(np.array([1, 0, 0, 1], np.float32), (4, 1)),
        corners,
        np.array([[0, 3, 2], [0, 2, 1]], np.uint16),
    )


def sphere(repeat: tuple[float, float] = (1.0, 1.0), radius: float = 0.5, segments: int = 64) -> Mesh:
    """A ball about the origin; the texture goes round it ``repeat[0]`` times, and down ``repeat[1]``.

    The middle of a copy is in front (+z, where glTF's viewers look from) and the mesh's own seam behind, so
    that a set that does not tile shows no seam there.
    """
    rings = segments // 2
    v, u = np.meshgrid(np.linspace(0, 1, rings + 1), np.linspace(0, 1, segments + 1), indexing="ij")
    turn = u.ravel() - 0.5  # of a whole one, from the front
    east, south = turn * 2 * np.pi, v.ravel() * np.pi
    ring = np.sin(south)
    normals = np.stack([np.sin(east) * ring, np.cos(south), np.cos(east) * ring], axis=1)
    tangents = np.stack([np.cos(east), 0 * east, -np.sin(east), np.ones_like(east)], axis=1)
    uv = np.stack([turn * repeat[0] + 0.5, (v.ravel() - 0.5) * repeat[1] + 0.5], axis=1)
    row, column = (a.ravel() for a in np.meshgrid(np.arange(rings), np.arange(segments), indexing="ij"))
    a = row * (segments + 1) + column
    b, c, d = a + segments + 1, a + segments + 2, a + 1  # below, below right, right
    lower, upper = np.stack([a, b, c], axis=1)[row < rings - 1], np.stack([a, c, d], axis=1)[row > 0]
    # At the poles one of the two triangles has no area and is left out.
    triangles = np.concatenate([lower, upper]).astype(np.uint16)
    place, out, along, at = (x.astype(np.float32) for x in (normals * radius, normals, tangents, uv))
    return Mesh(place, out, along, at, triangles)


@dataclass
class _Buffer:
    """The binary chunk while it is being written, with its views and accessors."""

    data: bytearray = field(default_factory=bytearray)
    views: list[dict[str, Any]] = field(default_factory=list)
    accessors: list[dict[str, Any]] = field(default_factory=list)

    def view(self, content: bytes, target: int | None = None) -> int:
        self.data += b"\0" * (-len(self.data) % 4)
        entry = {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(content)}
        self.views.append(entry | ({"target": target} if target else {}))
        self.data += content
        return len(self.views) - 1

    def accessor(self, array: np.ndarray, target: int, bounds: bool = False) -> int:
        kind = "SCALAR" if array.ndim == 1 else f"VEC{array.shape[1]}"
        entry: dict[str, Any] = {
            "bufferView": self.view(array.tobytes(), target),
            "componentType": _USHORT if array.dtype == np.uint16 else _FLOAT,
            "count": len(array),
            "type": kind,
        }
        if bounds:
            entry |= {"min": array.min(axis=0).tolist(), "max": array.max(axis=0).tolist()}
        self.accessors.append(entry)
        return len(self.accessors) - 1

    def mesh(self, mesh: Mesh, name: str) -> dict[str, Any]:
        attributes = {
            "POSITION": self.accessor(mesh.positions, _VERTICES, bounds=True),
            "NORMAL": self.accessor(mesh.normals, _VERTICES),
            "TANGENT": self.accessor(mesh.tangents, _VERTICES),
            "TEXCOORD_0": self.accessor(mesh.uv, _VERTICES),
        }
        indices = self.accessor(mesh.triangles.ravel(), _INDICES)
        return {
            "name": name,
            "primitives": [{"attributes": attributes, "indices": indices, "material": 0}],
        }


def glb(
    name: str, base_colour: bytes, normal: bytes, orm: bytes, aspect: float = 1.0, repeat: float = 1.0
) -> bytes:
    """The file's bytes: a plane on the left, a sphere on the right, one material.

    ``base_colour``, ``normal``, ``orm``: PNG bytes. ``aspect``: height / width of the maps.
    ``repeat``: how often the sphere shows the set on its front half.
    """
    buffer = _Buffer()
    meshes = [
        buffer.mesh(plane(aspect), "plane"),
        buffer.mesh(sphere((2 * repeat, max(1.0, repeat / aspect))), "sphere"),
    ]
    pictures = {f"{name}.basecolor": base_colour, f"{name}.normal": normal, f"{name}.orm": orm}
    images = [
        {"name": title, "bufferView": buffer.view(data), "mimeType": "image/png"}
        for title, data in pictures.items()
    ]
    material = {
        "name": name,
        "pbrMetallicRoughness": {
            "baseColorTexture": {"index": 0},
            "metallicRoughnessTexture": {"index": 2},
        },
        "normalTexture": {"index": 1},
        "occlusionTexture": {"index": 2},
    }
    scene = {
        "asset": {"version": "2.0", "generator": "visiongen"},
        "scene": 0,
        "scenes": [{"name": name, "nodes": [0, 1]}],
        "nodes": [
            {"name": "plane", "mesh": 0, "translation": [-0.6, 0.0, 0.0]},
            {"name": "sphere", "mesh": 1, "translation": [0.6, 0.0, 0.0]},
        ],
        "meshes": meshes,
        "materials": [material],
        "textures": [{"sampler": 0, "source": i} for i in range(3)],
        "samplers": [{"magFilter": 9729, "minFilter": 9987, "wrapS": 10497, "wrapT": 10497}],
        "images": images,
        "bufferViews": buffer.views,
        "accessors": buffer.accessors,
        "buffers": [{"byteLength": len(buffer.data)}],
    }
    text = json.dumps(scene, separators=(",", ":"), allow_nan=False).encode()
    return _chunks(text + b" " * (-len(text) % 4), bytes(buffer.data) + b"\0" * (-len(buffer.data) % 4))


def _chunks(text: bytes, data: bytes) -> bytes:
    """Header, JSON chunk, binary chunk."""
    head = struct.pack("<III", _MAGIC, 2, 12 + 8 + len(text) + 8 + len(data))
    return head + struct.pack("<II", len(text), _JSON) + text + struct.pack("<II", len(data), _BIN) + data
