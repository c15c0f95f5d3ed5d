"""The generation bench: features that never change, a distance without bias, rows in the right order."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visiongen.backbones.base import Sampler
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.benchmarks.generation import photos as real
from visiongen.benchmarks.generation.distance import distance, kernel
from visiongen.benchmarks.generation.features import features, raw_features
from visiongen.benchmarks.generation.frames import frames
from visiongen.benchmarks.generation.maps import from_maps, paint
from visiongen.benchmarks.generation.rebuild import rebuilt_maps
from visiongen.benchmarks.generation.report import from_nothing, main, measure, paint_nothing
from visiongen.errors import InputError, UsageError
from visiongen.prompt import PHOTO, Prompt
from visiongen.tasks.image import SOURCES

LAYOUT, CONTRAST, FIRST, SECOND = slice(0, 36), slice(36, 39), slice(39, 55), slice(55, 79)


def leaves(seed: int, count: int = 60) -> np.ndarray:
    """A picture of discs that hide one another (Lee, Mumford & Huang 2001), uint8 (96, 128, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:96, :128]
    image = np.empty((96, 128, 3))
    image[:] = rng.uniform(40, 200, 3)
    for radius in np.sort(4 * rng.pareto(1.5, count) + 3)[::-1]:
        cy, cx = rng.uniform(0, 96), rng.uniform(0, 128)
        image[(y - cy) ** 2 + (x - cx) ** 2 < radius**2] = rng.uniform(20, 235, 3)
    return image.astype(np.uint8)


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    return [leaves(seed) for seed in range(32)]


# --- features -----------------------------------------------------------------------------------


def fixed_picture() -> np.ndarray:
    """Whole numbers only: stripes, a step and a slow ramp."""
    y, x = np.mgrid[:96, :128]
    return np.stack([(x * 2 + y) % 256, (x // 8 % 2) * 160 + y // 2, (y * 5) % 256], -1).astype(np.uint8)


def test_the_features_are_what_they_were() -> None:
    """Whoever changes them changes what releases are compared by: then VERSION must change too."""
    found = features([fixed_picture()])[0]
    assert found.shape == (91,)
    sums = [float(found @ np.cos(k * np.arange(91))) for k in range(6)]
    np.testing.assert_allclose(sums, STORED_SUMS, atol=1e-3)
    np.testing.assert_allclose(found[[0, 20, 36, 39, 50, 55, 78, 79, 90]], STORED_VALUES, atol=1e-4)


STORED_SUMS = [-9.7246, -0.072, 10.3875, 1.4045, 11.75, -12.3862]
STORED_VALUES = [-0.65887, -0.51751, 0.24737, 2.36928, -0.38412, 1.22218, -4.10906, 4.50199, 0.21971]


def test_a_grating_is_found_at_its_octave_and_angle() -> None:
    x = np.arange(128)
    for octave, period in enumerate((4, 8, 16)):
        wave = (128 + 60 * np.sin(2 * np.pi * x / period)).astype(np.uint8)
        grating = np.broadcast_to(wave[None, :, None], (96, 128, 3)).copy()
        answers = raw_features(grating)[FIRST].reshape(4, 4)
        assert np.unravel_index(answers.argmax(), answers.shape) == (octave, 0)


def test_the_second_order_sees_phases() -> None:
    """A picture with its own spectrum and random phases: alike in the first order, not in the second."""
    first, second = [], []
    for seed in range(6):
        gray = leaves(seed).mean(-1)
        rng = np.random.default_rng(seed)
        phases = np.angle(np.fft.fft2(rng.normal(size=gray.shape)))
        noise = np.fft.ifft2(np.abs(np.fft.fft2(gray)) * np.exp(1j * phases)).real
        noise = np.clip(noise - noise.mean() + gray.mean(), 0, 255)
        one, two = (features([np.repeat(g[..., None], 3, -1).astype(np.uint8)])[0] for g in (gray, noise))
        first.append(one[FIRST] - two[FIRST])
        second.append(one[SECOND] - two[SECOND])
    assert np.abs(np.mean(second, 0)).mean() > 2 * np.abs(np.mean(first, 0)).mean()


def test_layout_and_contrast_by_hand() -> None:
    black = np.zeros((96, 128, 3), np.uint8)
    black[:32, :32] = 255
    found = raw_features(black)
    np.testing.assert_allclose(found[LAYOUT].reshape(12, 3)[:, 0], [1] + [0] * 11, atol=1e-6)
    spread = np.sqrt(1 / 12 * (1 - 1 / 12))
    assert found[CONTRAST][0] == pytest.approx(np.log(2e-3 + spread), abs=1e-4)
    assert np.isfinite(features([np.zeros((96, 128, 3), np.uint8)])).all()
    with pytest.raises(InputError, match="features are of uint8"):
        raw_features(black[:90])


# --- distance -----------------------------------------------------------------------------------


def test_distance_is_the_sum_over_pairs() -> None:
    """Against loops over the pairs of Binkowski et al.'s estimator."""
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(5, 3)), rng.normal(size=(4, 3)) + 0.5

    def k(x: np.ndarray, y: np.ndarray) -> float:
        return float((x @ y / 3 + 1) ** 3)

    within = [
        np.mean([k(x, y) for i, x in enumerate(s) for j, y in enumerate(s) if i != j]) for s in (one, two)
    ]
    expected = sum(within) - 2 * np.mean([k(x, y) for x in one for y in two])
    assert distance(one, two, 50).value == pytest.approx(expected)
    assert kernel(one, two)[2, 1] == pytest.approx(k(one[2], two[1]))


def test_distance_has_no_bias_and_its_interval_is_as_wide_as_chance() -> None:
    rng = np.random.default_rng(1)
    found = [distance(rng.normal(size=(20, 8)), rng.normal(size=(20, 8)), 200) for _ in range(200)]
    values = np.array([d.value for d in found])
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values))
    width = np.mean([d.high - d.low for d in found]) / (2 * 1.96)
    assert 0.6 < width / values.std() < 1.8


def test_distance_ignores_order_and_grows_with_a_shift() -> None:
    rng = np.random.default_rng(2)
    one, two = rng.normal(size=(40, 8)), rng.normal(size=(40, 8))
    plain = distance(one, two, 50).value
    assert distance(one[::-1], two[rng.permutation(40)], 50).value == pytest.approx(plain)
    shifted = [distance(one, two + shift, 50).value for shift in (0.0, 0.3, 0.6, 1.2)]
    assert shifted == sorted(shifted) and shifted[0] == plain
    with pytest.raises(InputError, match="at least 2"):
        distance(one, two[:1])


def test_damage_is_farther_away_than_other_photos(pictures: list[np.ndarray]) -> None:
    import cv2

    reference, others = features(pictures[::2]), pictures[1::2]

    def to(damaged: list[np.ndarray]) -> float:
        return distance(reference, features(damaged), 50).value

    same = distance(reference, features(others))
    assert same.low < 0 < same.high
    slightly = to([cv2.GaussianBlur(p, (0, 0), 1.0) for p in others])
    assert same.value < slightly < to([real.blurred(p) for p in others])
    assert to([real.scrambled(p, i) for i, p in enumerate(others)]) > same.high
    assert to([real.gray(p) for p in others]) > to([real.blurred(p) for p in others])
    assert to([(p // 2) for p in others]) > same.high


# --- photos, frames, rows -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with the two packs in miniature: photos in one colour each, sizes both ways."""
    import cv2

    root = tmp_path_factory.mktemp("packs")
    for folder, names, size in (
        ("bsds500/val/images", ["1001", "1002", "1003", "1004"], (160, 240)),
        ("bsds500/train/images", ["2001"], (160, 240)),
        ("ecssd/images", ["0599", "0600", "0601", "0602", "0603", "0700"], (300, 200)),
    ):
        (root / folder).mkdir(parents=True)
        for name in names:
            level = 200 if name in ("2001", "0599", "0600") else int(name[-2:]) * 10
            picture = np.full((*size, 3), level, np.uint8)
            cv2.imwrite(str(root / folder / f"{name}.jpg"), picture)
    return root


def test_held_out_photos_are_those_that_no_training_saw(packs: Path) -> None:
    found = real.held_out(packs)
    levels = [round(float(p.mean()) / 10) for p in found]
    assert levels == [1, 2, 1, 2, 3, 4, 3, 0]  # in turn, two by two; never 0600 or a train photo
    assert all(p.shape == (96, 128, 3) for p in found)
    wide = np.zeros((90, 400, 3), np.uint8)
    wide[:, 140:260] = 255  # 120 of the 400 columns are the window
    assert real.crop(wide).min() == 255


def test_damage_keeps_what_it_says() -> None:
    photo = leaves(0)
    mixed = real.scrambled(photo, 1)
    assert sorted(map(tuple, mixed.reshape(-1, 3))) == sorted(map(tuple, photo.reshape(-1, 3)))
    assert np.array_equal(real.gray(photo)[0, 0], photo.reshape(-1, 3).mean(0).round())


@pytest.fixture(scope="module")
def nano(nano_weights: str) -> EmbeddedBackbone:
    return EmbeddedBackbone.load(nano_weights)


def test_the_nth_photo_does_not_depend_on_how_many_are_asked_for(nano: EmbeddedBackbone) -> None:
    three, two = paint_nothing(nano, 3, seed=5), paint_nothing(nano, 2, seed=6)
    np.testing.assert_array_equal(three[1], two[0])
    assert not np.array_equal(three[0], three[1])
    direct = nano.scene(None, (96, 128)).paint([Prompt(PHOTO, "photo")], _sample(5))[0].image
    np.testing.assert_array_equal(three[0], direct)


def _sample(seed: int) -> Sampler:
    return Sampler(mode="sample", seed=seed)


def test_frames_are_test_frames_and_their_maps_are_true(nano: EmbeddedBackbone) -> None:
    from visiongen.registry import TASKS

    found = frames(2)
    assert [frame.seed for frame in found] == [1_000_000, 1_000_001]
    names = {"semantic", "depth", "normals", "edges", "basecolor", "orm", "panoptic"}
    for frame in found:
        assert names <= set(frame.maps) and set(SOURCES) <= set(frame.maps)
        labels = TASKS.get("semantic")().codec(frame.legend).decode(frame.maps["semantic"])[0]
        from visiongen.benchmarks.generation.frames import class_ids

        np.testing.assert_array_equal(class_ids(frame.legend)[labels], frame.classes)
    errors = rebuilt_maps(nano.tokenizer, found)
    assert errors["depth"]["maps"] == 2 and errors["depth"]["error"]["value"] > 0


def test_reading_again_finds_what_was_painted(known_backbone: type) -> None:
    """A backbone whose reading is a function of the pixels: the true photo reads as itself."""
    frame = frames(1)[0]
    rows = from_maps(known_backbone(), [frame], mode="draft")
    assert set(rows) == {*SOURCES, "photo", "gray"}
    assert rows["photo"]["psnr"]["value"] == 100 and rows["photo"]["ssim"]["value"] == pytest.approx(1)
    assert rows["gray"]["psnr"]["value"] < 40
    for row in rows.values():
        assert row["reread"]["low"] <= row["reread"]["value"] <= row["reread"]["high"]


def test_every_source_is_painted_from_its_own_map(nano: EmbeddedBackbone) -> None:
    frame = frames(1)[0]
    painted = [paint(nano, frame, source, "draft", 0) for source in SOURCES]
    assert all(p.shape == frame.photo.shape and p.dtype == np.uint8 for p in painted)
    assert len({p.tobytes() for p in painted}) == len(SOURCES)


def test_report(nano_weights: str, packs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--weights", nano_weights, "--count", "2", "--frames", "1", "--mode", "draft"]
    assert main([*words, "--data", str(packs), "--json", str(tmp_path / "r.json")]) == 0
    text = capsys.readouterr().out
    report = json.loads((tmp_path / "r.json").read_text())
    assert list(report["nothing"]["rows"]) == ["model", "real", "rebuilt", "blurred", "scrambled", "gray"]
    assert report["nothing"]["reference"] == 4 and report["nothing"]["rows"]["model"]["photos"] == 2
    assert report["tokenizer"]["photos"]["photos"] == 4 and report["weights"]["sha256"]
    for words_there in ("photos from nothing", "from depth", "the true photo", "maps of normals"):
        assert words_there in text


def test_weights_that_learned_from_noise_are_drawn_from_it_too(
    nano: EmbeddedBackbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    painter = type(nano.painter)(dataclasses.replace(nano.painter.config, noise=True))
    eyed = EmbeddedBackbone(nano.tokenizer, painter)
    assert eyed.capabilities.noise and not nano.capabilities.noise
    asked: list[Sampler] = []

    def spy(backbone: object, count: int, seed: int, step: object, sampler: Sampler) -> list[np.ndarray]:
        asked.append(sampler)
        return paint_nothing(nano, count, seed)

    monkeypatch.setattr("visiongen.benchmarks.generation.report.paint_nothing", spy)
    held_out = [np.random.default_rng(k).integers(0, 256, (96, 128, 3), np.uint8) for k in range(4)]
    rows = from_nothing(eyed, held_out, 2, 0)[0]["rows"]
    assert list(rows)[:5] == ["model", "diffused", "diffused in groups", "by scales", "real"]
    assert [one.mode for one in asked] == ["sample", "diffuse", "diffuse", "scales"]
    assert [one.group for one in asked] == [None, None, 64, None]
    (whole,) = eyed.scene(None, (96, 128)).paint([Prompt(PHOTO, "photo")], asked[1])
    (parts,) = eyed.scene(None, (96, 128)).paint([Prompt(PHOTO, "photo")], asked[2])
    assert whole.stats.passes == parts.stats.passes == 24


@pytest.mark.parametrize(("wrong", "told"), [({"mode": "fast"}, "choose one of"), ({"seed": -1}, "seed -1")])
def test_bad_requests_are_refused_before_anything_is_painted(
    wrong: dict[str, Any], told: str, nano: EmbeddedBackbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real, "held_out", lambda data: pytest.fail("read photos"))
    with pytest.raises(UsageError, match=told):
        measure(nano, **wrong)


def test_without_real_photos_the_rest_is_scored(
    nano: EmbeddedBackbone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = measure(nano, tmp_path, 2, 1, mode="draft")
    assert report["nothing"] is None and "bsds500" in report["reason"]
    assert report["maps"]["rows"]["semantic"]["psnr"]["value"] > 0
    with pytest.raises(UsageError, match="at least 2 photos"):
        measure(nano, tmp_path, 1)
    assert main(["--weights", str(tmp_path / "none.safetensors")]) == 3
    assert "none.safetensors" in capsys.readouterr().err
