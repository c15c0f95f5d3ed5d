"""What the metric rows of ``visiongen bench speed`` are timed on; made here, so that no files are needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from visiongen.benchmarks.metrics.coco import Found, Truths, encode
from visiongen.resize import resize_nearest

SIZE = (480, 640)


@dataclass(frozen=True)
class Maps:
    """Truth and an answer with coarse borders and some mistakes, of one rendered street.

    classes: uint8 (H, W); panoptic: int32 (H, W), class * 1000 + number; depth: float32 (H, W) metres,
    an answer without scale, and bool (H, W) where it is measured. ``kinds``: number of classes.
    """

    kinds: int
    classes: tuple[np.ndarray, np.ndarray]
    panoptic: tuple[np.ndarray, np.ndarray]
    depth: tuple[np.ndarray, np.ndarray, np.ndarray]


@cache
def maps(size: tuple[int, int] = SIZE, seed: int = 3) -> Maps:
    """Rendered once."""
    from visiongen.benchmarks.metrics.panoptic import MANY
    from visiongen.world import render

    rng = np.random.default_rng(seed)
    frame = render("street", [seed], *size)
    classes = frame.classes[0].numpy().astype(np.uint8)
    number = frame.instance[0].numpy() % MANY
    depth = frame.depth[0].numpy().astype(np.float32)
    kinds = len(frame.class_names)
    coarse = (max(1, size[0] // 4), max(1, size[1] // 4))
    answer = _coarser(classes, coarse)
    for kind in rng.permutation(np.unique(classes))[:2]:  # two classes are taken for others
        answer[answer == kind] = rng.integers(kinds)
    things = classes.astype(np.int32) * MANY + number
    found = answer.astype(np.int32) * MANY + _coarser(number, coarse)
    measured = np.isfinite(depth) & (depth < 80)
    measured[: size[0] // 20] = False
    noise = np.exp(rng.normal(0, 0.1, size)).astype(np.float32)
    guess = np.where(measured, 0.05 * depth * noise + 0.3, np.nan).astype(np.float32)
    return Maps(kinds, (classes, answer), (things, found), (depth, guess, measured))


def _coarser(labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return resize_nearest(resize_nearest(labels, size), (labels.shape[0], labels.shape[1]))


@cache
def edge_maps(size: tuple[int, int] = (200, 300)) -> tuple[np.ndarray, np.ndarray]:
    """Strength of edges (H, W) in a photo of scikit-image, and lines bool (H, W, 3) of three 'people'."""
    import cv2
    from skimage import color, data
    from skimage.feature import canny

    gray = cv2.resize(color.rgb2gray(data.coffee()), (size[1], size[0]), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(gray, (0, 0), 1.5)
    slope = np.hypot(cv2.Sobel(soft, cv2.CV_64F, 1, 0), cv2.Sobel(soft, cv2.CV_64F, 0, 1))
    people = [np.roll(canny(gray, sigma), shift, (0, 1)) for sigma, shift in ((2, 0), (2.5, 1), (3, -1))]
    return np.clip(slope / np.percentile(slope, 99), 0, 1), np.stack(people, 2)


@cache
def detections(images: int = 60, kinds: int = 10, seed: int = 0) -> tuple[list[Truths], list[Found | None]]:
    """Ellipses and moved copies of them with scores, among false ones, in pictures of 240 x 320."""
    rng = np.random.default_rng(seed)
    truths, found = [], []
    for _ in range(images):
        true = [_ellipse(rng) for _ in range(rng.integers(1, 9))]
        moved: list[Any] = [np.roll(m, rng.integers(-6, 7, 2), (0, 1)) for m in true for _ in range(2)]
        masks = np.stack([*moved, *(_ellipse(rng) for _ in range(6))])
        kind = rng.integers(kinds, size=len(true))
        guess = np.concatenate([np.repeat(kind, 2), rng.integers(kinds, size=6)])
        stacked = np.stack(true)
        area = stacked.sum((1, 2)).astype(np.float64)
        truths.append(Truths((240, 320), kind, encode(stacked), np.zeros(len(true), bool), area))
        found.append(Found((240, 320), guess, encode(masks), rng.random(len(guess)).round(3)))
    return truths, list(found)


def _ellipse(rng: np.random.Generator) -> np.ndarray:
    y, x = np.ogrid[:240, :320]
    a, b = rng.uniform(5, 60, 2)
    inside = ((y - rng.uniform(20, 220)) / a) ** 2 + ((x - rng.uniform(20, 300)) / b) ** 2 < 1
    return np.asarray(inside)
