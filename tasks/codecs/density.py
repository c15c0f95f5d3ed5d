"""Clusters of colours without their number being known: hills of a smoothed histogram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CELL = 4
_SIDE = 256 // CELL


@dataclass(frozen=True)
class Clusters:
    """``member`` int32 (N,): the cluster of every colour; ``mean`` float32 (K, 3): the clusters' colours."""

    member: np.ndarray
    mean: np.ndarray

    @classmethod
    def of(cls, colours: np.ndarray, bandwidth: float, valley: float) -> Clusters:
        """Cluster ``colours`` (N, 3) in [0, 255]: watershed of their density, low passes kept.

        The density is a Gaussian of ``bandwidth`` levels over a histogram of 4 levels a cell. Two hills
        stay apart where the pass between them is lower than ``valley`` times the lower top (the
        persistence of ToMATo, Chazal et al. 2013).
        """
        from scipy.ndimage import gaussian_filter, maximum_filter
        from skimage.segmentation import watershed

        if not len(colours):
            return cls(np.zeros(0, np.int32), np.zeros((0, 3), np.float32))
        cell = np.minimum((colours / CELL).astype(np.intp), _SIDE - 1)
        index = np.ravel_multi_index(tuple(cell.T), (_SIDE,) * 3)
        low = np.maximum(cell.min(axis=0) - 4, 0)
        high = cell.max(axis=0) + 5
        count = np.bincount(index, minlength=_SIDE**3).reshape((_SIDE,) * 3).astype(np.float32)
        window = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        density = np.zeros_like(count)
        density[window] = gaussian_filter(count[window], bandwidth / CELL, mode="constant", truncate=3)
        part = density[window]
        tops = (maximum_filter(part, 3, mode="constant") == part) & (part > 0)
        from scipy.ndimage import label

        markers, number = label(tops, np.ones((3, 3, 3)))
        basin = watershed(-part, markers, connectivity=3, mask=part > 0)
        root = _merge(part, basin, number, valley)
        names = np.zeros_like(count, np.int32)
        names[window] = root[basin]
        member = np.unique(names.reshape(-1)[index], return_inverse=True)[1].astype(np.int32)
        size = np.bincount(member)
        mean = np.stack([np.bincount(member, colours[:, c]) / size for c in range(3)], axis=1)
        return cls(member, mean.astype(np.float32))


def _merge(density: np.ndarray, basin: np.ndarray, count: int, valley: float) -> np.ndarray:
    """The basin that each of the basins 1-``count`` ends up in, int (count + 1,)."""
    from scipy.ndimage import maximum

    top = np.zeros(count + 1)
    top[1:] = maximum(density, basin, np.arange(1, count + 1))
    first, second, height = _passes(density, basin, count)
    root = np.arange(count + 1)

    def find(k: int) -> int:
        while root[k] != k:
            k = root[k]
        return k

    for at in np.argsort(-height, kind="stable"):
        a, b = find(int(first[at])), find(int(second[at]))
        if a != b and height[at] > valley * min(top[a], top[b]):
            high, low = (a, b) if top[a] >= top[b] else (b, a)
            root[low] = high
    return np.array([find(k) for k in range(count + 1)])


def _passes(density: np.ndarray, basin: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Neighbouring basins (a, b), each pair once, and the height of the highest pass between them."""
    pairs, heights = [], []
    for axis in range(3):
        one, two = np.moveaxis(basin, axis, 0)[:-1], np.moveaxis(basin, axis, 0)[1:]
        edge = (one != two) & (one > 0) & (two > 0)
        level = np.moveaxis(density, axis, 0)
        heights.append(np.minimum(level[:-1], level[1:])[edge])
        low, high = np.minimum(one[edge], two[edge]), np.maximum(one[edge], two[edge])
        pairs.append(low.astype(np.int64) * (count + 1) + high)
    pair, height = np.concatenate(pairs), np.concatenate(heights)
    order = np.lexsort((-height, pair))
    unique, at = np.unique(pair[order], return_index=True)
    return unique // (count + 1), unique % (count + 1), height[order][at]
