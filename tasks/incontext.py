"""In-context: any map, shown by one to four worked examples instead of asked for in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from visiongen.errors import UsageError
from visiongen.geometry import Geometry
from visiongen.prompt import Legend, Prompt
from visiongen.registry import TASKS
from visiongen.tasks.base import Prediction, Task
from visiongen.tasks.codecs.base import Codec
from visiongen.tasks.codecs.image import RgbImage
from visiongen.tasks.codecs.legend import LegendCodec
from visiongen.tasks.codecs.panoptic import BorderPanoptic
from visiongen.tasks.example_pairs import TOLERANCE, Pairs, Picture, read_pairs
from visiongen.tasks.image import Image
from visiongen.tasks.panoptic import Panoptic, PanopticPrediction
from visiongen.tasks.semantic import Semantic, SemanticPrediction
from visiongen.unnamed import TEXT


class _OfExamples(Prediction):
    """What predictions with the examples' own legend share."""

    @property
    def legend(self) -> Legend | None:
        """The examples' colours, under the examples' names."""
        assert isinstance(self.codec, LegendCodec)
        return self.codec.legend


@dataclass
class InContextPrediction(_OfExamples, SemanticPrediction):
    """``labels`` uint8 (H, W): position in the legend of the examples' colours; 255 = unknown.

    The legend's entries are called ``?1``, ``?2``, ... (the largest last), or as the example maps
    called them. Examples that are continuous give the prediction of their own task instead.
    """


@dataclass
class InContextPanopticPrediction(_OfExamples, PanopticPrediction):
    """As of the task panoptic, in the legend of the example maps: what these count are its things."""


#: Tasks whose predictions take their legend from the examples here.
OWN: dict[type[Task], type[Prediction]] = {
    Semantic: InContextPrediction,
    Panoptic: InContextPanopticPrediction,
}


@dataclass(frozen=True, eq=False)
class InContext(Task):
    """Paint what the examples show.

    ``examples``: 1 to 4 pairs (photo, map), files or arrays uint8 (H, W, 3). ``example_codec``: how the
    maps are read, where they do not say it themselves: a codec or its name. ``tolerance``: colour
    levels up to which two colours of flat maps are one. ``guided``: as the task that they look like.
    See :func:`read_pairs` for what is accepted.
    """

    examples: Sequence[tuple[Picture, Picture]] = ()
    example_codec: Codec | str | None = None
    tolerance: float = TOLERANCE
    guided: bool = True

    name: ClassVar[str] = "incontext"
    text: ClassVar[str] = TEXT
    reverse_text: ClassVar[str] = "photo from examples"
    long_side: ClassVar[int] = 160
    prediction: ClassVar[type[Prediction]] = InContextPrediction

    @cached_property
    def pairs(self) -> Pairs:
        """The examples, read once; see :func:`read_pairs` for the errors."""
        return read_pairs(self.examples, self.example_codec, self.tolerance)

    def check(self) -> None:
        """Examples that cannot be read, or that no task's maps look like, are refused before painting."""
        assert self.pairs and self.like

    @property
    def mirrors(self) -> bool:
        """As the task that the maps look like."""
        return self.like.mirrors

    @property
    def follows(self) -> bool:
        """As the task that the maps look like."""
        return self.guided and self.like.follows

    def prompt(self, legend: Legend | None = None) -> Prompt:
        """The examples, and the legend of their colours where these are flat."""
        super().prompt(legend)
        if not self.examples:
            return Prompt(self.name, self.text)
        return Prompt(self.name, self.text, self.pairs.legend, self.pairs.examples)

    def codec(self, legend: Legend | None = None, **options: Any) -> Codec:
        """How the examples' maps are read; without examples a plain picture."""
        if options:
            raise UsageError(f"incontext: its codec takes no option {sorted(options)[0]!r}; leave it out")
        return self.pairs.codec if self.examples else RgbImage()

    @cached_property
    def like(self) -> Task:
        """The task whose maps look like the examples': it resizes, averages and holds the labels."""
        codec = self.codec()
        if isinstance(codec, BorderPanoptic):
            return Panoptic(codec.things, codec.min_area)
        if isinstance(codec, LegendCodec):
            return Semantic()
        if codec.unit == "relative":
            return TASKS.get("depth")(relative=True)  # type: ignore[no-any-return]
        family = codec.name.split("/")[0]
        for name in TASKS:
            task: Task = TASKS.get(name)() if name != self.name else Image()
            own = task.codec()
            if own.name.split("/")[0] == family and own.unit == codec.unit:
                return task
        raise UsageError(f"examples: maps of {codec.name} have no task of their own; use another codec")

    def build(
        self,
        labels: np.ndarray,
        certainty: np.ndarray,
        painted: np.ndarray,
        geometry: Geometry,
        prompt: Prompt,
        photo_name: str | None = None,
    ) -> Prediction:
        """The prediction of the task that the maps look like."""
        kind = OWN.get(type(self.like), self.like.prediction)
        return kind(
            labels=self.undo(geometry, labels),
            confidence=np.clip(geometry.undo_scalar(certainty), 0, 1),
            map=painted,
            prompt=prompt,
            codec=self.codec(),
            geometry=geometry,
            photo_name=photo_name,
        )

    def undo(self, geometry: Geometry, labels: np.ndarray) -> np.ndarray:
        """As the task that the maps look like."""
        return self.like.undo(geometry, labels)

    def soften(self, painted: np.ndarray, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
        """As the task that the maps look like."""
        return self.like.soften(painted, codec)

    def harden(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As the task that the maps look like."""
        return self.like.harden(values)

    def gather(self, labels: np.ndarray, codec: Codec) -> np.ndarray:
        """As the task that the maps look like."""
        return self.like.gather(labels, codec)

    def encode(self, labels: np.ndarray, codec: Codec) -> np.ndarray:
        """As the task that the maps look like."""
        return self.like.encode(labels, codec)

    @property
    def by_rows(self) -> bool:
        """As the task that the maps look like."""
        return self.like.by_rows

    def repaint(self, values: np.ndarray, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
        """As the task that the maps look like."""
        return self.like.repaint(values, codec)

    def follow(self, values: np.ndarray, view: np.ndarray) -> np.ndarray:
        """As the task that the maps look like."""
        return self.like.follow(values, view)

    def align(self, values: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """As the task that the maps look like."""
        return self.like.align(values, whole)
