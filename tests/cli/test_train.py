"""train, then weights pack, then predict: a user's own weights, on models that train in moments."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.cli.main import main
from visiongen.training.checkpoint import CURRENT, PREVIOUS, load_checkpoint

RECIPE = """
[model]
target = "{target}"
options = {options}

[[data]]
source = "shapes"
options = {{ size = [16, 16], batch = 2 }}

[schedule]
steps = {steps}
warmup = 1

[run]
workers = 0
checkpoint_steps = 1
"""
SMALL = "{ levels = [8, 8, 8], widths = [8, 16, 24], encoder_blocks = 1, decoder_blocks = 1 }"
NO_TIME = "0.0000001"  # minutes: the first step is over it


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A tokenizer's that would take for ever."""
    path = tmp_path / "small.toml"
    path.write_text(RECIPE.format(target="visiongen.tokenizer:ImageTokenizer", options=SMALL, steps=10**9))
    return path


def train(recipe: Path, out: Path, *words: str) -> int:
    return main(["train", str(recipe), "--out", str(out), "--device", "cpu", *words])


def steps(out: Path) -> int:
    return int(json.loads((out / "weights.json").read_text())["steps"])


def test_minutes_replace_the_recipes_steps_and_end_what_is_resumed(recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert train(recipe, out, "--minutes", NO_TIME) == 0
    assert steps(out) == 1
    assert train(recipe, out, "--minutes", NO_TIME) == 2  # there is a run
    (out / "weights.json").unlink()
    assert train(recipe, out, "--resume", "--minutes", NO_TIME) == 0
    assert steps(out) == 1, "as many minutes as were used or fewer: no step more"


def test_previous_goes_on_from_the_checkpoint_before(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert train(recipe, out, "--minutes", NO_TIME) == 0
    assert load_checkpoint(out, previous=True)["state"]["step"] == 1
    (out / CURRENT).write_bytes((out / CURRENT).read_bytes()[:-9])
    assert train(recipe, out, "--resume", "--minutes", NO_TIME) == 3
    assert f"resume from {PREVIOUS} with --previous" in capsys.readouterr().err
    assert train(recipe, out, "--resume", "--previous", "--minutes", NO_TIME) == 0
    assert load_checkpoint(out)["state"]["step"] == steps(out) == 1


def test_prepare_loads_data_and_trains_nothing(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from visiongen.training.sources.shapes import ShapesSource

    prepared: list[object] = []
    monkeypatch.setattr(ShapesSource, "prepare", lambda self: prepared.append(self))
    assert train(recipe, tmp_path / "run", "--prepare") == 0
    assert len(prepared) == 1 and not (tmp_path / "run").exists()


POOL = """
[[data]]
source = "world"

[data.options]
kinds = ["{kind}"]
tasks = ["depth"]
size = [32, 40]
pool = 3
pool_size = [32, 40]
cache_dir = "{cache}"
"""


def test_sources_prepared_at_once_are_those_prepared_in_turn(recipe: Path, tmp_path: Path) -> None:
    pools = {}
    for jobs in (1, 2):
        cache = tmp_path / f"cache{jobs}"
        both = tmp_path / f"both{jobs}.toml"
        added = "".join(POOL.format(kind=kind, cache=cache) for kind in ("room", "tabletop"))
        both.write_text(recipe.read_text() + added)
        assert train(both, tmp_path / "run", "--prepare", "--jobs", str(jobs)) == 0
        files = sorted(cache.rglob("*.npy"))
        pools[jobs] = {str(file.relative_to(cache)): np.load(file) for file in files}
    assert list(pools[1]) == list(pools[2]) and len(pools[1]) == 2 * 7
    assert all((pools[1][name] == pools[2][name]).all() for name in pools[1])


def test_what_one_of_several_sources_lacks_is_told_as_ever(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = '\n[[data]]\nsource = "camvid11"\noptions = {}\n'
    recipe.write_text(recipe.read_text() + lacking)
    words = ("--data", str(tmp_path), "--prepare", "--jobs", "2")
    assert train(recipe, tmp_path / "run", *words) == 3
    assert "data pack 'camvid11' is missing" in capsys.readouterr().err
    assert train(recipe, tmp_path / "run", "--jobs", "2") == 2
    assert "goes with --prepare or --refresh" in capsys.readouterr().err
    assert train(recipe, tmp_path / "run", "--prepare", "--jobs", "0") == 2


def test_the_remedy_for_too_little_memory_is_one_that_train_has(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from visiongen.training.loop import Trainer

    def full(*_: object) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(Trainer, "_step", full)
    assert train(recipe, tmp_path / "run") == 1
    assert "a smaller batch or size in the recipe" in capsys.readouterr().err


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A painter's run of one step, with its facts."""
    folder = tmp_path_factory.mktemp("painter")
    target, options = "visiongen.training.painting:Painting", '{ preset = "nano", mean = ["depth"] }'
    (folder / "paint.toml").write_text(RECIPE.format(target=target, options=options, steps=1))
    facts = ("licence", "source", "training_data", "hardware", "card")
    (folder / "facts.toml").write_text("".join(f'{name} = "own {name}"\n' for name in facts))
    assert train(folder / "paint.toml", folder / "run") == 0
    return folder / "run"


def pack(run: Path, into: Path, *words: str) -> int:
    facts = str(run.parent / "facts.toml")
    words = ("--name", "mine", "--facts", facts, "--into", str(into), *words)
    return main(["weights", "pack", str(run), *words])


def test_own_weights_are_packed_listed_verified_and_paint(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf, file = tmp_path / "own", tmp_path / "own" / "mine.safetensors"
    assert pack(run, shelf, "--trust", "3", "--mean", "depth,normals") == 0
    shown = capsys.readouterr()
    assert shown.out.strip() == str(file) and "depth, normals; the run itself says depth" in shown.err
    config = EmbeddedBackbone.load(file).painter.config
    assert (config.trust, config.mean_tasks) == (3, ("depth", "normals"))
    (shelf / "mine.checks.json").unlink()
    assert main(["weights", "verify", "--deep", "--in", str(shelf)]) == 3
    told = capsys.readouterr().err.split("`")[1]
    assert main(told.split()[1:]) == 0  # weights checks mine --in ...
    assert main(["weights", "ls", "--in", str(shelf)]) == 0
    assert re.search(rf"^mine .* own licence +{file}$", capsys.readouterr().out, re.M)
    assert main(["weights", "verify", "--deep", "--in", str(shelf), "--json", "-"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)["weights"]] == ["mine"]
    assert main(["weights", "ls", "--in", str(tmp_path)]) == 3
    assert "reinstall" not in capsys.readouterr().err

    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    predict = ["predict", "depth", str(tmp_path / "a.png"), "--out", str(tmp_path), "--weights"]
    assert main([*predict, str(file), "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["weights"]["name"] == "mine"
    for given, text in ((run, "weights.safetensors"), (run / "weights.safetensors", f"weights pack {run}")):
        assert main([*predict, str(given)]) == 3
        assert text in capsys.readouterr().err


def test_a_run_that_went_on_after_its_weights_is_not_packed(
    recipe: Path,
    run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor one that never ended; the command that the error gives ends it."""
    from visiongen.training import loop

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    own = tmp_path / "run"
    (tmp_path / "facts.toml").write_text((run.parent / "facts.toml").read_text())
    assert train(recipe, own, "--minutes", NO_TIME) == 0
    with monkeypatch.context() as broken:
        broken.setattr(loop, "export_weights", interrupted)
        broken.setattr(loop.Trainer, "_finished", lambda self: self.state.step >= 2)
        assert train(recipe, own, "--resume") == 130
    for had in ("1", "none"):
        assert pack(own, tmp_path / "shelf") == 3
        said = capsys.readouterr().err
        assert f"interrupted after step 2, its weights are of step {had}" in said
        (own / "weights.json").unlink(missing_ok=True)
    told = re.search(r"visiongen (train RECIPE .*)", said)
    assert told and "--resume --minutes " in told[1] and not (tmp_path / "shelf").exists()
    assert main([str(recipe) if word == "RECIPE" else word for word in told[1].split()]) == 0
    assert steps(own) == 2
    assert pack(own, tmp_path / "shelf") == 0
