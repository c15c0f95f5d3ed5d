"""Depth and normals of rendered frames: fixed seeds, exact truth, nothing to download."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.benchmarks.base import Benchmark, Item, digest_of

CHUNK = 10  # frames rendered at once; fixed, so that rounding cannot depend on --limit


class WorldBenchmark(Benchmark):
    """One protocol on frames of :mod:`visiongen.world`; ``truth`` is depth or normals."""

    def items(self, data: str | Path | None, split: str, limit: int | None = None) -> list[Item]:
        """Frames rendered on the CPU; ``data`` is not used."""
        count = self.protocol["splits"][split]
        count = count if limit is None else min(limit, count)
        first = self.protocol["first_seed"]
        result = []
        for seed, photo, truth in self._render(range(first, first + count)):
            digest = digest_of([photo, truth])
            result.append(Item(f"seed{seed}", digest, _give(photo), _give(truth)))
        return result

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """One value an image row, from train frames (seeds 0, 1, ...)."""
        truths = [truth for _, _, truth in self._render(range(self.protocol["blind_frames"]))]
        rows = row_prior(np.stack(truths))

        def guess(size: tuple[int, int]) -> np.ndarray:
            at = (np.arange(size[0]) + 0.5) / size[0] * len(rows) - 0.5
            index = np.clip(at.round().astype(int), 0, len(rows) - 1)
            return np.repeat(rows[index][:, None], size[1], axis=1)

        return guess

    def _render(self, seeds: range) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        from visiongen.world import render

        p = self.protocol
        for start in range(0, len(seeds), CHUNK):
            chunk = list(range(seeds[start], seeds[start] + CHUNK))
            frames = render(p["kind"], chunk, p["height"], p["width"], device="cpu")
            photos, truths = frames.photo.cpu().numpy(), self._truth(frames)
            for number, seed in enumerate(chunk[: len(seeds) - start]):
                yield seed, photos[number].copy(), truths[number].copy()

    def _truth(self, frames: Any) -> np.ndarray:
        if self.task == "depth":
            return frames.depth.cpu().numpy().astype(np.float32)
        valid = frames.valid.cpu().numpy()[..., None]
        return np.where(valid, frames.normals.cpu().numpy(), np.nan).astype(np.float32)


def _give(array: np.ndarray) -> Callable[[], np.ndarray]:
    return lambda: array


def row_prior(truths: np.ndarray) -> np.ndarray:
    """Median ln depth of each row (H,) of (N, H, W), or mean unit normal (H, 3) of (N, H, W, 3).

    Sky and invalid pixels are left out; a row without any takes the value of the whole.
    """
    if truths.ndim == 3:
        finite = np.where(np.isfinite(truths) & (truths > 0), truths, np.nan)
        log = np.log(finite)
        whole = np.nanmedian(log)
        rows = np.array([np.nanmedian(r) if np.isfinite(r).any() else whole for r in log.swapaxes(0, 1)])
        return np.exp(rows).astype(np.float32)
    total = np.nansum(truths, axis=(0, 2))
    empty = np.linalg.norm(total, axis=-1) < 1e-6
    total[empty] = np.nansum(truths, axis=(0, 1, 2))
    return (total / np.linalg.norm(total, axis=-1, keepdims=True)).astype(np.float32)


DEPTH = WorldBenchmark("world-depth")
NORMALS = WorldBenchmark("world-normals")
