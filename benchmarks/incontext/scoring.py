"""IoU of in-context episodes, as few-shot segmentation counts it; arrays in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from visiongen.benchmarks.metrics import fewshot
from visiongen.benchmarks.metrics.bootstrap import (
    draws,
    paired_difference,
    percentile_interval,
    resample,
    rounded,
)
from visiongen.benchmarks.metrics.semantic import class_iou, confusion

_CELLS = 6  # a confusion matrix of two classes and "no answer"


def statistics(
    truths: Sequence[np.ndarray], answers: Sequence[np.ndarray], rules: Sequence[str]
) -> np.ndarray:
    """One row an episode, float64 (n, R * 6): its confusion matrix in the place of its rule.

    Truths and answers are uint8 (H, W), 0 = what the rule means, 1 = the rest.
    """
    names = list(dict.fromkeys(rules))
    rows = np.zeros((len(truths), len(names), _CELLS))
    for row, truth, answer, rule in zip(rows, truths, answers, rules, strict=True):
        row[names.index(rule)] = confusion(truth, answer, 2).ravel()
    return rows.reshape(len(truths), -1)


def scores(sums: np.ndarray) -> dict[str, np.ndarray]:
    """From summed rows (..., R * 6): ``mIoU`` (mean over rules of the foreground IoU) and ``FB_IoU``.

    A rule without an episode (in a resample) is left out of the mean.
    """
    matrices = np.asarray(sums).reshape(*np.shape(sums)[:-1], -1, 2, 3)
    return fewshot.scores(matrices, meant=0)


def row(rows: np.ndarray, rules: Sequence[str]) -> dict[str, Any]:
    """Scores with 95 % intervals over episodes, and the foreground IoU of every rule."""
    counts = draws(len(rows))
    spread = resample(rows, scores, counts)
    found: dict[str, Any] = {}
    for name, value in scores(rows.sum(0)).items():
        found[name] = rounded(float(value), *percentile_interval(spread[name]))
    names = list(dict.fromkeys(rules))
    per_rule = class_iou(rows.sum(0).reshape(len(names), 2, 3))[:, 0]
    found["rules"] = {
        name: round(float(v), 4) for name, v in zip(names, np.nan_to_num(per_rule), strict=True)
    }
    return found


def difference(a: np.ndarray, b: np.ndarray) -> dict[str, Any]:
    """mIoU of rows ``b`` minus that of rows ``a``, over the same episodes: value, interval, verdict."""
    counts = draws(len(a))
    value = float(scores(b.sum(0))["mIoU"] - scores(a.sum(0))["mIoU"])
    spread = [resample(part, scores, counts)["mIoU"] for part in (a, b)]
    found = paired_difference(spread[0], spread[1], value, higher_is_better=True, units=len(a))
    return rounded(value, found.low, found.high) | {"verdict": found.verdict}
