"""Weights in folders and repositories as the Hugging Face Hub has them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import numpy as np
import pytest
from huggingface_hub import ModelCard
from typer.testing import CliRunner

from visiongen import weights
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.cli.main import app
from visiongen.errors import MissingDataError, UsageError, VisiongenError, WeightsError
from visiongen.files import sha256
from visiongen.painter_config import PainterConfig
from visiongen.prompt import Prompt
from visiongen.training import start
from visiongen.weights import hub


@pytest.fixture(scope="module")
def nano() -> EmbeddedBackbone:
    backbone = EmbeddedBackbone.random("nano", seed=3)
    backbone.facts = {"source": "a test", "training_data": "none"}
    return backbone


def painted(backbone: EmbeddedBackbone) -> np.ndarray:
    return backbone.scene(size=(16, 24)).paint([Prompt("image", "a photo")])[0].image


def test_a_folder_and_back(nano: EmbeddedBackbone, tmp_path: Path) -> None:
    folder = nano.save_pretrained(tmp_path / "mine")
    assert sorted(file.name for file in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    read = EmbeddedBackbone.from_pretrained(folder)
    assert (read.name, read.facts) == (nano.name, nano.facts)
    assert np.array_equal(painted(read), painted(EmbeddedBackbone.load(folder)))
    again = read.save_pretrained(tmp_path / "again")
    for name in (hub.MODEL, hub.CONFIG, hub.CARD):
        assert sha256(folder / name) == sha256(again / name), name
    config = json.loads((folder / hub.CONFIG).read_text())
    assert (
        config["library_name"] == "visiongen"
        and PainterConfig.from_dict(config["painter"]) == read.painter.config
    )


def test_shipped_weights_keep_their_bytes_their_licence_and_their_card(tmp_path: Path) -> None:
    CliRunner().invoke(app, ["weights", "export", "tiny", str(tmp_path / "tiny")], catch_exceptions=False)
    entry = weights.entry("tiny")
    assert sha256(tmp_path / "tiny" / hub.MODEL) == entry.sha256
    card = ModelCard.load(tmp_path / "tiny" / hub.CARD)
    assert card.data.license == entry.licence.lower()
    assert card.data.library_name == "visiongen"
    assert card.text.strip() == (weights.ROOT / entry.card).read_text().strip()


def test_a_licence_that_the_hub_does_not_know_is_named(nano: EmbeddedBackbone, tmp_path: Path) -> None:
    hub.describe(tmp_path, nano.header() | {"licence": "My-1.0"})
    data = ModelCard.load(tmp_path / hub.CARD).data
    assert (data.license, data.license_name) == ("other", "My-1.0")


def test_a_card_keeps_its_own_head(nano: EmbeddedBackbone, tmp_path: Path) -> None:
    mine = "---\nlicense: mit\n---\n# Mine\n"
    assert (nano.save_pretrained(tmp_path, mine) / hub.CARD).read_text() == mine


@pytest.fixture
def fake_hub(nano: EmbeddedBackbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A Hub of one repository, me/mine, on disk; the dict says what was asked of it."""
    asked: dict[str, Any] = {}
    store = nano.save_pretrained(tmp_path / "store")

    def download(repository: str, name: str, revision: str | None = None, **options: Any) -> str:
        asked.update(repository=repository, revision=revision, **options)
        return str(store / name)

    class Api:
        def __init__(self, token: str | None = None) -> None:
            asked["token"] = token

        def create_repo(self, name: str, **options: Any) -> Any:
            asked["made"] = (name, options)
            return SimpleNamespace(repo_id=name)

        def create_branch(self, name: str, **options: Any) -> None:
            asked["branch"] = options["branch"]

        def upload_folder(self, *, folder_path: Path, **options: Any) -> Any:
            shutil.copytree(folder_path, tmp_path / "uploaded")
            asked["upload"] = options
            return SimpleNamespace(commit_url="https://hub/me/mine/commit/1")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    return asked


def test_a_name_of_the_package_is_never_a_folder(
    nano: EmbeddedBackbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    nano.save_pretrained("tiny")
    assert EmbeddedBackbone.load("tiny").weights == EmbeddedBackbone.load(weights.path("tiny")).weights
    assert EmbeddedBackbone.load(tmp_path / "tiny").name == nano.name


@pytest.mark.parametrize("name", ["me/mine", "hf-hub:me/mine", "hf-hub:me/mine@v2"])
def test_a_repository_is_fetched(nano: EmbeddedBackbone, fake_hub: dict[str, Any], name: str) -> None:
    read = EmbeddedBackbone.from_pretrained(name, cache_dir="there", local_files_only=True)
    assert np.array_equal(painted(read), painted(EmbeddedBackbone.load("hf-hub:me/mine")))
    assert fake_hub["repository"] == "me/mine"
    EmbeddedBackbone.from_pretrained("me/mine", revision="v1", token="secret")
    assert (fake_hub["revision"], fake_hub["token"], fake_hub["cache_dir"]) == ("v1", "secret", "there")


def test_a_revision_is_named_once(fake_hub: dict[str, Any]) -> None:
    hub.locate("hf-hub:me/mine@v2")
    assert fake_hub["revision"] == "v2"
    with pytest.raises(UsageError, match="v2, but v1"):
        hub.locate("hf-hub:me/mine@v2", "v1")


def test_a_recipe_starts_from_a_folder_or_a_repository(
    nano: EmbeddedBackbone, fake_hub: dict[str, Any], tmp_path: Path
) -> None:
    folder = nano.save_pretrained(tmp_path / "here")
    assert start.find(folder) == folder / hub.MODEL
    assert sha256(start.find("hf-hub:me/mine")) == sha256(folder / hub.MODEL)


def test_pushed_as_saved(nano: EmbeddedBackbone, fake_hub: dict[str, Any], tmp_path: Path) -> None:
    url = nano.push_to_hub("me/mine", private=True, branch="next", card="# Mine\n")
    assert url == "https://hub/me/mine/commit/1"
    assert fake_hub["made"] == ("me/mine", {"private": True, "exist_ok": True})
    assert fake_hub["branch"] == fake_hub["upload"]["revision"] == "next"
    assert sha256(tmp_path / "uploaded" / hub.MODEL) == sha256(
        nano.save_pretrained(tmp_path / "same") / hub.MODEL
    )
    assert (tmp_path / "uploaded" / hub.CARD).read_text().endswith("# Mine\n")


@pytest.mark.parametrize("kind", [str, Path])
def test_a_card_is_read_from_its_file(nano: EmbeddedBackbone, tmp_path: Path, kind: type) -> None:
    (tmp_path / "mine.md").write_text("# Mine\n")
    folder = nano.save_pretrained(tmp_path / "out", card=kind(tmp_path / "mine.md"))
    assert (folder / hub.CARD).read_text().endswith("---\n\n# Mine\n")
    with pytest.raises(MissingDataError, match=r"other\.md: no such file"):
        nano.save_pretrained(tmp_path / "none", card=kind(tmp_path / "other.md"))
    assert not (tmp_path / "none").exists()


def test_the_command_pushes_with_the_card_of_the_package(fake_hub: dict[str, Any], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["weights", "push", "tiny", "me/mine"], catch_exceptions=False)
    assert result.stdout.strip() == "https://hub/me/mine/commit/1"
    assert "# Model card" in (tmp_path / "uploaded" / hub.CARD).read_text()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hf-hub:nobody/nothing", "hf-hub:nobody/nothing: model.safetensors not fetched"),
        ("hf-hub:nobody/nothing@v1", "hf-hub:nobody/nothing at v1"),
        ("hf-hub:not a name", "neither a folder nor a repository"),
    ],
)
def test_what_is_not_there_is_said(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        hub.locate(name, cache_dir=tmp_path)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_folder_without_weights_and_a_file_cut_short(nano: EmbeddedBackbone, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"holds no model\.safetensors"):
        EmbeddedBackbone.from_pretrained(tmp_path)
    folder = nano.save_pretrained(tmp_path / "cut")
    (folder / hub.MODEL).write_bytes((folder / hub.MODEL).read_bytes()[:-100])
    with pytest.raises(VisiongenError, match="truncated or altered"):
        EmbeddedBackbone.load(folder)


def test_each_attempt_of_the_hubs_client_is_not_told(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    import logging

    def download(*_: Any, **__: Any) -> str:
        logging.getLogger("huggingface_hub.utils._http").warning("Retrying in 1s")
        raise OSError("no network")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    with pytest.raises(WeightsError, match=r"not fetched \(no network\)"):
        hub.locate("hf-hub:me/mine")
    assert "Retrying" not in caplog.text
    assert logging.getLogger("huggingface_hub").level != logging.ERROR
