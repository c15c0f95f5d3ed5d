"""Made-up truths for the contract tests, in the form that each scorer reads.

A new scorer adds a function to ``MADE``, under its name in visiongen.benchmarks.scorers.SCORERS.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from visiongen.benchmarks.base import Benchmark
from visiongen.benchmarks.metrics import coco
from visiongen.benchmarks.scorers.fewshot import FewShotTruth
from visiongen.benchmarks.scorers.ibims import IbimsTruth, Plane
from visiongen.benchmarks.scorers.wall import WallTruth

SIZE = (24, 32)
GRAY = ("edges", "salient", "matting")
NUMBERS = np.kron(np.arange(1, 13).reshape(3, 4), np.ones((8, 8), int))  # one a block


def truth_for(benchmark: Benchmark, rng: np.random.Generator) -> Any:
    """A made-up truth for the benchmark's scorer."""
    return MADE[benchmark.protocol.get("scorer", benchmark.task)](benchmark, rng)


def moved(truth: Any, rows: int = 0, columns: int = 0) -> Any:
    """A wrong answer: the truth, shifted around; what was not finite is 1."""
    if isinstance(truth, coco.Truths):
        from pycocotools import mask as rle

        found = truth.found()
        masks = [np.roll(rle.decode(one), (rows, columns), (0, 1)) for one in found.masks]
        return coco.Found(found.size, found.categories, coco.encode(np.array(masks)), found.scores)
    truth = right(truth)
    wrong = np.roll(truth, (rows, columns), axis=(0, 1))
    return np.where(np.isfinite(wrong.astype(float)), wrong, 1).astype(truth.dtype)


def constant(truth: Any) -> Any:
    """An answer that is the same everywhere."""
    if isinstance(truth, coco.Truths):
        whole = np.ones((1, *truth.size), bool)
        return coco.Found(truth.size, np.zeros(1, int), coco.encode(whole), np.ones(1))
    truth = right(truth)
    return np.full_like(truth, 0 if truth.dtype.kind in "iub" else 0.5)


def right(truth: Any) -> Any:
    """The truth as an answer: its depth where it says more than a depth map could, the mask of an episode."""
    if isinstance(truth, FewShotTruth):
        return truth.mask
    if isinstance(truth, WallTruth):
        return next(one for one in (truth.normals, truth.classes, truth.depth) if one is not None)
    return truth.depth if isinstance(truth, IbimsTruth) else truth


def blocks(rng: np.random.Generator, kinds: int) -> np.ndarray:
    return np.kron(rng.integers(0, kinds, (3, 4)), np.ones((8, 8))).astype(np.int64)


def blob(rng: np.random.Generator) -> np.ndarray:
    """bool: an ellipse somewhere in the upper half."""
    y, x = np.indices(SIZE)
    return ((y - 8) / 5) ** 2 + ((x - rng.integers(9, 22)) / 7) ** 2 < 1


def semantic(benchmark: Benchmark, rng: np.random.Generator) -> np.ndarray:
    labels = blocks(rng, len(benchmark.protocol["classes"])).astype(np.uint8)
    labels[:, 0] = 255
    return labels


def instance(benchmark: Benchmark, rng: np.random.Generator) -> np.ndarray:
    return np.where(blocks(rng, 3) > 0, NUMBERS, 0)


def panoptic(benchmark: Benchmark, rng: np.random.Generator) -> np.ndarray:
    kinds, things = benchmark.protocol["classes"], benchmark.protocol["things"]
    chosen = blocks(rng, len(kinds))
    thing = np.array([kind in things for kind in kinds])
    return chosen * 1000 + thing[chosen] * NUMBERS


def edges(benchmark: Benchmark, rng: np.random.Generator) -> np.ndarray:
    return (blob(rng) ^ np.roll(blob(rng), 3, axis=0)).astype(np.float32)


def depth(benchmark: Benchmark, rng: np.random.Generator) -> np.ndarray:
    metres = rng.uniform(1, 40, SIZE).astype(np.float32)
    metres[0] = np.inf
    return metres


def normals(benchmark: Benchmark, rng: np.random.Generator) -> np.ndarray:
    values = colours(benchmark, rng) * 2 - 1
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def colours(benchmark: Benchmark, rng: np.random.Generator) -> np.ndarray:
    values = rng.random((*SIZE, 3)).astype(np.float32)
    values[0] = np.nan
    return values


def mask(benchmark: Benchmark, rng: np.random.Generator) -> np.ndarray:
    return blob(rng)


def gray(benchmark: Benchmark, rng: np.random.Generator) -> np.ndarray:
    return blob(rng).astype(np.float32)


def instances(benchmark: Benchmark, rng: np.random.Generator) -> coco.Truths:
    """A block each, some of them crowds, of the first three classes."""
    masks = np.array([number == NUMBERS for number in range(1, 13)])
    crowd = rng.permutation(12) < 3
    return coco.Truths(
        SIZE, rng.integers(0, 3, 12), coco.encode(masks), crowd, masks.sum((1, 2)).astype(float)
    )


def instance_ids(benchmark: Benchmark, rng: np.random.Generator) -> np.ndarray:
    """Label ids * 1000 + number, 144 pixels each, below a road."""
    labels = np.array(benchmark.protocol["category_ids"])[rng.integers(0, 3, 4)]
    ids = np.kron(labels * 1000 + np.arange(1, 5), np.ones((24, 8))).astype(np.int32)
    ids[:6] = 7
    return ids


def anomaly(benchmark: Benchmark, rng: np.random.Generator) -> np.ndarray:
    labels = blob(rng).astype(np.uint8)
    labels[0] = 255
    return labels


def surface(benchmark: Benchmark, rng: np.random.Generator) -> np.ndarray:
    values = np.concatenate([rng.random((*SIZE, 6)), rng.normal(size=(*SIZE, 3))], axis=2)
    values[..., 8] = np.abs(values[..., 8]) + 1
    values[..., 6:] /= np.linalg.norm(values[..., 6:], axis=2, keepdims=True)
    values[0] = np.nan
    return values.astype(np.float32)


def appearance(benchmark: Benchmark, rng: np.random.Generator) -> np.ndarray:
    return surface(benchmark, rng)[..., : 6 if "orm" in benchmark.protocol.get("parts", ()) else 3]


CAMERA = (30.0, 30.0, 16.0, 12.0)


def geometry(benchmark: Benchmark, rng: np.random.Generator) -> IbimsTruth:
    planes = (Plane(NUMBERS == 5, (0.0, -1.0, 0.0)),)
    return IbimsTruth(depth(benchmark, rng), edges(benchmark, rng) > 0, planes, CAMERA)


def wall(benchmark: Benchmark, rng: np.random.Generator) -> WallTruth:
    """A wall 9 m ahead, its upper half above the horizon."""
    metres, there = depth(benchmark, rng), blob(rng)
    metres[there] = 9.0
    return WallTruth(metres, there, (0.0, 0.0, 1.0), CAMERA)


def wall_normals(benchmark: Benchmark, rng: np.random.Generator) -> WallTruth:
    """The same wall among surfaces of any direction."""
    made = wall(benchmark, rng)
    facing = normals(benchmark, rng)
    facing[made.wall] = made.normal
    return dataclasses.replace(made, normals=facing)


def wall_classes(benchmark: Benchmark, rng: np.random.Generator) -> WallTruth:
    """The same wall among other classes."""
    made, names = wall(benchmark, rng), benchmark.protocol["classes"]
    kinds = semantic(benchmark, rng)
    kinds = np.where(kinds == names.index("wall"), names.index("road"), kinds)
    kinds[made.wall] = names.index("wall")
    return dataclasses.replace(made, classes=kinds)


def episode(benchmark: Benchmark, rng: np.random.Generator) -> FewShotTruth:
    labels = anomaly(benchmark, rng)
    return FewShotTruth(labels, int(rng.integers(len(benchmark.protocol["classes"]))))


MADE: dict[str, Callable[[Benchmark, np.random.Generator], Any]] = {
    "semantic": semantic,
    "instance": instance,
    "panoptic": panoptic,
    "referring": mask,
    "edges": edges,
    "salient": gray,
    "matting": gray,
    "depth": depth,
    "ibims": geometry,
    "painted-wall": wall,
    "painted-wall-normals": wall_normals,
    "painted-wall-classes": wall_classes,
    "normals": normals,
    "basecolor": colours,
    "orm": colours,
    "anomaly": anomaly,
    "fewshot": episode,
    "svbrdf": surface,
    "intrinsics": appearance,
    "coco": instances,
    "lvis": instances,
    "cityscapes-instances": instance_ids,
}
