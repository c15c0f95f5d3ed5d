"""Made-up instances and detections, and the same as COCO's JSON objects."""

from __future__ import annotations

from typing import Any

import numpy as np

from visiongen.benchmarks.metrics import coco
from visiongen.benchmarks.metrics.coco import Found, Truths

SIZE = (120, 160)
_Y, _X = np.mgrid[: SIZE[0], : SIZE[1]]


def ellipse(y: float, x: float, height: float, width: float) -> np.ndarray:
    return ((_Y - y) / height) ** 2 + ((_X - x) / width) ** 2 < 1


def made(
    rng: np.random.Generator,
    classes: int,
    invented: int = 12,
    crowds: float = 0.15,
    ties: bool = True,
    twins: bool = False,
) -> tuple[Truths, Found]:
    """One image: up to 8 instances of all sizes, detections near them, some twice, some of another class."""
    places = [
        (rng.uniform(0, SIZE[0]), rng.uniform(0, SIZE[1]), *np.exp(rng.uniform(0.7, 3.9, 2)))
        for _ in range(rng.integers(0, 9))
    ]
    kinds = rng.integers(0, classes, len(places))
    if twins:  # instances of one mask, and detections that are exactly it: equal IoUs
        again = np.flatnonzero(rng.random(len(places)) < 0.4)
        places, kinds = places + [places[i] for i in again], np.concatenate([kinds, kinds[again]])
    masks = [ellipse(*place) for place in places]
    near, guesses = [], []
    for place, kind in zip(places, kinds, strict=True):
        for _ in range(rng.integers(0, 4)):
            spread = rng.normal(0, 0.0 if twins and rng.random() < 0.5 else 0.1, 4) * (
                place[2],
                place[3],
                place[2],
                place[3],
            )
            near.append(ellipse(*np.add(place, spread)))
            guesses.append(kind if rng.random() < 0.9 else rng.integers(0, classes))
    for _ in range(rng.integers(0, invented + 1)):
        side = np.exp(rng.uniform(0.7, 3.9))
        near.append(ellipse(rng.uniform(0, SIZE[0]), rng.uniform(0, SIZE[1]), side, side))
        guesses.append(rng.integers(0, classes))
    scores = rng.random(len(near))
    areas = np.array([mask.sum() for mask in masks], np.float64) * rng.choice([1, 1.2], len(masks))
    truth = Truths(SIZE, kinds, coco.encode(np.array(masks)), rng.random(len(masks)) < crowds, areas)
    found = Found(
        SIZE, np.array(guesses, int), coco.encode(np.array(near)), scores.round(1) if ties else scores
    )
    return truth, found


def images(
    rng: np.random.Generator, count: int, classes: int, **more: Any
) -> tuple[list[Truths], list[Found]]:
    pairs = [made(rng, classes, **more) for _ in range(count)]
    return [truth for truth, _ in pairs], [found for _, found in pairs]


def coco_json(truths: list[Truths], found: list[Found], classes: int) -> tuple[dict[str, Any], list[dict]]:
    """COCO's annotations and results, image i and category k + 1."""
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image, (truth, one) in enumerate(zip(truths, found, strict=True)):
        for k, mask in enumerate(truth.masks):
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image, "category_id": int(truth.categories[k]) + 1}
                | {"segmentation": dict(mask), "area": float(truth.areas[k]), "iscrowd": int(truth.crowd[k])}
                | {"bbox": [0, 0, 1, 1]}
            )
        for k, mask in enumerate(one.masks):
            results.append(
                {"image_id": image, "category_id": int(one.categories[k]) + 1, "score": float(one.scores[k])}
                | {"segmentation": dict(mask)}
            )
    pictures = [{"id": i, "height": t.size[0], "width": t.size[1]} for i, t in enumerate(truths)]
    kinds = [{"id": k + 1, "name": str(k), "frequency": "rcf"[k % 3]} for k in range(classes)]
    return {"info": {}, "images": pictures, "annotations": annotations, "categories": kinds}, results
