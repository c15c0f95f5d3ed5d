"""The error in the painted picture: what it counts, what it leaves out, where its gradient points."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from visiongen.prompt import Prompt
from visiongen.tokenizer import ImageTokenizer, TokenizerConfig
from visiongen.training.batches import BatchBuilder, photo_prompt, random_legend
from visiongen.training.painting import Painting
from visiongen.training.pixels import HUBER, measured, pixel_loss

SIZE = (16, 24)
TOKENS = (SIZE[0] // 8) * (SIZE[1] // 8)


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def batch(valid: np.ndarray | None = None) -> dict[str, Any]:
    """Depth, classes, a photo from a map, a photo from nothing."""
    builder = BatchBuilder(SIZE)
    place = builder.photo(picture(0))
    builder.target(place, Prompt("depth", "depth"), picture(1), valid)
    legend = random_legend(["sky", "road"], np.random.default_rng(0))
    builder.target(place, Prompt("semantic", "segment", legend), picture(2))
    builder.target(builder.photo(picture(1)), photo_prompt("semantic", legend), picture(0))
    builder.target(builder.photo(None), photo_prompt(), picture(0))
    return builder.build()


def tokenizer() -> ImageTokenizer:
    torch.manual_seed(0)
    model = ImageTokenizer(TokenizerConfig.preset("nano")).eval().requires_grad_(False)
    return model


def sure(tokens: Tensor) -> Tensor:
    """Logits that leave no doubt of ``tokens`` (B, N, C)."""
    return F.one_hot(tokens, 8).float() * 1e3


def test_quantities_and_photos_of_which_something_is_given() -> None:
    assert measured(batch()).tolist() == [True, False, True, False]


def test_it_is_the_mean_error_of_the_picture_that_decoding_would_paint() -> None:
    given, model = batch(), tokenizer()
    tokens = torch.randint(0, 8, (4, TOKENS, 12), generator=torch.Generator().manual_seed(1))
    painted = model.paint(model.values(tokens.unflatten(1, (2, 3))))
    error = (painted - given["target"]).abs()[[0, 2]]
    expected = torch.where(error < HUBER, error.square() / (2 * HUBER), error - HUBER / 2).mean()
    loss = pixel_loss(model, sure(tokens), given, torch.ones(4, TOKENS))
    torch.testing.assert_close(loss, expected)


def test_pixels_that_mean_nothing_and_tokens_that_were_given_do_not_count() -> None:
    valid = np.ones(SIZE, bool)
    valid[:8, :8] = False
    given, model = batch(valid), tokenizer()
    weight = torch.ones(4, TOKENS)
    weight[0, 1] = 0.0
    logits = sure(torch.full((4, TOKENS, 12), 3))
    before = pixel_loss(model, logits, given, weight)
    given["target"][0, :, :8, :16] = 1 - given["target"][0, :, :8, :16]
    assert torch.equal(before, pixel_loss(model, logits, given, weight))


def test_an_order_that_is_not_measured_gets_no_gradient_and_a_batch_without_any_is_zero() -> None:
    given, model = batch(), tokenizer()
    logits = torch.zeros(4, TOKENS, 12, 8, requires_grad=True)
    pixel_loss(model, logits, given, torch.ones(4, TOKENS)).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert [bool(g.any()) for g in logits.grad] == [True, False, True, False]
    given["photo_blank"][:] = True
    assert pixel_loss(model, logits, given, torch.ones(4, TOKENS)) == 0


def test_of_a_large_batch_other_maps_count_each_time() -> None:
    most, count = 4, 12
    builder = BatchBuilder(SIZE)
    place = builder.photo(picture(0))
    for seed in range(count):
        builder.target(place, Prompt("depth", "depth"), picture(seed))
    given, model = builder.build(), tokenizer()
    logits = torch.zeros(count, TOKENS, 12, 8, requires_grad=True)
    touched = []
    torch.manual_seed(0)
    for _ in range(2):
        loss = pixel_loss(model, logits, given, torch.ones(count, TOKENS), tokens=most * TOKENS)
        (gradient,) = torch.autograd.grad(loss, logits)
        touched.append(gradient.flatten(1).any(1))
    assert [int(t.sum()) for t in touched] == [most, most]
    assert not torch.equal(*touched)


@pytest.mark.slow
def test_between_two_answers_it_paints_the_nearer_picture() -> None:
    """One order with two answers: no token is right, and the term finds those whose picture is less wrong."""

    def both() -> dict[str, Any]:
        builder = BatchBuilder(SIZE)
        place = builder.photo(picture(0))
        for seed in (1, 2):
            builder.target(place, Prompt("depth", "depth"), picture(seed))
        return builder.build()

    def left(weight: float) -> float:
        torch.manual_seed(0)
        model = Painting("nano", causal=0.0, pixels=weight)
        for part in model.tokenizer.parameters():  # an untrained decoder paints next to nothing
            part.mul_(2.0)
        optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
        for _ in range(80):
            optimiser.zero_grad()
            model.loss(both())[0].backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        model.pixels = 1.0
        return model.loss(both())[1]["pixels"]

    assert left(5.0) < left(0.0) - 0.005


def test_held_tokens_are_painted_as_they_are_and_learn_nothing() -> None:
    given, model = batch(), tokenizer()
    drawn = torch.Generator().manual_seed(2)
    true, guess = (torch.randint(0, 8, (4, TOKENS, 12), generator=drawn) for _ in range(2))
    keep = torch.tensor([True, False] * (TOKENS // 2)).expand(4, -1)
    logits = torch.randn(4, TOKENS, 12, 8, generator=drawn).requires_grad_()
    weight = torch.where(keep, 0.0, 1.0)
    pixel_loss(model, logits, given, weight, held=(true, keep)).backward()
    assert not logits.grad[keep].any() and logits.grad[[0, 2]][~keep[[0, 2]]].any()
    as_decoded = torch.where(keep[..., None], true, guess)
    found = pixel_loss(model, sure(guess), given, weight, held=(true, keep))
    torch.testing.assert_close(found, pixel_loss(model, sure(as_decoded), given, weight))
