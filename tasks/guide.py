"""What the photo itself says about a map that was painted in tokens of 8 pixels: where its borders are.

A painted map is coarse: a token is drawn as a whole, and what is smaller than it comes out only nearly. The
photo beside it has every border. A guided filter (He, Sun, Tang 2013) lets a map follow them, and a colour
that comes from the photo may keep the photo's own detail. Pure: arrays in, arrays out.
"""

from __future__ import annotations

import numpy as np

_SIDES = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]  # of a symmetric 3 x 3 matrix
_ROWS = [(0, 1, 2), (1, 3, 4), (2, 4, 5)]  # the same, row by row
_SAME = 1e-3  # a channel that varies less has no borders, as most classes of a long legend


def fit(guide: np.ndarray, values: np.ndarray, step: float, stiff: float) -> tuple[np.ndarray, np.ndarray]:
    """Slopes (H, W, 3) and offsets (H, W), averaged over windows, of ``values`` against the guide's colour.

    ``guide`` float32 (H, W, 3) in [0, 1], ``values`` float32 (H, W). Windows are about 2 ``step`` pixels
    wide; ``stiff``: the variance that colours must have before the values follow them, the filter's epsilon.
    """
    middle, inverse = _spread(guide, step, stiff)
    return _fit(guide, middle, inverse, values, step)


def follow(view: np.ndarray, values: np.ndarray, step: float, stiff: float) -> np.ndarray:
    """Values float32 (H, W, C), each channel through a guided filter with ``view`` uint8 (H, W, 3)."""
    guide = view.astype(np.float32) / 255
    middle, inverse = _spread(guide, step, stiff)
    out = np.empty(values.shape, np.float32)
    for channel in range(values.shape[2]):
        one = np.ascontiguousarray(values[..., channel], np.float32)
        if np.ptp(one) < _SAME:
            out[..., channel] = one
            continue
        slope, offset = _fit(guide, middle, inverse, one, step)
        out[..., channel] = (slope * guide).sum(axis=2) + offset
    return out


def keep_detail(view: np.ndarray, values: np.ndarray, sigma: float) -> np.ndarray:
    """Colours float32 (H, W, 3) in [0, 1] whose detail, finer than ``sigma`` pixels, is the photo's own.

    ``view`` uint8 (H, W, 3). What is coarser stays the map's; the sum is kept in [0, 1].
    """
    import cv2

    lost = view.astype(np.float32) / 255 - values
    coarse = cv2.GaussianBlur(lost, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return np.clip(values + lost - coarse, 0, 1)


def _mean(values: np.ndarray, step: float) -> np.ndarray:
    import cv2

    side = 2 * round(step) + 1
    return cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT)


def _spread(guide: np.ndarray, step: float, stiff: float) -> tuple[np.ndarray, np.ndarray]:
    """The guide's mean (H, W, 3) and the inverse of its stiffened covariance, (H, W, 6): see ``_SIDES``."""
    middle = _mean(guide, step)
    first, second = (np.array(side) for side in zip(*_SIDES, strict=True))
    spread = _mean(np.ascontiguousarray(guide[..., first] * guide[..., second]), step).astype(np.float64)
    spread -= middle[..., first] * middle[..., second]
    rr, rg, rb, gg, gb, bb = np.moveaxis(spread, 2, 0)
    rr, gg, bb = rr + stiff, gg + stiff, bb + stiff
    cofactors = [gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg]
    determinant = rr * cofactors[0] + rg * cofactors[1] + rb * cofactors[2]
    cofactors += [rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg]
    return middle, np.stack([c / determinant for c in cofactors], axis=2).astype(np.float32)


def _fit(
    guide: np.ndarray, middle: np.ndarray, inverse: np.ndarray, values: np.ndarray, step: float
) -> tuple[np.ndarray, np.ndarray]:
    level = _mean(values, step)
    joint = _mean(guide * values[..., None], step) - middle * level[..., None]
    found = np.empty((*values.shape, 4), np.float32)  # slopes, offset
    for row, places in enumerate(_ROWS):
        found[..., row] = sum(inverse[..., place] * joint[..., i] for i, place in enumerate(places))
    found[..., 3] = level - (found[..., :3] * middle).sum(axis=2)
    found = _mean(found, step)
    return found[..., :3], found[..., 3]
