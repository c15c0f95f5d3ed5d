"""Where the error is: shares against a hand count, folders kept and read, the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench_helpers import Reader

from visiongen.backbones.embedded import EmbeddedBackbone, EmbeddedScene
from visiongen.benchmarks.error_terms import ROWS, error_terms, open_run, rows_for, table
from visiongen.benchmarks.result_schema import check
from visiongen.benchmarks.runner import Options, run
from visiongen.benchmarks.store import RunFolder
from visiongen.cli import bench_errors
from visiongen.cli.main import main
from visiongen.errors import UnfinishedError, UsageError
from visiongen.registry import BENCHMARKS

NAMES = ["world-depth", "world-semantic"]
SMALL = {"height": 48, "width": 64, "long_side": 64, "blind_frames": 3}


@pytest.fixture
def tiny_world(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Small frames, random weights; the names of the weights that were loaded."""
    loaded: list[str] = []

    def load(name: str) -> EmbeddedBackbone:
        loaded.append(name)
        return EmbeddedBackbone.random("nano")

    monkeypatch.setattr(bench_errors, "load_backbone", load)
    for name in NAMES:
        benchmark = BENCHMARKS.get(name)
        monkeypatch.setattr(benchmark, "protocol", benchmark.protocol | SMALL)
    return loaded


def call(*arguments: object) -> int:
    return main(["bench", "errors", *map(str, arguments)])


def by_hand(result: dict[str, Any], row: str) -> float:
    """A row's share of the way, from the published result."""
    score = result["primary"]
    value = {name: scores[score]["value"] for name, scores in result["rows"].items() if scores}
    value["model"] = result["scores"][score]["value"]
    return (value[row] - value["blind"]) / (value["oracle"] - value["blind"])


def test_the_command(
    tiny_world: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(*NAMES, NAMES[0], "--limit", 2, "--out", tmp_path, "--json", "-") == 0
    assert tiny_world == ["tiny"]
    said = capsys.readouterr()
    report = json.loads(said.out)
    check("errors", report)
    assert [found["benchmark"] for found in report["results"]] == NAMES
    for found in report["results"]:
        result = json.loads((tmp_path / found["benchmark"] / "result.json").read_text())
        share = {row: by_hand(result, row) for row in (*ROWS, "model")}
        lost = {term: part["share"] for term, part in found["lost"].items()}
        assert lost["codec"] == pytest.approx(1 - share["ceiling"])
        assert lost["draft"] == pytest.approx(share["ceiling"] - share["draft"])
        assert lost["autoregression"] == pytest.approx(share["draft"] - share["model"])
        assert found["past"]["share"] == pytest.approx(share["prefix"] - share["model"])
        assert sum(lost.values()) + found["reached"]["share"] == pytest.approx(1)
        assert lost[found["largest"]] == max(lost.values())
        assert found["lost"]["codec"]["ci95"] is None, "two images"
        assert found["partial"] and found["n"] == 2 and found["mode"] == "verified"
        (line,) = (line for line in said.err.splitlines() if line.startswith(f"{found['benchmark']}*"))
        assert f"{found['values']['verified']:.4f}" in line and line.endswith(found["largest"])

    def refuse(*_: object) -> None:
        raise AssertionError("painted or loaded twice")

    for name in ("paint", "paint_after"):
        monkeypatch.setattr(EmbeddedScene, name, refuse)
    assert call(*NAMES, "--limit", 2, "--out", tmp_path, "--json", tmp_path / "again.json") == 0
    assert json.loads((tmp_path / "again.json").read_text()) == report
    monkeypatch.setattr(bench_errors, "load_backbone", refuse)
    folders = [tmp_path / NAMES[0], tmp_path / NAMES[1] / "result.json"]
    assert call(*folders, "--json", tmp_path / "read.json") == 0
    assert json.loads((tmp_path / "read.json").read_text()) == report


def test_a_run_keeps_the_rows_it_has(camvid: Path, tmp_path: Path) -> None:
    assert rows_for(RunFolder(tmp_path / "new"), None) == ROWS
    run(
        "camvid11",
        Reader(),
        tmp_path / "a",
        Options(data=camvid, limit=1, rows=("codec", "blind", "specialist")),
    )
    folder = RunFolder(tmp_path / "a")
    told = folder.plan()["identities"].get("specialist", {}).get("weights")
    assert rows_for(folder, "another") == (*ROWS, "codec")
    assert told is None or rows_for(folder, told) == (*ROWS, "codec", "specialist")


def test_what_cannot_be_told(camvid: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def made(name: str, rows: tuple[str, ...], mode: str = "verified") -> RunFolder:
        run("camvid11", Reader(), tmp_path / name, Options(data=camvid, rows=rows, mode=mode))
        return RunFolder(tmp_path / name)

    assert open_run(tmp_path) is None
    with pytest.raises(UsageError, match=r"no ceiling row .*visiongen bench errors camvid11 --out"):
        error_terms(made("few", ("blind", "oracle")))
    with pytest.raises(UsageError, match=r"no ceiling row \(backbone 'reader': it has no tokenizer"):
        error_terms(made("bare", ("blind", "oracle", "ceiling", "draft")))
    with pytest.raises(UsageError, match="mode draft; give a run of --mode verified"):
        error_terms(made("draft", ROWS, "draft"))
    with pytest.raises(UsageError, match=r"--option recycles, which also changes a draft"):
        folder = made("recycled", ROWS)
        plan = folder.plan()
        plan["sample"]["options"] = {"recycles": 2}
        folder.write_plan(plan)
        error_terms(folder)
    assert call(tmp_path / "draft") == 2 and "mode draft" in capsys.readouterr().err
    (tmp_path / "few" / "samples.jsonl").unlink()
    plan = RunFolder(tmp_path / "few").plan()
    plan["keys"] |= {"ceiling": plan["keys"]["blind"], "draft": plan["keys"]["blind"]}
    RunFolder(tmp_path / "few").write_plan(plan)
    with pytest.raises(UnfinishedError, match="lacks 6 of 6 images"):
        error_terms(RunFolder(tmp_path / "few"))


def test_rows_that_are_not_there_leave_their_terms_open(camvid: Path, tmp_path: Path) -> None:
    """A backbone without teacher forcing has no prefix; without train data there is no blind guess."""
    run(
        "camvid11", Reader(), tmp_path / "a", Options(data=camvid, rows=("blind", "oracle", "codec", "draft"))
    )
    folder = RunFolder(tmp_path / "a")
    plan = folder.plan()
    plan["keys"]["ceiling"] = plan["keys"].pop("codec")  # a ceiling, as scored for the codec
    plan["reasons"] = {"prefix": "it cannot paint after a given map"}
    folder.write_plan(plan)
    found = error_terms(folder)
    check("errors", {"schema": "visiongen.errors/1", "results": [found]})
    assert found["past"] is None and found["values"]["prefix"] is None
    assert found["lost"]["autoregression"] == {"share": 0.0, "ci95": [0.0, 0.0]}  # this reader has one mode
    assert found["largest"] in ("codec", "draft") and found["reached"]["share"] > 0.9
    assert "camvid11: no prefix row: it cannot paint after a given map" in table([found])
    assert found["options"] == {} and "model with" not in "".join(table([found]))
    plan["sample"]["options"] = {"trust": 1.5}  # a draft has no use for it
    folder.write_plan(plan)
    asked = error_terms(folder)
    check("errors", {"schema": "visiongen.errors/1", "results": [asked]})
    assert asked["options"] == {"trust": 1.5}
    assert "camvid11: model with trust=1.5; the other rows without" in table([asked])
    del plan["keys"]["blind"]
    folder.write_plan(plan)
    blind = error_terms(folder)
    assert set(blind["lost"].values()) == {None} and blind["reached"] is blind["largest"] is None
    assert table([blind])[1].endswith("| -") and blind["values"]["draft"] == found["values"]["draft"]
