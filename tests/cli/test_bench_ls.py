"""``visiongen bench ls``: what there is, by task, and what can be run here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image

from visiongen.benchmarks.result_schema import FOLDER, check
from visiongen.cli.main import main
from visiongen.registry import BENCHMARKS


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data root that holds the folders of DUTS-TE and nothing else."""
    for folder in ("DUTS-TE-Image", "DUTS-TE-Mask"):
        (tmp_path / "DUTS-TE" / folder).mkdir(parents=True)
        Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "DUTS-TE" / folder / "a.png")
    return tmp_path


def listed(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict[str, Any]]:
    assert main(["bench", "ls", "--json", *map(str, arguments)]) == 0
    report = json.loads(capsys.readouterr().out)
    check("ls", report)
    jsonschema.validate(report, json.loads((FOLDER / "ls.schema.json").read_text()))
    found: list[dict[str, Any]] = report["benchmarks"]
    return found


def test_json_names_every_benchmark_and_where_its_data_is(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = {row["name"]: row for row in listed(capsys, "--data", root)}
    assert list(rows) == list(BENCHMARKS)
    assert rows["duts-te"]["present"] == str(root) and rows["duts-te"]["n"] == 5019
    assert rows["hku-is"]["present"] is None and not rows["hku-is"]["rendered"]
    assert rows["world-depth"]["rendered"] and rows["world-depth"]["present"] is None
    assert {row["name"] for row in rows.values() if row["present"]} == {"duts-te"}
    for row in rows.values():
        assert row["n"] == row["splits"][row["default_split"]]


def test_without_a_data_root_only_rendered_ones_can_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VISIONGEN_DATA", raising=False)
    assert not [row for row in listed(capsys) if row["present"]]


def test_one_task(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = listed(capsys, "--task", "salient")
    assert {"duts-te", "ecssd", "world-salient"} <= {row["name"] for row in rows}
    assert {row["task"] for row in rows} == {"salient"}
    assert main(["bench", "ls", "--task", "salience"]) == 2
    error = capsys.readouterr().err
    assert "--task 'salience'" in error and "salient" in error and len(error.strip().splitlines()) == 1


def test_the_table_is_by_task_with_a_line_a_benchmark(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "ls", "--data", str(root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    tasks = [line.strip() for line in lines[1:-1] if not line.startswith(" ")]
    assert tasks == sorted(tasks) and {"depth", "salient", "semantic"} <= set(tasks)
    line = next(line for line in lines if line.split()[:1] == ["duts-te"])
    assert line.split()[1:6] == ["1.1", "test", "5", "019", "MAE"] and "DUTS" not in line
    assert next(line for line in lines if "world-depth" in line).rstrip().endswith("rendered")
    assert next(line for line in lines if "hku-is" in line).rstrip().endswith("not found")
    assert lines[-1].startswith(f"{len(BENCHMARKS)} benchmarks, ")
    names = [line.split()[0] for line in lines[1:-1] if line.startswith(" ")]
    assert sorted(names) == list(BENCHMARKS), "no name is broken over lines"
