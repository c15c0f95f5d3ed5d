"""A finished run becomes weights that load, verify and paint the same picture."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from visiongen import checkpoint, weights
from visiongen.backbones.base import Sampler
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.errors import UsageError, WeightsError
from visiongen.prompt import Prompt
from visiongen.training.pack import pack, read_facts
from visiongen.training.painting import Painting
from visiongen.training.recipe import ModelPart, Recipe, check_recipe
from visiongen.training.run import build_mixture, build_model, build_trainer, trained_model
from visiongen.weights.deep import verify_deep
from visiongen.world import CLASS_NAMES

FACTS = {
    "licence": "Apache-2.0",
    "source": "a test",
    "training_data": "shapes",
    "hardware": "cpu",
    "card": "x.md",
}
IMAGE = "visiongen.tokenizer:ImageTokenizer"
PAINTING = "visiongen.training.painting:Painting"
TOKENIZER = {"levels": [8, 8, 8], "widths": [8, 16, 24], "encoder_blocks": 1, "decoder_blocks": 1}


def plan(target: str, options: dict, seed: int = 0, **model: object) -> Recipe:
    return check_recipe(
        {
            "model": {"target": target, "options": options, **model},
            "data": [{"source": "shapes", "options": {"size": [32, 32], "batch": 2}}],
            "optim": {"lr": 1e-3, "lr_scale": {"encoder": 0} if model and target == IMAGE else {}},
            "schedule": {"steps": 2, "warmup": 1},
            "run": {"workers": 0, "seed": seed},
        }
    )


def train(out: Path, *words: Any, **model: Any) -> Path:
    build_trainer(plan(*words, **model), out).fit()
    return out


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("runs")
    tokenizer = train(base / "tokenizer", IMAGE, TOKENIZER)
    return {
        "tokenizer": tokenizer,
        "decoder": train(base / "decoder", IMAGE, TOKENIZER, init=str(tokenizer / "weights.safetensors")),
        "other": train(base / "other", IMAGE, TOKENIZER, seed=1),
        "painter": train(base / "painter", PAINTING, {"preset": "nano", "tokenizer": str(tokenizer)}),
    }


def test_a_packed_painter_paints_what_the_trained_one_would(runs: dict[str, Path], tmp_path: Path) -> None:
    pack(runs["painter"], "small", FACTS, tmp_path, trust=0.5, mean_tasks=["depth"])
    assert [e.name for e in weights.list(tmp_path)] == ["small"]
    assert weights.verify(tmp_path)[0][1] == ""
    assert verify_deep("small", tmp_path).difference < 0.1
    loaded = EmbeddedBackbone.load(tmp_path / "small.safetensors")
    assert loaded.painter.config.trust == 0.5
    with pytest.raises(UsageError, match="trust inf: give a finite number"):
        pack(runs["painter"], "endless", FACTS, tmp_path, trust=float("inf"))
    assert not list(tmp_path.glob("endless*"))
    assert loaded.painter.config.mean_tasks == ("depth",)
    assert loaded.capabilities.licence == FACTS["licence"]
    meta = checkpoint.load(tmp_path / "small.safetensors").meta
    assert {key: meta[key] for key in ("licence", "source", "training_data")}.items() <= FACTS.items()
    trained = trained_model(runs["painter"])
    for key, value in trained.painter.state_dict().items():  # type: ignore[union-attr]
        assert torch.equal(loaded.painter.state_dict()[key], value.half().float()), key
    photo = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)
    canvas = loaded.scene(photo).paint([Prompt("depth", "depth in metres")], Sampler(mode="draft"))[0]
    assert canvas.image.shape == photo.shape


def test_a_resumed_run_does_not_ask_what_it_began_with(runs: dict[str, Path], tmp_path: Path) -> None:
    """Not even how maps are read: its init may be another file by then, or gone."""
    file = pack(runs["painter"], "small", FACTS, tmp_path, trust=0.5, mean_tasks=["depth"])
    tokenizer = shutil.copy(file, tmp_path / "tokenizer.safetensors")
    options = {"preset": "nano", "tokenizer": str(tokenizer)}
    recipe = plan(PAINTING, options, init=str(file))
    build_trainer(recipe, tmp_path / "run").fit()
    pack(runs["painter"], "small", FACTS, tmp_path, trust=0.25)
    again = build_trainer(recipe, tmp_path / "run", resume=True)
    again.restore()
    assert (again.model.painter.config.trust, again.model.painter.config.mean_tasks) == (0.5, ("depth",))
    file.unlink()
    build_trainer(recipe, tmp_path / "run", resume=True).fit(resume=True)


def test_a_packed_backbone_starts_a_run(runs: dict[str, Path], tmp_path: Path) -> None:
    file = str(pack(runs["painter"], "small", FACTS, tmp_path))
    packed = EmbeddedBackbone.load(file)
    part = {"options": {"preset": "nano", "tokenizer": file}, "init": file}
    painting = build_model(ModelPart(target=PAINTING, **part))
    reading = build_model(
        ModelPart(
            target="visiongen.training.trunk_reading:TrunkReading",
            options={"preset": "nano", "levels": [8, 8, 8]},
            init=file,
            init_strict=False,  # its heads are its own
        )
    )
    tokenizer = build_model(ModelPart(target=IMAGE, options=TOKENIZER, init=file))
    for name, value in packed.painter.state_dict().items():
        for model in (painting, reading):
            assert torch.equal(model.painter.state_dict()[name], value), name  # type: ignore[union-attr]
    for name, value in packed.tokenizer.state_dict().items():
        assert torch.equal(tokenizer.state_dict()[name], value), name
        assert torch.equal(painting.tokenizer.state_dict()[name], value), name  # type: ignore[union-attr]


def test_only_a_decoder_of_the_same_encoder_fits(runs: dict[str, Path], tmp_path: Path) -> None:
    pack(runs["painter"], "small", FACTS, tmp_path, decoder=runs["decoder"])
    loaded = EmbeddedBackbone.load(tmp_path / "small.safetensors").tokenizer
    later = trained_model(runs["decoder"])
    for key, value in later.decoder.state_dict().items():  # type: ignore[union-attr]
        assert torch.equal(loaded.decoder.state_dict()[key], value.half().float()), key
    with pytest.raises(WeightsError, match="encoder is not the painter's"):
        pack(runs["painter"], "small", FACTS, tmp_path, decoder=runs["other"])


def test_packing_again_replaces_and_missing_facts_are_named(runs: dict[str, Path], tmp_path: Path) -> None:
    pack(runs["painter"], "small", FACTS, tmp_path)
    pack(runs["tokenizer"], "later", FACTS, tmp_path)
    pack(runs["painter"], "small", FACTS | {"card": "y.md", "minutes": "3"}, tmp_path)
    entry, later = weights.list(tmp_path)
    assert (entry.name, later.name) == ("small", "later")
    assert verify_deep("later", tmp_path).place == "answer: output"
    assert (entry.card, entry.minutes) == ("y.md", 3.0)
    with pytest.raises(WeightsError, match="'licence'"):
        pack(runs["painter"], "small", {}, tmp_path)
    with pytest.raises(UsageError, match=r"nothing\.toml"):
        read_facts(tmp_path / "nothing.toml")


@pytest.mark.parametrize(
    ("name", "more", "told"),
    [("a/b", {}, "'a/b'"), ("..", {}, "'..'"), ("ok", {"minutes": "soon"}, "'soon'")],
)
def test_what_cannot_be_entered_is_refused_before_anything_is_written(
    runs: dict[str, Path], tmp_path: Path, name: str, more: dict[str, str], told: str
) -> None:
    """A manifest with half an entry would be refused for all of its weights."""
    with pytest.raises(UsageError, match=told):
        pack(runs["tokenizer"], name, FACTS | more, tmp_path / "shelf")
    assert not (tmp_path / "shelf").exists()


def test_what_a_run_was_trained_for_is_packed_unless_told(runs: dict[str, Path], tmp_path: Path) -> None:
    options = {"preset": "nano", "tokenizer": str(runs["tokenizer"]), "mean": ["normals", "depth"]}
    run = train(tmp_path / "painter", PAINTING, options)
    for given, wanted in (
        (None, ("depth", "normals")),
        (["normals", "depth"], ("depth", "normals")),
        ([], ()),
    ):
        path = pack(run, "small", FACTS, tmp_path / str(given), mean_tasks=given)
        config = EmbeddedBackbone.load(path).painter.config
        assert config.mean_tasks == wanted and config.trust == trained_model(run).painter.config.trust
    with pytest.raises(WeightsError, match="no finished run"):
        pack(tmp_path / "nowhere", "small", FACTS, tmp_path)


def test_a_run_is_read_as_the_weights_that_it_started_from(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over two runs, and when what they started from is gone; the recipe's own tasks and flags go first."""
    base = pack(runs["painter"], "base", FACTS, tmp_path, trust=60, mean_tasks=["depth", "normals"])
    options = {"preset": "nano", "tokenizer": str(runs["tokenizer"])}
    first = train(tmp_path / "first", PAINTING, options, init=str(base))
    own = train(tmp_path / "own", PAINTING, options | {"mean": ["instance"]}, init=str(base))
    base.unlink()
    second = train(tmp_path / "second", PAINTING, options, init=str(first))

    def packed(run: Path, **flags: object) -> tuple[float, tuple[str, ...]]:
        config = EmbeddedBackbone.load(pack(run, "mine", FACTS, tmp_path, **flags)).painter.config  # type: ignore[arg-type]
        return config.trust, config.mean_tasks

    assert packed(second) == (60, ("depth", "normals")) and packed(own) == (60, ("instance",))
    assert not capsys.readouterr().err
    assert packed(second, trust=3, mean_tasks=["depth"]) == (3, ("depth",))
    assert "will be read by the mean for depth; the run itself says depth, normals" in capsys.readouterr().err


def test_weights_know_the_words_of_their_training_and_of_what_they_started_from(
    runs: dict[str, Path], tmp_path: Path
) -> None:
    options = {"preset": "nano", "tokenizer": str(runs["tokenizer"])}

    def trained(name: str, source: dict[str, object], **model: object) -> Path:
        recipe = check_recipe(
            {
                "model": {"target": PAINTING, "options": options, **model},
                "data": [{"source": "world", "options": {"size": [32, 48], "batch": 1, **source}}],
                "optim": {"lr": 1e-3},
                "schedule": {"steps": 1, "warmup": 1},
                "run": {"workers": 0},
            }
        )
        build_trainer(recipe, tmp_path / name).fit()
        return tmp_path / name

    depth = pack(trained("depth", {"tasks": ["depth"]}), "depth", FACTS, tmp_path)
    assert EmbeddedBackbone.load(depth).words == ()
    plain = trained("plain", {"tasks": ["semantic"]})
    assert EmbeddedBackbone.load(pack(plain, "plain", FACTS, tmp_path)).words == tuple(sorted(CLASS_NAMES))
    said = pack(trained("said", {"tasks": ["panoptic"], "synonyms": 0.5}), "said", FACTS, tmp_path)
    words = EmbeddedBackbone.load(said).words
    assert {"road", "street", "car", "vehicle"} <= set(words) and words == tuple(sorted(set(words)))
    later = trained("later", {"tasks": ["depth"]}, init=str(said))
    assert EmbeddedBackbone.load(pack(later, "later", FACTS, tmp_path)).words == words


def test_what_would_be_lost_of_weights_is_refused(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By init_strict = false, too: a smaller model or fewer recycles would train a part of the weights."""
    options = {"preset": "nano", "tokenizer": str(runs["tokenizer"])}

    def build(init: object, strict: bool = False, target: str = PAINTING, **given: object) -> torch.nn.Module:
        return build_model(ModelPart(target=target, options=given, init=str(init), init_strict=strict))

    again = build(runs["painter"], **options, recycles=1)
    assert "lacks 1 of the model's" in capsys.readouterr().err
    base = tmp_path / "base.safetensors"
    EmbeddedBackbone(again.tokenizer, again.painter, "base").save(base)  # type: ignore[arg-type]
    for given in (options, options | {"preset": "mini"}):
        for strict in (False, True):
            with pytest.raises(WeightsError, match=f'preset = "nano", tokenizer = "{base}", recycles = 1'):
                build(base, strict, **given)
    with pytest.raises(WeightsError, match=rf'preset = "nano", tokenizer = "{runs["tokenizer"]}" }}'):
        build(runs["painter"], **options | {"preset": "mini"})
    with pytest.raises(WeightsError, match=r"levels = \[8, 8, 8\], widths = \[8, 16, 24\]"):
        build(base, target=IMAGE, **TOKENIZER | {"widths": [8, 8, 8]})
    with pytest.raises(UsageError, match=r"model\.options\.tokenizer: not given"):
        build(base, preset="nano", recycles=1)


def test_heads_that_a_model_has_nothing_of_stay_behind(runs: dict[str, Path], tmp_path: Path) -> None:
    """As from a trunk that has learned to read to a painter, a stage of the recipes."""
    reading = {"preset": "nano", "levels": [8, 8, 8]}
    target = "visiongen.training.trunk_reading:TrunkReading"
    init = {"init": str(runs["painter"]), "init_strict": False}
    read = train(tmp_path / "read", target, reading, **init)
    part = {"target": PAINTING, "options": {"preset": "nano", "tokenizer": str(runs["tokenizer"])}}
    painting = build_model(ModelPart(**part, init=str(read), init_strict=False))
    for name, value in trained_model(read).painter.state_dict().items():  # type: ignore[union-attr]
        assert torch.equal(painting.painter.state_dict()[name], value), name  # type: ignore[union-attr]
    with pytest.raises(WeightsError, match="init_strict = false"):
        build_model(ModelPart(**part, init=str(read)))


def test_shipped_weights_are_replaced_only_when_told(
    runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "ROOT", tmp_path)
    pack(runs["tokenizer"], "small", FACTS)
    before = weights.list()
    with pytest.raises(UsageError, match="--replace"):
        pack(runs["other"], "small", FACTS, tmp_path)
    assert weights.list() == before
    pack(runs["other"], "small", FACTS, replace_shipped=True)
    assert weights.entry("small").sha256 != before[0].sha256


def test_a_painter_knows_the_tokenizer_it_was_trained_with(runs: dict[str, Path], tmp_path: Path) -> None:
    """By another one, its tokens would mean something else."""
    shutil.copytree(runs["tokenizer"], tmp_path / "tokenizer")
    options = {"preset": "nano", "tokenizer": str(tmp_path / "tokenizer")}
    run = train(tmp_path / "painter", PAINTING, options)
    pack(run, "small", FACTS, tmp_path)
    shutil.rmtree(tmp_path / "tokenizer")
    shutil.copytree(runs["other"], tmp_path / "tokenizer")
    with pytest.raises(WeightsError, match="was trained with another tokenizer"):
        pack(run, "small", FACTS, tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        {"mean": "depth"},
        {"mean": ["depht"]},
        {"held": 3},
        {"clean": "x"},
        {"recycles": -1},
        {"draft": 0.0, "pixels": 2.0},
    ],
)
def test_options_that_would_train_something_else(options: dict) -> None:
    with pytest.raises(UsageError):
        Painting("nano", **options)


def test_options_of_sources_that_cannot_be_read(tmp_path: Path) -> None:
    wrong = (("shapes", {"size": 128}), ("shapes", {"kinds": ["foo"]}), ("world", {"per_photo": 0}))
    for source, options in wrong:
        data = [{"source": source, "options": options}]
        model, schedule = {"target": "toy:ToyModel"}, {"steps": 1}
        recipe = check_recipe({"model": model, "data": data, "schedule": schedule})
        with pytest.raises(UsageError, match=source):
            build_mixture(recipe)
