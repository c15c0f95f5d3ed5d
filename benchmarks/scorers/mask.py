"""Referring segmentation: one mask a phrase."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from visiongen.benchmarks import priors
from visiongen.benchmarks.metrics import masks
from visiongen.benchmarks.scorers.base import Guess, ModuleScorer, Options
from visiongen.errors import UsageError

if TYPE_CHECKING:
    from visiongen.tasks.base import Prediction


class MaskScorer(ModuleScorer):
    """Masks bool (H, W); the item's ``options["phrase"]`` says of what.

    The protocol's ``empty_union`` = "lisa" (default) or "lavt" says what nothing for nothing is worth; see
    metrics/masks.py.
    """

    metrics: ClassVar[ModuleType] = masks

    def __init__(self, protocol: dict[str, Any]) -> None:
        super().__init__(protocol)
        name = protocol.get("empty_union", "lisa")
        if name not in masks.EMPTY_UNION:
            raise UsageError(f"protocol {protocol['name']!r}: empty_union {name!r}; choose lisa or lavt")
        self.empty = masks.EMPTY_UNION[name]

    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """In the protocol's convention."""
        return masks.vector(stats, self.empty)

    def labels(self, truth: np.ndarray, options: Options) -> np.ndarray:
        """Position in the prompt's legend: 1 is the phrase."""
        return truth.astype(np.uint8)

    def answer(self, prediction: Prediction, options: Options) -> np.ndarray:
        """The predicted mask."""
        return np.asarray(prediction.mask)  # type: ignore[attr-defined]

    def prior(self, truths: Sequence[np.ndarray]) -> Guess:
        """The blob with the highest mean IoU."""
        return priors.at_any_size(priors.best_blob(truths))

    def choose(self, guess: np.ndarray, options: Options) -> np.ndarray:
        """A guess of probabilities is cut at one half."""
        return guess >= 0.5
