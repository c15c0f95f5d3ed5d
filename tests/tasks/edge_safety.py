"""What each way of painting and reading metric depth does on edges, under noise and on thin things.

Run it for the table in docs/log.md::

    PYTHONPATH=. python tests/tasks/edge_safety.py [WORD in the name of an idea]

Two columns of `1|10` tell of pixels blended in RGB (all ratios; edges one to three pixels wide,
straight and slanted and blurred): `out` is the share that decodes outside [near, far] by more
than rounding, `fly` the share farther than 10 % from both sides. Noise is Gaussian, sigma 12 of
255, clipped and rounded; its AbsRel is over log-uniform depths, pixels independent (`iid`) or in
blocks of 16 x 16 (`block`). Ramp and poles are free of noise.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np

from visiongen.benchmarks.codecs.depth_edges import (
    PAIRS,
    SIGMA,
    Idea,
    abs_rel,
    cube,
    edges,
    log_uniform,
    under_noise,
)
from visiongen.tasks.codecs.depth import CubeWalk, CubeWalkEdges, project


def ramp() -> np.ndarray:
    """A floor from 0.5 to 80 m, float32 (96, 512)."""
    return np.geomspace(0.5, 80, 512, dtype=np.float32)[None].repeat(96, 0)


def pole(width: int, near: float = 2.0, far: float = 20.0) -> np.ndarray:
    """A pole of ``width`` pixels before a wall, float32 (64, 64)."""
    depth = np.full((64, 64), far, np.float32)
    depth[:, 30 : 30 + width] = near
    return depth


def thin(idea: Idea, width: int, sigma: float = 0.0) -> float:
    """AbsRel on the pole's own pixels."""
    truth = pole(width)
    noise = np.random.default_rng(3).normal(0, sigma, (*truth.shape, 3))
    depth = idea.decode(np.clip((idea.encode(truth) + noise).round(), 0, 255).astype(np.uint8))
    on = truth < 10
    return abs_rel(depth[on], truth[on])


def clean(idea: Idea, truth: np.ndarray) -> float:
    """AbsRel without noise."""
    return abs_rel(idea.decode(idea.encode(truth)), truth)


# ---- ideas -------------------------------------------------------------------------------------


class OtherWalk:
    """Another polyline through the cube, same f(d); read by the nearest of its sampled colours."""

    def __init__(self, corners: np.ndarray) -> None:
        corners = np.asarray(corners, float)
        length = np.linalg.norm(np.diff(corners, axis=0), axis=1)
        along = np.concatenate([[0], np.cumsum(length)])
        self.steps = int(along[-1])
        at = np.linspace(0, along[-1], self.steps + 1)
        self.table = np.stack([np.interp(at, along, corners[:, c]) for c in range(3)], 1)
        from scipy.spatial import cKDTree

        self.tree = cKDTree(self.table)

    def encode(self, depth: np.ndarray) -> np.ndarray:
        position = self.steps * (1 - (1 + depth / 10) ** -2)
        return self.table[position.round().astype(int)].round().astype(np.uint8)

    def project(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Position in the 1785 steps of the cube walk, and squared distance."""
        away, index = self.tree.query(painted.reshape(-1, 3).astype(float))
        shape = painted.shape[:2]
        position = (index * (1785 / self.steps)).astype(np.float32)
        return position.reshape(shape), (away**2).astype(np.float32).reshape(shape)

    def decode(self, painted: np.ndarray) -> np.ndarray:
        return metres(self.project(painted)[0])

    def tolerance(self, depth: float) -> float:
        return 2 * float(CubeWalk().tolerance(np.array(depth))) * 1785 / self.steps


def metres(position: np.ndarray) -> np.ndarray:
    """Depth of a position on the walk of 1785 steps."""
    with np.errstate(divide="ignore"):
        return 10 * ((1 - position / 1785) ** -0.5 - 1)


def local_noise(squared: np.ndarray) -> np.ndarray:
    """Median distance from the walk over 7 x 7 pixels, levels."""
    return cv2.medianBlur(np.minimum(np.sqrt(squared), 255).astype(np.uint8), 7)


def clamped(painted: np.ndarray) -> np.ndarray:
    """A pixel may not leave the range of those of its 7 x 7 neighbours nearer to the walk."""
    position, squared = project(painted)
    low, high = np.full_like(position, np.inf), np.full_like(position, -np.inf)
    for dy in range(-3, 4):
        for dx in range(-3, 4):
            other = np.roll(position, (dy, dx), (0, 1))
            better = np.roll(squared, (dy, dx), (0, 1)) < squared - 1
            low = np.where(better, np.minimum(low, other), low)
            high = np.where(better, np.maximum(high, other), high)
    found = np.isfinite(low)
    return metres(np.where(found, np.clip(position, low, high), position))


def adaptive_stray(painted: np.ndarray) -> np.ndarray:
    """cubewalk@1 with the stray distance at three local medians, 2 levels at least."""
    position, squared = project(painted)
    stray = (np.sqrt(squared) > np.maximum(2, 3.0 * local_noise(squared))).astype(np.uint8)
    if stray.any() and not stray.all():
        away, index = cv2.distanceTransformWithLabels(stray, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        table = np.zeros(int(index.max()) + 1, position.dtype)
        table[index[stray == 0]] = position[stray == 0]
        position = np.where((stray == 1) & (away <= 3), table[index], position)
    return metres(position)


def joint(painted: np.ndarray) -> np.ndarray:
    """Most probable depth of own and 5 x 5 neighbours': colour cost capped, plus jumps to them."""
    position, squared = project(painted)
    scale2 = 2 * np.maximum(2.0, local_noise(squared)) ** 2
    colours = painted.astype(np.float32)
    walk = CubeWalk().encode  # colours of candidates
    around = [(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)]
    values = np.stack([np.roll(position, s, (0, 1)) for s in around])
    trust = np.stack([np.exp(-np.roll(squared / scale2, s, (0, 1))) for s in around])
    best, chosen = np.full(position.shape, np.inf), position
    for value in values:
        colour = walk(metres(value).astype(np.float32)).astype(np.float32)
        data = np.minimum(((colours - colour) ** 2).sum(axis=2) / scale2, 9)
        support = (trust * np.minimum(abs(values - value) / 30, 1)).sum(axis=0)
        cost = data + support
        better = cost < best
        best, chosen = np.where(better, cost, best), np.where(better, value, chosen)
    return metres(chosen)


def averaged(painted: np.ndarray) -> np.ndarray:
    """@2, then, where the walk is noisy, the mean of 3 x 3 neighbours within three sigma."""
    position = 1785 * (1 - (1 + CubeWalkEdges().decode(painted)[0] / 10) ** -2)
    gate = 3.6 * local_noise(project(painted)[1])
    total, count = np.zeros_like(position), np.zeros_like(position)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            other = np.roll(position, (dy, dx), (0, 1))
            near = abs(other - position) <= gate
            total, count = total + near * other, count + near
    return metres(total / count)


def other(corners: np.ndarray, name: str) -> Idea:
    walk = OtherWalk(corners)
    return Idea(name, walk.encode, walk.decode, walk.tolerance)


def snake(n: int) -> np.ndarray:
    """A walk through all points of an n x n x n lattice of the cube, ends at two corners."""
    points = []
    for z in range(n):
        rows = range(n) if z % 2 == 0 else range(n - 1, -1, -1)
        for j, y in enumerate(rows):
            forth = (j + z * n) % 2 == 0
            points += [(x, y, z) for x in (range(n) if forth else range(n - 1, -1, -1))]
    return np.array(points) * 255 / (n - 1)


def ideas() -> list[Idea]:
    return [
        cube(lambda p: CubeWalk(stray=1e9).decode(p)[0], "projection alone"),
        cube(lambda p: CubeWalk().decode(p)[0], "@1: stray pixels take the nearest"),
        cube(adaptive_stray, "@1, stray from local noise"),
        cube(clamped, "clamp to cleaner neighbours"),
        cube(joint, "joint likelihood, 5 x 5"),
        other(np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]]) * 255, "monotone walk, 3 edges"),
        other(snake(3), "3 x 3 x 3 lattice walk"),
        cube(averaged, "@2, then 3 x 3 mean under noise"),
        cube(lambda p: CubeWalkEdges().decode(p)[0], "@2: chords, limit at 10 medians"),
    ]


def main() -> None:
    """Print the table."""
    heads = [f"{n:g}|{f:g} out/fly" for n, f in PAIRS] + ["1|10 noisy fly"]
    heads += ["iid .5-20", "block .5-20", "block .5-40", "8 bit", "ramp", "pole 1", "pole 3", "noisy pole 1"]
    print("| idea | " + " | ".join(heads) + " |\n|" + "---|" * (len(heads) + 1))
    for idea in ideas():
        if not all(word in idea.name for word in sys.argv[1:]):
            continue
        cells = ["{:.1%} / {:.1%}".format(*edges(idea, *pair)) for pair in PAIRS]
        cells.append(f"{edges(idea, 1, 10, SIGMA)[1]:.1%}")
        cells.append(f"{under_noise(idea, log_uniform(0.5, 20)):.4f}")
        cells += [f"{under_noise(idea, log_uniform(0.5, high, 16)):.4f}" for high in (20, 40)]
        cells.append(f"{clean(idea, log_uniform(0.5, 20)):.5f}")
        cells += [f"{clean(idea, ramp()):.5f}", f"{thin(idea, 1):.5f}", f"{thin(idea, 3):.5f}"]
        cells.append(f"{thin(idea, 1, SIGMA):.4f}")
        print(f"| {idea.name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
