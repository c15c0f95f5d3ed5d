"""From class ids to a painting order: which names the legend holds, and the painted map."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from visiongen.errors import UsageError
from visiongen.prompt import OTHER, Legend
from visiongen.registry import TASKS
from visiongen.training.batches import IGNORE, Target, random_legend
from visiongen.training.sources.augment import fill_nearest
from visiongen.world.synonyms import renamed

COLOURS = ("random", "fixed")  # of a legend: drawn anew for every map, or the class's own every time


def paint_classes(
    classes: np.ndarray,
    names: Sequence[str],
    rng: np.random.Generator,
    subset: float = 0.0,
    distractors: int = 4,
    colours: str = "random",
    synonyms: float = 0.0,
) -> Target:
    """Paint ``classes`` (ids into ``names``, 255 = ignore) with a legend in fresh random colours.

    ``colours`` "fixed" takes those of ``fixed_legend`` instead. ``synonyms``: chance that a name of the
    world's classes is said by another word for it (visiongen.world.synonyms).

    With chance ``subset`` the legend holds only some of the classes present and a few absent ones;
    what it leaves out is then either painted as "other" or kept out of the loss. Otherwise it
    holds every name. The order always stays the natural one.
    """
    chosen: list[int] = list(range(len(names)))
    if rng.uniform() < subset:
        chosen = choose(classes, len(names), rng, distractors)
    wanted = [names[i] for i in chosen]
    with_other = len(chosen) < len(names) and OTHER not in wanted and rng.uniform() < 0.5
    table = np.full(256, IGNORE, np.uint8)
    if with_other:
        table[: len(names)] = len(chosen)
        wanted.append(OTHER)
    table[chosen] = np.arange(len(chosen))
    labels = table[classes]
    legend = random_legend(wanted, rng)  # drawn in any case, so that the rest of a batch stays the same
    if colours == "fixed":
        legend = fixed_legend(wanted, names)
    legend = Legend(tuple(renamed(legend.names, rng, synonyms).values()), legend.colours)
    filled = np.where(labels == IGNORE, 0, labels) if (labels == IGNORE).all() else fill_nearest(labels)
    prompt = TASKS.get("semantic")().prompt(legend)
    return Target(prompt, legend.array()[filled], labels != IGNORE, labels)


def fixed_legend(wanted: Sequence[str], names: Sequence[str]) -> Legend:
    """A legend of ``wanted`` (of ``names``, or OTHER) in which a name always has the same colour."""
    places = [len(names) if name == OTHER and OTHER not in names else names.index(name) for name in wanted]
    palette = _palette(len(names) + 1)
    return Legend(tuple(wanted), tuple(palette[place] for place in places))


@lru_cache(maxsize=8)
def _palette(count: int) -> tuple[tuple[int, int, int], ...]:
    """``count`` colours far apart, always the same ones."""
    return random_legend([str(place) for place in range(count)], np.random.default_rng(0)).colours


def check_colours(colours: str, where: str) -> str:
    """``colours`` itself; UsageError unless it is one of COLOURS."""
    if colours not in COLOURS:
        raise UsageError(f"source {where}: colours {colours!r}; choose from {', '.join(COLOURS)}")
    return colours


def choose(classes: np.ndarray, count: int, rng: np.random.Generator, distractors: int) -> list[int]:
    """Sorted class ids: some of those present in ``classes``, and at most ``distractors`` others."""
    present = np.flatnonzero(np.bincount(classes.ravel(), minlength=256)[:count])
    keep = present
    if len(present) > 1:
        keep = rng.permutation(present)[: rng.integers(1, len(present) + 1)]
    absent = np.setdiff1d(np.arange(count), present)
    extra = rng.permutation(absent)[: rng.integers(0, min(distractors, len(absent)) + 1)]
    chosen = sorted(int(i) for i in np.concatenate([keep, extra]))
    return chosen or [0]
