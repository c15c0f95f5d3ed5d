"""How far decoded labels are from the true ones, in each codec's own unit, and what a blind guess costs.

A blind guess is the best constant that can be said of the very frames that are measured: the same for
every frame, by pixel or by row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from visiongen.benchmarks import priors
from visiongen.benchmarks.metrics import depth, instances, normals, panoptic
from visiongen.tasks.codecs.base import Codec

Arrays = Sequence[np.ndarray]
FAR = 80.0  # metres


class Measure(ABC):
    """One number for a codec over some label maps."""

    name: ClassVar[str]
    higher_is_better: ClassVar[bool] = False

    @abstractmethod
    def score(self, codec: Codec, truths: Arrays, decoded: Arrays) -> float:
        """Over all maps."""

    @abstractmethod
    def blind(self, codec: Codec, truths: Arrays) -> Arrays:
        """A guess for every map, made without it."""


class WrongPixels(Measure):
    """Share of pixels of the wrong class; blind: the most frequent class of that map."""

    name = "wrong pixels"

    def score(self, codec: Codec, truths: Arrays, decoded: Arrays) -> float:
        """Share."""
        return float(np.mean([(t != d).mean() for t, d in zip(truths, decoded, strict=True)]))

    def blind(self, codec: Codec, truths: Arrays) -> Arrays:
        """Classes are numbered anew for every map, so each gets its own."""
        return [np.full_like(t, np.bincount(t.ravel()).argmax()) for t in truths]


class Metres(Measure):
    """AbsRel from 0.1 m to 80 m, or to what the codec can tell; blind: the median of each row."""

    name = "AbsRel"

    def score(self, codec: Codec, truths: Arrays, decoded: Arrays) -> float:
        """Mean over maps."""
        limits = (0.1, min(FAR, getattr(codec, "far", FAR)))
        sums = [depth.image_sums(t, d, limits)["none"] for t, d in zip(truths, decoded, strict=True)]
        return float(depth.from_sums(np.array(sums))["AbsRel"].mean())

    def blind(self, codec: Codec, truths: Arrays) -> Arrays:
        """One depth a row."""
        guess = priors.rows(np.stack(truths))
        return [np.broadcast_to(guess[:, None], t.shape) for t in truths]


class Relative(Measure):
    """Mean absolute error of relative depth in [0, 1]; blind: the mean of each pixel."""

    name = "mean error"

    def score(self, codec: Codec, truths: Arrays, decoded: Arrays) -> float:
        """Over pixels whose truth is known."""
        wanted = [codec.relative(t) for t in truths]  # type: ignore[attr-defined]
        return float(np.mean([np.nanmean(abs(w - d)) for w, d in zip(wanted, decoded, strict=True)]))

    def blind(self, codec: Codec, truths: Arrays) -> Arrays:
        """The mean."""
        return [priors.mean([codec.relative(t) for t in truths])] * len(truths)  # type: ignore[attr-defined]


class Degrees(Measure):
    """Mean angle over all pixels; blind: the mean normal of each row."""

    name = "mean angle (deg)"

    def score(self, codec: Codec, truths: Arrays, decoded: Arrays) -> float:
        """Pooled."""
        errors = [normals.angular_error(t, d) for t, d in zip(truths, decoded, strict=True)]
        return float(np.concatenate(errors).mean())

    def blind(self, codec: Codec, truths: Arrays) -> Arrays:
        """One normal a row."""
        guess = priors.rows(np.stack(truths))
        return [np.broadcast_to(guess[:, None], t.shape) for t in truths]


class Fractions(Measure):
    """RMSE of numbers in [0, 1] over all pixels and channels; blind: the mean of each pixel."""

    name = "RMSE"

    def score(self, codec: Codec, truths: Arrays, decoded: Arrays) -> float:
        """Pooled; pictures count in fractions of 255."""
        pairs = [(_unit(t), _unit(d)) for t, d in zip(truths, decoded, strict=True)]
        return float(np.sqrt(np.mean([((t - d) ** 2).mean() for t, d in pairs])))

    def blind(self, codec: Codec, truths: Arrays) -> Arrays:
        """The mean."""
        return [priors.mean([_unit(t) for t in truths])] * len(truths)


class Overlap(Measure):
    """Mean best overlap (IoU) of the true instances; blind: the best blob as the only instance."""

    name = "mean best IoU"
    higher_is_better = True

    def score(self, codec: Codec, truths: Arrays, decoded: Arrays) -> float:
        """Over all instances."""
        stats = [instances.image_stats(t, d, min_area=1) for t, d in zip(truths, decoded, strict=True)]
        return sum(s["overlap"] for s in stats) / max(1, sum(s["truths"] for s in stats))

    def blind(self, codec: Codec, truths: Arrays) -> Arrays:
        """One blob."""
        return [priors.best_blob([t > 0 for t in truths]).astype(np.int32)] * len(truths)


class Panoptic(Measure):
    """PQ of each map by its own classes, mean over maps; blind: the largest segment everywhere."""

    name = "PQ"
    higher_is_better = True

    def score(self, codec: Codec, truths: Arrays, decoded: Arrays) -> float:
        """Each map's classes are its own, so each has its own PQ."""
        found = []
        for truth, given in zip(truths, decoded, strict=True):
            count = int(max(truth.max(), given.max())) // panoptic.MANY + 1
            vector = panoptic.vector(panoptic.image_stats(truth, given, count), count)
            found.append(float(panoptic.scores(vector, [str(k) for k in range(count)])["PQ"]))
        return float(np.mean(found))

    def blind(self, codec: Codec, truths: Arrays) -> Arrays:
        """One segment everywhere."""
        return [np.full_like(t, np.bincount(t.ravel()).argmax()) for t in truths]


def _unit(values: np.ndarray) -> np.ndarray:
    return values / 255 if values.dtype == np.uint8 else values


def measure_for(codec: Codec) -> Measure:
    """By the first part of the codec's name, and for depth by its unit."""
    kind = codec.name.split("/")[0]
    if kind == "depth":
        return Metres() if codec.unit == "m" else Relative()
    known: dict[str, type[Measure]] = {
        "legend": WrongPixels,
        "normals": Degrees,
        "instance": Overlap,
        "panoptic": Panoptic,
    }
    return known.get(kind, Fractions)()
