"""``visiongen bench speed`` from the command line, on random weights."""

from __future__ import annotations

import json

from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.cli.main import main


def test_speed_writes_json_and_exits_zero(tmp_path, capsys) -> None:
    path = tmp_path / "nano.safetensors"
    digest = EmbeddedBackbone.random("nano").save(path)
    target = tmp_path / "speed.json"
    rows = "verified-vs-sequential, agreement"
    arguments = ["--weights", str(path), "--rounds", "1", "--long-side", "32", "--rows", rows]
    assert main(["bench", "speed", *arguments, "--json", str(target)]) == 0
    result = json.loads(target.read_text())
    assert result["schema"] == "visiongen.speed/1" and result["weights"]["sha256"] == digest
    assert [row["name"] for row in result["rows"]] == [
        "verified-vs-sequential/depth",
        "verified-vs-sequential/normals",
        "verified-vs-sequential/semantic",
    ]
    assert all(row["equal"] and row["ratio"] > 0 for row in result["rows"])
    assert "agreement/depth: verified differs from sequential in 0 of" in capsys.readouterr().out


def test_wrong_rows_and_rounds_are_usage_errors(tmp_path, capsys) -> None:
    path = tmp_path / "nano.safetensors"
    EmbeddedBackbone.random("nano").save(path)
    assert main(["bench", "speed", "--weights", str(path), "--rows", "speed"]) == 2
    assert "speed row 'speed': choose from" in capsys.readouterr().err
    assert main(["bench", "speed", "--weights", str(path), "--rounds", "0"]) == 2
    assert main(["bench", "speed", "--weights", str(tmp_path / "none.safetensors")]) == 3
