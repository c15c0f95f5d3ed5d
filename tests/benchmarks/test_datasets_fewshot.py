"""PASCAL-5i and COCO-20i in HSNet's and in the official layouts: episodes, examples, scores."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle

from visiongen.backbones.base import Backbone, Canvas, Capabilities, Sampler, Scene
from visiongen.benchmarks.datasets.fewshot import FewShot, Shown
from visiongen.benchmarks.datasets.fewshot_sets import Coco20i, Pascal5i
from visiongen.benchmarks.metrics import fewshot
from visiongen.benchmarks.rows import BlindRow
from visiongen.benchmarks.runner import Options, get_benchmark, run, score_predictions
from visiongen.benchmarks.validate import validate
from visiongen.errors import InputError, MissingDataError, UsageError
from visiongen.prompt import Prompt

SIZE = (64, 96)
NUMBERS = {"pascal-5i": 20, "coco-20i": 80}


def save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def pair(photo: Path, mask: Path, number: int, rng: np.random.Generator) -> None:
    """A square of the class, a border around it, another class beside; the photo is red on the class."""
    labels = np.zeros(SIZE, np.uint8)
    y, x = rng.integers(2, 30), rng.integers(2, 40)
    labels[y - 2 : y + 26, x - 2 : x + 34] = 255
    labels[y : y + 24, x : x + 32] = number
    labels[:, 80:] = number % 20 + 1
    save(mask, labels)
    picture = np.full((*SIZE, 3), 30, np.uint8)
    picture[..., 0] = np.where(labels == number, 250, 10)
    save(photo, picture)


@pytest.fixture(scope="module")
def pascal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fold 1: classes 6 to 10 with three photos each; photo 2007_01 shows class 7 twice in the list."""
    root, rng, lines = tmp_path_factory.mktemp("pascal"), np.random.default_rng(0), []
    for number in range(6, 11):
        for k in range(3):
            name = f"2007_{number:02d}{k}"
            lines.append(f"{name}__{number:02d}")
            photo, mask = f"JPEGImages/{name}.jpg", f"SegmentationClassAug/{name}.png"
            pair(root / "VOC2012" / photo, root / "VOC2012" / mask, number, rng)
    listed = root / "splits/pascal/val/fold1.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text("\n".join(lines) + "\n")
    return root


def benchmark(**protocol: object) -> FewShot:
    made = Pascal5i("pascal-5i-1")
    made.protocol = made.protocol | {"splits": {"val": 40}} | protocol
    return made


def test_episodes_are_fixed_and_never_show_the_query(pascal: Path) -> None:
    samples = benchmark().samples(pascal / "VOC2012", "val")
    assert [one.id for one in samples[:3]] == ["0000", "0001", "0002"]
    assert {one.note["kind"] for one in samples} == set(range(5))
    for one in samples:
        photos = [one.photo, *one.truth[1::2]]
        assert len(set(photos)) == len(photos) == 2
        assert len({path.stem[5:7] for path in photos}) == 1  # one class
        assert int(one.photo.stem[5:7]) == 6 + one.note["kind"]
        assert one.cluster == one.photo.stem
    more = benchmark(shots=2).samples(pascal / "VOC2012", "val")
    assert [one.photo for one in more] == [one.photo for one in samples]
    assert [one.truth[:3] for one in more] == [one.truth for one in samples]
    other = benchmark(seed=1).samples(pascal / "VOC2012", "val")
    assert [one.truth for one in other] != [one.truth for one in samples]
    assert benchmark(splits={"val": 5}).samples(pascal / "VOC2012", "val") == samples[:5]


def test_pascal_s_queries_are_the_list_s_lines_in_turn(pascal: Path) -> None:
    """HSNet's data/pascal.py: ``idx %= len(self.img_metadata)``, and the line says photo and class."""
    lines = (pascal / "splits/pascal/val/fold1.txt").read_text().split()
    samples = benchmark().samples(pascal / "VOC2012", "val")
    asked = [f"{one.photo.stem}__{6 + one.note['kind']:02d}" for one in samples]
    assert asked == [lines[number % len(lines)] for number in range(40)]
    other = benchmark(seed=1).samples(pascal / "VOC2012", "val")
    assert [one.photo for one in other] == [one.photo for one in samples]
    assert [one.truth for one in other] != [one.truth for one in samples]


def test_examples_are_white_on_the_class_and_truths_ignore_borders(pascal: Path) -> None:
    item = benchmark().items(pascal, "val")[0]
    asked = item.asked()
    ((photo, shown),) = asked["examples"]
    assert asked["example_codec"] == "alpha/gray@1" and photo.shape == shown.shape == (*SIZE, 3)
    assert set(np.unique(shown)) == {0, 255}
    assert ((shown[..., 0] == 255) == (photo[..., 0].astype(int) > 128)).mean() > 0.97  # JPEG softens
    truth = item.truth()
    assert set(np.unique(truth.labels)) == {0, 1, 255} and truth.mask.sum() == 24 * 32
    assert (truth.labels[:, 82:] == 0).all()  # another class is the rest


@pytest.mark.parametrize("family", NUMBERS)
def test_folds_share_the_classes_out(family: str) -> None:
    protocols = [get_benchmark(f"{family}-{fold}").protocol for fold in range(4)]
    numbers = [one["class_ids"] for one in protocols]
    assert sorted(n for some in numbers for n in some) == list(range(1, NUMBERS[family] + 1))
    names = [name for one in protocols for name in one["classes"]]
    assert len(set(names)) == NUMBERS[family] and protocols[0]["shots"] == 1
    if family == "pascal-5i":
        assert numbers[2] == [11, 12, 13, 14, 15] and protocols[2]["classes"][-1] == "person"
    else:
        assert all((n - 1) % 4 == fold for fold, some in enumerate(numbers) for n in some)
        assert protocols[0]["classes"][:2] == ["person", "airplane"]


def test_coco_reads_the_pickled_lists(tmp_path: Path) -> None:
    made, rng, table = get_benchmark("coco-20i-2"), np.random.default_rng(1), {}
    for number in made.protocol["class_ids"]:
        table[number - 1] = [f"val2014/COCO_val2014_{number:06d}{k:06d}.jpg" for k in range(2)]
        for name in table[number - 1]:
            mask = (tmp_path / "COCO2014/annotations" / name).with_suffix(".png")
            pair(tmp_path / "COCO2014" / name, mask, number, rng)
    listed = tmp_path / "data/splits/coco/val/fold2.pkl"
    listed.parent.mkdir(parents=True)
    listed.write_bytes(pickle.dumps(table))
    samples = made.samples(made.root(tmp_path), "val")
    assert len(samples) == 1000 and {one.note["kind"] for one in samples} == set(range(20))
    truth = made.read_truth(samples[0])
    assert truth.mask.any() and set(np.unique(truth.labels)) == {0, 1}, "HSNet's coco.py ignores no pixel"
    listed.write_bytes(pickle.dumps(Path("x")))
    with pytest.raises(InputError, match="only plain values are read"):
        made.samples(made.root(tmp_path), "val")
    listed.write_bytes(pickle.dumps(["a"]))
    with pytest.raises(InputError, match="no table of class and photos"):
        made.samples(made.root(tmp_path), "val")


def test_what_is_wrong_is_named(pascal: Path, tmp_path: Path) -> None:
    root = pascal / "VOC2012"
    with pytest.raises(MissingDataError, match=r"fold2\.txt: missing; copy it from HSNet's"):
        get_benchmark("pascal-5i-2").items(pascal, "val")
    with pytest.raises(UsageError, match="shots = 5; 1 to 4"):
        benchmark(shots=5).samples(root, "val")
    with pytest.raises(InputError, match="class 6 needs more than 3 photos"):
        benchmark(shots=3).samples(root, "val")
    with pytest.raises(MissingDataError, match="no pascal-5i-1 there"):
        benchmark().root(tmp_path)
    save(tmp_path / "none.png", np.full(SIZE, 3, np.uint8))
    with pytest.raises(InputError, match=r"none\.png: no pixel of class 6"):
        benchmark().labels(Shown("none", tmp_path, tmp_path / "none.png"), 0)
    save(tmp_path / "odd.png", np.full(SIZE, 21, np.uint8))
    with pytest.raises(InputError, match=r"odd\.png: value 21"):
        benchmark().labels(Shown("odd", tmp_path, tmp_path / "odd.png"), 0)


class RedScene(Scene):
    def __init__(self, photo: np.ndarray) -> None:
        self.photo, self.size = photo, photo.shape[:2]

    def paint(self, prompts: Sequence[Prompt], sampler: Sampler | None = None) -> list[Canvas]:
        assert all(len(prompt.examples) == 1 for prompt in prompts)
        white = np.where(self.photo[..., :1] > 128, np.uint8(255), np.uint8(0)).repeat(3, axis=2)
        return [Canvas(white, None, True, 0, self.size[0], None) for _ in prompts]

    def stream(self, prompt: Prompt, sampler: Sampler | None = None) -> Iterator[Canvas]:
        yield from self.paint([prompt], sampler)


class Red(Backbone):
    """Paints white what is red in the photo."""

    name, capabilities, weights = "red", Capabilities(), None

    def scene(self, photo: np.ndarray | None = None, size: tuple[int, int] | None = None) -> Scene:
        assert photo is not None
        return RedScene(photo)


def test_a_run_scores_what_a_generator_paints(pascal: Path, tmp_path: Path) -> None:
    options = Options(data=pascal, rows=("blind", "oracle", "codec"), limit=12)
    result = run(benchmark(), Red(), tmp_path / "out", options)
    assert result["n_failed"] == 0 and result["partial"]
    assert result["scores"]["mIoU"]["value"] > 0.9 and result["scores"]["FB_IoU"]["value"] > 0.9
    rows = {name: row["mIoU"]["value"] for name, row in result["rows"].items() if row}
    assert rows["oracle"] == 1 and rows["codec"] > 0.9 and rows["blind"] < 0.7


def test_blind_guess_is_one_blob(pascal: Path) -> None:
    made = benchmark()
    answer = BlindRow(made, pascal).answer(made.items(pascal, "val")[0], None)
    assert answer.shape == SIZE and answer.dtype == bool and answer.any() and not answer.all()


def test_scores_equal_a_slow_rewrite_of_hsnet_s() -> None:
    """Intersections and unions of foreground and background, summed by class as HSNet's meter does."""
    rng = np.random.default_rng(2)
    metric, half = fewshot.FewShotMetric(5), fewshot.FewShotMetric(5)
    inter, union = np.zeros((2, 5)), np.zeros((2, 5))
    for number in range(30):
        kind = int(rng.integers(4))  # class 4 has no episode
        labels = rng.choice(np.array([0, 1, 255], np.uint8), (9, 7), p=[0.5, 0.4, 0.1])
        answer = rng.random((9, 7)) < 0.5
        (metric if number % 2 else half).update(kind, labels, answer)
        for place in (0, 1):
            said, true = (answer == place) & (labels != 255), labels == place
            inter[place, kind] += (said & true).sum()
            union[place, kind] += (said | true).sum()
    metric.merge(half)
    found = metric.compute()
    assert found["mIoU"] == pytest.approx((inter[1, :4] / union[1, :4]).mean())
    assert found["FB_IoU"] == pytest.approx((inter.sum(1) / union.sum(1)).mean())
    with pytest.raises(InputError, match="cannot merge 3 classes into 5"):
        metric.merge(fewshot.FewShotMetric(3))
    with pytest.raises(InputError, match="class 5 of 5"):
        metric.update(5, labels, answer)


def test_no_answer_scores_zero_and_everything_scores_little() -> None:
    labels = np.zeros((10, 10), np.uint8)
    labels[:3] = 1
    missed, all_of_it = fewshot.FewShotMetric(1), fewshot.FewShotMetric(1)
    missed.update(0, labels, None)
    all_of_it.update(0, labels, np.ones((10, 10)))
    assert missed.compute() == {"mIoU": 0.0, "FB_IoU": 0.0}
    assert all_of_it.compute() == {"mIoU": pytest.approx(0.3), "FB_IoU": pytest.approx(0.15)}


def test_a_failed_episode_and_nan_are_never_better_than_any_answer() -> None:
    """Pooled with a good episode, the opposite of the truth is the worst that can be said."""
    rng = np.random.default_rng(3)
    labels = rng.choice(np.array([0, 1, 255], np.uint8), (9, 7), p=[0.5, 0.4, 0.1])

    def pooled(answer: np.ndarray | None) -> tuple[float, float]:
        metric = fewshot.FewShotMetric(1)
        metric.update(0, labels, labels == 1)
        metric.update(0, labels, answer)
        found = metric.compute()
        return found["mIoU"], found["FB_IoU"]

    failed = pooled(None)
    assert failed == pooled(np.full(labels.shape, np.nan)) == pooled(labels != 1)
    for answer in (rng.random((9, 7)), np.zeros((9, 7)), np.ones((9, 7), bool)):
        assert all(a < b for a, b in zip(failed, pooled(answer), strict=True))
    some = (labels == 1).astype(np.float32)
    some[labels == 0] = np.nan
    assert pooled(some)[0] < pooled(labels == 1)[0] == 1


# --- the official downloads ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def voc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """VOC's own tree: classes 6 to 10, three photos each, and one of class 6 on 4 pixels; no HSNet files."""
    root, rng, names = tmp_path_factory.mktemp("voc"), np.random.default_rng(4), []
    tree = root / "VOCdevkit/VOC2012"
    for number in range(6, 11):
        for k in range(3):
            names.append(f"2008_{number:02d}{k}")
            mask = tree / f"SegmentationClass/{names[-1]}.png"
            pair(tree / f"JPEGImages/{names[-1]}.jpg", mask, number, rng)
    labels = np.zeros(SIZE, np.uint8)
    labels[:2, :2] = 6
    save(tree / "SegmentationClass/2008_small.png", labels)
    save(tree / "JPEGImages/2008_small.jpg", np.zeros((*SIZE, 3), np.uint8))
    listed = tree / "ImageSets/Segmentation/val.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text("\n".join([*names[::-1], "2008_small"]))
    return root


def test_voc_alone_is_enough_and_small_things_are_asked_for_but_never_shown(voc: Path) -> None:
    made = benchmark(splits={"val": 40, "voc": 150}, least_example=700)
    assert made.present(voc) is None  # the default split needs HSNet's list
    with pytest.raises(MissingDataError, match=r"fold1\.txt: missing; .* or take --split voc"):
        made.items(voc, "val")
    episodes = made.samples(made.root(voc), "voc")
    assert "2008_small" in {one.shown[0].name for one in episodes}
    assert "2008_small" not in {one.shown[1].name for one in episodes}
    for one in episodes:
        truth = made.read_truth(one)
        assert truth.mask.any() and one.shown[0] != one.shown[1]
        number = made.protocol["class_ids"][one.kind]
        stored = np.asarray(Image.open(voc / f"VOCdevkit/VOC2012/SegmentationClass/{one.photo.stem}.png"))
        assert np.array_equal(truth.mask, stored == number)
        assert np.array_equal(truth.labels == 255, stored == 255)
    guess = BlindRow(made, voc).answer(made.items(voc, "voc", 1)[0], None)
    assert guess.any() and not guess.all()
    with pytest.raises(InputError, match="class 6 needs more than 1 photos with 5000 pixels of it"):
        benchmark(splits={"val": 4, "voc": 4}, least_example=5000).items(voc, "voc")


def test_validate_opens_the_examples_too(voc: Path) -> None:
    made = benchmark(splits={"val": 4, "voc": 4}, least_example=700)
    shown = made.samples(made.root(voc), "voc")[0].shown[1].photo
    whole = shown.read_bytes()
    assert validate(made, voc, "voc").ok
    shown.write_bytes(whole[:100])
    found = validate(made, voc, "voc")
    shown.write_bytes(whole)
    assert ("example", "0000") in {(one.kind, one.id) for one in found.problems} and found.n_read < 4
    assert any(str(shown) in one.message for one in found.problems)


def test_digests_cover_the_examples(voc: Path) -> None:
    made = benchmark(splits={"val": 40, "voc": 40}, least_example=700)
    episode = made.samples(made.root(voc), "voc")[0]
    before = made.items(voc, "voc")[0].digest
    for path in (episode.shown[1].photo, episode.shown[1].mask):
        assert path is not None
        whole = path.read_bytes()
        path.write_bytes(whole + b"\0")
        assert made.items(voc, "voc")[0].digest != before
        path.write_bytes(whole)
    assert made.items(voc, "voc")[0].digest == before


def test_anyone_s_masks_are_scored(voc: Path, tmp_path: Path) -> None:
    made = benchmark(splits={"val": 40, "voc": 8}, least_example=700)
    for number, item in enumerate(made.items(voc, "voc")):
        mask = item.truth().mask
        if number % 2:
            np.save(tmp_path / f"{item.id}.npy", mask)
        else:
            save(tmp_path / f"{item.id}.png", mask.astype(np.uint8) * 255)
    options = Options(data=voc, split="voc", rows=())
    assert score_predictions(made, tmp_path, tmp_path / "o", options)["scores"]["mIoU"]["value"] == 1
    save(tmp_path / "0000.png", mask.astype(np.uint8))
    result = score_predictions(made, tmp_path, tmp_path / "o", options)
    assert not result["failures"] and result["scores"]["mIoU"]["value"] < 1, "1 of 255 is next to nothing"


def coco_tree(root: Path, made: FewShot) -> None:
    """A photo with a polygon, one with a crowd, one whose annotation is no pixel, of each class."""
    columns = np.zeros(SIZE, np.uint8)
    columns[:, 60:90] = 1
    runs = rle.encode(np.asfortranarray(columns))
    crowd = {"size": list(SIZE), "counts": runs["counts"].decode()}
    box = [4.0, 4.0, 44.0, 4.0, 44.0, 54.0, 4.0, 54.0]
    images: list[dict[str, object]] = []
    rows: list[dict[str, object]] = []
    categories = made.categories  # type: ignore[attr-defined]
    for category in categories:
        for part in (box, crowd, [1.0, 1.0, 1.1, 1.0, 1.1, 1.1]):
            number = len(images) + 1
            name = f"COCO_val2014_{number:012d}.jpg"
            images.append({"id": number, "file_name": name, "height": SIZE[0], "width": SIZE[1]})
            save(root / "val2014" / name, np.full((*SIZE, 3), number % 250, np.uint8))
            whole = part is crowd
            segmentation = part if whole else [part]
            area = 1800.0 if whole else 0.005 if len(part) == 6 else 2000.0
            rows.append(
                {"id": number, "image_id": number, "category_id": category, "iscrowd": int(whole)}
                | {"segmentation": segmentation, "area": area}
            )
    named = [{"id": category, "name": name} for category, (_, name) in categories.items()]
    content = {"images": images, "annotations": rows, "categories": named}
    target = root / "annotations/instances_val2014.json"
    target.parent.mkdir()
    target.write_text(json.dumps(content))


def test_coco_s_own_annotations_are_enough(tmp_path: Path) -> None:
    made = Coco20i("coco-20i-2")
    made.protocol = made.protocol | {"splits": {"val": 10, "val2014": 60}, "least_example": 1000}
    coco_tree(tmp_path, made)
    assert made.categories[3] == (3, "car") and made.categories[16] == (15, "bird")  # COCO's ids have gaps
    items = made.items(tmp_path, "val2014")
    assert len(items) == 60
    for item in items[:20]:
        truth, ((photo, shown),) = item.truth(), item.asked()["examples"]
        both = {int(truth.mask.sum()), int((shown[..., 0] == 255).sum())}
        assert both == {40 * 50, 30 * SIZE[0]} and photo.shape == shown.shape  # one is the box, one the crowd
        assert set(np.unique(truth.labels)) == {0, 1}
    tree = validate(made, tmp_path, "val2014")
    assert tree.ok and tree.n_read == 60
    with pytest.raises(MissingDataError, match="no coco-20i-2 there"):
        made.root(tmp_path / "val2014")
    text = (tmp_path / "annotations/instances_val2014.json").read_text()
    (tmp_path / "annotations/instances_val2014.json").write_text(text.replace('"car"', '"cart"'))
    with pytest.raises(InputError, match="category 3 is 'cart', not 'car'"):
        made.items(tmp_path, "val2014")
