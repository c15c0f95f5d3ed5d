"""Masks and mattes of a folder dataset, whoever drew them.

Official sets are known and read by their brightness (:func:`parallel.read_gray`). A picture of one's own may
as well hold a palette's numbers, instance ids, or a photo cut out by its alpha channel. By their brightness
these would become an empty or a constant truth, and nothing would say so; here they are read as what they are
(alpha; a palette of grays), or refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from visiongen.benchmarks.datasets.saliency_sets import CUT
from visiongen.errors import InputError

WRITE = "write the mask as 0 and 255 in one channel"
COLOURED = 32  # levels between a pixel's channels, beyond what JPEG makes of gray
WHITE = 250  # some tools' white
NOISE = 8  # levels beside black and white that JPEG makes of them
FLAT = 0.05  # of what is not black: flat areas in between are ids, not soft rims


def read_mask(path: Path, soft: bool = False) -> np.ndarray:
    """bool (H, W), True above 128; InputError: damaged, or values that cannot mean a mask.

    Those are a largest value of at most 128, of which nothing would be left, and, unless it may be ``soft``,
    flat areas strictly between black and white. Soft rims are none, whatever their share.
    """
    levels = read_levels(path)
    top = int(levels.max(initial=0))
    if 0 < top <= CUT:
        raise InputError(f"{path}: its largest value is {top}, so nothing of it would count; {WRITE}")
    if not soft:
        _check_flat(path, levels)
    return levels > CUT


def read_opacity(path: Path) -> np.ndarray:
    """uint8 (H, W), 255 = opaque; InputError as ``read_levels``, and for a matte of 0 and 1."""
    levels = read_levels(path)
    if levels.max(initial=0) == 1:
        raise InputError(f"{path}: its values are 0 and 1; write opacity from 0 to 255")
    return levels


def read_levels(path: Path) -> np.ndarray:
    """uint8 (H, W) of one channel of 1, 8 or 16 bits, of grays in several, or of an alpha channel.

    An alpha channel counts unless it is opaque all over. InputError: damaged, coloured, a palette in colours
    with other numbers than 0 and 255, or 16 bits that hold 8.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.load()
            return _levels(path, image)
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: damaged picture ({error}); write it again") from error


def _levels(path: Path, image: Any) -> np.ndarray:
    if image.mode == "P":
        return _of_palette(path, np.asarray(image), image.getpalette("RGB"))
    if image.mode.startswith("I"):
        return _of_16_bits(path, np.asarray(image).astype(np.int64))
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))
    pixels = np.asarray(image.convert("RGBA"))
    if (pixels[..., 3] != 255).any():
        return np.ascontiguousarray(pixels[..., 3])
    if int((pixels[..., :3].max(axis=2) - pixels[..., :3].min(axis=2)).max()) > COLOURED:
        raise InputError(f"{path}: its colours have no meaning here; {WRITE}")
    return np.asarray(image.convert("L"))


def _of_palette(path: Path, numbers: np.ndarray, palette: list[int]) -> np.ndarray:
    """The palette's grays; of one in colours the numbers, which must be 0 and 255."""
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(palette) // 3] = np.reshape(palette, (-1, 3))
    used = colours[np.unique(numbers)]
    if (used == used[:, :1]).all():
        return colours[:, 0][numbers]
    odd = numbers[(numbers != 0) & (numbers != 255)]
    if odd.size:
        raise InputError(f"{path}: a palette in colours, with the number {odd[0]}; {WRITE}")
    return numbers


def _of_16_bits(path: Path, stored: np.ndarray) -> np.ndarray:
    """The full range in 8 bits."""
    top = int(stored.max(initial=0))
    if 0 < top < 256:
        raise InputError(f"{path}: its largest value is {top} of 65535; {WRITE} of 8 bits, or as 0 and 65535")
    return ((stored + 128) // 257).clip(0, 255).astype(np.uint8)


def _check_flat(path: Path, levels: np.ndarray) -> None:
    """InputError: a value between black and white fills areas, as ids do."""
    import cv2

    noise = NOISE if path.suffix.lower() in (".jpg", ".jpeg") else 0
    near = np.ones((3, 3), np.uint8)
    flat = np.asarray(cv2.erode(levels, near) == cv2.dilate(levels, near))
    between = levels[flat & (levels > noise) & (levels < min(WHITE, 255 - noise))]
    if between.size > FLAT * max(1, int((levels > noise).sum())):
        value = int(np.bincount(between).argmax())
        raise InputError(f"{path}: value {value} fills areas of it, neither 0 nor 255; {WRITE}")
