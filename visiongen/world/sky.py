"""The sky's radiance by direction: gradient, clouds, sun glow; also what mirrors reflect."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from visiongen.world.maths import dot, power, take
from visiongen.world.noise import noise
from visiongen.world.scene import Lighting


@dataclass
class Lights:
    """The Lighting of a batch as tensors: (B, 3) colours and directions, (B,) numbers."""

    sun_direction: Tensor
    sun: Tensor
    zenith: Tensor
    horizon: Tensor
    ground: Tensor
    clouds: Tensor
    fog: Tensor
    ambient: Tensor
    seed: Tensor
    points: Tensor

    @classmethod
    def build(cls, lightings: list[Lighting], seeds: list[int], device: str) -> Lights:
        """Stack the scenes' lights; ``points`` is (B, L, 6): position and colour."""

        def stack(values: list) -> Tensor:
            return torch.tensor(values, dtype=torch.float32, device=device)

        most = max(1, max(len(light.points) for light in lightings))
        points = torch.zeros(len(lightings), most, 6)
        for row, light in zip(points, lightings, strict=True):
            for slot, value in zip(row, light.points, strict=False):
                slot.copy_(torch.tensor(value))
        direction = stack([light.sun_direction for light in lightings])
        return cls(  # type: ignore[call-arg]  # mypy cannot count starred arguments
            torch.nn.functional.normalize(direction, dim=-1),
            *(stack([getattr(light, name) for light in lightings])
              for name in ("sun", "zenith", "horizon", "ground", "clouds", "fog", "ambient")),
            stack([(seed * 0.6180339887) % 1.0 for seed in seeds]),
            points.to(device),
        )  # fmt: skip


def sky_radiance(lights: Lights, frame: Tensor, direction: Tensor, clouds: bool) -> Tensor:
    """Radiance (P, 3) from unit directions (P, 3) of frames (P,)."""
    up = direction[:, 1]
    mix = up.clamp(0, 1).sqrt()[:, None]
    colour = torch.lerp(take(lights.horizon, frame), take(lights.zenith, frame), mix)
    if clouds:
        height = 0.6 / (up.clamp(min=0) + 0.12)
        seed = take(lights.seed, frame)
        n = noise(
            direction[:, 0] * height * 0.2 + seed * 5, direction[:, 2] * height * 0.2 + seed * 3,
            0.004 * height,
        )  # fmt: skip
        amount = take(lights.clouds, frame)
        cover = (0.5 * n[:, 0] + 0.25 * n[:, 1] + 3 * amount - 1.2).clamp(0, 1)
        cover = cover * (up * 8).clamp(0, 1) * (amount > 0.02)
        grey = take(lights.horizon, frame) * 0.4 + 0.75 * take(lights.horizon, frame).mean(-1, keepdim=True)
        colour = torch.lerp(colour, grey * (1 - 0.25 * cover[:, None]), cover[:, None] * 0.9)
    toward = dot(direction, take(lights.sun_direction, frame)).clamp(0, 1)
    glow = 0.12 * power(toward, 8.0) + 0.5 * power(toward, 200.0)
    colour = colour + glow[:, None] * take(lights.sun, frame) * 0.25
    below = (-up * 6 + 0.5).clamp(0, 1)[:, None]
    return torch.lerp(colour, take(lights.ground, frame), below * (up < 0.02)[:, None])
