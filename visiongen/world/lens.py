"""From radiance to an 8-bit photo: exposure, tone curve, white balance, blur, vignette, noise."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from visiongen.world.maths import power
from visiongen.world.scene import Lens


def develop(radiance: Tensor, lenses: Sequence[Lens], seeds: Sequence[int], flaws: bool) -> Tensor:
    """uint8 (B, H, W, 3) from linear radiance (B, H, W, 3).

    Exposure is automatic (the log-mean becomes mid grey) plus each lens's own error in stops.
    ``flaws`` switches blur, vignette and sensor noise.
    """
    device = radiance.device

    def number(name: str) -> Tensor:
        values = [getattr(lens, name) for lens in lenses]
        return torch.tensor(values, dtype=torch.float32, device=device)[:, None, None, None]

    radiance = radiance.clamp(0, 60)
    middle = torch.log(radiance.mean(-1) + 1e-3).mean((1, 2)).exp()[:, None, None, None]
    image = radiance * (0.21 / middle) * torch.exp(0.6931 * number("exposure"))
    warmth = number("warmth")
    image = image * torch.cat([1 + warmth, torch.ones_like(warmth), 1 - warmth], -1)
    if flaws:
        image = blurred(image, number("blur"))
        image = image * vignette(image, number("vignette"))
    # a film-like shoulder (Reinhard's extended curve, white at 4)
    image = image * (1 + image / 16) / (1 + image)
    image = power(image.clamp(0, 1), 1 / 2.2)
    grey = image.mean(-1, keepdim=True)
    image = grey + (image - grey) * number("saturation")
    image = 0.5 + (image - 0.42) * number("contrast") * 1.12
    if flaws:
        image = image + number("noise") * sensor_noise(image.shape, seeds).to(device)
    return (image.clamp(0, 1) * 255).round().to(torch.uint8)


def blurred(image: Tensor, amount: Tensor) -> Tensor:
    """Mix in a 3 x 3 binomial blur by ``amount`` (B, 1, 1, 1) in [0, 1]."""
    padded = torch.nn.functional.pad(image.permute(0, 3, 1, 2), (1, 1, 1, 1), mode="replicate")
    rows = padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]
    soft = (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 16
    return torch.lerp(image, soft.permute(0, 2, 3, 1), amount)


def vignette(image: Tensor, amount: Tensor) -> Tensor:
    """Darkening towards the corners, (B, H, W, 1)."""
    height, width = image.shape[1:3]
    y = torch.linspace(-1, 1, height, device=image.device)[:, None]
    x = torch.linspace(-1, 1, width, device=image.device)[None]
    return 1 - amount * ((x * x + y * y) / 2)[None, :, :, None]


def sensor_noise(shape: torch.Size, seeds: Sequence[int]) -> Tensor:
    """Gaussian noise (B, H, W, 3), each frame from its own seed."""
    frames = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed * 7919 + 17)
        frames.append(torch.randn(shape[1:], generator=generator))
    return torch.stack(frames)
