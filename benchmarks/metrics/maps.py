"""Maps of numbers in [0, 1] (base colour, roughness ...): RMSE, MAE and PSNR, in all and by channel.

Truth (H, W, C) with NaN where it means nothing. A prediction is clipped to [0, 1]; a missing one, and a
number that is not finite, counts as the end of the range that is farther from the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from visiongen.benchmarks.metrics.image_quality import HIGHEST_PSNR
from visiongen.benchmarks.metrics.shares import as_shares
from visiongen.errors import InputError


def image_stats(truth: np.ndarray, prediction: np.ndarray | None) -> dict[str, Any]:
    """{"n": pixels, "sq": [sum of squared errors a channel], "abs": [...]}; InputError: shapes, levels."""
    truth = as_shares("maps: truth", truth)
    size = truth.shape if prediction is None else np.shape(prediction)
    if truth.ndim != 3 or size != truth.shape:
        raise InputError(f"maps: prediction {size}, truth {truth.shape}; give one shape (H, W, C)")
    seen = np.isfinite(truth).all(axis=2)
    wanted = truth[seen]
    worst = np.where(wanted < 0.5, 1.0, 0.0)
    given = worst if prediction is None else as_shares("maps: prediction", prediction)[seen]
    given = np.where(np.isfinite(given), np.clip(given, 0, 1), worst)
    error = given - wanted
    return {"n": int(seen.sum()), "sq": (error**2).sum(0).tolist(), "abs": abs(error).sum(0).tolist()}


def vector(stats: dict[str, Any]) -> np.ndarray:
    """Pixels, squared and absolute sums by channel, then 1, the image's own RMSE and its PSNR."""
    count = max(1, stats["n"]) * len(stats["sq"])
    mse = sum(stats["sq"]) / count
    psnr = HIGHEST_PSNR if mse <= 10 ** (-HIGHEST_PSNR / 10) else -10 * np.log10(mse)
    own = [1.0, np.sqrt(mse), psnr] if stats["n"] else [0.0, 0.0, 0.0]
    return np.array([stats["n"], *stats["sq"], *stats["abs"], *own])


def scores(sums: np.ndarray, channels: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Pooled RMSE and MAE, PSNR (dB, mean over images), RMSE/per_image; RMSE_NAME for named channels."""
    sums = np.asarray(sums, np.float64)
    wide = (sums.shape[-1] - 4) // 2
    pixels = np.where(sums[..., 0] > 0, sums[..., 0], np.nan)
    images = np.where(sums[..., -3] > 0, sums[..., -3], np.nan)
    squares, errors = sums[..., 1 : 1 + wide], sums[..., 1 + wide : 1 + 2 * wide]
    result = {
        "RMSE": np.sqrt(squares.sum(-1) / wide / pixels),
        "MAE": errors.sum(-1) / wide / pixels,
        "PSNR": sums[..., -1] / images,
        "RMSE/per_image": sums[..., -2] / images,
    }
    return result | {f"RMSE_{c}": np.sqrt(squares[..., i] / pixels) for i, c in enumerate(channels)}


def higher_is_better(score: str) -> bool:
    """True for PSNR alone."""
    return score == "PSNR"


class MapsMetric:
    """Accumulator over maps of ``wide`` channels, ``channels`` by name: one vector of sums."""

    def __init__(self, wide: int, channels: Sequence[str] = ()) -> None:
        self.channels = tuple(channels)
        self.sums = np.zeros(4 + 2 * wide)

    def update(self, truth: np.ndarray, prediction: np.ndarray | None) -> None:
        """Add one image; None is the worst case."""
        self.sums += vector(image_stats(truth, prediction))

    def merge(self, other: MapsMetric) -> None:
        """Add the images of another accumulator; InputError where its channels differ."""
        if other.channels != self.channels or other.sums.shape != self.sums.shape:
            raise InputError(f"maps: cannot merge channels {other.channels} into {self.channels}")
        self.sums += other.sums

    def compute(self) -> dict[str, float]:
        """The scores of all images."""
        return {name: float(value) for name, value in scores(self.sums, self.channels).items()}
