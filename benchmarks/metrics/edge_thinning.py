"""Thinning of bool maps to lines, at the cost of their pixels and not of the whole map.

Guo and Hall 1989, algorithm A1, as Matlab's ``bwmorph(., 'thin', inf)`` and skimage's ``thin`` run it; equal
to the latter to the pixel.
"""

from __future__ import annotations

from functools import cache

import numpy as np

# The neighbours of a pixel, bit 0 to 7: east, then against the clock.
_ROWS = (0, -1, -1, -1, 0, 1, 1, 1)
_COLUMNS = (1, 1, 0, -1, -1, -1, 0, 1)


def thin(lines: np.ndarray) -> np.ndarray:
    """bool (H, W), or a stack of maps (T, H, W), thinned until nothing changes."""
    lines = np.asarray(lines, bool)
    stack = lines if lines.ndim == 3 else lines[None]
    padded = np.zeros((stack.shape[0], stack.shape[1] + 2, stack.shape[2] + 2), np.uint8)
    padded[:, 1:-1, 1:-1] = stack
    flat, wide = padded.ravel(), stack.shape[2] + 2
    steps = np.array([row * wide + column for row, column in zip(_ROWS, _COLUMNS, strict=True)])
    everything = np.flatnonzero(flat)
    stamp = np.empty(len(flat), np.int32)
    waiting = [everything, everything]  # for either half: whose neighbours have changed since it last looked
    while waiting[0].size or waiting[1].size:
        for half, table in enumerate(_tables()):
            places, waiting[half] = waiting[half], everything[:0]
            code = flat[places + steps[0]]
            for bit in range(1, 8):
                code |= flat[places + steps[bit]] << bit
            gone = places[table[code]]
            flat[gone] = 0
            around = (gone[:, None] + steps).ravel()
            for other in (0, 1):
                if waiting[other] is not everything:
                    waiting[other] = _once(np.concatenate([waiting[other], around]), flat, stamp)
            if waiting[1] is everything:
                waiting[1] = everything[flat[everything] > 0]
    return padded[:, 1:-1, 1:-1].astype(bool).reshape(lines.shape)


def _once(places: np.ndarray, flat: np.ndarray, stamp: np.ndarray) -> np.ndarray:
    """Those of ``places`` that are still set, each once; ``stamp`` is scratch space."""
    places = places[flat[places] > 0]
    number = np.arange(len(places), dtype=np.int32)
    stamp[places] = number
    return places[stamp[places] == number]


@cache
def _tables() -> tuple[np.ndarray, np.ndarray]:
    """Whether a pixel with these neighbours goes, bool (256,): first and second half of a round."""
    code = np.arange(256)
    b = [(code >> bit & 1).astype(bool) for bit in range(8)]
    crossings = sum((~b[i] & (b[i + 1] | b[(i + 2) % 8])).astype(int) for i in (0, 2, 4, 6))
    one = sum((b[k] | b[k - 1]).astype(int) for k in (1, 3, 5, 7))
    two = sum((b[k] | b[(k + 1) % 8]).astype(int) for k in (1, 3, 5, 7))
    least = np.minimum(one, two)
    either = (crossings == 1) & (least >= 2) & (least <= 3)
    first = either & ~((b[1] | b[2] | ~b[7]) & b[0])
    second = either & ~((b[5] | b[6] | ~b[3]) & b[4])
    return first, second
