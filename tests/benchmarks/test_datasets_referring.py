"""RefCOCO's family in its official layout: a sample a sentence, splits, masks, refs that are not plain."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from visiongen.benchmarks.datasets.refcoco import phrase_of
from visiongen.benchmarks.rows import BlindRow, CodecRow
from visiongen.benchmarks.runner import get_benchmark
from visiongen.errors import InputError, MissingDataError
from visiongen.tasks.referring import Referring

SIZE = (48, 64)
SQUARE = [8, 8, 24, 8, 24, 24, 8, 24]
BESIDE = [16, 16, 40, 16, 40, 40, 16, 40]  # overlaps SQUARE: the sum of both has 2s
FAR = [48, 4, 60, 4, 60, 20, 48, 20]
RUNS = {"size": list(SIZE), "counts": [48 * 10, 48 * 5, 48 * 49]}  # columns 10 to 14


def file_name(image: int) -> str:
    return f"COCO_train2014_{image:012d}.jpg"


def ref(number: int, ann: int, image: int, split: str, *sentences: str) -> dict[str, Any]:
    said = [
        {"sent_id": number * 10 + k, "sent": s, "raw": s, "tokens": s.split()}
        for k, s in enumerate(sentences)
    ]
    ids = [one["sent_id"] for one in said]
    return {"ref_id": number, "ann_id": ann, "image_id": image, "category_id": 1, "split": split} | {
        "file_name": f"COCO_train2014_{image:012d}_{ann}.jpg",
        "sent_ids": ids,
        "sentences": said,
    }


REFS = [
    ref(7, 71, 2, "val", "left square", "the square on the left"),
    ref(3, 72, 1, "train", "one thing"),
    ref(4, 73, 1, "testA", "striped man"),
    ref(5, 71, 2, "testAB", "both"),
    ref(1, 72, 1, "val", "caf\xe9 door"),
    ref(9, 73, 1, "test", "for umd"),
]


def tree(root: Path, name: str = "refcoco", partition: str = "unc", refs: list[Any] | None = None) -> Path:
    """The official layout with two photos and three annotations."""
    folder = root / "data" / name
    folder.mkdir(parents=True, exist_ok=True)
    photos = root / "data/images/mscoco/images/train2014"
    photos.mkdir(parents=True, exist_ok=True)
    for image in (1, 2):
        photo = np.full((*SIZE, 3), 90, np.uint8)
        assert cv2.imwrite(str(photos / file_name(image)), photo)
    boxes = {71: (2, [SQUARE, BESIDE]), 72: (1, RUNS), 73: (1, [FAR])}
    content = {
        "images": [{"id": i, "file_name": file_name(i), "height": SIZE[0], "width": SIZE[1]} for i in (1, 2)],
        "annotations": [
            {"id": i, "image_id": image, "category_id": 1, "iscrowd": 0, "segmentation": parts}
            for i, (image, parts) in boxes.items()
        ],
        "categories": [{"id": 1, "name": "person"}],
    }
    (folder / "instances.json").write_text(json.dumps(content))
    (folder / f"refs({partition}).p").write_bytes(pickle.dumps(REFS if refs is None else refs, protocol=0))
    return root


def test_a_sample_is_a_sentence_in_the_order_of_the_refs(tmp_path: Path) -> None:
    benchmark = get_benchmark("refcoco")
    assert benchmark.present(tmp_path) is None
    items = benchmark.items(tree(tmp_path), "val")
    assert [item.id for item in items] == ["70", "71", "10"] and benchmark.present(tmp_path)
    assert [item.options["phrase"] for item in items] == [
        "left square",
        "the square on the left",
        "caf\xe9 door",
    ]
    assert [item.cluster for item in items] == ["2", "2", "1"]
    assert len({item.digest for item in items}) == 3  # one photo and mask, but another sentence
    assert items[0].photo().shape == (*SIZE, 3)
    assert [i.id for i in benchmark.items(tmp_path / "data", "testA")] == ["40", "50"]
    assert [i.id for i in benchmark.items(tmp_path, "testB")] == ["50"]  # testAB belongs to both


def test_masks_are_unions_and_run_lengths_go_down_the_columns(tmp_path: Path) -> None:
    items = get_benchmark("refcoco").items(tree(tmp_path), "val")
    drawn = np.zeros(SIZE, np.uint8)
    for x, y in ((8, 8), (16, 16)):
        side = 16 if x == 8 else 24
        drawn[y : y + side, x : x + side] = 1
    union = items[0].truth()
    assert union.dtype == bool and union.shape == SIZE
    assert (union != drawn).sum() <= 90 and union[20, 20]  # but for the border; where both lie is inside
    columns = np.zeros(SIZE, bool)
    columns[:, 10:15] = True
    assert np.array_equal(items[2].truth(), columns)


def test_partitions_of_refcocog(tmp_path: Path) -> None:
    benchmark = get_benchmark("refcocog")
    tree(tmp_path, "refcocog", "umd")
    tree(tmp_path, "refcocog", "google", [ref(8, 73, 1, "val", "by google"), ref(6, 71, 2, "train", "x")])
    assert [item.id for item in benchmark.items(tmp_path, "val")] == ["70", "71", "10"]
    assert [item.id for item in benchmark.items(tmp_path, "val_google")] == ["80"]
    assert "90" in [item.id for item in benchmark.items(tmp_path, "test")]
    (tmp_path / "data/refcocog/refs(google).p").unlink()
    with pytest.raises(MissingDataError, match=r"refs\(google\)\.p"):
        benchmark.items(tmp_path, "val_google")
    tree(tmp_path, "refcoco+")
    assert len(get_benchmark("refcoco+").items(tmp_path, "val")) == 3


@pytest.mark.parametrize(
    "sentence", ["", "other", "a" * 200, "man " * 40, "the lady in the caf\xe9 " * 5, "  two  blanks "]
)
def test_every_sentence_becomes_a_phrase_that_can_be_asked(sentence: str) -> None:
    phrase = phrase_of(sentence)
    assert Referring(phrase=phrase).phrase == phrase  # neither refused nor changed
    words = " ".join(sentence.split())
    assert words.startswith(phrase) or words in ("", "other")
    if len(words.encode()) <= 60 and words not in ("", "other"):
        assert phrase == words


class Bomb:
    def __reduce__(self) -> Any:
        return os.mkdir, ("made-by-a-pickle",)


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tree(tmp_path, refs=[Bomb()])
    with pytest.raises(InputError, match=r"refs\(unc\)\.p.*mkdir"):
        get_benchmark("refcoco").items(tmp_path, "val")
    assert not (tmp_path / "made-by-a-pickle").exists()


def test_strings_of_python_2_are_read_as_latin1(tmp_path: Path) -> None:
    tree(tmp_path)
    refs = [ref(1, 73, 1, "val", "SENTENCE")]
    text = pickle.dumps(refs, protocol=0).replace(
        b"VSENTENCE\n", b"S'caf\\xe9'\n"
    )  # a byte string of Python 2
    (tmp_path / "data/refcoco/refs(unc).p").write_bytes(text)
    phrases = [item.options["phrase"] for item in get_benchmark("refcoco").items(tmp_path, "val")]
    assert phrases == ["caf\xe9"]


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    benchmark = get_benchmark("refcoco")
    photo = tree(tmp_path) / "data/images/mscoco/images/train2014" / file_name(2)
    photo.unlink()
    with pytest.raises(MissingDataError, match=file_name(2)):
        benchmark.items(tmp_path, "val")
    assert benchmark.blind(tmp_path)((48, 64)).shape == SIZE  # needs no photo
    for refs, message in (
        ([ref(1, 99, 1, "val", "x")], "ref 1 means no annotation"),
        ([ref(1, 72, 1, "train", "x")], "'val' is empty"),
        ([ref(1, 72, 1, "val", "x"), ref(1, 73, 1, "val", "y")], "twice"),
        ([{"split": "val"}], "no readable refs"),
    ):
        tree(tmp_path, refs=refs)
        with pytest.raises(InputError, match=message):
            benchmark.items(tmp_path, "val")
    (tmp_path / "data/refcoco/instances.json").write_text("{")
    with pytest.raises(InputError, match=r"instances\.json: no JSON"):
        benchmark.items(tmp_path, "val")


def test_the_codec_is_above_the_blind_guess(tmp_path: Path) -> None:
    benchmark = get_benchmark("refcoco")
    scorer, items, values = benchmark.scorer, benchmark.items(tree(tmp_path), "testA"), []
    for row in (CodecRow(benchmark, None), BlindRow(benchmark, tmp_path)):
        stats = [scorer.stats(item.truth(), row.answer(item, item.truth())) for item in items]
        values.append(float(scorer.scores(scorer.stack(stats).sum(0))["cIoU"]))
    assert values[0] > 0.9 > 0.5 > values[1]
