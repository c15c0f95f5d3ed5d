"""Scores of one small painter on the world's held-out frames, asked as users ask.

The frames, truths and metrics are those of ``world-semantic``, ``world-depth`` and ``world-normals``
(seeds from 1,000,000 on, kind mixed, 160 x 120). Maps are painted at the size of the training and scored
at the frame's own. ``mIoU`` has legends in freshly drawn colours, ``mIoU/fixed`` the classes' own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.benchmarks.ablations.variants import DRAFT, VERIFIED
from visiongen.benchmarks.base import Item
from visiongen.benchmarks.datasets.world import WorldBenchmark
from visiongen.benchmarks.reading import read_answer
from visiongen.benchmarks.rows import BlindRow, CeilingRow
from visiongen.prompt import Legend
from visiongen.tasks.predicting import predict_many
from visiongen.training.targets.classes import fixed_legend

Scores = dict[str, float]
#: Column -> the task it belongs to, and the name of the score.
COLUMNS = {
    "mIoU": ("semantic", "mIoU_d2"),
    "accuracy": ("semantic", "aAcc"),
    "mIoU/fixed": ("semantic", "mIoU_d2"),
    "AbsRel": ("depth", "AbsRel"),
    "delta1": ("depth", "delta1"),
    "degrees": ("normals", "mean"),
}
_ASKED = {
    "mIoU": ("mIoU", "accuracy"),
    "mIoU/fixed": ("mIoU/fixed",),
    "AbsRel": ("AbsRel", "delta1"),
    "degrees": ("degrees",),
}


@lru_cache(maxsize=8)
def benchmark(task: str, long_side: int) -> WorldBenchmark:
    """The world's benchmark of ``task``, painted at ``long_side`` pixels."""
    made = WorldBenchmark(f"world-{task}")
    made.protocol = {**made.protocol, "long_side": long_side}
    return made


@lru_cache(maxsize=8)
def items(column: str, frames: int) -> list[Item]:
    """The first ``frames`` items of a column; the legend of ``mIoU/fixed`` has the classes' own colours."""
    made = benchmark(COLUMNS[column][0], 160)
    found = made.items(None, "test", frames)
    if column != "mIoU/fixed":
        return found
    return [
        dataclasses.replace(item, options={"legend": _fixed(item.options["legend"], made)}) for item in found
    ]


def _fixed(legend: Legend, made: WorldBenchmark) -> Legend:
    return fixed_legend(legend.names, made.protocol["classes"])


def score(backbone: EmbeddedBackbone, tasks: Sequence[str], long_side: int, way: str, frames: int) -> Scores:
    """Columns of the ``tasks``, decoded in one of ``WAYS``; also ``passes``, the mean of a map."""
    options: dict[str, Any] = {"mode": "draft" if way == DRAFT else "verified"}
    options |= {"trust": 0.0} if way == VERIFIED else {}
    passes: list[int] = []

    def answer(column: str, item: Item) -> Any:
        task, legend = COLUMNS[column][0], item.options.get("legend")
        (found,) = predict_many(
            [task], item.photo(), backbone=backbone, long_side=long_side, legend=legend, **options
        )
        passes.append(found.stats["passes"])
        return benchmark(task, long_side).scorer.answer(found, item.options)

    return _scores(tasks, frames, answer) | {"passes": float(np.mean(passes))}


def blind(tasks: Sequence[str], frames: int) -> Scores:
    """What a guess by the image's rows alone scores, see the protocols."""
    rows = {task: BlindRow(benchmark(task, 160), None) for task in tasks}
    return _scores(tasks, frames, lambda column, item: rows[COLUMNS[column][0]].answer(item, item.truth()))


def ceiling(backbone: EmbeddedBackbone, tasks: Sequence[str], long_side: int, frames: int) -> Scores:
    """What the truth scores, painted at ``long_side`` and passed through the tokenizer."""

    def answer(column: str, item: Item) -> Any:
        made = benchmark(COLUMNS[column][0], long_side)
        photo = item.photo()
        sheets, _ = CeilingRow(made, None, backbone).paint(item, photo)
        return read_answer(made, item, None, (photo.shape[0], photo.shape[1]), sheets)

    return _scores(tasks, frames, answer)


def _scores(tasks: Sequence[str], frames: int, answer: Callable[[str, Item], Any]) -> Scores:
    """Every column of the tasks; each question is asked once."""
    result: Scores = {}
    for asked, columns in _ASKED.items():
        if COLUMNS[asked][0] not in tasks:
            continue
        scorer = benchmark(COLUMNS[asked][0], 160).scorer
        records = [scorer.stats(item.truth(), answer(asked, item)) for item in items(asked, frames)]
        found = scorer.scores(scorer.stack(records).sum(0))
        result |= {column: float(found[COLUMNS[column][1]]) for column in columns}
    return result
