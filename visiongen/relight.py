"""One renderer of flat PBR surfaces: for training photos, previews, re-render error and scoring.

GGX metallic-roughness as the glTF 2.0 specification has it (appendix B): F0 = mix(0.04, base, metallic),
diffuse = base (1 - metallic), alpha = roughness^2, Smith height-correlated visibility, Schlick Fresnel.
The patch is flat and faces the viewer: x right, y up, z toward the viewer; its width is 1, its centre
the origin. Maps are float32 numpy arrays; lights are many, one core is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from visiongen.errors import InputError
from visiongen.surround import MIN_ALPHA, surround_albedo

GAMMA = 2.2
DISTANCE = 2.14
"""Of the nine lights and their camera from the centre, in patch widths."""


@dataclass(frozen=True)
class SurfaceMaps:
    """A PBR set, float32: ``base_colour`` (H, W, 3) sRGB in [0, 1]; ``normal`` (H, W, 3) unit, tangent
    space, OpenGL (+Y up); ``roughness``, ``metallic``, ``occlusion`` (1 = open) (H, W) in [0, 1].
    """

    base_colour: np.ndarray
    normal: np.ndarray
    roughness: np.ndarray
    metallic: np.ndarray
    occlusion: np.ndarray

    def __post_init__(self) -> None:
        size = self.base_colour.shape[:2]
        shapes = [(*size, 3), (*size, 3), size, size, size]
        for (name, array), shape in zip(vars(self).items(), shapes, strict=True):
            if array.shape != shape:
                raise InputError(f"{name}: shape {array.shape} is not {shape}; give maps of one size")

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.base_colour.shape[0], self.base_colour.shape[1]


@dataclass(frozen=True)
class Light:
    """``position`` in patch widths from the patch's centre; ``distant``: only its direction counts.

    A light of ``colour`` (1, 1, 1) shows a white matte patch that faces it with radiance 1 at the centre
    (a point light's falls with the squared distance around that).
    """

    position: tuple[float, float, float]
    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)
    distant: bool = False


def ring(count: int, tilt: float, distance: float = DISTANCE) -> tuple[Light, ...]:
    """``count`` point lights round the patch, the first to the right, ``tilt`` degrees from its normal."""
    angles, lean = np.arange(count) * 2 * np.pi / count, np.radians(tilt)
    across, up = distance * np.sin(lean), distance * np.cos(lean)
    return tuple(Light((float(across * np.cos(a)), float(across * np.sin(a)), float(up))) for a in angles)


#: The protocol's fixed list: a flash at the camera, and eight lights on a ring, 45 degrees off.
NINE_LIGHTS = (Light((0.0, 0.0, DISTANCE)), *ring(8, 45.0))
#: The nine lights' camera.
CAMERA = (0.0, 0.0, DISTANCE)


def decode_srgb(colour: np.ndarray) -> np.ndarray:
    """Fractions as pictures store them -> linear float32 (power 2.2, as the protocol has it)."""
    return np.power(colour, GAMMA, dtype=np.float32)


def encode_srgb(linear: np.ndarray) -> np.ndarray:
    """Linear radiance -> fractions as pictures store them: clamped to [0, 1], power 1 / 2.2."""
    return np.power(np.clip(linear, 0, 1), 1 / GAMMA, dtype=np.float32)


def reflectance(maps: SurfaceMaps) -> tuple[np.ndarray, np.ndarray]:
    """Diffuse part under the specular layer (1 - F0) diffuse, and F0; both linear, planes (3, H, W)."""
    planes = np.ascontiguousarray(maps.base_colour.transpose(2, 0, 1))
    base, metal = decode_srgb(planes), maps.metallic.astype(np.float32)
    f0 = base * metal
    body = base - f0
    f0 += np.float32(0.04) * (1 - metal)
    body *= 1 - f0
    return body, f0


@dataclass(frozen=True)
class Shading:
    """Per light (L, H, W): radiance = ``diffuse`` K + ``mirror`` F0 + ``grazing`` for a white light.

    K and F0 as :func:`reflectance` gives them.
    """

    diffuse: np.ndarray
    mirror: np.ndarray
    grazing: np.ndarray


def shading(
    maps: SurfaceMaps, lights: Sequence[Light], camera: tuple[float, float, float] | None = None
) -> Shading:
    """What each light does, before colours. ``camera``: its position; None looks straight down."""
    n = [np.ascontiguousarray(maps.normal[..., i], np.float32) for i in range(3)]
    x, y = _grid(maps.size)
    toward = _direction(x, y, camera) if camera else (np.float32(0), np.float32(0), np.float32(1))
    facing = np.maximum(n[0] * toward[0] + n[1] * toward[1] + n[2] * toward[2], np.float32(1e-3))
    alpha2 = np.maximum(maps.roughness.astype(np.float32) ** 2, np.float32(MIN_ALPHA)) ** 2
    rest = 1 - alpha2
    view_root = np.sqrt(facing * facing * rest + alpha2)
    shape = (len(lights), *maps.size)
    result = Shading(*(np.empty(shape, np.float32) for _ in range(3)))
    for i, light in enumerate(lights):
        lx, ly, lz = _direction(x, y, light.position, light.distant)
        lit = np.maximum(n[0] * lx + n[1] * ly + n[2] * lz, np.float32(0))
        # Half vector without building it: |l + v|^2 = 2 + 2 l.v, n.h = (n.l + n.v) / |l + v|.
        between = np.maximum(lx * toward[0] + ly * toward[1] + lz * toward[2], np.float32(-0.999999))
        half2 = (1 + between) * np.float32(0.5)  # (v.h)^2
        peak2 = (lit + facing) ** 2 / (4 * half2)  # (n.h)^2
        spread = np.maximum(1 - peak2 * rest, alpha2)
        root = facing * np.sqrt(lit * lit * rest + alpha2) + lit * view_root
        weight = lit if light.distant else lit * _falloff(x, y, light.position)
        gloss = weight * alpha2 * np.float32(0.5) / np.maximum(spread * spread * root, np.float32(1e-12))
        fresnel = (1 - np.sqrt(half2)) ** 5
        np.multiply(weight, 1 - fresnel, out=result.diffuse[i])
        np.multiply(gloss, 1 - fresnel, out=result.mirror[i])
        np.multiply(gloss, fresnel, out=result.grazing[i])
    return result


def _grid(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Pixel centres: x (1, W), y (H, 1) upward, in patch widths."""
    height, width = size
    x = (np.arange(width, dtype=np.float32) + 0.5) / width - 0.5
    y = (height / 2 - np.arange(height, dtype=np.float32) - 0.5) / width
    return x[None], y[:, None].astype(np.float32)


def _direction(
    x: np.ndarray, y: np.ndarray, position: tuple[float, float, float], distant: bool = False
) -> tuple:
    """Unit vectors toward ``position``, by component; numbers where it is distant."""
    if distant:
        return tuple(np.float32(c) for c in np.asarray(position) / np.linalg.norm(position))
    px, py, pz = (np.float32(c) for c in position)
    inverse = 1 / np.sqrt((px - x) ** 2 + (py - y) ** 2 + pz * pz)
    return (px - x) * inverse, (py - y) * inverse, pz * inverse


def _falloff(x: np.ndarray, y: np.ndarray, position: tuple[float, float, float]) -> np.ndarray:
    """Squared distance from the centre over that from each pixel: 1 at the centre."""
    px, py, pz = (np.float32(c) for c in position)
    fall: np.ndarray = (px * px + py * py + pz * pz) / ((px - x) ** 2 + (py - y) ** 2 + pz * pz)
    return fall


def responses(
    maps: SurfaceMaps, lights: Sequence[Light], camera: tuple[float, float, float] | None = None
) -> np.ndarray:
    """Linear radiance float32 (L, H, W, 3) under each light alone, as if it were white."""
    body, f0 = reflectance(maps)
    part = shading(maps, lights, camera)
    picture = part.diffuse[:, None] * body
    picture += part.mirror[:, None] * f0
    picture += part.grazing[:, None]
    return np.ascontiguousarray(picture.transpose(0, 2, 3, 1))


def ambient_response(maps: SurfaceMaps) -> np.ndarray:
    """Linear radiance (H, W, 3) inside a uniform white surrounding of radiance 1, seen straight down.

    Specular part: directional albedo of the lobe, split as in Karis, "Real Shading in Unreal Engine 4"
    (2013).
    """
    return np.ascontiguousarray(_ambient(maps, *reflectance(maps)).transpose(1, 2, 0))


def _ambient(maps: SurfaceMaps, body: np.ndarray, f0: np.ndarray) -> np.ndarray:
    scale, offset = surround_albedo(np.clip(maps.normal[..., 2], 0, 1), maps.roughness)
    light: np.ndarray = f0 * scale
    light += offset
    light += body
    light *= maps.occlusion
    return light


def render(
    maps: SurfaceMaps,
    lights: Sequence[Light],
    ambient: Sequence[float] = (0.0, 0.0, 0.0),
    camera: tuple[float, float, float] | None = None,
) -> np.ndarray:
    """Linear radiance float32 (H, W, 3), not clamped, under all lights together."""
    body, f0 = reflectance(maps)
    picture = np.zeros((3, *maps.size), np.float32)
    part = shading(maps, lights, camera)
    for i, light in enumerate(lights):
        colour = np.array(light.colour, np.float32)[:, None, None]
        seen = part.mirror[i] * f0
        seen += part.diffuse[i] * body
        seen += part.grazing[i]
        seen *= colour
        picture += seen
    if any(ambient):
        around = _ambient(maps, body, f0)
        around *= np.array(ambient, np.float32)[:, None, None]
        picture += around
    return np.ascontiguousarray(picture.transpose(1, 2, 0))


def relit_rmse(one: SurfaceMaps, two: SurfaceMaps, lights: Sequence[Light] = NINE_LIGHTS) -> float:
    """RMSE over all pixels, channels and lights of the two, clamped to [0, 1] and gamma-encoded."""
    if one.size != two.size:
        raise InputError(f"maps: sizes {one.size} and {two.size} differ; resize one of them")
    first, second = (encode_srgb(responses(m, lights, CAMERA)) for m in (one, two))
    return float(np.sqrt(np.mean((first - second) ** 2, dtype=np.float64)))
