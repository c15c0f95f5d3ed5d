"""Surface normals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from visiongen.benchmarks import priors
from visiongen.benchmarks.metrics import normals
from visiongen.benchmarks.scorers.base import Guess, Scorer, Scores
from visiongen.resize import nearest_fill, resize_nearest


class NormalsScorer(Scorer):
    """Angular errors, pooled (``mean``) and per image (``mean/per_image``)."""

    names = ("mean", "rmse", *(f"<{t:g}" for t in normals.THRESHOLDS), "median")

    def stats(self, truth: np.ndarray, answer: np.ndarray | None) -> dict[str, Any]:
        """Sums, median and histogram of metrics/normals.py."""
        return normals.image_stats(truth, answer)

    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """Sums, the image's own scores, 1 if any pixel is valid, then the histogram."""
        sums = np.asarray(stats["sums"], np.float64)
        own = dict(normals.from_sums(sums)) | {"median": np.float64(stats["median"] or 0.0)}
        values = [float(np.nan_to_num(own[name])) for name in self.names]
        dense = normals.dense_histogram(stats["histogram"])
        return np.concatenate([sums, values, [float(sums[0] > 0)], dense])

    def scores(self, sums: np.ndarray) -> Scores:
        """See the class. The pooled median is right to 0.1 degree."""
        wide, own = len(normals.SUMS), len(self.names)
        result = normals.from_sums(sums[..., :wide])
        result["median"] = normals.histogram_median(sums[..., wide + own + 1 :])
        images = np.where(sums[..., wide + own] > 0, sums[..., wide + own], np.nan)
        for position, name in enumerate(self.names):
            result[f"{name}/per_image"] = sums[..., wide + position] / images
        return result

    def shrink(self, truth: Any, size: tuple[int, int]) -> Any:
        """Nearest pixels, holes filled with the nearest known one: a painter has no holes."""
        holes = ~np.isfinite(truth).all(axis=2)
        return resize_nearest(nearest_fill(truth, holes)[0], size)

    def higher_is_better(self, score: str) -> bool:
        """True for the shares."""
        return score.startswith("<")

    def prior(self, truths: Sequence[np.ndarray]) -> Guess:
        """Mean unit normal of each row."""
        return priors.at_any_size(priors.rows(priors.one_size(truths))[:, None])
