"""Segmentation read as a posterior: colour noise, and mixes of two classes that are really nearby."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import cv2
import numpy as np
from scipy.special import ndtr

from visiongen.errors import InputError
from visiongen.tasks.codecs.base import check_map, check_positive
from visiongen.tasks.codecs.legend import LegendCodec, squared_distances

_BAND = 1 << 22  # numbers (pixels x classes) worked on at a time: 16 MB an array, more where a map is wide
_ANYTHING = 256.0**-3  # density of a colour that nothing explains, per cubic level
_WIDE = 24.0  # levels: how a colour that nothing explains is shared among the classes
_ABSENT = 1e-3  # votes that a class gets without being seen
_FAR = 0.02  # what a pixel up to three times the radius away may vote
_THIN = 0.02  # what a pixel on an edge may vote, of a flat one's 1
_PRESENT = 3  # classes of the neighbourhood whose pairs may mix
_BLUNT = 0.15  # spread of the share at which an edge's label changes (ideally 0.5)
_SAMPLE = 8192  # pixels that the noise is estimated from


@dataclass(frozen=True)
class LegendPosterior(LegendCodec):
    """Class probabilities under a model of how painted maps go wrong.

    p(class k | colour m) is proportional to the sum of three ways to have painted m: pi_k N(m; c_k,
    noise^2), a pure colour with Gaussian noise; ``mixing`` pi_k pi_j times the integral of N along
    the segment from c_k to c_j, where blur, resize or antialiasing mixed two colours; and a small
    uniform density, since a generator may paint anything. pi_k is the share of class k among the
    flat pixels at most ``radius`` pixels away, so a mix of A and B goes to A or B and not to a
    third colour between them that is nowhere near. ``noise`` is in colour levels; None estimates it
    from each map (see :func:`estimate_noise`). ``temperature`` t raises the result to 1/t; 1.5 makes up
    for errors that neighbours share, by its ECE on JPEG and the tokenizer's round trip (docs/log.md).
    """

    noise: float | None = None
    mixing: float = 1.0
    radius: int = 3
    temperature: float = 1.5

    name: ClassVar[str] = "legend/posterior@1"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(self.name, mixing=self.mixing, radius=self.radius, temperature=self.temperature)
        if self.noise is not None:
            check_positive(self.name, noise=self.noise)
        if self.radius != int(self.radius):
            raise InputError(f"codec {self.name}: radius={self.radius!r} must be a whole number of pixels")

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map -> ids uint8 (H, W), and the posterior probability of the id."""
        labels = np.empty(check_map(painted).shape[:2], np.uint8)
        confidence = np.empty(labels.shape, np.float32)
        for rows, values in self.bands(painted):
            labels[rows] = values.argmax(axis=2)
            confidence[rows] = values.max(axis=2)
        return labels, confidence

    def probabilities(self, painted: np.ndarray) -> np.ndarray:
        """Class probabilities float32 (H, W, K) of a map; :meth:`bands` never holds them all."""
        values = np.empty((*check_map(painted).shape[:2], len(self.legend)), np.float32)
        for rows, part in self.bands(painted):
            values[rows] = part
        return values

    def bands(self, painted: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Probabilities float32 (h, W, K) of a few rows at a time, from the top."""
        height, width = check_map(painted).shape[:2]
        noise = self.noise or self.estimate_noise(painted)
        reach = 3 * int(self.radius) + 1
        # What lies around a band is read with it: of fewer rows nearly all of the work would be that.
        rows = max(reach, _BAND // (width * len(self.legend)) - 2 * reach)
        for top in range(0, height, rows):
            stop = min(top + rows, height)
            start = max(0, top - reach)
            around = painted[start : stop + reach]
            yield slice(top, stop), self._band(around, slice(top - start, stop - start), noise)

    def _band(self, around: np.ndarray, rows: slice, noise: float) -> np.ndarray:
        """Probabilities (h, W, K) of ``rows`` of the picture ``around`` them."""
        h, w = around.shape[:2]
        distance: np.ndarray = squared_distances(around.reshape(-1, 3), self._colours).reshape(h, w, -1)
        pure = gauss(distance, noise) * (2 * np.pi * noise**2) ** -1.5
        prior = self._prior(pure, flatness(around, noise))[rows].reshape(-1, len(self.legend))
        pure = pure[rows].reshape(prior.shape)
        distance = distance[rows].reshape(prior.shape)
        values = prior * pure
        self._add_mixes(values, prior, distance, noise)
        least = distance.min(axis=1, keepdims=True)
        other = prior * gauss(distance - least, _WIDE)
        other *= _ANYTHING / other.sum(axis=1, keepdims=True)
        values += other
        # A legend colour to the last level is no accident: it outweighs every density.
        values += distance == 0
        if self.temperature != 1:
            values /= values.max(axis=1, keepdims=True)
            values **= 1 / self.temperature
        values /= values.sum(axis=1, keepdims=True)
        return values.reshape(rows.stop - rows.start, w, -1)

    def _prior(self, pure: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Shares (h, W, K) of the classes around each pixel, from densities and weights (h, W)."""
        votes = pure * (weight / (pure.sum(axis=2) + _ANYTHING))[..., None]
        # Where blur leaves no flat pixel that near, those three times as far off have their say.
        votes = box_sum(votes, int(self.radius)) + _FAR * box_sum(votes, 3 * int(self.radius)) + _ABSENT
        return votes / votes.sum(axis=2, keepdims=True)

    def _add_mixes(self, values: np.ndarray, prior: np.ndarray, distance: np.ndarray, noise: float) -> None:
        """Add to densities (N, K) those of mixes of two of the most present classes."""
        if len(self.legend) < 2:
            return
        edge = np.flatnonzero(prior.max(axis=1) < 0.98)
        count = min(_PRESENT, len(self.legend))
        top = np.argpartition(prior[edge], -count, axis=1)[:, -count:]
        for i, j in combinations(range(count), 2):
            a, b = top[:, i], top[:, j]
            weight = self.mixing * prior[edge, a] * prior[edge, b]
            length = np.linalg.norm(self._colours[a] - self._colours[b], axis=1)
            density, share = mix_density(distance[edge, a], distance[edge, b], length, noise)
            values[edge, a] += weight * density * (1 - share)
            values[edge, b] += weight * density * share

    def estimate_noise(self, painted: np.ndarray) -> float:
        """Noise in colour levels, at least 1, of a map (H, W, 3): the likeliest under a mixture.

        Expectation maximisation over a sample of pixels: every legend colour with one common noise,
        and a uniform density for mixes and anything else. Neighbours are not looked at.
        """
        flat = painted.reshape(-1, 3)
        distance = squared_distances(flat[:: max(1, len(flat) // _SAMPLE)], self._colours)
        least = distance.min(axis=1, keepdims=True)
        noise = float(np.clip(np.sqrt(np.median(least)) / 1.54, 2, 32))
        prior = np.full(len(self.legend), 0.8 / len(self.legend), np.float32)
        for _ in range(12):
            density = prior * gauss(distance, noise) * (2 * np.pi * noise**2) ** -1.5
            density /= density.sum(axis=1, keepdims=True) + (1 - prior.sum()) * _ANYTHING
            prior = (density.sum(axis=0) + 0.1) / (len(distance) + 0.1 * (len(prior) + 1))
            noise = float(np.sqrt((density * distance).sum() / (3 * density.sum() + 1e-9)))
            noise = float(np.clip(noise, 1, 48))
        return noise


def box_sum(values: np.ndarray, radius: int) -> np.ndarray:
    """Sums over the (2 radius + 1)^2 pixels around each, of values float32 (H, W, K), at least 0."""
    h, w, k = values.shape
    sums = _sum_down(values.reshape(h, w * k), radius).reshape(h, w, k)
    # Columns: the picture as one tall column of pixels, empty ones between the rows.
    apart = np.pad(sums, ((0, 0), (radius, radius), (0, 0)))
    tall = _sum_down(apart.reshape(-1, k), radius)
    return np.maximum(tall.reshape(apart.shape)[:, radius : radius + w], 0)


def _sum_down(table: np.ndarray, radius: int) -> np.ndarray:
    """Sums over 2 radius + 1 rows around each, of a table (N, M); OpenCV takes no more channels."""
    side = 2 * radius + 1
    return cv2.boxFilter(table, -1, (1, side), normalize=False, borderType=cv2.BORDER_CONSTANT)


def gauss(squared: np.ndarray, sigma: float) -> np.ndarray:
    """exp(-squared / 2 sigma^2), at least 1e-26: numbers too small for float32's range are slow."""
    values = squared * (-0.5 / sigma**2)
    np.maximum(values, -60, out=values)
    return np.exp(values, out=values)


def mix_density(
    to_a: np.ndarray, to_b: np.ndarray, length: np.ndarray, noise: float
) -> tuple[np.ndarray, np.ndarray]:
    """Density of a colour under mixes of a and b in even shares, and the probability of label b.

    ``to_a`` and ``to_b`` are squared distances to the two colours, ``length`` is their distance.
    """
    at = (to_a - to_b + length**2) / (2 * length**2)  # 0 at a, 1 at b
    across = np.maximum(to_a - (at * length) ** 2, 0)
    sigma = noise / length
    along = (ndtr((1 - at) / sigma) - ndtr(-at / sigma)) / length
    density = along * gauss(across, noise) / (2 * np.pi * noise**2)
    return density, ndtr((at - 0.5) / np.sqrt(sigma**2 + _BLUNT**2))


def flatness(painted: np.ndarray, noise: float) -> np.ndarray:
    """1 inside a region, near 0 on an edge: float32 (H, W), by the step to the four neighbours."""
    padded = np.pad(painted.astype(np.float32), ((1, 1), (1, 1), (0, 0)), "edge")
    down = ((padded[1:, 1:-1] - padded[:-1, 1:-1]) ** 2).sum(axis=2)
    right = ((padded[1:-1, 1:] - padded[1:-1, :-1]) ** 2).sum(axis=2)
    step = (down[1:] + down[:-1] + right[:, 1:] + right[:, :-1]) / 4
    return np.maximum(np.exp(step * (-1 / 24 / noise**2)), _THIN)
