"""New frames in the place of old ones, beside a training that reads them: for machines with cores to spare.

A run on a GPU sees a pool of some thousand frames many times in a few minutes. Processes that render all
the while keep what it sees new, without a batch waiting for them.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np

from visiongen.errors import UsageError
from visiongen.training.processes import together
from visiongen.training.recipe import Recipe
from visiongen.training.run import build_mixture
from visiongen.training.sources.world import END_OF_TRAINING_SEEDS, WorldSource


def refresh(
    recipe: Recipe, data: str | Path | None = None, jobs: int = 1, rounds: int | None = None, seed: int = 0
) -> None:
    """Replace the frames of the recipe's fresh pools, one after another, in ``jobs`` processes.

    Without end, or ``rounds`` times; a pool that several sources share once. Seeds are drawn anew, of those
    that may be trained on, and others when it is called again. UsageError where no source of the recipe is
    ``fresh``, or for fewer than one job.
    """
    pools = {
        str(_source(recipe, data, number).pool_folder): number
        for number, part in enumerate(recipe.data)
        if part.options.get("fresh")
    }
    if not pools:
        raise UsageError("--refresh: no source of the recipe has fresh = true; give it to a source world")
    fresh = sorted(pools.values())
    shares = [fresh[start::jobs] for start in range(min(jobs, len(fresh)))]
    if len(shares) == 1:
        _replace(recipe, data, shares[0], rounds, seed)
        return
    together(_replace, [(recipe, data, share, rounds, seed) for share in shares], jobs)


def _replace(recipe: Recipe, data: str | Path | None, mine: list[int], rounds: int | None, seed: int) -> None:
    sources = {number: _source(recipe, data, number) for number in mine}
    for _ in range(rounds) if rounds is not None else count():
        for number, source in sources.items():
            # what was replaced before counts, so that a second call does not make the same frames again
            rng = np.random.default_rng([seed, number, source.replaced])
            first = int(rng.integers(END_OF_TRAINING_SEEDS - source.pool_count))
            for start in range(0, source.pool_count, source.chunk):
                source.replace(start, min(source.pool_count, start + source.chunk), first)


def _source(recipe: Recipe, data: str | Path | None, number: int) -> WorldSource:
    (source,) = build_mixture(recipe.alone(recipe.data[number]), data).sources
    assert isinstance(source, WorldSource)
    return source
