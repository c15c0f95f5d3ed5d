"""Pictures inside the page: small WebP files as data addresses."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import numpy as np

from visiongen.benchmarks.report.html import Html, tag, text
from visiongen.resize import resize_nearest

LONGEST = 320  # pixels: longer side of an embedded picture
BUDGET = 40_000  # bytes of one, before base64
EXACT = 8_000  # up to here without loss: flat colours fit, smooth maps need not
QUALITIES = (80, 65, 50, 35, 20)


def shrink(image: np.ndarray, longest: int = LONGEST, smooth: bool = False) -> np.ndarray:
    """No side longer than ``longest``: averaged (photos), or pixels picked, so that no colour is mixed."""
    import cv2

    scale = longest / max(image.shape[:2])
    if scale >= 1:
        return image
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    if smooth:
        return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(resize_nearest(image, (height, width)))


def data_uri(image: np.ndarray, photo: bool = False) -> str:
    """A ``data:`` address of uint8 RGB (H, W, 3), below ``BUDGET``: exact unless ``photo`` or too large."""
    tries: list[dict[str, Any]] = [] if photo else [{"lossless": True, "method": 4}]
    tries += [{"quality": quality, "method": 4} for quality in QUALITIES]
    while True:
        for options in tries:
            content = _webp(image, options)
            if len(content) <= (EXACT if "lossless" in options else BUDGET):
                return f"data:image/webp;base64,{base64.b64encode(content).decode()}"
        image = shrink(image, max(image.shape[:2]) * 3 // 4, smooth=photo)


def _webp(image: np.ndarray, options: dict[str, Any]) -> bytes:
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "WEBP", **options)
    return buffer.getvalue()


def figure(
    image: np.ndarray,
    caption: str,
    alt: str,
    key: Html | None = None,
    photo: bool = False,
    smooth: bool = False,
) -> Html:
    """A picture with its caption and, below, what its colours mean. ``smooth``: pixels may be averaged."""
    small = shrink(image, smooth=photo or smooth)
    height, width = small.shape[:2]
    crisp = "" if photo else ' class="crisp"'
    drawn = Html(
        f'<img{crisp} src="{data_uri(small, photo)}" width="{width}" height="{height}" alt="{text(alt)}" '
        'decoding="async">'
    )
    return tag("figure", drawn, tag("figcaption", caption), key or "")
