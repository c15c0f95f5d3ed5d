"""Random holes in a grid of tokens: what an inpainting or a next turn leaves to paint.

A keep-mask is bool (h, w), True where a token stays; the rest is to be painted.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from visiongen.fill import cover, fill_prompt
from visiongen.prompt import PHOTO
from visiongen.training.batches import Target
from visiongen.units import PATCH, covered

LEAST, MOST = 0.03, 0.97  # of the tokens: a hole is never nothing and never everything


def draw(rng: np.random.Generator, h: int, w: int, share: float | None = None) -> np.ndarray:
    """Keep-mask bool (h, w) with a hole of about ``share`` of the tokens (None: 5-95 %, drawn).

    At least one token is kept and one is not (a grid of a single token has just the hole).
    """
    return ~hole(rng, (h, w), share)


def fill_order(photo: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Target]:
    """An inpainting to learn: the photo uint8 (8h, 8w, 3) with a gray hole, and the order to fill it.

    Only the hole is valid in the target.
    """
    keep = draw(rng, photo.shape[0] // PATCH, photo.shape[1] // PATCH)
    valid = ~covered(keep)
    return cover(photo, keep), Target(fill_prompt(photo, keep, PHOTO), photo, valid)


def hole(rng: np.random.Generator, size: tuple[int, int], share: float | None = None) -> np.ndarray:
    """Bool (h, w), True in the hole: rectangles, blobs, strokes, a half plane, or single tokens.

    ``share`` of the tokens is met as nearly as the shape allows; the hole always has a token, and
    leaves one unless the grid has no second one.
    """
    wanted = float(rng.uniform(0.05, 0.95)) if share is None else share
    wanted = min(max(wanted, LEAST), MOST)
    maker = MAKERS[int(rng.integers(len(MAKERS)))]
    field = maker(rng, size)
    count = min(max(1, round(wanted * field.size)), max(1, field.size - 1))
    # The tokens where the field is highest: any shape, grown until it has the wanted area.
    chosen = np.zeros(field.size, bool)
    chosen[np.argsort(-field.ravel(), kind="stable")[:count]] = True
    return chosen.reshape(size)


def _blobs(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """A smooth random field: its level sets are islands."""
    h, w = size
    coarse = rng.normal(size=(int(rng.integers(2, 6)), int(rng.integers(2, 7)))).astype(np.float32)
    return cv2.resize(coarse, (w, h), interpolation=cv2.INTER_CUBIC)


def _boxes(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Distance to the nearest of one to three rectangles, negative: they grow at one pace."""
    h, w = size
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    field = np.full(size, -np.inf, np.float32)
    for _ in range(int(rng.integers(1, 4))):
        cy, cx = rng.uniform(0, h), rng.uniform(0, w)
        aspect = float(np.exp(rng.normal(0, 0.6)))
        gap = np.maximum(np.abs(y - cy) / h * aspect, np.abs(x - cx) / w / aspect)
        field = np.maximum(field, -gap)
    return field


def _plane(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """One side of a line: what an outpainting asks for."""
    h, w = size
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    turn = rng.choice([0, 0.25, 0.5, 0.75, rng.uniform()]) * 2 * np.pi
    return (y / h) * np.float32(np.sin(turn)) + (x / w) * np.float32(np.cos(turn))


def _strokes(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Distance, negative, to a few random lines: what a brush erases."""
    h, w = size
    lines = np.ones((h, w), np.uint8)
    for _ in range(int(rng.integers(1, 5))):
        ends = rng.integers([0, 0], [w, h], (2, 2)).tolist()
        cv2.line(lines, ends[0], ends[1], 0, 1)
    return -cv2.distanceTransform(lines, cv2.DIST_L2, 3)


def _specks(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Noise: single tokens."""
    return rng.uniform(size=size).astype(np.float32)


MAKERS: tuple[Callable[[np.random.Generator, tuple[int, int]], np.ndarray], ...] = (
    _blobs, _blobs, _boxes, _boxes, _plane, _strokes, _specks,
)  # fmt: skip
