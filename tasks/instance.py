"""Instance segmentation: every countable thing apart, whatever its class."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from visiongen.errors import InputError
from visiongen.files import json_text
from visiongen.geometry import Geometry
from visiongen.image import Photo, as_photo
from visiongen.prompt import Legend
from visiongen.tasks.base import Prediction, Task
from visiongen.tasks.codecs.base import Codec
from visiongen.tasks.codecs.instance import DistinctInstances, Instance, list_instances, palette, with_colours
from visiongen.tasks.codecs.instance_centre import CentreInstances
from visiongen.tasks.instance_tiles import from_cores, to_cores
from visiongen.tasks.pictures import overlay

UNCLASSED = "thing"


@dataclass
class InstancePrediction(Prediction):
    """``labels`` int32 (H, W): 0 = none, 1 the largest instance, 2 the next.

    ``classes``: id -> (category number, name) of each instance, empty until :meth:`classify`.
    """

    classes: dict[int, tuple[int, str]] = dataclasses.field(default_factory=dict)

    @cached_property
    def instances(self) -> list[Instance]:
        """Mask, box, area and score of each, by falling score: the mean confidence inside."""
        return list_instances(self.labels, self.confidence)

    def classify(self, semantic: Prediction) -> InstancePrediction:
        """The same instances, each with the class that most of its pixels have in ``semantic``.

        ``semantic``: a semantic or panoptic prediction of the same photo; another size raises InputError.
        Pixels of unknown class do not vote; an instance of such pixels alone stays without a class.
        """
        legend = semantic.legend
        if legend is None or semantic.labels.shape != self.labels.shape:
            raise InputError(
                f"classify: {semantic.task} {semantic.labels.shape} has no classes for {self.labels.shape}; "
                "give a semantic prediction of the same photo"
            )
        from visiongen.tasks.panoptic import PanopticPrediction

        classes = semantic.semantic() if isinstance(semantic, PanopticPrediction) else semantic.labels
        known = (classes < len(legend)) & (self.labels > 0)
        count = int(self.labels.max(initial=0)) + 1
        index = self.labels[known].astype(np.int64) * len(legend) + classes[known]
        votes = np.bincount(index, minlength=count * len(legend)).reshape(count, len(legend))
        chosen = {k: int(votes[k].argmax()) for k in range(1, count) if votes[k].any()}
        names = {k: (place + 1, legend.names[place]) for k, place in chosen.items()}
        return dataclasses.replace(self, classes=names)

    def picture(self) -> np.ndarray:
        """Every instance in a colour of its own, none in black."""
        return palette()[with_colours(self.labels)]

    def overlay(self, photo: Photo, share: float = 0.55) -> np.ndarray:
        """The colours laid over the photo that was predicted, uint8 (H, W, 3); outlines are full."""
        return overlay(as_photo(photo), self.picture(), self.labels, share)

    def label_image(self) -> tuple[np.ndarray, dict[str, Any]]:
        """Ids, 16 bit."""
        return self.labels.astype(np.uint16), {"bits": 16, "value": "instance id", "0": "none"}

    def summary(self) -> dict[str, Any]:
        """How many there are, how much they cover, and the largest ones."""
        largest = sorted(self.instances, key=lambda one: -one.area)[:5]
        return super().summary() | {
            "instances": len(self.instances),
            "covered": round(float((self.labels > 0).mean()), 5),
            "largest": [
                {"box": list(one.box), "area": one.area, "score": round(one.score, 4)} for one in largest
            ],
        }

    def coco(self) -> list[dict[str, Any]]:
        """COCO results, one dict an instance, that ``COCO.loadRes`` reads: RLE, box, score.

        ``image_id`` is the prediction's, ``file_name`` (an extra) the photo's. ``category_id``: place of the
        class in the semantic legend, from 1 on; 1 for all without one.
        """
        results = []
        for one in self.instances:
            y, x = np.unravel_index(int(one.mask.argmax()), one.mask.shape)
            number, name = self.classes.get(int(self.labels[y, x]), (1, UNCLASSED))
            told = {"category": name, "file_name": self.photo_name or ""}
            results.append(one.coco(self.image_id, number) | told)
        return results

    def more_files(self, base: str) -> dict[str, bytes | str]:
        """.coco.json, a COCO results file."""
        return {".coco.json": json_text(self.coco())}


@dataclass(frozen=True)
class InstanceSegmentation(Task):
    """Paint every thing in the colour of its place and size.

    In tiles: each tile says which pixels lie inside one instance, and the insides that touch after
    blending are one instance. A thing larger than a tile stays whole so; one that something else
    splits in two becomes two, and one thinner than about 5 pixels between two others is lost.
    """

    name: ClassVar[str] = "instance"
    text: ClassVar[str] = "instances"
    reverse_text: ClassVar[str] = "photo from instances"
    long_side: ClassVar[int] = 256
    prediction: ClassVar[type[Prediction]] = InstancePrediction

    @property
    def mirrors(self) -> bool:
        """No: ids have no mean."""
        return False

    def codec(self, legend: Legend | None = None, **options: Any) -> Codec:
        """Centre colours."""
        return CentreInstances(**options)

    def undo(self, geometry: Geometry, labels: np.ndarray) -> np.ndarray:
        """Ids by vote, never mixed."""
        return geometry.undo_labels(labels)

    def soften(self, painted: np.ndarray, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
        """(in an instance, well inside one): ids have no mean, and centres move with the tile."""
        ids, confidence = codec.decode(painted)
        return to_cores(ids), confidence

    def harden(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both by majority, bool (h, w, 2); ``gather`` numbers them once all rows are there."""
        return values >= 0.5, np.ones(values.shape[:2], np.float32)

    def gather(self, labels: np.ndarray, codec: Codec) -> np.ndarray:
        """(in an instance, well inside one) bool (h, w, 2) -> ids int32 (h, w)."""
        assert isinstance(codec, (CentreInstances, DistinctInstances))
        return from_cores(labels, codec.min_area)

    def encode(self, labels: np.ndarray, codec: Codec) -> np.ndarray:
        """Of more instances than there are colours some share theirs; none is left out."""
        return codec.encode(with_colours(labels) if isinstance(codec, DistinctInstances) else labels)

    @property
    def by_rows(self) -> bool:
        """No: a colour tells the centre of the whole instance."""
        return False
