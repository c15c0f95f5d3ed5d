"""The result of a run as JSON, made from the run's folder alone."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from visiongen.benchmarks.metrics import bootstrap
from visiongen.benchmarks.scorers.base import Scores, Table
from visiongen.benchmarks.scoring import Scorer, scorer_for
from visiongen.benchmarks.store import Record, RunFolder
from visiongen.errors import UnfinishedError

SCHEMA = "visiongen.bench/1"


class Score(TypedDict):
    """One number."""

    value: float | None  # None: not defined on these images (an absent class)
    higher_is_better: bool
    ci95: list[float] | None  # percentile bootstrap over images (whole clusters), [low, high]


class _Painted(TypedDict, total=False):
    """What a result has where something was painted."""

    painted_env: dict[str, Any]  # of whoever painted last


class Result(_Painted):
    """What ``bench run --json`` prints."""

    schema: str  # "visiongen.bench/1"
    benchmark: str
    benchmark_version: str  # fixes split, size, range, alignment, averaging
    task: str
    split: str
    primary: str  # name of the score that decides
    n_expected: int  # images the split has by the protocol
    n_scored: int  # images with an answer
    n_failed: int  # images without one; counted as the worst case
    partial: bool  # --limit, or a split that is not whole: not a benchmark number
    scores: dict[str, Score]  # the model's
    rows: dict[str, dict[str, Score] | None]  # by row beside the model (row_choice.py)
    reasons: dict[str, str]  # why a row is null
    differences: dict[str, dict[str, Any]]  # row -> primary score, model minus row, paired
    failures: list[dict[str, str]]  # [{row, id, error}]
    protocol: dict[str, Any]
    weights: dict[str, Any]  # {name, sha256}
    sample: dict[str, Any]  # {mode, seed, legend_seed, legend}
    decoding: dict[str, float]  # mean tokens, passes, hit_rate an image
    env: dict[str, Any]  # of the last command: of whoever scored
    seconds: float  # sum over images of painting and decoding; the same after a resume


def score_folder(folder: RunFolder) -> Result:
    """Scores of everything the plan asks for; UnfinishedError while images are missing."""
    plan = folder.plan()
    scorer, primary = scorer_for(plan["protocol"]), plan["protocol"]["primary"]
    found = row_records(folder)
    drawn, model = draw_rows(plan, found), found["model"]
    rows: dict[str, dict[str, Score] | None] = {name: intervals(scorer, row) for name, row in drawn.items()}
    for row in plan["reasons"]:
        rows[row] = None
    failed = sum(bool(record["error"]) for record in model)
    scores = rows.pop("model")
    assert scores is not None
    result = Result(
        schema=SCHEMA,
        benchmark=plan["benchmark"],
        benchmark_version=plan["version"],
        task=plan["protocol"]["task"],
        split=plan["split"],
        primary=primary,
        n_expected=plan["n_expected"],
        n_scored=len(model) - failed,
        n_failed=failed,
        partial=len(model) != plan["n_expected"],
        scores=scores,
        rows=rows,
        reasons=plan["reasons"],
        differences={
            row: found[primary] for row, found in _against_rows(scorer, [primary], drawn).items() if found
        },
        failures=failures_of(found),
        protocol=plan["protocol"],
        weights=plan["weights"],
        sample=plan["sample"],
        decoding=_decoding(model),
        env=plan["env"],
        seconds=round(sum(record["seconds"] for record in model), 3),
    )
    if "painted_env" in plan:
        result["painted_env"] = plan["painted_env"]
    return result


def row_records(folder: RunFolder) -> dict[str, list[Record]]:
    """Row -> the records of all its images, in official order; UnfinishedError while one is missing."""
    records, found = folder.records(), {}
    for row, keys in folder.plan()["keys"].items():
        missing = [name for name, key in keys.items() if key not in records]
        if missing:
            raise UnfinishedError(
                f"{folder.path}: row {row!r} lacks {len(missing)} of {len(keys)} images "
                f"(first {missing[0]}); run the same bench run again, it continues"
            )
        found[row] = [records[key] for key in keys.values()]
    return found


def failures_of(found: Mapping[str, Sequence[Record]]) -> list[dict[str, str]]:
    """The images without an answer, row by row."""
    return [
        {"row": row, "id": record["id"], "error": record["error"]}
        for row, records in found.items()
        for record in records
        if record["error"]
    ]


def draw_rows(plan: dict[str, Any], found: Mapping[str, Sequence[Record]]) -> dict[str, Drawn]:
    """Row -> its scores, all rows by the same draws: they can be compared image by image."""
    scorer, draws = scorer_for(plan["protocol"]), draws_of(plan, list(plan["images"]))
    units = units_of(plan, list(plan["images"]))
    return {
        row: Drawn.of(scorer.table([record["stats"] for record in records]), draws, units)
        for row, records in found.items()
    }


def draws_of(plan: dict[str, Any], names: Sequence[str]) -> np.ndarray:
    """Bootstrap counts over ``names``, whole clusters where the plan has them."""
    return bootstrap.draws(len(names), clusters=_clusters(plan, names))


def units_of(plan: dict[str, Any], names: Sequence[str]) -> int:
    """How many things :func:`draws_of` draws from."""
    return bootstrap.units(len(names), _clusters(plan, names))


def _clusters(plan: dict[str, Any], names: Sequence[str]) -> list[str]:
    clusters = plan.get("clusters") or {}
    return [clusters.get(name, "") for name in names]


@dataclass(frozen=True)
class Drawn:
    """Scores of one row: of all images, each once, and of every resample (R,) of so many units."""

    whole: dict[str, float]
    resampled: Scores
    units: int

    @classmethod
    def of(cls, table: Table, draws: np.ndarray, units: int) -> Drawn:
        """By the counts ``draws`` (R, n) of ``units`` images or clusters."""
        once = table(np.ones((1, draws.shape[1])))
        whole = {name: float(value[0]) for name, value in once.items()}
        return cls(whole, table(draws), units)


def against_rows(folder: RunFolder, names: Sequence[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Row -> score of ``names`` -> the model's minus that row's, see :func:`differences`; of a whole run."""
    plan = folder.plan()
    return _against_rows(scorer_for(plan["protocol"]), names, draw_rows(plan, row_records(folder)))


def _against_rows(
    scorer: Scorer, names: Sequence[str], drawn: dict[str, Drawn]
) -> dict[str, dict[str, dict[str, Any]]]:
    return {
        row: differences(scorer, names, other, drawn["model"])
        for row, other in drawn.items()
        if row != "model"
    }


def differences(scorer: Scorer, names: Sequence[str], a: Drawn, b: Drawn) -> dict[str, dict[str, Any]]:
    """Scores of b minus those of a over the same images, drawn by the same counts.

    name -> {a, b, difference, ci95, higher_is_better, verdict}: the verdict is about b. A score that
    is not defined on either side is left out.
    """
    result = {}
    for name in names:
        left, right = a.whole[name], b.whole[name]
        if not (np.isfinite(left) and np.isfinite(right)):
            continue
        higher = scorer.higher_is_better(name)
        found = bootstrap.paired_difference(
            a.resampled[name], b.resampled[name], right - left, higher, a.units
        )
        result[name] = {
            "a": left,
            "b": right,
            "difference": found.value,
            "ci95": [found.low, found.high],
            "higher_is_better": higher,
            "verdict": found.verdict,
        }
    return result


def intervals(scorer: Scorer, drawn: Drawn) -> dict[str, Score]:
    """Scores with 95 % intervals: none from fewer than FEWEST units, nor for what one alone carries."""
    result: dict[str, Score] = {}
    for name, value in drawn.whole.items():
        resampled = drawn.resampled[name]
        low, high = bootstrap.percentile_interval(resampled)
        defined = bool(np.isfinite(value))
        told = drawn.units >= bootstrap.FEWEST and np.isfinite(low) and not bootstrap.of_one_unit(resampled)
        result[name] = Score(
            value=value if defined else None,
            higher_is_better=scorer.higher_is_better(name),
            ci95=[low, high] if defined and told else None,
        )
    return result


def _decoding(records: list[dict[str, Any]]) -> dict[str, float]:
    """Means over images of the numbers that the decoder reported."""
    told = [record["decode"] for record in records if record.get("decode")]
    names = [n for n, v in told[0].items() if isinstance(v, (int, float))] if told else []
    return {name: float(np.mean([t.get(name, 0) for t in told])) for name in names}


def device_of(backbone: object) -> object:
    """What a backbone paints on; "cpu" for one that does not say."""
    return getattr(backbone, "device", "cpu")


def environment(device: object = "cpu") -> dict[str, Any]:
    """Versions, machine and code commit behind a number.

    ``device``: what it was computed on, by torch's name; a GPU of the machine may have had no part in it.
    """
    import torch

    from visiongen import __version__

    used = torch.device(str(device))
    return {
        "visiongen": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
        "system": platform.system(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(used) if used.type == "cuda" else used.type,
    }


def _commit() -> str | None:
    """The checkout's commit, or None where the code is not in a git checkout of its own.

    Installed below somebody's project (its .venv), git would tell that project's commit.
    """
    try:
        _git("ls-files", "--error-unmatch", Path(__file__).name)
        return _git("rev-parse", "HEAD") or None
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=5, check=True
    )
    return done.stdout.strip()
