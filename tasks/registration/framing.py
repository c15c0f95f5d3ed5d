"""Which part of the photo a returned map may show: all of it, all of it with borders, or a crop."""

from __future__ import annotations

import numpy as np

from visiongen.tasks.registration.affine import Size, fit_box

_SAME_ASPECT = 0.01


def framings(photo: Size, painted: np.ndarray) -> dict[str, np.ndarray]:
    """Names and affines (photo pixel -> map pixel) of the framings worth trying.

    "stretched": the whole photo on the whole map. "padded": on what is inside uniform borders.
    "cropped", "extended": at one scale about the centre, when the two have different aspects.
    """
    height, width = painted.shape[:2]
    found = {"stretched": fit_box(photo, (0, 0, width, height))}
    box = inside_borders(painted)
    if box != (0, 0, width, height):
        found["padded"] = fit_box(photo, box)
    scales = width / photo[1], height / photo[0]
    if abs(scales[0] / scales[1] - 1) > _SAME_ASPECT:
        found["cropped"] = _centred(photo, (height, width), max(scales))
        found["extended"] = _centred(photo, (height, width), min(scales))
    return found


def _centred(photo: Size, size: Size, scale: float) -> np.ndarray:
    half_x, half_y = photo[1] * scale / 2, photo[0] * scale / 2
    x, y = size[1] / 2, size[0] / 2
    return fit_box(photo, (x - half_x, y - half_y, x + half_x, y + half_y))


def inside_borders(painted: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (edges) of the map without borders of one colour on opposite sides.

    A border is a pair of opposite bars, of equal width to two pixels: a single one may be sky.
    """
    height, width = painted.shape[:2]
    top, bottom = _pair(painted)
    left, right = _pair(painted.swapaxes(0, 1))
    return left, top, width - right, height - bottom


def _pair(painted: np.ndarray) -> tuple[int, int]:
    """Rows of one colour at the top and at the bottom; 0, 0 unless both, alike and equally many."""
    flat = (painted == painted[:, :1]).all(axis=(1, 2)) & (painted[:, 0] == painted[0, 0]).all(axis=1)
    if flat.all() or not flat[0] or not flat[-1]:
        return 0, 0
    first, last = int(np.argmin(flat)), int(np.argmin(flat[::-1]))
    return (first, last) if abs(first - last) <= 2 else (0, 0)
