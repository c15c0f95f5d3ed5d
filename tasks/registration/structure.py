"""What a photo and its map have in common: where edges run, and in which direction.

The colours of a map say nothing about the photo's, and an edge may be dark-bright in one and
bright-dark in the other. So a pixel is described by its structure tensor, whose doubled angle does
not know the sign of a gradient (normalised gradient fields; Haber and Modersitzki, 2006).
"""

from __future__ import annotations

import numpy as np


def structure(picture: np.ndarray, blur: float = 1.5) -> np.ndarray:
    """Picture (H, W, C) -> float32 (H, W, 3): cos and sin of the doubled edge angle, edge strength.

    All three are between -1 and 1 and fall to 0 where the gradient is weak for this picture.
    ``blur`` is the sigma in pixels of the Gaussian before the gradient.
    """
    import cv2

    smooth = cv2.GaussianBlur(np.ascontiguousarray(picture, np.float32), (0, 0), blur)
    across = cv2.Scharr(smooth, cv2.CV_32F, 1, 0, scale=1 / 32).reshape(*picture.shape[:2], -1)
    down = cv2.Scharr(smooth, cv2.CV_32F, 0, 1, scale=1 / 32).reshape(*picture.shape[:2], -1)
    xx, yy, xy = (across**2).sum(2), (down**2).sum(2), (across * down).sum(2)
    energy = xx + yy
    # Four in five pixels count as weak; 4 is a gradient of two levels, in case all of them are flat.
    floor = float(np.quantile(energy, 0.8)) + 4
    return np.stack([xx - yy, 2 * xy, energy], axis=2) / (energy + floor)[..., None]


def shrink(features: np.ndarray, factor: int) -> np.ndarray:
    """Features (H, W, 3) at 1 / ``factor`` of the size, by area average."""
    import cv2

    if factor == 1:
        return features
    size = (max(1, features.shape[1] // factor), max(1, features.shape[0] // factor))
    return cv2.resize(features, size, interpolation=cv2.INTER_AREA)


def agreement(one: np.ndarray, two: np.ndarray, inside: np.ndarray) -> float:
    """Correlation of two feature pictures (H, W, 3) where ``inside``; -1 to 1, 0 when one is flat."""
    a, b = one[inside] - one[inside].mean(0), two[inside] - two[inside].mean(0)
    scale = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum() / scale) if scale > 0 else 0.0
