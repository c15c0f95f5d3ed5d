"""Primitives as algebra: affine maps, plane and quadric coefficients, bounds.

All rays of one cast share an origin o (the camera, or a light), so with s = 1/t every face of a
convex primitive is a *linear* function of the ray: the plane f0 + t fd = 0 is crossed at
s = -fd/f0. A ray enters the primitive at the smallest s over the planes that the origin is outside
of, and hits it if that is positive and not below the largest s over the other planes. Quadrics
give C s^2 + 2 B s + A = 0 with B linear and A quadratic in the ray.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from visiongen.world.maths import take, unit
from visiongen.world.scene import COLUMN, FIELD, FRUSTUM, SPHERE

TINY = 1e-12
BIG = 1e9


@dataclass
class Primitives:
    """All primitives of a batch, one row each (float64); ``frame`` says whose they are.

    ``table`` (N, columns), ``to_local`` (N, 3, 3) and ``centre`` (N, 3): q = to_local (p - centre);
    ``to_world`` (N, 3, 3) is its inverse.
    """

    table: Tensor
    frame: Tensor
    kind: Tensor
    centre: Tensor
    to_local: Tensor
    to_world: Tensor

    def column(self, name: str) -> Tensor:
        """One column of the table, (N,)."""
        return self.table[:, COLUMN[name]]

    @classmethod
    def build(cls, table: Tensor, frame: Tensor) -> Primitives:
        """Affine maps from the scene rows."""
        yaw, pitch, roll = (table[:, COLUMN[n]] for n in ("yaw", "pitch", "roll"))
        rotation = rotations(yaw, pitch, roll)
        half = table[:, COLUMN["hx"] : COLUMN["hx"] + 3]
        shear = torch.eye(3, dtype=table.dtype, device=table.device).repeat(len(table), 1, 1)
        unshear = shear.clone()
        shear[:, 2, 1] = table[:, COLUMN["shear"]]
        unshear[:, 2, 1] = -table[:, COLUMN["shear"]]
        to_world = (rotation * half[:, None, :]) @ shear
        to_local = unshear @ (rotation.transpose(1, 2) / half[:, :, None])
        centre = table[:, COLUMN["cx"] : COLUMN["cx"] + 3]
        return cls(table, frame, table[:, 0].long(), centre, to_local, to_world)

    def corners(self) -> Tensor:
        """World corners of the bounding parallelepipeds, (N, 8, 3)."""
        signs = _signs(self.table)
        return self.centre[:, None, :] + signs @ self.to_world.transpose(1, 2)

    def planes(self) -> tuple[Tensor, Tensor]:
        """Local half-spaces n . q <= e of the (tapered) box: n (N, 6, 3), e (N, 6)."""
        count = len(self.table)
        kx = torch.where(self.kind == FIELD, 0.0, self.column("kx"))
        kz = self.column("kz")
        normal = self.table.new_zeros(count, 6, 3)
        offset = self.table.new_ones(count, 6)
        for side, sign in ((0, 1.0), (1, -1.0)):
            normal[:, side, 0] = sign
            normal[:, side, 1] = kx / 2
            offset[:, side] = 1 - kx / 2
            normal[:, 2 + side, 1] = sign
            normal[:, 4 + side, 2] = sign
            normal[:, 4 + side, 1] = kz / 2
            offset[:, 4 + side] = 1 - kz / 2
        return normal, offset

    def quadric(self) -> Tensor:
        """Symmetric forms (N, 4, 4): [q, 1] S [q, 1]^T <= 0 inside (sphere or cone)."""
        k = self.column("kx")
        cone = self.kind == FRUSTUM
        a, b = torch.where(cone, 1 - k / 2, 1.0), torch.where(cone, k / 2, 0.0)
        form = self.table.new_zeros(len(self.table), 4, 4)
        form[:, 0, 0] = 1
        form[:, 2, 2] = 1
        form[:, 1, 1] = torch.where(cone, -b * b, 1.0)
        form[:, 1, 3] = form[:, 3, 1] = torch.where(cone, a * b, 0.0)
        form[:, 3, 3] = torch.where(cone, -a * a, -1.0)
        return form


def _signs(like: Tensor) -> Tensor:
    axis = torch.tensor([-1.0, 1.0], dtype=like.dtype, device=like.device)
    return torch.cartesian_prod(axis, axis, axis)


EDGES = ((0, 1), (0, 2), (0, 4), (1, 3), (1, 5), (2, 3), (2, 6), (3, 7), (4, 5), (4, 6), (5, 7),
         (6, 7))  # fmt: skip
"""Pairs of corners (in the order of ``corners``) that share an edge."""


def rotations(yaw: Tensor, pitch: Tensor, roll: Tensor) -> Tensor:
    """Ry(yaw) Rx(pitch) Rz(roll) as (N, 3, 3); yaw turns forward (+z) towards +x."""
    cy, sy = yaw.cos(), yaw.sin()
    cp, sp = pitch.cos(), pitch.sin()
    cr, sr = roll.cos(), roll.sin()
    rows = (
        cy * cr + sy * sp * sr, -cy * sr + sy * sp * cr, sy * cp,
        cp * sr, cp * cr, -sp,
        -sy * cr + cy * sp * sr, sy * sr + cy * sp * cr, cy * cp,
    )  # fmt: skip
    return torch.stack(rows, -1).reshape(-1, 3, 3)


def plane_slopes(prims: Primitives, origin: Tensor, basis: Tensor) -> tuple[Tensor, Tensor]:
    """Linear functions s(ray) of the six faces, for rays origin + t basis x.

    origin (N, 3); basis (N, 3, K) maps ray coordinates x (K) to a world direction. Returns the
    coefficients (N, 6, K) and which faces the origin is outside of (N, 6).
    """
    normal, offset = prims.planes()
    local = torch.einsum("nij,nj->ni", prims.to_local, origin - prims.centre)
    at_origin = torch.einsum("nfi,ni->nf", normal, local) - offset
    at_origin = torch.where(at_origin.abs() < TINY, torch.where(at_origin < 0, -TINY, TINY), at_origin)
    along = normal @ (prims.to_local @ basis)
    return -along / at_origin[:, :, None], at_origin > 0


def quadric_forms(
    prims: Primitives, origin: Tensor, basis: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """C (N,), b (N, K), D (N, K, K), oy (N,), dy (N, K) for rays origin + t basis x.

    B = b . x, D = B^2 - A C = x^T D x; the local height of a hit at t = 1/s is oy + dy . x / s.
    """
    local = torch.einsum("nij,nj->ni", prims.to_local, origin - prims.centre)
    ray = prims.to_local @ basis
    form = prims.quadric()
    point = torch.cat([local, torch.ones_like(local[:, :1])], 1)
    sp = torch.einsum("nij,nj->ni", form, point)
    c = torch.einsum("ni,ni->n", point, sp)
    c = torch.where(c.abs() < TINY, TINY, c)
    b = torch.einsum("ni,nik->nk", sp[:, :3], ray)
    a = ray.transpose(1, 2) @ form[:, :3, :3] @ ray
    d = b[:, :, None] * b[:, None, :] - c[:, None, None] * a
    return c, b, d, local[:, 1], ray[:, 1]


def field_waves(prims: Primitives) -> Tensor:
    """The height field's waves: (N, 4, 4) rows of (amplitude, fx, fz, phase), |sum| <= 0.9."""
    seed = prims.column("seed")
    scale = prims.column("kx")
    rows = []
    for index in range(4):
        angle = 2 * math.pi * torch.frac(seed * (7.13 + 3.71 * index) + 0.37 * index)
        phase = 2 * math.pi * torch.frac(seed * (13.7 + 5.3 * index) + 0.11 * index)
        frequency = scale * (1.5 + 1.3 * index)
        amplitude = torch.full_like(seed, 0.45 / (1 + index))
        rows.append(torch.stack([amplitude, frequency * angle.cos(), frequency * angle.sin(), phase], -1))
    waves = torch.stack(rows, 1)
    waves[:, :, 0] *= 0.9 / waves[:, :, 0].sum(1, keepdim=True)
    return waves


def field_height(waves: Tensor, x: Tensor, z: Tensor) -> Tensor:
    """Local height at local (x, z), both (R, ...) for waves (R, 4, 4)."""
    height = torch.zeros_like(x)
    extra = (1,) * (x.dim() - 1)
    for index in range(4):
        amplitude, fx, fz, phase = (waves[:, index, i].reshape(-1, *extra) for i in range(4))
        height = height + amplitude * torch.sin(fx * x + fz * z + phase)
    return height


def surface_point_normal(
    prims: Primitives, index: Tensor, local: Tensor, waves: Tensor
) -> tuple[Tensor, Tensor]:
    """Outward unit world normal (P, 3) at local points (P, 3), and the box face hit (P,)."""
    kind = take(prims.kind, index)
    kx = torch.where(kind == FIELD, 0.0, take(prims.column("kx"), index)).to(local.dtype)
    kz = take(prims.column("kz"), index).to(local.dtype)
    x, y, z = local.unbind(-1)
    taper = (y + 1) / 2
    faces = torch.stack([x + kx * taper, -x + kx * taper, y, -y, z + kz * taper, -z + kz * taper], -1)
    # the face a point lies on is the one whose half-space value is nearest to its limit
    face = faces.argmax(-1)
    axis = face // 2
    sign = 1.0 - 2.0 * (face % 2).to(local.dtype)
    zero = torch.zeros_like(x)
    nx = torch.where(axis == 0, sign, zero)
    nz = torch.where(axis == 2, sign, zero)
    ny = torch.where(axis == 1, sign, torch.where(axis == 0, kx / 2, kz / 2))
    sphere = kind == SPHERE
    nx, ny, nz = (torch.where(sphere, v, n) for v, n in ((x, nx), (y, ny), (z, nz)))
    cone = kind == FRUSTUM
    radius = 1 - kx * taper
    side = y.abs() < 1 - 1e-4
    rim = torch.hypot(x, z)
    side = side | ((rim - radius).abs() < (1 - y.abs()))
    nx = torch.where(cone, torch.where(side, x, zero), nx)
    nz = torch.where(cone, torch.where(side, z, zero), nz)
    ny = torch.where(cone, torch.where(side, radius * kx / 2, torch.sign(y)), ny)
    bumpy = kind == FIELD
    if bool(bumpy.any()):
        picked = bumpy.nonzero()[:, 0]
        wave = waves[index[picked]].to(local.dtype)
        fx, fz = x[picked], z[picked]
        gx, gz = torch.zeros_like(fx), torch.zeros_like(fz)
        for i in range(4):
            slope = wave[:, i, 0] * torch.cos(wave[:, i, 1] * fx + wave[:, i, 2] * fz + wave[:, i, 3])
            gx, gz = gx - slope * wave[:, i, 1], gz - slope * wave[:, i, 2]
        top = faces[picked].abs().amax(-1) < 1 - 1e-3
        nx[picked] = torch.where(top, gx, nx[picked])
        ny[picked] = torch.where(top, torch.ones_like(gx), ny[picked])
        nz[picked] = torch.where(top, gz, nz[picked])
    local_normal = torch.stack([nx, ny, nz], -1)
    world = torch.einsum("pji,pj->pi", take(prims.to_local.to(local.dtype), index), local_normal)
    return unit(world), face
