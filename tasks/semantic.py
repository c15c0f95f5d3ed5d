"""Semantic segmentation with the caller's own legend: any names, any colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from visiongen.errors import UsageError
from visiongen.geometry import Geometry
from visiongen.prompt import Legend, Prompt
from visiongen.tasks.base import Prediction, Task
from visiongen.tasks.codecs.base import Codec
from visiongen.tasks.codecs.legend import UNKNOWN, LegendNearest

# The 11 classes of CamVid (SegNet's order) in the best of 1500 palettes drawn with
# random_legend_colours: at least 105 levels apart, 50/50 mixes at least 67 from a third colour.
DEFAULT_LEGEND = Legend.parse(
    "sky=#3077fb,building=#df0816,pole=#f9e03e,road=#492c10,pavement=#fe62f2,tree=#0ca86c,"
    "sign=#f104b3,fence=#81ebc7,car=#5120c5,pedestrian=#8fbf00,bicyclist=#4afc61"
)


@dataclass
class SemanticPrediction(Prediction):
    """``labels`` uint8 (H, W): position in the legend, 255 = unknown."""

    def picture(self) -> np.ndarray:
        """Every pixel in its class's legend colour; unknown in a colour far from all of them."""
        return self.codec.encode(self.labels)

    def label_image(self) -> tuple[np.ndarray, dict[str, Any]]:
        """Class ids, 8 bit."""
        return self.labels, {"bits": 8, "value": "position in the legend", "unknown": UNKNOWN}

    def summary(self) -> dict[str, Any]:
        """Share of the picture by class name."""
        counts = np.bincount(self.labels.reshape(-1), minlength=256) / self.labels.size
        names = self.legend.names if self.legend else ()
        share = {n: round(float(counts[i]), 5) for i, n in enumerate(names) if counts[i]}
        return super().summary() | {"share": share, "unknown": round(float(counts[UNKNOWN]), 5)}


@dataclass(frozen=True)
class Semantic(Task):
    """Paint each class in its legend colour.

    ``unknown_distance`` (colour levels): farther than this from every colour is class 255. ``guided``: the
    classes' borders follow the photo's, see :mod:`visiongen.tasks.guide`; on rendered frames that no
    benchmark scores it takes mIoU from .40 to .45: what is painted half and half is no third class then.
    """

    unknown_distance: float | None = None
    guided: bool = True

    name: ClassVar[str] = "semantic"
    text: ClassVar[str] = "segment"
    reverse_text: ClassVar[str] = "photo from segment"
    long_side: ClassVar[int] = 384
    uses_legend: ClassVar[bool] = True
    prediction: ClassVar[type[Prediction]] = SemanticPrediction

    def prompt(self, legend: Legend | None = None) -> Prompt:
        """Ask for ``legend``, or for the 11 CamVid classes."""
        return Prompt(self.name, self.text, legend or DEFAULT_LEGEND)

    def reverse_prompt(self, legend: Legend | None = None) -> Prompt:
        """Paint a photo from a map in ``legend``, or in the default one."""
        return super().reverse_prompt(legend or DEFAULT_LEGEND)

    def codec(self, legend: Legend | None = None, **options: Any) -> Codec:
        """Nearest legend colour."""
        return LegendNearest(
            legend or DEFAULT_LEGEND, **{"unknown_distance": self.unknown_distance, **options}
        )

    def shown(self, codec: Codec) -> Task:
        """Itself; the border of a panoptic map is no class (UsageError)."""
        if codec.unit != LegendNearest.unit:
            raise UsageError(f"examples: painted with {codec.name}, not in classes alone; ask for panoptic")
        return self

    def undo(self, geometry: Geometry, labels: np.ndarray) -> np.ndarray:
        """Ids by vote, never mixed."""
        return geometry.undo_labels(labels)

    def soften(self, painted: np.ndarray, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
        """Class probabilities; all zero where unknown."""
        assert isinstance(codec, LegendNearest)
        values = codec.probabilities(painted)
        if codec.unknown_distance is not None:
            values[codec.decode(painted)[0] == UNKNOWN] = 0
        return values, np.ones(painted.shape[:2], np.float32)

    def harden(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The likeliest class and its averaged probability; 255 where most tiles say unknown."""
        labels = values.argmax(axis=2).astype(np.uint8)
        best = np.take_along_axis(values, labels[..., None].astype(np.intp), axis=2)[..., 0]
        unknown = values.sum(axis=2) < 0.5
        labels[unknown] = UNKNOWN
        return labels, np.where(unknown, 0, best).astype(np.float32)
