"""The rows of a result: who answers. The model itself, and what its number is measured against.

blind       a guess from the train split that never looks at the photo
codec       truth -> map -> labels at the working size: what size and codec alone cost
ceiling     the same through the tokenizer: the best any painting of this backbone can score
specialist  a small U-Net for this task alone, trained on the same data
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from visiongen.benchmarks.base import Benchmark, Item
from visiongen.benchmarks.roundtrip import through_tokenizer, tokenizer_of
from visiongen.errors import InputError, UsageError
from visiongen.files import sha256
from visiongen.image import Geometry
from visiongen.prompt import Legend, Prompt
from visiongen.registry import TASKS
from visiongen.tasks.base import Task

if TYPE_CHECKING:
    from visiongen.backbones.base import Backbone
    from visiongen.benchmarks.specialist import Specialist

Answer = tuple[np.ndarray, dict[str, Any]]  # what the scorer compares with the truth, decode statistics
PROMPTING = ("legend", "examples")  # options of predict that are the prompt's and not a task's


class Row(ABC):
    """One way to answer every image. ``identity`` is everything that can change its answers."""

    name: str
    identity: dict[str, Any]

    @abstractmethod
    def answer(self, item: Item, photo: np.ndarray) -> Answer:
        """The answer for one photo uint8 (H, W, 3)."""


class ModelRow(Row):
    """The backbone under test, through the same ``predict`` that users call."""

    name = "model"

    def __init__(
        self, benchmark: Benchmark, backbone: Backbone, mode: str, seed: int, legend: Legend | None
    ) -> None:
        self.benchmark, self.backbone = benchmark, backbone
        self.mode, self.seed, self.legend = mode, seed, legend
        self.scorer = benchmark.scorer
        weights = backbone.weights
        self.identity = {
            "weights": weights.sha256 if weights else backbone.name,
            "mode": mode,
            "seed": seed,
            "legend": str(legend) if legend else None,
        }

    def answer(self, item: Item, photo: np.ndarray) -> Answer:
        """Paint and decode; the sampler's seed depends on the image's name, not on its place."""
        from visiongen.tasks import predict

        asked: dict[str, Any] = {"legend": self.legend, **item.options}
        prediction = predict(
            self.benchmark.task,
            photo,
            mode=self.mode,
            seed=item_seed(self.seed, item.id),
            backbone=self.backbone,
            long_side=self.benchmark.protocol["long_side"],
            **asked,
        )
        return self.scorer.answer(prediction, item.options), prediction.stats


class BlindRow(Row):
    """A guess from the train split; see the protocol's ``blind``."""

    name = "blind"

    def __init__(self, benchmark: Benchmark, data: str | Path | None) -> None:
        self.scorer = benchmark.scorer
        self.guess = benchmark.blind(data)
        probe = np.ascontiguousarray(self.guess((64, 64)))
        self.identity = {"prior": hashlib.sha256(probe.tobytes()).hexdigest()}

    def answer(self, item: Item, photo: np.ndarray) -> Answer:
        """The guess in the photo's size."""
        guess = self.guess((photo.shape[0], photo.shape[1]))
        return self.scorer.choose(guess, item.options), {}


class CeilingRow(Row):
    """Truth painted, passed through the tokenizer (unless None), decoded and scored."""

    def __init__(self, benchmark: Benchmark, legend: Legend | None, backbone: Backbone | None = None) -> None:
        self.benchmark, self.scorer, self.legend = benchmark, benchmark.scorer, legend
        self.name = "codec" if backbone is None else "ceiling"
        self.tokenizer = None if backbone is None else tokenizer_of(backbone)
        self.identity = {"codec": TASKS.get(benchmark.task)().codec(legend).spec()}
        if backbone is not None and backbone.weights is not None:
            self.identity["weights"] = backbone.weights.sha256

    def answer(self, item: Item, photo: np.ndarray) -> Answer:
        """What is left of the truth."""
        truth = item.truth()
        geometry = Geometry.fit((photo.shape[0], photo.shape[1]), self.benchmark.protocol["long_side"])
        task, prompt = order(self.benchmark.task, item.options, self.legend)
        labels = self.scorer.labels(self.scorer.shrink(truth, geometry.work_size), item.options)
        painted = task.codec(prompt.legend).encode(labels)
        if self.tokenizer is not None:
            painted = through_tokenizer(self.tokenizer, painted)
        return self.scorer.answer(task.decode(painted, geometry, prompt), item.options), {}


class SpecialistRow(Row):
    """A specialist of this benchmark's task, at the same working size."""

    name = "specialist"

    def __init__(self, benchmark: Benchmark, model: Specialist, sha256: str, legend: Legend | None) -> None:
        if model.config.task != benchmark.task:
            raise InputError(f"specialist: made for {model.config.task}, not {benchmark.task}; give another")
        self.benchmark, self.model, self.legend = benchmark, model, legend
        self.scorer = benchmark.scorer
        self.identity = {"weights": sha256, "long_side": benchmark.protocol["long_side"]}

    @classmethod
    def find(cls, benchmark: Benchmark, runs: Sequence[str | Path], legend: Legend | None) -> SpecialistRow:
        """The one of ``runs`` (folders or weights files) that is meant, else the shipped one.

        Of the runs made for this task, the one called like the benchmark's recipe comes first, then
        those called like no recipe; one of another benchmark's recipe is taken if nothing ships.
        WeightsError: missing or altered. InputError: there is none.
        """
        from visiongen import weights
        from visiongen.benchmarks.specialist import load_specialist
        from visiongen.training.start import find

        own = recipe_of(benchmark)
        shipped = benchmark.protocol.get("specialist")
        found = []
        for run in runs:
            model = load_specialist(find(run))
            if model.config.task == benchmark.task:
                name = Path(run).stem
                found.append((name != own, name.startswith("specialist-") and name != own, run, model))
        found.sort(key=lambda one: one[:2])
        if found and not (found[0][1] and shipped):
            *_, run, model = found[0]
            return cls(benchmark, model, sha256(find(run)), legend)
        if shipped is None:
            raise InputError(
                f"none ships for {benchmark.name}; train one (visiongen train {own}) and give its folder "
                "as --specialist"
            )
        model = load_specialist(weights.check(shipped))
        return cls(benchmark, model, weights.entry(shipped).sha256, legend)

    def answer(self, item: Item, photo: np.ndarray) -> Answer:
        """Look at the working size, read like any other painting, and undo the resize."""
        geometry = Geometry.fit((photo.shape[0], photo.shape[1]), self.benchmark.protocol["long_side"])
        task, prompt = order(self.benchmark.task, item.options, self.legend)
        prediction = self.model.prediction(geometry.apply(photo), task, prompt, geometry)
        return self.scorer.answer(prediction, item.options), {}


def recipe_of(benchmark: Benchmark) -> str:
    """The recipe of a benchmark's specialist: one of its own name, else of its task's."""
    from visiongen.training.recipe import find_recipe

    try:
        return find_recipe(f"specialist-{benchmark.name}").stem
    except UsageError:
        return f"specialist-{benchmark.task}"


def order(task: str, options: Mapping[str, Any], legend: Legend | None) -> tuple[Task, Prompt]:
    """The task object and the prompt that ``predict`` would make of an item's options."""
    made: Task = TASKS.get(task)(**{k: v for k, v in options.items() if k not in PROMPTING})
    chosen = options.get("legend", legend)
    return made, made.prompt(chosen if made.uses_legend else None)


def item_seed(seed: int, name: str) -> int:
    """A 31-bit seed of the run's seed and the image's name: order and limit do not matter."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:4], "little") >> 1
