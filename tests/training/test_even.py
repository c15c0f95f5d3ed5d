"""Batches in round numbers, for GPUs that plan anew for every shape."""

from __future__ import annotations

import numpy as np
import torch

from visiongen.example_reader import ROUND, _in_round_numbers
from visiongen.legend_encoder import ROWS, encode_bytes
from visiongen.training.batches import IGNORE, BatchBuilder, even, move, photo_prompt
from visiongen.training.painting import Painting


def made(photos: int, targets: int) -> dict:
    rng = np.random.default_rng(0)
    builder = BatchBuilder((16, 24))
    places = [builder.photo(rng.integers(0, 255, (16, 24, 3), np.uint8)) for _ in range(photos)]
    for number in range(targets):
        image = rng.integers(0, 255, (16, 24, 3), np.uint8)
        builder.target(places[number % photos], photo_prompt("depth"), image)
    return builder.build()


def test_nothings_come_and_all_else_stays() -> None:
    batch = made(5, 19)
    found = even(batch)
    assert len(found["photo"]) == 8 and len(found["target"]) == len(found["prompts"]) == 24
    for key in ("photo", "photo_blank"):
        assert torch.equal(found[key][:5], batch[key])
    assert found["photo_blank"][5:].all() and not found["photo"][5:].any()
    for key in ("photo_index", "target", "valid", "labels"):
        assert torch.equal(found[key][:19], batch[key]) and found[key].dtype == batch[key].dtype
    assert not found["valid"][19:].any() and (found["labels"][19:] == IGNORE).all()
    assert found["prompts"][:19] == batch["prompts"] and found["photo_index"].max() < 5
    whole = made(8, 8)
    assert all(torch.equal(even(whole)[key], whole[key]) for key in ("photo", "target", "valid"))
    assert move(batch, torch.device("cpu")) is batch


def test_nothings_change_no_loss() -> None:
    batch = made(3, 13)
    torch.manual_seed(0)
    model = Painting(preset="nano", causal=0)
    torch.nn.init.normal_(model.painter.draft_head.weight, std=0.2)
    losses = []
    for one in (batch, even(batch)):
        torch.manual_seed(2)
        losses.append(model.loss(one)[0])
    torch.testing.assert_close(*losses)


def test_texts_and_examples_come_in_round_numbers_on_a_gpu() -> None:
    texts = [f"class {i}" for i in range(70)]
    assert len(encode_bytes(texts, torch.device("cpu"))) == 70
    assert len(encode_bytes(texts, torch.device("meta"))) == 2 * ROWS
    asked = []

    def features(photos: torch.Tensor) -> torch.Tensor:
        asked.append(len(photos))
        return photos.flatten(1)

    assert _in_round_numbers(features, torch.empty(3, 3, 8, 8, device="meta")).shape == (3, 192)
    assert len(_in_round_numbers(features, torch.rand(3, 3, 8, 8))) == 3
    assert asked == [ROUND, 3]
