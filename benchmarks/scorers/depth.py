"""Metric depth under every alignment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from visiongen.benchmarks import priors
from visiongen.benchmarks.metrics import depth
from visiongen.benchmarks.scorers.base import Guess, Scorer, Scores
from visiongen.errors import UsageError
from visiongen.resize import nearest_fill, resize_nearest


class DepthScorer(Scorer):
    """Every alignment, per image (``AbsRel``, ``AbsRel@median``) and ``.../pooled``.

    Keys of the protocol, all optional: ``min_depth`` and ``max_depth`` in metres (0 and
    inf); ``scored`` "range" or "mask"; ``alignments``, a list; ``disparity_floor`` in 1/m;
    ``alignment_max_res`` in pixels. See metrics/depth.py ``Rules``.
    """

    def __init__(self, protocol: dict[str, Any]) -> None:
        super().__init__(protocol)
        self.rules = rules_of(protocol)
        self.limits = self.rules.limits

    def stats(self, truth: np.ndarray, answer: np.ndarray | None) -> dict[str, Any]:
        """Sums of metrics/depth.py for each alignment."""
        return depth.image_sums(truth, answer, self.rules)

    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """Per alignment: sums, then the image's own scores; last, 1 if any pixel is valid."""
        parts, seen = [], 0.0
        for how in self.rules.alignments:
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
        for position, how in enumerate(self.rules.alignments):
            part = sums[..., position * wide : (position + 1) * wide]
            suffix = "" if how == "none" else f"@{how}"
            for number, name in enumerate(depth.HIGHER_IS_BETTER):
                result[name + suffix] = part[..., len(depth.SUMS) + number] / images
            for name, value in depth.from_sums(part[..., : len(depth.SUMS)]).items():
                result[f"{name}{suffix}/pooled"] = value
            if how in depth.FITTED:
                result[f"inverted@{how}"] = part[..., inverted] / images
        return result

    def shrink(self, truth: Any, size: tuple[int, int]) -> Any:
        """Nearest pixels, holes filled with the nearest measured one: a painter has no holes."""
        depth = np.asarray(truth, np.float32)
        return resize_nearest(nearest_fill(depth, ~(depth > 0))[0], size)

    def higher_is_better(self, score: str) -> bool:
        """True for delta1..3."""
        return score.startswith("delta")

    def prior(self, truths: Sequence[np.ndarray]) -> Guess:
        """Median ln depth of each row."""
        return priors.at_any_size(priors.rows(priors.one_size(truths))[:, None])


def rules_of(protocol: dict[str, Any]) -> depth.Rules:
    """The rules that a protocol's keys spell out; UsageError for a value that none knows."""
    alignments = tuple(protocol.get("alignments", depth.ALIGNMENTS))
    scored = protocol.get("scored", "range")
    unknown = sorted(set(alignments) - set(depth.ALIGNMENTS))
    if unknown or not alignments:
        raise UsageError(
            f"protocol {protocol['name']!r}: alignments {list(alignments)}; choose from {depth.ALIGNMENTS}"
        )
    if scored not in ("range", "mask"):
        raise UsageError(f"protocol {protocol['name']!r}: scored = {scored!r}; choose range or mask")
    return depth.Rules(
        (float(protocol.get("min_depth", 0.0)), float(protocol.get("max_depth", np.inf))),
        alignments,
        scored,
        float(protocol.get("disparity_floor", depth.FLOOR)),
        protocol.get("alignment_max_res"),
    )
