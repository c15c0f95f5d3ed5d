"""Frames of the world's fixed test seeds with the maps that training would ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from visiongen.benchmarks.datasets.world import CHUNK, look
from visiongen.benchmarks.datasets.world_truths import TRUTHS
from visiongen.benchmarks.protocols import load_protocol
from visiongen.prompt import Legend
from visiongen.registry import TARGETS, TASKS
from visiongen.training.targets import Seen


@dataclass(frozen=True)
class Frame:
    """``photo`` uint8 (H, W, 3); ``classes`` uint8 (H, W), the world's ids; ``legend`` has them and others.

    ``maps``: task -> uint8 (H, W, 3), the true map; a task for which the frame has nothing is left out.
    """

    seed: int
    photo: np.ndarray
    classes: np.ndarray
    legend: Legend
    maps: dict[str, np.ndarray]


def frames(count: int, seed: int = 0) -> list[Frame]:
    """``count`` frames from the first test seed + ``seed`` on, as the benchmark world-semantic has them."""
    table = load_protocol("world-semantic")
    first, size = table["first_seed"] + seed, (table["height"], table["width"])
    found: list[Frame] = []
    for start in range(first, first + count, CHUNK):
        seen = look(table["kind"], start, *size)
        found += [_frame(one, start + i, table) for i, one in enumerate(seen)]
    return found[:count]


def _frame(seen: Seen, seed: int, table: dict[str, Any]) -> Frame:
    truth = TRUTHS["semantic"](seen, np.random.default_rng([seed, 7]), table)
    assert truth is not None
    legend: Legend = truth[1]["legend"]
    position = np.zeros(256, np.uint8)
    position[class_ids(legend)] = np.arange(len(legend))
    maps = {"semantic": TASKS.get("semantic")().codec(legend).encode(position[seen.classes])}
    for task in TARGETS:
        target = None if task in maps else TARGETS.get(task)(seen, np.random.default_rng([seed, 7]))
        if target is not None:
            maps[task] = target.map
    return Frame(seed, seen.photo, seen.classes, legend, maps)


def class_ids(legend: Legend) -> np.ndarray:
    """The world's id of each entry, int (K,)."""
    from visiongen.world.classes import CLASS_NAMES

    return np.array([CLASS_NAMES.index(name) for name in legend.names])
