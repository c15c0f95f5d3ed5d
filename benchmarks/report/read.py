"""Runs as the report reads them: plan, result and records of a folder made by ``bench run --out``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.benchmarks.result import score_folder
from visiongen.benchmarks.result_schema import validate_result
from visiongen.benchmarks.scoring import Scorer, scorer_for
from visiongen.benchmarks.store import PLAN, RESULT, RunFolder
from visiongen.errors import InputError, MissingDataError

ORDER = ("blind", "oracle", "codec", "ceiling", "specialist")  # rows beside the model, as they are shown
SAME = ("benchmark", "split", "weights", "sample")  # what plan and result must agree about


@dataclass(frozen=True, eq=False)
class Run:
    """One run. ``records``: key -> record of samples.jsonl."""

    folder: Path
    plan: dict[str, Any]
    result: dict[str, Any]
    records: dict[str, dict[str, Any]] = field(repr=False)

    @property
    def protocol(self) -> dict[str, Any]:
        """The protocol that the numbers were made by."""
        return dict(self.plan["protocol"])

    @cached_property
    def scorer(self) -> Scorer:
        """The scorer of that protocol."""
        return scorer_for(self.protocol)

    @property
    def primary(self) -> str:
        """Name of the score that decides."""
        return str(self.result["primary"])

    @property
    def rows(self) -> list[str]:
        """Rows beside the model: the known ones in their order, then any others."""
        named = self.result["rows"]
        return [r for r in ORDER if r in named] + sorted(r for r in named if r not in ORDER)

    def row_records(self, row: str) -> list[dict[str, Any]]:
        """The records of a row in official order; those that are not on disk are left out."""
        keys = self.plan["keys"].get(row, {})
        return [self.records[key] for key in keys.values() if key in self.records]

    def drawn_rows(self) -> list[str]:
        """The model, then the other rows that have a record for every image."""
        full = [r for r in self.rows if self.plan["keys"].get(r) and self.result["rows"][r] is not None]
        return ["model", *full]

    def failed(self, row: str = "model") -> int:
        """How many of a row's images have no answer."""
        return sum(bool(record["error"]) for record in self.row_records(row))

    def image_scores(self, row: str = "model") -> list[tuple[str, float]]:
        """(id, primary score of that image alone) of every answered image on which it is defined."""
        return list(_image_scores(self.scorer, self.primary, self.row_records(row)))


def _image_scores(
    scorer: Scorer, primary: str, records: Iterable[dict[str, Any]]
) -> Iterator[tuple[str, float]]:
    one = np.ones((1, 1))
    for record in records:
        if record["error"]:
            continue
        value = float(scorer.table([record["stats"]])(one)[primary][0])
        if np.isfinite(value):
            yield str(record["id"]), value


def find_runs(folders: Sequence[str | Path]) -> list[Path]:
    """Run folders, or result.json files, or folders of run folders -> run folders, without repeats."""
    found: dict[Path, None] = {}
    for given in map(Path, folders):
        path = given.parent if given.name == RESULT else given
        inside = [path] if (path / PLAN).is_file() else sorted(p.parent for p in path.glob(f"*/{PLAN}"))
        if not inside:
            raise MissingDataError(
                f"{given}: holds no run ({PLAN} is missing, also one folder down); "
                "give a folder made by bench run --out"
            )
        found |= dict.fromkeys(inside)
    return list(found)


def read_run(path: Path) -> Run:
    """The run of a folder, scored anew from its records, as ``bench run`` does: an older version may have
    written other scores and verdicts into result.json.

    That file counts, if it is the plan's, where only it was kept, or where the records' statistics are of a
    version that this one cannot read. MissingDataError: images are still to be done. InputError: a damaged
    plan or result.
    """
    folder = RunFolder(path)
    plan = folder.plan()
    try:
        records = folder.records()
        # Records of other keys alone: changed and not scored since. No record: only the result was kept.
        whole = not records or all(key in records for keys in plan["keys"].values() for key in keys.values())
        stored = _stored(path, plan)
        kept = stored if whole else None
        result = kept if kept and not records else _scored(folder, kept)
        run = Run(path, plan, result, records)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path / PLAN}: not a plan of this version ({type(error).__name__}: {error}); run again"
        ) from error
    validate_result(result, str(path / RESULT))
    return run


def _scored(folder: RunFolder, kept: dict[str, Any] | None) -> dict[str, Any]:
    """Scores of the records; ``kept`` where they cannot be read by this version."""
    try:
        return dict(score_folder(folder))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        if kept is None:
            raise
        return kept


def _stored(path: Path, plan: dict[str, Any]) -> dict[str, Any] | None:
    """result.json, if it is about what the plan asks for."""
    try:
        result: dict[str, Any] = json.loads((path / RESULT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InputError(f"{path / RESULT}: damaged ({error}); run the same bench run again") from error
    validate_result(result, str(path / RESULT))
    done = result["n_scored"] + result["n_failed"] == len(plan["keys"]["model"])
    agrees = all(result[name] == plan[name] for name in SAME)
    rows = set(result["rows"]) | {"model"} == set(plan["keys"]) | set(plan["reasons"])
    return result if done and agrees and rows and result["benchmark_version"] == plan["version"] else None
