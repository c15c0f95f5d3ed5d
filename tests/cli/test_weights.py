"""weights ls, verify and checks, on a folder of weights of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from visiongen import weights
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.cli.main import main
from visiongen.transformer import Painter
from visiongen.weights import facts


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


def test_a_name_that_is_entered_twice_is_an_error(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = shelf / "manifest.toml"
    manifest.write_text(2 * manifest.read_text())
    assert main(["weights", "verify"]) == 3
    assert "'nano' is entered twice" in capsys.readouterr().err


def test_a_painter_without_context_is_checked_by_what_it_reads(nano_weights: str) -> None:
    whole = EmbeddedBackbone.load(nano_weights)
    plain = EmbeddedBackbone(whole.tokenizer, Painter(replace(whole.painter.config, context=False)))
    known, found = facts.backbone_facts(whole), facts.backbone_facts(plain)
    assert set(known) - set(found) == {"incontext, draft", "incontext, causal"} and found


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


@pytest.fixture
def packed(shelf: Path) -> Path:
    """The same folder, its file called what the manifest says, with checks made here."""
    _change(shelf, lambda backbone: None)
    assert main(["weights", "checks"]) == 0
    return shelf


def _change(shelf: Path, change: Callable[[EmbeddedBackbone], None], name: str = "nano") -> None:
    """Save the weights again after ``change``; the file loads, and the manifest has its new hash."""
    from visiongen.files import sha256

    file, manifest = shelf / "nano.safetensors", shelf / "manifest.toml"
    before = (sha256(file), file.stat().st_size)
    backbone = EmbeddedBackbone.load(file)
    change(backbone)
    backbone.name = name
    text = manifest.read_text().replace(before[0], backbone.save(file))
    manifest.write_text(text.replace(f"bytes = {before[1]}", f"bytes = {file.stat().st_size}"))
    assert main(["weights", "verify"]) == 0


def _deep(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code of ``verify --deep`` and what it says on stderr."""
    capsys.readouterr()
    code = main(["weights", "verify", "--deep"])
    return code, capsys.readouterr().err


def test_deep_passes_what_was_packed(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["weights", "verify", "--deep", "--json", "-"]) == 0
    row = json.loads(capsys.readouterr().out)["weights"][0]
    assert row["ok"] and row["difference"] < 0.1
    stored = json.loads((packed / "nano.checks.json").read_text())["facts"]
    assert {"depth, draft", "depth, causal", "photo, draft", "incontext, causal"} <= set(stored)
    assert len(stored["depth, draft"]["colours"]) == 18


def test_deep_finds_one_value_of_another_sign(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file loads, its own digest and the manifest agree; only the checks know better."""

    def flip(backbone: EmbeddedBackbone) -> None:
        weight = backbone.tokenizer.decoder[0].weight
        with torch.no_grad():
            weight.view(-1)[7] *= -1

    _change(packed, flip)
    code, said = _deep(capsys)
    assert code == 3 and len(said.splitlines()) == 1
    assert "nano.safetensors: not the weights that nano.checks.json was made of" in said


def test_deep_finds_an_installation_that_computes_wrongly(
    packed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = torch.nn.functional.silu
    monkeypatch.setattr(torch.nn.functional, "silu", lambda x, inplace=False: right(x) + 0.05 * x)
    code, said = _deep(capsys)
    assert code == 3 and len(said.splitlines()) == 1
    assert "whole, but they paint otherwise" in said and "torch" in said

    def broken(*args: object, **options: object) -> None:
        raise RuntimeError("no kernel image is available")

    monkeypatch.setattr(torch.nn.functional, "silu", broken)
    code, said = _deep(capsys)
    assert code == 3 and "fails (no kernel image is available)" in said


def test_deep_compares_with_the_manifest_and_needs_its_checks(
    packed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _change(packed, lambda backbone: None, name="other")
    assert main(["weights", "checks", "nano"]) == 3
    assert "calls itself 'other', the manifest 'nano'" in capsys.readouterr().err
    (packed / "nano.checks.json").unlink()
    code, said = _deep(capsys)
    assert code == 3 and "visiongen weights checks nano" in said


def test_last_bits_do_not_matter(nano_weights: str) -> None:
    """Ten times a machine's rounding stays far inside the tolerance; a hundredth of each weight does not."""
    from visiongen.weights.facts import backbone_facts, worst

    backbone = EmbeddedBackbone.load(nano_weights)
    expected = backbone_facts(backbone)

    def noisy(size: float) -> float:
        backbone = EmbeddedBackbone.load(nano_weights)
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for p in backbone.painter.parameters():
                p *= 1 + size * torch.randn(p.shape, generator=generator)
        return worst(expected, backbone_facts(backbone))[0]

    assert noisy(1e-6) < 0.1
    assert noisy(0.01) > 1


def test_facts_of_another_kind_are_never_alike() -> None:
    from visiongen.weights.facts import worst

    one = {"a": {"levels": [1.0, 2.0]}}
    assert worst(one, {"a": {"levels": [1.0025, 2.0]}}) == (pytest.approx(0.5), "a: levels")
    assert worst(one, {"a": {"levels": [1.0]}})[0] == float("inf")
    assert worst(one, {"a": {}})[0] == float("inf")
    assert worst(one, {"b": {"levels": [1.0, 2.0]}})[0] == float("inf")
    assert worst(one, {"a": {"levels": [float("nan"), 2.0]}})[0] == float("inf")


@pytest.mark.slow
def test_the_shipped_weights_load_and_paint_as_packed(shipped: str) -> None:
    """Fails after an exchange of weights without `visiongen weights checks`."""
    from visiongen.weights.deep import verify_deep

    for entry in weights.list():
        assert verify_deep(entry.name).difference < 1
