"""The renderer of surfaces against the formula written out pixel by pixel, and against physics."""

from __future__ import annotations

import math

import numpy as np
import pytest

from visiongen.errors import InputError
from visiongen.relight import (
    CAMERA,
    NINE_LIGHTS,
    Light,
    SurfaceMaps,
    ambient_response,
    encode_srgb,
    relit_rmse,
    render,
    responses,
)


def random_maps(seed: int = 0, size: tuple[int, int] = (5, 7)) -> SurfaceMaps:
    rng = np.random.default_rng(seed)
    normal = rng.normal(0, 0.4, (*size, 3)) + [0, 0, 1.5]
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    arrays = (rng.random((*size, 3)), normal, rng.uniform(0.05, 1, size), rng.random(size), rng.random(size))
    return SurfaceMaps(*(a.astype(np.float32) for a in arrays))


def flat(base: float, roughness: float, metallic: float, size: tuple[int, int] = (1, 1)) -> SurfaceMaps:
    full = [np.full(size, v, np.float32) for v in (roughness, metallic, 1.0)]
    colour = np.full((*size, 3), base ** (1 / 2.2), np.float32)
    return SurfaceMaps(colour, np.zeros((*size, 3), np.float32) + np.float32([0, 0, 1]), *full)


def brute_force(maps: SurfaceMaps, light: Light, camera: tuple | None) -> np.ndarray:
    """glTF 2.0, appendix B.3.5, in plain Python, with the half vector built."""
    height, width = maps.size
    out = np.zeros((height, width, 3))
    for row in range(height):
        for column in range(width):
            p = np.array([(column + 0.5) / width - 0.5, (height / 2 - row - 0.5) / width, 0])
            n = maps.normal[row, column].astype(float)
            v = np.array([0.0, 0, 1]) if camera is None else np.array(camera) - p
            to_light = np.array(light.position) if light.distant else np.array(light.position) - p
            fall = (
                1.0 if light.distant else np.dot(light.position, light.position) / np.dot(to_light, to_light)
            )
            v, l = v / np.linalg.norm(v), to_light / np.linalg.norm(to_light)  # noqa: E741
            h = (v + l) / np.linalg.norm(v + l)
            n_l, n_v, n_h, v_h = n @ l, n @ v, n @ h, v @ h
            if n_l <= 0:
                continue
            base = maps.base_colour[row, column].astype(float) ** 2.2
            metallic, alpha = float(maps.metallic[row, column]), float(maps.roughness[row, column]) ** 2
            c_diff, f0 = base * (1 - metallic), 0.04 * (1 - metallic) + base * metallic
            d = alpha**2 / (math.pi * (n_h**2 * (alpha**2 - 1) + 1) ** 2)
            smith = n_l * math.sqrt(n_v**2 * (1 - alpha**2) + alpha**2)
            smith += n_v * math.sqrt(n_l**2 * (1 - alpha**2) + alpha**2)
            schlick = (1 - v_h) ** 5
            f = f0 + (1 - f0) * schlick
            brdf = (1 - f) * c_diff / math.pi + f * d * 0.5 / smith
            out[row, column] = brdf * n_l * math.pi * fall * light.colour
    return out


@pytest.mark.parametrize("camera", [None, CAMERA, (0.3, -0.2, 1.0)])
@pytest.mark.parametrize(
    "light",
    [Light((0.1, 0.2, 1.3)), Light((1.0, -0.5, 0.4), (0.5, 0.7, 0.9)), Light((-2.0, 1.0, 0.7), distant=True)],
)
def test_one_light_is_the_formula(light: Light, camera: tuple | None) -> None:
    maps = random_maps()
    expected = brute_force(maps, light, camera)
    assert np.allclose(render(maps, [light], camera=camera), expected, rtol=2e-3, atol=1e-4)


def test_lights_add_up() -> None:
    maps = random_maps(1)
    alone = responses(maps, NINE_LIGHTS, CAMERA)
    together = render(maps, NINE_LIGHTS, camera=CAMERA)
    assert alone.shape == (9, *maps.size, 3) and np.allclose(alone.sum(axis=0), together, rtol=1e-4)
    dim = render(maps, [Light((0.5, 0.2, 1.0), (0.0, 0.5, 1.0))], (0.1, 0.2, 0.3))
    white = responses(maps, [Light((0.5, 0.2, 1.0))])[0]
    surround = ambient_response(maps)
    assert np.allclose(dim, white * [0, 0.5, 1] + surround * [0.1, 0.2, 0.3], rtol=1e-4, atol=1e-6)


def hemisphere(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Directions (N, 3) above the plane and the solid angle of each, finer near the pole."""
    edges = np.pi / 2 * np.linspace(0, 1, count + 1) ** 1.5
    theta, phi = (edges[1:] + edges[:-1]) / 2, (np.arange(count) + 0.5) / count * 2 * np.pi
    weight = (np.cos(edges[:-1]) - np.cos(edges[1:])) * 2 * np.pi / count
    t, p = (a.ravel() for a in np.meshgrid(theta, phi, indexing="ij"))
    return np.stack([np.sin(t) * np.cos(p), np.sin(t) * np.sin(p), np.cos(t)], axis=1), weight.repeat(count)


@pytest.mark.parametrize("metallic", [0.0, 1.0])
@pytest.mark.parametrize("roughness", [0.3, 0.6, 1.0])
@pytest.mark.parametrize("tilt", [0, 45])
def test_no_surface_makes_light(roughness: float, metallic: float, tilt: float) -> None:
    """White under a uniform sky of radiance 1: at most 1 comes back, and the surrounding's share is it."""
    maps = flat(1.0, roughness, metallic)
    c, s = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    maps.normal[:] = (s, 0, c)
    directions, angles = hemisphere()
    turned = directions @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])  # the surface's own hemisphere
    lights = [Light(tuple(d), distant=True) for d in turned.tolist()]
    back = float(responses(maps, lights)[:, 0, 0, 0] @ angles) / math.pi
    assert back <= 1.005
    # The diffuse part under the layer takes F0 for the whole Fresnel term: a few percent.
    assert back == pytest.approx(float(ambient_response(maps).mean()), abs=0.02 if metallic else 0.06)


def test_matte_white_is_one_and_falls_off() -> None:
    maps = flat(1.0, 1.0, 0.0, (1, 201))
    light = [Light((0.0, 0.0, 0.5))]
    body = render(maps, light)[0, :, 0]
    assert body[100] == pytest.approx(0.96 + 0.04 * 0.25, abs=0.02)
    # At half a width from below a light half a width up: cos 45 x (1/2), almost Lambertian.
    assert body[0] / body[100] == pytest.approx(math.cos(math.pi / 4) / 2, rel=0.08)


def test_mirror_answers_at_the_mirrored_place() -> None:
    """The highlight of a lamp lies halfway to it under a camera as high as the lamp."""
    maps = flat(0.8, 0.15, 1.0, (101, 101))
    picture = render(maps, [Light((0.4, 0.2, 1.0))], camera=(0, 0, 1.0))[..., 0]
    row, column = np.unravel_index(picture.argmax(), picture.shape)
    assert abs((column + 0.5) / 101 - 0.5 - 0.2) < 0.02 and abs(0.5 - (row + 0.5) / 101 - 0.1) < 0.02


def test_occlusion_dims_the_surrounding_only() -> None:
    maps = flat(0.5, 0.5, 0.0)
    shut = SurfaceMaps(maps.base_colour, maps.normal, maps.roughness, maps.metallic, maps.occlusion * 0.25)
    assert np.allclose(ambient_response(shut), ambient_response(maps) * 0.25)
    assert np.array_equal(render(shut, NINE_LIGHTS), render(maps, NINE_LIGHTS))


def test_nine_lights() -> None:
    places = np.array([light.position for light in NINE_LIGHTS])
    assert len(places) == 9 and np.allclose(np.linalg.norm(places, axis=1), 2.14)
    assert np.allclose(places[0], CAMERA) and np.allclose(places[1:].mean(axis=0)[:2], 0, atol=1e-6)
    assert not any(light.distant for light in NINE_LIGHTS)


def test_relit_rmse() -> None:
    one, two = random_maps(0), random_maps(1)
    assert relit_rmse(one, one) == 0 < relit_rmse(one, two)
    pictures = [
        np.clip(np.stack([brute_force(m, light, CAMERA) for light in NINE_LIGHTS]), 0, 1) ** (1 / 2.2)
        for m in (one, two)
    ]
    assert relit_rmse(one, two) == pytest.approx(np.sqrt(((pictures[0] - pictures[1]) ** 2).mean()), rel=1e-3)
    with pytest.raises(InputError, match="differ"):
        relit_rmse(one, random_maps(0, (4, 4)))


def test_maps_of_one_size() -> None:
    m = random_maps()
    with pytest.raises(InputError, match="roughness: shape"):
        SurfaceMaps(m.base_colour, m.normal, m.roughness[:2], m.metallic, m.occlusion)


def test_extreme_materials_stay_finite() -> None:
    for roughness in (0.0, 1.0):
        for light in (Light((0, 0, 1)), Light((1, 0, 1e-4), distant=True), Light((0, 0, -1), distant=True)):
            picture = render(flat(1.0, roughness, 1.0, (8, 8)), [light], (1, 1, 1), CAMERA)
            assert np.isfinite(picture).all() and (picture >= 0).all()
            assert np.isfinite(encode_srgb(picture)).all()
