"""A draft that is made again with the one before in sight: what it sees, what it learns, what it costs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.test_switches import batch, made, seen
from visiongen.backbones.base import Sampler
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.conditioning import PhotoPrefix
from visiongen.errors import UsageError, WeightsError
from visiongen.registry import TASKS
from visiongen.tasks.predicting import predict
from visiongen.training.export import PREFIX
from visiongen.training.painting import Painting
from visiongen.training.run import load_init


def taught(recycles: int = 1) -> Painting:
    """A nano painting whose second draft differs from its first."""
    model = made(recycles=recycles)
    torch.nn.init.normal_(model.painter.draft_head.weight, std=0.3)
    torch.nn.init.normal_(model.painter.recycle.weight, std=0.3)
    return model


@torch.no_grad()
def test_a_new_one_changes_nothing_and_a_taught_one_sees_the_probabilities_of_the_draft_before() -> None:
    given = batch()
    model = made(recycles=2)
    photo = model.painter.encode_photo(given["photo"], given["photo_blank"]).select(given["photo_index"])
    prompts = given["prompts"]
    logits = [model.painter.condition(photo, prompts, None, n).draft_logits for n in (0, 1, 2)]
    assert torch.equal(logits[0], logits[1]) and torch.equal(logits[0], logits[2])

    painter = taught(recycles=2).painter
    photo = painter.encode_photo(given["photo"], given["photo_blank"]).select(given["photo_index"])
    by_hand = painter.condition(photo, prompts, None, 0).draft_logits
    for times in (1, 2):
        features = photo.features + painter.recycle(by_hand.softmax(-1).flatten(2))
        told = PhotoPrefix(features, photo.keys, photo.grid)
        by_hand, before = painter.condition(told, prompts, None, 0).draft_logits, by_hand
        found = painter.condition(photo, prompts, None, times)
        torch.testing.assert_close(found.draft_logits, by_hand)
        assert not torch.allclose(by_hand, before, atol=1e-3)
    assert torch.equal(painter.condition(photo, prompts).draft_logits, found.draft_logits)  # its own: 2


@pytest.mark.parametrize("drawn", [True, False])
def test_training_draws_how_often_and_learns_from_the_last_pass(drawn: bool) -> None:
    model, given, passes = made(recycles=2, drawn=drawn), batch(), []
    draft = model.painter._draft
    model.painter._draft = lambda *a: passes.append(torch.is_grad_enabled()) or draft(*a)
    counts = set()
    for seed in range(12):
        torch.manual_seed(seed)
        passes.clear()
        model.zero_grad()
        model.loss(given)[0].backward()
        assert passes == [False] * (len(passes) - 1) + [True]
        counts.add(len(passes))
        gradient = model.painter.recycle.weight.grad
        assert (gradient is None or not gradient.any()) == (len(passes) == 1)
    assert counts == ({1, 2, 3} if drawn else {3})


def test_the_sampler_says_how_often(tmp_path: Path) -> None:
    model = taught()
    trained = EmbeddedBackbone(model.tokenizer, model.painter, "again")
    trained.save(tmp_path / "again.safetensors")
    backbone = EmbeddedBackbone.load(tmp_path / "again.safetensors")
    assert backbone.painter.config.recycles == 1
    photo = np.random.default_rng(3).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    order, scene = [TASKS.get("depth")().prompt()], backbone.scene(photo)

    def tokens(**options: int) -> np.ndarray:
        return scene.paint(order, Sampler("draft", **options))[0].tokens

    assert np.array_equal(tokens(), tokens(recycles=1)) and not np.array_equal(tokens(), tokens(recycles=0))
    for mode in ("verified", "masked"):
        sampler = Sampler(mode, recycles=0)  # type: ignore[arg-type]
        before = next(scene.stream(order[0], sampler)).tokens
        assert np.array_equal(before, tokens(recycles=0))
    slow, fast = (scene.paint(order, Sampler(m, recycles=1))[0] for m in ("sequential", "verified"))
    assert np.array_equal(slow.tokens, fast.tokens)
    one = predict("depth", photo, backbone=backbone, mode="draft", recycles=0, long_side=32)
    assert one.sample["recycles"] == 0 and np.array_equal(one.tokens, tokens(recycles=0))
    with pytest.raises(UsageError, match="recycles 2: these weights"):
        EmbeddedBackbone.random("nano").scene(photo).paint(order, Sampler(recycles=2))
    with pytest.raises(UsageError, match="recycles -1"):
        Sampler(recycles=-1)


@torch.no_grad()
def test_it_goes_on_from_weights_that_draft_once(tmp_path: Path) -> None:
    from visiongen import checkpoint

    old = made()
    path = tmp_path / "weights.safetensors"
    checkpoint.save(path, {PREFIX: old.state_dict()}, {"kind": "training"}, dtype=torch.float32)
    torch.manual_seed(0)  # the same tokenizer
    new = Painting("nano", recycles=1)
    with pytest.raises(WeightsError, match=r"painter\.recycle\.weight"):
        load_init(new, str(path), strict=True)
    load_init(new, str(path), strict=False)
    assert torch.equal(seen(new)[0].draft_logits, seen(old)[0].draft_logits)
    assert replace(new.painter.config, recycles=0) == old.painter.config
