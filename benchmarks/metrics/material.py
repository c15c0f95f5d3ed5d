"""PBR sets: RMSE of each map, mean angle of the normals, RMSE of the relit pictures."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from visiongen.benchmarks.metrics.normals import angular_error
from visiongen.errors import InputError
from visiongen.relight import SurfaceMaps, relit_rmse

SCORES = ("base_rmse", "normal_mean", "roughness_rmse", "metallic_rmse", "occlusion_rmse", "relit_rmse")
"""All lower is better; ``normal_mean`` in degrees, the others fractions."""


def rmse(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Over all pixels and channels; what is NaN counts as 1 off. InputError: shapes."""
    if np.shape(truth) != np.shape(prediction):
        raise InputError(f"maps: truth {np.shape(truth)}, prediction {np.shape(prediction)}; resize one")
    error = np.nan_to_num(np.asarray(prediction, np.float64) - truth, nan=1.0, posinf=1.0, neginf=1.0)
    return float(np.sqrt(np.mean(error**2)))


def set_scores(
    truth: SurfaceMaps, prediction: SurfaceMaps, present: Collection[str], certain: bool
) -> dict[str, float]:
    """Those of ``SCORES`` that this truth allows.

    ``present``: "metallic" and "ao" where the truth has these maps. ``certain``: its normals' convention
    is known, so that they, and pictures relit by them, may be scored.
    """
    found = {
        "base_rmse": rmse(truth.base_colour, prediction.base_colour),
        "roughness_rmse": rmse(truth.roughness, prediction.roughness),
    }
    if "metallic" in present:
        found["metallic_rmse"] = rmse(truth.metallic, prediction.metallic)
    if "ao" in present:
        found["occlusion_rmse"] = rmse(truth.occlusion, prediction.occlusion)
    if certain:
        found["normal_mean"] = float(angular_error(truth.normal, prediction.normal).mean())
        found["relit_rmse"] = relit_rmse(truth, prediction)
    return found
