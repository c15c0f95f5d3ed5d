"""Edges: how surely a boundary between things or surfaces runs through each pixel."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from visiongen.prompt import OTHER, Legend
from visiongen.tasks.base import Prediction
from visiongen.tasks.codecs.base import Codec
from visiongen.tasks.codecs.gray import EdgesGray, paint_gray, thin_edges
from visiongen.tasks.gray_task import GrayPrediction, GrayTask, two_colours
from visiongen.tasks.pictures import encode_png


@dataclass
class EdgesPrediction(GrayPrediction):
    """``labels`` float32 (H, W): strength in [0, 1], lines a few pixels wide.

    ``thin``: ``save()`` also writes STEM.edges.thin.png, the crests alone.
    """

    thin: bool = False

    def thinned(self) -> np.ndarray:
        """Strength float32 (H, W) on crests one pixel wide, 0 elsewhere (see ``thin_edges``).

        A photo larger than its map has lines as much wider: their crests are looked for at that scale.
        """
        scale = max(self.geometry.input_size) / max(self.geometry.work_size)
        return thin_edges(self.labels, scale=max(1.0, scale))

    def more_files(self, base: str) -> dict[str, bytes | str]:
        """``thin`` adds .thin.png."""
        return {".thin.png": encode_png(paint_gray(self.thinned())[..., 0])} if self.thin else {}


@dataclass(frozen=True)
class Edges(GrayTask):
    """Paint boundaries white. ``thin``: what is saved includes the map thinned to its crests."""

    thin: bool = False

    name: ClassVar[str] = "edges"
    text: ClassVar[str] = "edges"
    reverse_text: ClassVar[str] = "photo from edges"
    # A little larger than in training: lines are local, and finer tokens draw them better (docs/log.md).
    long_side: ClassVar[int] = 320
    legend: ClassVar[Legend] = two_colours("edge", OTHER)
    prediction: ClassVar[type[Prediction]] = EdgesPrediction

    def codec(self, legend: Legend | None = None, **options: Any) -> Codec:
        """Gray strength, not snapped: the weakest lines are what recall is made of."""
        return EdgesGray(**options)

    def build(self, *args: Any, **kwargs: Any) -> Prediction:
        """As every task, and whether to thin goes along."""
        result = super().build(*args, **kwargs)
        assert isinstance(result, EdgesPrediction)
        return dataclasses.replace(result, thin=self.thin)
