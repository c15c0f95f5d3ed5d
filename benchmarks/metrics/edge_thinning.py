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
    """bool (H, W) thinned until nothing changes."""
    height, width = lines.shape
    padded = np.zeros((height + 2, width + 2), np.uint8)
    padded[1:-1, 1:-1] = lines
    flat = padded.ravel()
    places = np.flatnonzero(flat)
    steps = [row * (width + 2) + column for row, column in zip(_ROWS, _COLUMNS, strict=True)]
    changed = True
    while changed:
        changed = False
        for table in _tables():
            code = flat[places + steps[0]]
            for bit in range(1, 8):
                code |= flat[places + steps[bit]] << bit
            drop = table[code]
            if drop.any():
                changed = True
                flat[places[drop]] = 0
                places = places[~drop]
    return padded[1:-1, 1:-1].astype(bool)


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
