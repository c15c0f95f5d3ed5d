"""The optimiser and its parameter groups."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn

from visiongen.errors import UsageError

MOMENTUM = 0.9  # of Muon: what timm's factory gives it


@dataclass
class Optim:
    """AdamW by default; ``name`` may be any optimiser of timm.

    ``lr_scale``: name prefix -> factor on the rate (0 freezes). ``clip``: limit on the gradient's
    norm, 0 for none. ``ema``: decay of the averaged weights.
    """

    name: str = "adamw"
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.05
    clip: float = 1.0
    ema: float = 0.999
    lr_scale: dict[str, float] = field(default_factory=dict)


def make_optimiser(model: nn.Module, optim: Optim) -> torch.optim.Optimizer:
    """Groups by decay (none on vectors, norms, biases, embeddings) and by rate factor."""
    embeddings = {id(p) for m in model.modules() if isinstance(m, nn.Embedding) for p in m.parameters()}
    used: set[str] = set()
    groups: dict[tuple[float, float, bool], list[nn.Parameter]] = {}
    muon = "muon" in optim.name  # orthogonal updates are for weight matrices; tables and biases keep Adam's
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        prefix = max((p for p in optim.lr_scale if name.startswith(p)), key=len, default=None)
        scale = 1.0
        if prefix is not None:
            used.add(prefix)
            scale = optim.lr_scale[prefix]
        if scale == 0:
            parameter.requires_grad_(False)
            continue
        plain = parameter.ndim < 2 or id(parameter) in embeddings
        decay = 0.0 if plain else optim.weight_decay
        groups.setdefault((decay, scale, muon and plain), []).append(parameter)
    for prefix in optim.lr_scale:
        if prefix not in used:
            raise UsageError(f"optim.lr_scale: no parameter starts with {prefix!r}; check the name")
    if not groups:
        raise UsageError("optim: nothing to train, every parameter is frozen; check lr_scale")
    listed = [
        {"params": p, "weight_decay": decay, "lr_scale": scale, "lr": optim.lr}
        | ({"use_fallback": fallback} if muon else {})
        for (decay, scale, fallback), p in groups.items()
    ]
    if optim.name == "adamw":
        return torch.optim.AdamW(listed, lr=optim.lr, betas=optim.betas, foreach=True)
    if optim.name in ("muon", "nmuon"):
        from visiongen.training.muon import BatchedMuon

        nesterov = optim.name == "nmuon"
        return BatchedMuon(listed, lr=optim.lr, momentum=MOMENTUM, betas=optim.betas, nesterov=nesterov)
    from timm.optim import create_optimizer_v2

    try:
        return create_optimizer_v2(listed, opt=optim.name, lr=optim.lr, betas=optim.betas)
    except (AssertionError, ValueError, TypeError, IndexError) as error:
        raise UsageError(f"optim.name {optim.name!r}: {error}; try 'adamw'") from None
