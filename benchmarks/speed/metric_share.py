"""How much of an answer's time goes into reading and scoring it, with the shipped weights."""

from __future__ import annotations

from typing import Any

from visiongen.backbones.base import Sampler
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.benchmarks.base import Benchmark, Item
from visiongen.benchmarks.reading import orders, read_answer
from visiongen.benchmarks.runner import get_benchmark
from visiongen.benchmarks.scoring import check_finite_json
from visiongen.benchmarks.sheets import Sheet
from visiongen.benchmarks.speed.timing import Pair, timed
from visiongen.geometry import Geometry
from visiongen.registry import BENCHMARKS

NAME = "metrics/share"
SEEN = 2  # frames a task
Row = dict[str, Any]


def tasks() -> list[str]:
    """The benchmarks on rendered frames with one map an image."""
    worlds = [name for name in BENCHMARKS if name.startswith("world-")]
    return [name for name in worlds if name != "world-incontext"]


def share_of(backbone: EmbeddedBackbone, name: str, rounds: int) -> Row:
    """Decoding and scoring one image of a benchmark against painting it. Target: 20 times less (5 %).

    ``peer`` is photo to map, ``ours`` map to statistics; ``equal``: every round's statistics are the same.
    """
    benchmark = get_benchmark(name)
    items = benchmark.items(None, benchmark.split(None), SEEN)
    pair, equal = Pair(inputs=len(items)), True
    truths = [item.truth() for item in items]
    first: list[Any] = [None] * len(items)
    for turn in range(rounds + 1):
        for place, (item, truth) in enumerate(zip(items, truths, strict=True)):
            painting, sheets = timed(lambda item=item: _paint(benchmark, backbone, item))  # type: ignore[misc]
            scoring, stats = timed(
                lambda item=item, sheets=sheets, truth=truth: _score(benchmark, item, sheets, truth)  # type: ignore[misc]
            )
            first[place] = stats if first[place] is None else first[place]
            equal = equal and stats == first[place]
            if turn:  # the first turn warms up
                pair.peer.append(painting)
                pair.ours.append(scoring)
    timed_on = f"map to statistics against photo to map, {benchmark.protocol['long_side']} pixels"
    return pair.row(f"{NAME}/{name}", equal, timed=timed_on, target=20)


def _paint(benchmark: Benchmark, backbone: EmbeddedBackbone, item: Item) -> tuple[Any, dict[str, Sheet]]:
    photo = item.photo()
    geometry = Geometry.fit((photo.shape[0], photo.shape[1]), benchmark.protocol["long_side"])
    (task,), prompts = orders(benchmark, item, None)
    (canvas,) = backbone.scene(geometry.apply(photo)).paint(prompts, Sampler("verified"))
    sheet = Sheet(canvas.image, task.codec(prompts[0].legend), canvas.confidence)
    return (photo.shape[0], photo.shape[1]), {benchmark.task: sheet}


def _score(benchmark: Benchmark, item: Item, painted: tuple[Any, dict[str, Sheet]], truth: Any) -> Any:
    size, sheets = painted
    stats = benchmark.scorer.stats(truth, read_answer(benchmark, item, None, size, sheets))
    check_finite_json(stats)
    return stats
