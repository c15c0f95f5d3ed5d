"""Keys of dataset.toml that change what is scored: each by what it does to somebody's answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_folders import BLOCKS, MASK, SEMANTIC, H, W, folder, save
from test_datasets_folder import referring

from visiongen.benchmarks.runner import Options, score_predictions


def told(root: Path, answers: dict[str, np.ndarray], rows: tuple[str, ...] = ()) -> dict[str, Any]:
    """The result of answers named after the images, by the folder's dataset.toml as it is now."""
    for name, labels in answers.items():
        save(root / f"answers/{name}.npy", labels, "npy")
    out = root / f"out{len(list(root.glob('out*')))}"
    result = dict(score_predictions(str(root / "dataset.toml"), root / "answers", out, Options(rows=rows)))
    assert result["n_failed"] == 0, result["failures"]
    return result


def value(result: dict[str, Any], name: str) -> float:
    return float(result["scores"][name]["value"])


def also(root: Path, line: str) -> Path:
    """The same folder with one more key."""
    toml = root / "dataset.toml"
    toml.write_text(toml.read_text() + line + "\n")
    return root


def test_boundary_scores_the_bands_along_the_borders(tmp_path: Path) -> None:
    root, moved = folder(tmp_path, SEMANTIC, {"a": BLOCKS}), {"a": np.roll(BLOCKS, 1, axis=0)}
    assert "BIoU" not in told(root, moved)["scores"]
    result = told(also(root, "boundary = true"), moved)
    assert 0 < value(result, "BIoU") < value(result, "mIoU") < 1
    assert value(told(root, {"a": BLOCKS}), "BIoU") == 1


def test_categories_forgive_what_is_mixed_up_inside_one(tmp_path: Path) -> None:
    toml = SEMANTIC + '\ncategories = { ground = ["road"], rest = ["car", "sky"] }'
    root = folder(tmp_path, toml, {"a": BLOCKS})
    result = told(root, {"a": np.array([0, 2, 1], np.uint8)[BLOCKS]})
    assert value(result, "IoU_category") == 1 == value(result, "IoU_category/rest")
    assert value(result, "mIoU") == pytest.approx(1 / 3)


def test_stretch_takes_each_map_to_its_own_range(tmp_path: Path) -> None:
    """Without the key as with true: the field's custom."""
    root, faint = folder(tmp_path, 'task = "salient"', {"a": MASK}), {"a": MASK / np.float32(510)}
    assert value(told(root, faint), "MAE") == 0
    assert value(told(also(root, "stretch = false"), faint), "MAE") == pytest.approx(
        (1 - 128 / 255) * (MASK > 0).mean(), abs=1e-6
    )


@pytest.mark.parametrize("how, worth", [("", 1), ('empty_union = "lisa"', 1), ('empty_union = "lavt"', 0)])
def test_empty_union_says_what_nothing_for_nothing_is_worth(how: str, worth: int, tmp_path: Path) -> None:
    rows = [{"image": "a", "label": "a.png", "phrase": "nothing here"}]
    root = referring(tmp_path, rows, "p.json", how)
    save(root / "labels/a.png", MASK * 0)
    assert value(told(root, {"a-1": np.zeros((H, W), bool)}), "gIoU") == worth


def test_instances_below_min_area_need_not_be_found(tmp_path: Path) -> None:
    labels = (MASK > 0).astype(np.uint8)
    labels[2:6, 2:7] = 2  # 20 pixels
    root, large = folder(tmp_path, 'task = "instance"', {"a": labels}), {"a": np.where(labels == 1, 1, 0)}
    assert value(told(root, large), "AP") < 0.6, "20 pixels count by default"
    assert value(told(also(root, "min_area = 21"), large), "AP") == 1


def test_blind_images_says_what_the_guess_is_made_from(tmp_path: Path) -> None:
    """By default of all: one image of road, then two of car."""
    labels = {name: np.full((H, W), kind, np.uint8) for name, kind in (("a", 0), ("b", 1), ("c", 1))}
    root = folder(tmp_path, SEMANTIC, labels)
    shares = [told(root, labels, ("blind",))["rows"]["blind"]["aAcc"]["value"]]
    shares += [told(also(root, "blind_images = 1"), labels, ("blind",))["rows"]["blind"]["aAcc"]["value"]]
    assert shares == pytest.approx([2 / 3, 1 / 3])


def test_a_blind_split_without_any_instance_guesses_nothing(tmp_path: Path) -> None:
    labels = {"train/a": MASK * 0, "val/b": (MASK > 0).astype(np.uint8)}
    root = folder(tmp_path, 'task = "instance"\nsplits = ["train", "val"]', labels)
    result = told(root, {"val/b": labels["val/b"]}, ("blind",))
    assert value(result, "AP") == 1 and result["rows"]["blind"]["AP"]["value"] == 0
