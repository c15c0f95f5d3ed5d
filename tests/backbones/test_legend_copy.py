"""What is pointed at, is painted."""

from __future__ import annotations

import pytest
import torch

from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.legend_copy import LegendCopy
from visiongen.legend_encoder import PromptEncoder
from visiongen.prompt import Legend, Prompt

LEVELS, CELLS = (8, 8, 4), 16


def _values(levels: torch.Tensor) -> torch.Tensor:
    """Token levels (K, C) -> values (1, 1 + K, C), entry 0 for "none"."""
    top = torch.tensor(LEVELS) - 1.0
    return torch.cat([torch.zeros(1, len(LEVELS)), levels / top * 2 - 1])[None]


def test_a_token_that_points_at_one_entry_is_drawn_to_that_entrys_levels() -> None:
    levels = torch.tensor([[0.0, 7.0, 3.0], [4.0, 2.0, 1.0]])
    logits = LegendCopy(LEVELS, CELLS)(torch.full((1, 5, CELLS), 2), _values(levels))
    assert logits.shape == (1, 5, 3, 8)
    assert torch.equal(logits.argmax(-1), levels[1].long().expand(1, 5, 3))
    best, second = logits.topk(2).values.unbind(-1)
    torch.testing.assert_close(best - second, torch.ones(1, 5, 3))  # strength 1: a nat for the next level


@pytest.mark.parametrize("entry", [[0] * CELLS, [1] * 8 + [2] * 8])
def test_nothing_and_edges_start_without_a_say(entry: list[int]) -> None:
    values = _values(torch.rand(2, 3, generator=torch.Generator().manual_seed(0)) * 3)
    assert not LegendCopy(LEVELS, CELLS)(torch.tensor([[entry]]), values).any()


def test_edges_learn_from_the_colours_of_their_cells() -> None:
    copy = LegendCopy(LEVELS, CELLS)
    values = _values(torch.tensor([[0.0, 7.0, 3.0], [4.0, 2.0, 1.0]]))
    entry = torch.tensor([[[1] * 8 + [2] * 8]])
    goal = torch.tensor([[[2, 5, 2]]])
    optimiser = torch.optim.SGD(copy.parameters(), lr=1.0)
    for _ in range(50):
        optimiser.zero_grad()
        logits = copy(entry, values)[..., :4]
        torch.nn.functional.cross_entropy(logits.flatten(0, 2), goal.flatten().clamp(max=3)).backward()
        optimiser.step()
    assert torch.equal(copy(entry, values)[..., :4].argmax(-1), goal.clamp(max=3))


@torch.no_grad()
def test_a_photo_from_a_map_takes_no_colour_from_its_legend() -> None:
    """The legend of such an order says what the given map means."""
    legend = Legend(("sky", "road"), ((10, 200, 30), (200, 20, 90)))
    nano = EmbeddedBackbone.random("nano")
    photo = nano.painter.encode_photo(torch.rand(1, 3, 24, 32) * 2 - 1)
    pointed = {
        task: nano.painter.condition(photo, [Prompt(task, "words", legend)]).pointer.argmax(-1)
        for task in ("image", "semantic")
    }
    assert not pointed["image"].any()
    assert pointed["semantic"].any()


def test_the_case_of_a_name_is_no_other_class() -> None:
    """Training names classes in small letters; other letters (and other alphabets) stay other names."""
    encoder = PromptEncoder(16, 4)
    names = ["road", "ROAD", "Road", "rod", "Öl", "öl", "İ" * 30]
    colours = tuple((20 * i, 0, 0) for i in range(len(names)))
    prompt = Prompt("semantic", "paint", Legend(tuple(names), colours))
    said = encoder([prompt], [torch.zeros(len(names), 4)])[2][0]
    assert torch.equal(said[0], said[1]) and torch.equal(said[0], said[2])
    assert not torch.allclose(said[0], said[3]) and not torch.allclose(said[4], said[5])
