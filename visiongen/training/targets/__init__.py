"""From a rendered frame to painting orders: one function a task, found through the registry TARGETS.

Each is ``function(seen, rng) -> Target | None``; None says that this frame has nothing to show for the
task (no thing to segment, metres falsified by a zoom).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from visiongen.registry import TASKS
from visiongen.resize import nearest_fill
from visiongen.training.batches import Target
from visiongen.training.targets.classes import paint_classes


@dataclass(frozen=True)
class Seen:
    """One frame as a batch shows it: every map already cut, resized and mirrored. Size (H, W).

    ``photo`` uint8; ``depth`` float32 metres (+inf sky), None where the window was zoomed; ``normals``
    float32 (H, W, 3), zero = none; ``classes`` uint8 into ``names``; ``instance`` int32, 0 = sky;
    ``base_colour`` uint8 sRGB; ``orm`` float32 (H, W, 3): occlusion, roughness, metallic in [0, 1].
    ``enlarged``: rows and columns for one of the frame's own, where it was made larger. ``synonyms``: chance
    that a class is called by another word (visiongen.world.synonyms).
    """

    photo: np.ndarray
    depth: np.ndarray | None
    normals: np.ndarray
    classes: np.ndarray
    instance: np.ndarray
    base_colour: np.ndarray
    orm: np.ndarray
    names: tuple[str, ...]
    subset: float = 1.0
    distractors: int = 4
    colours: str = "random"
    enlarged: float = 1.0
    synonyms: float = 0.0


def dense(task: str, labels: np.ndarray, valid: np.ndarray | None = None) -> Target:
    """An order whose map is the task's own codec of ``labels``, which need not be valid everywhere.

    Numbers that are not go on as the nearest that are, as in the maps that ceilings are measured on: a token
    that shows both is taught what is known of it, not a colour that stands for nothing.
    """
    if valid is not None and labels.dtype.kind == "f":
        labels = nearest_fill(labels, ~valid)[0]
    kind = TASKS.get(task)()
    prompt = kind.prompt()
    return Target(prompt, kind.codec(prompt.legend).encode(labels), valid)


def semantic(seen: Seen, rng: np.random.Generator) -> Target:
    """Classes in a legend of random colours (or ``seen.colours``), often only some of them."""
    options = (seen.subset, seen.distractors, seen.colours, seen.synonyms)
    return paint_classes(seen.classes, seen.names, rng, *options)


def depth(seen: Seen, rng: np.random.Generator) -> Target | None:
    """Metres."""
    return None if seen.depth is None else metres(seen.depth)


def metres(values: np.ndarray) -> Target:
    """An order for depth float32 (H, W): metres, +inf sky, NaN left out of the loss."""
    return dense("depth", values, ~np.isnan(values))


def normals(seen: Seen, rng: np.random.Generator) -> Target:
    """Unit vectors in camera axes; sky is left out of the loss."""
    return directions(seen.normals)


def directions(vectors: np.ndarray) -> Target:
    """An order for normals float32 (H, W, 3) of about unit length; zero vectors are left out of the loss."""
    length = np.linalg.norm(vectors, axis=-1)
    valid = length > 0.5
    unit = vectors / np.where(valid, length, 1)[..., None]
    unit[~valid] = np.nan
    return dense("normals", unit, valid)
