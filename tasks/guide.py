"""What the photo itself says about a map that was painted in tokens of 8 pixels: where its borders are.

A painted map is coarse: a token is drawn as a whole, and what is smaller than it comes out only nearly. The
photo beside it has every border. A guided filter (He, Sun, Tang 2013) lets a map follow them, and a colour
that comes from the photo may keep the photo's own detail. Pure: arrays in, arrays out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_SIDES = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]  # of a symmetric 3 x 3 matrix
_ROWS = [(0, 1, 2), (1, 3, 4), (2, 4, 5)]  # the same, row by row
_SAME = 1e-3  # a channel that varies less has no borders, as most classes of a long legend


def fit(guide: np.ndarray, values: np.ndarray, step: float, stiff: float) -> tuple[np.ndarray, np.ndarray]:
    """Slopes (H, W, 3) and offsets (H, W), averaged over windows, of ``values`` against the guide's colour.

    ``guide`` float32 (H, W, 3) in [0, 1], ``values`` float32 (H, W). Windows are about 2 ``step`` pixels
    wide; ``stiff``: the variance that colours must have before the values follow them, the filter's epsilon.
    """
    slopes, offset = _Guide.of(guide, step, stiff).fit(values)
    return np.stack(slopes, axis=2), offset


def follow(view: np.ndarray, values: np.ndarray, step: float, stiff: float) -> np.ndarray:
    """Values float32 (H, W, C), each channel through a guided filter with ``view`` uint8 (H, W, 3)."""
    guide = _Guide.of(view.astype(np.float32) / 255, step, stiff)
    out = np.empty(values.shape, np.float32)
    for channel in range(values.shape[2]):
        one = np.ascontiguousarray(values[..., channel], np.float32)
        if np.ptp(one) < _SAME:
            out[..., channel] = one
            continue
        slopes, offset = guide.fit(one)
        out[..., channel] = _dot(slopes, guide.colours) + offset
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


@dataclass(frozen=True)
class _Guide:
    """A photo in planes (H, W), which are faster to read than interleaved colours: itself, its means over
    windows, and the inverse of their stiffened covariances (see ``_SIDES``).
    """

    colours: list[np.ndarray]
    means: list[np.ndarray]
    inverse: list[np.ndarray]
    step: float

    @classmethod
    def of(cls, guide: np.ndarray, step: float, stiff: float) -> _Guide:
        """Of a photo float32 (H, W, 3) in [0, 1]."""
        colours = [np.ascontiguousarray(guide[..., i]) for i in range(3)]
        means = [_mean(colour, step) for colour in colours]
        joint = [_mean(colours[i] * colours[j], step).astype(np.float64) for i, j in _SIDES]
        rr, rg, rb, gg, gb, bb = (
            one - means[i] * means[j] for one, (i, j) in zip(joint, _SIDES, strict=True)
        )
        rr, gg, bb = rr + stiff, gg + stiff, bb + stiff
        cofactors = [gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg]
        determinant = rr * cofactors[0] + rg * cofactors[1] + rb * cofactors[2]
        cofactors += [rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg]
        return cls(colours, means, [(c / determinant).astype(np.float32) for c in cofactors], step)

    def fit(self, values: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Three slopes and an offset (H, W) of ``values`` float32 (H, W)."""
        level = _mean(values, self.step)
        joint = [
            _mean(colour * values, self.step) - mean * level
            for colour, mean in zip(self.colours, self.means, strict=True)
        ]
        slopes = [_dot([self.inverse[place] for place in row], joint) for row in _ROWS]
        offset = level - _dot(slopes, self.means)
        return [_mean(slope, self.step) for slope in slopes], _mean(offset, self.step)


def _dot(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> np.ndarray:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]
