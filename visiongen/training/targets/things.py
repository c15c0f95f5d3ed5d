"""Orders about single things: instances, panoptic maps, and what a phrase means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visiongen.prompt import BORDER, OTHER, Legend, Prompt
from visiongen.registry import TASKS
from visiongen.training.batches import IGNORE, Target, random_legend
from visiongen.training.sources.augment import fill_nearest
from visiongen.training.targets import Seen, dense
from visiongen.training.targets.classes import choose
from visiongen.world.classes import STUFF_NAMES
from visiongen.world.phrases import make_phrase
from visiongen.world.synonyms import renamed
from visiongen.world.things import measure

SMALLEST = 1.5e-3
"""Share of the picture below which a thing is left out of instance maps."""


def instance(seen: Seen, rng: np.random.Generator) -> Target | None:
    """Every thing of the frame, see ``things``."""
    there = thing_table(seen.names, world_things(seen.names))[seen.classes]
    return things(np.where(there, seen.instance, 0))


def things(ids: np.ndarray) -> Target | None:
    """Every thing in the colour of its place and size; smaller ones than SMALLEST are out of the loss.

    ``ids`` int32 (H, W), 0 = none; None where there is no thing.
    """
    area = np.bincount(ids.ravel())
    small = area < SMALLEST * ids.size
    small[0] = False
    kept = np.where(small[ids], 0, ids)
    return dense("instance", kept, ~small[ids]) if kept.any() else None


def panoptic(seen: Seen, rng: np.random.Generator) -> Target:
    """Classes and things of the frame, see ``segments``."""
    frame = (seen.classes, seen.instance, seen.names, world_things(seen.names))
    return segments(*frame, rng, seen.subset, seen.distractors, seen.synonyms)


def segments(
    classes: np.ndarray,
    instance: np.ndarray,
    names: Sequence[str],
    things: Sequence[str],
    rng: np.random.Generator,
    subset: float = 0.0,
    distractors: int = 4,
    synonyms: float = 0.0,
) -> Target:
    """Classes in random legend colours, often only some of them, and borders between things that touch.

    ``classes`` uint8 (H, W) into ``names``, 255 = void; ``instance`` (H, W): the number of each thing, which
    is a pixel of one of the classes ``things``. With chance ``subset`` the legend holds only some
    classes; what it leaves out is painted as "other" or kept out of the loss, as in semantic orders; so
    is ``synonyms``, the chance that a class of the world is called by another word.
    """
    chosen = list(range(len(names)))
    if rng.uniform() < subset:
        chosen = choose(classes, len(names), rng, distractors)
    wanted = [names[k] for k in chosen]
    table = np.full(256, -1, np.int32)
    if len(chosen) < len(names) and OTHER not in wanted and rng.uniform() < 0.5:
        table[: len(names)] = len(chosen)
        wanted.append(OTHER)
    table[chosen] = np.arange(len(chosen))
    legend = random_legend([*wanted, BORDER], rng)
    counted = [name for name in wanted if name in things]
    said = renamed(legend.names, rng, synonyms)
    legend = Legend(tuple(said.values()), legend.colours)
    task = TASKS.get("panoptic")(things=tuple(said[name] for name in counted))
    codec = task.codec(legend)
    labels = codec.positions(_panoptic_labels(classes, instance, table, thing_table(names, counted)))
    filled = fill_nearest(labels) if (labels != IGNORE).any() else np.zeros_like(labels)
    return Target(task.prompt(legend), legend.array()[filled], labels != IGNORE, labels)


def _panoptic_labels(
    classes: np.ndarray, instance: np.ndarray, table: np.ndarray, counted: np.ndarray
) -> np.ndarray:
    """Position * 1000 + number int32 (H, W), -1 = void; ``table``: class id -> position or -1.

    Things of the ``counted`` classes have numbers.
    """
    present = np.flatnonzero(np.bincount(instance.ravel()))
    number = np.zeros(int(present[-1]) + 1, np.int32)
    number[present] = np.arange(len(present)) % 999 + 1
    labels = table[classes] * 1000 + np.where(counted[classes], number[instance], 0)
    return np.where(labels < 0, -1, labels).astype(np.int32)


def referring(seen: Seen, rng: np.random.Generator) -> Target | None:
    """The one thing that a phrase means, white on black or in random colours."""
    found = measure(seen.instance, seen.classes, seen.names, seen.base_colour, seen.depth)
    phrase = make_phrase(found, rng, said=renamed(sorted(set(found.names)), rng, seen.synonyms))
    if phrase is None:
        return None
    return meant(phrase.text, seen.instance == phrase.target, rng)


def meant(phrase: str, mask: np.ndarray, rng: np.random.Generator) -> Target:
    """What ``phrase`` means, bool (H, W), white on black or in random colours."""
    prompt: Prompt = TASKS.get("referring")(phrase=phrase).prompt()
    legend = prompt.legend
    assert legend is not None
    if rng.uniform() < 0.5:
        legend = random_legend(list(legend.names), rng)
    labels = mask.astype(np.uint8)
    prompt = Prompt(prompt.task, prompt.text, legend)
    return Target(prompt, legend.array()[labels], None, labels)


def world_things(names: Sequence[str]) -> tuple[str, ...]:
    """Those of ``names`` that are no stuff of the world."""
    return tuple(name for name in names if name not in STUFF_NAMES)


def thing_table(names: Sequence[str], things: Sequence[str]) -> np.ndarray:
    """bool (256,): which positions in ``names`` are of ``things``."""
    table = np.zeros(256, bool)
    table[[k for k, name in enumerate(names) if name in things]] = True
    return table
