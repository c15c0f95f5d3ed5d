"""Tileability: how much the border shows, and maps whose borders meet.

A band at the far border is laid over the near one: coarse structure fades across the band, fine
structure changes over along the path where the two differ least (Efros & Freeman, SIGGRAPH 2001). All
maps of a set change over along one path, so that they stay in register.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visiongen.errors import InputError, UsageError
from visiongen.seam import seam_ratio

__all__ = ["seam_ratio", "tileable"]

_FEATHER = 1.5


def _stack(maps: Sequence[np.ndarray]) -> np.ndarray:
    return np.dstack([np.asarray(m, np.float32) for m in maps])


def tileable(maps: Sequence[np.ndarray], share: float = 0.125) -> list[np.ndarray]:
    """``maps`` (H, W[, C]) made to repeat without a seam; smaller by the overlap, about ``share`` of a side.

    The overlap's width is chosen (within a quarter) so that the new border falls where the maps are as
    smooth as on the average. Maps should be of like range: the path weighs them alike. Float32.
    UsageError where ``share`` is not in (0, 0.5], InputError where it leaves less than 8 pixels of overlap.
    """
    if not 0 < share <= 0.5:
        raise UsageError(f"share={share}: the overlap is a part of the side in (0, 0.5]")
    stack = _stack(maps)
    if min(stack.shape[:2]) * share < 8:
        raise InputError(f"maps: {stack.shape[:2]} with an overlap of {share} leave under 8 px; enlarge them")
    stack = _wrap(stack, share, around=False)
    stack = _wrap(stack.transpose(1, 0, 2), share, around=True).transpose(1, 0, 2)
    channels = np.cumsum([m.shape[2] if m.ndim == 3 else 1 for m in maps])[:-1]
    parts = np.split(stack, channels, axis=2)
    return [np.ascontiguousarray(p if m.ndim == 3 else p[..., 0]) for p, m in zip(parts, maps, strict=True)]


def _wrap(stack: np.ndarray, share: float, around: bool) -> np.ndarray:
    """Overlap the right band with the left one; ``around``: top and bottom already meet."""
    from scipy.ndimage import gaussian_filter, gaussian_filter1d

    band = _overlap(stack, share)
    near, far = stack[:, :band], stack[:, -band:]
    path = _path(((near - far) ** 2).sum(axis=2))
    columns = np.arange(band)
    cut = (columns[None] >= path[:, None]).astype(np.float32)  # 1 = near
    cut = gaussian_filter1d(cut, _FEATHER, axis=1, mode="nearest")
    ramp = np.broadcast_to((columns / (band - 1)).astype(np.float32), cut.shape)
    # The ends belong wholly to one side: there the band meets what is not blended.
    ends = np.clip(np.minimum(columns, band - 1 - columns) / 2, 0, 1).astype(np.float32)
    cut = cut * ends + (columns >= band / 2) * (1 - ends)
    blur = (band / 6, band / 6, 0)
    modes = ("wrap" if around else "nearest", "nearest", "nearest")
    low_near, low_far = (gaussian_filter(part, blur, mode=modes) for part in (near, far))
    low = low_far + (low_near - low_far) * ramp[..., None]
    high_near, high_far = near - low_near, far - low_far
    high = high_far + (high_near - high_far) * cut[..., None]
    return np.concatenate([low + high, stack[:, band:-band]], axis=1)


def _overlap(stack: np.ndarray, share: float) -> int:
    """The width of the band: the border will lie between the columns -band - 1 and -band."""
    steps = abs(np.diff(stack, axis=1)).mean(axis=(0, 2))
    wide = stack.shape[1] * share
    widths = np.arange(max(8, int(wide * 0.75)), min(stack.shape[1] // 2, int(wide * 1.25)) + 1)
    return int(widths[abs(steps[-widths] - steps.mean()).argmin()])


def _path(cost: np.ndarray) -> np.ndarray:
    """The cheapest column a row (H,), neighbours at most one apart, first and last too.

    It stays off the band's ends, where the change-over must already be done.
    """
    rows, columns = cost.shape
    total = np.full((rows, columns + 2), np.inf)  # a column of inf on each side spares the borders
    margin = min(4, (columns - 1) // 2)
    inner = slice(margin, columns - margin)
    start = margin + int(cost[0, inner].argmin())
    total[0, 1 + start] = cost[0, start]
    for row in range(1, rows):
        before = total[row - 1]
        best = np.minimum(np.minimum(before[:-2], before[1:-1]), before[2:])
        total[row, 1:-1][inner] = best[inner] + cost[row, inner]
    path = np.empty(rows, np.int64)
    low, high = max(margin, start - 1), min(columns - margin, start + 2)
    path[-1] = low + int(total[-1, 1 + low : 1 + high].argmin())
    for row in range(rows - 2, -1, -1):
        at = path[row + 1]
        path[row] = at - 1 + int(total[row, at : at + 3].argmin())
    return path
