"""The rows of a result: who answers. The model itself, and what its number is measured against.

blind       a guess from the train split that never looks at the photo
codec       truth -> map -> labels at the working size: what size and codec alone cost
ceiling     the same through the tokenizer: the best any painting of this backbone can score
specialist  a small U-Net for this task alone, trained on the same data
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from visiongen.benchmarks.base import Benchmark, Item
from visiongen.errors import InputError
from visiongen.image import Geometry, resize_nearest
from visiongen.prompt import Legend
from visiongen.registry import TASKS

if TYPE_CHECKING:
    from visiongen.backbones.base import Backbone
    from visiongen.benchmarks.specialist import Specialist

Answer = tuple[np.ndarray, dict[str, Any]]  # labels in the truth's size, decode statistics


class Row(ABC):
    """One way to answer every image. ``identity`` is everything that can change its answers."""

    name: str
    identity: dict[str, Any]

    @abstractmethod
    def answer(self, item: Item, photo: np.ndarray) -> Answer:
        """Labels for one photo uint8 (H, W, 3)."""


class ModelRow(Row):
    """The backbone under test, through the same ``predict`` that users call."""

    name = "model"

    def __init__(
        self, benchmark: Benchmark, backbone: Backbone, mode: str, seed: int, legend: Legend | None
    ) -> None:
        self.benchmark, self.backbone = benchmark, backbone
        self.mode, self.seed, self.legend = mode, seed, legend
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

        prediction = predict(
            self.benchmark.task,
            photo,
            legend=self.legend,
            mode=self.mode,
            seed=item_seed(self.seed, item.id),
            backbone=self.backbone,
            long_side=self.benchmark.protocol["long_side"],
        )
        return prediction.labels, prediction.stats


class BlindRow(Row):
    """A guess from the train split; see the protocol's ``blind``."""

    name = "blind"

    def __init__(self, benchmark: Benchmark, data: str | Path | None) -> None:
        self.guess = benchmark.blind(data)
        probe = np.ascontiguousarray(self.guess((64, 64)))
        self.identity = {"prior": hashlib.sha256(probe.tobytes()).hexdigest()}

    def answer(self, item: Item, photo: np.ndarray) -> Answer:
        """The guess in the photo's size."""
        return self.guess((photo.shape[0], photo.shape[1])), {}


class CeilingRow(Row):
    """Truth painted, passed through the tokenizer (unless None), decoded and scored."""

    def __init__(self, benchmark: Benchmark, legend: Legend | None, backbone: Backbone | None = None) -> None:
        self.benchmark = benchmark
        self.name = "codec" if backbone is None else "ceiling"
        self.tokenizer = None if backbone is None else tokenizer_of(backbone)
        self.codec = TASKS.get(benchmark.task)().codec(legend)
        self.identity = {"codec": self.codec.spec()}
        if backbone is not None and backbone.weights is not None:
            self.identity["weights"] = backbone.weights.sha256

    def answer(self, item: Item, photo: np.ndarray) -> Answer:
        """What is left of the truth."""
        truth = item.truth()
        geometry = Geometry.fit((truth.shape[0], truth.shape[1]), self.benchmark.protocol["long_side"])
        painted = self.codec.encode(self._shrink(truth, geometry.work_size))
        if self.tokenizer is not None:
            painted = through_tokenizer(self.tokenizer, painted)
        labels, _ = self.codec.decode(painted)
        return TASKS.get(self.benchmark.task)().undo(geometry, labels), {}

    def _shrink(self, truth: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        small = resize_nearest(truth, size)
        if self.benchmark.task == "semantic":
            from visiongen.tasks.codecs.legend import fill_ignored

            return fill_ignored(small)
        return small


class SpecialistRow(Row):
    """The shipped specialist of this benchmark, at the same working size."""

    name = "specialist"

    def __init__(self, benchmark: Benchmark, model: Specialist, sha256: str) -> None:
        self.benchmark, self.model = benchmark, model
        self.identity = {"weights": sha256, "long_side": benchmark.protocol["long_side"]}

    @classmethod
    def shipped(cls, benchmark: Benchmark) -> SpecialistRow:
        """From ``visiongen.weights``; WeightsError when missing, altered or of another task."""
        from visiongen import weights
        from visiongen.benchmarks.specialist import load_specialist

        name = benchmark.protocol["specialist"]
        model = load_specialist(weights.check(name))
        if model.config.task != benchmark.task:
            raise InputError(f"weights {name!r}: made for {model.config.task}, not {benchmark.task}")
        return cls(benchmark, model, weights.entry(name).sha256)

    def answer(self, item: Item, photo: np.ndarray) -> Answer:
        """Predict at the working size and undo the resize."""
        geometry = Geometry.fit((photo.shape[0], photo.shape[1]), self.benchmark.protocol["long_side"])
        output = self.model.predict(geometry.apply(photo))
        return TASKS.get(self.benchmark.task)().undo(geometry, output), {}


def tokenizer_of(backbone: Backbone) -> Any:
    """The backbone's image tokenizer; InputError for a backbone without one."""
    tokenizer = getattr(backbone, "tokenizer", None)
    if tokenizer is None:
        raise InputError(f"backbone {backbone.name!r}: it has no tokenizer, so no ceiling")
    return tokenizer


def through_tokenizer(tokenizer: Any, painted: np.ndarray) -> np.ndarray:
    """A map uint8 (h, w, 3), sides multiples of 8, encoded to tokens and decoded again."""
    import torch

    device = next(tokenizer.parameters()).device
    image = torch.from_numpy(np.ascontiguousarray(painted)).to(device).permute(2, 0, 1)[None]
    with torch.inference_mode():
        decoded = tokenizer.decode(tokenizer.encode(image.float() / 127.5 - 1))[0]
    levels = ((decoded.float() + 1) * 127.5).round().clamp(0, 255)
    return levels.to(torch.uint8).permute(1, 2, 0).cpu().numpy()


def item_seed(seed: int, name: str) -> int:
    """A 31-bit seed of the run's seed and the image's name: order and limit do not matter."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:4], "little") >> 1
