"""Training and scoring of one variant, and the book of what is finished.

``OUT/results.json`` holds the budget and every finished (variant, seed); ``OUT/runs/NAME-SEED`` a run with
its log. A killed command goes on from the last checkpoint of the run that it was at.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.benchmarks.ablations import scoring
from visiongen.benchmarks.ablations.variants import PHOTOS, VARIANTS, photos_recipe, recipe_of
from visiongen.benchmarks.protocols import load_protocol
from visiongen.errors import MissingDataError, UsageError, WeightsError
from visiongen.files import sha256, write_json
from visiongen.training import start
from visiongen.training.export import SIDECAR, WEIGHTS
from visiongen.training.painting import Painting
from visiongen.training.recipe import Recipe, check_recipe, load_recipe
from visiongen.training.run import build_trainer, pick_device, trained_model
from visiongen.world.render import VERSION as RENDERER

SCHEMA = "visiongen.ablations/1"
TASKS = ("semantic", "depth", "normals")


@dataclass(frozen=True)
class Budget:
    """What all runs of a table share: the recipe with its steps, the photos' source, the scored frames."""

    base: Recipe
    photos: Mapping[str, Any] = field(default_factory=lambda: PHOTOS)
    frames: int = 48

    @classmethod
    def make(cls, steps: int, frames: int, tokenizer: str) -> Budget:
        """The recipe ``ablation`` with another number of steps and another tokenizer."""
        if steps < 1 or frames < 1:
            raise UsageError(f"--steps {steps}, --frames {frames}: both must be at least 1")
        values = load_recipe("ablation").described()
        values["schedule"]["steps"] = steps
        values["model"]["options"]["tokenizer"] = tokenizer
        return cls(check_recipe(values, "ablation"), frames=frames)

    def described(self) -> dict[str, Any]:
        """JSON-able: two tables with the same description may be compared."""
        values = self.base.described()
        tokenizer = values["model"]["options"].pop("tokenizer", None)
        digest = _digest(tokenizer) if tokenizer else None
        return {
            "recipe": values,
            "tokenizer": digest,
            "photos": dict(self.photos),
            "frames": self.frames,
            "protocols": {f"world-{task}": load_protocol(f"world-{task}")["version"] for task in TASKS},
            "renderer": RENDERER,
        }


def _digest(tokenizer: str) -> str:
    """sha256 of its file; WeightsError where there is none."""
    file = start.find(tokenizer)
    if not file.is_file():
        raise WeightsError(f"{file}: no such weights; give shipped ones or a file as --tokenizer")
    return sha256(file)


@dataclass(frozen=True)
class Book:
    """The results so far, on disk after every run."""

    folder: Path
    results: dict[str, Any]

    @classmethod
    def start(cls, folder: Path, budget: Budget) -> Book:
        """Open the book of ``folder``; UsageError if it was begun with another budget."""
        described = budget.described()
        if not _file(folder).is_file():
            return cls(folder, {"schema": SCHEMA, "budget": described, "references": {}, "runs": {}})
        book = cls.read(folder)
        for name, ours in json.loads(json.dumps(described)).items():
            if book.results["budget"].get(name, ours) != ours:  # books of older versions lack some
                raise UsageError(
                    f"{_file(folder)}: was begun with another {name}; use the same options or another --out"
                )
        return book

    @classmethod
    def read(cls, folder: Path) -> Book:
        """The book as it is; MissingDataError where none was begun."""
        if not _file(folder).is_file():
            raise MissingDataError(
                f"{_file(folder)}: no results there yet; run without --show, or check --out"
            )
        return cls(folder, json.loads(_file(folder).read_text()))

    def save(self) -> None:
        """Write all of it, whole or not at all."""
        write_json(_file(self.folder), self.results)


def _file(folder: Path) -> Path:
    return folder / "results.json"


def run(
    book: Book, budget: Budget, name: str, seed: int, data: str | None = None, device: str = "cpu"
) -> None:
    """Train and score a variant, unless the book has it; UsageError if it has another one of that name."""
    key = f"{name}/{seed}"
    variant, base = VARIANTS[name], _seeded(budget.base, seed)
    if key in book.results["runs"]:
        if book.results["runs"][key].get("variant", variant.described()) != variant.described():
            raise UsageError(
                f"{_file(book.folder)}: {key} is of another variant of that name; use another --out"
            )
        return
    device = pick_device(device)
    init, before = None, None
    if variant.photos:
        folder = book.folder / "runs" / f"photos-{seed}"
        before = train(folder, photos_recipe(variant, base, budget.photos), data, device)
        init = str(folder / WEIGHTS)
    recipe = recipe_of(variant, base, init)
    folder = book.folder / "runs" / f"{name}-{seed}"
    facts = train(folder, recipe, data, device)
    backbone = as_backbone(folder)
    world = recipe.data[0].options
    side = max(world["size"])
    _say(f"{key}: scoring")
    scores = {way: scoring.score(backbone, world["tasks"], side, way, budget.frames) for way in variant.ways}
    _references(book, backbone, side, budget.frames)
    book.results["runs"][key] = {
        "variant": variant.described(),
        "steps": facts["steps"],
        "maps": facts["samples"],
        "photo_steps": before["steps"] if before else 0,
        "cpu_minutes": facts["cpu_minutes"] + (before["cpu_minutes"] if before else 0),
        "scores": scores,
    }
    book.save()
    for left in folder.glob("checkpoint*.pt"):
        left.unlink()


def train(folder: Path, recipe: Recipe, data: str | None, device: str) -> dict[str, Any]:
    """Run to the end, from the checkpoint if there is one; the sidecar of the weights, with CPU minutes.

    UsageError where a finished run of another recipe lies there.
    """
    if (folder / SIDECAR).is_file():
        facts = cast(dict[str, Any], json.loads((folder / SIDECAR).read_text()))
        if facts["recipe"] != json.loads(json.dumps(recipe.described())):
            raise UsageError(f"{folder / SIDECAR}: was trained by another recipe; use another --out")
        return facts
    trainer = build_trainer(recipe, folder, data=data, device=device)
    if (folder / "checkpoint.pt").is_file():
        trainer.restore()
    done, clock = trainer.state.step, time.process_time()
    _say(f"{folder.name}: step {done} of {recipe.schedule.steps}")
    facts = trainer.fit()
    spent = time.process_time() - clock  # what was spent before a kill is taken to have been as fast
    facts["cpu_minutes"] = spent / 60 * facts["steps"] / max(1, facts["steps"] - done)
    write_json(folder / SIDECAR, facts)
    return facts


def as_backbone(folder: Path) -> EmbeddedBackbone:
    """What predicts: the averaged weights of a run with the tokenizer that it was trained on."""
    model = cast(Painting, trained_model(folder))
    return EmbeddedBackbone(model.tokenizer, model.painter, folder.name)


def _seeded(base: Recipe, seed: int) -> Recipe:
    return base.model_copy(update={"run": base.run.model_copy(update={"seed": seed})})


def _references(book: Book, backbone: EmbeddedBackbone, side: int, frames: int) -> None:
    """The blind guess and the tokenizer's ceiling at this size, once a table."""
    references = book.results["references"]
    if "blind" not in references:
        references["blind"] = scoring.blind(TASKS, frames)
    if f"ceiling, {side} px" not in references:
        references[f"ceiling, {side} px"] = scoring.ceiling(backbone, TASKS, side, frames)


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
