"""Cityscapes' own pixel scores: IoU of categories, and iIoU, which weighs each instance alike.

iIoU = iTP / (iTP + FP + iFN): pixels of an instance count mean size of its class / its own size in TP and FN;
FP stays unweighted (cityscapesScripts, evalPixelLevelSemanticLabeling.py). Classes and categories without any
pixel of these are NaN and left out of the mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from visiongen.errors import InputError


def category_matrix(matrix: np.ndarray, members: Sequence[Sequence[int]]) -> np.ndarray:
    """Confusion counts (..., G, G + 1) of categories from those of classes (..., K, K + 1).

    ``members``: the classes of each category. Classes of no category may be none: InputError. Confusions
    within a category are hits of it; the last column stays "no class".
    """
    counts = np.asarray(matrix)
    classes = counts.shape[-2]
    if sorted(k for one in members for k in one) != list(range(classes)):
        raise InputError(f"categories: each of {classes} classes must be in exactly one")
    groups = [*members, [classes]]
    rows = np.stack([counts[..., list(one), :].sum(-2) for one in members], axis=-2)
    return np.stack([rows[..., list(one)].sum(-1) for one in groups], axis=-1)


def instance_sums(
    target: np.ndarray, instances: np.ndarray, prediction: np.ndarray, sizes: Mapping[int, float]
) -> np.ndarray:
    """float64 (2, n): weighted hits and weighted misses of each class of ``sizes``, in its order.

    target, prediction: class ids (H, W); instances: whole numbers (H, W), 0 = no instance (or a group). An
    instance's class is the target's at its pixels. ``sizes``: class -> mean instance size in pixels.
    InputError: shapes, an instance of two classes.
    """
    target, instances, prediction = (np.asarray(a) for a in (target, instances, prediction))
    if not target.shape == instances.shape == prediction.shape:
        raise InputError(f"instances {instances.shape}, labels {target.shape}, prediction {prediction.shape}")
    order = {kind: place for place, kind in enumerate(sizes)}
    found = np.zeros((2, len(order)))
    inside = np.isin(target, list(order)) & (instances > 0)
    pairs = np.stack([instances[inside], target[inside]])
    names, place = np.unique(pairs, axis=1, return_inverse=True)
    if len(np.unique(names[0])) != names.shape[1]:
        raise InputError("instances: one number stands on two classes; number them apart")
    place = place.reshape(-1)
    whole = np.bincount(place, minlength=names.shape[1])
    right = np.bincount(place, weights=prediction[inside] == target[inside], minlength=names.shape[1])
    for kind, size, hit in zip(names[1], whole, right, strict=True):
        weight = sizes[int(kind)] / size
        found[:, order[int(kind)]] += weight * hit, weight * (size - hit)
    return found


def instance_iou(sums: np.ndarray, false: np.ndarray) -> np.ndarray:
    """iIoU (..., n) of sums (..., 2, n) and false positives in pixels (..., n); NaN without any pixel."""
    hit, miss = np.moveaxis(np.asarray(sums, np.float64), -2, 0)
    whole = hit + miss + false
    return np.where(whole > 0, hit / np.where(whole > 0, whole, 1), np.nan)
