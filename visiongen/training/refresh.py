"""New frames in the place of old ones, beside a training that reads them: for machines with cores to spare.

A run on a GPU sees a pool of some thousand frames many times in a few minutes. Processes that render all
the while keep what it sees new, without a batch waiting for them.
"""

from __future__ import annotations

import multiprocessing
from itertools import count
from pathlib import Path

import numpy as np
import torch

from visiongen.errors import UsageError
from visiongen.training.recipe import Recipe
from visiongen.training.run import build_mixture
from visiongen.training.source_world import END_OF_TRAINING_SEEDS, WorldSource


def refresh(
    recipe: Recipe, data: str | Path | None = None, jobs: int = 1, rounds: int | None = None, seed: int = 0
) -> None:
    """Replace the frames of the recipe's fresh pools, one after another, in ``jobs`` processes.

    Without end, or ``rounds`` times. Seeds are drawn anew, of those that may be trained on. UsageError where
    no source of the recipe is ``fresh``, or for fewer than one job.
    """
    if jobs < 1:
        raise UsageError(f"--jobs {jobs}: give at least 1")
    fresh = [number for number, part in enumerate(recipe.data) if part.options.get("fresh")]
    if not fresh:
        raise UsageError("--refresh: no source of the recipe has fresh = true; give it to a source world")
    shares = [fresh[start::jobs] for start in range(min(jobs, len(fresh)))]
    if len(shares) == 1:
        _replace(recipe, data, shares[0], rounds, seed)
        return
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_alone, args=(recipe, data, share, rounds, seed), daemon=True)
        for share in shares
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failed := [worker for worker in workers if worker.exitcode]:
        raise UsageError(f"--refresh: {len(failed)} of {len(workers)} processes failed; see above")


def _alone(*given: object) -> None:
    torch.set_num_threads(1)
    _replace(*given)  # type: ignore[arg-type]


def _replace(recipe: Recipe, data: str | Path | None, mine: list[int], rounds: int | None, seed: int) -> None:
    sources = {number: _source(recipe, data, number) for number in mine}
    for turn in range(rounds) if rounds is not None else count():
        for number, source in sources.items():
            rng = np.random.default_rng([seed, number, turn])
            first = int(rng.integers(END_OF_TRAINING_SEEDS - source.pool_count))
            for start in range(0, source.pool_count, source.chunk):
                source.replace(start, min(source.pool_count, start + source.chunk), first)


def _source(recipe: Recipe, data: str | Path | None, number: int) -> WorldSource:
    (source,) = build_mixture(recipe.alone(recipe.data[number]), data).sources
    assert isinstance(source, WorldSource)
    return source
