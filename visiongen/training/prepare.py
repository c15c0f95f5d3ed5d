"""Loading and rendering what a recipe needs, several sources at once."""

from __future__ import annotations

from pathlib import Path

from visiongen.training.processes import together
from visiongen.training.recipe import Recipe
from visiongen.training.run import build_mixture


def prepare(recipe: Recipe, data: str | Path | None = None, jobs: int = 1) -> None:
    """Every source of the recipe, ``jobs`` at a time, each in a process of its own with one thread.

    Two sources of the same pool take turns. UsageError for fewer than one job; whatever a source raises.
    """
    if jobs == 1:
        build_mixture(recipe, data).prepare()
        return
    together(_one, [(recipe.alone(part), data) for part in recipe.data], jobs)


def _one(recipe: Recipe, data: str | Path | None) -> None:
    build_mixture(recipe, data).prepare()
