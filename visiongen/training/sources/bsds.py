"""BSDS500: photos with the boundaries that several people drew (Arbelaez et al. 2011)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from visiongen.data import pack
from visiongen.errors import InputError
from visiongen.thinning import thin_edges
from visiongen.training.batches import Batch, BatchBuilder, Target
from visiongen.training.sources.augment import View
from visiongen.training.sources.maps import MapSource, listed
from visiongen.training.sources.reading import read_rgb
from visiongen.training.targets.gray import draw_lines, gray_target

AGREED = 0.3  # lines that fewer drew are neither edge nor not: out of the loss, as HED and RCF do
REACH = 2  # pixels by which two people's lines may differ and still be the same

Lines = tuple[np.ndarray, np.ndarray, np.ndarray]  # y, x, strength of every crest pixel, float32 (N,)


class BsdsSource(MapSource):
    """Target "edges" from ``<root>/train/{images,gt}``: strength = share of people who drew it.

    The lines are thinned at the photo's size and drawn anew, as wide as the world's, at the size that
    is painted. Those with strength below ``AGREED`` are kept out of the loss (HED, arXiv 1504.06375;
    RCF, arXiv 1612.02103). Options: see ``MapSource``.
    """

    name = "bsds"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._frames: list[tuple[np.ndarray, Lines]] = []

    def prepare(self) -> None:
        """Read the photos once (93 MB) and find the crests of their lines."""
        if self._frames:
            return
        root = Path(self.root) if self.root else pack("bsds500", self.data)
        for path in listed(root / "train" / "images", ".jpg")[: self.limit]:
            photo, drawn = read_rgb(path), read_boundaries(root / "train" / "gt" / f"{path.stem}.npz")
            if drawn.shape[1:] != photo.shape[:2]:
                raise InputError(f"{path}: its boundaries are {drawn.shape[1:]}; restore the pack")
            self._frames.append((photo, crests(drawn)))

    def batch(self, index: int, seed: int) -> Batch:
        """``batch`` random photos, each with its own window and colours."""
        self.prepare()
        rng = self.generator(index, seed)
        builder = BatchBuilder(self.draw_size(rng))
        for number in rng.integers(len(self._frames), size=self.count):
            photo, lines = self._frames[int(number)]
            view = self.view((photo.shape[0], photo.shape[1]), builder.size, rng)
            self.add(builder, view.photo(photo), [edge_target(lines, view)], rng)
        return builder.build()


def read_boundaries(path: Path) -> np.ndarray:
    """Every person's boundaries, bool (A, H, W), from the pack's NPZ (bits packed along the width)."""
    try:
        with np.load(path) as stored:
            shape = tuple(int(n) for n in stored["shape"])
            bits = np.unpackbits(stored["boundaries"], axis=-1, count=shape[2])
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise InputError(f"{path}: no readable boundaries ({error}); restore the pack") from error
    return bits.astype(bool).reshape(shape)


def crests(drawn: np.ndarray) -> Lines:
    """Lines one pixel wide through what people drew, bool (A, H, W), and the share who drew each."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * REACH + 1, 2 * REACH + 1))
    share = np.zeros(drawn.shape[1:], np.float32)
    for one in drawn:
        share += cv2.dilate(one.astype(np.uint8), disc)
    share /= len(drawn)
    smooth = cv2.GaussianBlur(share, (0, 0), 1)  # a plateau has no crest
    crest = thin_edges(smooth) > 0
    y, x = np.nonzero(crest)
    return y.astype(np.float32), x.astype(np.float32), share[y, x]


def edge_target(lines: Lines, view: View) -> Target:
    """The lines in a view: those many drew as the map, those few drew out of the loss."""
    y, x, share = lines
    many = share >= AGREED
    marks = mark(y[many], x[many], share[many], view)
    doubt = mark(y[~many], x[~many], share[~many], view) > 0
    doubt = cv2.dilate(doubt.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    drawn = draw_lines(marks)
    return gray_target("edges", drawn, ~(doubt & (drawn < AGREED)))


def mark(y: np.ndarray, x: np.ndarray, strength: np.ndarray, view: View) -> np.ndarray:
    """Lines two pixels wide float32 (h, w) of crest pixels of the original, as ``view`` shows them."""
    h, w = view.size
    enlarged = max(h / view.height, w / view.width)
    if enlarged >= 2:
        y, x, strength = _joined(y, x, strength, math.ceil(enlarged))
    row = (y + 0.5 - view.top) * h / view.height
    column = (x + 0.5 - view.left) * w / view.width
    column = w - column if view.flip else column
    out = np.zeros((h, w), np.float32)
    for dy in (-0.5, 0.5):
        for dx in (-0.5, 0.5):
            r, c = np.floor(row + dy).astype(int), np.floor(column + dx).astype(int)
            inside = (r >= 0) & (r < h) & (c >= 0) & (c < w)
            np.maximum.at(out, (r[inside], c[inside]), strength[inside])
    return out


def _joined(y: np.ndarray, x: np.ndarray, strength: np.ndarray, parts: int) -> Lines:
    """The crest pixels, and points that divide the way to each neighbour in ``parts``.

    Without these a line that is twice as large or more is a row of dots.
    """
    if not len(y):
        return y, x, strength
    row, column = y.astype(int), x.astype(int)
    place = np.full((row.max() + 2, column.max() + 3), -1)  # a column to the left, and beyond the last ones
    place[row, column + 1] = np.arange(len(row))
    found = [(y, x, strength)]
    for dy, dx in ((0, 1), (1, -1), (1, 0), (1, 1)):
        other = place[row + dy, column + 1 + dx]
        near = other >= 0
        weaker = np.minimum(strength[near], strength[other[near]])
        found += [(y[near] + dy * k / parts, x[near] + dx * k / parts, weaker) for k in range(1, parts)]
    rows, columns, strengths = zip(*found, strict=True)
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(strengths)
