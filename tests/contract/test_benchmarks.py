"""Every registered benchmark: its protocol is whole, its scores punish what they should, its rows answer."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from made_truths import GRAY, constant, moved, right, truth_for

from visiongen.benchmarks.base import Benchmark, describe_options
from visiongen.benchmarks.datasets.world import WorldBenchmark
from visiongen.benchmarks.reading import parts_of
from visiongen.benchmarks.rows import BlindRow, CodecRow
from visiongen.benchmarks.runner import get_benchmark
from visiongen.benchmarks.scoring import check_finite_json
from visiongen.registry import BENCHMARKS, TASKS

ALL = pytest.mark.parametrize("name", list(BENCHMARKS))
WORLD = pytest.mark.parametrize(
    "name", [n for n in BENCHMARKS if isinstance(BENCHMARKS.get(n), WorldBenchmark)]
)


def score(benchmark: Benchmark, truth: Any, answer: Any) -> float:
    """The primary score, made so that higher is better, by way of JSON."""
    scorer, primary = benchmark.scorer, benchmark.protocol["primary"]
    stats = scorer.stats(truth, right(answer))
    check_finite_json(stats)
    table = scorer.table([json.loads(json.dumps(stats, allow_nan=False))])
    found = float(table(np.ones((1, 1)))[primary][0])
    return found if scorer.higher_is_better(primary) else -found


@ALL
def test_protocol_is_whole(name: str) -> None:
    benchmark = get_benchmark(name)
    protocol = benchmark.protocol
    assert protocol["name"] == name and all(part in TASKS for part in parts_of(benchmark))
    assert protocol["default_split"] in protocol["splits"]
    assert all(count > 0 for count in protocol["splits"].values())
    assert all(protocol[key] for key in ("version", "averaging", "resolution", "failed", "blind", "data"))
    assert json.loads(json.dumps(protocol)) == protocol
    # Weights paint a task at one size wherever it is asked; streets and material sets have their own.
    assert protocol["long_side"] % 8 == 0
    if benchmark.task not in ("semantic", "materials"):
        assert protocol["long_side"] == TASKS.get(benchmark.task).long_side


@ALL
def test_statistics_survive_json_and_the_worst_case_is_the_worst(name: str) -> None:
    benchmark = get_benchmark(name)
    truth = truth_for(benchmark, np.random.default_rng(0))
    values = [score(benchmark, truth, answer) for answer in (truth, moved(truth, 9), None)]
    assert values[0] > values[1] > values[2] or (values[0] > values[1] >= values[2] == 0)


@ALL
def test_answers_that_say_nothing_score_far_below_the_truth(name: str) -> None:
    """Constant, inverted and NaN answers; the scale is what separates the truth from no answer at all."""
    benchmark = get_benchmark(name)
    truth = truth_for(benchmark, np.random.default_rng(1))
    best, worst = score(benchmark, truth, truth), score(benchmark, truth, None)
    answers = {"constant": constant(truth)}
    if isinstance(truth, np.ndarray) and truth.dtype.kind == "f":
        answers["NaN"] = np.full_like(truth, np.nan)
    if benchmark.task in (*GRAY, "basecolor", "orm"):
        answers["inverted"] = 1 - np.nan_to_num(truth)
    if benchmark.task == "normals":
        answers["inverted"] = -np.nan_to_num(right(truth))
    for kind, answer in answers.items():
        least = 0.2 * (1.0 if benchmark.task == "depth" else best - worst)  # AbsRel has no upper end
        assert score(benchmark, truth, answer) < best - least, kind


@ALL
def test_scores_of_many_weightings_equal_scores_one_by_one(name: str) -> None:
    benchmark = get_benchmark(name)
    scorer, rng = benchmark.scorer, np.random.default_rng(2)
    truths = [truth_for(benchmark, rng) for _ in range(4)]
    stats = [scorer.stats(t, moved(t, 0, 3)) for t in truths]
    together = scorer.table(stats)(np.array([[1, 1, 0, 0], [1, 1, 1, 1]]))
    assert benchmark.protocol["primary"] in together
    for position, some in enumerate((stats[:2], stats)):
        for score_name, value in scorer.table(some)(np.ones((1, len(some)))).items():
            alone = float(value[0])
            assert np.asarray(together[score_name])[position] == pytest.approx(alone, nan_ok=True)
            assert isinstance(scorer.higher_is_better(score_name), bool)


@pytest.fixture(scope="module")
def small() -> dict[str, WorldBenchmark]:
    """The world's benchmarks with few, small frames."""
    found = {}
    for name in BENCHMARKS:
        if name.startswith("world-"):
            found[name] = WorldBenchmark(name)
            size = {"height": 48, "width": 64, "long_side": 64, "blind_frames": 6}
            found[name].protocol = found[name].protocol | size | {"min_area": 8}
    return found


@WORLD
def test_rows_of_the_world_the_codec_is_near_the_truth_and_a_blind_guess_is_not(
    name: str, small: dict[str, WorldBenchmark]
) -> None:
    benchmark = small[name]
    items = benchmark.items(None, "test", 3)
    assert len(items) == 3 and len({item.id for item in items}) == 3
    assert benchmark.items(None, "test", 1)[0].digest == items[0].digest
    scorer, primary, values = benchmark.scorer, benchmark.protocol["primary"], []
    for row in (CodecRow(benchmark, None), BlindRow(benchmark, None)):
        answers = [row.answer(item, item.truth()) for item in items]
        pairs = zip(items, answers, strict=True)
        vectors = scorer.stack([scorer.stats(item.truth(), answer) for item, answer in pairs])
        values.append(float(scorer.scores(vectors.sum(0))[primary]))
    failed = scorer.stack([scorer.stats(item.truth(), None) for item in items])
    values.append(float(scorer.scores(failed.sum(0))[primary]))
    errors = [1 - v for v in values] if scorer.higher_is_better(primary) else values
    assert errors[0] < 0.8 * errors[1] and errors[1] <= errors[2]


@WORLD
def test_items_say_what_is_asked_and_other_colours_are_another_item(
    name: str, small: dict[str, WorldBenchmark]
) -> None:
    benchmark = small[name]
    item = benchmark.items(None, "test", 1)[0]
    json.dumps(describe_options(item.options))
    other = benchmark.recoloured(item, 5)
    if "legend" in item.options:
        assert other.options["legend"].names == item.options["legend"].names
        assert describe_options(other.options) != describe_options(item.options)
        assert benchmark.recoloured(item, 5).options == other.options
    else:
        assert other is item and benchmark.recoloured(item, None) is item
