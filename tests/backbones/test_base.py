"""The backbone's contract: options, sizes and photos are checked before anything is painted."""

from __future__ import annotations

import json

import numpy as np
import pytest

from visiongen.backbones.base import Sampler, canvas_size
from visiongen.backbones.sampler import MODES, SAMPLING
from visiongen.errors import InputError, UsageError


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "fast"},
        {"temperature": 0.0},
        {"temperature": float("nan")},
        {"top_k": 0},
        {"top_p": 0.0},
        {"top_p": 1.5},
        {"window": 0},
        {"steps": 0},
        {"group": 0},
        {"group": 2.5},
        {"trust": -1.0},
        {"trust": float("inf")},  # JSON, which every prediction is told in, has none
    ],
)
def test_impossible_sampler_options(options) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        Sampler(**options)


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((16, 16, 3), np.float32),
        np.zeros((16, 16), np.uint8),
        np.zeros((16, 16, 4), np.uint8),
        np.zeros((16, 12, 3), np.uint8),
        np.zeros((0, 16, 3), np.uint8),
        [[0]],
    ],
)
def test_unusable_photos(photo) -> None:
    with pytest.raises(InputError, match="photo: "):
        canvas_size(photo, None)


@pytest.mark.parametrize("size", [None, (8, 12), (0, 8), (-8, 8)])
def test_unusable_sizes(size) -> None:
    with pytest.raises(UsageError, match="scene"):
        canvas_size(None, size)


def test_usable_ones() -> None:
    assert canvas_size(None, (16, 24)) == (16, 24)
    assert canvas_size(np.zeros((8, 400, 3), np.uint8), None) == (8, 400)
    with pytest.raises(UsageError, match="differs"):
        canvas_size(np.zeros((8, 16, 3), np.uint8), (16, 16))


def test_numbers_of_numpy_are_numbers() -> None:
    sampler = Sampler("sample", seed=np.int64(3), temperature=np.float32(0.5), top_k=np.int32(4))
    assert sampler == Sampler("sample", seed=3, temperature=0.5, top_k=4)
    assert json.loads(json.dumps(sampler.asked(("temperature", "top_k")))) == {
        "mode": "sample", "seed": 3, "temperature": 0.5, "top_k": 4,
    }  # fmt: skip
    for name in ("seed", "temperature", "steps"):
        with pytest.raises(UsageError, match=f"{name} None"):
            Sampler(**{name: None})


@pytest.mark.parametrize(
    ("mode", "options", "told"),
    [
        ("verified", {"temperature": 0.5}, "temperature: mode verified does not use it; give mode='sample'"),
        ("verified", {"steps": 4}, "steps: mode verified does not use it; give mode='masked'"),
        ("draft", {"group": 4}, "group: mode draft does not use it; give mode='masked'"),
        ("sequential", {"window": 4}, "window: mode sequential does not use it; give mode='verified'"),
        ("draft", {"trust": 2.0}, "trust: .* give mode='verified' or mode='sequential'"),
        ("masked", {"top_k": 1, "steps": 2}, "top_k: mode masked"),
        ("sample", {"trust": 0}, "trust: mode sample"),
    ],
)
def test_an_option_without_effect_is_refused(mode: str, options: dict[str, float], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Sampler.of(mode, 0, options)


def test_what_a_mode_uses_is_taken() -> None:
    used = {"temperature": 0.5, "top_k": 3, "top_p": 0.9, "recycles": 0, "window": None}
    assert Sampler.of("sample", 7, used) == Sampler("sample", seed=7, **used)
    for mode in MODES:
        assert Sampler.of(mode, 5, {"recycles": 1}) == Sampler(mode, seed=5, recycles=1)
    with pytest.raises(UsageError, match="temperature 'abc': give a number"):  # first what is no value at all
        Sampler.of("verified", 0, {"temperature": "abc"})


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("seed", -1, "from 0 and below 2"),
        ("seed", 2**63, "from 0 and below 2"),
        ("temperature", 0, "a number above 0"),
        ("temperature", float("inf"), "a number above 0"),
        ("temperature", float("nan"), "a number above 0"),
        ("top_k", 0, "at least 1"),
        ("top_p", 0, r"in \(0, 1\]"),
        ("top_p", 1.01, r"in \(0, 1\]"),
        ("window", 0, "at least 1 token"),
        ("steps", 1001, "1 to 1000 passes"),
        ("group", 0, "at least 1 token"),
        ("recycles", -1, "from 0"),
        ("trust", -0.5, "a finite number of nats"),
        ("trust", float("inf"), "a finite number of nats"),
        ("top_k", True, "give a whole number"),
        ("top_k", 1.5, "give a whole number"),
    ],
)
def test_numbers_out_of_range(name: str, value: float, told: str) -> None:
    with pytest.raises(UsageError, match=f"{name} .*: give .*" + told.removeprefix("give ")):
        Sampler(**{name: value})


def test_all_but_mode_and_seed_are_options_of_predict() -> None:
    assert set(SAMPLING) == set(Sampler().__dict__) - {"mode", "seed"}
    Sampler("sample", temperature=1e-9, top_p=1.0, seed=2**63 - 1, steps=1000)
