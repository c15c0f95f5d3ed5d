"""Which part of the photo a returned map may show: all of it, all of it with borders, or a crop."""

from __future__ import annotations

import numpy as np

from visiongen.tasks.registration.affine import Size, fit_box

_SAME_ASPECT = 0.01
_CALM, _NEAR = 12, 48
"""Levels that a bar may be off its colour: by noise, and where JPEG rings beside the picture in it."""
_OUTLIERS = 0.015
"""Share of a row's pixels that may be farther off than that."""
_RINGING = 8
"""Rows of a bar that may ring: a block of JPEG."""


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

    A border is a pair of opposite bars, of equal width to two pixels (four where noise or JPEG have touched
    them): a single one may be sky.
    """
    height, width = painted.shape[:2]
    top, bottom = _pair(painted)
    left, right = _pair(painted.swapaxes(0, 1))
    return left, top, width - right, height - bottom


def _pair(painted: np.ndarray) -> tuple[int, int]:
    """Rows of one colour at the top and at the bottom; 0, 0 unless both, alike and equally many.

    A bar that is not exact is as long as its rows are ``_NEAR`` the colour. It must end within ``_RINGING``
    rows of those that are ``_CALM``: a slope that fades away from the colour is part of the map.
    """
    colour = np.median(painted[0], axis=0).astype(np.uint8)
    away = (np.maximum(painted, colour) - np.minimum(painted, colour)).max(axis=2)
    exact = _ends(~away.any(axis=1))
    calm, near = (_ends((away > levels).mean(axis=1) <= _OUTLIERS) for levels in (_CALM, _NEAR))
    sharp = 0 not in calm and max(near[0] - calm[0], near[1] - calm[1]) <= _RINGING
    if calm != exact and sharp and abs(near[0] - near[1]) <= 4:
        return near
    return exact if abs(exact[0] - exact[1]) <= 2 else (0, 0)


def _ends(flat: np.ndarray) -> tuple[int, int]:
    """How many True there are at the beginning and at the end; 0, 0 unless at both, and where all are."""
    if flat.all() or not flat[0] or not flat[-1]:
        return 0, 0
    return int(np.argmin(flat)), int(np.argmin(flat[::-1]))
