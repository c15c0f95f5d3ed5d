"""Two stages from disk, and answers made by anyone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench_helpers import Reader
from PIL import Image

from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.benchmarks.runner import Options, infer, run, score, score_predictions
from visiongen.benchmarks.store import MAPS, RESULT, SAMPLES, RunFolder
from visiongen.errors import InputError, MissingDataError, UsageError

FAST = ("blind", "oracle", "codec")


def options(camvid: Path, **more: Any) -> Options:
    return Options(data=camvid, **({"rows": FAST} | more))


def comparable(result: dict[str, Any]) -> dict[str, Any]:
    return {key: result[key] for key in ("scores", "rows", "differences", "failures", "n_scored", "n_failed")}


def test_infer_then_score_is_run(camvid: Path, tmp_path: Path) -> None:
    at_once = run("camvid11", Reader(), tmp_path / "run", options(camvid))
    painter = Reader()
    assert infer("camvid11", painter, tmp_path / "two", options(camvid)) == 6 == painter.calls
    assert not (tmp_path / "two" / RESULT).exists() and not (tmp_path / "two" / SAMPLES).exists()
    later = score(tmp_path / "two", camvid)
    assert comparable(dict(later)) == comparable(dict(at_once))
    assert later["weights"] == at_once["weights"] and later["sample"] == at_once["sample"]
    assert infer("camvid11", painter, tmp_path / "two", options(camvid)) == 0


def test_the_samplers_options_are_the_models_and_stand_in_the_result(camvid: Path, tmp_path: Path) -> None:
    nano, chosen = EmbeddedBackbone.random("nano"), {"steps": 3}
    rows = options(camvid, rows=("draft",), mode="masked", limit=2)
    default = run("camvid11", nano, tmp_path / "default", rows)
    result = run("camvid11", nano, tmp_path / "three", replace(rows, options=chosen))
    assert result["sample"]["options"] == chosen and "options" not in default["sample"]
    painted = RunFolder(tmp_path / "three").painted().values()
    assert {record["decode"]["passes"] for record in painted if record["row"] == "model"} == {3}
    assert {record["decode"]["passes"] for record in painted if record["row"] == "draft"} == {1}
    one = run("camvid11", nano, tmp_path / "one", replace(rows, options={"steps": 1}))
    assert one["scores"] == one["rows"]["draft"]
    refused = {"--option phrase: a benchmark takes": {"phrase": "x"}, "steps 0": {"steps": 0}}
    refused |= {"trust: mode masked does not use it": {"trust": 1}}
    for message, wrong in refused.items():
        with pytest.raises(UsageError, match=message):
            replace(rows, options=wrong)


def test_scoring_needs_the_maps_as_they_were_painted(camvid: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    infer("camvid11", Reader(), out, options(camvid))
    maps = sorted((out / MAPS).rglob("*.png"))
    assert [path.stem for path in maps] == [f"val00{i}" for i in range(6)]
    Image.fromarray(np.zeros((24, 32, 3), np.uint8)).save(maps[0])
    result = score(out, camvid)
    assert result["n_failed"] == 1 and "altered since it was painted" in result["failures"][0]["error"]
    assert infer("camvid11", Reader(), out, options(camvid)) == 1
    assert score(out, camvid)["n_failed"] == 0


def test_what_is_not_painted_is_not_scored_silently(camvid: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    infer("camvid11", Reader(), out, options(camvid))
    lines = (out / "painted.jsonl").read_text().splitlines()
    (out / "painted.jsonl").write_text("\n".join(lines[:-2]) + "\n")
    with pytest.raises(MissingDataError, match="row 'model' lacks 2 of 6 images"):
        score(out, camvid)
    with pytest.raises(MissingDataError, match="holds no run"):
        score(tmp_path / "nowhere", camvid)


def test_another_protocol_scores_anew_but_paints_nothing(
    camvid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from visiongen.benchmarks.runner import get_benchmark

    out = tmp_path / "out"
    run("camvid11", Reader(), out, options(camvid))
    benchmark = get_benchmark("camvid11")
    monkeypatch.setattr(benchmark, "protocol", benchmark.protocol | {"primary": "aAcc"})
    before = (out / SAMPLES).read_text().count("\n")
    assert score(out, camvid)["primary"] == "aAcc"
    assert (out / SAMPLES).read_text().count("\n") == before + 4 * 6


def test_the_oracle_says_what_the_protocol_gives_to_a_perfect_answer(camvid: Path, tmp_path: Path) -> None:
    result = run("camvid11", Reader(shift=1), tmp_path / "out", options(camvid))
    oracle = result["rows"]["oracle"]
    assert oracle is not None and oracle["mIoU_mmseg"]["value"] == 1
    assert result["differences"]["oracle"]["verdict"] == "worse"


@pytest.fixture
def answers(camvid: Path, tmp_path: Path) -> Path:
    """The true ids, as a user would save them: PNG, NPY, and a painted map with its codec."""
    folder = tmp_path / "answers"
    folder.mkdir()
    for path in sorted((camvid / "val" / "labels").glob("*.png")):
        labels = np.array(Image.open(path))
        if path.stem.endswith("1"):
            np.save(folder / f"{path.stem}.npy", labels.astype(np.int64))
        else:
            Image.fromarray(labels).save(folder / path.name)
    return folder


def test_labels_made_by_anyone(camvid: Path, answers: Path, tmp_path: Path) -> None:
    rows = (*FAST, "ceiling")
    result = score_predictions("camvid11", answers, tmp_path / "out", options(camvid, rows=rows))
    assert result["scores"]["mIoU_mmseg"]["value"] == 1 and result["n_scored"] == 6
    assert result["rows"]["ceiling"] is None and "no tokenizer" in result["reasons"]["ceiling"]
    assert result["rows"]["blind"]["mIoU"]["value"] < 0.6  # type: ignore[index]
    assert result["weights"]["name"] == "answers" and result["sample"]["mode"] == "predictions"
    assert comparable(dict(score(tmp_path / "out", camvid))) == comparable(dict(result))


def test_a_missing_or_damaged_prediction_is_the_worst_case(
    camvid: Path, answers: Path, tmp_path: Path
) -> None:
    (answers / "val000.png").unlink()
    (answers / "val002.png").write_bytes(b"no picture")
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(answers / "val003.png")
    result = score_predictions("camvid11", answers, tmp_path / "out", options(camvid, rows=()))
    assert result["n_failed"] == 3 and result["n_scored"] == 3
    assert {f["id"] for f in result["failures"]} == {"val000", "val002", "val003"}
    assert result["scores"]["aAcc"]["value"] == pytest.approx(0.5)


def test_a_changed_prediction_is_scored_anew(camvid: Path, answers: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    score_predictions("camvid11", answers, out, options(camvid, rows=()))
    wrong = (np.array(Image.open(answers / "val000.png")) + 1) % 11
    Image.fromarray(wrong.astype(np.uint8)).save(answers / "val000.png")
    result = score_predictions("camvid11", answers, out, options(camvid, rows=()))
    assert result["scores"]["aAcc"]["value"] == pytest.approx(5 / 6)
    assert (out / SAMPLES).read_text().count("\n") == 7


def test_painted_maps_are_read_by_the_codec_in_them(camvid: Path, tmp_path: Path) -> None:
    run("camvid11", Reader(), tmp_path / "run", options(camvid, rows=(), legend_seed=5))
    folder = next((tmp_path / "run" / MAPS).iterdir())
    shutil.copytree(folder, tmp_path / "maps")
    (tmp_path / "maps" / "val001.png").rename(tmp_path / "maps" / "val001.semantic.map.png")
    result = score_predictions("camvid11", tmp_path / "maps", tmp_path / "out", options(camvid, rows=()))
    assert result["scores"]["mIoU_mmseg"]["value"] == 1  # other colours: the map's own legend counts


def test_predictions_that_are_not_there(camvid: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="no such file or folder"):
        score_predictions("camvid11", tmp_path / "none", tmp_path / "out", options(camvid))
    (tmp_path / "file.json").write_text("[]")
    with pytest.raises(InputError, match="reads a folder of files named after its"):
        score_predictions("camvid11", tmp_path / "file.json", tmp_path / "out", options(camvid))


def test_the_plan_names_no_place_of_the_data(camvid: Path, tmp_path: Path) -> None:
    run("camvid11", Reader(), tmp_path / "out", options(camvid))
    assert str(camvid) not in json.dumps(RunFolder(tmp_path / "out").plan())


def test_scoring_keeps_specialists_and_who_painted(
    camvid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from visiongen.benchmarks import run as stage
    from visiongen.benchmarks.report.made import command
    from visiongen.benchmarks.report.read import read_run
    from visiongen.benchmarks.result_schema import validate_result

    def on(machine: str) -> None:
        monkeypatch.setattr(stage, "environment", lambda device: {"machine": machine, "device": str(device)})

    out, given = tmp_path / "out", str(tmp_path / "runs" / "specialist-camvid11")
    painter = Reader()
    painter.device = "cuda:0"  # type: ignore[attr-defined]
    on("painter")
    infer("camvid11", painter, out, options(camvid, specialists=[given]))
    on("scorer")
    for _ in range(2):
        result = score(out, camvid)
        assert result["env"] == {"machine": "scorer", "device": "cpu"}
        assert result["painted_env"] == {"machine": "painter", "device": "cuda:0"}
        assert RunFolder(out).plan()["specialists"] == [given]
        assert f"--specialist {given}" in command(read_run(out))
    on("third")
    assert run("camvid11", painter, out, options(camvid))["painted_env"]["machine"] == "painter"
    validate_result(dict(run("camvid11", Reader(sha="c" * 64), out, options(camvid))))
    assert RunFolder(out).plan()["painted_env"]["machine"] == "third", "other weights are painted anew"
    folder = RunFolder(out)
    folder.write_plan({k: v for k, v in folder.plan().items() if k not in ("painted_env", "specialists")})
    assert score(out, camvid)["painted_env"]["machine"] == "third", "of a plan as older versions wrote it"
    (tmp_path / "given").mkdir()
    given_result = score_predictions("camvid11", tmp_path / "given", out, options(camvid))
    assert "painted_env" not in given_result, "none of these answers was painted by any of them"


def test_the_device_is_what_was_computed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from visiongen.benchmarks.result import environment

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device=None: f"card {device}")
    assert environment()["device"] == environment(torch.device("cpu"))["device"] == "cpu"
    assert environment(torch.device("cuda:1"))["device"] == "card cuda:1"


def test_the_commit_is_that_of_the_code_and_not_of_the_project_it_is_installed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    from visiongen.benchmarks import result

    if shutil.which("git") is None:
        pytest.skip("git is not installed")

    def git(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        done = subprocess.run(["git", *who, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    code = tmp_path / ".venv" / "result.py"
    code.parent.mkdir()
    shutil.copy(result.__file__, code)
    monkeypatch.setattr(result, "__file__", str(code))
    assert result.environment()["commit"] is None, "no repository"
    git("init")
    git("commit", "--allow-empty", "-m", "somebody's project")
    assert result.environment()["commit"] is None, "another project's"
    git("add", "--force", ".venv/result.py")
    git("commit", "-m", "the code itself")
    assert result.environment()["commit"] == git("rev-parse", "HEAD")
