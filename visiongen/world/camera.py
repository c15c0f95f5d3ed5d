"""The pinhole camera: axes, pixel rays, intrinsics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from visiongen.world.geometry import rotations
from visiongen.world.scene import Camera


@dataclass
class Cameras:
    """A batch of cameras. ``origin`` (B, 3); ``basis`` (B, 3, 3) columns are right, up, forward;
    ``focal`` (B,) pixels (square pixels, principal point at the centre).
    """

    origin: Tensor
    basis: Tensor
    focal: Tensor
    height: int
    width: int

    @classmethod
    def build(cls, cameras: Sequence[Camera], height: int, width: int, device: str) -> Cameras:
        """Float64 tensors on ``device``."""
        values = torch.tensor(
            [[c.x, c.y, c.z, c.yaw, c.pitch, c.roll, c.hfov] for c in cameras],
            dtype=torch.float64,
        )
        # pitch looks up: turning about +x by a positive angle moves forward (+z) towards -y
        basis = rotations(values[:, 3], -values[:, 4], values[:, 5])
        focal = width / 2 / torch.tan(values[:, 6] / 2)
        return cls(values[:, :3].to(device), basis.to(device), focal.to(device), height, width)

    def intrinsics(self) -> Tensor:
        """K (B, 3, 3) float32 in OpenCV's convention with pixel centres at integers + 0.5."""
        k = torch.zeros(len(self.focal), 3, 3, device=self.focal.device)
        k[:, 0, 0] = k[:, 1, 1] = self.focal.float()
        k[:, 0, 2] = self.width / 2
        k[:, 1, 2] = self.height / 2
        k[:, 2, 2] = 1
        return k

    def ray_coordinates(self) -> Tensor:
        """(B, H, W, 2) float32: u (right) and v (up) of each pixel centre at depth 1."""
        device = self.focal.device
        x = torch.arange(self.width, device=device) + 0.5 - self.width / 2
        y = self.height / 2 - 0.5 - torch.arange(self.height, device=device)
        grid = torch.stack(torch.meshgrid(y, x, indexing="ij"), -1).flip(-1)
        return (grid[None] / self.focal[:, None, None, None]).float()
