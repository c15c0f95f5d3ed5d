"""Paired augmentation with numpy and cv2: crop + resize, flip, colours. uint8 in, uint8 out."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from visiongen.training.sources.reading import decode_rgb

_GRAY = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class View:
    """A window of the original, resized to ``size``; ``flip`` mirrors it left-right."""

    top: int
    left: int
    height: int
    width: int
    size: tuple[int, int]
    flip: bool

    def _cut(self, array: np.ndarray) -> np.ndarray:
        window = array[self.top : self.top + self.height, self.left : self.left + self.width]
        return window

    def _finish(self, array: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(array[:, ::-1]) if self.flip else np.ascontiguousarray(array)

    def photo(self, image: np.ndarray) -> np.ndarray:
        """Averaged when shrinking, linear when growing."""
        h, w = self.size
        shrinking = self.height >= h and self.width >= w
        mode = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
        return self._finish(cv2.resize(self._cut(image), (w, h), interpolation=mode))

    def nearest(self, array: np.ndarray) -> np.ndarray:
        """Nearest at pixel centres: for class ids, depth and anything that must not mix."""
        h, w = self.size
        # Of two source pixels as near, the one before or the one behind: neither is always taken.
        tie = 1e-6 if self.flip else -1e-6
        rows = self.top + ((np.arange(h) + 0.5) * self.height / h + tie).astype(np.int64)
        columns = self.left + ((np.arange(w) + 0.5) * self.width / w + tie).astype(np.int64)
        return self._finish(array[rows[:, None], columns[None, :]])

    def mean(self, quantity: np.ndarray, there: np.ndarray) -> np.ndarray:
        """A quantity (H, W, C) over what is ``there`` bool (H, W), averaged as the photo is; 0 elsewhere.

        A photo's pixel sees all of what it shrinks: taken at one point, a fine texture would be another.
        """
        known = there.astype(np.float32)
        total = self.photo(quantity.astype(np.float32) * known[..., None])
        mean = total / np.maximum(self.photo(known), 1e-3)[..., None]
        mean = np.where(self.nearest(there)[..., None], mean, 0)
        return (np.rint(mean) if quantity.dtype.kind == "u" else mean).astype(quantity.dtype)

    def depth(self, depth: np.ndarray) -> np.ndarray:
        """Nearest, metres; those of a window shrink as its side does.

        So near would a camera of the whole frame's angle have to be to see it (the label transform of
        Metric3D, arXiv 2307.10984, whose canonical camera is the frame's own).
        """
        side = self.height / whole_view(depth.shape[:2], self.size).height
        return (self.nearest(depth) * side).astype(np.float32)

    def normals(self, normals: np.ndarray) -> np.ndarray:
        """Nearest; a left-right mirror negates x."""
        out = self.nearest(normals).astype(np.float32)
        if self.flip:
            out[..., 0] = -out[..., 0]
        return out


def whole_view(source: tuple[int, int], size: tuple[int, int], flip: bool = False) -> View:
    """The largest centred window with the aspect of ``size``: the frame is not zoomed."""
    return _window(source, size, 1.0, 0.5, 0.5, flip)


def random_view(
    source: tuple[int, int],
    size: tuple[int, int],
    rng: np.random.Generator,
    scale: tuple[float, float] = (0.5, 1.0),
    flips: bool = True,
) -> View:
    """A random window: its side is ``scale`` times the largest one that fits."""
    low, high = scale
    share = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    y, x = rng.uniform(size=2)
    return _window(source, size, share, float(y), float(x), bool(flips and rng.uniform() < 0.5))


def _window(
    source: tuple[int, int], size: tuple[int, int], share: float, y: float, x: float, flip: bool
) -> View:
    (height, width), (h, w) = source, size
    unit = min(height / h, width / w) * share
    tall = max(1, min(height, round(h * unit)))
    wide = max(1, min(width, round(w * unit)))
    # An aspect that differs by less than 3 % is stretched, so that no row is cut off needlessly.
    if share == 1.0 and abs((height / width) / (h / w) - 1) < 0.03:
        tall, wide = height, width
    return View(round((height - tall) * y), round((width - wide) * x), tall, wide, size, flip)


def jitter(photo: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Random exposure, white balance, contrast, gamma and saturation of a uint8 photo.

    One table and one 3 x 3 matrix, for speed.
    """
    if strength <= 0:
        return photo
    x = np.arange(256, dtype=np.float32)[:, None] / 255
    gamma = np.exp(rng.normal(0, 0.18 * strength))
    gain = np.exp(rng.normal(0, 0.12 * strength)) * np.exp(rng.normal(0, 0.06 * strength, 3))
    contrast = np.exp(rng.normal(0, 0.12 * strength))
    pivot = 0.45
    table = (x**gamma * gain - pivot) * contrast + pivot
    table = np.clip(table * 255 + 0.5, 0, 255).astype(np.uint8)
    out = cv2.LUT(photo, np.ascontiguousarray(table[None]))
    if rng.uniform() < 0.8:
        saturation = float(np.exp(rng.normal(0, 0.25 * strength)))
        matrix = saturation * np.eye(3, dtype=np.float32) + (1 - saturation) * _GRAY[None]
        out = cv2.transform(out, matrix.astype(np.float32))
    return out


def degrade(photo: np.ndarray, rng: np.random.Generator, chance: float) -> np.ndarray:
    """Blur, noise and JPEG, each with probability ``chance``."""
    blur, noise, jpeg = rng.uniform(size=3) < chance
    if blur:
        photo = cv2.GaussianBlur(photo, (0, 0), float(rng.uniform(0.4, 1.1)))
    if noise:
        grain = rng.normal(0, rng.uniform(1, 8), photo.shape).astype(np.float32)
        photo = np.clip(photo + grain + 0.5, 0, 255).astype(np.uint8)
    if jpeg:
        quality = int(rng.integers(40, 95))
        _, data = cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        photo = decode_rgb(data.tobytes(), "augmented photo")
    return photo


def fill_nearest(labels: np.ndarray, ignore: int = 255) -> np.ndarray:
    """Give every ignored pixel the class of the nearest pixel that has one.

    The painted map then looks like the maps the model is asked for, without holes in a colour
    that no legend names; the pixels stay out of the loss through ``valid``.
    """
    holes = labels == ignore
    if not holes.any() or holes.all():
        return labels
    _, nearest = cv2.distanceTransformWithLabels(
        holes.astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    lookup = np.zeros(int(nearest.max()) + 1, labels.dtype)
    lookup[nearest[~holes]] = labels[~holes]
    return lookup[nearest]
