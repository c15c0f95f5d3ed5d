"""An exponential moving average of the weights, in fp32, that a checkpoint can hold."""

from __future__ import annotations

import torch
from torch import nn


class Ema:
    """Shadow of ``model``'s state. Early on it forgets faster: min(decay, (1 + n) / (10 + n))."""

    def __init__(self, model: nn.Module, decay: float = 0.999) -> None:
        self.decay, self.updates = decay, 0
        self.shadow = {k: v.detach().clone() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move the shadow toward the model; whole numbers are copied."""
        self.updates += 1
        weight = 1 - min(self.decay, (1 + self.updates) / (10 + self.updates))
        shadow, values = [], []
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                shadow.append(self.shadow[name])
                values.append(value.detach())
            else:
                self.shadow[name].copy_(value)
        torch._foreach_lerp_(shadow, values, weight)

    def state(self) -> dict[str, object]:
        """What a checkpoint keeps."""
        return {"updates": self.updates, "shadow": self.shadow}

    def restore(self, state: dict) -> None:
        """Continue from ``state``."""
        self.updates = int(state["updates"])
        for name, value in state["shadow"].items():
            self.shadow[name].copy_(value)
