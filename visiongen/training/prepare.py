"""Loading and rendering what a recipe needs, several sources at once."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

from visiongen.errors import UsageError
from visiongen.training.recipe import Recipe
from visiongen.training.run import build_mixture


def prepare(recipe: Recipe, data: str | Path | None = None, jobs: int = 1) -> None:
    """Every source of the recipe, ``jobs`` at a time, each in a process of its own with one thread.

    Two sources of the same pool take turns. UsageError for fewer than one job; whatever a source raises.
    """
    if jobs < 1:
        raise UsageError(f"--jobs {jobs}: give at least 1")
    if jobs == 1:
        build_mixture(recipe, data).prepare()
        return
    # spawned: a fork would inherit locks of torch's threads
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(recipe.data)), mp_context=context) as pool:
        for done in [pool.submit(_one, recipe.alone(part), data) for part in recipe.data]:
            done.result()


def _one(recipe: Recipe, data: str | Path | None) -> None:
    torch.set_num_threads(1)
    build_mixture(recipe, data).prepare()
