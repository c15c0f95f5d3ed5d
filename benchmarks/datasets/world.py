"""Every task on rendered frames: fixed seeds, exact truth, nothing to download.

A world benchmark is a protocol in ``protocols/world-*.toml``, a truth in ``world_truths.py``, one line
here and one in the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.benchmarks.base import Benchmark, Item, digest_of
from visiongen.benchmarks.datasets.world_truths import TRUTHS
from visiongen.training.targets import Seen

CHUNK = 10  # frames rendered at once; fixed, so that rounding cannot depend on --limit
TRIES = 20  # frames looked at, at most, for each one that has something to show
Shown = tuple[int, np.ndarray, np.ndarray, dict[str, Any]]  # seed, photo, truth, the item's options


class WorldBenchmark(Benchmark):
    """One protocol on frames of :mod:`visiongen.world`.

    The items are the first frames from ``first_seed`` on that have something to show for the task.
    """

    def items(self, data: str | Path | None, split: str, limit: int | None = None) -> list[Item]:
        """Frames rendered on the CPU; ``data`` is not used."""
        count = self.protocol["splits"][split]
        count = count if limit is None else min(limit, count)
        return [
            Item(f"seed{seed}", digest_of([photo, truth]), _give(photo), _give(truth), options)
            for seed, photo, truth, options in self.frames(self.protocol["first_seed"], count)
        ]

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """The scorer's prior from train frames (seeds 0, 1, ...)."""
        shown = self.frames(0, self.protocol["blind_frames"])
        return self.scorer.prior([truth for _, _, truth, _ in shown])

    def frames(self, first: int, count: int) -> Iterator[Shown]:
        """``count`` frames from seed ``first`` on, with the truth of this benchmark's task."""
        read, p, left = TRUTHS[self.task], self.protocol, count
        for start in range(first, first + TRIES * count, CHUNK):
            for number, seen in enumerate(look(p["kind"], start, p["height"], p["width"])):
                seed = start + number
                found = read(seen, np.random.default_rng([seed, 7]), p)
                if found is not None:
                    yield seed, seen.photo, *found
                    left -= 1
                if not left:
                    return


@lru_cache(maxsize=24)
def look(kind: str, start: int, height: int, width: int) -> tuple[Seen, ...]:
    """``CHUNK`` frames from seed ``start`` on; kept, since several benchmarks look at the same ones."""
    from visiongen.world import render

    frames = render(kind, list(range(start, start + CHUNK)), height, width, device="cpu")
    orm = np.stack([frames.occlusion.numpy(), frames.roughness.numpy(), frames.metallic.numpy()], axis=-1)
    names = ("photo", "depth", "normals", "classes", "instance", "base_colour")
    maps: dict[str, Any] = {name: getattr(frames, name).numpy() for name in names} | {"orm": orm}
    return tuple(
        Seen(**{name: array[i] for name, array in maps.items()}, names=frames.class_names)
        for i in range(CHUNK)
    )


def _give(array: np.ndarray) -> Callable[[], np.ndarray]:
    return lambda: array


DEPTH = WorldBenchmark("world-depth")
NORMALS = WorldBenchmark("world-normals")
SEMANTIC = WorldBenchmark("world-semantic")
INSTANCE = WorldBenchmark("world-instance")
PANOPTIC = WorldBenchmark("world-panoptic")
REFERRING = WorldBenchmark("world-referring")
BASECOLOR = WorldBenchmark("world-basecolor")
ORM = WorldBenchmark("world-orm")
EDGES = WorldBenchmark("world-edges")
SALIENT = WorldBenchmark("world-salient")
MATTING = WorldBenchmark("world-matting")
