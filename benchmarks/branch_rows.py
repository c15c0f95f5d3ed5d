"""Rows that take the model apart (its draft alone; its causal branch behind a true past) or ask it otherwise.

mirrored      the mean of its answers for the photo and for the mirrored photo (``predict(mirror=True)``)
synonyms      its answer where the legend has other words: "street", not "road" (visiongen.world.synonyms)
draft         the same backbone in mode draft: the map in one pass, no autoregression
prefix        every token read after the *truth's* tokens (teacher forcing), with trust 0: what the
              causal branch says for itself where no error of its own past misleads it
prefix-trust  the same with the weights' own trust: as ``verified`` reads, but for the past

They are made only when they are asked for, see "Where the error is" in docs/benchmarks.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from visiongen.backbones.base import Sampler
from visiongen.benchmarks.base import Benchmark, Item, digest_of
from visiongen.benchmarks.reading import orders, parts_of
from visiongen.benchmarks.rows import ModelRow, Painted, Painter, codec_identity, guided_identity, paint_truth
from visiongen.benchmarks.sheets import Sheet
from visiongen.errors import InputError, UsageError
from visiongen.geometry import Geometry
from visiongen.prompt import Legend
from visiongen.registry import TASKS
from visiongen.tasks.orders import check_mirror, followed
from visiongen.world.classes import CLASS_NAMES
from visiongen.world.synonyms import other_words

if TYPE_CHECKING:
    from visiongen.backbones.base import Backbone


class DraftRow(ModelRow):
    """The model's draft: what it paints without looking at what it has painted."""

    name = "draft"

    def __init__(self, benchmark: Benchmark, backbone: Backbone, legend: Legend | None) -> None:
        super().__init__(benchmark, backbone, "draft", 0, legend)


class MirroredRow(ModelRow):
    """The model's greedy answer, averaged with the mirrored photo's; UsageError without such a mean."""

    name = "mirrored"
    mirror = True

    def __init__(self, benchmark: Benchmark, backbone: Backbone, legend: Legend | None) -> None:
        check_mirror([TASKS.get(part)() for part in parts_of(benchmark)])
        super().__init__(benchmark, backbone, "verified", 0, legend)
        self.identity |= {"mirror": True}


class SynonymsRow(ModelRow):
    """The model's greedy answer, each class of the world called by another word (``other_words``).

    UsageError for tasks whose legend names no classes.
    """

    name = "synonyms"

    def __init__(self, benchmark: Benchmark, backbone: Backbone, legend: Legend | None) -> None:
        if not any(TASKS.get(part).uses_legend for part in parts_of(benchmark)):
            raise UsageError(f"row 'synonyms': {benchmark.task} names no classes")
        super().__init__(benchmark, backbone, "verified", 0, legend)
        self.identity |= {"synonyms": digest_of([" ".join(other_words(CLASS_NAMES)).encode()])}

    def asked(self, item: Item) -> dict[str, Any]:
        """The same in other words; ``things`` of panoptic maps, too."""
        asked = super().asked(item)
        legend = asked["legend"]
        said = dict(zip(legend.names, other_words(legend.names), strict=True))
        asked["legend"] = Legend(tuple(said.values()), legend.colours)
        if "things" in asked:
            asked["things"] = tuple(said[name] for name in asked["things"])
        return asked


class PrefixRow(Painter):
    """The model behind a true past. The truth is painted at the working size, as ``ceiling`` does.

    ``trust``: nats to overrule the draft, None for the weights' own. InputError for a backbone that
    cannot paint after given tokens.
    """

    def __init__(
        self, benchmark: Benchmark, backbone: Backbone, legend: Legend | None, trust: float | None
    ) -> None:
        if not backbone.capabilities.teacher:
            raise InputError(f"backbone {backbone.name!r}: it cannot paint after a given map, so no prefix")
        self.name = "prefix-trust" if trust is None else "prefix"
        self.benchmark, self.backbone, self.legend = benchmark, backbone, legend
        self.sampler = Sampler(trust=trust)
        weights = backbone.weights
        self.identity = codec_identity(benchmark, legend) | guided_identity(benchmark)
        self.identity |= {
            "weights": weights.sha256 if weights else backbone.name,
            "trust": trust,
            "legend": str(legend) if legend else None,
        }

    def paint(self, item: Item, photo: np.ndarray) -> Painted:
        """The photo as the model sees it, the truth as the ceiling paints it."""
        size = (photo.shape[0], photo.shape[1])
        tasks, prompts = orders(self.benchmark, item, self.legend)
        truths = paint_truth(self.benchmark, item, self.legend, item.truth(), size)
        geometry = Geometry.fit(size, self.benchmark.protocol["long_side"])
        view = tasks[0].look(photo, geometry)
        scene = self.backbone.scene(view)
        parts = parts_of(self.benchmark)
        found = scene.paint_after(prompts, [truths[part].map for part in parts], self.sampler)
        found = followed(tasks, prompts, found, view)
        sheets = {
            part: Sheet(canvas.image, truths[part].codec, canvas.confidence)
            for part, canvas in zip(parts, found, strict=True)
        }
        return sheets, found[0].stats.to_json()
