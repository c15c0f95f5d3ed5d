"""Examples, held tokens and two-sided legends in training and in decoding."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from visiongen.backbones.base import Sampler
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.errors import UsageError
from visiongen.example_reader import ExampleReader
from visiongen.prompt import Example, Held, Legend, Prompt
from visiongen.training.balance import class_names
from visiongen.training.batches import BatchBuilder
from visiongen.training.painting import Painting
from visiongen.training.trunk_reading import TrunkReading

RED, BLUE = (230, 20, 20), (20, 20, 230)
LEGEND = Legend(("?1", "?2"), (RED, BLUE))


def halves(rng: np.random.Generator, size: tuple[int, int] = (32, 48)) -> tuple[np.ndarray, np.ndarray]:
    """A photo whose left part is dark, and its map: dark red, bright blue; with labels' position 0, 1."""
    h, w = size
    cut = 8 * int(rng.integers(1, w // 8))
    labels = np.repeat((np.arange(w) >= cut)[None], h, 0).astype(np.uint8)
    photo = np.where(labels[..., None] == 1, 220, 40) + rng.integers(-20, 20, (h, w, 3))
    return photo.astype(np.uint8), labels


def painted(labels: np.ndarray) -> np.ndarray:
    return LEGEND.array()[labels]


def example(rng: np.random.Generator) -> Example:
    photo, labels = halves(rng, (24, 32))
    return Example(photo, painted(labels))


def batch(seed: int, examples: int = 2) -> dict:
    rng = np.random.default_rng(seed)
    builder = BatchBuilder((32, 48))
    for _ in range(4):
        photo, labels = halves(rng)
        shown = tuple(example(rng) for _ in range(examples))
        order = Prompt("incontext", "as in the examples", LEGEND, shown)
        builder.target(builder.photo(photo), order, painted(labels), labels=labels)
    return builder.build()


@pytest.mark.slow
def test_what_examples_mean_is_learned() -> None:
    """Which side is red is said by the examples alone: swapping their colours swaps the answer."""
    torch.manual_seed(0)
    model = TrunkReading("nano")
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
    for step in range(60):
        given = batch(step)
        if step % 2:  # the other meaning
            given["labels"] = 1 - given["labels"]
            given["prompts"] = [swapped(p) for p in given["prompts"]]
        loss = model.loss(given)[0]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    test = batch(1000)
    right = float(model.loss(test)[1]["pointer"])
    test["prompts"] = [swapped(p) for p in test["prompts"]]
    wrong = float(model.loss(test)[1]["pointer"])
    assert right < 0.35 < 1 < wrong


def swapped(prompt: Prompt) -> Prompt:
    others = tuple(Example(e.photo, np.ascontiguousarray(e.map[..., ::-1])) for e in prompt.examples)
    return Prompt(prompt.task, prompt.text, prompt.legend, others)


@pytest.mark.parametrize("causal", [0.0, 1.0])
def test_painting_reads_examples_and_what_is_held(causal: float) -> None:
    torch.manual_seed(0)
    model = Painting("nano", causal=causal, held=0.5, own=1)
    loss, logs = model.loss(batch(0))
    loss.backward()
    assert torch.isfinite(loss) and ("causal" in logs) == bool(causal)
    used = [n for n, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0]
    assert any("examples.theirs" in n for n in used) and any("held.value" in n for n in used)
    assert any(n.startswith("painter.head.") for n in used) == bool(causal)


def test_a_prompts_own_hold_is_what_is_given() -> None:
    model = Painting("nano")
    given = batch(1, examples=0)
    keep = np.zeros((4, 6), bool)
    keep[:2] = True
    tokens = np.zeros((4, 6, model.painter.channels), np.int64)
    given["prompts"] = [Prompt("image", "photo", held=Held(keep, tokens=tokens))] + given["prompts"][1:]
    truth = torch.randint(0, 8, (4, 4, 6, model.painter.channels))
    shown = model._given(truth, given["prompts"])
    assert shown is not None
    wanted = truth.flatten(1, 2).clone()
    wanted[0, : keep.sum()] = 0
    assert torch.equal(shown[0], wanted), "what the order carries, as when predicting; else the truth"
    assert torch.equal(shown[1][0].view(4, 6), torch.from_numpy(keep)) and not shown[1][1:].any()


def test_two_sided_legends_count_by_side() -> None:
    one = Prompt("referring", "segment what is meant", Legend(("other", "the red car"), (BLUE, RED)))
    two = Prompt("referring", "segment what is meant", Legend(("the cup", "other"), (RED, BLUE)))
    assert class_names(one) == ("referring: rest", "referring: meant")
    assert class_names(two) == ("referring: meant", "referring: rest")
    assert class_names(Prompt("semantic", "segment", Legend.parse("a=#010203,b=#040506,c=#070809")))[0] == "a"
    assert class_names(Prompt("depth", "depth in metres")) == ()


@pytest.fixture(scope="module")
def backbone() -> EmbeddedBackbone:
    return EmbeddedBackbone.random("nano", seed=3)


@pytest.mark.parametrize("mode", ["verified", "sequential", "draft", "sample"])
def test_held_tokens_stay_in_every_mode(backbone: EmbeddedBackbone, mode: str) -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (32, 48, 3), dtype=np.uint8)
    scene, sampler = backbone.scene(photo), Sampler(mode=mode, trust=3.0)  # type: ignore[arg-type]
    before = scene.paint([Prompt("depth", "depth in metres")], sampler)[0].tokens
    keep = rng.random((4, 6)) < 0.5
    given = np.where(keep[..., None], (before + 1) % 8, before)
    orders = [
        Prompt("depth", "depth in metres", held=Held(keep, tokens=given)),
        Prompt("normals", "surface normals"),
    ]
    canvases = scene.paint(orders, sampler)
    assert np.array_equal(canvases[0].tokens[keep], given[keep])
    alone = scene.paint(orders[1:], sampler)[0]
    assert np.array_equal(canvases[1].tokens, alone.tokens), "another order's hold must not matter"
    if mode == "verified":
        same = scene.paint(orders, Sampler(mode="sequential", trust=3.0))
        assert all(np.array_equal(a.tokens, b.tokens) for a, b in zip(canvases, same, strict=True))


def test_an_image_is_held_by_its_tokens(backbone: EmbeddedBackbone) -> None:
    rng = np.random.default_rng(1)
    photo = rng.integers(0, 256, (16, 24, 3), dtype=np.uint8)
    keep = np.ones((2, 3), bool)
    keep[1, 1] = False
    canvas = backbone.scene(photo).paint([Prompt("image", "fill the hole", held=Held(keep, image=photo))])[0]
    pixels = torch.from_numpy(photo).permute(2, 0, 1)[None].float() / 127.5 - 1
    wanted = backbone.tokenizer.encode(pixels)[0].numpy()
    assert np.array_equal(canvas.tokens[keep], wanted[keep])


def test_what_does_not_fit_is_refused(backbone: EmbeddedBackbone) -> None:
    photo = np.zeros((16, 24, 3), np.uint8)
    with pytest.raises(UsageError, match="the canvas has"):
        backbone.scene(photo).paint([Prompt("d", "d", held=Held(np.ones((1, 1), bool), image=photo[:8, :8]))])
    with pytest.raises(UsageError, match="multiples of 8"):
        Example(photo[:9], photo[:9])
    with pytest.raises(UsageError, match="at most 4"):
        Prompt("incontext", "x", LEGEND, (Example(photo, photo),) * 5)


def test_examples_are_summed_in_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """``index_add`` adds in whatever order a GPU gets to; three examples would not be reproducible."""
    rng, reader = np.random.default_rng(0), ExampleReader(16)
    prompts = [Prompt("incontext", "", LEGEND, tuple(example(rng) for _ in range(count))) for count in (3, 4)]
    torch.nn.init.normal_(reader.entry.weight)
    torch.nn.init.normal_(reader.pair[2].weight)

    def features(photos: torch.Tensor) -> torch.Tensor:
        cells = torch.nn.functional.avg_pool2d(photos, 8).flatten(2).transpose(1, 2)
        return torch.cat([cells] * 6, dim=-1)[..., :16]

    for name in ("index_add", "index_add_", "scatter_add", "scatter_add_"):
        monkeypatch.setattr(torch.Tensor, name, None, raising=False)
    entries, kinds, _ = reader(prompts, 2, features)
    for row, prompt in enumerate(prompts):
        alone = reader([prompt], 2, features)
        torch.testing.assert_close(entries[row], alone[0][0])
        each = [dataclasses.replace(prompt, examples=(one,)) for one in prompt.examples]
        mean = torch.stack([reader([one], 2, features)[1][0] for one in each]).mean(0)
        torch.testing.assert_close(kinds[row], mean)
