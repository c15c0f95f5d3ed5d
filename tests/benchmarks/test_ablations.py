"""The ablation table: every variant trains and changes what it says; runs resume."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from visiongen import checkpoint
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.benchmarks.ablations import runs, scoring
from visiongen.benchmarks.ablations.command import main
from visiongen.benchmarks.ablations.runs import Book, Budget, run, train
from visiongen.benchmarks.ablations.table import describe, table
from visiongen.benchmarks.ablations.variants import (
    DRAFT,
    TRUSTED,
    VARIANTS,
    VERIFIED,
    photos_recipe,
    recipe_of,
)
from visiongen.benchmarks.datasets.world import WorldBenchmark
from visiongen.benchmarks.metrics.semantic import SemanticMetric
from visiongen.errors import UsageError
from visiongen.registry import TASKS
from visiongen.tasks.predicting import predict
from visiongen.training.export import PREFIX, WEIGHTS
from visiongen.training.painting import Painting
from visiongen.training.recipe import check_recipe, load_recipe
from visiongen.training.run import build_mixture, build_model, seed_everything


@pytest.fixture
def budget(tmp_path: Path) -> Budget:
    """Three steps of a nano painter on two tiny frames of one table; photos are noise on disk."""
    values = load_recipe("ablation").described()
    values["model"]["options"] = {"preset": "nano", "pointer_weight": 2.0}
    world = values["data"][0]["options"]
    world |= {"kinds": ["tabletop"], "size": [32, 48], "batch": 2, "pool": 0}
    values["schedule"]["steps"] = 3
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(4):
        noise = np.random.default_rng(number).integers(0, 256, (40, 56, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), noise)
    photos = {"size": [32, 48], "batch": 4, "fill": 0.5, "folders": [str(folder)]}
    return Budget(check_recipe(values, "test"), {"source": "photos", "options": photos}, frames=2)


def changed(one: Any, other: Any, path: str = "") -> set[str]:
    """Paths at which two JSON-like values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = set(one) | set(other)
        return set().union(*(changed(one.get(k), other.get(k), f"{path}/{k}") for k in keys), set())
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return set().union(*(changed(a, b, path) for a, b in zip(one, other, strict=True)), set())
    return set() if one == other else {path}


CHANGES = {
    "baseline": set(),
    "no-injection": {"/model/options/inject"},
    "no-draft": {"/model/options/draft"},
    "plain": {"/model/options/inject", "/model/options/draft"},
    "no-causal": {"/model/options/causal"},
    "true-past": {"/model/options/clean"},
    "fixed-legends": {"/data/options/colours"},
    "photos-first": {"/schedule/steps", "/model/init"},
    "photos-more": {"/model/init"},
    **{f"{task}-alone": {"/data/options/tasks"} for task in ("semantic", "depth", "normals")},
    **{
        f"{task}-alone-x3": {"/data/options/tasks", "/data/options/batch"}
        for task in ("semantic", "depth", "normals")
    },
    "16px": {"/data/options/size"},
    "16px-x4": {"/data/options/size", "/data/options/batch"},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_trains_and_changes_what_it_says(name: str, budget: Budget) -> None:
    variant = VARIANTS[name]
    recipe = recipe_of(variant, budget.base, "weights" if variant.photos else None)
    assert changed(recipe.described(), budget.base.described()) == CHANGES[name]
    recipe.model.init = None
    seed_everything(0)
    model, first = build_model(recipe.model), build_model_of(budget)
    assert all(torch.equal(first[k], v) for k, v in model.state_dict().items()), "the same initial weights"
    optimiser = torch.optim.SGD(model.parameters(), 0.01)
    mixture = build_mixture(recipe)
    for index in range(2):
        loss, _ = model.loss(mixture.batch(index))  # type: ignore[operator]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        assert torch.isfinite(loss)
    assert any(not torch.equal(first[k], v) for k, v in model.state_dict().items())


def build_model_of(budget: Budget) -> dict[str, torch.Tensor]:
    state = torch.random.get_rng_state()
    seed_everything(0)
    weights = build_model(budget.base.model).state_dict()
    torch.random.set_rng_state(state)
    return weights


def test_shares_of_maps_and_tokens(budget: Budget) -> None:
    """A task alone sees as many maps of it, or as many maps in all; 16 px as many maps, or as many tokens."""

    def counts(name: str) -> tuple[int, int]:
        batch = build_mixture(recipe_of(VARIANTS[name], budget.base)).batch(0)
        return len(batch["prompts"]), batch["target"].shape[-1] * batch["target"].shape[-2]

    maps, pixels = counts("baseline")
    assert counts("depth-alone") == (maps / 3, pixels) and counts("depth-alone-x3") == (maps, pixels)
    few, small = counts("16px")
    many, _ = counts("16px-x4")
    assert (few, small) == (maps, pixels / 4) and many * small == maps * pixels


def test_photos_come_from_nothing_and_from_holes(budget: Budget) -> None:
    recipe = photos_recipe(VARIANTS["photos-first"], budget.base, budget.photos)
    assert recipe.model == budget.base.model and recipe.schedule.steps == 1
    mixture = build_mixture(recipe)
    mixture.prepare()
    orders = [prompt for index in range(4) for prompt in mixture.batch(index)["prompts"]]
    assert {prompt.task for prompt in orders} == {"image"}
    held = [prompt.held is not None for prompt in orders]
    assert any(held) and not all(held)


# --- runs -----------------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Scores without frames; the list says what was scored how."""
    seen: list[str] = []

    def score(backbone: EmbeddedBackbone, tasks: list, side: int, way: str, frames: int) -> dict[str, float]:
        seen.append(f"{backbone.name} {way} {side}")
        return {"AbsRel": float(backbone.painter.draft_head.weight.detach().square().sum()), "passes": 1.0}

    monkeypatch.setattr(scoring, "score", score)
    monkeypatch.setattr(scoring, "blind", lambda tasks, frames: {"AbsRel": 1.5})
    monkeypatch.setattr(scoring, "ceiling", lambda backbone, tasks, side, frames: {"AbsRel": 0.5})
    return seen


def test_what_is_finished_is_not_run_again(budget: Budget, tmp_path: Path, counted: list[str]) -> None:
    book = Book.start(tmp_path / "out", budget)
    run(book, budget, "no-causal", 0)
    run(book, budget, "16px", 0)
    assert counted == ["no-causal-0 draft 48", *(f"16px-0 {way} 24" for way in (DRAFT, VERIFIED, TRUSTED))]
    again = Book.start(tmp_path / "out", budget)
    assert again.results == json.loads((tmp_path / "out" / "results.json").read_text())
    run(again, budget, "no-causal", 0)
    assert len(counted) == 4
    run(again, budget, "no-causal", 1)
    assert len(counted) == 5
    first, second = (again.results["runs"][f"no-causal/{seed}"]["scores"] for seed in (0, 1))
    assert first != second, "another seed, other weights"
    assert set(again.results["references"]) == {"blind", "ceiling, 48 px", "ceiling, 24 px"}
    assert not list((tmp_path / "out").rglob("checkpoint*.pt"))


def test_photos_are_painted_once(budget: Budget, tmp_path: Path, counted: list[str]) -> None:
    book = Book.start(tmp_path / "out", budget)
    run(book, budget, "photos-first", 0)
    run(book, budget, "photos-more", 0)
    both = [book.results["runs"][f"photos-{name}/0"] for name in ("first", "more")]
    assert [(one["photo_steps"], one["steps"]) for one in both] == [(1, 2), (1, 3)]
    names = sorted(path.name for path in (tmp_path / "out" / "runs").iterdir())
    assert names == ["photos-0", "photos-first-0", "photos-more-0"]
    recipe = json.loads((tmp_path / "out" / "runs" / "photos-more-0" / "weights.json").read_text())["recipe"]
    assert recipe["model"]["init"] == str(tmp_path / "out" / "runs" / "photos-0" / "weights.safetensors")


def test_a_killed_run_ends_with_the_same_weights(
    budget: Budget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = budget.base.described()
    values["run"]["checkpoint_steps"] = 1
    recipe = check_recipe(values, "test")
    train(tmp_path / "whole", recipe, None, "cpu")
    loss, calls = Painting.loss, []

    def broken(self: Painting, batch: dict) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return loss(self, batch)

    monkeypatch.setattr(Painting, "loss", broken)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "cut", recipe, None, "cpu")
    facts = train(tmp_path / "cut", recipe, None, "cpu")
    assert len(calls) == 4 and facts["steps"] == 3 and facts["cpu_minutes"] > 0
    whole, cut = (checkpoint.load(tmp_path / name / WEIGHTS).part(PREFIX) for name in ("whole", "cut"))
    assert all(torch.equal(whole[k], cut[k]) for k in whole)


def test_another_budget_is_refused(budget: Budget, tmp_path: Path, counted: list[str]) -> None:
    book = Book.start(tmp_path, budget)
    book.save()
    more = Budget(budget.base, budget.photos, frames=3)
    with pytest.raises(UsageError, match="begun with another frames"):
        Book.start(tmp_path, more)


def test_another_world_protocol_variant_or_recipe_is_refused(
    budget: Budget, tmp_path: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Book.start(tmp_path, budget)
    run(book, budget, "no-causal", 0)
    with monkeypatch.context() as patch:
        patch.setattr(runs, "RENDERER", -1)
        with pytest.raises(UsageError, match="begun with another renderer"):
            Book.start(tmp_path, budget)
    with monkeypatch.context() as patch:
        patch.setattr(runs, "load_protocol", lambda name: {"version": "0.1"})
        with pytest.raises(UsageError, match="begun with another protocols"):
            Book.start(tmp_path, budget)
    again = Book.start(tmp_path, budget)
    one = VARIANTS["no-causal"]
    monkeypatch.setitem(VARIANTS, "no-causal", dataclasses.replace(one, asks="in other words"))
    run(again, budget, "no-causal", 0)
    monkeypatch.setitem(VARIANTS, "no-causal", dataclasses.replace(one, model={"causal": 0.5}))
    with pytest.raises(UsageError, match="no-causal/0 is of another variant"):
        run(again, budget, "no-causal", 0)
    del again.results["runs"]["no-causal/0"]  # killed between training and scoring
    with pytest.raises(UsageError, match=r"weights\.json: was trained by another recipe"):
        run(again, budget, "no-causal", 0)
    assert len(counted) == 1
    for name in ("protocols", "renderer"):
        del again.results["budget"][name]
    again.save()
    assert Book.start(tmp_path, budget).folder == tmp_path, "a book of an older version goes on"


# --- scores ---------------------------------------------------------------------------------------


def test_scores_are_those_of_the_worlds_benchmarks() -> None:
    backbone = EmbeddedBackbone.random("nano")
    made = WorldBenchmark("world-semantic")
    found = scoring.score(backbone, ["semantic"], 48, DRAFT, 2)
    metric = SemanticMetric(len(made.protocol["classes"]))
    for item in made.items(None, "test", 2):
        legend = item.options["legend"]
        labels = predict(
            "semantic", item.photo(), legend=legend, mode="draft", long_side=48, backbone=backbone
        )
        ids = np.array([made.protocol["classes"].index(name) for name in legend.names])
        metric.update(item.truth(), ids[labels.labels])
    wanted = metric.compute()
    assert found["mIoU"] == pytest.approx(wanted["mIoU_d2"]) and found["accuracy"] == pytest.approx(
        wanted["aAcc"]
    )
    assert found["passes"] == 1 and set(found) == {"mIoU", "accuracy", "mIoU/fixed", "passes"}


def test_fixed_colours_ask_for_the_same_names() -> None:
    fresh, fixed = (scoring.items(column, 2) for column in ("mIoU", "mIoU/fixed"))
    colours: dict[str, set] = {}
    for one, other in zip(fresh, fixed, strict=True):
        assert one.options["legend"].names == other.options["legend"].names
        legend = other.options["legend"]
        for name, colour in zip(legend.names, legend.colours, strict=True):
            colours.setdefault(name, set()).add(colour)
    assert all(len(found) == 1 for found in colours.values())


def test_trust_is_given_back() -> None:
    backbone = EmbeddedBackbone.random("nano")
    backbone.painter.config = backbone.painter.config.__class__(
        **{**backbone.painter.config.to_dict(), "trust": 1e6}
    )
    draft, verified, trusted = (
        scoring.score(backbone, ["depth"], 48, way, 2) for way in (DRAFT, VERIFIED, TRUSTED)
    )
    assert backbone.painter.config.trust == 1e6
    assert trusted["AbsRel"] == pytest.approx(draft["AbsRel"]), "with endless trust the draft stays"
    assert verified["AbsRel"] != pytest.approx(draft["AbsRel"]) and verified["passes"] > 1


def test_the_ceiling_is_above_what_the_tokenizer_alone_loses() -> None:
    """A tokenizer that gives maps back untouched leaves what the painted size costs, which halving raises."""

    class Untouched(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def encode(self, image: torch.Tensor) -> torch.Tensor:
            return image

        decode = encode

    backbone = EmbeddedBackbone.random("nano")
    backbone.tokenizer = Untouched()  # type: ignore[assignment]
    whole, half, quarter = (
        scoring.ceiling(backbone, ["semantic"], side, 2)["mIoU"] for side in (160, 80, 40)
    )
    assert whole == 1.0 and 1 > half > quarter


# --- table and command ----------------------------------------------------------------------------


def results() -> dict[str, Any]:
    def one(value: float) -> dict[str, Any]:
        scores = {VERIFIED: {"AbsRel": value, "delta1": 0.5, "passes": 4.0}}
        return {"steps": 3, "maps": 18, "photo_steps": 0, "cpu_minutes": 1.0, "scores": scores}

    return {
        "budget": {"recipe": {"schedule": {"steps": 3}}, "frames": 2},
        "references": {"blind": {"AbsRel": 1.0}},
        "runs": {"plain/0": one(0.2), "plain/1": one(0.3), "baseline/0": one(0.1)},
    }


def test_table_has_mean_and_half_of_the_range() -> None:
    rows = table(results())
    assert [(row["variant"], row["seeds"]) for row in rows] == [("blind", 0), ("baseline", 1), ("plain", 2)]
    assert rows[2]["AbsRel"] == pytest.approx([0.25, 0.05])
    text = describe(rows, results())
    assert "| 0.250 ± 0.050 |" in text and "| 0.100 |" in text and VARIANTS["plain"].asks in text


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--show", "--out", str(tmp_path / "none")]) == 3
    assert main(["--only", "nothing", "--out", str(tmp_path)]) == 2
    assert "choose from baseline, no-injection" in capsys.readouterr().err
    assert main(["--seeds", "a", "--out", str(tmp_path)]) == 2
    assert main(["--tokenizer", str(tmp_path / "no.safetensors"), "--out", str(tmp_path)]) == 3
    assert "no.safetensors: no such weights" in capsys.readouterr().err
    (tmp_path / "results.json").write_text(json.dumps(results()))
    assert main(["--show", "--out", str(tmp_path), "--json", str(tmp_path / "t.json")]) == 0
    assert "| plain | verified, trust 0 |" in capsys.readouterr().out
    assert json.loads((tmp_path / "t.json").read_text())["table"][0]["variant"] == "blind"
    assert main(["--show", "--out", str(tmp_path), "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["table"][0]["variant"] == "blind"
    assert main(["--show", "--out", str(tmp_path), "--json", str(tmp_path)]) == 2


def test_photos_that_are_not_there_leave_a_variant_out(
    budget: Budget, tmp_path: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    gone = Budget(budget.base, {"source": "photos", "options": {"folders": [str(tmp_path / "gone")]}}, 2)
    monkeypatch.setattr(runs.Budget, "make", classmethod(lambda cls, *given: gone))
    assert main(["--only", "photos-first,no-causal", "--out", str(tmp_path / "out")]) == 0
    out = capsys.readouterr()
    assert "photos-first: left out" in out.err and "| no-causal | draft |" in out.out


def test_tasks_are_known() -> None:
    for variant in VARIANTS.values():
        for task in variant.world.get("tasks", runs.TASKS):
            assert task in {name for name, _ in scoring.COLUMNS.values()} and TASKS.get(task)
