"""In-context episodes: a rule, frames in which it shows, a query, and the order that they make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from visiongen.prompt import OTHER, Example, Legend, Prompt
from visiongen.training.batches import IGNORE, Target, random_colours
from visiongen.training.sources.augment import fill_nearest
from visiongen.training.sources.pool import Frame
from visiongen.training.targets import Seen
from visiongen.unnamed import TEXT, UNNAMED, by_area, unnamed_legend
from visiongen.world.rules import ATOMS, Rule, shows

LEAST = 0.004  # of the example pixels: a region that covers less of them is not shown by them
VISIBLE = 0.01  # of the query's pixels
TRIES = 6
_PLACE = {atom: place for place, atom in enumerate(ATOMS)}


@dataclass(frozen=True)
class Bank:
    """Frames by number, and which atoms each shows: bool (N, len(ATOMS))."""

    frame: Callable[[int], Frame]
    table: np.ndarray

    @classmethod
    def of(cls, count: int, frame: Callable[[int], Frame], glance: Callable[[int], Frame]) -> Bank:
        """``glance`` gives a thinned frame, which is enough to say what it shows."""
        return cls(frame, np.stack([shows(glance(i)) for i in range(count)]))

    def showing(self, rule: Rule) -> list[np.ndarray]:
        """For each region the numbers of the frames that seem to show it (ands are not exact)."""
        found = []
        for region in rule.regions:
            wanted = np.zeros(len(self.table), bool)
            for group in region.any_of:
                wanted |= self.table[:, [_PLACE[atom] for atom in group]].all(axis=1)
            found.append(np.flatnonzero(wanted))
        return found

    def draw(self, rule: Rule, count: int, rng: np.random.Generator) -> list[int] | None:
        """``count`` different frames, each showing a region; the regions take turns. None: too few.

        The first is the query. In half of the calls the others are chosen to be like it (to show much
        the same classes and properties), as a user's pictures would be.
        """
        by_region = self.showing(rule)
        chosen: list[int] = []
        turn, alike = int(rng.integers(len(by_region))), rng.uniform() < 0.5
        for number in range(count):
            for attempt in range(len(by_region)):
                pool = by_region[(turn + number + attempt) % len(by_region)]
                free = [int(i) for i in rng.choice(pool, TRIES) if i not in chosen] if len(pool) else []
                if free:
                    chosen.append(self._nearest(free, chosen[0]) if alike and chosen else free[0])
                    break
            else:
                return None
        return chosen

    def _nearest(self, free: list[int], query: int) -> int:
        """Of the frames ``free`` the one that shows most of what ``query`` shows."""
        return free[int((self.table[free] == self.table[query]).sum(axis=1).argmax())]


def order(
    rule: Rule,
    query: Seen,
    examples: Sequence[Seen],
    rng: np.random.Generator,
    absent: float = 0.0,
    named: bool = False,
) -> Target | None:
    """The painting order of ``query`` under ``rule``, shown by ``examples`` (at least one).

    A region that the examples do not show is left out of the legend and ignored in the query; under a
    trained rule so is a part of a region that they do not show. None:
    the examples show no region beside the rest, or the query shows none (then with chance ``absent``
    it is an order all the same: nothing to find is an answer too). ``named``: classes keep their names,
    so that words and examples together are an order too.
    """
    labels = rule.labels(query)
    shown = [rule.labels(example) for example in examples]
    size = len(rule.regions) + 1
    counts = np.sum([np.bincount(part.ravel(), minlength=size) for part in shown], axis=0)
    kept = counts > LEAST * sum(part.size for part in shown)
    if np.count_nonzero(kept[:-1]) == 0 or not kept[-1]:
        return None
    there = np.bincount(labels.ravel(), minlength=size)[:-1][kept[:-1]]
    if there.max() < VISIBLE * labels.size and rng.uniform() >= absent:
        return None
    places = by_area(np.where(kept, counts, 0))[-np.count_nonzero(kept) :]
    legend = unnamed_legend(random_colours(len(places), rng))
    if named:
        legend = Legend(_names(rule, places), legend.colours)
    table = np.full(256, IGNORE, np.uint8)
    table[places] = np.arange(len(places))
    colours = legend.array()
    pairs = []
    for example, part in zip(examples, shown, strict=True):
        # What is too small to be an entry of its own is painted like what surrounds it.
        pairs.append(Example(example.photo, colours[fill_nearest(table[part])]))
    prompt = Prompt("incontext", TEXT, legend, tuple(pairs))
    answer = table[labels]
    if rule.trained:
        answer[rule.untold(query, examples)] = IGNORE
    if (answer == IGNORE).all():
        return None
    return Target(prompt, colours[fill_nearest(answer)], answer != IGNORE, answer)


def _names(rule: Rule, places: np.ndarray) -> tuple[str, ...]:
    """Names of a legend's entries: a class's own, ``?i`` for other regions, "other" for the rest."""
    names = []
    for number, place in enumerate(places, 1):
        region = rule.regions[place] if place < len(rule.regions) else None
        single = region is not None and len(region.any_of) == 1 and len(region.class_names) == 1
        unnamed = f"{UNNAMED}{number}"
        names.append(OTHER if region is None else region.class_names[0] if single else unnamed)
    return tuple(names)


def same_task(
    target: Callable[[Seen, np.random.Generator], Target | None],
    query: Seen,
    examples: Sequence[Seen],
    rng: np.random.Generator,
) -> Target | None:
    """A task without a legend shown by pairs: depth, normals, base colour."""
    answers = [target(seen, rng) for seen in (query, *examples)]
    if any(answer is None or answer.labels is not None for answer in answers):
        return None
    asked, *given = [answer for answer in answers if answer is not None]
    pairs = tuple(Example(seen.photo, answer.map) for seen, answer in zip(examples, given, strict=True))
    return Target(Prompt("incontext", TEXT, None, pairs), asked.map, asked.valid)
