"""Texture functions for streets: facades, shop fronts, asphalt, foliage, signs."""

from __future__ import annotations

import torch
from torch import Tensor

from visiongen.world.noise import hash01, noise
from visiongen.world.patch import Patch, blend, cells, line, lit


def windows(x: Patch) -> Tensor:
    """A facade: windows of the cell's fraction p x q on a grid su x sv; wall a, panes b.

    The wall may carry bricks (seed); panes reflect a sky that varies from pane to pane.
    """
    row = (x.v / x.sv).floor()
    column = (x.u / x.su).floor()
    fu = (x.u / x.su - column - 0.5) * x.su
    fv = (x.v / x.sv - row - 0.52) * x.sv
    pane = line(fu, x.p * x.su, x.w) * line(fv, x.q * x.sv, x.w)
    frame = line(fu, x.p * x.su + 0.2, x.w) * line(fv, x.q * x.sv + 0.2, x.w)
    cross = torch.maximum(line(fu, 0.08, x.w), line(fv + 0.2 * x.sv * x.q, 0.07, x.w))
    sill = line(fu, x.p * x.su + 0.4, x.w) * line(fv + 0.5 * x.q * x.sv + 0.12, 0.16, x.w)
    band = line(x.v - (row + (x.seed > 0.5)) * x.sv, 0.22, x.w) * (x.seed > 0.35)
    n = x.noise(0.08)
    wall = lit(x.a, 1 + 0.07 * n[:, 0] + 0.05 * n[:, 3])
    bricks = (torch.frac(x.seed * 7.7) > 0.55).float()
    b_row, b_dv = cells(x.v, torch.full_like(x.v, 0.09))
    grain = hash01(b_row, (x.u / 0.24 + 0.5 * (b_row % 2)).floor())
    wall = lit(wall, 1 + bricks * 0.3 * (grain - 0.5) * (1 - x.w / 0.12).clamp(0, 1))
    vary = hash01(row, column, x.seed * 1000)
    curtain = (vary > 0.7).float() * (fv > (vary - 0.85) * 2 * x.sv).float()
    glass = lit(x.b, 0.5 + 1.1 * vary + 0.3 * fv / x.sv)
    glass = blend(glass, (0.75 + 0 * x.a), 0.6 * curtain)
    colour = blend(wall, lit(0.4 * x.a + 0.45, 0.9 + 0 * x.p), (frame * 0.9).clamp(max=1))
    colour = blend(colour, glass, pane)
    colour = blend(colour, (0.6 + 0 * x.a), cross * pane * (torch.frac(x.seed * 3.3) > 0.3))
    colour = blend(colour, lit(wall, 1.25 + 0 * x.p), (sill + 0.7 * band).clamp(max=1))
    x.rough = torch.where(pane > 0.5, 0.08, x.rough)
    return colour


def shop(x: Patch) -> Tensor:
    """A shop front: panes of width su between posts of colour a, sign band on top (height sv)."""
    column, du = cells(x.u, x.su)
    vary = hash01(column, x.seed * 1000)
    hue = torch.stack([vary, hash01(column, x.seed * 77), hash01(column, x.seed * 31)], -1)
    body = 0.8 * x.sv
    sign = (x.v > body).float()
    goods = noise(x.u * 0.35 + vary, x.v * 0.35, x.w * 0.35)
    inside = lit(0.25 * x.b + 0.15 * hue**2, (0.8 + 0.35 * goods[:, 3] + 0.25 * goods[:, 0]).abs())
    post = torch.maximum(line(du, 0.3, x.w), line(x.v - 0.2, 0.4, x.w))
    door = (vary > 0.6).float() * line(du - 0.8, 0.08, x.w)
    letters = line(x.v - 0.9 * x.sv, 0.09 * x.sv, x.w) * (
        noise(x.u * 1.4 + vary, 0 * x.u, x.w * 1.4)[:, 2] > -0.2
    )
    board = blend(0.05 + 0.6 * hue**2, 0.85 + 0 * x.a, letters * 0.8 * (du > 0.4))
    x.rough = torch.where((post < 0.5) & (sign < 0.5), 0.1, x.rough)
    return blend(blend(inside, x.a, torch.maximum(post, door)), board, sign)


def asphalt(x: Patch) -> Tensor:
    """A road: lane marks along v at u of the centre (dashed when q >= 1), edge lines when p > 0.

    su is the road's width; sv the number of lanes.
    """
    n, fine = x.noise(0.05), x.noise(1.1)
    patch = (noise(x.u * 0.02 + x.seed, x.v * 0.02, x.w * 0.02)[:, 3] > 1.2).float()
    base = lit(x.a, 1 + 0.13 * n[:, 0] + 0.07 * fine[:, 2] + 0.06 * n[:, 3] - 0.25 * patch)
    crack = (noise(x.u * 0.09, x.v * 0.09 + x.seed, x.w * 0.09)[:, 1] > 1.1).float()
    base = lit(base, 1 - 0.3 * crack * (1 - x.w / 0.2).clamp(0, 1))
    track = torch.cos(x.u / (x.su / x.sv) * 4 * torch.pi)
    base = lit(base, 1 - 0.06 * track)
    wear = (0.8 + 0.3 * fine[:, 0] + 0.2 * n[:, 3]).clamp(0.15, 1)
    lane = x.su / x.sv
    index, border = cells(x.u, lane)
    outer = torch.minimum(x.u, x.su - x.u)
    dashed = (torch.frac(x.v / 6.0 + x.seed) < 0.5) | (x.q < 1)
    centre = line(border, 0.13, x.w) * (outer > 0.5 * lane) * dashed * (x.sv > 1.5)
    edge = line(outer - 0.25, 0.12, x.w) * (x.p > 0.5)
    yellow = (x.p > 1.5) & (outer < 0.5 * lane)
    paint = torch.where(yellow[:, None], x.b * x.b.new_tensor([1.0, 0.75, 0.15]), x.b)
    return blend(base, paint, (torch.maximum(centre, edge) * wear).clamp(0, 1))


def leaves(x: Patch) -> Tensor:
    """Foliage: dark gaps and bright leaf clusters between a and b, cluster size su."""
    scale = 0.14 / x.su
    n = noise(x.u * scale + x.seed * 3, x.v * scale + x.point[:, 1] * 0.1, x.w * scale)
    fine = noise(x.u * scale * 4, x.v * scale * 4 + x.seed, x.w * scale * 4)
    t = (0.45 + 0.3 * n[:, 0] + 0.3 * fine[:, 3] + 0.2 * fine[:, 2]).clamp(0, 1)
    gap = ((-0.5 - n[:, 3] - 0.7 * fine[:, 0]).clamp(0, 1)) * 0.7
    x.normal = x.normal + 0.5 * fine[:, :3] + 0.35 * n[:, 1:4]
    return lit(blend(x.a, x.b, t), 1 - gap)


def grass(x: Patch) -> Tensor:
    """Lawn: a and b in blotches and blades."""
    n, fine = x.noise(0.03), x.noise(0.7)
    t = (0.5 + 0.25 * n[:, 0] + 0.25 * fine[:, 2] + 0.2 * fine[:, 0]).clamp(0, 1)
    return lit(blend(x.a, x.b, t), 1 + 0.1 * n[:, 3])


def paving(x: Patch) -> Tensor:
    """Slabs su x sv of a, joints b, stained."""
    row, dv = cells(x.v, x.sv)
    column, du = cells(x.u + x.su * 0.5 * (row % 2) * (x.p > 0.5), x.su)
    fade = 1 - (x.w / x.su).clamp(0, 1)
    n = x.noise(0.06)
    tone = 1 + 0.2 * (hash01(row, column) - 0.5) * fade + 0.09 * n[:, 0] + 0.07 * x.noise(1.0)[:, 2]
    joint = torch.maximum(line(du, 0.02, x.w), line(dv, 0.02, x.w))
    return blend(lit(x.a, tone), x.b, joint * 0.7)


def sign(x: Patch) -> Tensor:
    """A road sign of size su x sv: border b, plate a, a dark bar or arrow (p picks)."""
    fu, fv = x.u / x.su - 0.5, x.v / x.sv - 0.5
    edge = torch.where(x.p > 1.5, torch.hypot(fu, fv) * 2, torch.maximum(fu.abs(), fv.abs()) * 2)
    colour = blend(x.a, x.b, (edge > 0.78).float())
    text = (x.p < 0.5) & (torch.frac(fv * 4 + x.seed) < 0.45) & (fu.abs() < 0.33)
    text &= noise(x.u * 2.1 + x.seed, (fv * 4).floor() * 0.2, x.w)[:, 2] > -0.5
    bar = (x.p >= 0.5) & (fv.abs() < 0.1) & (fu.abs() < 0.3)
    return blend(colour, x.b, ((text | bar) & (edge < 0.7)).float())


def shingle(x: Patch) -> Tensor:
    """Roof tiles in rows of height sv."""
    row, _ = cells(x.v, x.sv)
    column = (x.u / x.su + 0.5 * (row % 2)).floor()
    fade = 1 - (x.w / x.sv).clamp(0, 1)
    shade = 0.75 + 0.5 * torch.frac(x.v / x.sv)
    tone = 1 + ((hash01(row, column) - 0.5) * 0.4 + shade - 1) * fade + 0.12 * x.noise(0.1)[:, 0]
    return lit(x.a, tone)
