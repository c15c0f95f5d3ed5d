"""Material sets: base colour, occlusion + roughness + metallic, and tangent normals of a photo together."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from visiongen.benchmarks.metrics import svbrdf
from visiongen.benchmarks.scorers.base import ModuleScorer, Options

if TYPE_CHECKING:
    from visiongen.tasks.base import Prediction

WIDTHS = {"basecolor": 3, "orm": 3, "tangent": 3}
"""Channels of each part, in the order in which the maps are stacked."""


class SvbrdfScorer(ModuleScorer):
    """See metrics/svbrdf.py; truth and answer float32 (H, W, 9), NaN where the truth is unknown.

    The protocol has ``task = "materials"`` and ``parts = ["basecolor", "orm", "tangent"]``.
    """

    metrics: ClassVar[ModuleType] = svbrdf

    def answer_parts(self, predictions: Mapping[str, Prediction], options: Options) -> np.ndarray:
        """The parts' labels side by side."""
        return stack_parts(predictions, WIDTHS)

    def labels_parts(self, truth: np.ndarray, options: Options) -> dict[str, np.ndarray]:
        """What is unknown is painted open, half rough, not metallic, facing the viewer."""
        return unstack_parts(truth, WIDTHS)

    def oracle(self, truth: np.ndarray, options: Options) -> np.ndarray:
        """The truth, with what a renderer takes for a map that is not there: relit, it is the truth."""
        return np.concatenate(list(unstack_parts(truth, WIDTHS).values()), axis=2)


def stack_parts(predictions: Mapping[str, Prediction], widths: Mapping[str, int]) -> np.ndarray:
    """Labels of the parts named in ``widths``, in that order, as one float32 (H, W, C)."""
    return np.concatenate([np.asarray(predictions[part].labels, np.float32) for part in widths], axis=2)


UNKNOWN = {"basecolor": (0.0, 0.0, 0.0), "orm": (1.0, 0.5, 0.0), "tangent": (0.0, 0.0, 1.0)}


def unstack_parts(truth: np.ndarray, widths: Mapping[str, int]) -> dict[str, np.ndarray]:
    """The parts of a truth float32 (H, W, C), without NaN."""
    found, start = {}, 0
    for part, width in widths.items():
        values = np.asarray(truth[..., start : start + width], np.float32)
        found[part] = np.where(np.isfinite(values), values, np.array(UNKNOWN[part], np.float32))
        start += width
    return found
