"""Painted wall: a street with a wall across it, painted with the picture of the street behind it.

Each scene is shown twice: with the paint, and with the wall left blank (the control). Depth, wall and camera
are the same; the paint, and the exposure that it causes, are not. Rendered; nothing to download. One
benchmark for each map that is asked for: depth, normals, classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from visiongen.benchmarks.base import Benchmark, Item, digest_of
from visiongen.benchmarks.metrics.semantic import IGNORE
from visiongen.benchmarks.scorers.wall import WallTruth

CHUNK = 4  # scenes rendered at once; fixed, so that rounding cannot depend on --limit
TRIES = 20  # scenes looked at, at most, for each one whose wall is large enough
Shown = tuple[int, dict[str, np.ndarray], WallTruth]  # seed, photos "painted" and "blank", the painted truth


class PaintedWall(Benchmark):
    """Items ``seedN/painted`` and ``seedN/blank``, one after the other; the scene is the cluster."""

    def items(self, data: str | Path | None, split: str, limit: int | None = None) -> list[Item]:
        """Pairs from the seed ``first_seed`` on whose wall fills ``least_share``; ``data`` is not used."""
        count = self.protocol["splits"][split]
        count = count if limit is None else min(limit, count)
        found = []
        for seed, photos, truth in self.pairs(self.protocol["first_seed"], (count + 1) // 2):
            found += [_item(seed, kind, photos[kind], truth) for kind in ("painted", "blank")]
        return found[:count]

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """The scorer's prior from train scenes (seeds 0, 1, ...), wall and all."""
        return self.scorer.prior([truth for _, _, truth in self.pairs(0, self.protocol["blind_scenes"])])

    def pairs(self, first: int, count: int) -> Iterator[Shown]:
        """``count`` scenes from seed ``first`` on."""
        p, left = self.protocol, count
        read = positions(p.get("classes", ()))
        for start in range(first, first + TRIES * count, CHUNK):
            for seed, photos, truth in look(start, p["height"], p["width"]):
                if left and truth.wall.mean() >= p["least_share"]:
                    yield seed, photos, replace(truth, classes=read[truth.classes])
                    left -= 1
            if not left:
                return


def positions(names: Sequence[str]) -> np.ndarray:
    """uint8 (256,): the world's class -> its position in ``names``, 255 = another."""
    from visiongen.world.classes import CLASS_ID

    table = np.full(256, IGNORE, np.uint8)
    table[[CLASS_ID[name] for name in names]] = np.arange(len(names))
    return table


@lru_cache(maxsize=64)
def look(start: int, height: int, width: int) -> tuple[Shown, ...]:
    """``CHUNK`` scenes from seed ``start`` on, classes as the world's; kept, since all three look at them."""
    from visiongen.world import render_wall_pair

    seeds = list(range(start, start + CHUNK))
    pair = render_wall_pair(seeds, height, width, device="cpu")
    blank = pair.plain
    walls, depths, normals = pair.wall.numpy(), blank.depth.numpy(), blank.normals.numpy()
    facing = np.where(np.linalg.norm(normals, axis=-1, keepdims=True) > 0.5, normals, np.nan)
    found = []
    for i, seed in enumerate(seeds):
        if not walls[i].any():
            continue
        normal = np.median(normals[i][walls[i]], axis=0).astype(np.float64)
        x, y, z = (float(part) for part in normal / np.linalg.norm(normal))
        k = blank.intrinsics[i].numpy().astype(np.float64)
        camera = (float(k[0, 0]), float(k[1, 1]), float(k[0, 2]), float(k[1, 2]))
        photos = {"painted": pair.painted.photo[i].numpy(), "blank": blank.photo[i].numpy()}
        maps = {"normals": facing[i].astype(np.float32), "classes": blank.classes[i].numpy()}
        truth = WallTruth(depths[i].astype(np.float32), walls[i], (x, y, z), camera, **maps)
        found.append((seed, photos, truth))
    return tuple(found)


def _item(seed: int, kind: str, photo: np.ndarray, truth: WallTruth) -> Item:
    own = replace(truth, painted=kind == "painted")
    maps = [one for one in (truth.depth, truth.wall, truth.normals, truth.classes) if one is not None]
    digest = digest_of([photo, *maps, repr((own.normal, own.camera, own.painted)).encode()])
    return Item(f"seed{seed}/{kind}", digest, lambda: photo, lambda: own, cluster=f"seed{seed}")


BENCHMARK = PaintedWall("painted-wall")
NORMALS = PaintedWall("painted-wall-normals")
CLASSES = PaintedWall("painted-wall-classes")
