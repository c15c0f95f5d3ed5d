"""Four prompts in one process against one process a prompt: what four runs of a command cost.

Each run starts Python, loads the weights, reads the photo and paints, as a command would.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.benchmarks.speed.timing import Pair, timed
from visiongen.errors import VisiongenError

RUN = """
import sys, numpy, torch
weights, photo, out, size, threads, *which = sys.argv[1:]
torch.set_num_threads(int(threads))
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.benchmarks.speed.report import four_prompts
from visiongen.geometry import Geometry
pixels = numpy.load(photo)
pixels = Geometry.fit(pixels.shape[:2], int(size)).apply(pixels)
prompts = [four_prompts()[int(i)] for i in which]
canvases = EmbeddedBackbone.load(weights).scene(pixels).paint(prompts)
numpy.save(out, numpy.stack([c.tokens for c in canvases]))
"""


def four_processes(
    backbone: EmbeddedBackbone, photo: np.ndarray, long_side: int, count: int, rounds: int, threads: int
) -> dict[str, Any]:
    """The row; ``photo`` uint8 (H, W, 3) in any size, ``count`` prompts."""
    with tempfile.TemporaryDirectory() as folder:
        weights, picture = Path(folder) / "weights.safetensors", Path(folder) / "photo.npy"
        backbone.save(weights)
        np.save(picture, photo)

        def run(which: Sequence[int]) -> np.ndarray:
            out = Path(folder) / "tokens.npy"
            words = [weights, picture, out, long_side, threads, *which]
            command = [sys.executable, "-c", RUN, *(str(word) for word in words)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                lines = done.stderr.strip().splitlines() or ["no message"]
                raise VisiongenError(f"bench speed: a run failed: {lines[-1]}")
            return np.load(out)

        pair, equal = Pair(), True
        run([0])  # warms the file cache for both sides
        for _ in range(rounds):
            seconds, together = timed(lambda: run(range(count)))
            pair.ours.append(seconds)
            seconds, apart = timed(lambda: [run([i])[0] for i in range(count)])
            pair.peer.append(seconds)
            equal = equal and np.array_equal(together, np.stack(apart))
    return pair.row(
        "four-tasks-vs-four-runs/processes",
        equal,
        timed="start of Python to painted pixels; one process against one process a prompt",
        prompts=count,
        mode="verified",
    )
