"""Instance masks without classes: COCO's mask AP, and how well the best mask covers each instance.

Truth is ids int (H, W), 0 = no instance. A prediction is ids (H, W), all of one score, or float (H, W, 2):
ids, and at every pixel the score in [0, 1] of its instance. Painted masks never overlap.

One image is matched by pycocotools' ``COCOeval.evaluateImg`` (masks, no categories, IoU .50:.05:.95, at
most 100 predictions); true instances below ``min_area`` pixels are ignored, and so are unmatched
predictions below it. Scores count in 256 levels: predictions of one level have no order and enter the
precision-recall curve together. So the statistics add up over images, where pycocotools would need every
prediction sorted; with distinct levels the AP is COCOeval's.
"""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np

from visiongen.errors import InputError

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
LEVELS = 256
MOST = 100
MIN_AREA = 16
HIGHER_IS_BETTER = {"AP": True, "AP50": True, "AP75": True, "AR": True, "MBO": True}
_BITS = 1 << np.arange(len(THRESHOLDS))


def image_stats(truth: np.ndarray, prediction: np.ndarray | None, min_area: int = MIN_AREA) -> dict[str, Any]:
    """{"found": [[level, tp bits, fp bits], ...], "truths", "overlap"} of one image.

    Bit t of tp (fp) is set where the prediction is right (wrong) at ``THRESHOLDS[t]``; ``truths`` counts
    the true instances, ``overlap`` is the sum over them of the best IoU with any prediction. ``None``:
    nothing was found. InputError: shapes.
    """
    truth = np.asarray(truth)
    wanted = [(truth == number) for number in np.unique(truth[truth > 0])]
    found, level = _predictions(prediction, truth.shape)
    large = np.array([mask.sum() >= min_area for mask in wanted], bool)
    right, counted = _match(wanted, found, level / (LEVELS - 1), min_area)
    best = mask_iou(found, wanted).max(axis=0, initial=0)
    rows = [
        [int(one), int(_BITS[hit & used].sum()), int(_BITS[~hit & used].sum())]
        for one, hit, used in zip(level, right.T, counted.T, strict=True)
    ]
    return {"found": rows, "truths": int(large.sum()), "overlap": float(best[large].sum())}


def _predictions(prediction: np.ndarray | None, size: tuple[int, ...]) -> tuple[list[np.ndarray], np.ndarray]:
    """Masks by falling score level, at most ``MOST``, and their levels; NaN is no instance, score 0."""
    if prediction is None:
        return [], np.zeros(0)
    values = np.nan_to_num(np.asarray(prediction, np.float64), posinf=0, neginf=0)
    if values.shape not in (size, (*size, 2)):
        raise InputError(f"instances: the prediction is {values.shape}, the truth {size}; resize it first")
    ids, score = (values, np.ones(size)) if values.ndim == 2 else (values[..., 0], values[..., 1])
    masks = [ids == number for number in np.unique(ids[ids > 0])]
    level = np.array([round(float(np.clip(score[m].mean(), 0, 1)) * (LEVELS - 1)) for m in masks])
    order = np.argsort(-level, kind="stable")[:MOST]
    return [masks[i] for i in order], level[order]


def _encode(masks: list[np.ndarray]) -> list[dict[str, Any]]:
    from pycocotools import mask as rle

    return [rle.encode(np.asfortranarray(one.astype(np.uint8))) for one in masks]


def mask_iou(found: list[np.ndarray], wanted: list[np.ndarray]) -> np.ndarray:
    """IoU float64 (found, wanted) of bool masks (H, W)."""
    from pycocotools import mask as rle

    if not found or not wanted:
        return np.zeros((len(found), len(wanted)))
    return np.asarray(rle.iou(_encode(found), _encode(wanted), [0] * len(wanted)))


def _match(
    wanted: list[np.ndarray], found: list[np.ndarray], score: np.ndarray, min_area: int
) -> tuple[np.ndarray, np.ndarray]:
    """COCOeval's matching: (right, counted), bool (10, predictions)."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    nothing = np.zeros((len(THRESHOLDS), len(found)), bool)
    if not found:
        return nothing, nothing
    if not wanted:
        return nothing, nothing | np.array([mask.sum() >= min_area for mask in found])
    sets, size = [], found[0].shape
    for masks, scores in ((wanted, np.ones(len(wanted))), (found, score)):
        one = COCO()
        one.dataset = {
            "images": [{"id": 1, "height": size[0], "width": size[1]}],
            "categories": [{"id": 1}],
            "annotations": [
                {"id": i + 1, "image_id": 1, "category_id": 1, "segmentation": runs, "iscrowd": 0}
                | {"area": int(mask.sum()), "score": float(scores[i])}
                for i, (mask, runs) in enumerate(zip(masks, _encode(masks), strict=True))
            ],
        }
        with contextlib.redirect_stdout(io.StringIO()):  # it reports its progress
            one.createIndex()
        sets.append(one)
    judge = COCOeval(*sets, "segm")
    judge.params.imgIds, judge.params.catIds, judge.params.useCats = [1], [1], 0
    judge._prepare()
    judge.ious = {(1, -1): judge.computeIoU(1, -1)}
    result = judge.evaluateImg(1, -1, [min_area, 1e10], MOST)
    return result["dtMatches"] > 0, ~result["dtIgnore"].astype(bool)


def vector(stats: dict[str, Any]) -> np.ndarray:
    """Counts (2, 10, 256) of right and wrong predictions by threshold and level, then truths, overlap."""
    counts = np.zeros((2, len(THRESHOLDS), LEVELS))
    for level, *kinds in stats["found"]:
        for kind, bits in enumerate(kinds):
            counts[kind, :, level] += (bits & _BITS) > 0
    return np.concatenate([counts.ravel(), [stats["truths"], stats["overlap"]]])


def scores(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Scores (...) of summed vectors (..., d); all NaN where there is no true instance.

    AP is the mean over IoU .50:.95, AR the mean recall over them, MBO the mean best overlap.
    """
    sums = np.asarray(sums, np.float64)
    counts = sums[..., :-2].reshape(*sums.shape[:-1], 2, len(THRESHOLDS), LEVELS)
    truths = np.where(sums[..., -2] > 0, sums[..., -2], np.nan)
    running = np.cumsum(counts[..., ::-1], axis=-1)  # from the highest score down
    right, wrong = running[..., 0, :, :], running[..., 1, :, :]
    recall = right / truths[..., None, None]
    each = average_precision(recall, right / np.maximum(right + wrong, 1))
    return {
        "AP": each.mean(-1),
        "AP50": each[..., 0],
        "AP75": each[..., 5],
        "AR": recall[..., -1].mean(-1),
        "MBO": sums[..., -1] / truths,
    }


def average_precision(recall: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """COCO's AP (...) of curves (..., n): monotone precision, read at 101 recalls; NaN recall gives NaN."""
    envelope = np.maximum.accumulate(precision[..., ::-1], axis=-1)[..., ::-1]
    flat = recall.reshape(-1, recall.shape[-1])
    tops = np.c_[envelope.reshape(flat.shape), np.zeros(len(flat))]  # 0 beyond the last recall
    # Rounding in the counts of resamples must not move a recall below its own step.
    read = [top[np.searchsorted(line + 1e-12, RECALLS)].mean() for line, top in zip(flat, tops, strict=True)]
    return np.where(np.isnan(recall[..., -1]), np.nan, np.reshape(read, recall.shape[:-1]))
