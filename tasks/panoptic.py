"""Panoptic segmentation: every pixel a class, and things of one class told apart."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from visiongen.errors import UsageError
from visiongen.files import json_text
from visiongen.geometry import Geometry
from visiongen.prompt import BORDER, OTHER, Legend, Prompt
from visiongen.tasks.base import Prediction, Task
from visiongen.tasks.coco_panoptic import Segment, id_image, list_segments, segment_colours
from visiongen.tasks.codecs.base import Codec
from visiongen.tasks.codecs.legend import farthest_colour
from visiongen.tasks.codecs.panoptic import MANY, VOID, BorderPanoptic
from visiongen.tasks.pictures import encode_png
from visiongen.tasks.semantic import DEFAULT_LEGEND
from visiongen.unnamed import UNNAMED
from visiongen.world.classes import STUFF_NAMES


@dataclass
class PanopticPrediction(Prediction):
    """``labels`` int32 (H, W): position in the legend * 1000 + number; 0 = stuff, -1 = void."""

    @property
    def segments(self) -> list[Segment]:
        """Every segment: class, area, box and score, by falling area."""
        assert self.legend is not None
        return list_segments(self.labels, self.confidence, self.legend.names, self._things)

    @property
    def _things(self) -> tuple[str, ...]:
        assert isinstance(self.codec, BorderPanoptic)
        return self.codec.things

    def semantic(self) -> np.ndarray:
        """Position in the legend uint8 (H, W), 255 = void."""
        return np.where(self.labels < 0, 255, self.labels // MANY).astype(np.uint8)

    def picture(self) -> np.ndarray:
        """Class colours, each thing in a shade of its own; void black."""
        assert self.legend is not None
        return segment_colours(self.labels, self.legend.array())

    def label_image(self) -> tuple[np.ndarray, dict[str, Any]]:
        """Labels + 1, 16 bit, 0 = void (of more than 65 classes: positions alone, 8 bit)."""
        if self.labels.max(initial=0) >= 65535:
            return self.semantic(), {"bits": 8, "value": "position in the legend", "void": 255}
        value = "1 + position in the legend * 1000 + instance number"
        return (self.labels + 1).astype(np.uint16), {"bits": 16, "value": value, "0": "void"}

    def summary(self) -> dict[str, Any]:
        """Number of segments by class name, and the share of void."""
        names: dict[str, int] = {}
        for one in self.segments:
            names[one.name] = names.get(one.name, 0) + 1
        void = round(float((self.labels == VOID).mean()), 5)
        return super().summary() | {"segments": names, "void": void}

    def coco(self, file_name: str) -> dict[str, Any]:
        """The COCO panoptic JSON for the PNG named ``file_name``: images, annotations, categories.

        ``category_id``: position in the legend + 1.
        """
        assert self.legend is not None
        height, width = self.labels.shape
        pairs = zip(self.legend.names, self.legend.colours, strict=True)
        return {
            "images": [
                {"id": self.image_id, "file_name": self.photo_name or "", "height": height, "width": width}
            ],
            "annotations": [
                {
                    "image_id": self.image_id,
                    "file_name": file_name,
                    "segments_info": [one.coco() for one in self.segments],
                }
            ],
            "categories": [
                {"id": k + 1, "name": name, "isthing": int(name in self._things), "color": list(colour)}
                for k, (name, colour) in enumerate(pairs)
                if name != BORDER
            ],
        }

    def more_files(self, base: str) -> dict[str, bytes | str]:
        """.coco.png and .coco.json, as COCO panoptic."""
        told = json_text(self.coco(f"{base}.coco.png"))
        return {".coco.png": encode_png(id_image(self.labels)), ".coco.json": told}


@dataclass(frozen=True)
class Panoptic(Task):
    """Paint each class in its legend colour, and a border where two things of one class touch.

    ``things``: names of the legend that are counted; None: those of the example maps where these are
    panoptic, else all but the stuff of visiongen.world.classes and entries without a name (``?1``): nobody
    said that these can be counted. ``min_area``: parts of a thing below so many painted pixels are dropped.
    A legend without an entry "border" gets one, in the colour farthest from the others. ``guided``: borders
    follow the photo's, see :mod:`visiongen.tasks.guide`; on rendered frames that no benchmark scores it
    takes PQ from .20 to .28, with windows wider than a token: specks are things of their own else.
    """

    things: tuple[str, ...] | None = None
    min_area: int = 12
    guided: bool = True

    name: ClassVar[str] = "panoptic"
    text: ClassVar[str] = "panoptic"
    reverse_text: ClassVar[str] = "photo from panoptic"
    long_side: ClassVar[int] = 256
    borders: ClassVar[tuple[float, float]] = (12, 1e-3)
    uses_legend: ClassVar[bool] = True
    prediction: ClassVar[type[Prediction]] = PanopticPrediction

    def __post_init__(self) -> None:
        if self.things is not None:
            names = self.things.split(",") if isinstance(self.things, str) else self.things
            listed = isinstance(names, (list, tuple, set, frozenset))
            if not listed or not all(isinstance(name, str) for name in names):
                raise UsageError(f"things={self.things!r}: give names of the legend, as 'car,bus'")
            object.__setattr__(self, "things", tuple(n.strip() for n in names if n.strip()))

    def prompt(self, legend: Legend | None = None) -> Prompt:
        """Ask for ``legend`` and a border, or for the 11 CamVid classes."""
        return Prompt(self.name, self.text, with_border(legend or DEFAULT_LEGEND))

    def reverse_prompt(self, legend: Legend | None = None) -> Prompt:
        """Paint a photo from a map in ``legend``, or in the default one."""
        return super().reverse_prompt(with_border(legend or DEFAULT_LEGEND))

    def codec(self, legend: Legend | None = None, **options: Any) -> Codec:
        """Legend colours with borders."""
        legend = with_border(legend or DEFAULT_LEGEND)
        if self.things is None:
            names = [n for n in legend.names if n not in (*STUFF_NAMES, BORDER, OTHER)]
            things = tuple(n for n in names if not n.startswith(UNNAMED))
        else:
            things = self.things
            odd = [n for n in things if n not in legend.names or n == BORDER]
            if odd:
                known = ", ".join(n for n in legend.names if n != BORDER)
                raise UsageError(f"things: {odd[0]!r} is no class of the legend; choose from {known}")
        return BorderPanoptic(legend, **{"things": things, "min_area": self.min_area, **options})

    def shown(self, codec: Codec) -> Task:
        """With the things of the example maps, unless others were asked for."""
        if self.things is not None or not isinstance(codec, BorderPanoptic):
            return self
        return dataclasses.replace(self, things=codec.things)

    def undo(self, geometry: Geometry, labels: np.ndarray) -> np.ndarray:
        """Segments by vote, never mixed."""
        return geometry.undo_labels(labels)

    def soften(self, painted: np.ndarray, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities of the legend's entries, the border among them."""
        assert isinstance(codec, BorderPanoptic)
        return codec.probabilities(painted), np.ones(painted.shape[:2], np.float32)

    def harden(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The likeliest entry uint8 and its probability; ``gather`` finds the segments at the end."""
        best = values.argmax(axis=2)
        factor = np.take_along_axis(values, best[..., None], axis=2)[..., 0]
        return best.astype(np.uint8), factor.astype(np.float32)

    def gather(self, labels: np.ndarray, codec: Codec) -> np.ndarray:
        """Entries uint8 (h, w) -> segments int32 (h, w)."""
        assert isinstance(codec, BorderPanoptic)
        return codec.group(labels)

    def repaint(self, values: np.ndarray, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
        """Every pixel in its likeliest entry's colour: the borders are painted as they were averaged."""
        assert isinstance(codec, BorderPanoptic)
        best, factor = self.harden(values)
        return codec.legend.array()[best], factor


def with_border(legend: Legend) -> Legend:
    """``legend`` itself if it names a border, else with one as its last entry."""
    if BORDER in legend.names:
        return legend
    red, green, blue = (int(v) for v in farthest_colour(legend.array()))
    return Legend((*legend.names, BORDER), (*legend.colours, (red, green, blue)))
