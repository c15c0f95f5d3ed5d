"""Recipes: every shipped one is valid, mistakes are one clear line, the command runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import typer
from typer.testing import CliRunner

from visiongen import checkpoint
from visiongen.cli.train import train
from visiongen.errors import MissingDataError, UsageError, WeightsError
from visiongen.training.export import PREFIX
from visiongen.training.plot import plot_log
from visiongen.training.recipe import check_recipe, find_recipe, load_recipe
from visiongen.training.run import build_model, build_trainer, pick_device, trained_model

SHIPPED = sorted(find_recipe("nano-test").parent.glob("*.toml"))
GOOD = {
    "model": {"target": "visiongen.tokenizer:ImageTokenizer"},
    "data": [{"source": "shapes", "options": {"size": [16, 16]}}],
    "schedule": {"steps": 3},
}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_shipped_recipes(path: Path) -> None:
    recipe = load_recipe(path.stem)
    assert recipe.data and load_recipe(path) == recipe
    header = path.read_text().split("[model]")[0]
    assert f"visiongen train {path.stem}" in header
    assert "# cost:" in header and "# expected:" in header


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"optim": {"lr": -1}}, "r.toml: optim.lr = -1:"),
        ({"optim": {"betas": [0.9, 1.5]}}, "r.toml: optim.betas.1 = 1.5:"),
        ({"optim": {"learning_rate": 1}}, "r.toml: optim.learning_rate = 1: no such field"),
        ({"schedule": {}}, "neither steps nor minutes"),
        ({"data": []}, "r.toml: data = []:"),
        ({"model": {"target": "nonsense"}}, "r.toml: model.target = 'nonsense'"),
        ({"data": [{"source": "shapes", "options": {"sise": 3}}]}, "options.sise: no such option"),
        ({"data": [{"source": "shaps"}]}, "did you mean 'shapes'"),
        ({"run": {"seed": 2**32}}, "r.toml: run.seed = 4294967296:"),
        ({"run": {"precision": "fp8"}}, "r.toml: run.precision = 'fp8'"),
    ],
)
def test_mistakes_are_one_line(change: dict, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_recipe({**GOOD, **change}, "r.toml")
    assert expected in str(caught.value) and "\n" not in str(caught.value)


def test_files_that_are_no_recipes(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="no such recipe file"):
        load_recipe(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="unknown recipe 'tokeniser'"):
        load_recipe("tokeniser")
    (tmp_path / "bad.toml").write_text("[model\n")
    with pytest.raises(UsageError, match="not valid TOML"):
        load_recipe(tmp_path / "bad.toml")


def test_models_that_cannot_be_built() -> None:
    for target, expected in (
        ("visiongen.nowhere:Model", "cannot be imported"),
        ("visiongen.prompt:Prompt", "correct the recipe"),
        ("torch.nn:Identity", "no loss"),
    ):
        part = check_recipe({**GOOD, "model": {"target": target}}).model
        with pytest.raises(UsageError, match=expected):
            build_model(part)
    with pytest.raises(UsageError, match="--device 'tpu'"):
        pick_device("tpu")


def test_command(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(train)
    out = tmp_path / "run"
    result = CliRunner().invoke(app, ["nano-test", "--out", str(out), "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert "weights.safetensors" in result.output
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    model = trained_model(out)
    assert torch.equal(torch.rand(3), expected), "loading leaves random numbers alone"
    weights = checkpoint.load(out / "weights.safetensors").part(PREFIX)
    assert set(weights) == set(model.state_dict()) and not model.training
    again = CliRunner().invoke(app, ["nano-test", "--out", str(out), "--device", "cpu", "--resume"])
    assert again.exit_code == 0, again.output

    # Weights of one run start another; a different shape is refused by name.
    start = {"target": GOOD["model"]["target"], "init": str(out / "weights.safetensors")}
    with pytest.raises(WeightsError, match="does not fit the model"):
        build_model(check_recipe({**GOOD, "model": start}).model)
    recipe = load_recipe("nano-test")
    recipe.model.init = start["init"]
    fresh = build_trainer(recipe, tmp_path / "other")
    assert all((fresh.model.state_dict()[k] == v).all() for k, v in weights.items())


def test_plot(tmp_path: Path) -> None:
    assert plot_log(tmp_path / "none.jsonl", tmp_path / "x.svg") is None
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 1, "loss": 2.0, "a<b": 1.0}\n{"step": 9, "loss": 0.5, "a<b": null}\n{"st')
    plot_log(log, tmp_path / "x.svg")
    text = (tmp_path / "x.svg").read_text()
    assert text.count("<polyline") == 2 and "a&lt;b" in text and "a<b" not in text


def test_a_run_that_is_not_there_says_how_to_make_it(tmp_path: Path) -> None:
    from visiongen.training.start import find

    for source in (tmp_path / "tiny-main", tmp_path / "tiny-main" / "weights.safetensors"):
        with pytest.raises(WeightsError, match=r"not there; make it first: visiongen train tiny-main --out"):
            find(source)
    with pytest.raises(WeightsError, match="not in the manifest"):
        find("tinny")


def test_the_page_fine_tunes_the_weights_that_ship(shipped: str, tmp_path: Path) -> None:
    """The example fits them, every tensor, and what it trains is read as they are."""
    from visiongen.backbones.embedded import EmbeddedBackbone
    from visiongen.training.run import build_mixture

    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    example = page.split("## Fine-tune tiny")[1].split("```toml\n")[1].split("```")[0]
    (tmp_path / "finetune.toml").write_text(example)
    recipe = load_recipe(tmp_path / "finetune.toml")
    build_mixture(recipe)
    ours, theirs = build_model(recipe.model).painter, EmbeddedBackbone.load(shipped).painter
    one, two = ours.config.to_dict(), theirs.config.to_dict()  # type: ignore[union-attr, operator]
    assert set(one.pop("mean_tasks")) == set(two.pop("mean_tasks")) and one == two
    state = ours.state_dict()  # type: ignore[union-attr, operator]
    assert all(torch.equal(state[name], value) for name, value in theirs.state_dict().items())
