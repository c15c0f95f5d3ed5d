"""Clusters of colours without their number being known: hills of a smoothed histogram."""

from __future__ import annotations

import numpy as np

CELL = 4
_SIDE = 256 // CELL
_FLOOR = 0.08  # tops of single colours; where the density is lower nothing belongs together


def cluster_colours(
    colours: np.ndarray, weights: np.ndarray, bandwidth: float, valley: float
) -> tuple[np.ndarray, int]:
    """Cluster of each of ``colours`` (N, 3) in [0, 255], int32 (N,) from 1 on, 0 = none; and how many.

    The density is a Gaussian of ``bandwidth`` levels over a histogram of 4 levels a cell, to which each
    colour adds its weight (N,). It is split into hills (watershed); two hills are one where the pass
    between them is higher than ``valley`` times the lower top, as in ToMATo (Chazal et al., 2013).
    """
    from scipy.ndimage import gaussian_filter, label, maximum_filter
    from skimage.segmentation import watershed

    if not len(colours):
        return np.zeros(0, np.int32), 0
    cell = np.minimum((colours / CELL).astype(np.intp), _SIDE - 1)
    low = cell.min(axis=0) - 1
    shape = tuple((cell.max(axis=0) - low + 2).tolist())
    index = np.ravel_multi_index(tuple((cell - low).T), shape)
    count = np.bincount(index, weights, int(np.prod(shape))).reshape(shape).astype(np.float32)
    density = gaussian_filter(count, bandwidth / CELL, mode="constant", truncate=3)
    high = density > _FLOOR * (CELL / (np.sqrt(2 * np.pi) * bandwidth)) ** 3
    tops = (maximum_filter(density, 3, mode="constant") == density) & high
    markers, number = label(tops, np.ones((3, 3, 3)))
    basin = watershed(-density, markers, connectivity=3, mask=high)
    joined = np.unique(_join(density, basin, number, valley), return_inverse=True)[1]
    return joined[basin.reshape(-1)[index]].astype(np.int32), int(joined.max())


def _join(density: np.ndarray, basin: np.ndarray, count: int, valley: float) -> np.ndarray:
    """The basin that each of the basins 0-``count`` ends up in, int (count + 1,); 0, no basin, stays."""
    from scipy.ndimage import maximum

    top = np.zeros(count + 1)
    top[1:] = maximum(density, basin, np.arange(1, count + 1))
    root = np.arange(count + 1)

    def find(k: int) -> int:
        while root[k] != k:
            k = int(root[k])
        return k

    for first, second, height in _passes(density, basin, count):
        a, b = find(first), find(second)
        if a != b and height > valley * min(top[a], top[b]):
            high, low = (a, b) if top[a] >= top[b] else (b, a)
            root[low] = high
    return np.array([find(k) for k in range(count + 1)])


def _passes(density: np.ndarray, basin: np.ndarray, count: int) -> list[tuple[int, int, float]]:
    """(basin, basin, height) of the highest pass between neighbours, from the highest on."""
    pairs, heights = [], []
    for axis in range(3):
        one, two = np.moveaxis(basin, axis, 0)[:-1], np.moveaxis(basin, axis, 0)[1:]
        edge = (one != two) & (one > 0) & (two > 0)
        level = np.moveaxis(density, axis, 0)
        heights.append(np.minimum(level[:-1], level[1:])[edge])
        low, high = np.minimum(one[edge], two[edge]), np.maximum(one[edge], two[edge])
        pairs.append(low.astype(np.int64) * (count + 1) + high)
    pair, height = np.concatenate(pairs), np.concatenate(heights)
    order = np.lexsort((pair, -height))
    _, first = np.unique(pair[order], return_index=True)
    best = order[np.sort(first)]
    return [
        (int(p) // (count + 1), int(p) % (count + 1), float(h))
        for p, h in zip(pair[best], height[best], strict=True)
    ]
