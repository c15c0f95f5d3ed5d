"""The rows of a result: who answers. The model itself, and what its number is measured against.

blind       a guess from the train split that never looks at the photo
oracle      the truth itself, through nothing: what the protocol gives to a perfect answer
codec       truth -> map -> labels at the working size: what size and codec alone cost
ceiling     the same through the tokenizer: the best any painting of this backbone can score
specialist  a small U-Net for this task alone, trained on the same data, see ``specialist_row``

``branch_rows`` has those that take the model apart (draft, prefix) or ask it twice (mirrored).

Model, ceiling and specialist are *painters*: a network makes maps (``infer``), which are read from disk
(``score``). The others need no network and answer while scoring.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from visiongen.benchmarks.base import Benchmark, Item, digest_of
from visiongen.benchmarks.priors import AtAnySize
from visiongen.benchmarks.reading import orders, parts_of, read_answer, truth_labels
from visiongen.benchmarks.roundtrip import through_tokenizer, tokenizer_of
from visiongen.benchmarks.sheets import Sheet
from visiongen.geometry import Geometry
from visiongen.prompt import Legend
from visiongen.registry import TASKS

if TYPE_CHECKING:
    from visiongen.backbones.base import Backbone

Painted = tuple[dict[str, Sheet], dict[str, Any]]  # part -> sheet, decode statistics


class Row(ABC):
    """One way to answer every image. ``identity`` is everything that can change its answers."""

    name: str
    identity: dict[str, Any]

    def item_identity(self, item: Item) -> Any:
        """What else can change the answer for one image, JSON-able."""
        return None


class Direct(Row):
    """A row without a network: it answers while scoring."""

    @abstractmethod
    def answer(self, item: Item, truth: Any) -> Any:
        """What the scorer compares with ``truth``."""


class Painter(Row):
    """A row whose maps are made by a network and kept on disk."""

    @abstractmethod
    def paint(self, item: Item, photo: np.ndarray) -> Painted:
        """The maps for one photo uint8 (H, W, 3)."""


class ModelRow(Painter):
    """The backbone under test, through the same ``predict`` that users call."""

    name = "model"
    mirror = False  # the mean with the mirrored photo's answer

    def __init__(
        self,
        benchmark: Benchmark,
        backbone: Backbone,
        mode: str,
        seed: int,
        legend: Legend | None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.benchmark, self.backbone = benchmark, backbone
        self.mode, self.seed, self.legend, self.options = mode, seed, legend, dict(options or {})
        weights = backbone.weights
        self.identity = {
            "weights": weights.sha256 if weights else backbone.name,
            "mode": mode,
            "seed": seed,
            "legend": str(legend) if legend else None,
        } | read_identity(benchmark, legend)
        if self.options:
            self.identity["options"] = self.options

    def paint(self, item: Item, photo: np.ndarray) -> Painted:
        """Paint; the sampler's seed depends on the image's name, not on its place."""
        from visiongen.tasks.predicting import predict_many

        parts = parts_of(self.benchmark)
        found = predict_many(
            parts,
            photo,
            mode=self.mode,
            seed=item_seed(self.seed, item.id),
            backbone=self.backbone,
            long_side=self.benchmark.protocol["long_side"],
            mirror=self.mirror,
            **self.asked(item),
        )
        sheets = {
            part: Sheet(one.map, one.codec, one.certainty) for part, one in zip(parts, found, strict=True)
        }
        return sheets, {key: value for key, value in found[0].stats.items() if key != "note"}

    def asked(self, item: Item) -> dict[str, Any]:
        """What ``predict_many`` is asked beside the tasks."""
        return {"legend": self.legend, **item.asked(), **self.options}


class BlindRow(Direct):
    """A guess from the train split; see the protocol's ``blind``."""

    name = "blind"

    def __init__(self, benchmark: Benchmark, data: str | Path | None) -> None:
        self.scorer = benchmark.scorer
        self.guess = benchmark.blind(data)
        probe = self.guess.guess if isinstance(self.guess, AtAnySize) else self.guess((64, 64))
        self.identity = {"prior": digest_of([np.asarray(probe)])}

    def answer(self, item: Item, truth: Any) -> Any:
        """The guess in the photo's size."""
        photo = item.photo()
        return self.scorer.choose(self.guess((photo.shape[0], photo.shape[1])), item.options)


class OracleRow(Direct):
    """The truth as an answer. Below a perfect score, the protocol itself forgives or forbids something."""

    name = "oracle"
    identity: dict[str, Any] = {}  # noqa: RUF012  (never changed)

    def __init__(self, benchmark: Benchmark) -> None:
        self.scorer = benchmark.scorer

    def answer(self, item: Item, truth: Any) -> Any:
        """See the scorer."""
        return self.scorer.oracle(truth, item.options)


class CodecRow(Direct):
    """Truth painted at the working size, decoded and scored."""

    name = "codec"

    def __init__(self, benchmark: Benchmark, legend: Legend | None) -> None:
        self.benchmark, self.legend = benchmark, legend
        self.identity = codec_identity(benchmark, legend)

    def answer(self, item: Item, truth: Any) -> Any:
        """What is left of the truth."""
        photo = item.photo()
        size = (photo.shape[0], photo.shape[1])
        sheets = paint_truth(self.benchmark, item, self.legend, truth, size)
        return read_answer(self.benchmark, item, self.legend, size, sheets)


class CeilingRow(Painter):
    """Truth painted, passed through the tokenizer, decoded and scored."""

    name = "ceiling"

    def __init__(self, benchmark: Benchmark, legend: Legend | None, backbone: Backbone) -> None:
        self.benchmark, self.legend = benchmark, legend
        self.tokenizer = tokenizer_of(backbone)
        self.identity = codec_identity(benchmark, legend)
        if backbone.weights is not None:
            self.identity["weights"] = backbone.weights.sha256

    def paint(self, item: Item, photo: np.ndarray) -> Painted:
        """The truth's map as the tokenizer gives it back."""
        size = (photo.shape[0], photo.shape[1])
        sheets = paint_truth(self.benchmark, item, self.legend, item.truth(), size)
        return {
            part: Sheet(through_tokenizer(self.tokenizer, sheet.map), sheet.codec)
            for part, sheet in sheets.items()
        }, {}


def paint_truth(
    benchmark: Benchmark, item: Item, legend: Legend | None, truth: Any, size: tuple[int, int]
) -> dict[str, Sheet]:
    """The truth as perfect painters would paint it for a photo of ``size``."""
    geometry = Geometry.fit(size, benchmark.protocol["long_side"])
    tasks, prompts = orders(benchmark, item, legend)
    labels = truth_labels(benchmark, item, truth, geometry.work_size)
    sheets = {}
    for part, task, prompt in zip(parts_of(benchmark), tasks, prompts, strict=True):
        codec = task.codec(prompt.legend)
        sheets[part] = Sheet(codec.encode(labels[part]), codec)
    return sheets


def codec_identity(benchmark: Benchmark, legend: Legend | None) -> dict[str, Any]:
    """The codecs, as far as they do not depend on the image."""
    specs = {}
    for part in parts_of(benchmark):
        kind = TASKS.get(part)
        task = kind()
        specs[part] = task.codec(legend if task.uses_legend else None).spec()
    return {"codec": specs.get(benchmark.task, specs), "holes": "nearest"}


def read_identity(benchmark: Benchmark, legend: Legend | None) -> dict[str, Any]:
    """What a painted map's answer depends on beside the painter: words, codecs, borders from the photo."""
    words = {part: TASKS.get(part)().text for part in parts_of(benchmark)}
    return codec_identity(benchmark, legend) | guided_identity(benchmark) | {"words": words}


def guided_identity(benchmark: Benchmark) -> dict[str, Any]:
    """The parts whose maps the photo guides (``Task.follow``), and how, where there are any."""
    tasks = {part: TASKS.get(part)() for part in parts_of(benchmark)}
    guided = {part: list(task.borders) for part, task in tasks.items() if task.guided}
    return {"guided": guided} if guided else {}


def item_seed(seed: int, name: str) -> int:
    """A 31-bit seed of the run's seed and the image's name: order and limit do not matter."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:4], "little") >> 1
