"""The scorer of a protocol, and the check that its statistics can be stored and summed."""

from __future__ import annotations

import json
from typing import Any

from visiongen.benchmarks.scorers import SCORERS, scorer_for
from visiongen.benchmarks.scorers.base import Scorer, Scores
from visiongen.errors import InputError

__all__ = ["SCORERS", "Scorer", "Scores", "check_finite_json", "scorer_for"]


def check_finite_json(stats: dict[str, Any]) -> None:
    """Refuse statistics that are no JSON, NaN and infinity among them: they would poison every later sum."""
    try:
        json.dumps(stats, allow_nan=False)
    except ValueError as error:
        raise InputError("statistics hold NaN or infinity; this is a bug in the metric") from error
    except TypeError as error:
        raise InputError(f"statistics cannot be stored ({error}); this is a bug in the metric") from error
