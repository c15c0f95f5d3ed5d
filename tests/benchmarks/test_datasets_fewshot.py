"""PASCAL-5i and COCO-20i in HSNet's layout: episodes, folds, examples, and the few-shot scores."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visiongen.backbones.base import Backbone, Canvas, Capabilities, Sampler, Scene
from visiongen.benchmarks.datasets.fewshot import FewShot, Pascal5i
from visiongen.benchmarks.metrics import fewshot
from visiongen.benchmarks.rows import BlindRow
from visiongen.benchmarks.runner import Options, get_benchmark, run
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
    assert [one.photo for one in other] != [one.photo for one in samples]
    assert benchmark(splits={"val": 5}).samples(pascal / "VOC2012", "val") == samples[:5]


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
    assert made.read_truth(samples[0]).mask.any()
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
        benchmark()._labels(tmp_path / "none.png", 0)
    save(tmp_path / "odd.png", np.full(SIZE, 21, np.uint8))
    with pytest.raises(InputError, match=r"odd\.png: value 21"):
        benchmark()._labels(tmp_path / "odd.png", 0)


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
