"""The learning rate and the end of a run, in steps or in minutes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from visiongen.errors import UsageError


@dataclass(frozen=True)
class Schedule:
    """Linear warm-up over ``warmup`` steps, then a cosine down to ``floor`` of the peak.

    The run ends after ``steps`` steps or after ``minutes`` of training time, whichever is given
    (both: whichever comes first). In minutes, time spent before an interruption counts.
    """

    steps: int | None = None
    minutes: float | None = None
    warmup: int = 100
    floor: float = 0.01

    def __post_init__(self) -> None:
        if self.steps is None and self.minutes is None:
            raise UsageError("schedule: neither steps nor minutes given; set one of them")
        for name, value in (("steps", self.steps), ("minutes", self.minutes)):
            if value is not None and not value > 0:
                raise UsageError(f"schedule: {name} = {value}; give a number above 0")

    def progress(self, step: int, seconds: float) -> float:
        """Share of the run that is done, 0 to 1."""
        done = 0.0
        if self.steps is not None:
            done = step / self.steps
        if self.minutes is not None:
            done = max(done, seconds / (60 * self.minutes))
        return min(1.0, done)

    def factor(self, step: int, seconds: float) -> float:
        """The learning rate of ``step`` (from 0) against its peak."""
        cosine = 0.5 * (1 + math.cos(math.pi * self.progress(step, seconds)))
        warm = min(1.0, (step + 1) / self.warmup) if self.warmup > 0 else 1.0
        return warm * (self.floor + (1 - self.floor) * cosine)

    def finished(self, step: int, seconds: float, step_seconds: float = 0.0) -> bool:
        """True when no whole further step fits."""
        if self.steps is not None and step >= self.steps:
            return True
        return self.minutes is not None and seconds + step_seconds / 2 >= 60 * self.minutes
