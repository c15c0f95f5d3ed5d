"""One run of one benchmark: what is planned, painted and scored, all of it in one folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visiongen.benchmarks.base import Benchmark, Item
from visiongen.benchmarks.keys import hash_of, paint_key, score_key
from visiongen.benchmarks.predictions import PredictionsRow
from visiongen.benchmarks.reading import parts_of, read_answer
from visiongen.benchmarks.result import Result, environment, score_folder
from visiongen.benchmarks.result_schema import validate_result
from visiongen.benchmarks.row_choice import BRANCH_ROWS, REFERENCE_ROWS, reference_rows, rows_of_plan
from visiongen.benchmarks.rows import Direct, Painter, Row
from visiongen.benchmarks.scoring import check_finite_json
from visiongen.benchmarks.shards import Shard
from visiongen.benchmarks.sheets import Sheet, write_sheets
from visiongen.benchmarks.store import Record, RunFolder
from visiongen.errors import InputError, MissingDataError, UsageError, VisiongenError

if TYPE_CHECKING:
    from visiongen.backbones.base import Backbone

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
    options: Mapping[str, Any] = field(default_factory=dict)  # of the sampler, for the row model
    specialists: Sequence[str | Path] = ()  # runs to take the specialist from, before the shipped one
    shard: Shard = field(default_factory=Shard)

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"--limit {self.limit}: give at least 1 image, or leave it out")
        if self.legend_seed is not None and self.legend_seed < 0:
            raise UsageError(f"--legend-seed {self.legend_seed}: give a whole number from 0")
        if self.options:
            _check_options(self.options, self.mode)
        known = (*REFERENCE_ROWS, *BRANCH_ROWS)
        unknown = [row for row in self.rows if row not in known]
        if unknown:
            raise UsageError(f"row {unknown[0]!r}: choose from {', '.join(known)}")


def _check_options(options: Mapping[str, Any], mode: str) -> None:
    """UsageError for what is the protocol's to say, a value that no sampler takes, or one without effect."""
    from visiongen.backbones.sampler import SAMPLING, Sampler
    from visiongen.tasks.predicting import split_sampling

    others, sampling = split_sampling(options)
    for name in others:
        known = ", ".join(SAMPLING)
        raise UsageError(f"--option {name}: a benchmark takes {known}; the rest is its protocol's")
    Sampler.of(mode, options=sampling)


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
        """The model's row and the reference rows."""
        found, self.reasons = reference_rows(
            self.options.rows,
            self.benchmark,
            self.legend,
            self.options.data,
            backbone,
            self.options.specialists,
        )
        self.rows = {"model": model, **found}

    def set_rows_from(self, plan: Mapping[str, Any]) -> None:
        """The rows of a plan on disk."""
        self.reasons = dict(plan["reasons"])
        self.rows = rows_of_plan(plan, self.benchmark, self.legend, self.options.data)

    def make_plan(
        self, weights: dict[str, Any], predictions: str | None = None, device: object = "cpu"
    ) -> None:
        """Write down what this run will score, JSON-able. ``device``: what this process paints on."""
        benchmark, options, old = self.benchmark, self.options, self._plan_there()
        painters = {name: row for name, row in self.rows.items() if isinstance(row, Painter)}
        self.plan = {
            "benchmark": benchmark.name,
            "source": benchmark.source,
            "predictions": predictions,
            "version": benchmark.version,
            "protocol": benchmark.protocol,
            "split": self.split,
            "limit": options.limit,
            "n_expected": benchmark.expected(options.data, self.split),
            "images": {item.id: item.digest for item in self.items},
            "clusters": {item.id: item.cluster for item in self.items if item.cluster},
            "keys": {name: self._keys(score_key, row) for name, row in self.rows.items()},
            "paints": {name: self._keys(paint_key, row) for name, row in painters.items()},
            "identities": {n: r.identity for n, r in painters.items()},
            "reasons": self.reasons,
            "specialists": [str(run) for run in options.specialists],
            "weights": weights,
            "sample": {
                "mode": options.mode if predictions is None else "predictions",
                "seed": options.seed,
                "legend_seed": options.legend_seed,
                "legend": str(self.legend) if self.legend else None,
            }
            | ({"options": dict(options.options)} if options.options else {}),
            "env": environment(device),
        } | (_painted_env(old) if painters else {})
        if len(self.plan["images"]) < len(self.items):
            raise InputError(f"{benchmark.name}: two images have one id; check the dataset's list")
        self.folder.write_plan(self.plan)

    def _plan_there(self) -> dict[str, Any]:
        """The plan that lies there, {} where none does; UsageError for one of something else, whose result
        would be replaced.
        """
        try:
            old = self.folder.plan()
        except MissingDataError:
            return {}
        was, now = (old["benchmark"], old["split"]), (self.benchmark.name, self.split)
        if was != now:
            raise UsageError(
                f"{self.folder.path}: holds a run of {' '.join(was)}, not of {' '.join(now)}; "
                "give another --out"
            )
        return old

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
        if todo:  # whoever paints last is named
            self.plan["painted_env"] = self.plan["env"]
            self.folder.write_plan(self.plan)
        with progress(len(todo)) if progress else nullcontext(lambda label: None) as step:
            for name, item in todo:
                self.folder.append_painted(self._paint(name, item))
                step(f"{name} {item.id}")
        return len(todo)

    def _paint(self, name: str, item: Item) -> Record:
        """Paint one image; whatever goes wrong with one, the others still count."""
        row = self.rows[name]
        assert isinstance(row, Painter)
        folder = self.folder.maps(name, hash_of(row.identity))
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


class _Told(VisiongenError):
    """What went wrong while painting, in its own words."""


def describe_error(problem: Exception) -> str:
    """One line; what is not one of our own errors says its type."""
    kind = "" if isinstance(problem, VisiongenError) else f"{type(problem).__name__}: "
    return " ".join(f"{kind}{problem}".split()) or type(problem).__name__


def _painted_env(old: Mapping[str, Any]) -> dict[str, Any]:
    """``painted_env`` of the plan that lies there: scoring elsewhere does not change who painted.

    An older plan without it was written by its painter, unless it was scored elsewhere since.
    """
    env = old.get("painted_env", old.get("env") if old.get("paints") else None)
    return {"painted_env": env} if env else {}
