"""Depth of a wall that a scene is painted on, beside the depth scores of the whole photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from visiongen.benchmarks.metrics import wall
from visiongen.benchmarks.scorers.base import Guess, Options, Scores
from visiongen.benchmarks.scorers.depth import DepthScorer
from visiongen.resize import resize_nearest

HOW = ("none", "lsq_outside")  # as it is; under the one line that fits everything but the wall


@dataclass(frozen=True)
class WallTruth:
    """What is true of one photo with a wall.

    depth: float32 (H, W), planar depth in metres, +inf = sky, NaN = unknown; on the wall that of the wall,
    whatever is painted on it. wall: bool (H, W), the wall's visible pixels, at least three. normal: (3,), the
    wall's unit normal towards the camera in OpenGL axes (x right, y up, z to the camera). camera: (fx, fy,
    cx, cy) in pixels, the centre of the first pixel at (0.5, 0.5). painted: False for the paired control,
    the same scene with the wall left blank; give both photos of a pair one ``Item.cluster``.
    """

    depth: np.ndarray
    wall: np.ndarray
    normal: tuple[float, float, float]
    camera: tuple[float, float, float, float]
    painted: bool = True

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.depth.shape[0], self.depth.shape[1]


class PaintedWallScorer(DepthScorer):
    """The names of metrics/wall.py over painted walls, ``NAME/blank`` over the controls, their difference.

    ``NAME`` is of the depth as it is, ``NAME@lsq_outside`` after one least-squares line through everything
    but the wall. Also every score of :class:`DepthScorer` over the whole photos, painted and blank.
    """

    def stats(self, truth: WallTruth, answer: np.ndarray | None) -> dict[str, Any]:  # type: ignore[override]
        """{"depth": sums of the depth scores, "wall": [measures a ``HOW``], "painted": 0 or 1}."""
        depth = super().stats(truth.depth, answer)  # it also checks the answer's shape
        found, ends = [], self.rules.ends(truth.depth[truth.wall & np.isfinite(truth.depth)])
        for how in HOW:
            given = answer
            if answer is not None and how == "lsq_outside":
                given = wall.aligned_outside(answer, truth.depth, truth.wall, self.limits)
            normal = np.asarray(truth.normal, np.float64)
            measures = wall.depth_measures(given, truth.depth, truth.wall, truth.camera, normal, ends)
            found.append([measures[name] for name in wall.NAMES])
        return {"depth": depth, "wall": found, "painted": float(truth.painted)}

    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """The depth scorer's vector, then for painted and for blank walls: measures and 1."""
        own = np.concatenate([np.ravel(stats["wall"]), [1.0]])
        none = np.zeros_like(own)
        pair = (own, none) if stats["painted"] else (none, own)
        return np.concatenate([super().vector(stats["depth"]), *pair])

    def scores(self, sums: np.ndarray) -> Scores:
        """See the class; NaN where there is no photo of the kind."""
        wide = len(HOW) * len(wall.NAMES) + 1
        result = super().scores(sums[..., : -2 * wide])
        painted, blank = (_means(part) for part in (sums[..., -2 * wide : -wide], sums[..., -wide:]))
        for number, how in enumerate(HOW):
            for position, name in enumerate(wall.NAMES):
                at = number * len(wall.NAMES) + position
                label = name if how == "none" else f"{name}@{how}"
                result[label] = painted[..., at]
                result[f"{label}/blank"] = blank[..., at]
                result[f"{label}/difference"] = painted[..., at] - blank[..., at]
        return result

    def higher_is_better(self, score: str) -> bool:
        """True for delta1..3 and recall."""
        return score.startswith("recall") or super().higher_is_better(score)

    def shrink(self, truth: WallTruth, size: tuple[int, int]) -> WallTruth:  # type: ignore[override]
        """Everything at the painted size."""
        down, along = size[0] / truth.shape[0], size[1] / truth.shape[1]
        fx, fy, cx, cy = truth.camera
        return WallTruth(
            super().shrink(truth.depth, size),
            resize_nearest(truth.wall, size),
            truth.normal,
            (fx * along, fy * down, cx * along, cy * down),
            truth.painted,
        )

    def labels(self, truth: WallTruth, options: Options) -> np.ndarray:  # type: ignore[override]
        """The depth."""
        return truth.depth

    def oracle(self, truth: WallTruth, options: Options) -> np.ndarray:
        """The depth."""
        return truth.depth

    def prior(self, truths: Sequence[WallTruth]) -> Guess:  # type: ignore[override]
        """Median ln depth of each row."""
        return super().prior([truth.depth for truth in truths])


def _means(part: np.ndarray) -> np.ndarray:
    count = part[..., -1:]
    return np.asarray(part[..., :-1] / np.where(count > 0, count, np.nan))
