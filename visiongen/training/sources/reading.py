"""Plain readers for training files; errors name the file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from visiongen.errors import InputError, MissingDataError


def decode_rgb(data: bytes, name: object) -> np.ndarray:
    """Encoded image bytes as uint8 RGB (H, W, 3); InputError when they are not an image."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        raise InputError(f"{name}: not a readable image; remove it or restore it")
    return np.ascontiguousarray(image[..., ::-1])


def read_rgb(path: Path) -> np.ndarray:
    """A photo as uint8 RGB (H, W, 3), EXIF orientation applied."""
    try:
        return decode_rgb(path.read_bytes(), path)
    except FileNotFoundError:
        raise MissingDataError(f"{path}: no such file; check the data root") from None


def read_classes(path: Path) -> np.ndarray:
    """A one-channel 8-bit PNG of class ids (H, W)."""
    if not path.is_file():
        raise MissingDataError(f"{path}: no such label file; check the data root")
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 2 or image.dtype != np.uint8:
        raise InputError(f"{path}: not an 8-bit one-channel label PNG; restore the pack")
    return image
