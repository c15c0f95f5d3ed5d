"""Run a benchmark in two stages: ``infer`` paints what is not on disk yet, ``score`` reads the disk.

Everything is found by a key, the sha256 of all that can change it. A map's: weights, mode, prompt, the
image's and the truth's bytes, seed, size. A score's: the same, the protocol and the schema version. Killed
anywhere, the same call continues; a changed key is computed anew, an equal one never is.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visiongen.benchmarks.base import Benchmark, Item, describe_options
from visiongen.benchmarks.predictions import PredictionsRow
from visiongen.benchmarks.reading import parts_of, read_answer
from visiongen.benchmarks.result import Result, environment, score_folder
from visiongen.benchmarks.result_schema import validate_result
from visiongen.benchmarks.rows import (
    BlindRow,
    CeilingRow,
    CodecRow,
    Direct,
    ModelRow,
    OracleRow,
    Painter,
    Row,
    SpecialistRow,
)
from visiongen.benchmarks.scoring import check_finite_json
from visiongen.benchmarks.shards import Shard
from visiongen.benchmarks.sheets import Sheet, write_sheets
from visiongen.benchmarks.store import Record, RunFolder
from visiongen.errors import InputError, UsageError, VisiongenError
from visiongen.registry import BENCHMARKS

if TYPE_CHECKING:
    from visiongen.backbones.base import Backbone

REFERENCE_ROWS = ("blind", "oracle", "codec", "ceiling", "specialist")
KEY_SCHEMA = 2  # raise when statistics or preprocessing change their meaning
Progress = Callable[[int], AbstractContextManager[Callable[[str], None]]]


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
    shard: Shard = field(default_factory=Shard)

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"--limit {self.limit}: give at least 1 image, or leave it out")
        unknown = [row for row in self.rows if row not in REFERENCE_ROWS]
        if unknown:
            raise UsageError(f"row {unknown[0]!r}: choose from {', '.join(REFERENCE_ROWS)}")


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


class Run:
    """One benchmark, its items and rows, and the folder that everything is in."""

    def __init__(self, benchmark: Benchmark, out: str | Path, options: Options) -> None:
        self.benchmark, self.options = benchmark, options
        self.folder = RunFolder(out, options.shard)
        self.split = benchmark.split(options.split)
        items = benchmark.items(options.data, self.split, options.limit)
        self.items = [benchmark.recoloured(item, options.legend_seed) for item in items]
        self.mine = options.shard.mine(self.items)
        self.legend = benchmark.legend(options.legend_seed)
        self.rows: dict[str, Row] = {}
        self.reasons: dict[str, str] = {}
        self.plan: dict[str, Any] = {}

    # --- planning -----------------------------------------------------------------------------

    def set_rows(self, model: Painter | PredictionsRow, backbone: Backbone | None) -> None:
        """The model's row and the reference rows; for those that cannot be had, the reason."""
        makers: dict[str, Callable[[], Row]] = {
            **{name: partial(make, self) for name, make in DIRECT.items()},
            "ceiling": lambda: self._ceiling(backbone),
            "specialist": lambda: SpecialistRow.find(self.benchmark, self.options.specialists, self.legend),
        }
        self.rows["model"] = model
        for name in REFERENCE_ROWS:
            if name not in self.options.rows:
                self.reasons[name] = "not asked for (--rows)"
                continue
            try:
                self.rows[name] = makers[name]()
            except VisiongenError as error:
                self.reasons[name] = str(error)

    def _ceiling(self, backbone: Backbone | None) -> Row:
        if backbone is None:
            raise InputError("these predictions have no tokenizer, so no ceiling")
        return CeilingRow(self.benchmark, self.legend, backbone)

    def set_rows_from(self, plan: Mapping[str, Any]) -> None:
        """The rows of a plan on disk; painters as what they left, nothing is loaded."""
        self.reasons = dict(plan["reasons"])
        for name in plan["keys"]:
            if name in plan["identities"]:
                self.rows[name] = LeftOnDisk(name, plan["identities"][name])
            elif name == "model":
                self.rows[name] = PredictionsRow(self.benchmark, plan["predictions"], self.legend)
            else:
                self.rows[name] = DIRECT[name](self)

    def make_plan(self, weights: dict[str, Any], predictions: str | None = None) -> None:
        """Write down what this run will score, JSON-able."""
        benchmark, options = self.benchmark, self.options
        painters = {name: row for name, row in self.rows.items() if isinstance(row, Painter)}
        self.plan = {
            "benchmark": benchmark.name,
            "source": benchmark.source,
            "predictions": predictions,
            "version": benchmark.version,
            "protocol": benchmark.protocol,
            "split": self.split,
            "limit": options.limit,
            "n_expected": benchmark.protocol["splits"][self.split],
            "images": {item.id: item.digest for item in self.items},
            "clusters": {item.id: item.cluster for item in self.items if item.cluster},
            "keys": {name: self._keys(score_key, row) for name, row in self.rows.items()},
            "paints": {name: self._keys(paint_key, row) for name, row in painters.items()},
            "identities": {n: r.identity for n, r in painters.items()},
            "reasons": self.reasons,
            "weights": weights,
            "sample": {
                "mode": options.mode,
                "seed": options.seed,
                "legend_seed": options.legend_seed,
                "legend": str(self.legend) if self.legend else None,
            },
            "env": environment(),
        }
        if len(self.plan["images"]) < len(self.items):
            raise InputError(f"{benchmark.name}: two images have one id; check the dataset's list")
        self.folder.write_plan(self.plan)

    def _keys(self, key: Callable[[Benchmark, Row, Item], str], row: Row) -> dict[str, str]:
        return {item.id: key(self.benchmark, row, item) for item in self.items}

    # --- painting -----------------------------------------------------------------------------

    def infer(self, progress: Progress | None = None) -> int:
        """Paint every map of this part that is not on disk yet; a failed one is tried again. How many."""
        painted, scored = self.folder.painted(), self.folder.records()
        todo = []
        for name, keys in self.plan["paints"].items():
            for item in self.mine:
                record, done = painted.get(keys[item.id]), scored.get(self.plan["keys"][name][item.id])
                if done is not None and not done["error"]:
                    continue
                if record is None or record["error"] or not self.folder.is_whole(record):
                    todo.append((name, item))
        with progress(len(todo)) if progress else nullcontext(lambda label: None) as step:
            for name, item in todo:
                self.folder.append_painted(self._paint(name, item))
                step(f"{name} {item.id}")
        return len(todo)

    def _paint(self, name: str, item: Item) -> Record:
        """Paint one image; whatever goes wrong with one, the others still count."""
        row = self.rows[name]
        assert isinstance(row, Painter)
        folder = self.folder.maps(name, _hash(row.identity))
        start, error, size = time.perf_counter(), "", None
        sheets: dict[str, Sheet] = {}
        decode: dict[str, Any] = {}
        try:
            photo = item.photo()
            size = [photo.shape[0], photo.shape[1]]
            sheets, decode = row.paint(item, photo)
        except Exception as problem:
            error = describe_error(problem)
        files = write_sheets(folder, item.id, sheets)  # a full disk stops the run
        return {
            "key": self.plan["paints"][name][item.id],
            "row": name,
            "id": item.id,
            "folder": folder.name,
            "parts": parts_of(self.benchmark),
            "files": files,
            "size": size,
            "decode": decode,
            "seconds": round(time.perf_counter() - start, 4),
            "error": error,
        }

    # --- scoring ------------------------------------------------------------------------------

    def score(self, progress: Progress | None = None) -> int:
        """Score everything of this part that is painted or needs no painter. How many were new."""
        done = {key for key, record in self.folder.records().items() if not record["error"]}
        painted = self.folder.painted()
        todo = []
        for item in self.mine:
            for name, keys in self.plan["keys"].items():
                paints = self.plan["paints"].get(name)
                record = painted.get(paints[item.id]) if paints else None
                if keys[item.id] not in done and (paints is None or record is not None):
                    todo.append((name, item, record))
        truth, of = None, None
        with progress(len(todo)) if progress else nullcontext(lambda label: None) as step:
            for name, item, record in todo:
                if of is not item:
                    truth, of = item.truth(), item  # without a truth there is no score: its error stops
                self.folder.append(self._score(name, item, truth, record))
                step(f"{name} {item.id}")
        return len(todo)

    def _score(self, name: str, item: Item, truth: Any, painted: Record | None) -> Record:
        """Statistics of one answer, or of the worst case with the error."""
        scorer, error, start = self.benchmark.scorer, "", time.perf_counter()
        try:
            stats = scorer.stats(truth, self._answer(name, item, truth, painted))
            check_finite_json(stats)
        except Exception as problem:  # whatever one image does, the others still count
            error = describe_error(problem)
            stats = scorer.stats(truth, None)
        spent = time.perf_counter() - start + (painted["seconds"] if painted else 0.0)
        return {
            "key": self.plan["keys"][name][item.id],
            "row": name,
            "id": item.id,
            "stats": stats,
            "decode": painted["decode"] if painted else {},
            "seconds": round(spent, 4),
            "error": error,
        }

    def _answer(self, name: str, item: Item, truth: Any, painted: Record | None) -> Any:
        if painted is None:
            row = self.rows[name]
            assert isinstance(row, Direct)
            return row.answer(item, truth)
        if painted["error"]:
            raise _Told(painted["error"])
        size = (painted["size"][0], painted["size"][1])
        return read_answer(self.benchmark, item, self.legend, size, self.folder.sheets(painted))

    def finish(self, progress: Progress | None = None) -> Result:
        """Score, wait for the other parts, and return the scores of the folder, written there by the first.

        MissingDataError while images of other parts are missing.
        """
        self.score(progress)
        self.options.shard.wait()
        result = score_folder(self.folder)
        validate_result(dict(result), str(self.folder.path))
        if self.options.shard.first or not self.options.shard.launched:
            self.folder.write_result(dict(result))
        return result


class LeftOnDisk(Painter):
    """A painter that is not here: what it painted is read, nothing is painted anew."""

    def __init__(self, name: str, identity: dict[str, Any]) -> None:
        self.name, self.identity = name, identity

    def paint(self, item: Item, photo: Any) -> Any:
        """Refused."""
        raise UsageError(f"row {self.name!r}: bench score paints nothing; run bench infer again")


DIRECT: dict[str, Callable[[Run], Row]] = {
    "blind": lambda run: BlindRow(run.benchmark, run.options.data),
    "oracle": lambda run: OracleRow(run.benchmark),
    "codec": lambda run: CodecRow(run.benchmark, run.legend),
}


class _Told(VisiongenError):
    """What went wrong while painting, in its own words."""


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
        made.make_plan(weights_of(backbone))
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
        made.make_plan(weights_of(backbone))
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
    made.set_rows(PredictionsRow(benchmark, predictions, made.legend), None)
    with made.folder.locked():
        made.make_plan({"name": Path(predictions).name, "sha256": None}, str(predictions))
        return made.finish(progress)


def start(name: str | Benchmark, backbone: Backbone, out: str | Path, options: Options) -> Run:
    """A run with the backbone's row and the reference rows."""
    benchmark = get_benchmark(name) if isinstance(name, str) else name
    made = Run(benchmark, out, options)
    made.set_rows(ModelRow(benchmark, backbone, options.mode, options.seed, made.legend), backbone)
    return made


def weights_of(backbone: Backbone) -> dict[str, Any]:
    """Name and sha256 of what paints."""
    record = backbone.weights
    return {"name": record.name if record else backbone.name, "sha256": record.sha256 if record else None}


def describe_error(problem: Exception) -> str:
    """One line; what is not one of our own errors says its type."""
    kind = "" if isinstance(problem, VisiongenError) else f"{type(problem).__name__}: "
    return " ".join(f"{kind}{problem}".split()) or type(problem).__name__


def paint_key(benchmark: Benchmark, row: Row, item: Item) -> str:
    """sha256 of everything that can change this row's map of this image."""
    return _hash(_parts(benchmark, row, item) | {"long_side": benchmark.protocol["long_side"]})


def score_key(benchmark: Benchmark, row: Row, item: Item) -> str:
    """sha256 of everything that can change this row's statistics for this image."""
    return _hash(_parts(benchmark, row, item) | {"protocol": benchmark.protocol})


def _parts(benchmark: Benchmark, row: Row, item: Item) -> dict[str, Any]:
    parts = {
        "schema": KEY_SCHEMA,
        "tasks": parts_of(benchmark),
        "row": row.name,
        "identity": row.identity,
        "id": item.id,
        "image": item.digest,
        "own": row.item_identity(item),
    }
    return parts | ({"options": describe_options(item.options)} if item.options else {})


def _hash(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
