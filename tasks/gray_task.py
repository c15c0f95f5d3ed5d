"""What edges, mattes and salient objects share: one number a pixel in [0, 1], painted gray."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from visiongen.geometry import Geometry
from visiongen.prompt import Legend, Prompt
from visiongen.tasks.base import Prediction, Task
from visiongen.tasks.codecs.base import Codec
from visiongen.tasks.codecs.gray import AlphaGray, paint_gray, unsnap

#: Levels this near to black or white are read as that: the shipped tokenizer keeps flat ones to 0.01, but no
#: painter meets them exactly.
SNAP = 0.04


@dataclass
class GrayPrediction(Prediction):
    """``labels`` float32 (H, W) in [0, 1]."""

    def picture(self) -> np.ndarray:
        """The numbers in gray: 0 black, 1 white."""
        return paint_gray(self.labels)

    def label_image(self) -> tuple[np.ndarray, dict[str, Any]]:
        """8 bit, number = value / 255; the NPY keeps what that rounds away."""
        return paint_gray(self.labels)[..., 0], {"bits": 8, "value": f"{self.unit} = value / 255"}

    def summary(self) -> dict[str, Any]:
        """Mean, and the shares of the picture at least half and nearly (95 %) full."""
        shares = {"mean": self.labels.mean(), "half": (self.labels >= 0.5).mean()}
        shares["full"] = (self.labels >= 0.95).mean()
        return super().summary() | {name: round(float(v), 5) for name, v in shares.items()}


@dataclass(frozen=True)
class GrayTask(Task):
    """A task whose map is gray. ``legend``: the two ends, in the prompt for the painter's benefit.

    It is fixed, not the caller's: between the two colours every gray means something, and the codec
    reads the gray, not the nearest entry. The first entry is white, the second black.
    """

    legend: ClassVar[Legend]
    prediction: ClassVar[type[Prediction]] = GrayPrediction

    def prompt(self, legend: Legend | None = None) -> Prompt:
        """The task's order; a legend of the caller's is refused (UsageError)."""
        super().prompt(legend)
        return Prompt(self.name, self.text, self.legend)

    def codec(self, legend: Legend | None = None, **options: Any) -> Codec:
        """Gray opacity; levels that are nearly black or white are read as that."""
        return AlphaGray(**{"snap": SNAP, **options})

    def undo(self, geometry: Geometry, labels: np.ndarray) -> np.ndarray:
        """Linear."""
        return np.clip(geometry.undo_scalar(labels), 0, 1)

    def soften(self, painted: np.ndarray, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
        """The numbers themselves."""
        values, confidence = codec.decode(painted)
        return values[..., None], confidence

    def harden(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The averages themselves, fully trusted."""
        return np.clip(values[..., 0], 0, 1), np.ones(values.shape[:2], np.float32)

    def repaint(self, values: np.ndarray, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
        """As every task, but for what the codec snaps."""
        assert isinstance(codec, AlphaGray)
        numbers, factor = self.harden(values)
        return codec.encode(unsnap(numbers, codec.snap)), factor


def two_colours(white: str, black: str) -> Legend:
    """The legend of a gray task: what its white and its black mean."""
    return Legend((white, black), ((255, 255, 255), (0, 0, 0)))
