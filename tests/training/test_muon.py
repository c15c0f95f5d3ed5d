"""Muon in batches against timm's, which turns one matrix after another."""

from __future__ import annotations

import copy

import pytest
import torch
from timm.optim import create_optimizer_v2
from torch import nn

from visiongen.training.muon import BatchedMuon
from visiongen.training.optim import Optim, make_optimiser


def network() -> nn.ModuleList:
    """Matrices alike and alone, convolutions, and what the rule is not for."""
    torch.manual_seed(1)
    return nn.ModuleList(
        [nn.Linear(16, 24), nn.Linear(16, 24), nn.Conv2d(4, 8, 3), nn.Conv1d(4, 8, 3), nn.Linear(24, 3)]
        + [nn.Embedding(9, 8), nn.LayerNorm(5)]
    )


def steps(optimiser: torch.optim.Optimizer, model: nn.Module, count: int, seed: int) -> None:
    torch.manual_seed(seed)
    for _ in range(count):
        for number, parameter in enumerate(model.parameters()):
            gradient = torch.randn_like(parameter)
            parameter.grad = None if number == 1 else gradient
        optimiser.step()
        assert sum(p.grad is None for p in model.parameters()) == 1  # they are there for whoever looks


@pytest.mark.parametrize("name", ["muon", "nmuon"])
def test_the_same_steps_as_timm_s(name: str) -> None:
    ours, theirs = network(), network()
    optim = Optim(name=name, lr=1e-2, betas=(0.9, 0.98), lr_scale={"1": 3.0})
    one = make_optimiser(ours, optim)
    assert isinstance(one, BatchedMuon)
    names = {id(p): n for n, p in ours.named_parameters()}
    wanted = dict(theirs.named_parameters())
    groups = [
        {k: v for k, v in g.items() if k in ("weight_decay", "lr", "use_fallback")}
        | {"params": [wanted[names[id(p)]] for p in g["params"]]}
        for g in one.param_groups
    ]
    other = create_optimizer_v2(groups, opt=name, lr=1e-2, betas=(0.9, 0.98))
    steps(one, ours, 8, 0)
    steps(other, theirs, 8, 0)
    for (key, mine), its in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, its, msg=key)


def test_a_state_of_timm_s_is_gone_on_with() -> None:
    """A run that timm's own optimiser began is resumed."""
    ours, theirs = network(), network()
    one, other = (
        make_optimiser(ours, Optim(name="nmuon")),
        create_optimizer_v2(theirs, opt="nmuon", lr=1e-3, weight_decay=0.0, filter_bias_and_bn=False),
    )
    steps(other, theirs, 3, 0)
    alike = copy.deepcopy(theirs)
    again = BatchedMuon(alike.parameters(), lr=1e-3, momentum=0.9, nesterov=True)
    again.load_state_dict(copy.deepcopy(other.state_dict()))
    steps(again, alike, 3, 1)
    steps(other, theirs, 3, 1)
    for mine, its in zip(alike.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, its)
    assert one.step(lambda: torch.tensor(2.0)) == 2.0
