"""Answers that are wrong on purpose, against every scorer: each must score as badly as it is.

One benchmark a scorer. Scores are compared through JSON, as the runner stores them; the scale is what
separates the truth from no answer at all.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from made_truths import truth_for

from visiongen.benchmarks.base import Benchmark
from visiongen.benchmarks.metrics.coco import Found, Truths
from visiongen.benchmarks.runner import get_benchmark
from visiongen.benchmarks.scorers import SCORERS
from visiongen.benchmarks.scoring import check_finite_json
from visiongen.errors import InputError
from visiongen.registry import BENCHMARKS

BY_SCORER: dict[str, str] = {}
for _name in BENCHMARKS:
    _protocol = BENCHMARKS.get(_name).protocol
    BY_SCORER.setdefault(_protocol.get("scorer", _protocol["task"]), _name)
ALL = pytest.mark.parametrize("kind", sorted(BY_SCORER))
SEEDS = (0, 1, 2)


def scores(benchmark: Benchmark, truths: list[Any], answers: list[Any]) -> dict[str, float]:
    """Every score of a split, higher is better (the others with a minus)."""
    scorer, records = benchmark.scorer, []
    for truth, answer in zip(truths, answers, strict=True):
        stats = scorer.stats(truth, answer)
        check_finite_json(stats)
        records.append(json.loads(json.dumps(stats, allow_nan=False)))
    found = scorer.table(records)(np.ones((1, len(records))))
    sign = {name: 1 if scorer.higher_is_better(name) else -1 for name in found}
    return {name: sign[name] * float(value[0]) for name, value in found.items()}


def setting(kind: str) -> tuple[Benchmark, list[Any], list[Any]]:
    """A benchmark, truths, and perfect answers."""
    benchmark = get_benchmark(BY_SCORER[kind])
    truths = [truth_for(benchmark, np.random.default_rng(seed)) for seed in SEEDS]
    return benchmark, truths, [benchmark.scorer.oracle(truth, {}) for truth in truths]


def attack(answer: Any, how: str) -> Any:
    """The answer, spoiled; None where the attack does not apply to its kind."""
    if isinstance(answer, Truths):
        answer = answer.found()
    if isinstance(answer, Found):
        return _attack_detections(answer, how)
    array = np.asarray(answer)
    if how == "missing":
        return None
    if how == "shifted":
        return np.roll(array, (array.shape[0] // 3 + 1, array.shape[1] // 3 + 1), axis=(0, 1))
    if how == "swapped":  # x and y confused, then forced into the right size
        wide = np.swapaxes(array, 0, 1)
        rows = np.arange(array.shape[0]) * wide.shape[0] // array.shape[0]
        return wide[rows][:, np.arange(array.shape[1]) * wide.shape[1] // array.shape[1]]
    if array.dtype.kind == "f":
        if how == "nan":
            return np.full_like(array, np.nan)
        if how == "infinite":
            return np.full_like(array, np.inf)
    return SKIP


def _attack_detections(answer: Found, how: str) -> Any:
    empty: dict[str, Any] = {"categories": answer.categories[:0], "masks": [], "scores": answer.scores[:0]}
    if how == "missing":
        return None
    if how == "empty":
        return dataclasses.replace(answer, **empty)
    if how == "off-by-one":
        return dataclasses.replace(answer, categories=np.asarray(answer.categories) + 1)
    return SKIP


SKIP = object()
ATTACKS = ("missing", "shifted", "swapped", "nan", "infinite", "empty", "off-by-one")


@ALL
@pytest.mark.parametrize("how", ATTACKS)
def test_a_spoiled_answer_costs_what_it_should(kind: str, how: str) -> None:
    benchmark, truths, perfect = setting(kind)
    spoiled = [attack(answer, how) for answer in perfect]
    if any(answer is SKIP for answer in spoiled):
        pytest.skip(f"{how}: no such thing for {kind}")
    primary = benchmark.protocol["primary"]
    best, none = (scores(benchmark, truths, a)[primary] for a in (perfect, [None] * len(truths)))
    assert best > none
    try:
        found = scores(benchmark, truths, spoiled)[primary]
    except InputError:  # refused: the runner then counts the image as the worst case
        return
    assert np.isfinite(found), "a spoiled answer has a score, and it is bad"
    if how in ("nan", "infinite", "missing"):
        assert found <= none + 0.05 * (best - none) + 1e-9, "no better than no answer"
    elif benchmark.task == "depth":  # errors have no upper end: by how much the truth is missed
        assert found < best - 0.1
    else:
        assert found < best - 0.2 * (best - none)


@ALL
def test_one_missing_answer_lowers_the_score_of_the_split(kind: str) -> None:
    """Nothing shrinks silently: the image that is missing is still in every sum."""
    benchmark, truths, perfect = setting(kind)
    primary = benchmark.protocol["primary"]
    whole = scores(benchmark, truths, perfect)[primary]
    part = scores(benchmark, truths, [*perfect[:-1], None])[primary]
    only = scores(benchmark, truths[:-1], perfect[:-1])[primary]
    assert part < whole and part < only


@ALL
def test_no_score_of_a_perfect_answer_is_worse_than_of_none(kind: str) -> None:
    benchmark, truths, perfect = setting(kind)
    good, none = (scores(benchmark, truths, answers) for answers in (perfect, [None] * len(truths)))
    both = {n: (v, none[n]) for n, v in good.items() if np.isfinite(v) and np.isfinite(none[n])}
    worse = {name: pair for name, pair in both.items() if pair[0] < pair[1]}
    assert not worse


@ALL
def test_wrong_shapes_are_refused_or_score_nothing(kind: str) -> None:
    benchmark, truths, perfect = setting(kind)
    if not isinstance(perfect[0], np.ndarray):
        pytest.skip("detections have no shape")
    primary = benchmark.protocol["primary"]
    none = scores(benchmark, truths, [None] * len(truths))[primary]
    for spoil in (lambda a: a[:-3], lambda a: np.swapaxes(a, 0, 1), lambda a: a[:, ::2]):
        try:
            found = scores(benchmark, truths, [spoil(answer) for answer in perfect])[primary]
        except InputError as error:
            assert any(word in str(error) for word in ("shape", "size", "(H, W")), error
        else:
            assert found <= none


def test_every_scorer_is_attacked() -> None:
    """A scorer without a benchmark, or without a made-up truth, would escape this file."""
    assert set(BY_SCORER) == set(SCORERS)
