"""Run a benchmark in two stages: ``infer`` paints what is not on disk yet, ``score`` reads the disk.

Everything is found by a key, the sha256 of all that can change it. A map's: weights, mode, prompt, the
image's and the truth's bytes, seed, size; where the truth is painted the protocol, too. A score's: the same,
the protocol and the schema version. Killed anywhere, the same call continues; a changed key is computed anew,
an equal one never is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visiongen.backbones.base import Backbone, provenance
from visiongen.benchmarks.base import Benchmark
from visiongen.benchmarks.predictions import PredictionsRow
from visiongen.benchmarks.result import Result, device_of
from visiongen.benchmarks.rows import ModelRow
from visiongen.benchmarks.run import Options, Progress, Run
from visiongen.benchmarks.shards import Shard
from visiongen.benchmarks.store import RunFolder
from visiongen.registry import BENCHMARKS

__all__ = ["Options", "Progress", "get_benchmark", "infer", "run", "score", "score_predictions"]


def get_benchmark(name: str | Path) -> Benchmark:
    """The registered benchmark, or the folder dataset of a TOML file or a folder that has one.

    UsageError with the closest name for an unknown one.
    """
    path = Path(name)
    if path.suffix == ".toml" or (path.is_dir() and str(name) not in BENCHMARKS):
        from visiongen.benchmarks.datasets.folder import open_folder

        return open_folder(path)
    benchmark: Benchmark = BENCHMARKS.get(str(name))
    return benchmark


def run(
    name: str | Benchmark,
    backbone: Backbone,
    out: str | Path,
    options: Options | None = None,
    progress: Progress | None = None,
) -> Result:
    """Paint and score ``backbone`` on a benchmark and leave everything in the folder ``out``.

    ``progress(total)`` gives a context manager whose value is called with each image's name. A
    failing image is recorded with its error and counted as the worst case; MissingDataError or
    WeightsError before the first image stop the run. Of several parts (``options.shard``) each does its
    own; MissingDataError where the others are not done yet.
    """
    options = options or Options()
    made = start(name, backbone, out, options)
    with made.folder.locked():
        made.make_plan(weights_of(backbone), device=device_of(backbone))
        made.infer(progress)
        return made.finish(progress)


def infer(
    name: str | Benchmark,
    backbone: Backbone,
    out: str | Path,
    options: Options | None = None,
    progress: Progress | None = None,
) -> int:
    """The first stage alone: paint into ``out``. How many maps were painted."""
    made = start(name, backbone, out, options or Options())
    with made.folder.locked():
        made.make_plan(weights_of(backbone), device=device_of(backbone))
        count = made.infer(progress)
        made.options.shard.wait()
    return count


def score(
    out: str | Path,
    data: str | Path | None = None,
    shard: Shard | None = None,
    progress: Progress | None = None,
) -> Result:
    """The second stage alone, from the folder that ``infer`` (or ``run``) wrote and the dataset's truths.

    No weights are loaded. MissingDataError: no such run, or images that are not painted yet.
    """
    plan = RunFolder(out).plan()
    sample = plan["sample"]
    options = Options(
        split=plan["split"],
        limit=plan["limit"],
        mode=sample["mode"],
        seed=sample["seed"],
        legend_seed=sample["legend_seed"],
        options=sample.get("options", {}),
        specialists=plan.get("specialists", ()),
        data=data,
        shard=shard or Shard(),
    )
    made = Run(get_benchmark(plan["source"]), out, options)
    made.set_rows_from(plan)
    with made.folder.locked():
        made.make_plan(plan["weights"], plan.get("predictions"))
        return made.finish(progress)


def score_predictions(
    name: str | Benchmark,
    predictions: str | Path,
    out: str | Path,
    options: Options | None = None,
    progress: Progress | None = None,
) -> Result:
    """Score what somebody else made (see :mod:`visiongen.benchmarks.predictions`) beside the direct rows."""
    benchmark = get_benchmark(name) if isinstance(name, str) else name
    made = Run(benchmark, out, options or Options())
    row = PredictionsRow(benchmark, predictions, made.legend)
    row.check(made.items)
    made.set_rows(row, None)
    with made.folder.locked():
        made.make_plan({"name": Path(predictions).name, "sha256": None}, str(predictions))
        return made.finish(progress)


def start(name: str | Benchmark, backbone: Backbone, out: str | Path, options: Options) -> Run:
    """A run with the backbone's row and the reference rows."""
    benchmark = get_benchmark(name) if isinstance(name, str) else name
    made = Run(benchmark, out, options)
    row = ModelRow(benchmark, backbone, options.mode, options.seed, made.legend, options.options)
    made.set_rows(row, backbone)
    return made


def weights_of(backbone: Backbone) -> dict[str, Any]:
    """Name and sha256 of what paints."""
    return provenance(backbone) or {"name": backbone.name, "sha256": None}
