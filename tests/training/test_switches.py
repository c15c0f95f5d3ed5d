"""What can be switched off for the ablations: injection, the draft, fresh legend colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from visiongen.backbones.base import Sampler
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.decoding.board import Board
from visiongen.errors import UsageError
from visiongen.prompt import OTHER, Prompt
from visiongen.training.batches import BatchBuilder, random_legend
from visiongen.training.painting import Painting
from visiongen.training.sources.world import WorldSource
from visiongen.training.start import read_as
from visiongen.training.targets.classes import fixed_legend, paint_classes
from visiongen.transformer import Condition

SIZE = (24, 32)


def batch(seed: int = 0) -> dict:
    rng = np.random.default_rng(seed)
    builder = BatchBuilder(SIZE)
    for _ in range(2):
        place = builder.photo(rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8))
        labels = np.repeat((np.arange(SIZE[1]) >= 16)[None], SIZE[0], 0).astype(np.uint8)
        legend = random_legend(["sky", "road"], rng)
        builder.target(place, Prompt("semantic", "segment", legend), legend.array()[labels], labels=labels)
        builder.target(place, Prompt("depth", "depth"), rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8))
    return builder.build()


def made(**options: object) -> Painting:
    """A nano painting whose causal head says something."""
    torch.manual_seed(0)
    model = Painting("nano", **options)  # type: ignore[arg-type]
    torch.nn.init.normal_(model.painter.head.weight, std=0.1)
    return model


def seen(model: Painting) -> tuple[Condition, Tensor]:
    given = batch()
    photo = model.painter.encode_photo(given["photo"], given["photo_blank"]).select(given["photo_index"])
    return model.painter.condition(photo, given["prompts"]), model.tokenizer.encode(given["target"])


@pytest.mark.parametrize("inject", [True, False])
@torch.no_grad()
def test_without_injection_the_causal_branch_does_not_see_its_place(inject: bool) -> None:
    model = made(inject=inject)
    condition, tokens = seen(model)
    before = model.painter.teach(condition, tokens)
    condition.aligned = torch.randn_like(condition.aligned)
    after = model.painter.teach(condition, tokens)
    assert torch.equal(before, after) != inject


@pytest.mark.parametrize("draft", [1.0, 0.0])
@torch.no_grad()
def test_without_a_draft_causal_logits_stand_alone(draft: float) -> None:
    model = made(draft=draft)
    condition, tokens = seen(model)
    before = model.painter.teach(condition, tokens)
    condition.draft_logits = condition.draft_logits + torch.randn_like(condition.draft_logits)
    after = model.painter.teach(condition, tokens)
    assert torch.equal(before, after) != bool(draft)


@pytest.mark.parametrize("options", [{}, {"inject": False}, {"draft": 0.0}, {"draft": 0.0, "inject": False}])
def test_a_switch_holds_when_predicting_after_saving(options: dict, tmp_path: Path) -> None:
    """Greedy tokens of the loaded file are those that teacher forcing names for the same past."""
    model = made(**options)
    EmbeddedBackbone(model.tokenizer, model.painter, "x").save(tmp_path / "x.safetensors")
    backbone = EmbeddedBackbone.load(tmp_path / "x.safetensors")
    photo = np.random.default_rng(1).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    order = [Prompt("depth", "depth")]
    scene = backbone.scene(photo)
    tokens = torch.from_numpy(scene.paint(order, Sampler(mode="sequential", trust=0))[0].tokens)[None]
    with torch.no_grad():
        condition = backbone.painter.condition(scene.prefix(), order)
        named = backbone.painter.teach(condition, tokens).argmax(-1).view_as(tokens)
    assert torch.equal(named, tokens)
    verified = scene.paint(order, Sampler(mode="verified", trust=0))[0].tokens
    assert np.array_equal(verified, tokens[0].numpy())


def test_draft_weighs_the_drafts_own_loss() -> None:
    """The default is the plain sum of the parts; a weight scales the draft's and nothing else."""
    logs = {}
    for options in ({}, {"draft": 0.5}, {"draft": 0.0}):
        model = made(**options, clean=1.0, pointer_weight=0.0)
        loss, parts = model.loss(batch())
        share = options.get("draft", 1.0) * parts.get("draft", 0.0) + parts["causal"] + 0.3 * parts["value"]
        assert float(loss.detach()) == pytest.approx(share, rel=1e-5)
        logs[options.get("draft", 1.0)] = parts
    assert logs[1.0]["draft"] == logs[0.5]["draft"] and logs[1.0]["causal"] == logs[0.5]["causal"]
    assert logs[1.0]["value"] > logs[0.5]["value"] > 0 and "draft" not in logs[0.0]


def test_an_untrained_draft_head_has_no_gradient() -> None:
    model = made(draft=0.0)
    model.loss(batch())[0].backward()
    reached = {n.split(".")[1] for n, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert "draft_head" not in reached and {"head", "inject", "trunk", "draft"} <= reached


def test_nothing_to_train_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing to train"):
        Painting("nano", draft=0.0, causal=0.0)


# --- legends ------------------------------------------------------------------------------------


def world(**options: object) -> WorldSource:
    given: dict = {"kinds": ["tabletop"], "size": SIZE, "batch": 2, "tasks": ["semantic"], "whole": 1.0}
    return WorldSource(**(given | options))


def test_fixed_legends_are_the_same_in_every_batch() -> None:
    colours: dict[str, set] = {}
    for source, name in ((world(colours="fixed"), "fixed"), (world(), "random")):
        batches = [source.batch(index, 0) for index in range(3)]
        for prompt in (p for b in batches for p in b["prompts"]):
            for entry, colour in zip(prompt.legend.names, prompt.legend.colours, strict=True):
                colours.setdefault(f"{name}/{entry}", set()).add(colour)
    fixed = [found for key, found in colours.items() if key.startswith("fixed/")]
    assert all(len(found) == 1 for found in fixed) and len(set.union(*fixed)) == len(fixed)
    assert any(len(found) > 1 for key, found in colours.items() if key.startswith("random/"))


def test_only_the_colours_differ() -> None:
    one, other = world().batch(1, 0), world(colours="fixed").batch(1, 0)
    assert torch.equal(one["photo"], other["photo"]) and torch.equal(one["labels"], other["labels"])
    assert [p.legend.names for p in one["prompts"]] == [p.legend.names for p in other["prompts"]]
    assert not torch.equal(one["target"], other["target"])


def test_other_has_a_colour_of_its_own() -> None:
    names = ["sky", "road", "car"]
    legend = fixed_legend(["road", OTHER], names)
    whole = fixed_legend([*names, OTHER], names)
    assert legend.colours == (whole.colours[1], whole.colours[3]) and len(set(whole.colours)) == 4
    classes = np.array([[0, 1], [2, 255]], np.uint8)
    painted = paint_classes(classes, names, np.random.default_rng(0), colours="fixed")
    assert tuple(painted.map[1, 0]) == whole.colours[2]


def test_unknown_colours_are_refused() -> None:
    with pytest.raises(UsageError, match="choose from random, fixed"):
        world(colours="own")


# --- the causal branch's past ---------------------------------------------------------------------


def past_of(model: Painting, held: bool) -> tuple[Tensor, Condition, Tensor, dict]:
    """A past that is all guesses, the condition, the truth's tokens and the batch."""
    given = batch()
    photo = model.painter.encode_photo(given["photo"], given["photo_blank"]).select(given["photo_index"])
    tokens = model.tokenizer.encode(given["target"])
    flat = tokens.flatten(1, 2)
    keep = torch.zeros(flat.shape[:2], dtype=torch.bool)
    keep[:, ::2] = True
    other = (flat + 1) % torch.tensor(model.tokenizer.levels)  # given, and not the truth's
    condition = model.painter.condition(photo, given["prompts"], (other, keep) if held else None)
    model.clean = 0.0
    with pytest.MonkeyPatch.context() as patch:
        places = lambda *size, **_: torch.zeros(size[0]) if len(size) == 1 else torch.full(size, 0.9)  # noqa: E731
        patch.setattr(torch, "rand", places)  # every place is below every row's share
        patch.setattr(torch, "rand_like", lambda x: torch.full_like(x, 0.9))
        past = model._noisy_past(tokens, condition, given, 0, tokens.shape[1])
    return past, condition, tokens, given


@pytest.mark.parametrize("own", [0, 2])
@torch.no_grad()
def test_what_is_held_stands_in_the_past(own: int) -> None:
    model = made(own=own)
    past, condition, _, _ = past_of(model, held=True)
    assert condition.held is not None
    other, keep = condition.held
    assert torch.equal(past.flatten(1, 2)[keep], other[keep])


@torch.no_grad()
def test_the_past_is_read_as_decoding_reads_it() -> None:
    for mean, started in (((), False), (("depth",), False), (("depth",), True)):
        model = made(mean=() if started else mean)
        if started:  # a recipe that names none reads as the weights that it starts from
            read_as(model.painter, {"mean_tasks": mean})
        torch.nn.init.normal_(model.painter.draft_head.weight, std=1.0)
        past, condition, tokens, given = past_of(model, held=False)
        rows = torch.tensor([p.task in mean for p in given["prompts"]])
        board = Board.from_draft(condition.draft_logits, mean=rows)
        assert torch.equal(past.flatten(1, 2), board.draft)
        plain = condition.draft_logits.argmax(-1)
        assert torch.equal(board.draft, plain) != bool(mean), "the two readings differ"


def test_the_tokenizer_is_exact_under_autocast() -> None:
    model = made()
    given = batch()["target"]
    with torch.autocast("cpu", torch.bfloat16):
        inside, cheap = model._encode(given), model.tokenizer.latent(given)
    assert torch.equal(inside, model.tokenizer.encode(given))
    assert not torch.equal(cheap, model.tokenizer.latent(given)), "bf16 would have made a difference"
