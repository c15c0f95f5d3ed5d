"""What a photo and its map have in common: where edges run, and in which direction.

The colours of a map say nothing about the photo's, and an edge may be dark-bright in one and
bright-dark in the other. So a pixel is described by its structure tensor, whose doubled angle does
not know the sign of a gradient (normalised gradient fields; Haber and Modersitzki, 2006).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Stage:
    """One stage of the search, from coarse to fine.

    ``blur``, ``local`` and ``soft`` are those of :func:`structure`, ``levels`` the factors by which
    the features are shrunk one after another, ``smooth`` the side of OpenCV's own blur.
    """

    blur: float
    local: float | None
    soft: bool
    levels: tuple[int, ...]
    smooth: int


STAGES = (
    Stage(1.5, None, True, (4, 2, 1), 5),
    Stage(1.0, 6.0, False, (2, 1), 3),
    Stage(0.7, 4.0, False, (1,), 3),
    Stage(0.5, 3.0, False, (1,), 1),
)
JUDGE = 2
"""The features of this stage also say how well the two agree."""


def structure(
    picture: np.ndarray, blur: float = 1.5, local: float | None = None, soft: bool = False
) -> np.ndarray:
    """Picture (H, W, C) -> float32 (H, W, 3): cos and sin of the doubled edge angle, edge strength.

    All three are between -1 and 1 and fall to 0 where the gradient is weak for this picture.
    ``blur`` is the sigma in pixels of the Gaussian before the gradient. ``local``: the features less
    their mean over a Gaussian of that sigma. Without it the share of edges in a region, which photo
    and map need not have alike, draws the fit by pixels; with it a far start finds nothing. ``soft`` lets
    weak edges count for more: by the gradient, not by its square.
    """
    import cv2

    smooth = cv2.GaussianBlur(np.ascontiguousarray(picture, np.float32), (0, 0), blur)
    across = cv2.Scharr(smooth, cv2.CV_32F, 1, 0, scale=1 / 32).reshape(*picture.shape[:2], -1)
    down = cv2.Scharr(smooth, cv2.CV_32F, 0, 1, scale=1 / 32).reshape(*picture.shape[:2], -1)
    xx, yy, xy = (across**2).sum(2), (down**2).sum(2), (across * down).sum(2)
    energy = xx + yy
    # Four in five pixels count as weak; 4 is a gradient of two levels, in case all of them are flat.
    weak = float(np.quantile(energy, 0.8))
    floor = np.sqrt(energy) * (np.sqrt(weak) + 2) + 1e-6 if soft else weak + 4
    features = np.stack([xx - yy, 2 * xy, energy], axis=2) / (energy + floor)[..., None]
    return features if local is None else features - cv2.GaussianBlur(features, (0, 0), local)


def stages_of(picture: np.ndarray) -> list[np.ndarray]:
    """The features of every stage."""
    return [structure(picture, stage.blur, stage.local, stage.soft) for stage in STAGES]


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
