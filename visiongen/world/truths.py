"""What words say of things: for each thing of a frame they hold, do not hold, or are open.

Open is what lies between: a hue between two names, two areas nearly alike, a lower edge out of sight.
"""

from __future__ import annotations

import numpy as np

from visiongen.world.things import COLOURS, Things

ANYTHING = "thing"
LARGER = 1.8  # times the area of the next one
CLEARLY = 1.25  # times the distance of the next one

Truth = np.ndarray
"""int8 (N,): 1 holds, 0 open, -1 does not hold, for each thing."""


def noun_truth(things: Things, name: str) -> Truth:
    """Of that class; "thing" is any."""
    return _truth(np.array([name in (ANYTHING, one) for one in things.names], bool))


def colour_truth(things: Things, colour: str) -> Truth:
    """Most of it has that colour; not if less than a quarter perhaps has it."""
    k = COLOURS.index(colour)
    return _open(things.sure[:, k] >= 0.6, things.maybe[:, k] < 0.25)


def size_truth(things: Things, large: bool, group: Truth) -> Truth:
    """The largest (or smallest) of ``group`` in the picture, by ``LARGER`` times the area of the next."""
    return _extreme(np.log(things.area) * (1 if large else -1), np.log(LARGER), group)


def side_truth(things: Things, side: str) -> Truth:
    """In the left or right part of the picture, or in its middle."""
    x, y = things.x, things.y
    if side == "middle":
        away = np.hypot(x - 0.5, y - 0.5)
        return _open(away < 0.14, away > 0.24)
    x = x if side == "left" else 1 - x
    return _open(x < 0.36, x > 0.5)


def outermost_truth(things: Things, left: bool, group: Truth) -> Truth:
    """The leftmost (or rightmost) of ``group``, by 6 % of the width."""
    return _extreme(-things.x if left else things.x, 0.06, group)


def distance_truth(things: Things, near: bool, group: Truth) -> Truth:
    """The nearest (or farthest) of ``group``, by ``CLEARLY`` times the distance of the next."""
    assert things.depth is not None
    return _extreme(np.log(things.depth[:, 1]) * (-1 if near else 1), np.log(CLEARLY), group)


def beside_truth(things: Things, reference: int, left: bool) -> Truth:
    """Left (or right) of another thing: centres 8 % of the width apart and boxes hardly overlapping."""
    offset = things.x - things.x[reference] if not left else things.x[reference] - things.x
    overlap = _overlap(things, reference)
    truth = _open((offset > 0.08) & (overlap < 0.25), offset < 0.0)
    truth[reference] = -1
    return truth


def depth_order_truth(things: Things, reference: int, behind: bool) -> Truth:
    """Behind (or in front of) another thing: overlapping it sideways, and all of it at another distance.

    Open where one rests on the other: what stands at a table's far end is not behind the table.
    """
    assert things.depth is not None and things.rests is not None
    low, middle, high = things.depth.T
    apart = low > 1.04 * high[reference] if behind else high < low[reference] / 1.04
    other = middle < middle[reference] if behind else middle > middle[reference]
    loose = (things.rests[:, reference] == 0) & (things.rests[reference] == 0)
    truth = _open(apart & loose & (_overlap(things, reference) >= 0.5), other & loose)
    truth[reference] = -1
    return truth


def on_truth(things: Things, reference: int) -> Truth:
    """On another thing: more than half of its lower outline rests there.

    Not on it: nothing of it rests there, nor on what may; and little of its lower outline is hidden.
    """
    assert things.rests is not None and things.hidden is not None
    direct = things.rests[:, reference]
    through = (things.rests > 0) @ (direct > 0)  # on something that is on it
    truth = _open(direct >= 0.55, (direct == 0) & ~through & (things.hidden < 0.2))
    truth[reference] = -1
    return truth


def _truth(holds: np.ndarray) -> Truth:
    return np.where(holds, np.int8(1), np.int8(-1))


def _open(holds: np.ndarray, fails: np.ndarray) -> Truth:
    """1 where it holds, -1 where it fails, 0 between."""
    return np.where(holds, np.int8(1), np.where(fails, np.int8(-1), np.int8(0)))


def _extreme(values: np.ndarray, margin: float, group: Truth) -> Truth:
    """The highest value of a group, ahead of all others that may belong to it by ``margin``."""
    possible = np.where(group >= 0, values, -np.inf)
    best = int(possible.argmax())
    rest = np.delete(possible, best)
    ahead = not len(rest) or possible[best] - rest.max() >= margin
    if group[best] != 1 or not ahead or not np.isfinite(rest).any():
        return np.where(group >= 0, np.int8(0), np.int8(-1))
    truth = np.full(len(values), -1, np.int8)
    truth[best] = 1
    return truth


def _overlap(things: Things, reference: int) -> np.ndarray:
    """Sideways overlap of every box with one thing's, as a share of the narrower."""
    x0, x1 = things.box[:, 0], things.box[:, 2]
    shared = np.minimum(x1, x1[reference]) - np.maximum(x0, x0[reference])
    return np.maximum(shared, 0) / np.minimum(x1 - x0, x1[reference] - x0[reference])
