"""In-context episodes for scoring: frames and rules that training never meets; the same on every call."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from visiongen.benchmarks.protocols import load_protocol
from visiongen.errors import UsageError
from visiongen.prompt import Example, Legend
from visiongen.training.batches import random_colours
from visiongen.training.sources.augment import whole_view
from visiongen.training.sources.episodes import smaller
from visiongen.training.sources.pool import Frame, FramePool, default_cache, describe
from visiongen.unnamed import unnamed_legend
from visiongen.world.rules import HELD_OUT, Rule

MOST_EXAMPLES = 4


@dataclass(frozen=True, eq=False)
class Episode:
    """A query, four examples and the answer.

    ``photo`` uint8 (H, W, 3); ``examples``: maps in the colours of ``legend`` (0: the rule, 1: the rest);
    ``truth`` uint8 (H, W); ``rule``: its name; ``frames``: seeds of the query and the examples.
    """

    id: str
    rule: str
    photo: np.ndarray
    truth: np.ndarray
    examples: tuple[Example, ...]
    legend: Legend
    frames: tuple[int, ...]


def episodes(count: int, seed: int = 0, first_seed: int | None = None) -> list[Episode]:
    """The first ``count`` episodes; number i depends on (seed, i) alone. Rules take turns.

    The frames are rendered once (some minutes) and kept in the user's cache. ``first_seed``: other
    frames than the protocol's, still of those that are for scoring.
    """
    protocol = load_protocol("world-incontext")
    if count < 1:
        raise UsageError(f"--episodes {count}: give at least 1")
    if seed < 0:
        raise UsageError(f"--seed {seed}: give a whole number from 0")
    first = protocol["first_seed"] if first_seed is None else first_seed
    pool, showing = _frames(first)
    return [_episode(pool, showing, first, i, seed) for i in range(count)]


def _episode(pool: FramePool, showing: dict[str, np.ndarray], first: int, number: int, seed: int) -> Episode:
    rule = HELD_OUT[number % len(HELD_OUT)]
    rng = np.random.default_rng([seed, number])
    those = showing[rule.name]
    if len(those) <= MOST_EXAMPLES:
        raise UsageError(f"world-incontext: {len(those)} frames show {rule.name!r}; render more frames")
    chosen = [int(i) for i in rng.permutation(those)[: 1 + MOST_EXAMPLES]]
    return _show(rule, number, [pool[i] for i in chosen], [first + i for i in chosen], rng)


def _show(
    rule: Rule, number: int, frames: list[Frame], seeds: list[int], rng: np.random.Generator
) -> Episode:
    legend = unnamed_legend(random_colours(2, rng))
    size = (frames[0].photo.shape[0], frames[0].photo.shape[1])
    view = whole_view(size, smaller(size))
    labels = [rule.labels(frame) for frame in frames]
    pairs = tuple(
        Example(view.photo(frame.photo), legend.array()[view.nearest(part)])
        for frame, part in zip(frames[1:], labels[1:], strict=True)
    )
    return Episode(f"{number:04d}", rule.name, frames[0].photo.copy(), labels[0], pairs, legend, tuple(seeds))


@lru_cache(maxsize=2)
def _frames(first_seed: int) -> tuple[FramePool, dict[str, np.ndarray]]:
    """Frames of the scoring seeds, rendered once, and for each rule the numbers of those that show it."""
    protocol = load_protocol("world-incontext")
    if first_seed < protocol["first_seed"]:
        raise UsageError(f"first_seed = {first_seed}: seeds below {protocol['first_seed']} are trained on")
    kinds, size = protocol["kinds"], (protocol["height"], protocol["width"])
    described = describe(kinds, protocol["frames"], size, first_seed, **{"for": "scoring"})
    pool = FramePool(default_cache() / FramePool.folder_name(described), protocol["frames"], size)
    pool.fill(lambda start, stop: _render(kinds, first_seed, start, stop, size), described)
    shares = np.array([[(rule.labels(pool[i]) == 0).mean() for rule in HELD_OUT] for i in range(len(pool))])
    good = (shares >= protocol["least"]) & (shares <= protocol["most"])
    return pool, {rule.name: np.flatnonzero(good[:, place]) for place, rule in enumerate(HELD_OUT)}


def _render(kinds: list[str], first_seed: int, start: int, stop: int, size: tuple[int, int]) -> list[Frame]:
    """Frames start..stop-1, frame i of kind i modulo the number of kinds, as the training source does."""
    from visiongen.training.sources.world import WorldSource

    # Its own check keeps scoring seeds out of training; rendering them is what is wanted here.
    source = WorldSource(kinds=kinds, size=size, pool_size=size)
    source.first_seed = first_seed
    return source._render_pool(start, stop)
