"""Do two ways of decoding give the same tokens, and how close do they come to not doing so?

``python -m visiongen.benchmarks.speed.agreement`` prints, for the shipped weights: how far rounding
moves logits in fp32, how often near-ties had to be settled, and how many tokens verified and
sequential decoding disagree on in bf16.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from visiongen.backbones.base import Sampler
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.decoding.board import Board
from visiongen.decoding.decode import decode_all
from visiongen.decoding.settle import MARGIN
from visiongen.prompt import Prompt


@torch.inference_mode()
def rounding(backbone: EmbeddedBackbone, photo: np.ndarray, prompt: Prompt, window: int = 32) -> float:
    """Largest difference of a logit between one token a pass and ``window`` tokens a pass.

    Both read the same tokens (those that sequential decoding chose).
    """
    painter, prefix = backbone.painter, backbone.scene(photo).prefix()
    board = decode_all(painter, prefix, [prompt], Sampler("sequential"))
    cond = painter.condition(prefix, [prompt])
    cache, largest = painter.new_cache(cond), 0.0
    for first in range(0, board.length, window):
        last = min(first + window, board.length)
        logits = painter.window(cond, cache, board.line[:, first:last], first)
        largest = max(largest, float((logits - board.logits[:, first:last]).abs().max()))
    return largest


def compare(a: Board, b: Board) -> dict[str, Any]:
    """Tokens (all channels) that differ between two boards of the same pictures."""
    differ = (a.tokens != b.tokens).any(-1)
    return {"tokens": differ.numel(), "differ": int(differ.sum()), "share": float(differ.float().mean())}


def measure(
    backbone: EmbeddedBackbone, photos: Sequence[np.ndarray], prompts: dict[str, Prompt]
) -> dict[str, Any]:
    """Figures a task: see the module. ``backbone`` is in fp32; bf16 runs on a copy of it."""
    half = EmbeddedBackbone(copy.deepcopy(backbone.tokenizer), copy.deepcopy(backbone.painter))
    half.painter.palette = half.tokenizer.palette
    half.to(str(backbone.device), torch.bfloat16)
    return {name: _task(backbone, half, photos, prompt) for name, prompt in prompts.items()}


def _task(
    full: EmbeddedBackbone, half: EmbeddedBackbone, photos: Sequence[np.ndarray], prompt: Prompt
) -> dict[str, Any]:
    boards: dict[tuple[str, str], list[Board]] = {}
    for name, backbone in (("fp32", full), ("bf16", half)):
        for mode in ("sequential", "verified"):
            sampler = Sampler(mode)  # type: ignore[arg-type]
            boards[name, mode] = [
                decode_all(backbone.painter, backbone.scene(p).prefix(), [prompt], sampler) for p in photos
            ]
    joined = {key: _join(value) for key, value in boards.items()}
    settled = sum(int(b.settled.sum()) for b in boards["fp32", "sequential"])
    return {
        "fp32_verified_vs_sequential": compare(joined["fp32", "verified"], joined["fp32", "sequential"]),
        "bf16_verified_vs_sequential": compare(joined["bf16", "verified"], joined["bf16", "sequential"]),
        "bf16_vs_fp32_sequential": compare(joined["bf16", "sequential"], joined["fp32", "sequential"]),
        "fp32_largest_rounding": max(rounding(full, photo, prompt) for photo in photos),
        "near_tie_margin": MARGIN,
        "near_ties_settled": settled,
    }


def _join(boards: Sequence[Board]) -> Board:
    """Boards of different sizes as one long picture, for counting."""
    line = torch.cat([b.line if i == 0 else b.tokens for i, b in enumerate(boards)], dim=1)
    zero = torch.zeros(1, dtype=torch.int64)
    return Board(line, line.new_zeros(()), zero, zero, zero, line[:, 1:], zero.bool())


def describe(name: str, figures: dict[str, Any]) -> str:
    """A task's figures as a line of text."""
    same, half = figures["fp32_verified_vs_sequential"], figures["bf16_verified_vs_sequential"]
    return (
        f"agreement/{name}: verified differs from sequential in {same['differ']} of {same['tokens']} tokens "
        f"in fp32, in {half['differ']} ({half['share']:.2%}) in bf16; bf16 differs from fp32 in "
        f"{figures['bf16_vs_fp32_sequential']['share']:.2%}; fp32 rounding moves logits by at most "
        f"{figures['fp32_largest_rounding']:.1e}, {figures['near_ties_settled']} near-ties settled"
    )


def main() -> None:
    """Measure the shipped (or the named) weights on the speed benchmark's photos."""
    from visiongen.benchmarks.speed.report import default_photos, task_prompts
    from visiongen.geometry import Geometry

    backbone = EmbeddedBackbone.load(sys.argv[1] if len(sys.argv) > 1 else "tiny")
    photos = [Geometry.fit(p.shape[:2], 320).apply(p) for p in default_photos()]
    figures = measure(backbone, photos, task_prompts())
    for name, row in figures.items():
        print(describe(name, row), file=sys.stderr)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
