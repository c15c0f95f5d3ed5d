"""Scenes with known answers."""

from __future__ import annotations

import torch

from visiongen.world.render import Frames, trace
from visiongen.world.scene import Camera, Scene, material

GREY = material("plain", (0.6, 0.6, 0.6))


def empty(camera: Camera | None = None) -> Scene:
    scene = Scene(0, "handmade")
    scene.camera = camera or Camera(0.0, 0.0, 0.0)
    scene.lighting.sun = (2.0, 2.0, 2.0)
    return scene


def look(scene: Scene, height: int = 48, width: int = 64) -> tuple[Frames, torch.Tensor]:
    return trace([scene], height, width)


def rays(frames: Frames, height: int, width: int) -> torch.Tensor:
    """Directions (H, W, 3) with z = 1, camera axes x right, y up, z forward, float64."""
    k = frames.intrinsics[0].double()
    x = (torch.arange(width, dtype=torch.float64) + 0.5 - k[0, 2]) / k[0, 0]
    y = -(torch.arange(height, dtype=torch.float64) + 0.5 - k[1, 2]) / k[1, 1]
    v, u = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([u, v, torch.ones_like(u)], -1)
