"""The HTML report: what is on it, what must never be, and that a broken run cannot spoil it."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench_helpers import Reader, make_camvid
from PIL import Image

from visiongen.benchmarks.metrics.panoptic import PanopticTruth
from visiongen.benchmarks.report import build, errors
from visiongen.benchmarks.report.pictures import choose
from visiongen.benchmarks.report.read import find_runs, read_run
from visiongen.benchmarks.report.thumbs import BUDGET, data_uri, shrink
from visiongen.benchmarks.report.views import scored_pixels
from visiongen.benchmarks.runner import Options, infer, run, score_predictions
from visiongen.cli.main import main
from visiongen.errors import InputError, MissingDataError
from visiongen.registry import BENCHMARKS

ANCHOR = {"name": "SegNet of the paper", "score": "mIoU", "value": 0.479, "source": "a table"}


class Page(HTMLParser):
    """What the tests ask of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.raw = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(self.raw)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "path", "rect", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "rect", "circle"):
            assert self.open.pop() == tag, "a tag is closed that is not the last one opened"

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data + " "

    def all(self, tag: str) -> list[dict[str, Any]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_camvid(tmp_path_factory.mktemp("data") / "camvid11", val=8)


@pytest.fixture
def protocol(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """camvid11 as if its val split had the eight frames of the made tree, and a published figure."""
    found = dict(BENCHMARKS.get("camvid11").protocol) | {
        "splits": {"train": 3, "val": 8},
        "anchors": [ANCHOR],
    }
    monkeypatch.setattr(BENCHMARKS.get("camvid11"), "protocol", found)
    return found


def make(out: Path, data: Path, reader: Reader | None = None, **options: Any) -> Path:
    run("camvid11", reader or Reader(), out, Options(data=data, rows=("blind", "oracle"), **options))
    return out


def test_the_page_holds_everything_and_refers_to_nothing(
    tmp_path: Path, data: Path, protocol: dict[str, Any]
) -> None:
    runs = [make(tmp_path / "a", data), make(tmp_path / "b", data, Reader(shift=1, fails=[20], sha="b" * 64))]
    page = Page(build(runs, tmp_path / "r.html", data))
    assert not page.open, "every tag is closed"
    for tag, name in (("img", "src"), ("a", "href"), ("script", "src"), ("link", "href"), ("image", "href")):
        places = [found[name] for found in page.all(tag) if name in found]
        assert all(place.startswith(("data:image/webp;base64,", "#")) for place in places)
    address = r"(src|srcset|href|action|poster)\s*=\s*[\"']?\s*(https?:)?//"  # in text they may be named
    assert not re.search(address, page.raw), "nothing is loaded from an address"
    assert not re.search(r"url\(|@import", page.raw)
    targets = {found["id"] for _, found in page.tags if "id" in found}
    assert all(found["href"][1:] in targets for found in page.all("a"))
    # 2 runs x 9 places; 8 images, of which one failed in the second run: 8 + 7 images, 5 pictures each.
    assert len(page.all("img")) == 5 * (8 + 7) and all(found["alt"] for found in page.all("img"))
    assert all("scope" in found for found in page.all("th"))
    assert all(found.get("aria-label") for found in page.all("svg") if found.get("aria-hidden") != "true")
    for words in (
        "All scores", "IoU a class", "val003", "1 failure", "RuntimeError: the generator broke",
        "visiongen bench run camvid11 --split val", "b" * 64, "one confusion matrix over the whole split",
        "better than", "SegNet of the paper", "0.4790",
    ):  # fmt: skip
        assert words in page.text, words
    assert "PARTIAL" not in page.text


def test_the_numbers_are_those_of_the_result(tmp_path: Path, data: Path, protocol: dict[str, Any]) -> None:
    out = make(tmp_path / "a", data, Reader(shift=1, fails=[20]))
    page = Page(build([out], tmp_path / "r.html", data))
    result = json.loads((out / "result.json").read_text())
    for score in result["scores"].values():
        if score["value"] is not None:
            low, high = score["ci95"]
            assert f"{score['value']:.4f}" in page.text or f"{score['value']:.3f}" in page.text
            assert f"[{low:.4f}, {high:.4f}]" in page.text or f"{low:.4f} to {high:.4f}" in page.text
    assert f"{result['differences']['blind']['difference']:.4f}".replace("-", "−") in page.text


def test_same_folders_same_bytes(tmp_path: Path, data: Path, protocol: dict[str, Any]) -> None:
    out = make(tmp_path / "a", data)
    first = build([out], tmp_path / "1.html", data).read_bytes()
    assert build([out], tmp_path / "2.html", data).read_bytes() == first


def test_a_partial_run_is_marked_and_stands_beside_no_published_figure(
    tmp_path: Path, data: Path, protocol: dict[str, Any]
) -> None:
    page = Page(build([make(tmp_path / "a", data, limit=5)], tmp_path / "r.html", data))
    assert page.text.count("PARTIAL") >= 3 and "5 of 8" in page.text and "--limit 5" in page.text
    assert ANCHOR["name"] not in page.raw and "0.4790" not in page.raw
    page = Page(build([make(tmp_path / "b", data, split="train")], tmp_path / "r.html", data))
    assert "PARTIAL" not in page.text and ANCHOR["name"] not in page.raw, "figures are of the default split"
    protocol["anchors"] = [ANCHOR, {**ANCHOR, "name": "another's", "split": "train"}]
    page = Page(build([make(tmp_path / "c", data, split="train")], tmp_path / "r.html", data))
    assert "another's" in page.text and ANCHOR["name"] not in page.raw, "or of the split they say"


def test_best_and_worst_are_those_of_single_images(
    tmp_path: Path, data: Path, protocol: dict[str, Any]
) -> None:
    """Frames of which ever more is read wrong, counted here by hand."""

    class Worse(Reader):
        def scene(self, photo: Any = None, size: Any = None) -> Any:
            wrong = int(photo[0, 0, 2]) // 10  # the frame's number: so many columns are black
            spoilt = photo.copy()
            spoilt[:, : wrong * photo.shape[1] // 10, 0] = 0
            return super().scene(spoilt, size)

    out = make(tmp_path / "a", data, Worse())
    values = dict(read_run(out).image_scores())
    for stem, value in values.items():
        truth = np.array(Image.open(data / "val" / "labels" / f"{stem}.png"))
        answer = truth.copy()
        answer[:, : int(stem[3:]) * truth.shape[1] // 10] = 0
        iou = []
        for k in range(11):
            there, said = (truth == k), (answer == k) & (truth != 11)
            iou.append((there & said).sum() / max(1, (there | said).sum()))
        assert value == pytest.approx(np.mean(iou), abs=0.08), stem  # the painter works at another size
    chosen = choose(list(values.items()), True)
    ranked = sorted(values, key=lambda name: values[name])
    assert chosen["best"][0][0] == ranked[-1] and chosen["worst"][-1][0] == ranked[0]
    page = Page(build([out], tmp_path / "r.html", data))
    order = re.findall(r"Photo of (val\d+), mIoU", page.raw)
    assert order == [name for group in chosen.values() for name, _ in group]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 9, 10, 101])
@pytest.mark.parametrize("higher", [True, False])
def test_no_image_is_shown_twice_and_the_groups_are_what_they_say(count: int, higher: bool) -> None:
    values = [(f"i{k}", float(v)) for k, v in enumerate(np.random.default_rng(count).permutation(count))]
    chosen = choose(values, higher)
    names = [name for group in chosen.values() for name, _ in group]
    assert len(set(names)) == len(names) == min(count, 9)
    ranked = sorted((v for _, v in values), reverse=higher)
    assert [v for _, v in chosen["best"]] == ranked[:3]
    if count >= 9:
        assert [v for _, v in chosen["worst"]] == ranked[-3:]
        assert np.median(ranked) in [v for _, v in chosen["median"]] or count % 2 == 0


def test_text_of_files_is_never_markup(tmp_path: Path, data: Path, protocol: dict[str, Any]) -> None:
    evil = "</td><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    out = make(tmp_path / "a", data, Reader(fails=[20]))
    for name in ("plan.json", "result.json", "samples.jsonl"):
        text = (out / name).read_text()
        said = json.dumps(evil)[1:-1]
        for word in ("the generator broke", "SegNet of the paper", "CamVid frames", '"reader'):
            text = text.replace(word, f'"{said}' if word[0] == '"' else said)
        (out / name).write_text(text)
    page = Page(build([out], tmp_path / "r.html", data))
    assert "<script>alert" not in page.raw and "<img src=x" not in page.raw
    assert page.text.count("<script>alert(1)</script>") >= 3 and len(page.all("script")) == 1
    assert not any(name.startswith("on") for _, found in page.tags for name in found)


def test_without_data_or_maps_the_report_says_so(
    tmp_path: Path, data: Path, protocol: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VISIONGEN_DATA", raising=False)
    out = make(tmp_path / "a", data)
    page = Page(build([out], tmp_path / "r.html"))
    assert not page.all("img") and "No pictures: data root: not given" in page.text
    assert "best: val" in page.text, "the images are named all the same"
    plan = json.loads((out / "plan.json").read_text())
    plan.pop("paints", None)
    (out / "plan.json").write_text(json.dumps(plan))
    page = Page(build([out], tmp_path / "r.html", data))
    assert "No pictures: the run folder has no painted maps" in page.text and "All scores" in page.text


def test_answers_of_somebody_else_are_shown_too(tmp_path: Path, data: Path, protocol: dict[str, Any]) -> None:
    """Label files without a map: four pictures an image; the error map knows what is wrong."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    for label in sorted((data / "val" / "labels").glob("*.png")):
        ids = np.array(Image.open(label))
        np.save(folder / f"{label.stem}.npy", np.where(ids == 11, 0, ids).astype(np.uint8))
    out = score_predictions(BENCHMARKS.get("camvid11"), folder, tmp_path / "a", Options(data=data, rows=()))
    assert out["scores"]["aAcc"]["value"] == 1.0
    page = Page(build([tmp_path / "a"], tmp_path / "r.html", data))
    assert len(page.all("img")) == 4 * 8 and "Painted map" not in page.raw
    assert "not scored" in page.text and "wrong " not in page.text
    assert f"visiongen bench score camvid11 --predictions {folder} --split val --rows none" in page.text


def test_one_spoilt_image_costs_only_its_own_pictures(tmp_path: Path, protocol: dict[str, Any]) -> None:
    data = make_camvid(tmp_path / "camvid11", val=8)
    out = make(tmp_path / "a", data)
    maps = sorted((out / "maps").glob("model*/val00[01].png"))
    assert len(maps) == 2
    maps[0].unlink()
    maps[1].write_bytes(b"no picture")
    changed = data / "val" / "images" / "val002.png"
    changed.write_bytes(changed.read_bytes() + b"\0")
    page = Page(build([out], tmp_path / "r.html", data))
    assert len(page.all("img")) == 5 * 5
    assert "have changed since they were scored" in page.text and page.text.count("No pictures") == 3


def test_runs_are_found_in_folders_of_runs_and_by_their_result(
    tmp_path: Path, data: Path, protocol: dict[str, Any]
) -> None:
    a, b = make(tmp_path / "all" / "a", data), make(tmp_path / "all" / "b", data, limit=2)
    assert find_runs([tmp_path / "all", a, b / "result.json"]) == [a, b]
    with pytest.raises(MissingDataError, match="holds no run"):
        find_runs([tmp_path])


def test_a_result_that_is_not_the_plans_is_made_anew(
    tmp_path: Path, data: Path, protocol: dict[str, Any]
) -> None:
    out = make(tmp_path / "a", data, limit=2)
    old = (out / "result.json").read_text()
    make(out, data, limit=6)
    new = json.loads((out / "result.json").read_text())
    (out / "result.json").write_text(old)
    assert read_run(out).result == new
    (out / "result.json").unlink()
    assert read_run(out).result == new
    lines = (out / "samples.jsonl").read_text().splitlines()
    (out / "samples.jsonl").write_text("\n".join(lines[:4]) + "\n")
    with pytest.raises(MissingDataError, match="run the same bench run again"):
        read_run(out)
    for text in ("{", json.dumps(new | {"n_scored": "6"})):
        (out / "result.json").write_text(text)
        with pytest.raises(InputError, match=r"result\.json"):
            read_run(out)


def test_scores_and_verdicts_are_those_of_the_records(
    tmp_path: Path, data: Path, protocol: dict[str, Any]
) -> None:
    """An older version may have drawn other intervals, and said "better" where this one does not."""
    out = make(tmp_path / "a", data)
    new = json.loads((out / "result.json").read_text())
    old = json.loads((out / "result.json").read_text())
    old["differences"]["blind"]["verdict"] = "worse"
    old["scores"]["mIoU"]["ci95"] = [0.0, 1.0]
    (out / "result.json").write_text(json.dumps(old))
    assert read_run(out).result == new != old
    (out / "samples.jsonl").unlink()
    assert read_run(out).result == old, "only the result was kept"


def test_statistics_of_another_version_cost_the_curves_alone(
    tmp_path: Path, data: Path, protocol: dict[str, Any]
) -> None:
    out = make(tmp_path / "a", data)
    lines = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    changed = [json.dumps(line | {"stats": {"other": 1}}) for line in lines]
    (out / "samples.jsonl").write_text("\n".join(changed) + "\n")
    page = Page(build([out], tmp_path / "r.html", data))
    assert "No curves" in page.text and "No images" in page.text and "All scores" in page.text


def test_command(
    tmp_path: Path, data: Path, protocol: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "runs" / "a", data)
    target = tmp_path / "r.html"
    assert main(["bench", "report", str(tmp_path / "runs"), "-o", str(target), "--data", str(data)]) == 0
    assert str(target) in capsys.readouterr().out and len(Page(target).all("img")) == 40
    for pictures in (2, 1):  # of the best, of those in the middle and of the worst, with five views each
        words = [str(tmp_path / "runs"), "-o", str(target), "--data", str(data), "--pictures", str(pictures)]
        assert main(["bench", "report", *words]) == 0
        assert len(Page(target).all("img")) == 5 * 3 * pictures
    before = target.read_bytes()
    assert main(["bench", "report", str(tmp_path / "none"), "-o", str(target)]) == 3
    error = capsys.readouterr().err
    assert "holds no run" in error and len(error.strip().splitlines()) == 1
    assert target.read_bytes() == before


# --- pictures ---------------------------------------------------------------------------------


def decoded(uri: str) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB"))


def test_pictures_stay_small_and_labels_exact() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (900, 1600, 3), np.uint8)
    for photo in (True, False):
        uri = data_uri(shrink(noise, smooth=photo), photo)
        assert len(base64.b64decode(uri.partition(",")[2])) <= BUDGET
        high, wide = decoded(uri).shape[:2]
        assert wide <= 320 and abs(wide / high - 16 / 9) < 0.02
    labels = np.kron(rng.integers(0, 256, (12, 16, 3), np.uint8), np.ones((20, 20, 1), np.uint8))
    assert (decoded(data_uri(shrink(labels))) == labels).all()
    colours = {tuple(colour) for colour in labels.reshape(-1, 3)}
    small = shrink(np.repeat(np.repeat(labels, 3, 0), 3, 1))
    assert small.shape == labels.shape and {tuple(c) for c in small.reshape(-1, 3)} <= colours


def test_a_result_older_than_the_plan_is_not_shown(tmp_path: Path) -> None:
    """Labels changed and painted anew, but not scored: the old figure belongs to other labels."""
    root, folder, rows = make_camvid(tmp_path / "camvid11", val=2), tmp_path / "run", ("blind",)
    run("camvid11", Reader(), folder, Options(data=root, rows=rows))
    assert read_run(folder).result["n_scored"] == 2
    for path in sorted((root / "val" / "labels").glob("*.png")):
        labels = np.asarray(Image.open(path))
        Image.fromarray(np.where(labels == labels.min(), 1 + labels, labels).astype(np.uint8)).save(path)
    infer("camvid11", Reader(), folder, Options(data=root, rows=rows))
    with pytest.raises(MissingDataError, match="run the same bench run again"):
        read_run(folder)


def test_panoptic_pictures_leave_void_out_as_the_metric_does() -> None:
    truth = np.full((8, 8), -1)
    truth[:4] = 3001
    scored = scored_pixels("panoptic", None, PanopticTruth(truth), truth)
    assert scored.sum() == 32
    names = [name for name, _ in errors.panoptic(truth, np.full((8, 8), 3001), scored, PHOTO).names]
    assert any(name.startswith("not scored 50") for name in names)
    assert not any("not found" in name and " 0" not in name for name in names), names


PHOTO = np.zeros((8, 8, 3), np.uint8)
