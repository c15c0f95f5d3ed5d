"""Metric depth under every alignment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from visiongen.benchmarks import priors
from visiongen.benchmarks.metrics import depth
from visiongen.benchmarks.scorers.base import Guess, Scorer, Scores


class DepthScorer(Scorer):
    """Every alignment, per image (``AbsRel``, ``AbsRel@median``) and ``.../pooled``."""

    def __init__(self, protocol: dict[str, Any]) -> None:
        super().__init__(protocol)
        self.limits = (protocol["min_depth"], protocol["max_depth"])

    def stats(self, truth: np.ndarray, answer: np.ndarray | None) -> dict[str, Any]:
        """Sums of metrics/depth.py for each alignment."""
        return depth.image_sums(truth, answer, self.limits)

    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """Per alignment: sums, then the image's own scores; last, 1 if any pixel is valid."""
        parts, seen = [], 0.0
        for how in depth.ALIGNMENTS:
            sums = np.asarray(stats[how], np.float64)
            seen = float(sums[0] > 0)
            own = depth.from_sums(sums)
            parts += [sums, [float(np.nan_to_num(own[name])) for name in depth.HIGHER_IS_BETTER]]
        return np.concatenate([*parts, [seen]])

    def scores(self, sums: np.ndarray) -> Scores:
        """See the class; ``inverted@FIT`` is the share of images whose fitted scale is negative."""
        result: Scores = {}
        images = np.where(sums[..., -1] > 0, sums[..., -1], np.nan)
        wide = len(depth.SUMS) + len(depth.HIGHER_IS_BETTER)
        inverted = depth.SUMS.index("inverted")
        for position, how in enumerate(depth.ALIGNMENTS):
            part = sums[..., position * wide : (position + 1) * wide]
            suffix = "" if how == "none" else f"@{how}"
            for number, name in enumerate(depth.HIGHER_IS_BETTER):
                result[name + suffix] = part[..., len(depth.SUMS) + number] / images
            for name, value in depth.from_sums(part[..., : len(depth.SUMS)]).items():
                result[f"{name}{suffix}/pooled"] = value
            if how.startswith("lsq"):
                result[f"inverted@{how}"] = part[..., inverted] / images
        return result

    def higher_is_better(self, score: str) -> bool:
        """True for delta1..3."""
        return score.startswith("delta")

    def prior(self, truths: Sequence[np.ndarray]) -> Guess:
        """Median ln depth of each row."""
        return priors.at_any_size(priors.rows(np.stack(truths))[:, None])
