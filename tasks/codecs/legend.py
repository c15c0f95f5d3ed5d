"""Segmentation: each class in its legend colour, read back as the nearest one."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from visiongen.errors import CodecError, InputError, VisiongenError
from visiongen.prompt import Legend, hex_colour
from visiongen.resize import nearest_fill
from visiongen.tasks.codecs.base import Codec, check_map, check_positive, check_spec

UNKNOWN = 255
_CHUNK = 1 << 16
_STEPS = 300  # of choose_legend_colours
_SEGMENTS = 600  # pairs of colours that a step looks at


@dataclass(frozen=True)
class LegendCodec(Codec):
    """What every reading of legend colours shares: painting, the specification, colour distances.

    A subclass has ``legend`` first and adds its own parameters, ``decode`` and ``probabilities``.
    """

    legend: Legend

    unit: ClassVar[str] = "class id"
    bound: ClassVar[str] = "exact for every id of the legend"

    def __post_init__(self) -> None:
        if len(self.legend) > UNKNOWN:
            raise InputError(f"legend: {len(self.legend)} entries; id 255 is 'unknown', so 255 at most")

    def spec(self) -> dict[str, Any]:
        """Name, legend as [name, "#rrggbb"] pairs, and every other parameter as it is."""
        legend = self.legend
        pairs = [[n, hex_colour(colour)] for n, colour in zip(legend.names, legend.colours, strict=True)]
        return super().spec() | {"legend": pairs}

    @classmethod
    def from_spec(cls, spec: dict[str, Any]) -> LegendCodec:
        """The codec that ``spec`` describes; anything odd raises CodecError."""
        check_spec(cls, spec)
        try:
            legend = Legend.of([(name, colour) for name, colour in spec["legend"]])
            return cls(legend, **{k: v for k, v in spec.items() if k not in ("name", "legend")})
        except (TypeError, ValueError, VisiongenError) as error:
            raise CodecError(f"codec {cls.name}: bad specification ({error})") from error

    @cached_property
    def _colours(self) -> np.ndarray:
        return self.legend.array().astype(np.float32)

    @cached_property
    def _table(self) -> np.ndarray:
        """uint8 (256, 3): colour of every id; 255 gets the colour farthest from the legend."""
        table = np.zeros((256, 3), np.uint8)
        table[: len(self.legend)] = self.legend.array()
        table[UNKNOWN] = farthest_colour(self.legend.array())
        return table

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Ids int (H, W) -> map; 255 (ignored) gets the colour farthest from the whole legend."""
        ids = np.asarray(labels)
        if ids.ndim != 2 or ids.dtype.kind not in "iu":
            raise InputError(f"labels: {ids.dtype} {ids.shape} are not class ids; give ints (H, W)")
        bad = ((ids < 0) | (ids >= len(self.legend))) & (ids != UNKNOWN)
        if bad.any():
            raise InputError(
                f"labels: id {int(ids[bad][0])} is not in the legend of {len(self.legend)}; use 0-"
                f"{len(self.legend) - 1}, or 255 to ignore"
            )
        return self._table[ids]

    @abstractmethod
    def probabilities(self, painted: np.ndarray) -> np.ndarray:
        """Class probabilities float32 (H, W, K) of a map uint8 (H, W, 3); they sum to 1 over K."""


@dataclass(frozen=True)
class LegendNearest(LegendCodec):
    """Nearest legend colour; a softmax over squared distances gives the confidence.

    ``temperature`` t is in colour levels: p(k) ~ exp(-|m - c_k|^2 / 2t^2). ``unknown_distance``
    in levels, or None for off: pixels farther than that from every colour become 255, with confidence 0.
    """

    temperature: float = 24.0
    unknown_distance: float | None = None

    name: ClassVar[str] = "legend/nearest@1"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(self.name, temperature=self.temperature)
        if self.unknown_distance is not None:
            check_positive(self.name, unknown_distance=self.unknown_distance)

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> ids uint8 (H, W), 255 = unknown, and the softmax probability of the id, 0 where unknown."""
        flat = check_map(painted).reshape(-1, 3)
        labels = np.empty(len(flat), np.uint8)
        confidence = np.empty(len(flat), np.float32)
        for start in range(0, len(flat), _CHUNK):
            part = slice(start, start + _CHUNK)
            distance = squared_distances(flat[part], self._colours)
            best = distance.argmin(axis=1)
            nearest = np.take_along_axis(distance, best[:, None], 1)
            distance -= nearest
            distance *= -0.5 / self.temperature**2
            confidence[part] = 1 / np.exp(distance, out=distance).sum(axis=1)
            if self.unknown_distance is not None:
                # The softmax knows no "none of them": far from all colours one is often nearest by far.
                unknown = nearest[:, 0] > self.unknown_distance**2
                best[unknown] = UNKNOWN
                confidence[part][unknown] = 0
            labels[part] = best
        shape = painted.shape[:2]
        return labels.reshape(shape), confidence.reshape(shape)

    def probabilities(self, painted: np.ndarray) -> np.ndarray:
        """Class probabilities float32 (H, W, K) of a map; they sum to 1 over K."""
        distance = squared_distances(check_map(painted).reshape(-1, 3), self._colours)
        distance -= distance.min(axis=1, keepdims=True)
        distance *= -0.5 / self.temperature**2
        np.exp(distance, out=distance)
        distance /= distance.sum(axis=1, keepdims=True)
        return distance.reshape(*painted.shape[:2], len(self.legend))


def squared_distances(pixels: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Squared distances float32 (N, K) of uint8 pixels (N, 3) to whole-numbered colours (K, 3).

    Exact: all terms are whole numbers below 2**24.
    """
    values = pixels.astype(np.float32)
    colours = np.asarray(colours, np.float32)
    distance = values @ (-2 * colours.T)
    distance += (values * values).sum(axis=1, keepdims=True)
    distance += (colours * colours).sum(axis=1)
    return distance


def nearest_colours(picture: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Which of ``colours`` (K, 3), at most 256, is nearest to each pixel uint8 (H, W, 3): uint8 (H, W).

    A part at a time: all distances of a large picture at once would fill the memory.
    """
    flat = picture.reshape(-1, 3)
    found = np.empty(len(flat), np.uint8)
    for start in range(0, len(flat), _CHUNK):
        part = slice(start, start + _CHUNK)
        found[part] = squared_distances(flat[part], colours).argmin(axis=1)
    return found.reshape(picture.shape[:2])


def farthest_colour(colours: np.ndarray) -> np.ndarray:
    """The colour of a 9-level grid farthest from all of ``colours`` (K, 3); uint8 (3,)."""
    levels = np.linspace(0, 255, 9).round()
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)
    gap = np.linalg.norm(grid[:, None] - colours[None].astype(float), axis=2).min(axis=1)
    return grid[gap.argmax()].astype(np.uint8)


def fill_ignored(labels: np.ndarray) -> np.ndarray:
    """Labels (H, W) with every 255 replaced by the nearest valid id (all 255: unchanged).

    An ignored pixel should not put a foreign colour beside the valid ones when it is painted.
    """
    return nearest_fill(labels, labels == UNKNOWN, mask=3)[0]


def _check_count(k: int) -> None:
    if not 1 <= k <= UNKNOWN:
        raise InputError(f"legend: {k} colours asked for; 1 to {UNKNOWN} are possible")


def random_legend_colours(k: int, rng: np.random.Generator) -> np.ndarray:
    """Draw k colours uint8 (k, 3), far apart and with no 50/50 mix of two near a third.

    Greedy over random candidates: each step takes, at random, one of the candidates that keep the
    best distances to the chosen colours, to their midpoints, and of its own midpoints to them.
    """
    _check_count(k)
    pool = rng.integers(0, 256, (max(192, 6 * k), 3)).astype(np.float32)
    score = np.full(len(pool), np.inf, np.float32)
    chosen = np.empty((k, 3), np.float32)
    for i in range(k):
        good = np.flatnonzero(score >= 0.8 * score.max()) if i else np.arange(len(pool))
        new = pool[rng.choice(good)]
        old, chosen[i] = chosen[:i], new
        np.minimum(score, _gap(pool, new[None]), out=score)
        if i:
            # A midpoint only matters at half the weight: it is a thin border, not a region.
            np.minimum(score, 1.5 * _gap(pool, (old + new) / 2), out=score)
            if k <= 48:
                mirrored = np.concatenate([2 * new - old, 2 * old - new])
                np.minimum(score, 0.75 * _gap(pool, mirrored), out=score)
    return chosen.astype(np.uint8)


def _gap(pool: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Distance of every row of pool (M, 3) to the nearest of points (P, 3); float32 (M,)."""
    squared = pool @ (-2 * points.T)
    squared += (points * points).sum(axis=1)
    nearest = squared.min(axis=1) + (pool * pool).sum(axis=1)
    return np.sqrt(np.maximum(nearest, 0))


def choose_legend_colours(k: int, rng: np.random.Generator) -> np.ndarray:
    """Choose k colours uint8 (k, 3), far apart and each far from the mixes of any two others.

    Random colours repel one another, and the segments between pairs of the others, while the steps
    they take grow shorter. For a legend that will be kept; training draws
    :func:`random_legend_colours`, whose palettes are quicker and vary more.
    """
    _check_count(k)
    colours = rng.uniform(0, 255, (k, 3)).astype(np.float32)
    reach = 127.5 / np.cbrt(k)
    first, second = np.triu_indices(k, 1)
    for left in np.linspace(1, 0, _STEPS if k > 1 else 0, endpoint=False):
        some = rng.permutation(len(first))[:_SEGMENTS]
        push = _push_apart(colours, reach)
        push += 2 * _push_off(colours, first[some], second[some], reach / 2)
        size = np.linalg.norm(push, axis=1, keepdims=True)
        stride = left * reach / 4 / np.maximum(size, 0.1 * size.max() + 1e-9)
        colours = np.clip(colours + push * stride, 0, 255)
    return colours.round().astype(np.uint8)


def _push_apart(colours: np.ndarray, reach: float) -> np.ndarray:
    """Repulsion (K, 3) of every colour by the others, falling as a Gaussian of ``reach`` levels."""
    away = colours[:, None] - colours
    weight = np.exp((away**2).sum(axis=2) * (-0.5 / reach**2))
    return np.einsum("kj,kjc->kc", weight, away)


def _push_off(colours: np.ndarray, first: np.ndarray, second: np.ndarray, reach: float) -> np.ndarray:
    """Repulsion (K, 3) between colours and the segments from ``first`` to ``second`` (ids (P,))."""
    start, along = colours[first], colours[second] - colours[first]
    length = (along**2).sum(axis=1) + 1e-6
    offset = colours @ along.T - (start * along).sum(axis=1)  # (K, P)
    at = np.clip(offset / length, 0, 1)
    squared = (colours**2).sum(axis=1)[:, None] - 2 * colours @ start.T + (start**2).sum(axis=1)
    squared += at * (at * length - 2 * offset)
    # Divided by the distance: a colour right on a segment must feel it too.
    weight = np.exp(squared * (-0.5 / reach**2)) * (reach / (np.sqrt(np.maximum(squared, 0)) + 1))
    pair = np.arange(len(first))
    weight[first, pair] = weight[second, pair] = 0
    push = colours * weight.sum(axis=1, keepdims=True) - weight @ start - (weight * at) @ along
    for end, share in ((first, weight * (1 - at)), (second, weight * at)):
        whole, part = share.sum(axis=0)[:, None], (share * at).sum(axis=0)[:, None]
        np.add.at(push, end, start * whole + along * part - share.T @ colours)
    return push
