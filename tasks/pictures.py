"""Labels as pictures: PNG of 8 or 16 bits, and colours for depth."""

from __future__ import annotations

import numpy as np

from visiongen.errors import InputError

_INVALID = (128, 128, 128)


def encode_png(image: np.ndarray) -> bytes:
    """PNG bytes of uint8 or uint16, gray (H, W) or RGB (H, W, 3)."""
    import cv2

    if image.dtype not in (np.uint8, np.uint16) or image.ndim not in (2, 3):
        raise InputError(f"picture: {image.dtype} {image.shape}; give uint8 or uint16, gray or RGB")
    pixels = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, buffer = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        raise InputError(f"picture: {image.shape} cannot be encoded as PNG")
    return buffer.tobytes()


def colour_near(nearness: np.ndarray) -> np.ndarray:
    """Nearness float (H, W) in [0, 1] -> uint8 RGB, near = red, far = dark blue, NaN = gray."""
    import cv2

    invalid = np.isnan(nearness)
    gray = (np.where(invalid, 0, nearness) * 255 + 0.5).astype(np.uint8)
    picture = cv2.cvtColor(cv2.applyColorMap(gray, cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB)
    if invalid.any():
        picture[invalid] = _INVALID
    return picture


def nearness(depth: np.ndarray) -> np.ndarray:
    """Depth in metres -> float32 in [0, 1] for display: log depth between its 2-98 % quantiles."""
    with np.errstate(divide="ignore", invalid="ignore"):
        near = -np.log(depth)
    finite = near[np.isfinite(near)]
    if not finite.size:
        return np.where(np.isnan(depth), np.nan, 0).astype(np.float32)
    # A sample is enough for two quantiles of a large photo.
    low, high = np.quantile(finite[:: max(1, finite.size // 1_000_000)], [0.02, 0.98])
    near -= low
    near /= max(float(high - low), 1e-6)
    return np.clip(near, 0, 1, out=near)


def overlay(photo: np.ndarray, colours: np.ndarray, labels: np.ndarray, share: float = 0.55) -> np.ndarray:
    """``colours`` uint8 (H, W, 3) over ``photo`` where ``labels`` int (H, W) > 0; outlines are full."""
    if photo.shape != colours.shape:
        raise InputError(
            f"overlay: photo {photo.shape} is not the labels' {labels.shape}; give the same photo"
        )
    weight = np.where(labels > 0, np.float32(share), np.float32(0))
    for axis in (0, 1):
        one, two = np.moveaxis(labels, axis, 0)[:-1], np.moveaxis(labels, axis, 0)[1:]
        edge = one != two
        np.moveaxis(weight, axis, 0)[:-1][edge & (one > 0)] = 1
        np.moveaxis(weight, axis, 0)[1:][edge & (two > 0)] = 1
    mixed = photo + weight[..., None] * (colours.astype(np.float32) - photo)
    return (mixed + 0.5).astype(np.uint8)
