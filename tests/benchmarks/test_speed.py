"""The speed report: fair turns, compared outputs, honest rows. No test here asserts a speed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from visiongen.backbones.base import Sampler
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.benchmarks.speed import agreement, llama, processes, report, rows
from visiongen.benchmarks.speed.timing import Pair, alternate
from visiongen.errors import UsageError


@pytest.fixture(scope="module")
def nano() -> EmbeddedBackbone:
    return EmbeddedBackbone.random("nano", seed=1)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)


def test_alternation_and_comparison() -> None:
    calls = []

    def side(name, answer):
        return lambda item: calls.append((name, item)) or (item * answer)

    pair, equal, last = alternate(side("a", 1), side("b", 1), [1, 2], 2, lambda x, y: x == y)
    assert calls == [("a", 1), ("b", 1)] + [("a", 1), ("b", 1), ("a", 2), ("b", 2)] * 2
    assert equal and last == [1, 2] and len(pair.ours) == len(pair.peer) == 4
    _, equal, _ = alternate(side("a", 1), side("b", 2), [0, 1], 1, lambda x, y: x == y)
    assert not equal


def test_ratio_is_that_of_the_medians_over_the_rounds() -> None:
    row = Pair([1.0, 2.0, 1.0], [3.0, 4.0, 10.0]).row("x", True)
    assert row["ratio"] == 4.0 and row["ratio_spread"] == [2.0, 10.0]
    assert (row["ours"], row["peer"], row["equal"], row["rounds"]) == (1.0, 4.0, True, 3)


def test_ratio_and_columns_of_unlike_photos_agree() -> None:
    """A quick photo with a large ratio, a slow one with a small one, two rounds over three photos."""
    ours, peer = [1.0, 4.0, 10.0, 1.0, 4.0, 10.0], [12.0, 40.0, 20.0, 10.0, 40.0, 22.0]
    row = Pair(ours, peer, inputs=3).row("x", True)
    assert (row["ours"], row["peer"]) == (5.0, 24.0), "of each photo the median, then the mean"
    assert row["ratio"] == pytest.approx(row["peer"] / row["ours"], abs=1e-3)
    assert row["ratio_spread"] == [2.0, 12.0] and row["rounds"] == 6
    pair, _, _ = alternate(lambda item: item, lambda item: item, "abc", 2, lambda a, b: a == b)
    assert pair.inputs == 3 and len(pair.ours) == 6, "whoever times says how many inputs there were"


def test_report_on_random_weights(nano, photo) -> None:
    said = []
    result = report.run(
        nano,
        rounds=1,
        long_side=40,
        photos=[photo],
        only=("verified-vs-sequential", "four-tasks-vs-four-runs", "agreement"),
        say=said.append,
    )
    names = [row["name"] for row in result["rows"]]
    assert names == [
        "verified-vs-sequential/depth",
        "verified-vs-sequential/normals",
        "verified-vs-sequential/semantic",
        "four-tasks-vs-four-runs",
        "four-tasks-vs-four-runs/sequential",
    ]
    for row in result["rows"]:
        assert row["equal"] is True and row["ours"] > 0 and row["peer"] > 0
        assert 1 <= row["passes"] <= 20 and 0 <= row["hit_rate"] <= 1
    for figures in result["agreement"].values():
        assert figures["fp32_verified_vs_sequential"]["differ"] == 0
        assert 0 < figures["fp32_largest_rounding"] < 1e-4
    assert len(said) == 5 + 3
    json.dumps(result, allow_nan=False)


def test_transformers_row(nano, photo) -> None:
    pytest.importorskip("transformers")
    row = rows.sequential_vs_transformers(nano, photo, report.task_prompts()["depth"], 1)
    assert row["equal"] and row["tokens"] == 20 and row["peer"] > 0
    assert row["peer_cache"] in ("dynamic", "static")
    assert 0.8 < row["peer_weights"] / row["ours_weights"] < 1.25


def test_the_peer_has_the_painters_shape(nano) -> None:
    pytest.importorskip("transformers")
    config = llama.build(nano.painter, 64).config
    ours = nano.painter.config
    assert (config.hidden_size, config.num_hidden_layers) == (ours.dim, ours.causal_blocks)
    assert (config.num_attention_heads, config.num_key_value_heads) == (ours.heads, ours.kv_heads)


def test_a_disagreement_would_be_counted(nano, photo) -> None:
    from visiongen.decoding.decode import decode_all

    prompt = report.task_prompts()["depth"]
    a = decode_all(nano.painter, nano.scene(photo).prefix(), [prompt], Sampler())
    b = a.take(a.line.new_tensor([0]))
    b.line[0, 3, 0] += 1
    assert agreement.compare(a, b) == {"tokens": 20, "differ": 1, "share": pytest.approx(0.05)}


def test_bad_options(nano) -> None:
    with pytest.raises(UsageError, match="speed row 'x'"):
        report.run(nano, only=("x",))
    with pytest.raises(UsageError, match="--rounds 0"):
        report.run(nano, rounds=0)
    with pytest.raises(UsageError, match="--threads 0"):
        report.set_threads(0)


def test_the_first_canvas_of_a_stream(nano, photo) -> None:
    said = []
    only = ("first-canvas-vs-whole",)
    result = report.run(nano, rounds=1, long_side=40, photos=[photo], only=only, say=said.append)
    modes = ("verified", "masked", "sequential")
    assert [row["name"] for row in result["rows"]] == [f"first-canvas-vs-whole/{mode}" for mode in modes]
    for row, mode in zip(result["rows"], modes, strict=True):
        canvases = nano.scene(photo).stream(report.task_prompts()["depth"], Sampler(mode))
        assert row["equal"] is True and row["canvases"] == len(list(canvases)) and row["peer"] > 0
    assert len(said) == 3


@pytest.mark.slow
def test_processes_give_the_same_tokens(nano, photo) -> None:
    row = processes.four_processes(nano, photo, 40, count=1, rounds=1, threads=1)
    assert row["equal"] is True and row["ours"] > 0 and row["peer"] > 0 and row["prompts"] == 1
