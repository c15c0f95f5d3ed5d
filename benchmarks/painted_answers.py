"""Answers that visiongen painted: what ``predict`` saved, and any map with its codec inside.

``predict`` leaves labels in the photo's size (``ID.TASK.npy``), their confidence in 256 levels
(``ID.TASK.confidence.png``; without it, sure) and the codec that they were read by (``ID.TASK.json``). These
are the labels that a run of the same weights scores, blended where the photo was painted in tiles; what is
left in ``ID.TASK.map.png`` is read where they are not there. Both are read by their codec: another unit is
refused, and classes are matched by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.benchmarks.base import Item
from visiongen.benchmarks.official_results import read_json
from visiongen.errors import CodecError, InputError
from visiongen.geometry import Geometry
from visiongen.prompt import Legend, Prompt
from visiongen.tasks.base import SCHEMA, Prediction, Task
from visiongen.tasks.codecs.base import Codec, codec_from_spec, read_map_png
from visiongen.tasks.codecs.panoptic import MANY, BorderPanoptic
from visiongen.units import PATCH

REPORT, CONFIDENCE = ".json", ".confidence.png"


def beside(path: Path) -> list[Path]:
    """Files that may say how ``ID.TASK.npy`` is read, as far as they are there."""
    files = (path.with_suffix(end) for end in (REPORT, CONFIDENCE) if path.suffix == ".npy")
    return [file for file in files if file.is_file()]


def said_of(path: Path) -> dict[str, Any] | None:
    """The JSON of ``predict`` beside ``ID.TASK.npy``, None where there is none; InputError: damaged."""
    report = path.with_suffix(REPORT)
    content = read_json(report) if report in beside(path) else None
    return content if isinstance(content, dict) and content.get("schema") == SCHEMA else None


def read_saved(
    path: Path, said: Mapping[str, Any], labels: np.ndarray, task: Task, prompt: Prompt
) -> Prediction:
    """Labels of ``predict`` in the photo's size, by what it ``said`` of them, with their confidence.

    InputError: another unit, another class, or a confidence of another size.
    """
    report, confidence = path.with_suffix(REPORT), path.with_suffix(CONFIDENCE)
    try:
        codec = codec_from_spec(said.get("codec"))
    except CodecError as error:
        raise CodecError(f"{report}: {error}") from error
    labels = _fitted(report, labels, codec, task, prompt)
    sure = _read_confidence(confidence, labels.shape[:2]) if confidence.is_file() else None
    return as_prediction(labels, task, prompt, sure)


def _read_confidence(path: Path, size: tuple[int, ...]) -> np.ndarray:
    import cv2

    levels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if levels is None or levels.shape != size:
        raise InputError(f"{path}: no picture of the labels' size {size}; predict again, or remove it")
    return levels.astype(np.float32) / np.float32(255)


def read_map(path: Path, item: Item, task: Task, prompt: Prompt) -> Prediction:
    """A painted map, by the codec that is written in it."""
    painted, codec = read_map_png(path)
    photo = item.photo()
    try:
        geometry = Geometry.painted((photo.shape[0], photo.shape[1]), painted.shape)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    labels, certainty = codec.decode(painted)
    return task.build(_fitted(path, labels, codec, task, prompt), certainty, painted, geometry, prompt)


def as_prediction(
    labels: np.ndarray, task: Task, prompt: Prompt, confidence: np.ndarray | None = None
) -> Prediction:
    """Labels in the photo's own size, sure unless ``confidence`` float32 (H, W) says otherwise."""
    size = (labels.shape[0], labels.shape[1])
    return task.prediction(
        labels=labels,
        confidence=np.ones(size, np.float32) if confidence is None else confidence,
        map=np.zeros((*size, 3), np.uint8),
        prompt=prompt,
        codec=task.codec(prompt.legend),
        geometry=Geometry.fit(size, max(PATCH, *size)),
    )


def _fitted(path: Path, labels: np.ndarray, codec: Codec, task: Task, prompt: Prompt) -> np.ndarray:
    """Labels that ``codec`` has read as the prompt's; InputError: of another unit, or of a class it lacks."""
    unit = task.codec(prompt.legend).unit
    if codec.unit != unit:
        raise InputError(
            f"{path}: its codec says {codec.unit}, {task.name} needs {unit}; paint it as {task.name}"
        )
    legend = getattr(codec, "legend", None)
    if legend is None or prompt.legend is None or legend.names == prompt.legend.names:
        return labels
    numbered = isinstance(codec, BorderPanoptic)
    return _renamed(path, labels, legend, prompt.legend, MANY if numbered else 1)


def _renamed(path: Path, labels: np.ndarray, theirs: Legend, ours: Legend, many: int) -> np.ndarray:
    """Positions in ``ours`` for those in ``theirs``, each times ``many`` and a number; others are unknown."""
    odd = [name for name in theirs.names if name not in ours.names]
    if odd:
        raise InputError(f"{path}: its legend has {odd[0]!r}; use the benchmark's legend")
    place = [ours.names.index(name) for name in theirs.names]
    kind = np.asarray(labels).astype(np.int64) // many
    known = (kind >= 0) & (kind < len(place))  # else 255 unknown, or -1 void
    moved = np.array(place)[np.where(known, kind, 0)] * many + labels % many
    return np.where(known, moved, labels).astype(labels.dtype)
