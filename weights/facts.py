"""What a set of weights says of one fixed picture, in numbers that survive another machine's rounding.

The picture and the tokens are made of whole numbers, the prompts stand here. Tokens that were chosen one
after another are no such numbers: where two levels are nearly tied, a last bit turns one over, and everything
after it may follow. So the causal picture is asked what it expects after *fixed* tokens, and every fact is a
mean of what is expected. Processors, threads and builds of torch move a logit by about 1e-5 and these means
by less than a hundredth of ``TOLERANCE``; a wrong kernel or a lost layer moves some of them by far more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor, nn

    from visiongen.backbones.embedded import EmbeddedBackbone
    from visiongen.prompt import Prompt

SIZE = (64, 96)  # of the picture: 96 tokens
GRID = (2, 3)
LEGEND = "road=#c02040,sky=#20e0c0,building=#f0d020,car=#2030d0,tree=#a0f080"
DENSE = (
    "depth", "normals", "instance", "basecolor", "orm", "tangent", "edges", "salient", "matting", "referring",
)  # fmt: skip

#: How far a fact may be off. ``levels``: mean expected level of a channel, of 0-7; ``certainty``: mean
#: probability of the likeliest levels; ``colours``: mean of a cell of 1024 pixels of the painted draft, in
#: levels of 255 (a token that turns over moves one of its 16); ``output``: of a model's answer.
TOLERANCE = {"levels": 0.005, "certainty": 0.001, "colours": 1.5, "output": 0.005}


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


def prompts(context: bool = True) -> dict[str, Prompt]:
    """One order a task, and the photo from a map; names in the order they are painted.

    ``context`` False: of a painter that reads no examples.
    """
    from visiongen.prompt import Example, Legend, Prompt
    from visiongen.registry import TASKS
    from visiongen.unnamed import TEXT

    legend = Legend.parse(LEGEND)
    orders = {name: TASKS.get(name)().prompt(legend) for name in ("semantic", "panoptic")}
    orders |= {name: TASKS.get(name)().prompt() for name in DENSE}
    example = Example(picture(), legend.array()[(picture()[..., 2] > 100).astype(np.intp)])
    if context:
        two = Legend(legend.names[:2], legend.colours[:2])
        orders["incontext"] = Prompt("incontext", TEXT, two, (example,))
    return orders | {"photo": TASKS.get("semantic")().reverse_prompt(legend)}


def backbone_facts(backbone: EmbeddedBackbone) -> dict[str, dict[str, list[float]]]:
    """ "TASK, draft": levels (C,), certainty (1,), colours (18,); "TASK, causal": levels, certainty."""
    import torch

    from visiongen.backbones.base import Sampler

    scene, painter, found = backbone.scene(picture()), backbone.painter, {}
    for name, prompt in prompts(painter.config.context).items():
        colours = scene.paint([prompt], Sampler(mode="draft"))[0].image
        with torch.inference_mode():
            condition = painter.condition(scene.prefix(), [prompt])
            cache, line = painter.new_cache(condition), _line(backbone)
            causal = painter.window(condition, cache, line, 0)
        found[f"{name}, draft"] = _expected(condition.draft_logits) | {"colours": _numbers(_cells(colours))}
        found[f"{name}, causal"] = _expected(causal)
    return found


def _line(backbone: EmbeddedBackbone) -> Tensor:
    """Fixed predecessors of all tokens, int64 (1, 96, C): the beginning, then every level in turn."""
    import torch

    from visiongen.decoding.board import BOS

    levels = torch.tensor(backbone.painter.config.levels)
    count = SIZE[0] * SIZE[1] // 64
    places = 5 * torch.arange(count)[:, None] + 3 * torch.arange(len(levels))
    line = (places % levels)[None]
    line[:, 0] = BOS
    return line


def _expected(logits: Tensor) -> dict[str, list[float]]:
    """From logits (1, N, C, L) of the levels."""
    import torch

    probability = logits.double().softmax(-1)[0]
    levels = (probability * torch.arange(logits.shape[-1])).sum(-1).mean(0)
    return {"levels": _numbers(levels), "certainty": _numbers(probability.amax(-1).mean())}


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
    return [round(float(v), 5) for v in np.asarray(values, np.float64).ravel()]
