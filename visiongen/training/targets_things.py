"""Orders about single things: instances, panoptic maps, and what a phrase means."""

from __future__ import annotations

import numpy as np

from visiongen.prompt import Prompt
from visiongen.registry import TASKS
from visiongen.training.augment import fill_nearest
from visiongen.training.batches import IGNORE, random_legend
from visiongen.training.semantic import OTHER, choose
from visiongen.training.targets import Seen, Target, dense
from visiongen.world.classes import STUFF_NAMES
from visiongen.world.phrases import make_phrase
from visiongen.world.things import measure

SMALLEST = 1.5e-3
"""Share of the picture below which a thing is left out of instance maps."""

BORDER = "border"


def instance(seen: Seen, rng: np.random.Generator) -> Target | None:
    """Every thing in the colour of its place and size; smaller ones than SMALLEST are out of the loss."""
    ids = np.where(_is_thing(seen)[seen.classes], seen.instance, 0)
    area = np.bincount(ids.ravel())
    small = area < SMALLEST * ids.size
    small[0] = False
    kept = np.where(small[ids], 0, ids)
    return dense("instance", kept, ~small[ids]) if kept.any() else None


def panoptic(seen: Seen, rng: np.random.Generator) -> Target:
    """Classes in random legend colours, often only some of them, and borders between things that touch.

    What the legend leaves out is painted as "other" or kept out of the loss, as in semantic orders.
    """
    chosen = list(range(len(seen.names)))
    if rng.uniform() < seen.subset:
        chosen = choose(seen.classes, len(seen.names), rng, seen.distractors)
    names = [seen.names[k] for k in chosen]
    table = np.full(256, -1, np.int32)
    if len(chosen) < len(seen.names) and rng.uniform() < 0.5:
        table[: len(seen.names)] = len(chosen)
        names.append(OTHER)
    table[chosen] = np.arange(len(chosen))
    legend = random_legend([*names, BORDER], rng)
    task = TASKS.get("panoptic")()
    codec = task.codec(legend)
    labels = codec.positions(_panoptic_labels(seen, table, chosen))
    filled = fill_nearest(labels) if (labels != IGNORE).any() else np.zeros_like(labels)
    return Target(task.prompt(legend), legend.array()[filled], labels != IGNORE, labels)


def _panoptic_labels(seen: Seen, table: np.ndarray, chosen: list[int]) -> np.ndarray:
    """Position * 1000 + number int32 (H, W), -1 = void; ``table``: class id -> position or -1.

    Things of the ``chosen`` classes have numbers.
    """
    counted = np.zeros(256, bool)
    counted[chosen] = _is_thing(seen)[chosen]
    present = np.flatnonzero(np.bincount(seen.instance.ravel()))
    number = np.zeros(int(present[-1]) + 1, np.int32)
    number[present] = np.arange(len(present)) % 999 + 1
    labels = table[seen.classes] * 1000 + np.where(counted[seen.classes], number[seen.instance], 0)
    return np.where(labels < 0, -1, labels).astype(np.int32)


def referring(seen: Seen, rng: np.random.Generator) -> Target | None:
    """The one thing that a phrase means, white on black or in random colours."""
    things = measure(seen.instance, seen.classes, seen.names, seen.base_colour, seen.depth)
    phrase = make_phrase(things, rng)
    if phrase is None:
        return None
    prompt: Prompt = TASKS.get("referring")(phrase=phrase.text).prompt()
    legend = prompt.legend
    assert legend is not None
    if rng.uniform() < 0.5:
        legend = random_legend(list(legend.names), rng)
    labels = (seen.instance == phrase.target).astype(np.uint8)
    prompt = Prompt(prompt.task, prompt.text, legend)
    return Target(prompt, legend.array()[labels], None, labels)


def _is_thing(seen: Seen) -> np.ndarray:
    """bool (256,) by class id."""
    table = np.zeros(256, bool)
    table[[k for k, name in enumerate(seen.names) if name not in STUFF_NAMES]] = True
    return table
