"""COCO's precision and recall by ``hotcoco`` (Rust): the arrays of metrics/coco.py, sooner.

For detections of whole sets at once; a benchmark keeps statistics an image and does not need it. Optional:
``pip install "visiongen[coco-fast]"``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from visiongen.benchmarks.metrics.average_precision import Arrays
from visiongen.benchmarks.metrics.coco import Found, Truths
from visiongen.errors import DependencyError, InputError


def evaluate(truths: Sequence[Truths], found: Sequence[Found | None], classes: int) -> Arrays:
    """Arrays over all images in their order; None finds nothing.

    DependencyError: hotcoco is not installed.
    """
    judge = prepare(truths, found, classes)
    judge.evaluate()
    judge.accumulate()
    return Arrays(*(np.asarray(judge.eval[name]) for name in ("precision", "recall", "scores")))


def prepare(truths: Sequence[Truths], found: Sequence[Found | None], classes: int) -> Any:
    """hotcoco's COCOeval over these images, not evaluated yet."""
    try:
        import hotcoco
    except ImportError as error:
        raise DependencyError('hotcoco is missing; pip install "visiongen[coco-fast]"') from error
    if len(truths) != len(found):
        raise InputError(
            f"coco: {len(truths)} truths, {len(found)} answers; give one an image, None for none"
        )
    whole = hotcoco.COCO(dataset(truths, classes))
    return hotcoco.COCOeval(whole, whole.loadRes(results(found)), "segm")


def dataset(truths: Sequence[Truths], classes: int) -> dict[str, Any]:
    """COCO's annotation object: images and categories count from 1, as annotations must."""
    annotations: list[dict[str, Any]] = []
    for image, truth in enumerate(truths, 1):
        columns = zip(truth.categories, truth.masks, truth.crowd, truth.areas, strict=True)
        for kind, mask, crowd, area in columns:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(kind) + 1,
                    "segmentation": dict(mask),
                    "iscrowd": int(crowd),
                    "area": float(area),
                    "bbox": [0.0, 0.0, 0.0, 0.0],
                }
            )
    sizes = [{"id": i, "height": t.size[0], "width": t.size[1]} for i, t in enumerate(truths, 1)]
    categories = [{"id": kind + 1, "name": str(kind)} for kind in range(classes)]
    return {"info": {}, "images": sizes, "annotations": annotations, "categories": categories}


def results(found: Sequence[Found | None]) -> list[dict[str, Any]]:
    """COCO's results list, without boxes, so that areas are those of the masks."""
    rows = []
    for image, one in enumerate(found, 1):
        if one is not None:
            columns = zip(one.categories, one.masks, one.scores, strict=True)
            rows += [
                {
                    "image_id": image,
                    "category_id": int(kind) + 1,
                    "segmentation": dict(mask),
                    "score": float(score),
                }
                for kind, mask, score in columns
            ]
    return rows
