"""Phrases that mean exactly one thing of a frame: "the red box left of the cup".

Every part of a phrase holds, does not hold, or is open for a thing: 1, -1 and 0. A phrase is true of a
thing where all its parts hold; it is used only if for every other visible thing some part does not
hold. What is open (two cars of nearly one size) thus never decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from visiongen.world.things import COLOURS, Things

LONGEST = 48
"""Bytes of the longest phrase: what the generator reads of a legend's name."""

LEAST = 2e-3
"""Share of the picture that a thing needs to be meant or referred to."""

ANYTHING = "thing"
SUPPORTS = ("table", "chair", "sofa", "bed", "bench", "cabinet", "shelf", "box", "book", "plate", "bin")
LARGER = 1.8  # times the area of the next one
CLEARLY = 1.25  # times the distance of the next one

Truth = np.ndarray
"""int8 (N,): 1 holds, 0 open, -1 does not hold, for each thing."""


@dataclass(frozen=True)
class Phrase:
    """``text``, and the id of the one thing that it means."""

    text: str
    target: int


def make_phrase(things: Things, rng: np.random.Generator, tries: int = 12) -> Phrase | None:
    """A phrase true of exactly one of the things, or None where none was found.

    Things that share their class with another one are meant more often: there every word counts.
    """
    large = np.flatnonzero(things.area >= LEAST * things.size[0] * things.size[1])
    if not len(large):
        return None
    names = np.array(things.names)
    crowd = np.array([(names == names[k]).sum() for k in large], np.float64)
    weight = np.minimum(crowd, 3.0) / np.minimum(crowd, 3.0).sum()
    for target in rng.choice(large, min(tries, len(large)), replace=False, p=weight):
        for text, truth in _forms(things, int(target), rng):
            if len(text.encode()) <= LONGEST and means(truth, int(target)):
                return Phrase(text, int(things.ids[target]))
    return None


def means(truth: Truth, target: int) -> bool:
    """Whether it holds for ``target`` and surely for nothing else."""
    return bool(truth[target] == 1 and (truth == -1).sum() == len(truth) - 1)


def _forms(things: Things, target: int, rng: np.random.Generator) -> Iterator[tuple[str, Truth]]:
    """Phrases about ``target`` that may or may not be true of it alone, in random order."""
    name, noun = things.names[target], noun_truth(things, things.names[target])
    kinds: list[Callable[[], Iterator[tuple[str, Truth]]]] = [
        lambda: iter([(f"the {name}", noun)]),
        lambda: _coloured(things, target, name, noun),
        lambda: _sized(things, target, name, noun),
        lambda: _placed(things, target, name, noun, rng),
        lambda: _placed(things, target, ANYTHING, noun_truth(things, ANYTHING), rng),
        lambda: _coloured(things, target, ANYTHING, noun_truth(things, ANYTHING)),
        lambda: _related(things, target, name, noun, rng),
        lambda: _related(things, target, name, noun, rng),
    ]
    share = np.array([1.0, 2.0, 1.0, 1.5, 0.4, 0.4, 2.5, 2.5])
    for k in rng.choice(len(kinds), len(kinds), replace=False, p=share / share.sum()):
        yield from kinds[k]()


# --- words ------------------------------------------------------------------------------------


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


def _colours_of(things: Things, target: int) -> list[str]:
    return [c for k, c in enumerate(COLOURS) if things.sure[target, k] >= 0.6]


# --- forms ------------------------------------------------------------------------------------


def _coloured(things: Things, target: int, name: str, noun: Truth) -> Iterator[tuple[str, Truth]]:
    for colour in _colours_of(things, target):
        yield f"the {colour} {name}", np.minimum(noun, colour_truth(things, colour))


def _sized(things: Things, target: int, name: str, noun: Truth) -> Iterator[tuple[str, Truth]]:
    for word, large in (("large", True), ("small", False)):
        yield f"the {word} {name}", size_truth(things, large, noun)
        for colour in _colours_of(things, target):
            group = np.minimum(noun, colour_truth(things, colour))
            yield f"the {word} {colour} {name}", size_truth(things, large, group)


def _placed(
    things: Things, target: int, name: str, noun: Truth, rng: np.random.Generator
) -> Iterator[tuple[str, Truth]]:
    found = [
        (f"the {name} on the left", np.minimum(noun, side_truth(things, "left"))),
        (f"the {name} on the right", np.minimum(noun, side_truth(things, "right"))),
        (f"the {name} in the middle", np.minimum(noun, side_truth(things, "middle"))),
        (f"the leftmost {name}", outermost_truth(things, True, noun)),
        (f"the rightmost {name}", outermost_truth(things, False, noun)),
    ]
    if things.depth is not None:
        found += [
            (f"the nearest {name}", distance_truth(things, True, noun)),
            (f"the farthest {name}", distance_truth(things, False, noun)),
        ]
    for colour in _colours_of(things, target):
        group = np.minimum(noun, colour_truth(things, colour))
        for side in ("left", "right"):
            text = f"the {colour} {name} on the {side}"
            found.append((text, np.minimum(group, side_truth(things, side))))
    yield from (found[k] for k in rng.permutation(len(found)))


def _related(
    things: Things, target: int, name: str, noun: Truth, rng: np.random.Generator
) -> Iterator[tuple[str, Truth]]:
    """With another thing that is itself known by its class, or its colour and class."""
    heads = [(f"the {name}", noun)] + list(_coloured(things, target, name, noun))
    large = things.area >= LEAST * things.size[0] * things.size[1]
    others = [int(k) for k in rng.permutation(len(things)) if k != target and large[k]]
    for reference in others[:8]:
        called = _called(things, reference)
        if called is None:
            continue
        for word, relation in _relations(things, reference, rng):
            if relation[target] == 1:
                for text, head in (heads[k] for k in rng.permutation(len(heads))):
                    yield f"{text} {word} {called}", np.minimum(head, relation)


def _called(things: Things, reference: int) -> str | None:
    """What a thing can be called alone: "the table", "the red box", or None."""
    name = things.names[reference]
    noun = noun_truth(things, name)
    for text, truth in [(f"the {name}", noun), *_coloured(things, reference, name, noun)]:
        if means(truth, reference):
            return text
    return None


def _relations(things: Things, reference: int, rng: np.random.Generator) -> Iterator[tuple[str, Truth]]:
    words: list[tuple[str, Callable[[], Truth]]] = [
        ("left of", lambda: beside_truth(things, reference, True)),
        ("right of", lambda: beside_truth(things, reference, False)),
    ]
    if things.depth is not None:
        words += [
            ("behind", lambda: depth_order_truth(things, reference, True)),
            ("in front of", lambda: depth_order_truth(things, reference, False)),
        ]
        if things.names[reference] in SUPPORTS:
            words.append(("on", lambda: on_truth(things, reference)))
    for k in rng.permutation(len(words)):
        yield words[k][0], words[k][1]()
