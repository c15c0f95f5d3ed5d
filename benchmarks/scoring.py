"""The scorer of a protocol, and the check that its statistics can be stored and summed."""

from __future__ import annotations

from typing import Any

import numpy as np

from visiongen.benchmarks.scorers import SCORERS, scorer_for
from visiongen.benchmarks.scorers.base import Scorer, Scores
from visiongen.errors import InputError

__all__ = ["SCORERS", "Scorer", "Scores", "check_finite_json", "scorer_for"]


def check_finite_json(stats: dict[str, Any]) -> None:
    """Refuse statistics with NaN or infinity: they would poison every later sum."""
    for value in stats.values():
        if isinstance(value, (list, tuple, dict, float)) and not _finite(value):
            raise InputError("statistics hold NaN or infinity; this is a bug in the metric")


def _finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_finite(part) for part in value.values())
    if isinstance(value, (list, tuple)):
        return all(_finite(part) for part in value)
    if value is None or isinstance(value, str):
        return True
    return bool(np.isfinite(value))
