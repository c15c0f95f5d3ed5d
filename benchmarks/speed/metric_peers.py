"""What others compute, as their formulas say: the peers of the metric rows."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from visiongen.benchmarks.metrics import edges
from visiongen.benchmarks.metrics.coco import Found, Truths
from visiongen.errors import DependencyError


def mmseg_areas(target: np.ndarray, prediction: np.ndarray, classes: int, ignore: int = 255) -> np.ndarray:
    """mmsegmentation's ``intersect_and_union``: pixels hit, predicted, labelled (3, K) by float ``histc``."""
    import torch

    label, guess = torch.from_numpy(target), torch.from_numpy(prediction)
    known = label != ignore
    label, guess = label[known], guess[known]
    hits = guess[guess == label]
    areas = [torch.histc(v.float(), bins=classes, min=0, max=classes - 1) for v in (hits, guess, label)]
    return torch.stack(areas).numpy()


def torchmetrics_matrix(target: Any, prediction: Any, classes: int, ignore: int = 255) -> np.ndarray:
    """torchmetrics' multiclass confusion matrix (K, K) of int64 tensors; DependencyError: not installed."""
    try:
        from torchmetrics.functional.classification import multiclass_confusion_matrix
    except ImportError as error:
        raise DependencyError("torchmetrics is missing; pip install visiongen[test]") from error

    found = multiclass_confusion_matrix(prediction, target, classes, ignore_index=ignore, validate_args=False)
    return np.asarray(found.numpy())


def panopticapi_table(
    truth: np.ndarray, prediction: np.ndarray, true_areas: dict[int, int], classes: int, many: int
) -> np.ndarray:
    """panopticapi's ``pq_compute_single_core`` for one image without void or crowds: (K, 4) iou, tp, fp, fn.

    Two sorts of the picture: the predicted labels, and the pairs as one number. The true segments' areas
    come with the annotation.
    """
    table = np.zeros((classes, 4))
    labels, counts = np.unique(prediction, return_counts=True)
    areas = (true_areas, dict(zip(labels.tolist(), counts.tolist(), strict=True)))
    offset = 256**3
    pairs = truth.astype(np.uint64) * offset + prediction.astype(np.uint64)
    matched: tuple[set[int], set[int]] = (set(), set())
    for pair, shared in zip(*np.unique(pairs, return_counts=True), strict=True):
        wanted, found = int(pair // offset), int(pair % offset)
        if wanted // many == found // many:
            iou = shared / (areas[0][wanted] + areas[1][found] - shared)
            if iou > 0.5:
                table[wanted // many, :2] += iou, 1
                matched[0].add(wanted)
                matched[1].add(found)
    for side, column in ((1, 2), (0, 3)):
        for label in set(areas[side]) - matched[side]:
            table[int(label) // many, column] += 1
    return table


def lstsq_line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Marigold's ``align_depth_least_square``: numpy's lstsq on the N x 2 matrix of pixels (n,)."""
    scale, shift = np.linalg.lstsq(np.stack([x, np.ones_like(x)], axis=-1), y, rcond=None)[0]
    return float(scale), float(shift)


def eroded_counts(target: np.ndarray, prediction: np.ndarray, classes: int, dilation: int) -> np.ndarray:
    """Boundary IoU's published way: per class pad, erode, subtract, encode as RLE; areas int (3, K)."""
    import cv2
    from pycocotools import mask as rle

    counts = np.zeros((3, classes), np.int64)
    for kind in range(classes):
        codes = []
        for labels in (target, prediction):
            mask = (labels == kind).astype(np.uint8)
            padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
            inner = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=dilation)
            codes.append(rle.encode(np.asfortranarray(mask - inner[1:-1, 1:-1])))
        both = rle.merge(codes, intersect=True)
        counts[:, kind] = [int(rle.area(code)) for code in (both, *codes)]
    return counts


def counts_by_assignment(strength: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """BSDS counts (99, 4) with a thinning and an assignment for every threshold and person."""
    from skimage.morphology import thin

    reach = edges.TOLERANCE * float(np.hypot(*strength.shape))
    counts = np.zeros((len(edges.THRESHOLDS), 4), np.int64)
    for number, threshold in enumerate(edges.THRESHOLDS):
        drawn, found = thin(strength >= threshold), 0
        paired = np.zeros(drawn.shape, bool)
        for person in range(lines.shape[2]):
            mine, theirs = edges.match(drawn, lines[..., person], reach)
            paired |= mine
            found += int(theirs.sum())
        counts[number] = found, lines.sum(), paired.sum(), drawn.sum()
    return counts


def pycocotools_arrays(
    truths: Sequence[Truths], found: Sequence[Found | None], classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall of pycocotools' COCOeval for masks."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    from visiongen.benchmarks.metrics import coco_fast

    with contextlib.redirect_stdout(io.StringIO()):
        whole = COCO()
        whole.dataset = coco_fast.dataset(truths, classes)
        whole.createIndex()
        judge = COCOeval(whole, whole.loadRes(coco_fast.results(found)), "segm")
        judge.evaluate()
        judge.accumulate()
    return judge.eval["precision"], judge.eval["recall"]
