"""Cityscapes, ACDC and comma10k in their official layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visiongen.benchmarks.base import Benchmark
from visiongen.benchmarks.rows import BlindRow
from visiongen.benchmarks.runner import Options, get_benchmark, score_predictions
from visiongen.benchmarks.validate import validate
from visiongen.errors import InputError, MissingDataError

SIZE = (24, 48)
ROAD, PARKING, CAR, CARAVAN = 7, 9, 26, 29


def save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def photo(path: Path) -> None:
    save(path, np.full((*SIZE, 3), 90, np.uint8))


def street() -> np.ndarray:
    """instanceIds uint16 (24, 48): road, parking, a small and a large car, a group of cars, a caravan."""
    ids = np.full(SIZE, ROAD, np.uint16)
    ids[:4] = PARKING
    ids[6:8, 2:6] = CAR * 1000
    ids[8:16, 10:26] = CAR * 1000 + 1
    ids[18:, 30:] = CAR
    ids[4:6, 40:] = CARAVAN * 1000
    return ids


def city(root: Path, name: str, ids: np.ndarray) -> None:
    place = name.split("_")[0]
    photo(root / f"leftImg8bit/val/{place}/{name}_leftImg8bit.png")
    stem = root / f"gtFine/val/{place}/{name}_gtFine"
    save(Path(f"{stem}_instanceIds.png"), ids)
    save(Path(f"{stem}_labelIds.png"), np.where(ids < 1000, ids, ids // 1000).astype(np.uint8))
    save(Path(f"{stem}_labelTrainIds.png"), np.full(SIZE, 3, np.uint8))  # made by a script: not read


@pytest.fixture
def cities(tmp_path: Path) -> Path:
    root = tmp_path / "cityscapes"
    for name in ("munster_000001_000019", "frankfurt_000001_000002", "frankfurt_000000_000294"):
        city(root, name, street())
    return tmp_path


def score(benchmark: Benchmark, truth: np.ndarray, answer: np.ndarray) -> dict[str, float]:
    found = benchmark.scorer.table([benchmark.scorer.stats(truth, answer)])(np.ones((1, 1)))
    return {name: float(value[0]) for name, value in found.items()}


def test_cityscapes_reads_label_ids_and_instances(cities: Path) -> None:
    benchmark = get_benchmark("cityscapes")
    items = benchmark.items(cities, "val")
    names = ["frankfurt_000000_000294", "frankfurt_000001_000002", "munster_000001_000019"]
    assert [item.id for item in items] == [f"{name.split('_')[0]}/{name}" for name in names]
    assert [item.cluster for item in items] == ["frankfurt", "frankfurt", "munster"]
    truth, ids, names = items[0].truth(), street(), benchmark.protocol["classes"]
    positions = truth[..., 0]
    assert (positions[ids == ROAD] == names.index("road")).all()
    assert (positions[(ids == CAR) | (ids // 1000 == CAR)] == names.index("car")).all()
    assert (positions[(ids == PARKING) | (ids // 1000 == CARAVAN)] == 255).all()
    assert (truth[..., 1] == np.where(ids >= 1000, ids, 0)).all()  # a group has no number


def test_cityscapes_scores_as_its_script(cities: Path) -> None:
    """IoU, category IoU and iIoU of an answer that misses the small car, recomputed from the rules."""
    benchmark = get_benchmark("cityscapes")
    truth, ids = benchmark.items(cities, "val")[0].truth(), street()
    names = benchmark.protocol["classes"]
    road, car, bus = (names.index(kind) for kind in ("road", "car", "bus"))
    answer = np.where(ids == CAR * 1000, road, truth[..., 0])
    answer[18:, 30:36] = bus  # a part of the group, within the category
    answer[20, :9] = car  # false alarms on the road
    found = score(benchmark, truth, answer)
    small, large, group = (int((ids == one).sum()) for one in (CAR * 1000, CAR * 1000 + 1, CAR))
    said_bus = 6 * 6
    hit, miss, false = large + group - said_bus, small + said_bus, 9
    assert found["IoU/car"] == pytest.approx(hit / (hit + miss + false))
    vehicles = large + group
    assert found["IoU_category/vehicle"] == pytest.approx(vehicles / (vehicles + small + false))
    mean = 12794.0203
    weighed = mean / large * large / (mean / large * large + false + mean / small * small)
    assert found["iIoU/car"] == pytest.approx(weighed)
    assert found["IoU/bus"] == 0 and np.isnan(found["IoU/train"])
    assert score(benchmark, truth, truth)["mIoU"] == 1


def test_cityscapes_official_results_hold_label_ids(cities: Path, tmp_path: Path) -> None:
    """Named CITY_SEQ_FRAME_pred.png, as its script finds them; CITY_SEQ_FRAME.png holds positions."""
    benchmark, ids = get_benchmark("cityscapes"), street()
    options = Options(data=cities, rows=("oracle",))
    answer = np.where(ids < 1000, ids, ids // 1000).astype(np.uint8)
    positions = np.where(answer == ROAD, 0, 13).astype(np.uint8)  # parking and caravans are not scored
    for item in benchmark.items(cities, "val"):
        save(tmp_path / f"official/{item.id}_pred.png", answer)
        save(tmp_path / f"ours/{item.id.split('/')[1]}.png", positions)
        save(tmp_path / f"wrong/{item.id}.png", answer)
    for kind in ("official", "ours"):
        result = score_predictions(benchmark, tmp_path / kind, tmp_path / f"out-{kind}", options)
        assert result["scores"]["mIoU"]["value"] == 1 and result["n_failed"] == 0, kind
    result = score_predictions(benchmark, tmp_path / "wrong", tmp_path / "out-wrong", options)
    assert result["n_failed"] == 3 and "is no position in the 19 classes" in result["failures"][0]["error"]


def test_cityscapes_names_what_is_wrong(cities: Path) -> None:
    benchmark = get_benchmark("cityscapes")
    stem = cities / "cityscapes/gtFine/val/frankfurt/frankfurt_000000_000294_gtFine"
    save(Path(f"{stem}_labelIds.png"), np.full(SIZE, 34, np.uint8))
    with pytest.raises(InputError, match=r"000294_gtFine_labelIds\.png: value 34"):
        benchmark.items(cities, "val")[0].truth()
    save(Path(f"{stem}_labelIds.png"), np.full((12, 48), ROAD, np.uint8))
    with pytest.raises(InputError, match=r"instanceIds\.png: \(24, 48\), but labels \(12, 48\)"):
        benchmark.items(cities, "val")[0].truth()
    Path(f"{stem}_instanceIds.png").unlink()
    with pytest.raises(MissingDataError, match=r"instanceIds\.png: listed .* missing \(1 of 9"):
        benchmark.items(cities, "val")
    with pytest.raises(MissingDataError, match="complete the dataset"):
        benchmark.items(cities, "train")


# --- ACDC -------------------------------------------------------------------------------------


@pytest.fixture
def acdc(tmp_path: Path) -> Path:
    for number, condition in enumerate(("fog", "night", "rain", "snow")):
        for part in ("train", "val"):
            for sequence in ("GOPR2", "GOPR1"):
                name = f"{sequence}/{sequence}_frame_{number:06d}"
                photo(tmp_path / f"ACDC/rgb_anon/{condition}/{part}/{name}_rgb_anon.png")
                labels = np.full(SIZE, number, np.uint8)
                labels[:2] = 255
                save(tmp_path / f"ACDC/gt/{condition}/{part}/{name}_gt_labelTrainIds.png", labels)
    return tmp_path


def test_acdc_pools_the_conditions_and_has_each(acdc: Path) -> None:
    benchmark = get_benchmark("acdc")
    items = benchmark.items(acdc, "val")
    assert len(items) == 8 and items[0].id == "fog/GOPR1/GOPR1_frame_000000"
    assert [item.id.split("/")[0] for item in items[::2]] == ["fog", "night", "rain", "snow"]
    assert [item.cluster for item in items[:2]] == ["GOPR1", "GOPR2"]
    assert set(np.unique(items[-1].truth())) == {3, 255}
    night = benchmark.items(acdc, "val-night")
    assert [item.id for item in night] == [item.id for item in items[2:4]]
    pooled = benchmark.protocol["splits"]
    assert pooled["val"] == sum(n for name, n in pooled.items() if name.startswith("val-"))
    assert BlindRow(benchmark, acdc).answer(items[0], None).shape == SIZE


def test_acdc_tells_what_is_missing_of_all_conditions(acdc: Path) -> None:
    gone = "GOPR1/GOPR1_frame_000001_gt_labelTrainIds.png"
    (acdc / "ACDC/gt/night/val" / gone).unlink()
    found = validate(get_benchmark("acdc"), acdc, "val")
    assert found.n_listed == 8 and found.n_read == 7
    files = [one.id for one in found.problems if one.kind == "file"]
    assert files == ["night/GOPR1/GOPR1_frame_000001"]


# --- comma10k ---------------------------------------------------------------------------------

COLOURS = ("402020", "ff0000", "808060", "00ff66", "cc00ff")


def test_comma10k_splits_by_the_last_digit_and_matches_colours(tmp_path: Path) -> None:
    root = tmp_path / "comma10k"
    stripes = np.array([[int(one[i : i + 2], 16) for i in (0, 2, 4)] for one in COLOURS], np.uint8)
    mask = np.repeat(stripes, 5, axis=0)[:, None].repeat(48, 1)[:24]
    names = [f"{n:04d}_0085e9e41513078a_2018-08-19--13-26-08_11_{n}" for n in (19, 9, 18)]
    for name in names:
        photo(root / f"imgs/{name}.png")
        save(root / f"masks/{name}.png", mask)
    benchmark = get_benchmark("comma10k")
    items = benchmark.items(tmp_path, "val")
    assert [item.id for item in items] == [names[1], names[0]]
    assert items[0].cluster == "0085e9e41513078a_2018-08-19--13-26-08"
    assert items[0].truth()[::5, 0].tolist() == [0, 1, 2, 3, 4]
    assert benchmark.protocol["classes"][3:] == ["movable", "my car"]
    assert benchmark.expected(tmp_path, "val") == 2  # what the folder holds is the split
    tree = validate(benchmark, tmp_path, "val")
    assert tree.ok and (tree.n_listed, tree.n_expected) == (2, 2), "as the run's n_expected"
    mask[3, 7] = (64, 32, 33)
    save(root / f"masks/{names[0]}.png", mask)
    with pytest.raises(InputError, match="colour #402021 at row 3, column 7"):
        benchmark.items(tmp_path, "val")[1].truth()
