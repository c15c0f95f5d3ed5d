"""Texture functions for rooms and things: paint, bricks, tiles, wood, cloth, books."""

from __future__ import annotations

import torch
from torch import Tensor

from visiongen.world.noise import hash01, noise
from visiongen.world.patch import Patch, blend, cells, line, lit


def plain(x: Patch) -> Tensor:
    """Colour a, with faint mottling of strength p."""
    n = x.noise(0.4)
    return lit(x.a, 1 + (0.03 + 0.15 * x.p) * n[:, 0] + 0.01 * n[:, 2])


def noisy(x: Patch) -> Tensor:
    """Colours a and b mixed by clouds of size su."""
    n = noise(x.u / x.su * 0.2 + x.seed * 9, x.v / x.su * 0.2, x.w / x.su * 0.2)
    return blend(x.a, x.b, (0.5 + 0.35 * n[:, 0] + 0.15 * n[:, 3]).clamp(0, 1))


def brick(x: Patch) -> Tensor:
    """Bricks su x sv of colour a, mortar b."""
    row, dv = cells(x.v, x.sv)
    column, du = cells(x.u + 0.5 * x.su * (row % 2), x.su)
    tone = 1 + 0.35 * (hash01(row, column) - 0.5)
    fade = (x.w / x.sv).clamp(0, 1)
    stone = lit(x.a, torch.lerp(tone, torch.ones_like(tone), fade) + 0.08 * x.noise(0.7)[:, 0])
    gap = 0.12 * x.sv
    joint = torch.maximum(line(du, gap, x.w), line(dv, gap, x.w))
    return blend(stone, x.b, joint * 0.8)


def tile(x: Patch) -> Tensor:
    """Square tiles su x sv of colour a (alternating towards b by p), with grout."""
    row, dv = cells(x.v, x.sv)
    column, du = cells(x.u, x.su)
    vary = hash01(row, column, x.seed * 97)
    fade = 1 - (x.w / x.su).clamp(0, 1)
    # Far away both colours fade to what lies between them, and never past it.
    base = blend(x.a, x.b, x.p * (0.5 + torch.where((row + column) % 2 == 0, 0.5, -0.5) * fade))
    base = lit(base, 1 + (0.15 * (vary - 0.5)) * fade + 0.06 * x.noise(0.5)[:, 0])
    joint = torch.maximum(line(du, 0.03 * x.su, x.w), line(dv, 0.03 * x.sv, x.w))
    return lit(base, 1 - 0.45 * joint)


def stripe(x: Patch) -> Tensor:
    """Stripes of period su, colour b covering the fraction p; q > 0 turns them."""
    along = torch.where(x.q > 0.5, x.v, x.u)
    phase = along / x.su
    inside = (phase - phase.floor() - 0.5) * x.su
    cover = line(inside, x.p * x.su, x.w)
    far = (x.w / x.su - 0.5).clamp(0, 1)
    return lit(blend(x.a, x.b, torch.lerp(cover, x.p, far)), 1 + 0.05 * x.noise(0.6)[:, 0])


def marble(x: Patch) -> Tensor:
    """Veins of b in a, of size su."""
    n = noise(x.u / x.su * 0.15 + x.seed * 5, x.v / x.su * 0.15, x.w / x.su * 0.15)
    vein = torch.exp(-6 * (torch.sin(6 * x.u / x.su + 4 * x.v / x.su + 3 * n[:, 0])).abs())
    return blend(lit(x.a, 1 + 0.05 * n[:, 3]), x.b, vein * 0.8)


def wood(x: Patch) -> Tensor:
    """Boards of width su along v with grain; seams coloured b."""
    board, du = cells(x.u, x.su)
    shift = hash01(board, x.seed * 100)
    n = noise(x.u * 1.7 + shift, x.v * 0.12 + 3 * shift, x.w * 0.8)
    grain = torch.sin(60 * x.u + 5 * n[:, 0]) * (1 - x.w / 0.05).clamp(0, 1)
    tone = 1 + 0.3 * (shift - 0.5) + 0.16 * n[:, 0] + 0.06 * grain + 0.06 * n[:, 1]
    return blend(lit(x.a, tone), x.b, line(du, 0.012, x.w) * (x.su < 1.0))


def checker(x: Patch) -> Tensor:
    """Squares of a and b, su wide."""
    odd = ((x.u / x.su).floor() + (x.v / x.su).floor()) % 2
    far = (x.w / x.su - 0.3).clamp(0, 1)
    return lit(blend(x.a, x.b, torch.lerp(odd, 0.5 + 0 * odd, far)), 1 + 0.05 * x.noise(0.6)[:, 0])


def speckle(x: Patch) -> Tensor:
    """Terrazzo or gravel: a with grains of b, grain size su."""
    n = noise(x.u / x.su * 0.02, x.v / x.su * 0.02 + x.seed, x.w / x.su * 0.02)
    return blend(x.a, x.b, (0.3 + 0.45 * n[:, 2] + 0.2 * n[:, 0]).clamp(0, 1))


def plaster(x: Patch) -> Tensor:
    """Painted or rough wall, stains of b of strength p."""
    n, fine = x.noise(0.11), x.noise(0.9)
    stain = (0.2 + 0.5 * n[:, 0]).clamp(0, 1) * x.p
    return blend(lit(x.a, 1 + 0.04 * n[:, 3] + 0.05 * fine[:, 2]), x.b, stain)


def fabric(x: Patch) -> Tensor:
    """Woven cloth: a with threads and blotches of b."""
    n, fine = x.noise(0.3), x.noise(2.5)
    return blend(lit(x.a, 1 + 0.12 * fine[:, 2]), x.b, (0.2 * x.p * (1 + n[:, 3])).clamp(0, 1))


def dots(x: Patch) -> Tensor:
    """Dots of b on a, spacing su, radius p of it."""
    row = (x.v / x.su).floor()
    fu = torch.frac(x.u / x.su + 0.5 * (row % 2)) - 0.5
    fv = x.v / x.su - row - 0.5
    cover = ((x.p - torch.hypot(fu, fv)) * x.su / x.w.clamp(min=1e-5) + 0.5).clamp(0, 1)
    far = (x.w / x.su - 0.5).clamp(0, 1)
    return blend(x.a, x.b, torch.lerp(cover, 3.1 * x.p * x.p, far))


def screen(x: Patch) -> Tensor:
    """A display: bars and blocks of colour."""
    row, column = (x.v / (0.12 * x.sv)).floor(), (x.u / (0.17 * x.su)).floor()
    pick = hash01(row, (column / 3).floor(), x.seed * 500)
    hue = torch.stack([pick, hash01(row, x.seed * 50), hash01(column, x.seed * 90)], -1)
    return torch.where((pick > 0.45)[:, None], 0.08 + 0.6 * hue**2, x.a)


def books(x: Patch) -> Tensor:
    """A row of spines: width su, heights below sv, gaps dark."""
    column, du = cells(x.u, x.su)
    kinds = torch.stack([hash01(column, x.seed * c) for c in (611.0, 733.0, 877.0)], -1)
    tall = 0.65 + 0.35 * hash01(column, x.seed * 991)
    spine = lit(0.03 + 0.6 * kinds**2, 1 - 0.5 * line(du, 0.006, x.w))
    label = line(x.v - 0.7 * tall * x.sv, 0.1 * x.sv, x.w) * (kinds[:, 0] > 0.4)
    spine = blend(spine, 0.7 + 0 * spine, label * 0.7 * (du > 0.006))
    return blend(spine, 0.02 + 0 * spine, (x.v > tall * x.sv).float())
