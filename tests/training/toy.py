"""A model and a source small enough to train in a second, with dropout so that RNG matters."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from visiongen.prompt import Prompt


class ToyModel(nn.Module):
    """Fits the mean colour of a picture; batch norm gives it buffers, dropout uses the RNG."""

    def __init__(self, width: int = 8, delay: float = 0.0) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.SiLU(), nn.Dropout(0.2),
            nn.Conv2d(width, 3, 1),
        )  # fmt: skip
        self.delay = delay

    def loss(self, batch: dict[str, Any]) -> tuple[Tensor, dict[str, float]]:
        if self.delay:
            time.sleep(self.delay)
        error = (self.net(batch["photo"]) - batch["target"]).square().mean()
        return error, {"mse": float(error.detach())}


class ToySource:
    """Noise in, smoothed noise out; ``bad`` lists the batch indices that hold NaN."""

    name = "toy"

    def __init__(self, bad: tuple[int, ...] = ()) -> None:
        self.bad = bad

    def prepare(self) -> None:
        pass

    def batch(self, index: int, seed: int) -> dict[str, Any]:
        rng = np.random.default_rng([seed, index])
        photo = torch.from_numpy(rng.normal(size=(2, 3, 8, 8)).astype(np.float32))
        target = nn.functional.avg_pool2d(photo, 3, 1, 1)
        if index in self.bad:
            photo[0, 0, 0, 0] = float("nan")
        return {"photo": photo, "target": target, "prompts": [Prompt("photo", "photo")] * 2}
