"""Every registered benchmark: its protocol is whole, its scores punish what they should."""

from __future__ import annotations

import json

import numpy as np
import pytest

from visiongen.benchmarks.runner import get_benchmark
from visiongen.registry import BENCHMARKS, TASKS

RNG = np.random.default_rng(0)


def truth_for(task: str, size: tuple[int, int] = (24, 32)) -> np.ndarray:
    if task == "semantic":
        labels = np.kron(RNG.integers(0, 11, (3, 4)), np.ones((8, 8))).astype(np.uint8)
        labels[:, 0] = 255
        return labels
    if task == "depth":
        depth = RNG.uniform(1, 40, size).astype(np.float32)
        depth[0] = np.inf
        return depth
    normals = RNG.normal(size=(*size, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[0] = np.nan
    return normals


@pytest.mark.parametrize("name", list(BENCHMARKS))
def test_protocol_is_whole(name: str) -> None:
    benchmark = get_benchmark(name)
    protocol = benchmark.protocol
    assert protocol["name"] == name and protocol["task"] in TASKS
    assert protocol["default_split"] in protocol["splits"]
    assert all(count > 0 for count in protocol["splits"].values())
    assert all(protocol[key] for key in ("version", "averaging", "resolution", "failed", "blind", "data"))
    assert json.loads(json.dumps(protocol)) == protocol


@pytest.mark.parametrize("name", list(BENCHMARKS))
def test_statistics_survive_json_and_the_worst_case_is_the_worst(name: str) -> None:
    benchmark = get_benchmark(name)
    scorer, primary = benchmark.scorer, benchmark.protocol["primary"]
    truth = truth_for(benchmark.task)
    wrong = np.roll(truth, 9, axis=0)
    wrong = np.where(np.isfinite(wrong.astype(float)), wrong, 1).astype(truth.dtype)
    values = []
    for answer in (truth, wrong, None):
        stats = json.loads(json.dumps(scorer.stats(truth, answer), allow_nan=False))
        values.append(float(scorer.scores(scorer.vector(stats))[primary]))
    if not scorer.higher_is_better(primary):
        values = [-v for v in values]
    assert values[0] > values[1] > values[2] or (values[0] > values[1] >= values[2] == 0)


@pytest.mark.parametrize("name", list(BENCHMARKS))
def test_scores_of_many_sums_equal_scores_one_by_one(name: str) -> None:
    benchmark = get_benchmark(name)
    scorer = benchmark.scorer
    truths = [truth_for(benchmark.task) for _ in range(4)]
    stats = [scorer.stats(t, np.roll(t, 3, axis=1)) for t in truths]
    vectors = scorer.stack(stats)
    sums = np.stack([vectors[:2].sum(0), vectors.sum(0)])
    together = scorer.scores(sums)
    for position, one in enumerate((vectors[:2].sum(0), vectors.sum(0))):
        for score, value in scorer.scores(one).items():
            assert np.asarray(together[score])[position] == pytest.approx(float(value), nan_ok=True)
            assert isinstance(scorer.higher_is_better(score), bool)
