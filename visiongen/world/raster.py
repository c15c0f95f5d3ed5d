"""Casting the camera's rays: primitives are binned into 8 x 8 pixel tiles, nearest first.

Tile lists are walked rank by rank: one step tests the k-th primitive of every tile of every frame.
A tile whose every pixel is nearer than the rest of its list is dropped on the way.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from visiongen.world.camera import Cameras
from visiongen.world.geometry import (
    BIG,
    EDGES,
    Primitives,
    field_height,
    field_waves,
    plane_slopes,
    quadric_forms,
)
from visiongen.world.maths import affine, take
from visiongen.world.scene import BOX, FIELD, FRUSTUM, SPHERE

TILE = 8
NEAR = 0.05


@dataclass
class Grid:
    """Tiles of a batch: ``across`` x ``down`` a frame; tile id = frame * across * down + y, x."""

    frames: int
    across: int
    down: int

    @property
    def tiles(self) -> int:
        """Tiles of one frame."""
        return self.across * self.down


def screen_bounds(prims: Primitives, cameras: Cameras) -> tuple[Tensor, Tensor, Tensor]:
    """Pixel rectangles (N, 4) x0, y0, x1, y1 of the bounds in front of the camera, the nearest
    depth (N,), and which primitives are in front at all (N,).
    """
    basis = cameras.basis[prims.frame]
    seen = (prims.corners() - cameras.origin[prims.frame][:, None, :]) @ basis
    a = seen[:, [e[0] for e in EDGES]]
    b = seen[:, [e[1] for e in EDGES]]
    # where an edge crosses the near plane, the crossing bounds the part in front
    step = (NEAR - a[..., 2:]) / torch.where(
        (b[..., 2:] - a[..., 2:]).abs() < 1e-9, 1e-9, b[..., 2:] - a[..., 2:]
    )
    cut = a + step.clamp(0, 1) * (b - a)
    crosses = (a[..., 2] - NEAR) * (b[..., 2] - NEAR) < 0
    points = torch.cat([seen, cut], 1)
    use = torch.cat([seen[..., 2] >= NEAR, crosses], 1)
    depth = points[..., 2].clamp(min=NEAR)
    focal = cameras.focal[prims.frame][:, None]
    x = points[..., 0] / depth * focal + cameras.width / 2
    y = cameras.height / 2 - points[..., 1] / depth * focal
    low, high = -1e6, 1e6
    bounds = torch.stack(
        [
            torch.where(use, x, high).amin(1),
            torch.where(use, y, high).amin(1),
            torch.where(use, x, low).amax(1),
            torch.where(use, y, low).amax(1),
        ],
        1,
    )
    nearest = torch.where(use, depth, high).amin(1)
    return bounds, nearest, use.any(1)


def bin_tiles(
    bounds: Tensor, nearest: Tensor, visible: Tensor, frame: Tensor, grid: Grid, size: tuple[int, int]
) -> tuple[Tensor, Tensor, list[int]]:
    """Rows (primitive, tile) ordered by their rank in the tile; and how many rows a rank has."""
    height, width = size
    x0 = (bounds[:, 0].clamp(0, width) / TILE).floor().long()
    y0 = (bounds[:, 1].clamp(0, height) / TILE).floor().long()
    x1 = ((bounds[:, 2].clamp(-1, width) / TILE).floor().long() + 1).clamp(max=grid.across)
    y1 = ((bounds[:, 3].clamp(-1, height) / TILE).floor().long() + 1).clamp(max=grid.down)
    across, down = (x1 - x0).clamp(min=0), (y1 - y0).clamp(min=0)
    counts = torch.where(visible, across * down, 0)
    order = torch.argsort(nearest, stable=True)
    counts = counts[order]
    prim = torch.repeat_interleave(order, counts)
    start = torch.cumsum(counts, 0) - counts
    inside = torch.arange(len(prim), device=prim.device) - torch.repeat_interleave(start, counts)
    wide = across[prim].clamp(min=1)
    tile = (y0[prim] + inside // wide) * grid.across + x0[prim] + inside % wide
    return rank_rows(prim, tile + frame[prim] * grid.tiles, grid.frames * grid.tiles)


def rank_rows(prim: Tensor, tile: Tensor, tiles: int) -> tuple[Tensor, Tensor, list[int]]:
    """Order rows by their rank in their tile's list (keeping the given order inside a tile)."""
    if not len(prim):
        return prim, tile, []
    sorted_tile, by_tile = torch.sort(tile, stable=True)
    per_tile = torch.bincount(tile, minlength=tiles)
    first = torch.cumsum(per_tile, 0) - per_tile
    rank = torch.arange(len(tile), device=tile.device) - first[sorted_tile]
    by_rank = torch.argsort(rank, stable=True)
    rows = by_tile[by_rank]
    return prim[rows], tile[rows], torch.bincount(rank).tolist()


class CameraCast:
    """Finds the nearest primitive of each pixel: ``run()`` -> (s = 1/depth, primitive or -1)."""

    def __init__(self, prims: Primitives, cameras: Cameras, grid: Grid) -> None:
        self.prims, self.cameras, self.grid = prims, cameras, grid
        device = prims.table.device
        pixels = grid.frames * grid.tiles
        self.best = torch.zeros(pixels, TILE * TILE, device=device)
        self.owner = torch.full((pixels, TILE * TILE), -1, dtype=torch.int32, device=device)
        steps = torch.arange(TILE, dtype=torch.float32, device=device)
        self.rows, self.columns = (v.reshape(-1) for v in torch.meshgrid(steps, steps, indexing="ij"))

    def run(self) -> tuple[Tensor, Tensor]:
        """(tiles, 64) each."""
        prims, cameras = self.prims, self.cameras
        bounds, nearest, visible = screen_bounds(prims, cameras)
        size = (cameras.height, cameras.width)
        origin, basis = cameras.origin[prims.frame], cameras.basis[prims.frame]
        for kinds, test in (((BOX,), self._boxes), ((SPHERE, FRUSTUM), self._quadrics),
                            ((FIELD,), self._fields)):  # fmt: skip
            of_kind = torch.zeros_like(visible)
            for kind in kinds:
                of_kind |= prims.kind == kind
            use = visible & of_kind
            if not bool(use.any()):
                continue
            rows = bin_tiles(bounds, nearest, use, prims.frame, self.grid, size)
            reach = (1 / nearest).float()
            self._walk(rows, reach, test(origin, basis))
        return self.best, self.owner

    def _walk(self, rows, reach, test) -> None:  # type: ignore[no-untyped-def]
        prim, tile, counts = rows
        start = 0
        worst = None
        for rank, count in enumerate(counts):
            p, t = prim[start : start + count], tile[start : start + count]
            start += count
            if rank % 4 == 0:
                worst = self.best.amin(1)
            if rank >= 4 and worst is not None:
                open_ = (take(reach, p) > take(worst, t)).nonzero()[:, 0]
                if len(open_) == 0:
                    continue
                p, t = p[open_], t[open_]
            s = test(p, t)
            old = take(self.best, t)
            better = s > old
            self.best.index_copy_(0, t, torch.where(better, s, old))
            self.owner.index_copy_(0, t, torch.where(better, p[:, None].int(), take(self.owner, t)))

    def _tile_frame(self, tile: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """u, v of the tile's first pixel centre and u's step, float64 (R,)."""
        frame, inside = tile // self.grid.tiles, tile % self.grid.tiles
        focal = self.cameras.focal[frame]
        x = (inside % self.grid.across) * TILE + 0.5 - self.cameras.width / 2
        y = self.cameras.height / 2 - 0.5 - (inside // self.grid.across) * TILE
        return x / focal, y / focal, 1 / focal

    def _local(self, coefficients: Tensor, tile: Tensor) -> Tensor:
        """Functions linear in (u, v, 1) as functions of (column, row, 1) in the tile (R, ..., 3)."""
        u, v, step = self._tile_frame(tile)
        shape = (-1,) + (1,) * (coefficients.dim() - 2)
        u, v, step = u.reshape(shape), v.reshape(shape), step.reshape(shape)
        cu, cv, c1 = coefficients.unbind(-1)
        return torch.stack([cu * step, -cv * step, c1 + cu * u + cv * v], -1).float()

    def _boxes(self, origin: Tensor, basis: Tensor):  # type: ignore[no-untyped-def]
        slopes, outside = plane_slopes(self.prims, origin, basis)
        constant = slopes.new_tensor([0.0, 0.0, 1.0])
        enter = torch.where(outside[..., None], slopes, BIG * constant)
        leave = torch.where(outside[..., None], -BIG * constant, slopes)
        both = torch.cat([enter, leave], 1)

        def test(p: Tensor, t: Tensor) -> Tensor:
            s = affine(self._local(take(both, p), t), self.columns, self.rows)
            near = s[:, :6].amin(1)
            far = s[:, 6:].amax(1)
            return torch.where((near >= far) & (near > 0) & (near < BIG / 2), near, 0.0)

        return test

    def _quadrics(self, origin: Tensor, basis: Tensor):  # type: ignore[no-untyped-def]
        c, b, d, oy, dy = quadric_forms(self.prims, origin, basis)
        cone = self.prims.kind == FRUSTUM
        lines = torch.stack([b, dy], 1)

        def test(p: Tensor, t: Tensor) -> Tensor:
            u, v, step = self._tile_frame(t)
            zero, one = torch.zeros_like(u), torch.ones_like(u)
            change = torch.stack([step, zero, u, zero, -step, v, zero, zero, one], -1).reshape(-1, 3, 3)
            form = change.transpose(1, 2) @ take(d, p) @ change
            form = form.float()
            x, y = self.columns, self.rows
            disc = affine(torch.stack([form[:, 0, 0], 2 * form[:, 0, 1], 2 * form[:, 0, 2]], -1), x, y)
            disc *= x
            rest = affine(torch.stack([0 * form[:, 0, 0], form[:, 1, 1], 2 * form[:, 1, 2]], -1), x, y)
            disc.addcmul_(rest, y).add_(form[:, 2, 2:])
            line = affine(self._local(take(lines, p), t), self.columns, self.rows)
            cc = c[p].float()[:, None]
            root = disc.clamp(min=0).sqrt()
            hit = disc >= 0
            s1 = (root - line[:, 0]) / cc
            caps = cone[p]
            if not bool(caps.any()):
                return torch.where(hit & (cc > 0) & (s1 > 0), s1, 0.0)
            s2 = (-root - line[:, 0]) / cc
            h0, height = oy[p].float()[:, None], line[:, 1]
            round_ = ~caps[:, None]
            ok1 = hit & (s1 > 0) & (round_ | ((h0 * s1 + height).abs() <= s1))
            ok2 = hit & (s2 > 0) & ~round_ & ((h0 * s2 + height).abs() <= s2)
            cap = torch.sign(h0)
            s3 = height / torch.where((cap - h0).abs() < 1e-6, 1e-6, cap - h0)
            inside = cc * s3 * s3 + 2 * line[:, 0] * s3 + (line[:, 0] ** 2 - disc) / cc <= 0
            ok3 = (h0.abs() > 1) & ~round_ & (s3 > 0) & inside
            s = torch.where(ok1, s1, 0.0)
            s = torch.maximum(s, torch.where(ok2, s2, 0.0))
            return torch.maximum(s, torch.where(ok3, s3, 0.0))

        return test

    def _fields(self, origin: Tensor, basis: Tensor):  # type: ignore[no-untyped-def]
        boxes = self._boxes_interval(origin, basis)
        local = torch.einsum("nij,nj->ni", self.prims.to_local, origin - self.prims.centre).float()
        ray = self.prims.to_local @ basis
        waves = field_waves(self.prims).float()

        def test(p: Tensor, t: Tensor) -> Tensor:
            near, far, hit = boxes(p, t)
            d = affine(self._local(ray[p], t), self.columns, self.rows)
            return march(local[p], d, waves[p], near, far, hit)

        return test

    def _boxes_interval(self, origin: Tensor, basis: Tensor):  # type: ignore[no-untyped-def]
        slopes, outside = plane_slopes(self.prims, origin, basis)
        constant = slopes.new_tensor([0.0, 0.0, 1.0])
        enter = torch.where(outside[..., None], slopes, BIG * constant)
        leave = torch.where(outside[..., None], -BIG * constant, slopes)

        def interval(p: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            near = affine(self._local(enter[p], t), self.columns, self.rows)
            far = affine(self._local(leave[p], t), self.columns, self.rows)
            s, e = near.amin(1), far.amax(1).clamp(min=1e-4)
            return 1 / s.clamp(min=1e-9), 1 / e, (s > 0) & (s >= e)

        return interval


STEPS, HALVINGS = 28, 9


def march(o: Tensor, d: Tensor, waves: Tensor, near: Tensor, far: Tensor, hit: Tensor) -> Tensor:
    """First crossing of the height field along rays o (R, 3) + t d (R, 3, 64); s = 1/t or 0."""

    def above(t: Tensor) -> Tensor:
        x, y, z = (o[:, i, None] + t * d[:, i] for i in range(3))
        return y - field_height(waves, x, z)

    start = near
    step = (far - near) / STEPS
    inside = above(start) <= 0
    found, low = inside.clone(), start
    high = start
    t = start
    for _ in range(STEPS):
        following = t + step
        crossed = ~found & (above(following) <= 0)
        low = torch.where(crossed, t, low)
        high = torch.where(crossed, following, high)
        found = found | crossed
        t = following
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        under = above(middle) <= 0
        low, high = torch.where(under, low, middle), torch.where(under, middle, high)
    t = torch.where(inside, start, (low + high) / 2)
    return torch.where(hit & found, 1 / t.clamp(min=1e-6), 0.0)
