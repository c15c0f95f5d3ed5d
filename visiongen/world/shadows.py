"""Exact shadow rays towards a light, with primitives culled per 8 x 8 tile.

A light is a point (the sun: a point 3 km away), so the rays of all pixels share an origin and the
same linear functions as in geometry.py decide them, now of the lit point instead of the pixel.
"""

from __future__ import annotations

import torch
from torch import Tensor

from visiongen.world.geometry import BIG, Primitives, plane_slopes
from visiongen.world.maths import take
from visiongen.world.raster import rank_rows
from visiongen.world.scene import BOX, FRUSTUM, SPHERE

SUN_DISTANCE = 3000.0


class ShadowCast:
    """Tests which points see a light. Points come as tiles (T, 64, 3) with a mask (T, 64)."""

    def __init__(self, prims: Primitives, frame_of_tile: Tensor) -> None:
        keep = ((prims.column("casts") > 0.5) & (prims.kind <= FRUSTUM)).nonzero()[:, 0]
        self.prims = Primitives(
            prims.table[keep], prims.frame[keep], prims.kind[keep], prims.centre[keep],
            prims.to_local[keep], prims.to_world[keep],
        )  # fmt: skip
        self.owner_row = keep
        self.frame_of_tile = frame_of_tile
        reach = self.prims.to_world.abs().sum(2)
        self.low = (self.prims.centre - reach).float()
        self.high = (self.prims.centre + reach).float()

    def run(self, points: Tensor, mask: Tensor, light: Tensor) -> Tensor:
        """True (T, 64) where the segment from the point to light (B, 3) is blocked."""
        shadow = torch.zeros_like(mask)
        if not len(self.prims.table):
            return shadow
        prim, tile = self._candidates(points, mask, light)
        lanes = points.transpose(1, 2).contiguous()
        prim_rows = self.prims.kind[prim]
        origin = light[self.prims.frame].double()
        for kind in (BOX, SPHERE, FRUSTUM):
            pick = (prim_rows == kind).nonzero()[:, 0]
            if not len(pick):
                continue
            p, t, counts = rank_rows(prim[pick], tile[pick], len(points))
            test = self._boxes(origin) if kind == BOX else self._quadrics(origin, kind)
            start = 0
            for rank, count in enumerate(counts):
                rows, where = p[start : start + count], t[start : start + count]
                start += count
                if rank % 3 == 2:
                    lacking = take(mask, where) & ~take(shadow, where)
                    open_ = lacking.any(1).nonzero()[:, 0]
                    if not len(open_):
                        continue
                    rows, where = rows[open_], where[open_]
                hit = test(rows, take(lanes, where))
                shadow.index_copy_(0, where, take(shadow, where) | hit)
        return shadow & mask

    def _candidates(self, points: Tensor, mask: Tensor, light: Tensor) -> tuple[Tensor, Tensor]:
        """Pairs (primitive, tile) whose bounds meet the sweep from the tile to the light."""
        far = torch.where(mask[..., None], points, -1e5).amax(1)
        near = torch.where(mask[..., None], points, 1e5).amin(1)
        centre, extent = (far + near) / 2, (far - near) / 2
        used = mask.any(1)
        step = light[self.frame_of_tile].float() - centre
        step = torch.where(step.abs() < 1e-6, torch.full_like(step, 1e-6), step)
        prims, tiles = [], []
        frames = int(self.frame_of_tile[-1]) + 1 if len(self.frame_of_tile) else 0
        per = len(self.frame_of_tile) // max(frames, 1)
        for frame in range(frames):
            mine = (self.prims.frame == frame).nonzero()[:, 0]
            if not len(mine):
                continue
            at = slice(frame * per, (frame + 1) * per)
            pairs = _slabs(centre[at], extent[at], step[at], self.low[mine], self.high[mine]) & used[at][None]
            p, t = pairs.nonzero(as_tuple=True)
            prims.append(mine[p])
            tiles.append(t + frame * per)
        if not prims:
            empty = torch.zeros(0, dtype=torch.long, device=points.device)
            return empty, empty
        return torch.cat(prims), torch.cat(tiles)

    def _boxes(self, origin: Tensor):  # type: ignore[no-untyped-def]
        # rays origin + t (x - origin): basis over the homogeneous point (x, y, z, 1)
        eye = torch.eye(3, dtype=torch.float64, device=origin.device).expand(len(origin), 3, 3)
        basis = torch.cat([eye, -origin[:, :, None]], 2)
        slopes, outside = plane_slopes(self.prims, origin, basis)
        constant = slopes.new_tensor([0.0, 0.0, 0.0, 1.0])
        enter = torch.where(outside[..., None], slopes, BIG * constant).float()
        leave = torch.where(outside[..., None], -BIG * constant, slopes).float()
        both = torch.cat([enter, leave], 1)

        def test(p: Tensor, x: Tensor) -> Tensor:
            rows = take(both, p)
            s = torch.baddbmm(rows[:, :, 3:], rows[:, :, :3], x)
            near = s[:, :6].amin(1)
            return (near >= s[:, 6:].amax(1)) & (near > 1 + 1e-7) & (near < BIG / 2)

        return test

    def _quadrics(self, origin: Tensor, kind: int):  # type: ignore[no-untyped-def]
        to_local = self.prims.to_local.float()
        centre = self.prims.centre.float()
        light = torch.einsum("nij,nj->ni", self.prims.to_local, origin - self.prims.centre).float()
        taper = self.prims.column("kx").float()
        far = bool((origin.norm(dim=1) > 0.5 * SUN_DISTANCE).all())

        sideways = _across(light)

        def round_test(p: Tensor, x: Tensor) -> Tensor:
            # two axes across the light's direction and one along it, in the sphere's own space
            to_side = take(sideways, p) @ take(to_local, p)
            side = torch.baddbmm(-(to_side @ take(centre, p)[:, :, None]), to_side, x)
            sx, sy, along = side.unbind(1)
            return ((sx * sx).addcmul_(sy, sy) < 1) & (along < 0)

        def test(p: Tensor, x: Tensor) -> Tensor:
            q = take(to_local, p) @ (x - take(centre, p)[:, :, None])
            qx, qy, qz = q.unbind(1)
            dx, dy, dz = (light[p][:, :, None] - q).unbind(1)
            if kind == SPHERE:
                a = dx * dx + dy * dy + dz * dz
                closest = (-(dx * qx + dy * qy + dz * qz) / a).clamp(0, 1)
                px, py, pz = qx + closest * dx, qy + closest * dy, qz + closest * dz
                return (px * px + py * py + pz * pz < 1) & (closest > 0)
            k = taper[p][:, None] / 2
            r0, r1 = 1 - k - k * qy, -k * dy
            # the part of the segment between the caps
            dy = torch.where(dy.abs() < 1e-9, 1e-9, dy)
            ta, tb = (-1 - qy) / dy, (1 - qy) / dy
            t0 = torch.minimum(ta, tb).clamp(min=0)
            t1 = torch.maximum(ta, tb).clamp(max=1)
            a = dx * dx + dz * dz - r1 * r1
            b = dx * qx + dz * qz - r0 * r1
            a = torch.where(a.abs() < 1e-12, 1e-12, a)
            best = torch.maximum(torch.minimum(-b / a, t1), t0)
            px, pz, r = qx + best * dx, qz + best * dz, r0 + best * r1
            return (px * px + pz * pz < r * r) & (t1 > t0) & (best > 1e-7)

        return round_test if kind == SPHERE and far else test


def _across(direction: Tensor) -> Tensor:
    """Rows of (N, 3, 3): two unit axes across each direction and the direction itself."""
    z = direction / direction.norm(dim=1, keepdim=True)
    helper = torch.zeros_like(z).scatter_(1, z.abs().argmin(1, keepdim=True), 1.0)
    x = torch.linalg.cross(helper, z)
    x = x / x.norm(dim=1, keepdim=True)
    return torch.stack([x, torch.linalg.cross(z, x), z], 1)


def _slabs(centre: Tensor, extent: Tensor, step: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """(P, T) whether boxes low..high, grown by the tile's extent, meet the segment to the light."""
    enter = torch.zeros(len(low), len(centre), device=low.device)
    leave = torch.ones_like(enter)
    for axis in range(3):
        inverse = 1 / step[None, :, axis]
        a = (low[:, axis, None] - extent[None, :, axis] - centre[None, :, axis]) * inverse
        b = (high[:, axis, None] + extent[None, :, axis] - centre[None, :, axis]) * inverse
        enter = torch.maximum(enter, torch.minimum(a, b))
        leave = torch.minimum(leave, torch.maximum(a, b))
    return enter <= leave
