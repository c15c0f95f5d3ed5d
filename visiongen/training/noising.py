"""How noisy each token of a picture is while the painter learns to clear pictures up."""

from __future__ import annotations

import torch
from torch import Tensor


def draw_times(length: int) -> Tensor:
    """Times (N,) in [0, 1] of a picture's tokens in raster order, from torch's global generator.

    Half of the pictures have one time everywhere; the others one in a group of tokens, with all before it
    clear (0) and all behind it hidden (1), as the order ``diffuse`` meets them.
    """
    time = torch.rand(()).expand(length).clone()
    if torch.rand(()) < 0.5:
        start = int(torch.randint(0, length, ()))
        stop = start + int(torch.randint(1, length + 1, ()))
        time[:start], time[stop:] = 0.0, 1.0
    return time
