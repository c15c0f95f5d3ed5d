"""Measure everything, and print it as tables or JSON."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from visiongen.backbones.base import Sampler, provenance
from visiongen.benchmarks.command import guarded, tell
from visiongen.benchmarks.generation import photos as real
from visiongen.benchmarks.generation.distance import distance
from visiongen.benchmarks.generation.features import SIZE, features
from visiongen.benchmarks.generation.frames import Frame, frames
from visiongen.benchmarks.generation.maps import from_maps
from visiongen.benchmarks.generation.rebuild import rebuilt_maps, rebuilt_photos
from visiongen.benchmarks.generation.text import describe
from visiongen.benchmarks.result import device_of, environment
from visiongen.benchmarks.roundtrip import tokenizer_of
from visiongen.errors import MissingDataError, UsageError
from visiongen.registry import BACKBONES
from visiongen.tasks.image import Image

if TYPE_CHECKING:
    from visiongen.backbones.base import Backbone

SCHEMA = "visiongen.generation/1"
VERSION = "2.1"  # of the features, photos, frames and seeds: figures of one version are comparable
COUNT, FRAMES, BATCH = 96, 20, 32
#: How photos are drawn from nothing; those of noise by weights that learned from it, 24 passes either way.
DRAWN = {
    "model": Sampler(mode="sample"),
    "diffused": Sampler(mode="diffuse", steps=24),
    "diffused in groups": Sampler(mode="diffuse", steps=8, group=64),  # a third of the picture
    "by scales": Sampler(mode="scales"),
}
NOISY = ("diffuse", "scales")  # modes for weights that learned from noise
Step = Callable[[str], None]


def measure(
    backbone: Backbone,
    data: str | Path | None = None,
    count: int = COUNT,
    frame_count: int = FRAMES,
    seed: int = 0,
    mode: str = "verified",
    step: Step = lambda text: None,
) -> dict[str, Any]:
    """The figures, JSON-able. ``count`` photos from nothing, ``frame_count`` frames painted back.

    Without the real photos ``nothing`` and ``tokenizer.photos`` are None and ``reason`` says why.
    """
    if count < 2 or frame_count < 1:
        raise UsageError(f"--count {count} --frames {frame_count}: give at least 2 photos and 1 frame")
    Sampler(mode=mode, seed=seed)  # type: ignore[arg-type]  # refused before minutes are spent on the rest
    started, cpu = time.perf_counter(), time.process_time()
    tokenizer, reason = tokenizer_of(backbone), None
    nothing: dict[str, Any] | None = None
    photos: dict[str, Any] | None = None
    try:
        held_out = real.held_out(data)
        nothing, photos = from_nothing(backbone, held_out, count, seed, step)
    except MissingDataError as error:
        reason = str(error)
    shown: list[Frame] = frames(frame_count, seed)
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "nothing": nothing,
        "maps": {"mode": mode, "frames": len(shown), "rows": from_maps(backbone, shown, mode, seed, step)},
        "tokenizer": {"photos": photos, "maps": rebuilt_maps(tokenizer, shown)},
        "reason": reason,
        "seed": seed,
        "weights": provenance(backbone),
        "env": environment(device_of(backbone)),
        "seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
    }


def from_nothing(
    backbone: Backbone, held_out: Sequence[np.ndarray], count: int, seed: int, step: Step = lambda text: None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Distances of each row to half of the real photos; and what the tokenizer leaves of the other half.

    Rows: those of ``DRAWN`` that the weights can paint (seeds ``seed`` ... ``seed`` + ``count`` - 1); the
    other half itself (``real``), ``rebuilt`` by the tokenizer, ``blurred``, ``scrambled``, ``gray``.
    """
    others = list(held_out[1::2])
    back, photos = rebuilt_photos(tokenizer_of(backbone), others)
    drawn = {
        name: paint_nothing(backbone, count, seed, step, sampler)
        for name, sampler in DRAWN.items()
        if sampler.mode not in NOISY or backbone.capabilities.noise
    }
    rows = drawn | {
        "real": others,
        "rebuilt": back,
        "blurred": [real.blurred(photo) for photo in others],
        "scrambled": [real.scrambled(photo, i) for i, photo in enumerate(others)],
        "gray": [real.gray(photo) for photo in others],
    }
    reference = features(held_out[::2])
    found = {}
    for name, pictures in rows.items():
        found[name] = distance(reference, features(pictures)).to_json() | {"photos": len(pictures)}
        step(f"distance of {name}")
    return {"reference": len(reference), "rows": found}, photos


def paint_nothing(
    backbone: Backbone,
    count: int,
    seed: int = 0,
    step: Step = lambda text: None,
    sampler: Sampler = DRAWN["model"],
) -> list[np.ndarray]:
    """``count`` photos from nothing, uint8 (96, 128, 3); the n-th is drawn with ``seed`` + n."""
    pictures: list[np.ndarray] = []
    while len(pictures) < count:
        prompts = [Image().prompt()] * min(BATCH, count - len(pictures))
        drawn = sampler.with_(seed=seed + len(pictures))
        pictures += [canvas.image for canvas in backbone.scene(None, SIZE).paint(prompts, drawn)]
        step(f"photo {len(pictures)} of {count}")
    return pictures


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; with ``--json`` write the figures there (- is stdout). Exit code."""
    parser = argparse.ArgumentParser(prog="python -m visiongen.benchmarks.generation", description=__doc__)
    parser.add_argument("--weights", default="tiny", help="weights to paint with")
    parser.add_argument("--data", help="folder of the data packs (default: VISIONGEN_DATA)")
    parser.add_argument("--count", type=int, default=COUNT, help="photos from nothing")
    parser.add_argument("--frames", type=int, default=FRAMES, help="frames painted back from their maps")
    parser.add_argument("--seed", type=int, default=0, help="of the photos and frames")
    parser.add_argument("--mode", default="verified", help="of the photos from maps")
    parser.add_argument("--json", metavar="FILE|-")
    return guarded(_main, parser.parse_args(arguments))


def _main(given: argparse.Namespace) -> int:
    import cv2

    cv2.setNumThreads(1)  # pictures of 96 x 128: threads only wait for one another
    backbone = BACKBONES.get("embedded").load(given.weights)

    def step(text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{text:40s}", end="", file=sys.stderr, flush=True)

    report = measure(backbone, given.data, given.count, given.frames, given.seed, given.mode, step)
    step("")
    tell(report, describe(report), given.json)
    return 0
