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
    responses,
    ring,
)

#: What the photo's light is put together from: a flash at the camera, eight far lamps, a surrounding.
CANDIDATES = (Light((0.0, 0.0, DISTANCE)), *(replace(light, distant=True) for light in ring(8, 45.0)))
_PIXELS = 20_000


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

    Residuals are weighted as the gamma encoding does; pixels at 254 and more (burnt out) are left out.
    """
    from scipy.optimize import nnls

    if photo.shape != (*maps.size, 3):
        raise InputError(f"photo: {photo.shape} is not (H, W, 3) of the maps' size {maps.size}; resize it")
    seen = decode_srgb(photo.astype(np.float32) / 255)
    alone = np.concatenate([responses(maps, CANDIDATES, CAMERA), ambient_response(maps)[None]])
    step = max(1, seen.shape[0] * seen.shape[1] // _PIXELS)
    colours = np.zeros((len(alone), 3))
    for c in range(3):
        level = seen[..., c].ravel()[::step]
        weight = (level + 0.02) ** (1 / GAMMA - 1) * (photo[..., c].ravel()[::step] < 254)
        columns = alone[..., c].reshape(len(alone), -1)[:, ::step]
        colours[:, c] = nnls((columns * weight).T.astype(np.float64), (level * weight).astype(np.float64))[0]
    picture = encode_srgb(np.einsum("lhwc,lc->hwc", alone, colours.astype(np.float32)))
    rmse = float(np.sqrt(np.mean((picture - photo.astype(np.float32) / 255) ** 2, dtype=np.float64)))
    triples = [(float(r), float(g), float(b)) for r, g, b in colours]
    used = zip(CANDIDATES, triples[:-1], strict=True)
    lights = tuple(replace(light, colour=colour) for light, colour in used if any(colour))
    return Rerender((picture * 255 + 0.5).astype(np.uint8), rmse, lights, triples[-1])
