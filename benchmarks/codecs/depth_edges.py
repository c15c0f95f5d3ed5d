"""Metric depth where it is hard to paint: mixed pixels on an edge, and colour noise.

Two figures tell of pixels blended in RGB across an edge (all ratios; edges one to three pixels wide,
straight, slanted and blurred): the share that decodes outside [near, far] by more than rounding, and
the share farther than 10 % from both sides (flying pixels). Noise is Gaussian, sigma 12 of 255,
clipped and rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from visiongen.tasks.codecs.depth import CubeWalk, CubeWalkEdges

PAIRS = ((1, 10), (0.5, 50), (2, 5), (5, 60))
SIGMA = 12.0
Decode = Callable[[np.ndarray], np.ndarray]
Encode = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Idea:
    """A way to paint (uint8 (H, W, 3)) and to read (metres (H, W)), and its rounding error (m)."""

    name: str
    encode: Encode
    decode: Decode
    tolerance: Callable[[float], float]


def profiles() -> Iterator[np.ndarray]:
    """Shares of the far side, float (15, 24) in 0..1: every ratio, widths 1-3, slants, blurs."""
    columns = np.arange(24)
    for width in (1, 2, 3):
        for shift in np.linspace(0, 1, 33)[1:-1]:
            yield np.clip((columns - 10 + shift) / width, 0, 1)[None].repeat(15, 0)
    y, x = np.mgrid[:15, :24].astype(float)
    for angle in np.radians(range(0, 180, 15)):
        away = (x - 11.5) * np.cos(angle) + (y - 7) * np.sin(angle)
        yield np.clip(away + 0.5, 0, 1)  # antialiased
        yield cv2.GaussianBlur((away > 0).astype(float), (5, 5), 0.8)


def edges(idea: Idea, near: float, far: float, sigma: float = 0.0) -> tuple[float, float]:
    """Shares of mixed pixels that decode outside [near, far], and farther than 10 % from both."""
    ends = idea.encode(np.array([[near, far]], np.float32))[0].astype(float)
    rng = np.random.default_rng(7)
    low, high = near - idea.tolerance(near), far + idea.tolerance(far)
    out, fly = [], []
    for share in profiles():
        exact = ends[0] + share[..., None] * (ends[1] - ends[0])
        painted = np.clip((exact + rng.normal(0, sigma, exact.shape)).round(), 0, 255).astype(np.uint8)
        depth = idea.decode(painted)[(share > 0) & (share < 1)]
        out.append((depth < low) | (depth > high))
        fly.append(np.minimum(abs(depth / near - 1), abs(depth / far - 1)) > 0.1)
    return float(np.concatenate(out).mean()), float(np.concatenate(fly).mean())


def abs_rel(depth: np.ndarray, truth: np.ndarray) -> float:
    """Mean |depth - truth| / truth, infinity counted as 200 m."""
    return float((abs(np.minimum(depth, 200) - truth) / truth).mean())


def log_uniform(low: float, high: float, block: int = 1, size: int = 256) -> np.ndarray:
    """Depths float32 (size, size), each block x block of one random depth."""
    rng = np.random.default_rng(5)
    depth = np.exp(rng.uniform(np.log(low), np.log(high), (size // block, size // block)))
    return depth.repeat(block, 0).repeat(block, 1).astype(np.float32)


def under_noise(idea: Idea, truth: np.ndarray, sigma: float = SIGMA) -> float:
    """AbsRel of the painted truth under colour noise."""
    noise = np.random.default_rng(11).normal(0, sigma, (*truth.shape, 3))
    return abs_rel(idea.decode(np.clip((idea.encode(truth) + noise).round(), 0, 255).astype(np.uint8)), truth)


def cube(decode: Decode, name: str) -> Idea:
    """Painted on the cube walk, read by ``decode``."""
    return Idea(name, CubeWalk().encode, decode, lambda d: float(CubeWalk().tolerance(np.array(d))))


def figures(size: int = 256) -> list[dict[str, float | str]]:
    """How cubewalk@1 and @2, and plain projection, read 1 m | 10 m edges and noise (0.5 to 20 m).

    {"reader", "outside", "flying", "flying_noisy", "noisy_abs_rel"}: shares, and AbsRel over ``size`` x
    ``size`` independent log-uniform depths.
    """
    readers: dict[str, CubeWalk] = {
        "projection alone": CubeWalk(stray=1e9),
        "depth/cubewalk@1": CubeWalk(),
        "depth/cubewalk@2": CubeWalkEdges(),
    }
    rows: list[dict[str, float | str]] = []
    for name, codec in readers.items():
        idea = cube(lambda painted, codec=codec: codec.decode(painted)[0], name)  # type: ignore[misc]
        outside, flying = edges(idea, 1, 10)
        rows.append(
            {
                "reader": name,
                "outside": outside,
                "flying": flying,
                "flying_noisy": edges(idea, 1, 10, SIGMA)[1],
                "noisy_abs_rel": under_noise(idea, log_uniform(0.5, 20, size=size)),
            }
        )
    return rows
