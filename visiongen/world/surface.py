"""What lies under each hit pixel: point, normal, texture coordinates, material numbers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from visiongen.world.camera import Cameras
from visiongen.world.geometry import Primitives, field_waves, surface_point_normal
from visiongen.world.maths import angle as angle_of
from visiongen.world.maths import dot, take, unit
from visiongen.world.scene import BOX, COLUMN, FIELD, FRUSTUM, SPHERE


@dataclass
class Hits:
    """The hit pixels of a batch, P rows. ``pixel`` indexes (B, H, W) flattened; world axes."""

    pixel: Tensor
    frame: Tensor
    prim: Tensor
    depth: Tensor
    point: Tensor
    normal: Tensor
    view: Tensor
    u: Tensor
    v: Tensor
    face: Tensor
    footprint: Tensor
    row: Tensor

    def column(self, name: str) -> Tensor:
        """A column of the primitives' table at the hits, float32 (P,)."""
        return self.row[:, COLUMN[name]]


def find_hits(prims: Primitives, cameras: Cameras, s: Tensor, owner: Tensor) -> Hits:
    """Attributes at the pixels where ``owner`` (B, H, W) >= 0; s = 1/depth."""
    flat = owner.reshape(-1)
    pixel = (flat >= 0).nonzero()[:, 0]
    prim = flat[pixel].long()
    frame = take(prims.frame, prim)
    depth = 1 / take(s.reshape(-1), pixel)
    uv = cameras.ray_coordinates().reshape(-1, 2).index_select(0, pixel)
    basis = cameras.basis.float().index_select(0, frame)
    ray = uv[:, :1] * basis[:, :, 0] + uv[:, 1:] * basis[:, :, 1] + basis[:, :, 2]
    point = cameras.origin.float().index_select(0, frame) + depth[:, None] * ray
    to_local = prims.to_local.float().index_select(0, prim)
    local = torch.einsum("pij,pj->pi", to_local, point - prims.centre.float().index_select(0, prim))
    normal, face = surface_point_normal(prims, prim, local, field_waves(prims))
    view = -unit(ray)
    facing = dot(normal, view)
    row = prims.table.float().index_select(0, prim)
    u, v = texture_coordinates(row, local, face)
    slope = facing.abs().clamp(min=0.08)
    footprint = depth / cameras.focal.float().index_select(0, frame) / slope.sqrt()
    return Hits(pixel, frame, prim, depth, point, normal, view, u, v, face, footprint, row)


def texture_coordinates(row: Tensor, local: Tensor, face: Tensor) -> tuple[Tensor, Tensor]:
    """(u, v) in metres on the surface: from the box's lower corner, or around the axis."""
    kind = row[:, 0].long()
    half = row[:, COLUMN["hx"] : COLUMN["hx"] + 3]
    metres = local * half
    corner = metres + half
    axis = face // 2
    u = torch.where(axis == 0, corner[:, 2], corner[:, 0])
    v = torch.where(axis == 1, corner[:, 2], corner[:, 1])
    round_ = (kind == SPHERE) | (kind == FRUSTUM)
    angle = angle_of(local[:, 2], local[:, 0])
    u = torch.where(round_, angle * half[:, 0], u)
    v = torch.where(round_, corner[:, 1], v)
    flat_cap = (kind == FRUSTUM) & (local[:, 1].abs() > 0.9995)
    u = torch.where(flat_cap, corner[:, 0], u)
    v = torch.where(flat_cap, corner[:, 2], v)
    flat = (kind == FIELD) | ((kind == BOX) & (axis == 1))
    return torch.where(flat, corner[:, 0], u), torch.where(flat, corner[:, 2], v)
