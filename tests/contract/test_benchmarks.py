"""Every registered benchmark: its protocol is whole, its scores punish what they should, its rows answer."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made_truths import GRAY, truth_for

from visiongen.benchmarks.base import Benchmark, describe_options
from visiongen.benchmarks.datasets.world import WorldBenchmark
from visiongen.benchmarks.rows import BlindRow, CeilingRow
from visiongen.benchmarks.runner import get_benchmark
from visiongen.benchmarks.scoring import check_finite_json
from visiongen.registry import BENCHMARKS, TASKS

ALL = pytest.mark.parametrize("name", list(BENCHMARKS))
WORLD = pytest.mark.parametrize(
    "name", [n for n in BENCHMARKS if isinstance(BENCHMARKS.get(n), WorldBenchmark)]
)
def score(benchmark: Benchmark, truth: np.ndarray, answer: np.ndarray | None) -> float:
    """The primary score, made so that higher is better, by way of JSON."""
    scorer, primary = benchmark.scorer, benchmark.protocol["primary"]
    stats = scorer.stats(truth, answer)
    check_finite_json(stats)
    found = float(scorer.scores(scorer.vector(json.loads(json.dumps(stats, allow_nan=False))))[primary])
    return found if scorer.higher_is_better(primary) else -found


@ALL
def test_protocol_is_whole(name: str) -> None:
    benchmark = get_benchmark(name)
    protocol = benchmark.protocol
    assert protocol["name"] == name and protocol["task"] in TASKS
    assert protocol["default_split"] in protocol["splits"]
    assert all(count > 0 for count in protocol["splits"].values())
    assert all(protocol[key] for key in ("version", "averaging", "resolution", "failed", "blind", "data"))
    assert json.loads(json.dumps(protocol)) == protocol


@ALL
def test_statistics_survive_json_and_the_worst_case_is_the_worst(name: str) -> None:
    benchmark = get_benchmark(name)
    truth = truth_for(benchmark, np.random.default_rng(0))
    wrong = np.roll(truth, 9, axis=0)
    wrong = np.where(np.isfinite(wrong.astype(float)), wrong, 1).astype(truth.dtype)
    values = [score(benchmark, truth, answer) for answer in (truth, wrong, None)]
    assert values[0] > values[1] > values[2] or (values[0] > values[1] >= values[2] == 0)


@ALL
def test_answers_that_say_nothing_score_far_below_the_truth(name: str) -> None:
    """Constant, inverted and NaN answers; the scale is what separates the truth from no answer at all."""
    benchmark = get_benchmark(name)
    truth = truth_for(benchmark, np.random.default_rng(1))
    best, worst = score(benchmark, truth, truth), score(benchmark, truth, None)
    constant = np.full_like(truth, 0 if truth.dtype.kind in "iub" else 0.5)
    answers = {"constant": constant}
    if truth.dtype.kind == "f":
        answers["NaN"] = np.full_like(truth, np.nan)
    if benchmark.task in (*GRAY, "basecolor", "orm"):
        answers["inverted"] = 1 - np.nan_to_num(truth)
    if benchmark.task == "normals":
        answers["inverted"] = -np.nan_to_num(truth)
    for kind, answer in answers.items():
        least = 0.2 * (1.0 if benchmark.task == "depth" else best - worst)  # AbsRel has no upper end
        assert score(benchmark, truth, answer) < best - least, kind


@ALL
def test_scores_of_many_sums_equal_scores_one_by_one(name: str) -> None:
    benchmark = get_benchmark(name)
    scorer, rng = benchmark.scorer, np.random.default_rng(2)
    truths = [truth_for(benchmark, rng) for _ in range(4)]
    stats = [scorer.stats(t, np.roll(t, 3, axis=1)) for t in truths]
    vectors = scorer.stack(stats)
    sums = np.stack([vectors[:2].sum(0), vectors.sum(0)])
    together = scorer.scores(sums)
    assert benchmark.protocol["primary"] in together
    for position, one in enumerate((vectors[:2].sum(0), vectors.sum(0))):
        for score_name, value in scorer.scores(one).items():
            assert np.asarray(together[score_name])[position] == pytest.approx(float(value), nan_ok=True)
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
    for row in (CeilingRow(benchmark, None), BlindRow(benchmark, None)):
        answers = [row.answer(item, item.photo())[0] for item in items]
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
