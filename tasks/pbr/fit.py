"""The light of a photo, fitted to a painted PBR set, and how far the re-rendered set is from the photo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from visiongen.errors import InputError
from visiongen.relight import (
    CAMERA,
    DISTANCE,
    GAMMA,
    Light,
    SurfaceMaps,
    ambient_response,
    decode_srgb,
    encode_srgb,
    render,
    responses,
    ring,
)

#: What the photo's light is put together from: a flash at the camera, far lamps 20 and 45 degrees off the
#: normal, a surrounding.
CANDIDATES = (
    Light((0.0, 0.0, DISTANCE)),
    *(replace(light, distant=True) for tilt, count in ((20.0, 6), (45.0, 8)) for light in ring(count, tilt)),
)
_SIDE = 160


@dataclass(frozen=True)
class Rerender:
    """``picture`` uint8 (H, W, 3) under the fitted light; ``rmse`` to the photo, sRGB fractions.

    ``lights`` are those of the candidates that the fit uses; ``ambient`` the surrounding's radiance.
    """

    picture: np.ndarray
    rmse: float
    lights: tuple[Light, ...]
    ambient: tuple[float, float, float]

    def as_dict(self) -> dict[str, Any]:
        """JSON-able: everything but the picture."""
        lights = [
            {
                "position": [round(v, 4) for v in light.position],
                "colour": [round(v, 4) for v in light.colour],
                "distant": light.distant,
            }
            for light in self.lights
        ]
        ambient = [round(v, 4) for v in self.ambient]
        return {"rmse": round(self.rmse, 5), "lights": lights, "ambient": ambient}


def fit_light(maps: SurfaceMaps, photo: np.ndarray) -> Rerender:
    """Least squares over the candidates' colours, none below zero; ``photo`` uint8 (H, W, 3).

    Residuals are weighted as the gamma encoding does; pixels at 254 and more (burnt out) are left out, but
    where a channel has no others: its light would come out black.
    """
    if photo.shape != (*maps.size, 3):
        raise InputError(f"photo: {photo.shape} is not (H, W, 3) of the maps' size {maps.size}; resize it")
    colours = _colours(*_thinned(maps, photo))
    triples = [(float(r), float(g), float(b)) for r, g, b in colours]
    used = zip(CANDIDATES, triples[:-1], strict=True)
    lights = tuple(replace(light, colour=colour) for light, colour in used if any(colour))
    picture = encode_srgb(render(maps, lights, triples[-1], CAMERA))
    rmse = float(np.sqrt(np.mean((picture - photo.astype(np.float32) / 255) ** 2, dtype=np.float64)))
    return Rerender((picture * 255 + 0.5).astype(np.uint8), rmse, lights, triples[-1])


def _thinned(maps: SurfaceMaps, photo: np.ndarray) -> tuple[SurfaceMaps, np.ndarray]:
    """Every n-th row and column: a light is known from few pixels."""
    step = -(-max(maps.size) // _SIDE)
    return SurfaceMaps(*(m[::step, ::step] for m in vars(maps).values())), photo[::step, ::step]


def _colours(maps: SurfaceMaps, photo: np.ndarray) -> np.ndarray:
    """Colours (L + 1, 3) of the candidates and, last, of the surrounding."""
    from scipy.optimize import nnls

    seen = decode_srgb(photo.astype(np.float32) / 255)
    alone = np.concatenate([responses(maps, CANDIDATES, CAMERA), ambient_response(maps)[None]])
    colours = np.zeros((len(alone), 3))
    for c in range(3):
        level = seen[..., c].ravel()
        told = photo[..., c].ravel() < 254
        weight = (level + 0.02) ** (1 / GAMMA - 1) * (told if told.any() else 1)
        columns = alone[..., c].reshape(len(alone), -1)
        colours[:, c] = nnls((columns * weight).T.astype(np.float64), (level * weight).astype(np.float64))[0]
    return colours
