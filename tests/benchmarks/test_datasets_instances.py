"""Instance and panoptic sets in their official layouts, with the traps that each of them sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle

from visiongen.benchmarks.base import Benchmark
from visiongen.benchmarks.datasets.coco_json import to_mask, to_runs
from visiongen.benchmarks.metrics.coco import areas_of
from visiongen.benchmarks.metrics.panoptic import PanopticTruth
from visiongen.benchmarks.rows import BlindRow, CodecRow
from visiongen.benchmarks.runner import Options, get_benchmark, score_predictions
from visiongen.errors import InputError, MissingDataError

H, W = 24, 40
COLUMNS = np.zeros((H, W), bool)
COLUMNS[:, 10:15] = True
RUNS = {"size": [H, W], "counts": [H * 10, H * 5, H * 25]}  # down the columns, zeros first
BOX = [4.0, 4.0, 12.0, 4.0, 12.0, 16.0, 4.0, 16.0]


def photo(path: Path, size: tuple[int, int] = (H, W)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((*size, 3), 100, np.uint8))


def store(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def categories(benchmark: Benchmark) -> list[dict[str, Any]]:
    names = benchmark.protocol["classes"]
    numbers = benchmark.protocol.get("category_ids", range(1, len(names) + 1))
    return [{"id": n, "name": name} for n, name in zip(numbers, names, strict=True)]


def score(benchmark: Benchmark, row: CodecRow | BlindRow, items: list[Any]) -> float:
    scorer = benchmark.scorer
    records = [scorer.stats(item.truth(), row.answer(item, item.truth())) for item in items]
    return float(scorer.table(records)(np.ones((1, len(records))))[benchmark.protocol["primary"]][0])


# --- COCO instances -----------------------------------------------------------------------------


def coco_json(benchmark: Benchmark) -> dict[str, Any]:
    """Images 30 (a polygon of two parts and a crowd), 7 (nothing); annotations in no order."""
    row = {"image_id": 30, "bbox": [0, 0, 1, 1]}
    return {
        "images": [
            {"id": 30, "file_name": f"{30:012d}.jpg", "height": H, "width": W},
            {"id": 7, "file_name": f"{7:012d}.jpg", "height": H, "width": W},
        ],
        "annotations": [
            row | {"id": 9, "category_id": 13, "iscrowd": 1, "area": 120, "segmentation": RUNS},
            row
            | {"id": 2, "category_id": 90, "iscrowd": 0, "area": 55.5}
            | {"segmentation": [BOX, [20.0, 4.0, 30.0, 4.0, 30.0, 10.0]]},
        ],
        "categories": categories(benchmark),
    }


def coco_tree(root: Path, edit: Callable[[dict[str, Any]], Any] = lambda content: None) -> Benchmark:
    benchmark = get_benchmark("coco-instance")
    content = coco_json(benchmark)
    edit(content)
    store(root / "annotations/instances_val2017.json", content)
    for number in (7, 30):
        photo(root / "val2017" / f"{number:012d}.jpg")
    return benchmark


def test_coco_instances_keep_crowds_gaps_of_the_ids_and_annotated_areas(tmp_path: Path) -> None:
    benchmark = coco_tree(tmp_path)
    items = benchmark.items(tmp_path, "val")
    assert [item.id for item in items] == ["000000000007", "000000000030"]  # by number, the empty one too
    nothing, truth = (item.truth() for item in items)
    assert len(nothing.masks) == 0 and nothing.size == (H, W)
    names = benchmark.protocol["classes"]
    assert [names[k] for k in truth.categories] == ["stop sign", "toothbrush"]  # 12 is a gap, 90 is the last
    assert truth.crowd.tolist() == [True, False] and truth.areas.tolist() == [120, 55.5]
    masks = [rle.decode(one).astype(bool) for one in truth.masks]
    assert np.array_equal(masks[0], COLUMNS)
    assert masks[1][10, 8] and masks[1][5, 28] and not masks[1][10, 17]  # both parts
    assert len(truth.found().masks) == 1  # a crowd is no answer


def test_every_coco_image_is_asked_the_same(tmp_path: Path) -> None:
    benchmark = coco_tree(tmp_path)
    one, two = benchmark.items(tmp_path, "val")
    assert one.options == two.options and one.digest != two.digest
    legend = one.options["legend"]
    assert set(legend.names) == {*benchmark.protocol["classes"], "other", "border"} and len(legend) == 82
    assert list(one.options["things"]) == benchmark.protocol["classes"]


def test_results_of_another_split_are_refused_before_they_count(tmp_path: Path) -> None:
    benchmark, options = coco_tree(tmp_path), Options(data=tmp_path, rows=(), split="val")
    row = {"category_id": 90, "score": 0.9, "segmentation": dict(rle.encode(np.asfortranarray(COLUMNS)))}
    row["segmentation"]["counts"] = row["segmentation"]["counts"].decode()
    store(tmp_path / "mine.json", [row | {"image_id": 30}])
    store(tmp_path / "train.json", [row | {"image_id": 9}])
    assert score_predictions(benchmark, tmp_path / "mine.json", tmp_path / "a", options)["n_scored"] == 2
    with pytest.raises(InputError, match=r"train\.json: none of its 1 images is of this split"):
        score_predictions(benchmark, tmp_path / "train.json", tmp_path / "b", options)
    assert not (tmp_path / "b" / "result.json").exists()


def bad_category(content: dict[str, Any]) -> None:
    content["annotations"][0]["category_id"] = 12


def renamed(content: dict[str, Any]) -> None:
    content["categories"][0]["name"] = "dog"


def lost(content: dict[str, Any]) -> None:
    content["annotations"][1]["image_id"] = 31


def doubled(content: dict[str, Any]) -> None:
    content["annotations"][1]["id"] = 9


def tableless(content: dict[str, Any]) -> None:
    del content["annotations"]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (bad_category, "annotation 9 has the unknown category 12"),
        (renamed, "category 1 is 'dog', not 'person'"),
        (lost, "annotation 2 is of image 31"),
        (doubled, "annotation id 9"),
        (tableless, "no list 'annotations'"),
    ],
)
def test_a_coco_file_that_does_not_fit_is_refused(
    edit: Callable[[dict[str, Any]], Any], message: str, tmp_path: Path
) -> None:
    benchmark = coco_tree(tmp_path, edit)
    with pytest.raises(InputError, match=rf"instances_val2017\.json.*{message}"):
        benchmark.items(tmp_path, "val")


def test_damaged_segmentations_and_photos_are_named(tmp_path: Path) -> None:
    full = rle.encode(np.asfortranarray(COLUMNS.astype(np.uint8)))["counts"].decode()
    bad_runs = ([W * H - 1], [W * H + 9, -9], None, [], full[:-1], full + "1", "\u00fc", "P")
    bad = [[], [[1, 2]], 7, {"size": [W, H], "counts": [W * H]}, {"counts": [W * H]}]
    for segmentation in (*bad, *({"size": [H, W], "counts": counts} for counts in bad_runs)):
        benchmark = coco_tree(tmp_path, lambda c, s=segmentation: c["annotations"][1].update(segmentation=s))
        with pytest.raises(InputError, match="image 000000000030, annotation 2"):
            benchmark.items(tmp_path, "val")[1].truth()
    photo(tmp_path / "val2017/000000000007.jpg", (W, H))  # turned
    with pytest.raises(InputError, match=r"000000000007\.jpg.*annotated at"):
        benchmark.items(tmp_path, "val")[0].photo()
    (tmp_path / "val2017/000000000007.jpg").unlink()
    with pytest.raises(MissingDataError, match=r"000000000007\.jpg"):
        benchmark.items(tmp_path, "val")
    with pytest.raises(MissingDataError, match="no coco-instance there"):
        benchmark.items(tmp_path / "val2017", "val")


def test_an_answer_may_have_more_than_255_segments(tmp_path: Path) -> None:
    """A generator that paints noise: pycocotools counts the masks of one call in 8 bits."""
    benchmark = coco_tree(tmp_path)
    truth = benchmark.items(tmp_path, "val")[1].truth()
    numbers = np.arange(H * W, dtype=np.int32).reshape(H, W) % 300
    found = benchmark.scorer.given(numbers + 1, {})  # 300 persons
    assert len(found.masks) == 300
    assert areas_of(found.masks).tolist() == np.bincount(numbers.ravel()).tolist()
    stats = benchmark.scorer.stats(truth, found)
    assert len(stats["found"]) == 100  # a class and image


def test_compressed_run_lengths_of_any_mask_are_read() -> None:
    rng = np.random.default_rng(0)
    for share in (0.0, 0.02, 0.5, 0.98, 1.0):
        mask = rng.random((H, W)) < share
        runs = rle.encode(np.asfortranarray(mask.astype(np.uint8)))
        for counts in (runs["counts"], runs["counts"].decode()):
            assert np.array_equal(to_mask(to_runs({"size": [H, W], "counts": counts}, (H, W), "x")), mask)
    wide = np.zeros((700, 900), np.uint8)
    wide[3:690, 5:890:2] = 1  # long runs: numbers of several characters, negative differences
    runs = rle.encode(np.asfortranarray(wide))
    assert np.array_equal(to_mask(to_runs(runs, (700, 900), "x")), wide > 0)


# --- LVIS ---------------------------------------------------------------------------------------


def test_lvis_takes_photos_by_url_and_keeps_the_federation(tmp_path: Path) -> None:
    benchmark = get_benchmark("lvis")
    image = {
        "id": 5,
        "height": H,
        "width": W,
        "neg_category_ids": [1, 1203],
        "not_exhaustive_category_ids": [2],
    }
    image["coco_url"] = "http://images.cocodataset.org/train2017/000000000005.jpg"
    row = {
        "id": 1,
        "image_id": 5,
        "category_id": 1203,
        "area": 96.0,
        "segmentation": [BOX],
        "bbox": [4, 4, 8, 12],
    }
    content = {"images": [image], "annotations": [row], "categories": categories(benchmark)}
    store(tmp_path / "lvis/lvis_v1_val.json", content)
    photo(tmp_path / "coco/train2017/000000000005.jpg")
    (item,) = benchmark.items(tmp_path, "val")
    truth = item.truth()
    assert truth.neg_category_ids == (0, 1202) and truth.not_exhaustive_category_ids == (1,)
    assert truth.categories.tolist() == [1202] and truth.crowd.tolist() == [False]
    assert len(item.options["legend"]) == 255 and item.photo().shape == (H, W, 3)
    image["neg_category_ids"] = [1204]
    store(tmp_path / "lvis/lvis_v1_val.json", content)
    with pytest.raises(InputError, match="image 5: neg_category_ids has the unknown class 1204"):
        benchmark.items(tmp_path, "val")


def test_lvis_frequencies_are_those_of_the_dataset() -> None:
    frequency = get_benchmark("lvis").protocol["frequency"]
    assert [frequency.count(kind) for kind in "rcf"] == [337, 461, 405]


# --- Cityscapes instances -----------------------------------------------------------------------

STEM = "frankfurt/frankfurt_000000_000294"
IDS = np.full((H, W), 7, np.uint16)
IDS[:12, :12], IDS[12:, :12] = 26000, 26001
IDS[:, 30:] = 24  # a group of people


def city_tree(root: Path, ids: np.ndarray = IDS) -> Benchmark:
    for stem in ("lindau/lindau_000001_000019", STEM):
        photo(root / "leftImg8bit/val" / f"{stem}_leftImg8bit.png")
        path = root / "gtFine/val" / f"{stem}_gtFine_instanceIds.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(ids).save(path)
    return get_benchmark("cityscapes-instance")


def test_cityscapes_instances_are_ids_of_16_bits(tmp_path: Path) -> None:
    benchmark = city_tree(tmp_path)
    hidden = tmp_path / "leftImg8bit/val/lindau/._lindau_000001_000019_leftImg8bit.png"
    hidden.write_bytes(b"macOS leaves such files")
    items = benchmark.items(tmp_path, "val")
    assert [item.id for item in items] == [STEM, "lindau/lindau_000001_000019"]
    assert [item.cluster for item in items] == ["frankfurt", "lindau"]
    truth = items[0].truth()
    assert truth.dtype == np.int32 and np.array_equal(truth, IDS)
    stats = benchmark.scorer.stats(truth, benchmark.scorer.oracle(truth, items[0].options))
    assert stats["truths"] == [[2, 2]]  # two cars; the group does not count
    assert score(benchmark, CodecRow(benchmark, None), items) > 0.5


def test_cityscapes_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    for ids, message in (
        ((IDS % 256).astype(np.uint8), "mode L"),
        (np.where(IDS == 24, 7001, IDS).astype(np.uint16), "id 7001"),  # a road is not counted
        (np.where(IDS == 24, 40, IDS).astype(np.uint16), "id 40"),
    ):
        benchmark = city_tree(tmp_path, ids)
        with pytest.raises(InputError, match=rf"instanceIds\.png.*{message}"):
            benchmark.items(tmp_path, "val")[0].truth()
    (tmp_path / "gtFine/val" / f"{STEM}_gtFine_instanceIds.png").unlink()
    with pytest.raises(MissingDataError, match="frankfurt_000000_000294_gtFine_instanceIds"):
        benchmark.items(tmp_path, "val")  # a photo without a truth is not left out silently


# --- panoptic -----------------------------------------------------------------------------------

SKY, PERSON_1, PERSON_2, CROWD = 7 + 256 * 3 + 65536 * 2, 5, 65536, 256


def picture(ids: np.ndarray) -> np.ndarray:
    return np.stack([ids % 256, ids // 256 % 256, ids // 65536], -1).astype(np.uint8)


def coco_ids() -> np.ndarray:
    ids = np.zeros((H, W), np.int64)
    ids[:10], ids[10:20, :10], ids[10:20, 10:20], ids[10:, 25:] = SKY, PERSON_1, PERSON_2, CROWD
    return ids


def segment(number: int, category: int, crowd: int = 0, area: int | None = None) -> dict[str, Any]:
    pixels = int((coco_ids() == number).sum())
    return {"id": number, "category_id": category, "iscrowd": crowd, "area": pixels if area is None else area}


def panoptic_categories() -> list[dict[str, Any]]:
    rows = [{"id": 1, "name": "person", "isthing": 1}, {"id": 187, "name": "sky-other-merged", "isthing": 0}]
    return [*rows, {"id": 3, "name": "car", "isthing": 1}]


def panoptic_tree(root: Path, ids: np.ndarray | None = None, **changed: Any) -> Benchmark:
    name = f"{12:012d}"
    info = [segment(PERSON_1, 1), segment(SKY, 187, area=300), segment(CROWD, 1, 1), segment(PERSON_2, 1)]
    content = {
        "images": [{"id": 12, "file_name": f"{name}.jpg", "height": H, "width": W}],
        "annotations": [{"image_id": 12, "file_name": f"{name}.png", "segments_info": info}],
        "categories": panoptic_categories(),
    }
    store(root / "annotations/panoptic_val2017.json", content | changed)
    photo(root / f"val2017/{name}.jpg")
    path = root / f"annotations/panoptic_val2017/{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(coco_ids() if ids is None else ids)).save(path)
    return get_benchmark("coco-panoptic")


def with_segments(*info: dict[str, Any]) -> dict[str, Any]:
    return {"annotations": [{"image_id": 12, "file_name": f"{12:012d}.png", "segments_info": list(info)}]}


def test_coco_panoptic_ids_are_red_first_and_void_is_zero(tmp_path: Path) -> None:
    benchmark = panoptic_tree(tmp_path)
    (item,) = benchmark.items(tmp_path, "val")
    truth = item.truth()
    assert isinstance(truth, PanopticTruth) and item.id == "000000000012"
    names, ids = benchmark.protocol["classes"], coco_ids()
    person, sky = names.index("person") * 1000, names.index("sky-other-merged") * 1000
    wanted = {0: -1, SKY: sky + 1, PERSON_1: person + 1, CROWD: person + 2, PERSON_2: person + 3}
    for number, label in wanted.items():
        assert (truth.labels[ids == number] == label).all(), number
    assert truth.crowd == (person + 2,) and dict(truth.areas) == {sky + 1: 300}
    assert len(item.options["legend"]) == 134 and len(item.options["things"]) == 80
    scorer = benchmark.scorer
    assert score(benchmark, CodecRow(benchmark, None), [item]) > 0.7
    stats = scorer.stats(truth, np.full((H, W), sky, np.int32))
    assert [row[0] for row in stats["classes"]] == sorted([person // 1000, sky // 1000])


@pytest.mark.parametrize(
    ("ids", "changed", "message"),
    [
        (None, with_segments(segment(PERSON_1, 1), segment(SKY, 187), segment(CROWD, 1)), "segment 65536"),
        (np.where(coco_ids() == PERSON_2, 0, coco_ids()), {}, "segment 65536"),
        (None, with_segments(segment(PERSON_1, 1), segment(PERSON_1, 1)), "segment 5 .* twice"),
        (None, with_segments(segment(PERSON_1, 2)), "segment 5 has the unknown category 2"),
        (None, {"categories": [{"id": 1, "name": "person", "isthing": 0}]}, "stuff 'person'"),
        (None, {"categories": [{"id": 1, "name": "human", "isthing": 1}]}, "'human'"),
        (None, {"annotations": []}, "image 12 has no annotation"),
        (np.zeros((H, W - 1), np.int64), {}, "but the JSON says"),
    ],
)
def test_picture_and_json_must_agree(
    ids: np.ndarray | None, changed: dict[str, Any], message: str, tmp_path: Path
) -> None:
    benchmark = panoptic_tree(tmp_path, ids, **changed)
    with pytest.raises(InputError, match=message):
        benchmark.items(tmp_path, "val")[0].truth()


def test_a_palette_picture_is_no_picture_of_ids(tmp_path: Path) -> None:
    benchmark = panoptic_tree(tmp_path)
    path = tmp_path / "annotations/panoptic_val2017/000000000012.png"
    Image.fromarray(picture(coco_ids())).convert("P").save(path)
    with pytest.raises(InputError, match=r"012\.png: mode P"):
        benchmark.items(tmp_path, "val")[0].truth()
    path.unlink()
    with pytest.raises(MissingDataError, match=r"012\.png"):
        benchmark.items(tmp_path, "val")


@pytest.mark.parametrize("suffix", ["", "_trainId"])
def test_cityscapes_panoptic_finds_photos_by_id_in_both_forms(suffix: str, tmp_path: Path) -> None:
    benchmark = get_benchmark("cityscapes-panoptic")
    name = STEM.split("/")[1]
    numbers = {"": (7, 24, 26), "_trainId": (0, 11, 13)}[suffix]
    ids = IDS.astype(np.int64)
    info = [
        {"id": one, "category_id": kind, "area": int((ids == one).sum()), "iscrowd": crowd}
        for one, kind, crowd in zip((7, 24, 26000, 26001), (*numbers, numbers[2]), (0, 1, 0, 0), strict=True)
    ]
    rows = zip(numbers, ("road", "person", "car"), (0, 1, 1), strict=True)
    content = {
        "images": [{"id": name, "file_name": f"{name}_gtFine_leftImg8bit.png", "height": H, "width": W}],
        "annotations": [
            {"image_id": name, "file_name": f"{name}_gtFine_panoptic.png", "segments_info": info}
        ],
        "categories": [{"id": n, "name": kind, "isthing": thing} for n, kind, thing in rows],
    }
    folder = tmp_path / "cityscapes"
    store(folder / f"gtFine/cityscapes_panoptic_val{suffix}.json", content)
    path = folder / f"gtFine/cityscapes_panoptic_val{suffix}/{name}_gtFine_panoptic.png"
    path.parent.mkdir()
    Image.fromarray(picture(ids)).save(path)
    photo(folder / f"leftImg8bit/val/{STEM}_leftImg8bit.png")
    (item,) = benchmark.items(tmp_path, "val")
    truth, names = item.truth(), benchmark.protocol["classes"]
    assert item.id == STEM and item.cluster == "frankfurt" and item.photo().shape == (H, W, 3)
    assert truth.crowd == (names.index("person") * 1000 + 1,)
    assert {names[k] for k in np.unique(truth.labels) // 1000} == {"road", "person", "car"}


# --- real packs ---------------------------------------------------------------------------------


def test_coco128_pack(data_root: Path) -> None:
    benchmark = get_benchmark("coco128")
    items = benchmark.items(data_root, "val")
    assert len(items) == 80 == benchmark.protocol["splits"]["val"] and items[0].id == "000000000009"
    path = data_root / "coco128_inst/instances.json"
    content = json.loads(path.read_text())
    given = [row for row in content["annotations"] if row["image_id"] == 9]
    truth = items[0].truth()
    assert truth.areas.tolist() == [row["area"] for row in given] and truth.size == items[0].photo().shape[:2]
    assert np.allclose(truth.areas, rle.area(truth.masks), rtol=0.06)  # the pack counts border pixels in


@pytest.mark.parametrize(
    ("name", "least"), [("coco128", 0.4), ("coco128-agnostic", 0.4), ("panoptic-samples", 0.7)]
)
def test_the_codec_is_far_above_a_blind_guess_on_the_real_packs(
    name: str, least: float, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = get_benchmark(name)
    monkeypatch.setitem(benchmark.protocol, "blind_images", 8)
    items = benchmark.items(data_root, "val")[:4]
    codec = score(benchmark, CodecRow(benchmark, None), items)
    blind = score(benchmark, BlindRow(benchmark, data_root), items)
    assert codec > least and blind < 0.3 * codec


def test_panoptic_samples_pack(data_root: Path) -> None:
    items = get_benchmark("panoptic-samples").items(data_root, "val")
    assert [item.id for item in items] == ["000000142238", "000000439180"]
    counts = [len(np.unique(item.truth().labels[item.truth().labels >= 0])) for item in items]
    assert counts == [18, 32] and not any(item.truth().areas for item in items)
