"""Maps of numbers in [0, 1]: base colour; occlusion, roughness and metallic."""

from __future__ import annotations

from typing import Any

import numpy as np

from visiongen.benchmarks.metrics import maps
from visiongen.benchmarks.scorers.base import Options, Scorer, Scores


class MapsScorer(Scorer):
    """Float (H, W, C) with NaN where the truth means nothing; ``channels`` of the protocol name them."""

    def stats(self, truth: np.ndarray, answer: np.ndarray | None) -> dict[str, Any]:
        """Sums of metrics/maps.py."""
        return maps.image_stats(truth, answer)

    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """See metrics/maps.py."""
        return maps.vector(stats)

    def scores(self, sums: np.ndarray) -> Scores:
        """RMSE in all and by channel, MAE, PSNR."""
        return maps.scores(sums, self.protocol.get("channels", ()))

    def higher_is_better(self, score: str) -> bool:
        """True for PSNR alone."""
        return maps.higher_is_better(score)

    def labels(self, truth: np.ndarray, options: Options) -> np.ndarray:
        """Pixels that mean nothing are painted black."""
        return np.nan_to_num(truth, nan=0.0)
