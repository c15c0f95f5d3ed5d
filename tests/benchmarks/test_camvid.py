"""CamVid on disk: both layouts, what is missing, what labels mean."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from bench_helpers import Reader, make_camvid
from PIL import Image

from visiongen.benchmarks.datasets.camvid11 import CamVid11, read_labels
from visiongen.benchmarks.runner import Options, run
from visiongen.errors import InputError, MissingDataError
from visiongen.tasks.semantic import DEFAULT_LEGEND


def test_official_layout_gives_the_same_scores_as_the_pack(tmp_path: Path) -> None:
    pack = make_camvid(tmp_path / "a" / "camvid11")
    official = make_camvid(tmp_path / "b" / "CamVid", "official")
    results = []
    for number, root in enumerate((pack, official, pack.parent, official.parent)):
        options = Options(data=root, rows=("blind",))
        results.append(run("camvid11", Reader(shift=1), tmp_path / f"out{number}", options))
    assert all(r["scores"] == results[0]["scores"] and r["rows"] == results[0]["rows"] for r in results)


def test_items_follow_the_list_not_the_folder(camvid: Path) -> None:
    (camvid / "val.txt").write_text("val004\nval001\n\n")
    assert [item.id for item in CamVid11().items(camvid, "val")] == ["val004", "val001"]


@pytest.mark.parametrize("layout", ["pack", "official"])
def test_what_is_missing_is_named(tmp_path: Path, layout: str) -> None:
    root = make_camvid(tmp_path / "data", layout)
    photo = root / "val" / ("images/val002.png" if layout == "pack" else "val002.png")
    photo.unlink()
    with pytest.raises(MissingDataError, match=r"val002.*listed in .*val\.txt but missing \(1 of 12"):
        CamVid11().items(root, "val")
    (root / "val.txt").write_text("\n")
    with pytest.raises(MissingDataError, match="list is empty"):
        CamVid11().items(root, "val")
    (root / "val.txt").unlink()
    with pytest.raises(MissingDataError, match=r"val\.txt: the split's list is missing"):
        CamVid11().items(root, "val")
    shutil.rmtree(root / "val")
    if layout == "official":
        shutil.rmtree(root / "valannot")
    with pytest.raises(MissingDataError, match="no CamVid split 'val'"):
        CamVid11().items(root, "val")
    with pytest.raises(MissingDataError, match="no such folder"):
        CamVid11().items(tmp_path / "nowhere", "val")


def test_without_train_labels_there_is_no_blind_row_and_the_reason_is_given(
    camvid: Path, tmp_path: Path
) -> None:
    shutil.rmtree(camvid / "train")
    result = run("camvid11", Reader(), tmp_path / "out", Options(data=camvid, rows=("blind",)))
    assert result["rows"]["blind"] is None and "train" in result["reasons"]["blind"]


def test_void_is_ignored_and_unknown_ids_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.png"
    Image.fromarray(np.array([[0, 10, 11, 255]], np.uint8)).save(path)
    assert read_labels(path).tolist() == [[0, 10, 255, 255]]
    palette = Image.fromarray(np.array([[3, 11]], np.uint8)).convert("P")
    palette.putpalette([9, 9, 9] * 256)
    palette.save(path)
    assert read_labels(path).tolist() == [[3, 255]]
    Image.fromarray(np.array([[12]], np.uint8)).save(path)
    with pytest.raises(InputError, match="value 12"):
        read_labels(path)
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(path)
    with pytest.raises(InputError, match="mode RGB is not an index PNG"):
        read_labels(path)


def test_blind_is_the_majority_of_the_train_split(camvid: Path) -> None:
    truths = np.stack([read_labels(p) for p in sorted((camvid / "train" / "labels").iterdir())])
    guess = CamVid11().blind(camvid)
    here = guess((96, 128))
    y, x = 5, 20
    assert here[y, x] == np.bincount(truths[:, y, x]).argmax()
    assert guess((192, 256))[2 * y, 2 * x] == here[y, x]


def test_legend_names_are_the_ones_the_default_prompt_uses() -> None:
    benchmark = CamVid11()
    assert tuple(benchmark.protocol["classes"]) == DEFAULT_LEGEND.names
    assert benchmark.legend() == DEFAULT_LEGEND
    drawn = benchmark.legend(5)
    assert drawn is not None and drawn == benchmark.legend(5) and drawn.names == DEFAULT_LEGEND.names
    assert not set(drawn.colours) & set(DEFAULT_LEGEND.colours)


@pytest.mark.data
def test_the_real_pack_has_the_official_counts(data_root: Path) -> None:
    benchmark = CamVid11()
    for split in ("train", "val"):
        items = benchmark.items(data_root, split)
        assert len(items) == benchmark.protocol["splits"][split]
    truth, photo = items[0].truth(), items[0].photo()
    assert truth.shape == photo.shape[:2] == (360, 480)
    assert set(np.unique(truth)) <= set(range(11)) | {255}


@pytest.mark.data
def test_resizing_alone_costs_what_it_is_known_to_cost(data_root: Path, tmp_path: Path) -> None:
    options = Options(data=data_root, limit=8, rows=("codec", "blind"))
    result = run("camvid11", Reader(), tmp_path / "out", options)
    assert 0.87 < result["rows"]["codec"]["mIoU_mmseg"]["value"] < 0.97  # type: ignore[index]
    assert 0.05 < result["rows"]["blind"]["mIoU_mmseg"]["value"] < 0.4  # type: ignore[index]


def test_a_shipped_specialist_is_scored_on_the_split_that_is_asked_for(
    camvid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    from test_specialist import SMALL, save

    from visiongen import weights
    from visiongen.benchmarks.specialist import Specialist
    from visiongen.files import sha256

    torch.manual_seed(0)
    file = tmp_path / "s.safetensors"
    save(file, Specialist(task="semantic", **SMALL), task="semantic", **SMALL)
    facts = "\n".join(f'{key} = "x"' for key in ("licence", "source", "training_data"))
    entry = f'name = "specialist-camvid11"\nfile = "s.safetensors"\nsha256 = "{sha256(file)}"\n'
    size = f'bytes = {file.stat().st_size}\nminutes = 1.0\nkind = "specialist"\n'
    (tmp_path / "manifest.toml").write_text("[[weights]]\n" + entry + size + facts)
    monkeypatch.setattr(weights, "ROOT", tmp_path)
    benchmark, rows = CamVid11(), {}
    benchmark.protocol = benchmark.protocol | {"long_side": 64}
    for split in ("val", "train"):
        options = Options(data=camvid, split=split, limit=2, rows=("specialist",))
        result = run(benchmark, Reader(), tmp_path / split, options)
        assert result["reasons"].keys() == {"blind", "oracle", "codec", "ceiling"} and not result["failures"]
        rows[split] = result["rows"]["specialist"]
    assert rows["val"] != rows["train"]
    file.write_bytes(file.read_bytes()[:-1] + b"\7")
    broken = run(benchmark, Reader(), tmp_path / "val", Options(data=camvid, rows=("specialist",)))
    assert broken["rows"]["specialist"] is None and "altered" in broken["reasons"]["specialist"]
