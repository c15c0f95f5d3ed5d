"""Textures: picks each hit's pattern (patterns*.py) or image (materials.py) and evaluates it.

Every pattern is filtered by its footprint, so far walls fade to their mean instead of shimmering.
Colours are linear RGB here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from visiongen.world import patterns, patterns_street
from visiongen.world.maths import take, unit
from visiongen.world.patch import Patch, Surface, linear
from visiongen.world.scene import COLUMN, TEXTURES
from visiongen.world.surface import Hits

if TYPE_CHECKING:
    from visiongen.world.materials import Materials

PATTERNS: dict[str, Callable[[Patch], Tensor]] = {
    **{name: getattr(patterns, name) for name in (
        "plain", "brick", "tile", "stripe", "marble", "wood", "checker", "speckle", "plaster",
        "fabric", "dots", "screen", "books",
    )},
    **{name: getattr(patterns_street, name) for name in (
        "windows", "shop", "asphalt", "leaves", "grass", "paving", "sign", "shingle",
    )},
    "noise": patterns.noisy,
}  # fmt: skip


def evaluate(hits: Hits, materials: Materials | None = None) -> Surface:
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
        if name in PATTERNS:
            surface.colour.index_copy_(0, at, PATTERNS[name](patch))
            surface.rough.index_copy_(0, at, patch.rough)
            surface.normal.index_copy_(0, at, patch.normal)
        elif materials is not None:
            materials.apply(name, patch, surface, at)
    surface.colour.clamp_(0.0, 1.0)
    surface.normal = unit(surface.normal)
    return surface
