"""A finished run becomes weights that load, verify and paint the same picture."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from visiongen import weights
from visiongen.backbones.base import Sampler
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.errors import UsageError, WeightsError
from visiongen.prompt import Prompt
from visiongen.training.pack import pack, read_facts
from visiongen.training.painting import Painting
from visiongen.training.recipe import ModelPart, check_recipe
from visiongen.training.run import build_mixture, build_model, build_trainer, trained_model
from visiongen.weights.deep import verify_deep

FACTS = {
    "licence": "Apache-2.0",
    "source": "a test",
    "training_data": "shapes",
    "hardware": "cpu",
    "card": "x.md",
}
TOKENIZER = {"levels": [8, 8, 8], "widths": [8, 16, 24], "encoder_blocks": 1, "decoder_blocks": 1}


def train(out: Path, target: str, options: dict, seed: int = 0, **model: object) -> Path:
    recipe = check_recipe(
        {
            "model": {"target": target, "options": options, **model},
            "data": [{"source": "shapes", "options": {"size": [32, 32], "batch": 2}}],
            "optim": {"lr": 1e-3, "lr_scale": {"encoder": 0} if model else {}},
            "schedule": {"steps": 2, "warmup": 1},
            "run": {"workers": 0, "seed": seed},
        }
    )
    build_trainer(recipe, out).fit()
    return out


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("runs")
    image = "visiongen.tokenizer:ImageTokenizer"
    tokenizer = train(base / "tokenizer", image, TOKENIZER)
    return {
        "tokenizer": tokenizer,
        "decoder": train(base / "decoder", image, TOKENIZER, init=str(tokenizer / "weights.safetensors")),
        "other": train(base / "other", image, TOKENIZER, seed=1),
        "painter": train(
            base / "painter",
            "visiongen.training.painting:Painting",
            {"preset": "nano", "tokenizer": str(tokenizer)},
        ),
    }


def test_a_packed_painter_paints_what_the_trained_one_would(runs: dict[str, Path], tmp_path: Path) -> None:
    pack(runs["painter"], "small", FACTS, tmp_path, trust=0.5, mean_tasks=["depth"])
    assert [e.name for e in weights.list(tmp_path)] == ["small"]
    assert weights.verify(tmp_path)[0][1] == ""
    assert verify_deep("small", tmp_path).difference < 0.1
    loaded = EmbeddedBackbone.load(tmp_path / "small.safetensors")
    assert loaded.painter.config.trust == 0.5
    assert loaded.painter.config.mean_tasks == ("depth",)
    trained = trained_model(runs["painter"])
    for key, value in trained.painter.state_dict().items():  # type: ignore[union-attr]
        assert torch.equal(loaded.painter.state_dict()[key], value.half().float()), key
    photo = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)
    canvas = loaded.scene(photo).paint([Prompt("depth", "depth in metres")], Sampler(mode="draft"))[0]
    assert canvas.image.shape == photo.shape


def test_a_packed_backbone_starts_a_run(runs: dict[str, Path], tmp_path: Path) -> None:
    file = str(pack(runs["painter"], "small", FACTS, tmp_path))
    packed = EmbeddedBackbone.load(file)
    part = {"options": {"preset": "nano", "tokenizer": file}, "init": file}
    painting = build_model(ModelPart(target="visiongen.training.painting:Painting", **part))
    reading = build_model(
        ModelPart(
            target="visiongen.training.trunk_reading:TrunkReading",
            options={"preset": "nano", "levels": [8, 8, 8]},
            init=file,
            init_strict=False,  # its heads are its own
        )
    )
    image = "visiongen.tokenizer:ImageTokenizer"
    tokenizer = build_model(ModelPart(target=image, options=TOKENIZER, init=file))
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


def test_what_a_run_was_trained_for_is_packed_unless_told(runs: dict[str, Path], tmp_path: Path) -> None:
    options = {"preset": "nano", "tokenizer": str(runs["tokenizer"]), "mean": ["normals", "depth"]}
    run = train(tmp_path / "painter", "visiongen.training.painting:Painting", options)
    for given, wanted in ((None, ("depth", "normals")), ([], ())):
        path = pack(run, "small", FACTS, tmp_path / str(wanted), mean_tasks=given)
        config = EmbeddedBackbone.load(path).painter.config
        assert config.mean_tasks == wanted and config.trust == trained_model(run).painter.config.trust
    with pytest.raises(WeightsError, match="no finished run"):
        pack(tmp_path / "nowhere", "small", FACTS, tmp_path)


def test_a_painter_knows_the_tokenizer_it_was_trained_with(runs: dict[str, Path], tmp_path: Path) -> None:
    """By another one, its tokens would mean something else."""
    shutil.copytree(runs["tokenizer"], tmp_path / "tokenizer")
    options = {"preset": "nano", "tokenizer": str(tmp_path / "tokenizer")}
    run = train(tmp_path / "painter", "visiongen.training.painting:Painting", options)
    pack(run, "small", FACTS, tmp_path)
    shutil.rmtree(tmp_path / "tokenizer")
    shutil.copytree(runs["other"], tmp_path / "tokenizer")
    with pytest.raises(WeightsError, match="was trained with another tokenizer"):
        pack(run, "small", FACTS, tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        {"mean": "depth"}, {"mean": ["depht"]}, {"held": 3}, {"clean": "x"}, {"recycles": -1},
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
