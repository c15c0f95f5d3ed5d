"""Procedural textures: one function a name, arrays of hits in, base colour and roughness out.

Every pattern is filtered by its footprint, so far walls fade to their mean instead of shimmering.
Colours are linear RGB here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from visiongen.world.maths import power, take, unit
from visiongen.world.noise import hash01, noise
from visiongen.world.scene import COLUMN, TEXTURES
from visiongen.world.surface import Hits


@dataclass
class Patch:
    """The hits that share a texture: coordinates in metres, colours a and b (P, 3), parameters."""

    u: Tensor
    v: Tensor
    w: Tensor
    a: Tensor
    b: Tensor
    su: Tensor
    sv: Tensor
    p: Tensor
    q: Tensor
    seed: Tensor
    rough: Tensor
    face: Tensor
    point: Tensor
    normal: Tensor

    def noise(self, scale: float | Tensor) -> Tensor:
        """Noise (P, 4) whose 256 texels span 1/scale metres, moved by the thing's seed."""
        move = self.seed * 17.31
        return noise(self.u * scale + move, self.v * scale + 0.618 * move, self.w * scale)


def linear(colour: Tensor) -> Tensor:
    """sRGB to linear, by the 2.2 power."""
    return power(colour.clamp(0, 1), 2.2)


def line(x: Tensor, width: Tensor | float, w: Tensor) -> Tensor:
    """1 inside |x| < width / 2, box-filtered over footprint w."""
    w = w.clamp(min=1e-5)
    return (((width / 2 - x.abs()) / w + 0.5).clamp(0, 1)) * (width / w).clamp(max=1.0)


def cells(x: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """The cell's index, and the signed distance to its nearest border."""
    t = x / size
    index = t.floor()
    fraction = t - index
    return index, torch.minimum(fraction, 1 - fraction) * size


def blend(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Mix colours (P, 3) by t (P,)."""
    return a + (b - a) * t[:, None]


def lit(colour: Tensor, factor: Tensor) -> Tensor:
    """Scale a colour, keeping it a reflectance."""
    return (colour * factor[:, None]).clamp(0.0, 0.95)


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
    base = blend(x.a, x.b, x.p * torch.where((row + column) % 2 == 0, fade, 1 - fade).clamp(0, 1))
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


def wood(x: Patch) -> Tensor:
    """Boards of width su along v with grain; seams coloured b."""
    board, du = cells(x.u, x.su)
    shift = hash01(board, x.seed * 100)
    n = noise(x.u * 1.7 + shift, x.v * 0.12 + 3 * shift, x.w * 0.8)
    grain = torch.sin(60 * x.u + 5 * n[:, 0]) * (1 - x.w / 0.05).clamp(0, 1)
    tone = 1 + 0.3 * (shift - 0.5) + 0.16 * n[:, 0] + 0.06 * grain + 0.06 * n[:, 1]
    return blend(lit(x.a, tone), x.b, line(du, 0.012, x.w) * (x.su < 1.0))


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


def checker(x: Patch) -> Tensor:
    """Squares of a and b, su wide."""
    odd = ((x.u / x.su).floor() + (x.v / x.su).floor()) % 2
    far = (x.w / x.su - 0.3).clamp(0, 1)
    return lit(blend(x.a, x.b, torch.lerp(odd, 0.5 + 0 * odd, far)), 1 + 0.05 * x.noise(0.6)[:, 0])


def speckle(x: Patch) -> Tensor:
    """Terrazzo or gravel: a with grains of b, grain size su."""
    n = noise(x.u / x.su * 0.02, x.v / x.su * 0.02 + x.seed, x.w / x.su * 0.02)
    return blend(x.a, x.b, (0.3 + 0.45 * n[:, 2] + 0.2 * n[:, 0]).clamp(0, 1))


def leaves(x: Patch) -> Tensor:
    """Foliage: dark gaps and bright leaf clusters between a and b, cluster size su."""
    scale = 0.14 / x.su
    n = noise(x.u * scale + x.seed * 3, x.v * scale + x.point[:, 1] * 0.1, x.w * scale)
    fine = noise(x.u * scale * 4, x.v * scale * 4 + x.seed, x.w * scale * 4)
    t = (0.45 + 0.3 * n[:, 0] + 0.3 * fine[:, 3] + 0.2 * fine[:, 2]).clamp(0, 1)
    gap = ((-0.5 - n[:, 3] - 0.7 * fine[:, 0]).clamp(0, 1)) * 0.7
    x.normal = x.normal + 0.5 * fine[:, :3] + 0.35 * n[:, 1:4]
    return lit(blend(x.a, x.b, t), 1 - gap)


def plaster(x: Patch) -> Tensor:
    """Painted or rough wall, stains of b of strength p."""
    n, fine = x.noise(0.11), x.noise(0.9)
    stain = (0.2 + 0.5 * n[:, 0]).clamp(0, 1) * x.p
    return blend(lit(x.a, 1 + 0.04 * n[:, 3] + 0.05 * fine[:, 2]), x.b, stain)


def fabric(x: Patch) -> Tensor:
    """Woven cloth: a with threads and blotches of b."""
    n, fine = x.noise(0.3), x.noise(2.5)
    return blend(lit(x.a, 1 + 0.12 * fine[:, 2]), x.b, (0.2 * x.p * (1 + n[:, 3])).clamp(0, 1))


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


FUNCTIONS: dict[str, Callable[[Patch], Tensor]] = {
    "plain": plain, "noise": noisy, "brick": brick, "tile": tile, "stripe": stripe,
    "marble": marble, "windows": windows, "wood": wood, "asphalt": asphalt, "checker": checker,
    "speckle": speckle, "leaves": leaves, "plaster": plaster, "fabric": fabric, "shop": shop,
    "grass": grass, "paving": paving, "sign": sign, "shingle": shingle, "dots": dots,
    "screen": screen, "books": books,
}  # fmt: skip


@dataclass
class Surface:
    """Base colour (linear, (P, 3)), roughness, metallic, emission (P,) and shading normal."""

    colour: Tensor
    rough: Tensor
    metal: Tensor
    emit: Tensor
    normal: Tensor


def evaluate(hits: Hits, materials=None) -> Surface:  # type: ignore[no-untyped-def]
    """Evaluate each hit's texture; ``materials`` supplies pictures and sets (materials.py)."""
    row = hits.row
    first = COLUMN["r1"]
    a, b = linear(row[:, first : first + 3]), linear(row[:, first + 3 : first + 6])
    surface = Surface(
        a.clone(), hits.column("rough").clone(), hits.column("metal").clone(),
        hits.column("emit"), hits.normal.clone(),
    )  # fmt: skip
    kinds = hits.column("tex").long()
    present = torch.bincount(kinds, minlength=len(TEXTURES)).tolist()
    for index, name in enumerate(TEXTURES):
        if not present[index]:
            continue
        at = (kinds == index).nonzero()[:, 0]
        picked = take(row, at)
        su, sv, p, q = (picked[:, COLUMN[n]] for n in ("su", "sv", "p", "q"))
        patch = Patch(
            take(hits.u, at), take(hits.v, at), take(hits.footprint, at), take(a, at), take(b, at),
            su, sv, p, q, picked[:, COLUMN["seed"]], take(surface.rough, at), take(hits.face, at),
            take(hits.point, at), take(hits.normal, at),
        )  # fmt: skip
        if name in FUNCTIONS:
            surface.colour.index_copy_(0, at, FUNCTIONS[name](patch))
            surface.rough.index_copy_(0, at, patch.rough)
            surface.normal.index_copy_(0, at, patch.normal)
        elif materials is not None:
            materials.apply(name, patch, surface, at)
    surface.colour.clamp_(0.0, 1.0)
    surface.normal = unit(surface.normal)
    return surface
