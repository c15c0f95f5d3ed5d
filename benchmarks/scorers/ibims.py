"""iBims-1: the depth scores, and its directed, boundary and planarity errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from visiongen.benchmarks.metrics import depth_align, ibims
from visiongen.benchmarks.scorers.base import Guess, Options, Scores
from visiongen.benchmarks.scorers.depth import DepthScorer

NAMES = ("DDE_0", "DDE_m", "DDE_p", "DBE_acc", "DBE_com", "PE_fla", "PE_ori")
GEOMETRY = ("none", "lsq_depth")


@dataclass(frozen=True)
class Plane:
    """mask: bool (H, W). normal: unit (3,), ``mask_*_paras[j, 4:7]`` (x right, y forward, z up)."""

    mask: np.ndarray
    normal: tuple[float, float, float]


@dataclass(frozen=True)
class IbimsTruth:
    """What one ``NAME.mat`` says.

    depth: float32 (H, W) metres, NaN where it is 0 or ``mask_invalid`` or ``mask_transp`` is. edges: bool
    (H, W). planes: one for every number of ``mask_wall``, ``mask_table`` and ``mask_floor``, small ones
    too. camera: (fx, fy, cx, cy) = calib[0, 0], calib[1, 1], calib[2, 0], calib[2, 1].
    """

    depth: np.ndarray
    edges: np.ndarray
    planes: tuple[Plane, ...]
    camera: tuple[float, float, float, float]

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.depth.shape[0], self.depth.shape[1]


class IbimsScorer(DepthScorer):
    """Every score of :class:`DepthScorer`, and those of metrics/ibims.py, in shares, pixels, cm and degrees.

    DDE and DBE are means over images, PE the mean over all planes of all images. They are of the depth as
    it is and, as ``NAME@ALIGNMENT``, of the aligned one; the protocol's ``geometry`` lists the alignments.
    """

    def __init__(self, protocol: dict[str, Any]) -> None:
        super().__init__(protocol)
        self.geometry = tuple(protocol.get("geometry", GEOMETRY))

    def stats(self, truth: IbimsTruth, answer: np.ndarray | None) -> dict[str, Any]:  # type: ignore[override]
        """{"depth": sums, "geometry": [[DDE (3) | None, DBE (2) | None, [PE (2) a plane]] an alignment]}."""
        depth, found = super().stats(truth.depth, answer), []  # it also checks the answer's shape
        for how in self.geometry:
            given = None if answer is None else self._aligned(truth.depth, answer, how)
            planes = [
                ibims.planarity_errors(truth.depth, given, p.mask, np.asarray(p.normal), truth.camera)
                for p in truth.planes
            ]
            directed = ibims.directed_errors(truth.depth, given)
            edges = ibims.boundary_errors(truth.edges, given)
            found.append([directed, edges, [plane for plane in planes if plane is not None]])
        return {"depth": depth, "geometry": found}

    def _aligned(self, truth: np.ndarray, answer: np.ndarray, how: str) -> np.ndarray:
        keep = self.rules.valid(truth)
        fit = depth_align.solve(answer[keep].astype(np.float64), truth[keep].astype(np.float64), how)
        return depth_align.apply(fit, np.asarray(answer, np.float64), self.rules.floor)

    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """The depth scorer's vector; for each alignment the seven sums and how many were summed."""
        parts = [super().vector(stats["depth"])]
        for directed, edges, planes in stats["geometry"]:
            pe = np.reshape(planes, (-1, 2)).sum(0)
            sums = [*(directed or (0.0,) * 3), *(edges or (0.0,) * 2), *pe]
            counts = [float(directed is not None)] * 3 + [float(edges is not None)] * 2
            parts.append(np.array([*sums, *counts, *[float(len(planes))] * 2]))
        return np.concatenate(parts)

    def scores(self, sums: np.ndarray) -> Scores:
        """See the class; NaN where nothing was measured."""
        wide = 2 * len(NAMES)
        start = sums.shape[-1] - wide * len(self.geometry)
        result = super().scores(sums[..., :start])
        for number, how in enumerate(self.geometry):
            part = sums[..., start + number * wide : start + (number + 1) * wide]
            count = np.where(part[..., len(NAMES) :] > 0, part[..., len(NAMES) :], np.nan)
            for position, name in enumerate(NAMES):
                label = name if how == "none" else f"{name}@{how}"
                result[label] = part[..., position] / count[..., position]
        return result

    def higher_is_better(self, score: str) -> bool:
        """True for delta1..3 and DDE_0."""
        return score.startswith("DDE_0") or super().higher_is_better(score)

    def shrink(self, truth: Any, size: tuple[int, int]) -> Any:
        """The depth at the painted size; nothing else is painted."""
        filled: np.ndarray = super().shrink(truth.depth, size)
        return filled

    def labels(self, truth: IbimsTruth | np.ndarray, options: Options) -> np.ndarray:
        """The depth."""
        return truth.depth if isinstance(truth, IbimsTruth) else truth

    def oracle(self, truth: IbimsTruth, options: Options) -> np.ndarray:
        """The depth; what is not valid is missing."""
        return truth.depth

    def prior(self, truths: Sequence[IbimsTruth]) -> Guess:  # type: ignore[override]
        """Median ln depth of each row."""
        return super().prior([truth.depth for truth in truths])
