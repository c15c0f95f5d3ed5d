"""Sets of material maps: RMSE of each map, angle of the normals, and the error of the relit pictures.

A set is float (H, W, 9): base colour sRGB (3), occlusion, roughness and metallic (3, linear), tangent
normal (3, OpenGL); NaN in the truth = unknown. Fractions are clipped to [0, 1]. ``None`` and a prediction
that is not finite count as the end of the range that is farther off, normals as 180 degrees.

The error of the base colour has two parts, base_rmse^2 = base_bias^2 + base_ubrmse^2 for each image: how far
off the mean of each channel is (the level), and what is left without it (the pattern); the bias and unbiased
RMSE of Entekhabi et al. 2010, doi:10.1175/2010JHM1223.1. Where a pixel is lost, the level counts as the end
of the range that is farther off, and no part of the RMSE is forgiven to the pattern.

The relighting error is the RMSE of both sets rendered by visiongen.relight under nine point lights (a flash
at the camera, eight on a ring 45 degrees off, 2.14 patch widths from the centre; GGX metallic-roughness as
in glTF), clamped to [0, 1], gamma 2.2, over the pixels whose base colour, roughness and normal are known. A
truth without metallic is a dielectric.

Plain names are means over images, NAME/pooled is over all pixels of all images.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from visiongen.benchmarks.metrics.normals import SHORT, angular_error
from visiongen.benchmarks.metrics.shares import as_shares
from visiongen.errors import InputError
from visiongen.relight import CAMERA, NINE_LIGHTS, SurfaceMaps, decode_srgb, encode_srgb, responses

CHANNELS = 9
SCORES = (
    "base_rmse",  # sRGB fractions
    "base_rmse_linear",  # the same to the power 2.2
    "occlusion_rmse",
    "roughness_rmse",
    "metallic_rmse",
    "normal_mean",  # degrees
    "relit_rmse",
    "base_bias",  # RMS over channels of an image's mean error, sRGB
    "base_ubrmse",
)
"""All lower is better."""


def image_stats(truth: np.ndarray, prediction: np.ndarray | None) -> dict[str, Any]:
    """{"sums": [[values that were compared, sum of squared errors or degrees], ...]} as in ``SCORES``.

    InputError: shapes, levels 0 to 255 instead of fractions.
    """
    truth = as_shares("maps: truth", truth).astype(np.float32)
    shape = truth.shape if prediction is None else np.shape(prediction)
    if truth.ndim != 3 or truth.shape[2] != CHANNELS or shape != truth.shape:
        raise InputError(f"maps: prediction {shape}, truth {truth.shape}; give one shape (H, W, {CHANNELS})")
    given = np.full_like(truth, np.nan)
    if prediction is not None:
        given = as_shares("maps: prediction", prediction).astype(np.float32)
    known: np.ndarray = np.isfinite(truth)
    lost: np.ndarray = ~np.isfinite(given)
    wanted = np.clip(truth[..., :6], 0, 1)
    said = np.where(lost[..., :6], _farthest(wanted), np.clip(given[..., :6], 0, 1))
    seen = [known[..., :3].all(axis=2), *np.moveaxis(known[..., 3:6], 2, 0)]
    sums = [_square(said[..., :3], wanted[..., :3], seen[0])]
    sums.append(_square(decode_srgb(said[..., :3]), decode_srgb(wanted[..., :3]), seen[0]))
    sums += [_square(said[..., 3 + i], wanted[..., 3 + i], seen[1 + i]) for i in range(3)]
    angle = angular_error(truth[..., 6:], given[..., 6:])
    sums.append([float(angle.size), float(angle.sum())])
    shaped = known[..., 6:].all(axis=2)
    shown = pictures(said, given[..., 6:])
    target = pictures(np.nan_to_num(wanted, nan=0), truth[..., 6:])
    gone = np.any(lost[..., [0, 1, 2, 4, 5, 6, 7, 8]], axis=2, keepdims=True)[None]
    shown = np.where(gone, _farthest(target), shown)
    lit = seen[0] & seen[2] & shaped
    sums.append(_square(shown[:, lit], target[:, lit], slice(None)))
    sums += _level_and_pattern(said[seen[0], :3], wanted[seen[0], :3], bool(lost[seen[0], :3].any()))
    return {"sums": sums}


def _level_and_pattern(said: np.ndarray, wanted: np.ndarray, lost: bool) -> list[list[float]]:
    """The two parts of the squared error of colours (N, 3), each as values and their sum."""
    if not said.size:
        return [[0.0, 0.0], [0.0, 0.0]]
    error = said.astype(np.float64) - wanted
    if lost:  # the two ends of the range would cancel, and no answer have no bias
        mean = wanted.mean(axis=0, dtype=np.float64)
        level, rest = np.maximum(mean, 1 - mean), error
    else:
        level = error.mean(axis=0)
        rest = error - level
    return [[3.0, float((level**2).sum())], [float(rest.size), float((rest**2).sum())]]


def _farthest(fractions: np.ndarray) -> np.ndarray:
    """The end of [0, 1] that is farther off, float32."""
    return np.where(fractions < 0.5, np.float32(1), np.float32(0))


def _square(one: np.ndarray, two: np.ndarray, seen: np.ndarray | slice) -> list[float]:
    """How many values are compared, and the sum of their squared differences."""
    error = one[seen].astype(np.float64) - two[seen]
    return [float(error.size), float((error**2).sum())]


def pictures(fractions: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Float32 (9, H, W, 3) as pictures store them: fractions (H, W, 6) and normals (H, W, 3), one a light.

    Normals may have any length; NaN and zero face the viewer.
    """
    normal = np.nan_to_num(np.asarray(normal, np.float32), nan=0, posinf=0, neginf=0)
    length = np.linalg.norm(normal, axis=2, keepdims=True)
    unit = np.where(length > SHORT, normal / np.maximum(length, SHORT), np.array([0, 0, 1], np.float32))
    occlusion, rough, metal = (np.ascontiguousarray(fractions[..., 3 + i]) for i in range(3))
    maps = SurfaceMaps(fractions[..., :3], unit.astype(np.float32), rough, metal, occlusion)
    return encode_srgb(responses(maps, NINE_LIGHTS, CAMERA))


def vector(stats: dict[str, Any]) -> np.ndarray:
    """For each of ``SCORES``: values and their sum, then 1 and the image's own score, or zeros."""
    row = []
    for name, (count, total) in zip(SCORES, stats["sums"], strict=True):
        row += [count, total, *((1.0, _finish(name, total / count)) if count else (0.0, 0.0))]
    return np.array(row, np.float64)


def _finish(name: str, mean: Any) -> Any:
    return mean if name == "normal_mean" else np.sqrt(mean)


def scores(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Means over images of each of ``SCORES``, and NAME/pooled; (...) of sums (..., 36), NaN without any."""
    table = np.asarray(sums, np.float64).reshape(*np.shape(sums)[:-1], len(SCORES), 4)
    table = np.where(table[..., [0, 0, 2, 2]] > 0, table, np.nan)
    result = {}
    for place, name in enumerate(SCORES):
        values, total, images, own = np.moveaxis(table[..., place, :], -1, 0)
        result[name] = own / images
        result[f"{name}/pooled"] = _finish(name, total / values)
    return result


HIGHER_IS_BETTER = dict.fromkeys(SCORES, False)


class SvbrdfMetric:
    """Accumulator: one vector of sums."""

    def __init__(self) -> None:
        self.sums = np.zeros(4 * len(SCORES))

    def update(self, truth: np.ndarray, prediction: np.ndarray | None) -> None:
        """Add one set; None is the worst case."""
        self.sums += vector(image_stats(truth, prediction))

    def merge(self, other: SvbrdfMetric) -> None:
        """Add the sets of another accumulator."""
        self.sums += other.sums

    def compute(self) -> dict[str, float]:
        """The scores of all sets."""
        return {name: float(value) for name, value in scores(self.sums).items()}
