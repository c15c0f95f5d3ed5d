"""What is true of a rendered frame, task by task, in the form that the task's scorer reads.

Depth, normals, classes, instances and materials are the frame's own. Edges, the salient thing and its
matte are what the function that training uses makes of it (registry TARGETS): there the definition is
the truth. Every function is ``(seen, rng, protocol) -> (truth, options of the item) | None``; None says
that the frame has nothing to show.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from visiongen.benchmarks.metrics.panoptic import MANY
from visiongen.prompt import Legend
from visiongen.registry import TARGETS, TASKS
from visiongen.training.targets import Seen

Found = tuple[np.ndarray, dict[str, Any]]
Truth = Callable[[Seen, np.random.Generator, dict[str, Any]], Found | None]


def depth(seen: Seen, rng: np.random.Generator, protocol: dict[str, Any]) -> Found:
    """Metres float32 (H, W), +inf = sky."""
    assert seen.depth is not None
    return seen.depth.astype(np.float32), {}


def normals(seen: Seen, rng: np.random.Generator, protocol: dict[str, Any]) -> Found:
    """Unit vectors float32 (H, W, 3), NaN = none."""
    valid = np.linalg.norm(seen.normals, axis=-1, keepdims=True) > 0.5
    return np.where(valid, seen.normals, np.nan).astype(np.float32), {}


def semantic(seen: Seen, rng: np.random.Generator, protocol: dict[str, Any]) -> Found:
    """Classes uint8 (H, W); the legend holds the frame's classes and ``distractors`` others."""
    return seen.classes, {"legend": legend_of(seen, rng, protocol)}


def legend_of(
    seen: Seen, rng: np.random.Generator, protocol: dict[str, Any], more: tuple[str, ...] = ()
) -> Legend:
    """The classes that are there and some that are not, in the world's order, then ``more``, coloured."""
    from visiongen.tasks.codecs.legend import random_legend_colours

    there = np.unique(seen.classes)
    absent = np.setdiff1d(np.arange(len(seen.names)), there)
    chosen = np.sort(np.concatenate([there, rng.permutation(absent)[: protocol["distractors"]]]))
    names = [seen.names[i] for i in chosen] + list(more)
    return Legend.of(zip(names, random_legend_colours(len(names), rng).tolist(), strict=True))


def instance(seen: Seen, rng: np.random.Generator, protocol: dict[str, Any]) -> Found | None:
    """Ids int32 (H, W) of things, 0 = none; frames without a thing are left out."""
    ids = np.where(is_thing(seen), seen.instance, 0).astype(np.int32)
    return (ids, {}) if ids.any() else None


def is_thing(seen: Seen) -> np.ndarray:
    """bool (H, W): the pixel belongs to something that is told apart from others of its class."""
    from visiongen.world.classes import THING_NAMES

    table = np.array([name in THING_NAMES for name in seen.names] + [False] * (256 - len(seen.names)))
    return table[seen.classes] & (seen.instance > 0)


def panoptic(seen: Seen, rng: np.random.Generator, protocol: dict[str, Any]) -> Found:
    """Class * 1000 + number int32 (H, W), number 0 for stuff; the legend as in semantic, and a border."""
    number = np.zeros(seen.instance.shape, np.int32)
    thing = is_thing(seen)
    number[thing] = np.unique(seen.instance[thing], return_inverse=True)[1] + 1
    labels = seen.classes.astype(np.int32) * MANY + number
    return labels, {"legend": legend_of(seen, rng, protocol, ("border",))}


def referring(seen: Seen, rng: np.random.Generator, protocol: dict[str, Any]) -> Found | None:
    """bool (H, W): the one thing that the phrase in the options is true of."""
    from visiongen.world.phrases import make_phrase
    from visiongen.world.things import measure

    phrase = make_phrase(measure(seen.instance, seen.classes, seen.names, seen.base_colour, seen.depth), rng)
    return None if phrase is None else (seen.instance == phrase.target, {"phrase": phrase.text})


def basecolor(seen: Seen, rng: np.random.Generator, protocol: dict[str, Any]) -> Found:
    """sRGB float32 (H, W, 3) in [0, 1], NaN in the sky."""
    return _on_surfaces(seen, seen.base_colour / np.float32(255)), {}


def orm(seen: Seen, rng: np.random.Generator, protocol: dict[str, Any]) -> Found:
    """Occlusion, roughness, metallic float32 (H, W, 3) in [0, 1], NaN in the sky."""
    return _on_surfaces(seen, np.clip(seen.orm, 0, 1)), {}


def _on_surfaces(seen: Seen, values: np.ndarray) -> np.ndarray:
    return np.where((seen.instance > 0)[..., None], values, np.nan).astype(np.float32)


def trained(task: str, seen: Seen, rng: np.random.Generator, protocol: dict[str, Any]) -> Found | None:
    """What the training target of ``task`` says, read by the task's codec; NaN where it says nothing."""
    target = TARGETS.get(task)(seen, rng)
    if target is None:
        return None
    values, _ = TASKS.get(task)().codec(target.prompt.legend).decode(target.map)
    return (values if target.valid is None else np.where(target.valid, values, np.nan)), {}


TRUTHS: dict[str, Truth] = {
    "depth": depth,
    "normals": normals,
    "semantic": semantic,
    "instance": instance,
    "panoptic": panoptic,
    "referring": referring,
    "basecolor": basecolor,
    "orm": orm,
    "edges": partial(trained, "edges"),
    "salient": partial(trained, "salient"),
    "matting": partial(trained, "matting"),
}
