"""Truth and answer of one image as pictures in the same colours."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from visiongen.benchmarks.metrics import depth_align
from visiongen.benchmarks.report.errors import ERRORS, Shown, colours, gray, matched
from visiongen.benchmarks.report.html import Html, chips, join, tag
from visiongen.benchmarks.report.source import Source
from visiongen.benchmarks.scorers.svbrdf import WIDTHS
from visiongen.resize import resize_nearest
from visiongen.tasks.base import Prediction
from visiongen.tasks.pictures import colour_near, nearness

NAMED = 14  # classes in a legend below a picture, at most
IGNORE = 255
REDUCED = 640  # pixels: longer side of what is compared; the figures are smaller still


@dataclass(frozen=True, eq=False)
class View:
    """Truth and answer as labels and as pictures in the same colours, and where they are scored."""

    part: str
    truth: np.ndarray
    answer: np.ndarray
    scored: np.ndarray
    pictures: tuple[np.ndarray, np.ndarray]
    key: Html | None

    def error(self, photo: np.ndarray) -> Shown:
        """The error map of the part's family."""
        fallback = colours if self.truth.ndim == 3 else gray
        return ERRORS.get(self.part, fallback)(self.truth, self.answer, self.scored, photo)


def view_of(source: Source, part: str, prediction: Prediction, wanted: np.ndarray, truth: Any) -> View:
    """What is shown of one part; ``wanted``: the truth as labels of the task, full size."""
    rules = getattr(source.run.scorer, "rules", None)
    scored, answer = scored_pixels(part, rules, truth, wanted), prediction.labels
    if part == "depth":
        return _depth_view(source, prediction, wanted, scored)
    if part == "semantic":
        wanted = np.where(scored, wanted, IGNORE).astype(np.uint8)
    wanted, answer, scored = (reduced(array) for array in (wanted, answer, scored))
    if part == "instance":
        answer = renamed(wanted, answer)
    shown = tuple(replace(prediction, labels=labels).picture() for labels in (wanted, answer))
    known = known_channels(source, part, truth)
    if known is not None:  # what the truth does not say is no error
        known = reduced(known)
        wanted, scored = np.where(known, wanted, answer), np.asarray(known.any(axis=2))
    return View(part, wanted, answer, scored, (shown[0], shown[1]), _class_key(part, prediction, wanted))


def _depth_view(source: Source, prediction: Prediction, wanted: np.ndarray, scored: np.ndarray) -> View:
    """On one scale of colours, after the alignment that the primary score is told under."""
    how = source.run.primary.partition("@")[2].partition("/")[0]
    answer = np.asarray(prediction.labels, np.float64)
    if how:
        full = np.full(wanted.shape, np.nan)
        full[scored] = depth_align.align(answer[scored], wanted[scored], how)[0]
        answer = np.where(full > 0, full, np.nan)
    wanted, answer, scored = (reduced(array) for array in (wanted, answer, scored))
    both = colour_near(nearness(np.concatenate([np.where(wanted > 0, wanted, np.nan), answer])))
    aligned = f", aligned by {how}" if how else ""
    key = tag("p", f"Red near, blue far{aligned}; truth and answer on one scale.", class_="soft")
    return View("depth", wanted, answer, scored, (both[: len(wanted)], both[len(wanted) :]), key)


def reduced(array: np.ndarray) -> np.ndarray:
    """The array (H, W, ...), pixels picked so that no side is longer than ``REDUCED``."""
    scale = REDUCED / max(array.shape[:2])
    if scale >= 1:
        return array
    size = (max(1, round(array.shape[0] * scale)), max(1, round(array.shape[1] * scale)))
    return np.asarray(resize_nearest(array, size))


def scored_pixels(part: str, rules: Any, truth: Any, wanted: np.ndarray) -> np.ndarray:
    """bool (H, W): where the truth says something that is scored, as far as an array can tell.

    ``rules``: a depth scorer's, or None.
    """
    everywhere = np.ones(wanted.shape[:2], bool)
    truth = _labels_of(part, truth)
    if not isinstance(truth, np.ndarray) or truth.shape[:2] != wanted.shape[:2]:
        return everywhere
    if part == "depth" and rules is not None:
        return np.asarray(rules.valid(truth))
    if truth.dtype.kind == "f":
        return np.asarray(np.isfinite(truth) if truth.ndim == 2 else np.isfinite(truth).all(axis=2))
    if truth.dtype == np.uint8:
        return np.asarray(truth != IGNORE)
    return np.asarray(truth >= 0) if truth.dtype.kind == "i" and truth.ndim == 2 else everywhere


def _labels_of(part: str, truth: Any) -> Any:
    """The array that a truth of several is scored by: a wall's map of the part, a few-shot mask, an image of
    classes with instances beside it."""
    if dataclasses.is_dataclass(truth):
        names = {"semantic": "classes", "depth": "depth", "normals": "normals"}
        return getattr(truth, names.get(part, "labels"), None)  # panoptic: signed, void below 0
    if isinstance(truth, np.ndarray) and truth.ndim == 3 and truth.shape[2] == 2 and part == "semantic":
        return truth[..., 0].astype(np.uint8)
    return truth


def known_channels(source: Source, part: str, truth: Any) -> np.ndarray | None:
    """bool (H, W, C) of one part of a truth that stacks several; None where it does not."""
    start = 0
    for name in source.run.protocol.get("parts", ()):
        if name == part and isinstance(truth, np.ndarray):
            return np.asarray(np.isfinite(truth[..., start : start + WIDTHS[part]]))
        start += WIDTHS[name]
    return None


def renamed(truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """The answer's ids, those of found instances as in the truth, so that their colours are the same."""
    back = {found: there for there, found in matched(truth, answer).items()}
    free = int(max(truth.max(initial=0), answer.max(initial=0))) + 1
    table = np.zeros(int(answer.max(initial=0)) + 1, np.int64)
    for number_ in np.unique(answer[answer > 0]):
        table[number_] = back.get(int(number_), free)
        free += int(number_) not in back
    return table[np.maximum(answer, 0)]


def _class_key(part: str, prediction: Prediction, wanted: np.ndarray) -> Html | None:
    """The legend's classes that occur: those of the truth by their share, then the answer's."""
    if part not in ("semantic", "panoptic") or prediction.legend is None:
        return None
    size = len(prediction.legend)
    there, said = (_class_counts(part, labels, size) for labels in (wanted, prediction.labels))
    order = [int(k) for k in np.lexsort((-said, -there)) if there[k] or said[k]]
    names, table = prediction.legend.names, prediction.legend.array()
    entries = [(names[k], (int(table[k][0]), int(table[k][1]), int(table[k][2]))) for k in order[:NAMED]]
    more = tag("p", f"and {len(order) - NAMED} more", class_="soft") if len(order) > NAMED else ""
    return join([chips(entries), more])


def _class_counts(part: str, labels: np.ndarray, size: int) -> np.ndarray:
    """Pixels of each entry of a legend of ``size``."""
    places = labels.ravel().astype(np.int64)
    places = places // 1000 if part == "panoptic" else places
    return np.bincount(np.where((places < 0) | (places >= size), size, places), minlength=size + 1)[:size]
