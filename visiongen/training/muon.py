"""Muon whose matrices of one shape are made orthogonal together.

The rule and its state are timm's (``timm.optim.Muon``; Jordan et al. 2024,
https://kellerjordan.github.io/posts/muon/). timm goes from matrix to matrix, at some forty small operations
each, which is more than a small model's forward pass launches on a GPU.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from timm.optim.muon import (
    _COEFFICIENTS,
    Muon,
    _is_suitable_for_muon,
    get_lr_scale,
    resolve_ns_coefficients,
    zeropower_via_newtonschulz,
)
from torch import Tensor


class BatchedMuon(Muon):
    """``timm.optim.Muon`` with ``conv_mode="flatten"``: the same steps, up to rounding."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Matrices here, the rest as timm does it."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        matrices = [self._matrices(group) for group in self.param_groups]
        grads = [[p.grad for p in found] for found in matrices]
        for group, found in zip(self.param_groups, matrices, strict=True):
            if found:
                self._turn(group, found)
            for parameter in found:
                parameter.grad = None  # timm skips what has none
        super().step()
        for found, kept in zip(matrices, grads, strict=True):
            for parameter, grad in zip(found, kept, strict=True):
                parameter.grad = grad
        return loss

    def _matrices(self, group: dict[str, Any]) -> list[Tensor]:
        """The parameters with a gradient that the rule is for, by timm's own test."""
        found = []
        for parameter in group["params"]:
            if parameter.grad is None or group.get("use_fallback", False):
                continue
            state = self.state[parameter]
            if "use_muon" not in state:
                state["use_muon"] = bool(_is_suitable_for_muon(parameter))
            if state["use_muon"]:
                found.append(parameter)
        return found

    def _turn(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        lr, momentum = float(group["lr"]), float(group["momentum"])
        grads = [p.grad for p in parameters if p.grad is not None]
        for parameter in parameters:
            if "momentum_buffer" not in self.state[parameter]:
                self.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        buffers = [self.state[p]["momentum_buffer"] for p in parameters]
        torch._foreach_mul_(parameters, 1 - lr * group["weight_decay"])
        torch._foreach_lerp_(buffers, grads, 1 - momentum)
        updates = torch._foreach_lerp(grads, buffers, momentum) if group["nesterov"] else buffers
        alike: dict[tuple[int, int], list[int]] = defaultdict(list)
        for number, parameter in enumerate(parameters):
            alike[(len(parameter), parameter.numel() // len(parameter))].append(number)
        coefficients = resolve_ns_coefficients(group["ns_coefficients"], _COEFFICIENTS)
        for shape, numbers in alike.items():
            stacked = torch.stack([updates[i].reshape(shape) for i in numbers])
            turned = zeropower_via_newtonschulz(
                stacked,
                group["ns_steps"],
                coefficients,
                eps=group["eps"],
                safety_factor=group["safety_factor"],
                scale_eps=group["scale_eps"],
            )
            scale = get_lr_scale(torch.Size(shape), group["adjust_lr_fn"]) if group["adjust_lr_fn"] else 1.0
            moved = [t.view(parameters[i].shape) for i, t in zip(numbers, turned.float(), strict=True)]
            torch._foreach_add_([parameters[i] for i in numbers], moved, alpha=-lr * scale)
