"""Edges, mattes and salient objects: what a prediction holds, saves and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from visiongen.errors import InputError, UsageError
from visiongen.geometry import Geometry
from visiongen.prompt import Legend
from visiongen.registry import TASKS
from visiongen.tasks.base import Prediction
from visiongen.tasks.gray_task import SNAP
from visiongen.tasks.instructions import instruction

NAMES = ("edges", "matting", "salient")
ALL = pytest.mark.parametrize("name", NAMES)


def predicted(name: str, labels: np.ndarray, size: tuple[int, int], **options: bool) -> Prediction:
    task = TASKS.get(name)(**options)
    prompt = task.prompt()
    painted = task.codec(prompt.legend).encode(labels)
    return task.decode(painted, Geometry(size, (labels.shape[0], labels.shape[1])), prompt)


def disc(size: tuple[int, int] = (48, 64), radius: float = 14) -> np.ndarray:
    y, x = np.indices(size)
    return np.clip(radius + 0.5 - np.hypot(y - size[0] / 2, x - size[1] / 2), 0, 1).astype(np.float32)


@ALL
def test_its_legend_is_fixed_and_names_white_and_black(name: str) -> None:
    task = TASKS.get(name)()
    legend = task.prompt().legend
    assert legend is not None and legend.colours == ((255, 255, 255), (0, 0, 0))
    with pytest.raises(UsageError, match="takes none"):
        task.prompt(Legend.parse("a=#ff0000,b=#00ff00"))


@ALL
def test_gray_is_read_as_a_number_not_as_the_nearer_entry(name: str) -> None:
    labels = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (8, 1))
    result = predicted(name, labels, (8, 64))
    assert (
        abs(result.labels - labels).max() <= (0 if name == "edges" else SNAP) + 1 / 500
        and (np.diff(result.labels) >= 0).all()
    )
    assert result.labels[0, 0] == 0 and result.labels[0, -1] == 1 and abs(result.labels[0, 32] - 0.5) < 0.02
    assert result.confidence.min() > 0.99


@pytest.mark.parametrize("name", ["matting", "salient"])
def test_nearly_black_and_white_are_black_and_white(name: str) -> None:
    """What the tokenizer leaves of flat regions must not shine through a cutout."""
    task = TASKS.get(name)()
    painted = np.full((8, 16, 3), 8, np.uint8)
    painted[:, 8:] = 246
    result = task.decode(painted, Geometry((8, 16), (8, 16)), task.prompt())
    assert set(np.unique(result.labels)) == {0, 1}
    exact = type(task.codec())()
    assert exact.decode(painted)[0][0, 0] == pytest.approx(8 / 255)
    with pytest.raises(InputError, match="snap"):
        task.codec(snap=0.5)


@ALL
def test_enlarging_is_linear_and_stays_inside(name: str) -> None:
    result = predicted(name, np.repeat(np.float32([[0, 1]]), 8, 0).repeat(8, 1), (32, 64))
    row = result.labels[16]
    assert row.min() == 0 and row.max() == 1 and (np.diff(row) >= 0).all() and len(np.unique(row)) > 2


@ALL
def test_what_is_saved(name: str, tmp_path: Path) -> None:
    result = predicted(name, disc(), (96, 128))
    files = result.save(tmp_path, "photo")
    report = json.loads(files[-1].read_text())
    assert report["legend"] is None and report["codec"]["name"] == result.codec.name
    assert report["summary"]["mean"] == pytest.approx(float(result.labels.mean()), abs=1e-4)
    assert 0 < report["summary"]["full"] <= report["summary"]["half"] < 1
    stored = np.asarray(Image.open(tmp_path / f"photo.{name}.labels.png"))
    assert stored.dtype == np.uint8 and abs(stored / 255 - result.labels).max() <= 1 / 510 + 1e-6
    assert report["label_image"]["value"] == f"{result.unit} = value / 255"


def test_binary_saliency_is_cut_at_a_half_after_enlarging() -> None:
    soft, hard = (predicted("salient", disc(), (96, 128), binary=b) for b in (False, True))
    assert set(np.unique(hard.labels)) == {0, 1} and len(np.unique(soft.labels)) > 2
    assert np.array_equal(hard.labels == 1, soft.mask)  # type: ignore[attr-defined]


def test_thinned_edges_are_saved_when_asked(tmp_path: Path) -> None:
    y, x = np.indices((48, 64))
    line = np.clip(1.5 - abs(x - 30) / 2, 0, 1).astype(np.float32)
    plain, thin = (predicted("edges", line, (48, 64), thin=t) for t in (False, True))
    names = [[p.name for p in r.save(tmp_path / str(i), "e")] for i, r in enumerate((plain, thin))]
    assert "e.edges.thin.png" not in names[0] and names[1][-2:] == ["e.edges.thin.png", "e.edges.json"]
    assert json.loads((tmp_path / "1" / "e.edges.json").read_text())["files"] == names[1][:-1]
    stored = np.asarray(Image.open(tmp_path / "1" / "e.edges.thin.png")) > 0
    assert stored.any(axis=1).all() and stored.sum(axis=1).max() <= 2
    assert np.flatnonzero(stored.any(axis=0)).tolist() in ([30], [29, 30], [30, 31])
    assert np.array_equal(plain.labels, thin.labels)


def test_thinned_edges_of_a_large_photo_are_one_pixel_wide() -> None:
    """A line of the map is nine times as wide in the photo; its middle stays, whole, and nothing else."""
    y, x = np.indices((96, 320))
    line = np.clip(1.5 - abs(x - 0.3 * y - 100) / 2, 0, 1).astype(np.float32)
    result = predicted("edges", line, (900, 3000), thin=True)
    thinned = result.thinned()  # type: ignore[attr-defined]
    kept = thinned > 0
    rows, columns = np.nonzero(kept)
    middle = (100.5 + 0.3 * (rows + 0.5) / 9.375 - 0.15) * 9.375
    assert abs(columns + 0.5 - middle).max() < 9.375, "within a pixel of the map"
    assert kept.any(axis=1).all() and kept.sum(axis=1).mean() < 1.5
    squares = kept[1:, 1:] & kept[1:, :-1] & kept[:-1, 1:] & kept[:-1, :-1]
    assert not squares.any(), "nowhere two pixels wide"
    assert np.array_equal(thinned[kept], result.labels[kept])


def test_a_prediction_cuts_its_photo_out() -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (96, 128, 3), np.uint8)
    result = predicted("matting", disc(), (96, 128))
    rgba = result.cutout(photo)  # type: ignore[attr-defined]
    assert rgba.shape == (96, 128, 4) and rgba.dtype == np.uint8
    assert rgba[48, 64, 3] == 255 and rgba[0, 0, 3] == 0
    opaque = rgba[..., 3] == 255
    assert opaque.any() and np.array_equal(rgba[opaque][:, :3], photo[opaque])


@pytest.mark.parametrize("name", ["matting", "salient"])
def test_a_cutout_takes_the_photo_as_predict_does(name: str, tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    path = tmp_path / "photo.png"
    Image.fromarray(photo).save(path)
    result = predicted(name, disc(), (96, 128))
    right = result.cutout(photo)  # type: ignore[attr-defined]
    for other in (path, str(path), Image.open(path)):
        assert np.array_equal(result.cutout(other), right)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["matting", "salient"])
def test_a_cutout_follows_the_photo_above_the_maps_resolution(name: str) -> None:
    """The photo is six times the map: its border is found within a pixel of the map, if that is wanted."""
    truth = disc((288, 384), 84)
    noise = np.random.default_rng(0).normal(0, 8, (288, 384, 3))
    photo = np.where(truth[..., None] > 0.5, [200, 90, 60], [40, 60, 110]) + noise
    photo = np.clip(photo, 0, 255).astype(np.uint8)
    small = cv2.resize(truth, (64, 48), interpolation=cv2.INTER_AREA)
    result = predicted(name, small, truth.shape)

    def error(**options: bool) -> float:
        alpha = result.cutout(photo, **options)[..., 3] / 255  # type: ignore[attr-defined]
        return float(((alpha - truth) ** 2).mean())

    assert error(sharpen=True) < 0.6 * error(sharpen=False)
    assert error() == error(sharpen=name == "matting"), "a salient object's certainty is no opacity"


@ALL
def test_orders_in_words_say_what_white_means(name: str) -> None:
    text = instruction(TASKS.get(name)(), size=(30, 40))
    assert "#ffffff" in text and "#000000" in text and "40 x 30 pixels" in text
