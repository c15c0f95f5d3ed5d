"""Material sets: each map, angles and relit pictures against the renderer; bad sets score badly."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from visiongen.benchmarks.metrics import svbrdf
from visiongen.benchmarks.metrics.material import set_scores
from visiongen.benchmarks.metrics.svbrdf import SCORES, SvbrdfMetric, image_stats, scores, vector
from visiongen.benchmarks.scoring import check_finite_json, scorer_for
from visiongen.errors import InputError
from visiongen.relight import SurfaceMaps, relit_rmse
from visiongen.tasks.codecs.material import BaseColour, OrmMaterial
from visiongen.tasks.codecs.normals import OpenGLNormals

SIZE = (20, 28)


def made(seed: int) -> np.ndarray:
    """A set float32 (H, W, 9)."""
    rng = np.random.default_rng(seed)
    normal = rng.normal(0, 0.3, (*SIZE, 3)) + [0, 0, 1]
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    return np.concatenate([rng.random((*SIZE, 6)), normal], axis=2).astype(np.float32)


def surface(one: np.ndarray) -> SurfaceMaps:
    return SurfaceMaps(one[..., :3], one[..., 6:], one[..., 4], one[..., 5], one[..., 3])


def of(truth: np.ndarray, answer: np.ndarray | None) -> dict[str, float]:
    return {name: float(v) for name, v in scores(vector(image_stats(truth, answer))).items()}


def near(seed: int, spread: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(seed + 100)
    found = made(seed) + rng.normal(0, spread, (*SIZE, 9))
    found[..., :6] = np.clip(found[..., :6], 0, 1)
    found[..., 6:] /= np.linalg.norm(found[..., 6:], axis=2, keepdims=True)
    return found.astype(np.float32)


def test_each_map_and_relit_pictures_equal_the_set_by_set_metrics() -> None:
    pairs = [(made(seed), near(seed)) for seed in range(3)]
    metric = SvbrdfMetric()
    for pair in pairs:
        metric.update(*pair)
    found = metric.compute()
    sets = [set_scores(surface(t), surface(p), ("metallic", "ao"), True) for t, p in pairs]
    for name in sets[0]:
        assert found[name] == pytest.approx(np.mean([one[name] for one in sets]), rel=1e-5), name
    linear = [
        np.sqrt(((t[..., :3] ** 2.2 - p[..., :3] ** 2.2) ** 2).mean(dtype=np.float64)) for t, p in pairs
    ]
    assert found["base_rmse_linear"] == pytest.approx(np.mean(linear), rel=1e-5)
    squares = [relit_rmse(surface(t), surface(p)) ** 2 for t, p in pairs]
    assert found["relit_rmse/pooled"] == pytest.approx(np.sqrt(np.mean(squares)), rel=1e-5)
    other = SvbrdfMetric()
    other.merge(metric)
    assert other.compute() == found


def test_what_is_unknown_is_not_scored() -> None:
    truth, answer = made(0), near(0)
    partly = truth.copy()
    partly[:8] = np.nan
    changed = answer.copy()
    changed[:8] = 0.3
    assert of(partly, changed) == of(partly, answer)
    cut = [np.ascontiguousarray(a[8:]) for a in (truth, answer)]
    for name, value in of(*cut).items():
        if "relit" not in name:  # lights stand over the whole patch
            assert of(partly, answer)[name] == pytest.approx(value), name
    bare = truth.copy()
    bare[..., 5] = np.nan  # no metallic map: a dielectric
    found, flat = of(bare, answer), truth.copy()
    flat[..., 5] = 0
    assert np.isnan(found["metallic_rmse"]) and np.isnan(found["metallic_rmse/pooled"])
    assert found["relit_rmse"] == pytest.approx(of(flat, answer)["relit_rmse"])
    for channel, lost in ((3, {"occlusion_rmse"}), (4, {"roughness_rmse", "relit_rmse"})):
        without = truth.copy()
        without[..., channel] = np.nan
        assert {n for n in SCORES if np.isnan(of(without, answer)[n])} == lost
    assert np.isnan(list(of(truth * np.nan, answer).values())).all()


def test_perfect_and_bad_sets() -> None:
    truth, usual = made(1), of(made(1), near(1, 0.05))
    right = of(truth, truth)
    assert max(right.values()) < 1e-3 and right["base_rmse"] == right["relit_rmse"] == 0
    worst = of(truth, None)
    assert worst["normal_mean"] == 180 and worst == of(truth, np.full_like(truth, np.nan))
    constant = np.full_like(truth, 0.5)
    inverted = np.concatenate([1 - truth[..., :6], -truth[..., 6:]], axis=2)
    swapped = np.concatenate([truth[..., 3:6], truth[..., :3], truth[..., [7, 6, 8]]], axis=2)
    bad = {
        "constant": constant,
        "inverted": inverted,
        "shifted": np.roll(truth, 9, axis=1),
        "swapped": swapped,
    }
    for kind, answer in bad.items():
        for name, value in of(truth, answer).items():
            if "base_bias" not in name:  # the level alone: a shifted pattern has the right one
                assert usual[name] < value <= worst[name] + 1e-6, (kind, name)
    one = near(1)
    one[3, 4, 0] = np.nan
    assert of(truth, near(1))["relit_rmse"] < of(truth, one)["relit_rmse"]
    directx = truth * np.float32([1, 1, 1, 1, 1, 1, 1, -1, 1])  # green points down
    assert of(truth, directx)["normal_mean"] > 10 and of(truth, directx)["relit_rmse"] > 0.02
    assert of(truth, truth * np.float32([1] * 6 + [3] * 3)) == pytest.approx(right, abs=1e-3)  # any length
    for shape in (truth[..., :8], truth[:10]):
        with pytest.raises(InputError, match="one"):
            image_stats(truth, shape)


def test_errors_of_base_colour_are_told_as_level_and_pattern() -> None:
    truth, answer = made(1), near(1)
    found = of(truth, answer)
    error = answer[..., :3].astype(np.float64) - truth[..., :3]
    assert found["base_bias"] == pytest.approx(np.sqrt((error.mean(axis=(0, 1)) ** 2).mean()))
    assert found["base_ubrmse"] == pytest.approx(np.sqrt(error.var(axis=(0, 1)).mean()))
    assert found["base_bias"] ** 2 + found["base_ubrmse"] ** 2 == pytest.approx(found["base_rmse"] ** 2)
    dark, half = truth.copy(), truth.copy()
    half[..., :3] = truth[..., :3] * 0.5 + 0.25
    dark[..., :3] = half[..., :3] - np.float32([0.1, 0.2, 0.05])
    shifted = of(half, dark)
    assert shifted["base_bias"] == pytest.approx(np.sqrt((0.01 + 0.04 + 0.0025) / 3), rel=1e-5)
    assert shifted["base_ubrmse"] == pytest.approx(0, abs=1e-6)
    rolled = of(truth, np.roll(truth, 9, axis=1))
    assert rolled["base_bias"] == pytest.approx(0, abs=1e-6) and rolled["base_ubrmse"] > 0.3


def test_no_answer_has_no_right_level() -> None:
    truth = made(1)
    flat = truth.copy()
    flat[..., :3] = 0.5  # the ends farther off cancel around it
    for one in (truth, flat):
        lost = one.copy()
        lost[2, 3, 1] = np.nan
        for answer in (None, lost):
            found = of(one, answer)
            assert found["base_bias"] > 0.49
            assert found["base_ubrmse"] == pytest.approx(found["base_rmse"])


def test_scorer_stacks_parts_and_paints_truths() -> None:
    table: dict[str, Any] = {"name": "made", "task": "materials", "scorer": "svbrdf"}
    scorer = scorer_for(table | {"parts": ["basecolor", "orm", "tangent"]})
    truth = made(2)
    truth[:2] = np.nan
    truth[5, 5, 5] = np.nan
    parts = scorer.labels_parts(truth, {})
    codecs = {"basecolor": BaseColour(), "orm": OrmMaterial(), "tangent": OpenGLNormals()}
    read = {
        part: SimpleNamespace(labels=codecs[part].decode(codecs[part].encode(parts[part]))[0])
        for part in parts
    }
    order = {part: read[part] for part in ("tangent", "basecolor", "orm")}  # the order does not matter
    answer = scorer.answer_parts(order, {})
    stats = scorer.stats(truth, answer)
    check_finite_json(stats)
    assert json.loads(json.dumps(stats)) == stats
    found = scorer.scores(scorer.vector(stats))
    assert found["base_rmse"] < 1 / 255 and found["normal_mean"] < 0.5 and found["relit_rmse"] < 0.02
    assert not any(scorer.higher_is_better(name) for name in found)
    assert svbrdf.pictures(truth[..., :6] * 0 + 0.5, truth[..., 6:] * 0).shape == (9, *SIZE, 3)
