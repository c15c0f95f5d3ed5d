"""pbr-mix: held-out sets only, metrics against brute force, rows in their right order."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.benchmarks.datasets.pbr_mix import (
    held_out_sets,
    mean_material,
    photographs,
    protocol,
    train_sets,
)
from visiongen.benchmarks.materials.report import markdown, run, summarise
from visiongen.benchmarks.materials.rows import make_rows
from visiongen.benchmarks.metrics.material import SCORES, rmse, set_scores
from visiongen.errors import InputError, MissingDataError, UsageError
from visiongen.relight import SurfaceMaps
from visiongen.world.materials import HELD_OUT

TRAINED = {"one": (200, 40, 40), "two": (40, 200, 40)}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack with every held-out set and two others; the second set's normals are uncertain."""
    root = tmp_path_factory.mktemp("packs")
    rng = np.random.default_rng(0)
    for number, name in enumerate([*HELD_OUT, *TRAINED]):
        folder = root / "pbr_mix" / name
        folder.mkdir(parents=True)
        base = np.kron(rng.integers(0, 256, (4, 4, 3)), np.ones((16, 16, 1)))
        base = np.full((64, 64, 3), TRAINED[name]) if name in TRAINED else base
        cv2.imwrite(str(folder / "basecolor.png"), base[..., ::-1].astype(np.uint8))
        cv2.imwrite(
            str(folder / "normal_gl.png"), np.full((64, 64, 3), (230, 110 + 5 * number, 150), np.uint8)
        )
        cv2.imwrite(str(folder / "roughness.png"), np.full((64, 64), 100 + 10 * number, np.uint8))
        if number % 2 == 0:
            cv2.imwrite(str(folder / "metallic.png"), np.full((64, 64), 200, np.uint8))
    notes = [{"name": HELD_OUT[1], "tileable": False, "normal_convention_uncertain": True}]
    (root / "pbr_mix" / "index.json").write_text(json.dumps(notes))
    return root


def test_splits_do_not_meet(data: Path, tmp_path: Path) -> None:
    assert {s.name for s in train_sets(data, 64)} == set(TRAINED)
    assert [s.name for s in held_out_sets(data, 64)] == list(HELD_OUT)
    assert protocol()["splits"]["test"] == len(HELD_OUT) * len(protocol()["photos"])
    with pytest.raises(MissingDataError):
        held_out_sets(tmp_path, 64)


def test_photos_are_fixed_and_differ(data: Path) -> None:
    one = held_out_sets(data, 64)[0]
    photos = photographs(one, protocol())
    assert [p.id.split("/")[1] for p in photos] == ["flash", "window", "overcast"]
    again = photographs(one, protocol())
    assert all(np.array_equal(a.image, b.image) for a, b in zip(photos, again, strict=True))
    assert not np.array_equal(photos[0].image, photos[1].image)


def test_white_matte_paint_is_neither_burnt_out_nor_dark(data: Path) -> None:
    """The protocol says near 0.85 linear: 0.93 in sRGB."""
    one = held_out_sets(data, 64)[0]
    size = one.maps.size
    full = [np.full(size, v, np.float32) for v in (1, 0, 1)]
    up = np.zeros((*size, 3), np.float32) + np.float32([0, 0, 1])
    white = type(one)("white", SurfaceMaps(np.ones((*size, 3), np.float32), up, *full), frozenset())
    for photo in photographs(white, protocol()):
        level = photo.image[size[0] // 2, size[1] // 2].mean() / 255
        assert 0.85 < level < 0.98, photo.id


def test_blind_is_the_train_mean(data: Path) -> None:
    guess = mean_material(train_sets(data, 64), (8, 9))
    assert guess.size == (8, 9)
    assert np.allclose(guess.base_colour * 255, np.mean(list(TRAINED.values()), axis=0), atol=0.5)
    assert np.allclose(np.linalg.norm(guess.normal, axis=2), 1, atol=1e-6)
    assert np.allclose(guess.metallic[0, 0] * 255, 200, atol=0.5), "sets without a map do not count"


def test_scores_are_what_they_say(data: Path) -> None:
    one, two = (s.maps for s in held_out_sets(data, 64)[:2])
    found = set_scores(one, two, {"metallic", "ao"}, certain=True)
    assert set(found) == set(SCORES)
    assert found["base_rmse"] == pytest.approx(np.sqrt(((one.base_colour - two.base_colour) ** 2).mean()))
    cosine = (one.normal.astype(float) * two.normal).sum(axis=2)
    assert found["normal_mean"] == pytest.approx(np.degrees(np.arccos(cosine)).mean(), rel=1e-3)
    perfect = set_scores(one, one, {"metallic", "ao"}, certain=True)
    assert perfect["normal_mean"] < 0.1 and all(perfect[s] == 0 for s in SCORES if s != "normal_mean")
    assert set(set_scores(one, two, set(), certain=False)) == {"base_rmse", "roughness_rmse"}


def test_bad_predictions_score_badly() -> None:
    truth = np.full((4, 4), 0.25)
    assert rmse(truth, np.full((4, 4), np.nan)) > rmse(truth, 1 - truth) > rmse(truth, truth + 0.1) > 0
    with pytest.raises(InputError, match="resize"):
        rmse(truth, truth[:2])


def test_means_over_photos_then_sets() -> None:
    full = [[{"base_rmse": 0.1}, {"base_rmse": 0.3}], [{"base_rmse": 0.4}], [{"roughness_rmse": 1.0}]]
    found = summarise(full)
    assert found["base_rmse"]["value"] == pytest.approx(0.3) and found["base_rmse"]["sets"] == 2
    low, high = found["base_rmse"]["ci95"]
    assert low == pytest.approx(0.2) and high == pytest.approx(0.4)
    assert found["relit_rmse"] == {"value": None, "ci95": None, "sets": 0}


def test_the_run(data: Path, nano_weights: str, tmp_path: Path) -> None:
    backbone = EmbeddedBackbone.load(nano_weights)
    result = run(backbone, data, limit=2, pictures=tmp_path, mode="draft", seed=0)
    json.dumps(result, allow_nan=False)
    assert result["partial"] and result["n_scored"] == 2 and result["n_expected"] == len(HELD_OUT)
    rows = {name: {s: v["value"] for s, v in scores.items()} for name, scores in result["rows"].items()}
    assert set(rows) == {"model", "blind", "photo", "codec", "ceiling"}
    assert "specialist-surfaces" in result["reasons"]["specialist"]
    assert rows["codec"]["relit_rmse"] < 0.01 and rows["codec"]["normal_mean"] < 0.4
    for score in ("base_rmse", "relit_rmse"):
        assert rows["codec"][score] < rows["ceiling"][score] and rows["codec"][score] < rows["blind"][score]
    assert result["rows"]["model"]["relit_rmse"]["sets"] == 1, "uncertain normals are not relit"
    assert len(result["lights"]) == 9 and len(result["sets"]["model"]) == 2
    assert len(list(tmp_path.glob("*.png"))) == 6
    *table, space, why = markdown(result).splitlines()
    assert len(table) == 7 and all(line.startswith("| ") or line.startswith("|--") for line in table)
    assert space == "" and why.startswith("no specialist row: none for basecolor")
    with pytest.raises(UsageError, match="limit"):
        run(backbone, data, limit=0)


def test_a_run_without_weights_is_told_before_anything_is_painted(
    nano_weights: str, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="no weights there; give a finished run"):
        run(EmbeddedBackbone.load(nano_weights), data, specialists=[tmp_path])


def test_specialists_need_all_three_maps(nano_weights: str, data: Path) -> None:
    backbone = EmbeddedBackbone.load(nano_weights)
    _, reasons = make_rows(backbone, data, 64, [])
    assert "none for basecolor, tangent, orm" in reasons["specialist"]
