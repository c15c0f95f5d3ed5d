"""Seconds and memory of one prediction: ``python docs/make_cost.py [--json FILE] [--large]``.

Each is a process of its own, ``visiongen predict depth``, so that the peak of its memory is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from visiongen.benchmarks.result import environment
from visiongen.files import write_json

SCHEMA = "visiongen.cost/1"
PHOTO, LARGE = (512, 384), (4000, 3000)  # width, height


def main() -> None:
    """Measure, print, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", default="tiny")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large", action="store_true", help="also a photo of 4000 x 3000 by tiles (minutes)")
    parser.add_argument("--json", metavar="FILE")
    given = parser.parse_args()
    asked: list[tuple[tuple[int, int], str, bool]] = [(PHOTO, "draft", False), (PHOTO, "verified", False)]
    asked += [(LARGE, "draft", True)] if given.large else []
    rows = []
    digest = None
    for size, mode, tile in asked:
        turns = [predict(given.weights, size, mode, tile) for _ in range(1 if tile else given.rounds)]
        digest = turns[0]["sha256"]
        rows.append(summary(turns))
        print(json.dumps(rows[-1]))
    env = environment() | {"load": list(os.getloadavg())}
    report = {"schema": SCHEMA, "weights": {"name": given.weights, "sha256": digest}, "rounds": given.rounds}
    if given.json:
        write_json(given.json, report | {"rows": rows, "env": env})


def summary(turns: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The fastest turn, with the most memory that any of them held."""
    fastest = min(turns, key=lambda turn: turn["seconds"])
    row = {name: value for name, value in fastest.items() if name != "sha256"}
    return row | {"peak_bytes": max(turn["peak_bytes"] for turn in turns)}


def predict(weights: str, size: tuple[int, int], mode: str, tile: bool) -> dict[str, Any]:
    """One run of the command: its seconds without the loading of weights, and what its process used."""
    from PIL import Image
    from skimage import data

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Image.fromarray(data.coffee()).resize(size).save(folder / "photo.png")
        words = ["predict", "depth", str(folder / "photo.png"), "--mode", mode, "--weights", weights]
        words += ["--tile"] if tile else ["--long-side", str(max(size))]
        words += ["--out", str(folder / "out"), "--json", str(folder / "report.json")]
        child = subprocess.Popen([sys.executable, "-m", "visiongen", *words], stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"visiongen {' '.join(words)}: exit code {child.returncode}")
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return {
        "width": size[0],
        "height": size[1],
        "mode": mode,
        "tile": tile,
        "seconds": round(report["seconds"], 3),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 3),
        "peak_bytes": used.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        "sha256": report["weights"]["sha256"],
    }


if __name__ == "__main__":
    main()
