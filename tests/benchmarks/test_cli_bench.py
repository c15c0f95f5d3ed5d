"""``visiongen bench``: output, JSON contract, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from bench_helpers import Reader, make_camvid
from own_folders import BLOCKS, SEMANTIC, folder, save

from visiongen.cli import bench_run
from visiongen.cli.bench_several import MANY
from visiongen.cli.main import main
from visiongen.registry import BENCHMARKS

KEYS = """schema benchmark benchmark_version task n_expected n_scored n_failed partial scores rows
protocol weights sample env seconds"""


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> list[Reader]:
    """The backbone that the command will load; replace its only element to change it."""
    holder = [Reader()]
    monkeypatch.setattr(bench_run, "load_backbone", lambda name: holder[0])
    return holder


def call(*arguments: object) -> int:
    return main(["bench", *map(str, arguments)])


def test_ls(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("ls") == 0
    text = capsys.readouterr().out
    assert all(name in text for name in ("camvid11", "world-depth", "world-normals"))
    assert call("ls", "--json") == 0
    listed = json.loads(capsys.readouterr().out)["benchmarks"]
    assert [b["name"] for b in listed] == list(BENCHMARKS)
    primary = {b["name"]: b["primary"] for b in listed}
    assert primary | {
        "camvid11": "mIoU", "world-depth": "AbsRel", "world-normals": "mean", "world-instance": "AP",
        "world-panoptic": "PQ", "world-referring": "gIoU", "world-orm": "RMSE",
    } == primary  # fmt: skip


def test_several_benchmarks_share_the_backbone_and_have_a_folder_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the smallest untrained generator; every row but the specialist is there for every benchmark."""
    from visiongen.backbones.embedded import EmbeddedBackbone

    loaded = []

    def load(name: str) -> EmbeddedBackbone:
        loaded.append(name)
        return EmbeddedBackbone.random("nano")

    monkeypatch.setattr(bench_run, "load_backbone", load)
    names = ["world-referring", "world-panoptic", "world-orm"]
    for name in names:
        protocol = BENCHMARKS.get(name).protocol
        small = {"height": 48, "width": 64, "long_side": 64, "blind_frames": 3}
        monkeypatch.setattr(BENCHMARKS.get(name), "protocol", protocol | small)
    arguments = ("--limit", 2, "--mode", "draft", "--out", tmp_path, "--json", "-")
    assert call("run", *names, names[0], *arguments) == 0
    assert loaded == ["tiny"]
    report = json.loads(capsys.readouterr().out)
    assert report["schema"] == "visiongen.bench-many/1"
    assert [result["benchmark"] for result in report["results"]] == names
    for result in report["results"]:
        assert set(KEYS.split()) <= set(result) and not result["failures"]
        assert json.loads((tmp_path / result["benchmark"] / "result.json").read_text()) == result
        rows = result["rows"]
        assert rows["specialist"] is None and "--specialist" in result["reasons"]["specialist"]
        values = {row: rows[row][result["primary"]] for row in ("blind", "codec", "ceiling")}
        better = values["codec"]["value"] - values["ceiling"]["value"]
        assert better >= 0 if values["codec"]["higher_is_better"] else better <= 0


def test_run_prints_json_on_stdout_alone(
    camvid: Path, tmp_path: Path, reader: list[Reader], capsys: pytest.CaptureFixture[str]
) -> None:
    code = call("run", "camvid11", "--data", camvid, "--out", tmp_path / "o", "--limit", 3, "--json", "-")
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert code == 0 and set(KEYS.split()) <= set(report)
    assert set(report["rows"]) == {"blind", "oracle", "codec", "ceiling", "specialist"}
    assert report["partial"] is True and report["n_scored"] == 3
    score = report["scores"]["mIoU"]
    assert set(score) == {"value", "higher_is_better", "ci95"} and score["ci95"] is None, "three images"
    assert report["weights"] == {"name": "reader", "sha256": "a" * 64}
    assert report["sample"]["mode"] == "verified"
    assert "PARTIAL" in captured.err and "mIoU" in captured.err


def test_shards_by_hand(
    camvid: Path, tmp_path: Path, reader: list[Reader], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o"
    words = ("run", "camvid11", "--data", camvid, "--out", out, "--rows", "blind", "--shard")
    assert call(*words, "3/2") == 2 and "write I/N" in capsys.readouterr().err
    assert call(*words, "1/2") == 0 and "is done" in capsys.readouterr().out
    assert not (out / "result.json").exists()
    assert call(*words, "2/2") == 0
    result = json.loads((out / "result.json").read_text())
    assert result["n_scored"] == 6 and len(list(out.glob("samples-?of2.jsonl"))) == 2


def test_a_failed_image_gives_exit_code_1_and_a_line(
    camvid: Path, tmp_path: Path, reader: list[Reader], capsys: pytest.CaptureFixture[str]
) -> None:
    reader[0] = Reader(fails=[20])
    target = tmp_path / "r.json"
    assert call("run", "camvid11", "--data", camvid, "--out", tmp_path / "o", "--json", target) == 1
    assert "failed: model val002: RuntimeError" in capsys.readouterr().err
    assert json.loads(target.read_text())["n_failed"] == 1


def test_exit_codes_of_bad_requests(
    camvid: Path, tmp_path: Path, reader: list[Reader], capsys: pytest.CaptureFixture[str]
) -> None:
    cases = [
        (("run", "camvid1"), 2, "did you mean 'camvid11'"),
        (("run", "camvid11", "--mode", "fast"), 2, "choose one of"),
        (("run", "camvid11", "--data", camvid, "--split", "x"), 2, "--split 'x'"),
        (("run", "camvid11", "--data", camvid, "--limit", "0"), 2, "--limit 0"),
        (("run", "camvid11", "--data", camvid, "--rows", "blond"), 2, "row 'blond'"),
        (("run", "camvid11", "--data", tmp_path / "none"), 3, "no such folder"),
        (("run", "camvid11", "--option", "mirror=true"), 2, "mirror: use --rows mirrored"),
        (("run", "camvid11", "--option", "long-side=64"), 2, "long_side: it is the protocol's"),
        (("compare", tmp_path, tmp_path), 3, "holds no run"),
        (("score", __file__), 3, "holds no run"),
    ]
    for arguments, code, text in cases:
        extra = ("--out", tmp_path / "o") if arguments[0] == "run" else ()
        assert call(*arguments, *extra) == code, arguments
        error = capsys.readouterr().err
        assert text in error and len(error.strip().splitlines()) == 1, error


def test_compare_says_worse_better_and_refuses_unlike_runs(
    camvid: Path, tmp_path: Path, reader: list[Reader], capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    assert call("run", "camvid11", "--data", camvid, "--out", good, "--rows", "none") == 0
    reader[0] = Reader(shift=1, sha="b" * 64)
    assert call("run", "camvid11", "--data", camvid, "--out", bad, "--rows", "none", "--limit", 6) == 0
    capsys.readouterr()
    assert call("compare", good, bad, "--json", "-") == 1
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert report["n_common"] == 6 and report["regression"] is True
    assert report["scores"]["mIoU"]["verdict"] == "worse" and "regression" in captured.err
    assert call("compare", bad, good / "result.json") == 0
    assert "better" in capsys.readouterr().out
    assert call("compare", good, good) == 0
    assert "no difference shown" in capsys.readouterr().out
    other = make_camvid(tmp_path / "other")
    photo = other / "val" / "images" / "val000.png"
    photo.write_bytes(photo.read_bytes() + b"\0")
    assert call("run", "camvid11", "--data", other, "--out", tmp_path / "o", "--rows", "none") == 0
    assert call("compare", good, tmp_path / "o") == 2
    assert "bytes differ" in capsys.readouterr().err


def test_one_benchmark_that_lacks_something_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench_run, "load_backbone", lambda name: Reader())
    data, out, told = make_camvid(tmp_path / "data" / "camvid11"), tmp_path / "o", tmp_path / "r.json"
    names = ("bsds500", "camvid11")
    words = (*names, "--data", data.parent, "--out", out, "--rows", "blind", "--json", told)
    assert call("run", *words) == 3
    error = capsys.readouterr().err
    assert "visiongen: bsds500:" in error and len(error.strip().splitlines()) == 1
    report = json.loads(told.read_text())
    assert report["schema"] == MANY and [one["benchmark"] for one in report["results"]] == ["camvid11"]
    (out / "none").mkdir()
    assert call("infer", *words[:-2]) == 3 and "bsds500" in capsys.readouterr().err
    words = (out / "none", out / "camvid11", "--data", data, "--json", told)
    assert call("score", *words) == 3 and "holds no run" in capsys.readouterr().err
    assert [one["n_scored"] for one in json.loads(told.read_text())["results"]] == [6]


def test_a_folder_that_lacks_images_is_one_of_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench_run, "load_backbone", lambda name: Reader())
    data, out = make_camvid(tmp_path / "camvid11"), tmp_path / "o"
    mine = folder(tmp_path / "mine", SEMANTIC + '\nsplits = ["train", "val"]', {"train/a": BLOCKS})
    words = (mine, "camvid11", "--data", data, "--out", out, "--rows", "none")
    for command in ("infer", "run"):
        assert call(command, *words) == 3
        assert f"visiongen: {mine}: {mine}/images: no image of split 'val'" in capsys.readouterr().err
    assert (out / "camvid11" / "result.json").is_file(), "in the folder that it has beside others"
    assert call("run", mine, "--out", out) == 3, "alone"


def test_answers_of_one_name_are_scored_in_places_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    mine = folder(tmp_path / "mine", SEMANTIC, {"a": BLOCKS})
    for name, answers in (("one/preds.v1", BLOCKS), ("one/preds.v2", BLOCKS.T), ("two/preds.v1", 0 * BLOCKS)):
        save(tmp_path / name / "a.npy", np.resize(answers, BLOCKS.shape).astype(np.uint8), "npy")
        for where in (name, tmp_path / name):  # the same ones, and so the same place
            assert call("score", mine, "--predictions", where, "--rows", "none") == 0
    names = sorted(path.name for path in (tmp_path / "out" / "bench").iterdir())
    assert [name[:-9] for name in names] == ["mine-all-preds.v1"] * 2 + ["mine-all-preds.v2"]
    capsys.readouterr()


def test_two_folders_of_one_name_are_not_run_into_one_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = (folder(tmp_path / name, SEMANTIC, {"a": BLOCKS}) for name in ("one", "two"))
    assert call("run", one, two) == 2
    error = capsys.readouterr().err
    assert f"{two}: is called 'mine' as {one / 'dataset.toml'} is" in error and "out/bench/mine-all" in error


def test_a_part_of_several_runs_is_scored_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first is done but for the other part's images: it is said, and the second is scored."""
    monkeypatch.setattr(bench_run, "load_backbone", lambda name: Reader())
    data = make_camvid(tmp_path / "camvid11", val=2)
    for name in "ab":
        words = ("camvid11", "--data", data, "--out", tmp_path / name, "--rows", "none")
        assert call("infer", *words) == 0
    assert call("score", tmp_path / "a", tmp_path / "b", "--data", data, "--shard", "1/2") == 0
    assert capsys.readouterr().out.count("part 1/2 of") == 2
    assert call("score", tmp_path / "a", tmp_path / "b", "--data", data, "--shard", "2/2") == 0
    assert all((tmp_path / name / "result.json").is_file() for name in "ab")


def test_a_folder_keeps_the_benchmark_that_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench_run, "load_backbone", lambda name: Reader())
    data = make_camvid(tmp_path / "camvid11", val=1)
    words = ("--out", tmp_path / "o", "--rows", "none")
    assert call("run", "camvid11", "--data", data, *words) == 0
    before = (tmp_path / "o/result.json").read_bytes()
    assert call("run", "world-depth", "--limit", 1, *words) == 2
    assert "holds a run of camvid11 val, not of world-depth test" in capsys.readouterr().err
    assert (tmp_path / "o/result.json").read_bytes() == before


def test_default_folders_tell_seeds_and_files_of_weights_apart(tmp_path: Path) -> None:
    from visiongen.benchmarks.runner import Options
    from visiongen.files import sha256

    def folder(weights: object = "tiny", **options: object) -> str:
        (target,) = bench_run.find_targets(["camvid11"], None, Options(**options), str(weights))  # type: ignore[arg-type]
        return target[1].name

    assert folder() == "camvid11-val-tiny-verified" == folder(seed=3), "as runs on disk are called"
    for mode in ("sample", "diffuse", "scales"):
        assert folder(mode=mode) == f"camvid11-val-tiny-{mode}"
        assert folder(mode=mode, seed=3) == f"camvid11-val-tiny-{mode}-seed3"
    files = [tmp_path / name / "weights.safetensors" for name in "ab"]
    for file in files:
        file.parent.mkdir()
        file.write_text(file.parent.name)
    for file in files:
        assert folder(file) == f"camvid11-val-weights-{sha256(file)[:8]}-verified"
    saved = tmp_path / "v1.0" / "model.safetensors"
    saved.parent.mkdir()
    saved.write_text("v1.0")
    assert folder(saved.parent) == f"camvid11-val-v1.0-{sha256(saved)[:8]}-verified"
    hub = {f"hf-hub:{name}" for name in ("me/tiny", "you/tiny", "me/tiny@v1.0", "me/tiny@v1.1")}
    assert len({folder(), *(folder(name) for name in hub)}) == 5
    assert folder("hf-hub:me/tiny@v1.0") == "camvid11-val-me--tiny@v1.0-verified"
