"""Timing two ways of doing one thing fairly."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Pair:
    """Seconds of both sides, turn by turn; a turn times both on the same one of ``inputs`` inputs.

    The turns go through all inputs once a round: turn n is about input n % inputs.
    """

    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)
    inputs: int = 1

    def ratio(self) -> float:
        """peer / ours of what :meth:`seconds` says of both: how many times less time ours takes."""
        return self.seconds(self.peer) / self.seconds(self.ours)

    def ratios(self) -> list[float]:
        """peer / ours of each turn."""
        return [p / o for o, p in zip(self.ours, self.peer, strict=True)]

    def seconds(self, side: Sequence[float]) -> float:
        """Seconds an input: the median over the rounds of each input, then the mean over the inputs.

        A median over inputs would be one photo on one side and another on the other side.
        """
        return statistics.fmean(statistics.median(side[n :: self.inputs]) for n in range(self.inputs))

    def row(self, name: str, equal: bool, **more: Any) -> dict[str, Any]:
        """One row of the report: ``ratio`` is ``peer`` / ``ours``, both seconds an input.

        Spreads are [min, max] of single turns.
        """
        ratios = self.ratios()
        return {
            "name": name,
            "ratio": round(self.ratio(), 3),
            "ratio_spread": [round(min(ratios), 3), round(max(ratios), 3)],
            "ours": self.seconds(self.ours),
            "ours_spread": [min(self.ours), max(self.ours)],
            "peer": self.seconds(self.peer),
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
    pair, equal = Pair(inputs=len(inputs)), True
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
