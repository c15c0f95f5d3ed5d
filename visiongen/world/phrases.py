"""Phrases that mean exactly one thing of a frame: "the red box left of the cup".

Every part of a phrase holds, does not hold, or is open for a thing: 1, -1 and 0. A phrase is true of a
thing where all its parts hold; it is used only if for every other visible thing some part does not
hold. What is open (two cars of nearly one size) thus never decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from visiongen.prompt import MAX_PHRASE
from visiongen.world.things import COLOURS, Things
from visiongen.world.truths import (
    ANYTHING,
    Truth,
    beside_truth,
    colour_truth,
    depth_order_truth,
    distance_truth,
    noun_truth,
    on_truth,
    outermost_truth,
    side_truth,
    size_truth,
)

LEAST = 2e-3
"""Share of the picture that a thing needs to be meant or referred to."""

SUPPORTS = ("table", "chair", "sofa", "bed", "bench", "cabinet", "shelf", "box", "book", "plate", "bin")


@dataclass(frozen=True)
class Phrase:
    """``text``, and the id of the one thing that it means."""

    text: str
    target: int


def make_phrase(
    things: Things, rng: np.random.Generator, tries: int = 12, said: Mapping[str, str] | None = None
) -> Phrase | None:
    """A phrase true of exactly one of the things, or None where none was found.

    ``said``: what a class is called, where that is not its name (visiongen.world.synonyms).
    Things that share their class with another one are meant more often: there every word counts.
    """
    large = np.flatnonzero(things.area >= LEAST * things.size[0] * things.size[1])
    if not len(large):
        return None
    names = np.array(things.names)
    crowd = np.array([(names == names[k]).sum() for k in large], np.float64)
    weight = np.minimum(crowd, 3.0) / np.minimum(crowd, 3.0).sum()
    for target in rng.choice(large, min(tries, len(large)), replace=False, p=weight):
        for text, truth in _forms(things, int(target), rng, said or {}):
            if len(text.encode()) <= MAX_PHRASE and means(truth, int(target)):
                return Phrase(text, int(things.ids[target]))
    return None


def means(truth: Truth, target: int) -> bool:
    """Whether it holds for ``target`` and surely for nothing else."""
    return bool(truth[target] == 1 and (truth == -1).sum() == len(truth) - 1)


def _forms(
    things: Things, target: int, rng: np.random.Generator, said: Mapping[str, str]
) -> Iterator[tuple[str, Truth]]:
    """Phrases about ``target`` that may or may not be true of it alone, in random order."""
    own = things.names[target]
    name, noun = said.get(own, own), noun_truth(things, own)
    kinds: list[Callable[[], Iterator[tuple[str, Truth]]]] = [
        lambda: iter([(f"the {name}", noun)]),
        lambda: _coloured(things, target, name, noun),
        lambda: _sized(things, target, name, noun),
        lambda: _placed(things, target, name, noun, rng),
        lambda: _placed(things, target, ANYTHING, noun_truth(things, ANYTHING), rng),
        lambda: _coloured(things, target, ANYTHING, noun_truth(things, ANYTHING)),
        lambda: _related(things, target, name, noun, rng, said),
        lambda: _related(things, target, name, noun, rng, said),
    ]
    share = np.array([1.0, 2.0, 1.0, 1.5, 0.4, 0.4, 2.5, 2.5])
    for k in rng.choice(len(kinds), len(kinds), replace=False, p=share / share.sum()):
        yield from kinds[k]()


def _colours_of(things: Things, target: int) -> list[str]:
    return [c for k, c in enumerate(COLOURS) if things.sure[target, k] >= 0.6]


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
    things: Things,
    target: int,
    name: str,
    noun: Truth,
    rng: np.random.Generator,
    said: Mapping[str, str],
) -> Iterator[tuple[str, Truth]]:
    """With another thing that is itself known by its class, or its colour and class."""
    heads = [(f"the {name}", noun)] + list(_coloured(things, target, name, noun))
    large = things.area >= LEAST * things.size[0] * things.size[1]
    others = [int(k) for k in rng.permutation(len(things)) if k != target and large[k]]
    for reference in others[:8]:
        called = _called(things, reference, said)
        if called is None:
            continue
        for word, relation in _relations(things, reference, rng):
            if relation[target] == 1:
                for text, head in (heads[k] for k in rng.permutation(len(heads))):
                    yield f"{text} {word} {called}", np.minimum(head, relation)


def _called(things: Things, reference: int, said: Mapping[str, str]) -> str | None:
    """What a thing can be called alone: "the table", "the red box", or None."""
    own = things.names[reference]
    name, noun = said.get(own, own), noun_truth(things, own)
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
