"""Run pbr-mix and print its table, or JSON."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.backbones.base import Backbone, provenance
from visiongen.benchmarks.command import guarded
from visiongen.benchmarks.datasets.pbr_mix import NAME, Photo, held_out_sets, photographs, protocol
from visiongen.benchmarks.materials.rows import Answer, make_rows
from visiongen.benchmarks.metrics import bootstrap
from visiongen.benchmarks.metrics.material import SCORES, set_scores
from visiongen.benchmarks.result import device_of, environment
from visiongen.benchmarks.specialist_row import check_runs
from visiongen.errors import UsageError
from visiongen.files import write_report
from visiongen.relight import CAMERA, NINE_LIGHTS, SurfaceMaps

SCHEMA = "visiongen.bench-materials/1"


def run(
    backbone: Backbone,
    data: str | Path | None = None,
    limit: int | None = None,
    specialists: Sequence[str | Path] = (),
    pictures: str | Path | None = None,
    step: Callable[[str], None] = lambda name: None,
    **options: Any,
) -> dict[str, Any]:
    """Scores of the model and of the reference rows, JSON-able. ``limit``: sets, in order.

    ``pictures``: a folder for photo, truth and the model's answer side by side. ``options``: mode, seed.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit}: give at least 1 set, or leave it out")
    check_runs(specialists)
    table, started = protocol(), time.perf_counter()
    sets = held_out_sets(data, table["side"])
    chosen = sets[:limit]
    rows, reasons = make_rows(backbone, data, table["side"], specialists, **options)
    scored: dict[str, dict[str, list[dict[str, float]]]] = {row: {} for row in rows}
    for photo in (p for one in chosen for p in photographs(one, table)):
        for row, answer in rows.items():
            found = _score(photo, answer, pictures if row == "model" else None)
            scored[row].setdefault(photo.of.name, []).append(found)
        step(photo.id)
    return {
        "schema": SCHEMA,
        "benchmark": NAME,
        "benchmark_version": table["version"],
        "primary": table["primary"],
        "n_expected": len(sets),
        "n_scored": len(chosen),
        "partial": len(chosen) != len(sets),
        "rows": {row: summarise(list(found.values())) for row, found in scored.items()},
        "reasons": reasons,
        "sets": scored,
        "protocol": table,
        "lights": [dataclasses.asdict(light) for light in NINE_LIGHTS],
        "camera": CAMERA,
        "weights": provenance(backbone),
        "sample": options,
        "env": environment(device_of(backbone)),
        "seconds": round(time.perf_counter() - started, 2),
    }


def _score(photo: Photo, answer: Answer, pictures: str | Path | None) -> dict[str, float]:
    given = answer(photo)
    if pictures is not None:
        _draw(photo, given, Path(pictures))
    one = photo.of
    return set_scores(one.maps, given, one.present, one.certain)


def summarise(sets: Sequence[Sequence[dict[str, float]]]) -> dict[str, Any]:
    """``sets``: for each set the scores of its photos. Score -> {value, ci95, sets} (None: not defined)."""
    result: dict[str, Any] = {}
    counts = bootstrap.draws(len(sets))
    for score in SCORES:
        means = [[p[score] for p in photos if score in p] for photos in sets]
        rows = np.array([[float(np.mean(m)), 1.0] if m else [0.0, 0.0] for m in means])
        used = int(rows[:, 1].sum())
        if not used:
            result[score] = {"value": None, "ci95": None, "sets": 0}
            continue
        drawn = counts @ rows
        with np.errstate(invalid="ignore"):
            low, high = bootstrap.percentile_interval(drawn[:, 0] / drawn[:, 1])
        value = float(rows[:, 0].sum() / used)
        ends = [round(low, 5), round(high, 5)] if used > 1 else None
        result[score] = {"value": round(value, 5), "ci95": ends, "sets": used}
    return result


def _draw(photo: Photo, given: SurfaceMaps, folder: Path) -> None:
    """Two contact sheets, truth above answer."""
    from visiongen.files import write_atomic
    from visiongen.tasks.pbr.preview import contact_sheet
    from visiongen.tasks.pictures import encode_png

    sheets = [contact_sheet(maps, {"photo": photo.image}) for maps in (photo.of.maps, given)]
    write_atomic(folder / f"{photo.id.replace('/', '.')}.png", encode_png(np.concatenate(sheets)))


def markdown(result: dict[str, Any]) -> str:
    """The rows as a table, and why others are not there."""
    lines = ["| row | " + " | ".join(SCORES) + " |", "|---" * (len(SCORES) + 1) + "|"]
    for row, scores in result["rows"].items():
        values = [scores[score]["value"] for score in SCORES]
        lines.append(f"| {row} | " + " | ".join("-" if v is None else f"{v:.4g}" for v in values) + " |")
    missing = [f"no {row} row: {reason}" for row, reason in result["reasons"].items()]
    lines += ["", *missing] if missing else []
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a markdown table; with ``--json`` write the result there (- is stdout). Exit code."""
    parser = argparse.ArgumentParser(prog="python -m visiongen.benchmarks.materials", description=__doc__)
    parser.add_argument("--data", help="folder of the data packs (default: VISIONGEN_DATA)")
    parser.add_argument("--weights", default="tiny", help="weights to paint with")
    parser.add_argument("--mode", default="verified")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, help="so many sets only: not a benchmark number")
    parser.add_argument("--specialist", action="append", default=[], metavar="RUN", help="one for each map")
    parser.add_argument("--pictures", metavar="DIR", help="truth above answer, a picture a photo")
    parser.add_argument("--json", metavar="FILE|-")
    return guarded(_main, parser.parse_args(arguments))


def _main(given: argparse.Namespace) -> int:
    from visiongen.registry import BACKBONES

    backbone = BACKBONES.get("embedded").load(given.weights)

    def step(name: str) -> None:
        if sys.stderr.isatty():
            print(name, file=sys.stderr)

    options = {"mode": given.mode, "seed": given.seed}
    result = run(backbone, given.data, given.limit, given.specialist, given.pictures, step, **options)
    write_report(given.json, result)
    print(markdown(result), file=sys.stderr if given.json == "-" else sys.stdout)
    return 0
