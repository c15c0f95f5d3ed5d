"""From truth and prediction to per-image statistics (JSON), and from those to scores.

Every statistic adds up over images, so that any resample of the images is scored by a sum.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from visiongen.benchmarks.metrics import depth, normals, semantic
from visiongen.errors import InputError, UsageError

Scores = dict[str, np.ndarray]


class Scorer(ABC):
    """Statistics and scores of one task."""

    @abstractmethod
    def stats(self, truth: np.ndarray, prediction: np.ndarray | None) -> dict[str, Any]:
        """Statistics of one image, JSON-able; ``None`` = no answer, the worst case."""

    @abstractmethod
    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """The statistics as float64 (d,), additive over images."""

    @abstractmethod
    def scores(self, sums: np.ndarray) -> Scores:
        """Scores (...) of sums (..., d)."""

    @abstractmethod
    def higher_is_better(self, score: str) -> bool:
        """Direction of a score."""

    def stack(self, records: Sequence[dict[str, Any]]) -> np.ndarray:
        """Vectors (n, d) of per-image statistics."""
        return np.stack([self.vector(record) for record in records])


class SemanticScorer(Scorer):
    """Confusion counts; see metrics/semantic.py. Also one ``IoU/CLASS`` a class."""

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)

    def stats(self, truth: np.ndarray, prediction: np.ndarray | None) -> dict[str, Any]:
        """{"confusion": [[row, column, count], ...]} without zeros."""
        count = len(self.classes)
        if prediction is None:
            matrix = semantic.worst_confusion(truth, count)
        else:
            matrix = semantic.confusion(truth, prediction, count)
        used = np.argwhere(matrix)
        return {"confusion": [[int(r), int(c), int(matrix[r, c])] for r, c in used]}

    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """The matrix, flattened."""
        count = len(self.classes)
        matrix = np.zeros((count, count + 1))
        for row, column, value in stats["confusion"]:
            matrix[row, column] = value
        return matrix.ravel()

    def scores(self, sums: np.ndarray) -> Scores:
        """mIoU in three conventions, accuracies, IoU per class (NaN for an absent class)."""
        count = len(self.classes)
        matrix = np.reshape(sums, (*np.shape(sums)[:-1], count, count + 1))
        result = semantic.scores(matrix)
        iou = semantic.class_iou(matrix)
        for position, name in enumerate(self.classes):
            result[f"IoU/{name}"] = iou[..., position]
        return result

    def higher_is_better(self, score: str) -> bool:
        """Always."""
        return True


class DepthScorer(Scorer):
    """Every alignment, per image (``AbsRel``, ``AbsRel@median``) and ``.../pooled``."""

    def __init__(self, limits: tuple[float, float]) -> None:
        self.limits = limits

    def stats(self, truth: np.ndarray, prediction: np.ndarray | None) -> dict[str, Any]:
        """Sums of metrics/depth.py for each alignment."""
        return depth.image_sums(truth, prediction, self.limits)

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


class NormalsScorer(Scorer):
    """Angular errors, pooled (``mean``) and per image (``mean/per_image``)."""

    names = ("mean", "rmse", *(f"<{t:g}" for t in normals.THRESHOLDS), "median")

    def stats(self, truth: np.ndarray, prediction: np.ndarray | None) -> dict[str, Any]:
        """Sums, median and histogram of metrics/normals.py."""
        return normals.image_stats(truth, prediction)

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

    def higher_is_better(self, score: str) -> bool:
        """True for the shares."""
        return score.startswith("<")


def scorer_for(protocol: dict[str, Any]) -> Scorer:
    """The scorer of a protocol's task."""
    if protocol["task"] == "semantic":
        return SemanticScorer(protocol["classes"])
    if protocol["task"] == "depth":
        return DepthScorer((protocol["min_depth"], protocol["max_depth"]))
    if protocol["task"] == "normals":
        return NormalsScorer()
    raise UsageError(f"protocol {protocol['name']!r}: task {protocol['task']!r} has no metrics")


def check_finite_json(stats: dict[str, Any]) -> None:
    """Refuse statistics with NaN or infinity: they would poison every later sum."""
    for value in stats.values():
        if isinstance(value, (list, float)) and not np.isfinite(np.asarray(value, float)).all():
            raise InputError("statistics hold NaN or infinity; this is a bug in the metric")
