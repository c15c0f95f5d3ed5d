from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visiongen.errors import UsageError
from visiongen.geometry import Geometry
from visiongen.prompt import Legend
from visiongen.tasks import predict
from visiongen.tasks.instructions import instruction
from visiongen.tasks.referring import Referring, ReferringPrediction


def decoded(mask: np.ndarray, size: tuple[int, int], confidence: float = 1.0) -> ReferringPrediction:
    task = Referring(phrase="the red box")
    prompt = task.prompt()
    painted = task.codec(prompt.legend).encode(mask.astype(np.uint8))
    sure = np.full(mask.shape, confidence, np.float32)
    result = task.decode(painted, Geometry(size, mask.shape), prompt, sure)
    assert isinstance(result, ReferringPrediction)
    return result


def test_the_phrase_is_part_of_the_prompt() -> None:
    prompt = Referring(phrase="  the red box\nleft of  the cup ").prompt()
    assert prompt.text == "segment what is meant"
    assert prompt.legend == Legend.parse("other=#000000,the red box left of the cup=#ffffff")


@pytest.mark.parametrize("bad", ["", "   ", "other", "x" * 61, "é" * 31, 3, None])
def test_phrases_that_say_nothing(bad: object) -> None:
    with pytest.raises(UsageError, match="phrase"):
        Referring(phrase=bad)  # type: ignore[arg-type]


def test_predict_takes_the_phrase(known_backbone) -> None:
    photo = np.zeros((96, 128, 3), np.uint8)
    photo[20:60, 30:80, 0] = 255
    result = predict("referring", photo, phrase="the red box", backbone=known_backbone(), long_side=128)
    assert result.labels.dtype == bool and np.array_equal(result.labels, photo[..., 0] > 0)
    assert result.phrase == "the red box" and result.box == (30, 20, 50, 40) and result.score > 0.99
    with pytest.raises(UsageError, match="phrase"):
        predict("referring", photo, phrase="", backbone=known_backbone())
    with pytest.raises(UsageError, match="phrase"):
        predict("depth", photo, phrase="the red box", backbone=known_backbone())


def test_mask_in_the_photos_size_and_its_score() -> None:
    mask = np.zeros((48, 64), bool)
    mask[8:24, 16:40] = True
    result = decoded(mask, (96, 128), 0.5)
    assert np.array_equal(result.mask, mask.repeat(2, 0).repeat(2, 1))
    assert result.score == pytest.approx(0.5, abs=0.01)
    result.confidence[~result.mask] = 0.1  # what lies outside does not count
    assert result.score == pytest.approx(0.5, abs=0.01)
    summary = result.summary()
    assert summary["phrase"] == "the red box" and summary["box"] == [32, 16, 48, 32]
    assert summary["covered"] == round(mask.mean(), 5)
    assert set(np.unique(result.picture())) == {0, 255}
    over = result.overlay(np.full((96, 128, 3), 90, np.uint8))
    assert np.array_equal(result.overlay(Image.new("RGB", (128, 96), (90, 90, 90))), over)
    assert (over[~result.mask] == 90).all() and (over[result.mask][:, 0] > 90).all()


def test_nothing_found(tmp_path: Path) -> None:
    result = decoded(np.zeros((48, 64), bool), (48, 64))
    assert result.box is None and result.score == 0 and not result.labels.any()
    report = json.loads(result.save(tmp_path, "p")[-1].read_text())
    assert report["summary"]["box"] is None and report["legend"][1][0] == "the red box"


def test_tiles_keep_to_what_the_whole_photo_shows(known_backbone) -> None:
    """Two things alike: in a tile of its own the wrong one would be meant as well."""
    task = Referring(phrase="the box on the left")
    right = np.ones((40, 40, 1), np.float32)
    nowhere = np.zeros((40, 40, 1), np.float32)
    assert not task.align(right, nowhere).any()
    here = nowhere.copy()
    here[10:20, 10:20] = 1
    assert task.align(right, here)[15, 15, 0] == 1 and task.align(right, here)[39, 39, 0] == 0
    assert task.align(right, here)[15, 34:37, 0].tolist() == [1, 1, 0], "16 pixels from column 19"


def test_order_in_words_names_the_phrase() -> None:
    text = instruction(Referring(phrase="the red box"))
    assert "'the red box'" in text and "#ffffff" in text and "#000000" in text
