"""Timing two ways of doing one thing fairly."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Pair:
    """Seconds of both sides, round by round; a round times both on the same input."""

    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)

    def ratio(self) -> float:
        """Median of peer / ours over the rounds: how many times less time ours takes."""
        return statistics.median(self.ratios())

    def ratios(self) -> list[float]:
        """peer / ours of each round."""
        return [p / o for o, p in zip(self.ours, self.peer, strict=True)]

    def row(self, name: str, equal: bool, **more: Any) -> dict[str, Any]:
        """One row of the report. ``ours`` and ``peer`` are median seconds, spreads are [min, max]."""
        ratios = self.ratios()
        return {
            "name": name,
            "ratio": round(self.ratio(), 3),
            "ratio_spread": [round(min(ratios), 3), round(max(ratios), 3)],
            "ours": statistics.median(self.ours),
            "ours_spread": [min(self.ours), max(self.ours)],
            "peer": statistics.median(self.peer),
            "peer_spread": [min(self.peer), max(self.peer)],
            "rounds": len(ratios),
            "equal": equal,
            **more,
        }


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of wall time, and what ``work`` returned."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def alternate(
    ours: Callable[[Any], Any],
    peer: Callable[[Any], Any],
    inputs: Sequence[Any],
    rounds: int,
    same: Callable[[Any, Any], bool],
) -> tuple[Pair, bool, list[Any]]:
    """Time ``ours`` and ``peer`` in turn, ``rounds`` times over ``inputs``.

    One untimed turn of each comes first. Every round's outputs are compared by ``same``. Returns
    the seconds, whether all outputs were the same, and ours' outputs of the last round.
    """
    ours(inputs[0])
    peer(inputs[0])
    pair, equal = Pair(), True
    last: list[Any] = []
    for _ in range(rounds):
        last = []
        for item in inputs:
            seconds, got = timed(lambda item=item: ours(item))  # type: ignore[misc]
            pair.ours.append(seconds)
            seconds, reference = timed(lambda item=item: peer(item))  # type: ignore[misc]
            pair.peer.append(seconds)
            equal = equal and same(got, reference)
            last.append(got)
    return pair, equal, last
