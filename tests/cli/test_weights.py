"""weights ls and verify, on a folder of weights of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from visiongen import weights
from visiongen.cli.main import main


@pytest.fixture
def shelf(tmp_path: Path, nano_weights: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A weights folder with one file and its manifest."""
    from visiongen.files import sha256

    content = Path(nano_weights).read_bytes()
    (tmp_path / "nano.safetensors").write_bytes(content)
    fields = {"name": "nano", "file": "nano.safetensors", "sha256": sha256(nano_weights)}
    fields |= {"licence": "Apache-2.0", "source": "random", "training_data": "none"}
    lines = [f'{key} = "{value}"' for key, value in fields.items()]
    lines += [f"bytes = {len(content)}", "minutes = 0.0"]
    (tmp_path / "manifest.toml").write_text("[[weights]]\n" + "\n".join(lines) + "\n")
    monkeypatch.setattr(weights, "ROOT", tmp_path)
    return tmp_path


def test_ls(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "ls"]) == 0
    assert "Apache-2.0" in capsys.readouterr().out
    assert main(["weights", "ls", "--json", "-"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in report["weights"]] == ["nano"]


def test_verify(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "verify"]) == 0
    assert "nano: ok" in capsys.readouterr().out
    file = shelf / "nano.safetensors"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert main(["weights", "verify", "--json", "-"]) == 3
    shown = capsys.readouterr()
    assert json.loads(shown.out)["weights"][0]["ok"] is False
    assert "nano.safetensors" in shown.err and "altered" in shown.err


def test_a_named_file_that_is_altered_is_not_used(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    Image.new("RGB", (32, 32)).save(shelf / "a.png")
    words = ["predict", "depth", str(shelf / "a.png"), "--out", str(shelf / "out"), "--weights", "nano"]
    assert main([*words, "--long-side", "16"]) == 0
    file = shelf / "nano.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    assert main(words) == 3
    assert "nano.safetensors: truncated or altered: expected" in capsys.readouterr().err


def test_verify_with_nothing_to_verify(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shelf / "manifest.toml").write_text("")
    assert main(["weights", "verify"]) == 3
    assert "lists no weights" in capsys.readouterr().err
