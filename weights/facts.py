"""What a set of weights says of one fixed picture, in numbers that survive another machine's rounding.

The picture is made of whole numbers, the prompts stand here. Last-bit differences between processors,
threads and builds of torch move a logit by about 1e-5, so they turn a token over only at a near-tie; every
fact is a mean over tens of tokens or hundreds of pixels, and what one token moves it by is far below
``TOLERANCE``. A wrong kernel, a half-read file or a lost layer moves many of them by far more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import nn

    from visiongen.backbones.base import Backbone
    from visiongen.prompt import Prompt

SIZE = (64, 96)  # of the picture: 96 tokens
GRID = (2, 3)
MODES = ("draft", "verified")
LEGEND = "road=#c02040,sky=#20e0c0,building=#f0d020,car=#2030d0,tree=#a0f080"
DENSE = (
    "depth", "normals", "instance", "basecolor", "orm", "tangent", "edges", "salient", "matting", "referring",
)  # fmt: skip

#: How far a fact may be off. ``levels``: mean level of a channel over 96 tokens, so 4 tokens off by one
#: level; ``colours``: mean of a cell of 1024 pixels, in levels of 255; ``certainty``: mean probability.
TOLERANCE = {"levels": 0.04, "colours": 1.5, "certainty": 0.005, "output": 0.005}


def picture() -> np.ndarray:
    """uint8 (64, 96, 3): a sky that fades, a road with stripes, two boxes and a disc."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    image = np.stack([90 + y * 2, 140 + y, 230 - y], axis=-1)
    road = y >= 40
    image[road] = np.stack([60 + x // 4, 60 + x // 4, 70 + x // 4], axis=-1)[road]
    image[road & ((x + 2 * y) % 24 < 3)] = (230, 230, 210)
    image[20:44, 8:30] = (150, 70, 50)
    image[24:32, 12:18] = image[24:32, 20:26] = (40, 50, 70)
    image[38:52, 52:78] = (200, 30, 40)
    image[(x - 74) ** 2 + (y - 18) ** 2 < 120] = (40, 110, 50)
    return image.astype(np.uint8)


def prompts() -> dict[str, Prompt]:
    """One order a task, and the photo from a map; names in the order they are painted."""
    from visiongen.prompt import Example, Legend, Prompt
    from visiongen.registry import TASKS
    from visiongen.unnamed import TEXT

    legend = Legend.parse(LEGEND)
    orders = {name: TASKS.get(name)().prompt(legend) for name in ("semantic", "panoptic")}
    orders |= {name: TASKS.get(name)().prompt() for name in DENSE}
    example = Example(picture(), legend.array()[(picture()[..., 2] > 100).astype(np.intp)])
    orders["incontext"] = Prompt("incontext", TEXT, Legend(legend.names[:2], legend.colours[:2]), (example,))
    return orders | {"photo": TASKS.get("semantic")().reverse_prompt(legend)}


def backbone_facts(backbone: Backbone) -> dict[str, dict[str, list[float]]]:
    """ "TASK, MODE" -> levels (C,), colours (18,), certainty (1,)."""
    from visiongen.backbones.base import Sampler

    orders, found = prompts(), {}
    for mode in MODES:
        canvases = backbone.scene(picture()).paint(list(orders.values()), Sampler(mode=mode))  # type: ignore[arg-type]
        for name, canvas in zip(orders, canvases, strict=True):
            assert canvas.tokens is not None and canvas.confidence is not None
            found[f"{name}, {mode}"] = {
                "levels": _numbers(canvas.tokens.mean((0, 1), dtype=np.float64)),
                "colours": _numbers(_cells(canvas.image)),
                "certainty": _numbers(canvas.confidence.mean(dtype=np.float64)),
            }
    return found


def module_facts(module: nn.Module) -> dict[str, dict[str, list[float]]]:
    """Of a model that answers a picture with one of its size: {"answer": {"output": ...}}.

    ``output``: mean and mean size of each channel in each cell, against the whole answer's mean size. A
    model that is not called with a picture alone has none.
    """
    import torch
    from torch import nn

    if type(module).forward is nn.Module.forward:
        return {}
    pixels = torch.from_numpy(picture()).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.inference_mode():
        answer = module(pixels)[0].permute(1, 2, 0).double().numpy()
    scale = max(float(np.abs(answer).mean()), 1e-9)
    return {"answer": {"output": _numbers([_cells(answer) / scale, _cells(np.abs(answer)) / scale])}}


def worst(expected: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[float, str]:
    """The largest difference in tolerances, and where it is; infinite where the facts are not of one kind."""
    if set(expected) != set(found):
        odd = sorted(set(expected) ^ set(found))[0]
        return float("inf"), f"{odd}: not in both"
    rows = [
        (_off(kind, values, found[name].get(kind, [])), f"{name}: {kind}")
        for name, facts in expected.items()
        for kind, values in facts.items()
    ]
    return max(rows, default=(0.0, ""))


def _off(kind: str, expected: list[float], found: list[float]) -> float:
    if len(expected) != len(found):
        return float("inf")
    off = np.abs(np.asarray(expected, np.float64) - np.asarray(found, np.float64)) / TOLERANCE[kind]
    return float(np.where(np.isfinite(off), off, np.inf).max())


def _cells(image: np.ndarray) -> np.ndarray:
    """(H, W, C) -> means (2, 3, C), float64."""
    (rows, columns), (h, w, c) = GRID, image.shape
    cells = image.reshape(rows, h // rows, columns, w // columns, c)
    return np.asarray(cells.mean((1, 3), dtype=np.float64))


def _numbers(values: Any) -> list[float]:
    return [round(float(v), 4) for v in np.asarray(values, np.float64).ravel()]
