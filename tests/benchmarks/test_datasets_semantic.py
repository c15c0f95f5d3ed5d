"""Semantic sets in their official layouts: order, ids, stored values, traps, and what is wrong is named."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from visiongen.benchmarks.datasets import camvid32, pascal_context
from visiongen.benchmarks.datasets.label_images import match_colours, read_index
from visiongen.benchmarks.rows import BlindRow, CodecRow
from visiongen.benchmarks.runner import Options, get_benchmark, score_predictions
from visiongen.benchmarks.validate import validate
from visiongen.errors import DependencyError, InputError, MissingDataError
from visiongen.prompt import Legend

SIZE = (24, 32)
NAMES = (
    "ade20k", "voc2012", "pascal-context-59", "pascal-context-60", "camvid32", "coco-stuff-164k",
    "coco-stuff-10k", "nyuv2-40", "cityscapes", "acdc", "comma10k",
)  # fmt: skip


def save(path: Path, array: np.ndarray, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


def photo(path: Path, red: int = 0) -> None:
    save(path, np.full((*SIZE, 3), (red, 90, 90), np.uint8))


def labels(*values: int) -> np.ndarray:
    """Stripes of these stored values, from top to bottom."""
    return np.repeat(np.array(values, np.uint8), SIZE[0] // len(values))[:, None].repeat(SIZE[1], 1)


def rows(truth: np.ndarray) -> list[int]:
    """The values from top to bottom, runs as one."""
    column = truth[:, 0].tolist()
    return [value for i, value in enumerate(column) if i == 0 or value != column[i - 1]]


@pytest.mark.parametrize("name", NAMES)
def test_legend_and_stored_values_fit_the_classes(name: str) -> None:
    protocol = get_benchmark(name).protocol
    names = protocol["classes"]
    legend = Legend.parse(protocol["legend"])
    assert legend.names == tuple(names) == tuple(one.strip() for one in names)
    gaps = np.linalg.norm(legend.array()[:, None].astype(float) - legend.array(), axis=2)
    assert gaps[~np.eye(len(names), dtype=bool)].min() > (40 if len(names) > 60 else 60)
    stored = protocol.get("label_ids") or protocol["label_colours"]
    void = protocol.get("void_ids", protocol.get("void_colours", []))
    assert len(stored) == len(names) and len({*stored, *void}) == len(stored) + len(void)


# --- ADE20K -----------------------------------------------------------------------------------


def ade(root: Path) -> Path:
    root = root / "ADEChallengeData2016"
    for split, short in (("training", "train"), ("validation", "val")):
        for number in (2, 1):
            stem = f"ADE_{short}_{number:08d}"
            photo(root / "images" / split / f"{stem}.jpg", 10 * number)
            save(root / "annotations" / split / f"{stem}.png", labels(0, 1, 150, number + 1))
    return root


def test_ade20k_zero_is_void_and_one_is_wall(tmp_path: Path) -> None:
    benchmark = get_benchmark("ade20k")
    assert benchmark.present(tmp_path) is None
    root = ade(tmp_path)
    items = benchmark.items(tmp_path, "val")
    assert [item.id for item in items] == ["ADE_val_00000001", "ADE_val_00000002"]
    assert [item.id for item in benchmark.items(root, "train", 1)] == ["ADE_train_00000001"]
    classes = benchmark.protocol["classes"]
    assert rows(items[1].truth()) == [255, 0, 149, 2]
    assert [classes[k] for k in (0, 2, 7, 149)] == ["wall", "sky", "bed", "flag"]
    assert items[0].truth().dtype == np.uint8 and items[0].photo().shape == (*SIZE, 3)
    assert items[0].digest != items[1].digest


def test_ade20k_names_what_is_wrong(tmp_path: Path) -> None:
    benchmark, root = get_benchmark("ade20k"), ade(tmp_path)
    target = root / "annotations/validation/ADE_val_00000001.png"
    save(target, labels(1, 151))
    with pytest.raises(InputError, match=r"ADE_val_00000001\.png: value 151 at row 12, column 0"):
        benchmark.items(root, "val")[0].truth()
    save(target, np.zeros((*SIZE, 3), np.uint8))
    with pytest.raises(InputError, match=r"ADE_val_00000001\.png: mode RGB is not an index PNG"):
        benchmark.items(root, "val")[0].truth()
    rng = np.random.default_rng(0)
    save(target, rng.integers(1, 151, SIZE).astype(np.uint8))
    target.write_bytes(target.read_bytes()[:200])
    with pytest.raises(InputError, match="damaged label file"):
        benchmark.items(root, "val")[0].truth()
    target.unlink()
    with pytest.raises(MissingDataError, match=r"ADE_val_00000001\.png: listed in .* missing \(1 of 4"):
        benchmark.items(root, "val")
    tree = validate(benchmark, root, "val")
    assert {one.kind for one in tree.problems} == {"count", "file"} and tree.n_read == 1


def test_ade20k_rows_of_a_run(tmp_path: Path) -> None:
    """The blind row says the commonest class of each row; painting the truth loses next to nothing."""
    benchmark, root = get_benchmark("ade20k"), ade(tmp_path)
    item = benchmark.items(root, "val")[0]
    blind = BlindRow(benchmark, root).answer(item, None)
    assert blind.shape == SIZE and rows(blind)[:2] == [0, 149]
    answer = CodecRow(benchmark, benchmark.legend()).answer(item, item.truth())
    scores = benchmark.scorer.table([benchmark.scorer.stats(item.truth(), answer)])(np.ones((1, 1)))
    assert scores["mIoU"][0] > 0.9


def test_ade20k_real_pictures_of_the_pack(data_root: Path, tmp_path: Path) -> None:
    """Three photos of the real set, laid out as officially; a class's stored value is its line's number."""
    pack = data_root / "panoptic_samples/ade20k_sceneparsing"
    if not pack.is_dir():
        pytest.skip("the pack has no ADE20K")
    for folder in ("images", "annotations"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "validation").symlink_to(pack / folder)
    benchmark = get_benchmark("ade20k")
    items = benchmark.items(tmp_path, "val")
    assert [item.id for item in items] == [f"ADE_val_{n:08d}" for n in (1, 2, 3)]
    lines = (pack / "objectInfo150.txt").read_text().splitlines()[1:]
    for line, name in zip(lines, benchmark.protocol["classes"], strict=True):
        assert name in [part.strip() for part in line.split("\t")[-1].split(",")]
    for item in items:
        truth = item.truth()
        stored = np.array(Image.open(pack / f"annotations/{item.id}.png"))
        assert truth.shape == item.photo().shape[:2]
        assert ((truth == 255) == (stored == 0)).all()
        assert (truth[stored > 0] == stored[stored > 0] - 1).all()


# --- VOC and PASCAL-Context -------------------------------------------------------------------


def palette_png(path: Path, array: np.ndarray) -> None:
    """A palette picture whose palette says nothing of its indices."""
    image = Image.new("P", array.shape[::-1])
    image.putpalette([255 - i // 3 for i in range(768)])
    image.putdata(array.ravel().tolist())
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def voc(root: Path, year: str, folder: str, lists: str, values: tuple[int, ...]) -> Path:
    root = root / f"VOCdevkit/VOC{year}"
    for split, names in (("val", ["2008_000009", "2008_000003"]), ("train", ["2008_000001"])):
        listed = root / "ImageSets" / lists / f"{split}.txt"
        listed.parent.mkdir(parents=True, exist_ok=True)
        listed.write_text("\n".join(names) + "\n")
        for name in names:
            photo(root / f"JPEGImages/{name}.jpg")
            palette_png(root / folder / f"{name}.png", labels(*values))
    return root


def test_voc_reads_palette_indices_in_the_list_s_order(tmp_path: Path) -> None:
    root = voc(tmp_path, "2012", "SegmentationClass", "Segmentation", (0, 15, 255, 20))
    benchmark = get_benchmark("voc2012")
    items = benchmark.items(tmp_path, "val")
    assert [item.id for item in items] == ["2008_000009", "2008_000003"]
    assert rows(items[0].truth()) == [0, 15, 255, 20]
    assert benchmark.protocol["classes"][15] == "person" and benchmark.protocol["classes"][0] == "background"
    (root / "ImageSets/Segmentation/val.txt").unlink()
    with pytest.raises(MissingDataError, match=r"Segmentation/val\.txt: the split's list is missing"):
        benchmark.items(tmp_path, "val")


def test_voc_results_with_a_palette_are_read_by_index(tmp_path: Path) -> None:
    voc(tmp_path, "2012", "SegmentationClass", "Segmentation", (0, 15, 255, 20))
    for name in ("2008_000009", "2008_000003"):
        palette_png(tmp_path / f"results/{name}.png", labels(0, 15, 3, 20))
    options = Options(data=tmp_path, rows=("oracle",))
    result = score_predictions("voc2012", tmp_path / "results", tmp_path / "out", options)
    assert result["n_failed"] == 0 and result["scores"]["mIoU"]["value"] == 1


def test_context_with_and_without_background(tmp_path: Path) -> None:
    voc(tmp_path, "2010", "SegmentationClassContext", "SegmentationContext", (0, 1, 59, 37))
    sixty, fifty_nine = get_benchmark("pascal-context-60"), get_benchmark("pascal-context-59")
    assert rows(sixty.items(tmp_path, "val")[0].truth()) == [0, 1, 59, 37]
    assert rows(fifty_nine.items(tmp_path, "val")[0].truth()) == [255, 0, 58, 36]
    assert sixty.protocol["classes"][37] == fifty_nine.protocol["classes"][36] == "person"
    names = sixty.protocol["classes"][1:]
    assert names == fifty_nine.protocol["classes"] == sorted(names)


def test_context_from_the_459_labels(tmp_path: Path) -> None:
    """A label of no class is background; the ids ascend, as mmsegmentation's np.sort makes them."""
    kept = pascal_context.OF_459
    assert list(kept) == sorted(set(kept)) and len(kept) == 60
    root = voc(tmp_path, "2010", "trainval", "SegmentationContext", (0,))
    stored = labels(0, 2, 9, 3).astype(np.uint16)
    stored[-2:] = 458
    for name in ("2008_000009", "2008_000003"):
        savemat(root / f"trainval/{name}.mat", {"LabelMap": stored})
    path, benchmark = root / "trainval/2008_000009.mat", get_benchmark("pascal-context-60")
    found = rows(benchmark.items(tmp_path, "val", 1)[0].truth())
    assert [benchmark.protocol["classes"][k] for k in found] == [
        "background",
        "aeroplane",
        "bag",
        "background",
        "wood",
    ]
    savemat(path, {"LabelMap": stored + 2})
    with pytest.raises(InputError, match=r"2008_000009\.mat: value 460 is none of the 459"):
        benchmark.items(tmp_path, "val", 1)[0].truth()
    savemat(path, {"other": stored})
    with pytest.raises(InputError, match="no readable struct 'LabelMap'"):
        benchmark.items(tmp_path, "val", 1)[0].truth()


# --- CamVid -----------------------------------------------------------------------------------


def test_camvid32_reads_colours_exactly(tmp_path: Path) -> None:
    root = tmp_path / "CamVid"
    colours = {"Animal": (64, 128, 64), "Void": (0, 0, 0), "Wall": (64, 192, 0), "Sidewalk": (0, 0, 192)}
    stripes = np.repeat(np.array(list(colours.values()), np.uint8), 6, axis=0)[:, None].repeat(32, 1)
    for name in ("Seq05VD_f00000", "0001TP_008550"):
        photo(root / f"701_StillsRaw_full/{name}.png")
        save(root / f"LabeledApproved_full/{name}_L.png", stripes)
    line = "/SegNet/CamVid/val/Seq05VD_f00000.png /SegNet/CamVid/valannot/Seq05VD_f00000.png"
    (root / "val.txt").write_text(line + "\n")
    benchmark = get_benchmark("camvid32")
    items = benchmark.items(tmp_path, "all")
    assert [item.id for item in items] == ["0001TP_008550", "Seq05VD_f00000"]
    assert [item.cluster for item in items] == ["0001TP", "Seq05VD"]
    classes = benchmark.protocol["classes"]
    found = rows(items[0].truth())
    assert [k if k == 255 else classes[k] for k in found] == ["Animal", 255, "Wall", "Sidewalk"]
    assert [item.id for item in benchmark.items(tmp_path, "val")] == ["Seq05VD_f00000"]
    eleven = get_benchmark("camvid11").protocol["classes"]
    grouped = rows(camvid32.eleven(items[0].truth()))
    assert [k if k == 255 else eleven[k] for k in grouped] == ["pedestrian", 255, "building", "pavement"]
    stripes[7, 5] = (64, 128, 65)
    save(root / "LabeledApproved_full/0001TP_008550_L.png", stripes)
    with pytest.raises(InputError, match=r"0001TP_008550_L\.png: colour #408041 at row 7, column 5"):
        benchmark.items(tmp_path, "all")[0].truth()
    with pytest.raises(MissingDataError, match=r"train\.txt"):
        benchmark.items(tmp_path, "train")


def test_camvid_groups_hold_every_class_once() -> None:
    members = [one for group in camvid32.GROUPS.values() for one in group]
    assert sorted(members) == sorted(get_benchmark("camvid32").protocol["classes"])
    assert list(camvid32.GROUPS) == get_benchmark("camvid11").protocol["classes"]
    with pytest.raises(InputError, match="31 is no position"):
        camvid32.eleven(np.array([[31]]))


# --- COCO-Stuff -------------------------------------------------------------------------------


def test_coco_stuff_164k_stores_the_id_minus_one(tmp_path: Path) -> None:
    root = tmp_path / "coco_stuff164k"
    for number in (139, 9):
        photo(root / f"images/val2017/{number:012d}.jpg")
        save(root / f"annotations/val2017/{number:012d}.png", labels(0, 12, 255, 181))
        save(root / f"annotations/val2017/{number:012d}_labelTrainIds.png", labels(3))
    benchmark = get_benchmark("coco-stuff-164k")
    items = benchmark.items(tmp_path, "val")
    assert [item.id for item in items] == ["000000000009", "000000000139"]
    names = benchmark.protocol["classes"]
    found = [k if k == 255 else names[k] for k in rows(items[0].truth())]
    assert found == ["person", "stop sign", 255, "wood"] and len(names) == 171
    save(root / "annotations/val2017/000000000009.png", labels(0, 11))
    with pytest.raises(InputError, match="value 11 at row 12"):
        benchmark.items(tmp_path, "val")[0].truth()


def test_coco_stuff_10k_stores_the_id(tmp_path: Path) -> None:
    root = tmp_path / "coco_stuff10k"
    name = "COCO_train2014_000000000077"
    photo(root / f"images/{name}.jpg")
    (root / "annotations").mkdir()
    savemat(root / f"annotations/{name}.mat", {"S": labels(0, 1, 13, 182).astype(np.uint16), "names": ["x"]})
    (root / "imageLists").mkdir()
    (root / "imageLists/test.txt").write_text(name + "\n")
    benchmark = get_benchmark("coco-stuff-10k")
    (item,) = benchmark.items(tmp_path, "test")
    names = benchmark.protocol["classes"]
    assert item.id == name
    assert [k if k == 255 else names[k] for k in rows(item.truth())] == [255, "person", "stop sign", "wood"]
    savemat(root / f"annotations/{name}.mat", {"S": labels(12, 183).astype(np.uint16)})
    with pytest.raises(InputError, match=r"000077\.mat: value 12 at row 0"):
        item.truth()


# --- NYUv2 ------------------------------------------------------------------------------------


def nyu(root: Path) -> Path:
    h5py = pytest.importorskip("h5py")
    root = root / "nyuv2"
    root.mkdir()
    photos = np.arange(3 * 480 * 640 * 3, dtype=np.int64).reshape(3, 480, 640, 3) % 251
    stored = np.zeros((3, 480, 640), np.uint16)
    stored[:, 100:, 7:] = 894
    stored[1, :5] = 2
    with h5py.File(root / "nyu_depth_v2_labeled.mat", "w") as file:
        file["images"] = photos.astype(np.uint8).transpose(0, 3, 2, 1)
        file["labels"] = stored.transpose(0, 2, 1)
        kind = h5py.special_dtype(ref=h5py.Reference)
        scenes = file.create_dataset("scenes", (1, 3), dtype=kind)
        for i, name in enumerate(("kitchen_0001a", "kitchen_0001b", "office_0002")):
            file[f"refs/{i}"] = np.frombuffer(name.encode(), np.uint8).astype(np.uint16)[:, None]
            scenes[0, i] = file[f"refs/{i}"].ref
    savemat(root / "splits.mat", {"trainNdxs": np.array([[3]]), "testNdxs": np.array([[1], [2]])})
    mapping = np.full((1, 894), 40, np.uint8)
    mapping[0, 1] = 7
    savemat(root / "classMapping40.mat", {"mapClass": mapping})
    return root


def test_nyuv2_from_the_matlab_files(tmp_path: Path) -> None:
    root = nyu(tmp_path)
    benchmark = get_benchmark("nyuv2-40")
    items = benchmark.items(tmp_path, "test")
    assert [(item.id, item.cluster) for item in items] == [("0001", "kitchen_0001"), ("0002", "kitchen_0001")]
    truth, names = items[1].truth(), benchmark.protocol["classes"]
    assert truth.shape == (480, 640) and truth.dtype == np.uint8
    assert names[truth[0, 0]] == "table" and truth[50, 50] == 255 and names[truth[100, 7]] == "otherprop"
    picture = items[1].photo()
    second = [(480 * 640 * 3 + 3 + c) % 251 for c in range(3)]  # the stored photo is 0, 1, 2, ... modulo 251
    assert picture.shape == (480, 640, 3) and picture[0, 1].tolist() == second
    assert items[0].digest != items[1].digest
    assert rows(BlindRow(benchmark, tmp_path).answer(items[0], None)) == [0, 39]
    savemat(root / "splits.mat", {"testNdxs": np.array([[4]])})
    with pytest.raises(InputError, match=r"splits\.mat: testNdxs is empty or leaves 1\.\.3"):
        benchmark.items(tmp_path, "test")
    (root / "classMapping40.mat").unlink()
    with pytest.raises(MissingDataError, match="classMapping40"):
        benchmark.items(tmp_path, "test")


def test_nyuv2_without_h5py_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nyu(tmp_path)
    benchmark = get_benchmark("nyuv2-40")
    item = benchmark.items(tmp_path, "test")[0]
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DependencyError, match=r"pip install h5py, or visiongen\[nyu\]"):
        item.photo()


# --- readers ----------------------------------------------------------------------------------


def test_a_jpeg_is_no_label(tmp_path: Path) -> None:
    Image.fromarray(labels(1, 2)).save(tmp_path / "a.png", format="JPEG")
    with pytest.raises(InputError, match=r"a\.png: a JPEG, which changes labels"):
        read_index(tmp_path / "a.png")


def test_colours_are_matched_as_a_table_would(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    colours = np.unique(rng.integers(0, 256, (40, 3)), axis=0).astype(np.uint8)
    colours = colours[rng.permutation(len(colours))]
    chosen = rng.integers(0, len(colours), SIZE)
    positions = rng.permutation(256)[: len(colours)].astype(np.uint8)
    assert (match_colours(colours[chosen], colours, positions, tmp_path) == positions[chosen]).all()
