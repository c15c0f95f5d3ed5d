"""Run a benchmark: plan, infer what is not on disk yet, score from disk.

A row's record is found by its key, the sha256 of everything that can change it: weights, mode,
prompt, the image's and the truth's bytes, seed, protocol and schema version. Killed anywhere, the
same call continues; a changed key is computed anew.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visiongen.benchmarks.base import Benchmark, Item, describe_options
from visiongen.benchmarks.result import Result, environment, score_folder
from visiongen.benchmarks.rows import BlindRow, CeilingRow, ModelRow, Row, SpecialistRow
from visiongen.benchmarks.scoring import check_finite_json
from visiongen.benchmarks.store import RunFolder
from visiongen.errors import UsageError, VisiongenError
from visiongen.prompt import Legend
from visiongen.registry import BENCHMARKS

if TYPE_CHECKING:
    from visiongen.backbones.base import Backbone

REFERENCE_ROWS = ("blind", "codec", "ceiling", "specialist")
KEY_SCHEMA = 1  # raise when statistics or preprocessing change their meaning
Step = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """One run, as the command line gives it."""

    split: str | None = None
    limit: int | None = None
    mode: str = "verified"
    seed: int = 0
    legend_seed: int | None = None
    data: str | Path | None = None
    rows: Sequence[str] = REFERENCE_ROWS
    specialists: Sequence[str | Path] = ()  # runs to take the specialist from, before the shipped one

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"--limit {self.limit}: give at least 1 image, or leave it out")
        unknown = [row for row in self.rows if row not in REFERENCE_ROWS]
        if unknown:
            raise UsageError(f"row {unknown[0]!r}: choose from {', '.join(REFERENCE_ROWS)}")


def get_benchmark(name: str) -> Benchmark:
    """The registered benchmark; UsageError with the closest name for an unknown one."""
    benchmark: Benchmark = BENCHMARKS.get(name)
    return benchmark


def run(
    name: str | Benchmark,
    backbone: Backbone,
    out: str | Path,
    options: Options | None = None,
    progress: Callable[[int], Any] | None = None,
) -> Result:
    """Score ``backbone`` on a benchmark and leave everything in the folder ``out``.

    ``progress(total)`` gives a context manager whose value is called with each image's name. A
    failing image is recorded with its error and counted as the worst case; MissingDataError or
    WeightsError before the first image stop the run.
    """
    options = options or Options()
    benchmark = get_benchmark(name) if isinstance(name, str) else name
    split = benchmark.split(options.split)
    items = benchmark.items(options.data, split, options.limit)
    items = [benchmark.recoloured(item, options.legend_seed) for item in items]
    legend = benchmark.legend(options.legend_seed)
    rows, reasons = make_rows(benchmark, backbone, options, legend)
    folder = RunFolder(out)
    with folder.locked():
        plan = make_plan(benchmark, backbone, options, split, items, rows, reasons, legend)
        folder.write_plan(plan)
        infer(folder, benchmark, items, rows, plan["keys"], progress)
        result = score_folder(folder)
        folder.write_result(dict(result))
    return result


def make_rows(
    benchmark: Benchmark, backbone: Backbone, options: Options, legend: Legend | None
) -> tuple[list[Row], dict[str, str]]:
    """The model's row and the reference rows; for those that cannot be had, the reason."""
    makers: dict[str, Callable[[], Row]] = {
        "blind": lambda: BlindRow(benchmark, options.data),
        "codec": lambda: CeilingRow(benchmark, legend),
        "ceiling": lambda: CeilingRow(benchmark, legend, backbone),
        "specialist": lambda: SpecialistRow.find(benchmark, options.specialists, legend),
    }
    rows: list[Row] = [ModelRow(benchmark, backbone, options.mode, options.seed, legend)]
    reasons = {}
    for row in REFERENCE_ROWS:
        if row not in options.rows:
            reasons[row] = "not asked for (--rows)"
            continue
        try:
            rows.append(makers[row]())
        except VisiongenError as error:
            reasons[row] = str(error)
    return rows, reasons


def make_plan(
    benchmark: Benchmark,
    backbone: Backbone,
    options: Options,
    split: str,
    items: Sequence[Item],
    rows: Sequence[Row],
    reasons: dict[str, str],
    legend: Legend | None,
) -> dict[str, Any]:
    """What this run will score, JSON-able."""
    weights = backbone.weights
    return {
        "benchmark": benchmark.name,
        "version": benchmark.version,
        "protocol": benchmark.protocol,
        "split": split,
        "n_expected": benchmark.protocol["splits"][split],
        "images": {item.id: item.digest for item in items},
        "keys": {row.name: {i.id: row_key(benchmark, row, i) for i in items} for row in rows},
        "reasons": reasons,
        "weights": {
            "name": weights.name if weights else backbone.name,
            "sha256": weights.sha256 if weights else None,
        },
        "sample": {
            "mode": options.mode,
            "seed": options.seed,
            "legend_seed": options.legend_seed,
            "legend": str(legend) if legend else None,
        },
        "env": environment(),
    }


def row_key(benchmark: Benchmark, row: Row, item: Item) -> str:
    """sha256 of everything that can change this row's statistics for this image."""
    parts = {
        "schema": KEY_SCHEMA,
        "protocol": benchmark.protocol,
        "row": row.name,
        "identity": row.identity,
        "id": item.id,
        "image": item.digest,
    }
    if item.options:
        parts["options"] = describe_options(item.options)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def infer(
    folder: RunFolder,
    benchmark: Benchmark,
    items: Sequence[Item],
    rows: Sequence[Row],
    keys: dict[str, dict[str, str]],
    progress: Callable[[int], Any] | None = None,
) -> int:
    """Compute every record that is not on disk yet; a failed one is tried again. How many."""
    done = {key for key, record in folder.records().items() if not record["error"]}
    todo = [(row, item) for row in rows for item in items if keys[row.name][item.id] not in done]
    if progress is None:
        for row, item in todo:
            folder.append(answer_one(benchmark, row, item, keys[row.name][item.id]))
        return len(todo)
    with progress(len(todo)) as step:
        for row, item in todo:
            folder.append(answer_one(benchmark, row, item, keys[row.name][item.id]))
            step(f"{row.name} {item.id}")
    return len(todo)


def answer_one(benchmark: Benchmark, row: Row, item: Item, key: str) -> dict[str, Any]:
    """The record of one image: statistics of the answer, or of the worst case with the error."""
    truth = item.truth()  # without a truth there is nothing to score: this error stops the run
    error = ""
    decode: dict[str, Any] = {}
    start = time.perf_counter()
    try:
        answer, decode = row.answer(item, item.photo())
        stats = benchmark.scorer.stats(truth, answer)
        check_finite_json(stats)
    except Exception as problem:  # whatever one image does, the others still count
        kind = "" if isinstance(problem, VisiongenError) else f"{type(problem).__name__}: "
        error = " ".join(f"{kind}{problem}".split()) or type(problem).__name__
        stats = benchmark.scorer.stats(truth, None)
    return {
        "key": key,
        "row": row.name,
        "id": item.id,
        "stats": stats,
        "decode": decode,
        "seconds": round(time.perf_counter() - start, 4),
        "error": error,
    }
