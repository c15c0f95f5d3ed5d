"""Photos painted back from true maps: are they like the photo, and can the weights still read them?

A painted photo is *read again*: the same weights segment it (draft), and the answer is compared with the
classes of the frame. The true photo read the same way is as good as it gets, its mean colour what reading
nothing gives. It is the weights' own judgement: a painter and a reader that are wrong in the same way
agree, so look at pictures too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from visiongen.benchmarks.generation.frames import Frame, class_ids
from visiongen.benchmarks.generation.photos import gray
from visiongen.benchmarks.metrics.bootstrap import draws, percentile_interval, resample, rounded
from visiongen.benchmarks.metrics.image_quality import psnr, ssim
from visiongen.benchmarks.metrics.semantic import class_counts, confusion, mean_iou
from visiongen.tasks import predict
from visiongen.tasks.image import SOURCES

if TYPE_CHECKING:
    from visiongen.backbones.base import Backbone

UNKNOWN = 255


def from_maps(
    backbone: Backbone,
    shown: Sequence[Frame],
    mode: str = "verified",
    seed: int = 0,
    step: Callable[[str], None] = lambda text: None,
) -> dict[str, dict[str, Any]]:
    """Row -> ``psnr`` (dB), ``ssim``, ``reread`` (mIoU over classes present), each with an interval.

    Rows: a source of ``SOURCES`` whose maps were painted from; ``photo``, the true one; ``gray``.
    """
    rows: dict[str, list[tuple[float, float, np.ndarray]]] = {}
    for frame in shown:
        pictures = {source: paint(backbone, frame, source, mode, seed) for source in SOURCES}
        for name, picture in (pictures | {"photo": frame.photo, "gray": gray(frame.photo)}).items():
            rows.setdefault(name, []).append(_measure(backbone, frame, picture))
        step(f"frame {frame.seed}")
    return {name: _summary(found) for name, found in rows.items()}


def paint(backbone: Backbone, frame: Frame, source: str, mode: str, seed: int) -> np.ndarray:
    """The photo that the weights paint from one of the frame's maps, uint8 (H, W, 3)."""
    options: dict[str, Any] = {"source": source, "mode": mode, "seed": seed, "backbone": backbone}
    if source == "semantic":
        options["legend"] = frame.legend
    return np.asarray(predict("image", frame.maps[source], **options).labels)


def reread(backbone: Backbone, picture: np.ndarray, frame: Frame) -> np.ndarray:
    """Classes that the weights see in a picture, uint8 (H, W) in the world's ids; 255 = unknown."""
    side = max(picture.shape[:2])
    found = predict("semantic", picture, legend=frame.legend, mode="draft", long_side=side, backbone=backbone)
    table = np.full(256, UNKNOWN, np.uint8)
    table[: len(frame.legend)] = class_ids(frame.legend)
    return table[found.labels]


def _measure(backbone: Backbone, frame: Frame, picture: np.ndarray) -> tuple[float, float, np.ndarray]:
    from visiongen.world.classes import CLASS_NAMES

    answer = reread(backbone, picture, frame)
    counts = class_counts(confusion(frame.classes, answer, len(CLASS_NAMES)))
    return psnr(frame.photo, picture, 255), ssim(frame.photo, picture, 255), counts


def _summary(found: Sequence[tuple[float, float, np.ndarray]]) -> dict[str, Any]:
    counts = draws(len(found))
    parts: dict[str, Any] = {
        "psnr": mean_row([row[0] for row in found]),
        "ssim": mean_row([row[1] for row in found]),
    }
    table = np.stack([row[2].ravel() for row in found])
    shape = found[0][2].shape

    def score(sums: np.ndarray) -> dict[str, np.ndarray]:
        return {"mIoU": mean_iou(sums.reshape(*sums.shape[:-1], *shape), "d2")}

    interval = percentile_interval(resample(table, score, counts)["mIoU"])
    return parts | {"reread": rounded(float(score(table.sum(0))["mIoU"]), *interval)}


def mean_row(values: Sequence[float]) -> dict[str, float]:
    """Mean over pictures and its 95 % bootstrap interval, rounded."""
    array = np.asarray(values, np.float64)
    return rounded(float(array.mean()), *percentile_interval(draws(len(array)) @ array / len(array)))
