"""From maps on disk to answers, and from truths to what a codec paints: no network, no painter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from visiongen.benchmarks.base import Benchmark, Item
from visiongen.benchmarks.sheets import Sheet
from visiongen.prompt import Legend, Prompt
from visiongen.tasks.base import Prediction, Task
from visiongen.tasks.predicting import make_orders


def parts_of(benchmark: Benchmark) -> list[str]:
    """The tasks that are asked for each photo: the protocol's ``parts``, else its task."""
    return list(benchmark.protocol.get("parts", [benchmark.task]))


def orders(benchmark: Benchmark, item: Item, legend: Legend | None) -> tuple[list[Task], list[Prompt]]:
    """A task and a prompt for each part, as ``predict`` makes them of the item's options."""
    asked: dict[str, Any] = {"legend": legend, **item.asked()}
    return make_orders(parts_of(benchmark), **asked)


def read_answer(
    benchmark: Benchmark,
    item: Item,
    legend: Legend | None,
    size: tuple[int, int],
    sheets: Mapping[str, Sheet],
) -> Any:
    """The scorer's answer from what was painted for a photo of ``size`` (H, W)."""
    found = predictions(benchmark, item, legend, size, sheets)
    scorer = benchmark.scorer
    if len(found) > 1:
        return scorer.answer_parts(found, item.options)
    return scorer.answer(next(iter(found.values())), item.options)


def predictions(
    benchmark: Benchmark,
    item: Item,
    legend: Legend | None,
    size: tuple[int, int],
    sheets: Mapping[str, Sheet],
) -> dict[str, Prediction]:
    """Part -> prediction in the photo's own size, decoded from its sheet, whatever size that has."""
    tasks, prompts = orders(benchmark, item, legend)
    each = zip(parts_of(benchmark), tasks, prompts, strict=True)
    return {part: sheets[part].prediction(task, prompt, size) for part, task, prompt in each}


def truth_labels(
    benchmark: Benchmark, item: Item, truth: Any, size: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Part -> labels at the painted ``size``, as the part's codec paints them."""
    scorer, parts = benchmark.scorer, parts_of(benchmark)
    small = scorer.shrink(truth, size)
    if len(parts) > 1:
        return dict(scorer.labels_parts(small, item.options))
    return {parts[0]: scorer.labels(small, item.options)}
