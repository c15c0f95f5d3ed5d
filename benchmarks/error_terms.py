"""Where a model's error is: the way from a blind guess to a perfect answer, and what is lost on it.

    perfect (oracle) --codec--> ceiling --draft--> draft --autoregression--> verified

Every score becomes its share of the way, 0 at ``blind`` and 1 at ``oracle``, so that tasks of other
units compare. A term is the share lost between two rows; the three add up to what the model lacks. A
negative term is a gain: autoregression should be one. Beside them ``past``: what a true past would
give back (prefix less verified), the cost of the causal branch's own errors. All is read from a run's
folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.backbones.sampler import MODES, USED_IN
from visiongen.benchmarks.metrics.bootstrap import FEWEST, percentile_interval
from visiongen.benchmarks.result import Drawn, draw_rows, failures_of, row_records
from visiongen.benchmarks.store import PLAN, RESULT, RunFolder
from visiongen.errors import UsageError

ROWS = ("blind", "oracle", "ceiling", "draft", "prefix")  # what a run needs beside its model
OPTIONAL = ("prefix",)  # a backbone may be unable to give it
TERMS = {  # term -> (row above, row below): lost from the one to the other
    "codec": ("oracle", "ceiling"),
    "draft": ("ceiling", "draft"),
    "autoregression": ("draft", "model"),
}
PAST = ("prefix", "model")
GREEDY = ("verified", "sequential")  # the modes of a model whose autoregression can be judged


def open_run(path: str | Path) -> RunFolder | None:
    """The run that lies at ``path`` (its folder, or its result.json), else None."""
    path = Path(path)
    folder = path.parent if path.name == RESULT else path
    return RunFolder(folder) if (folder / PLAN).is_file() else None


def rows_for(folder: RunFolder, shipped: str | None) -> tuple[str, ...]:
    """``ROWS``, and those that a run in ``folder`` already has, so that its result keeps them.

    A specialist only if it is the one that ships, by its sha256 ``shipped``: no other is at hand.
    """
    if open_run(folder.path) is None:
        return ROWS
    plan = folder.plan()
    told = plan["identities"].get("specialist", {}).get("weights")
    kept = [row for row in plan["keys"] if row not in ("model", *ROWS)]
    return (*ROWS, *(row for row in kept if row != "specialist" or (told and told == shipped)))


def error_terms(folder: RunFolder) -> dict[str, Any]:
    """One row of the table, JSON-able, see ``ErrorsForm`` in ``result_schema``.

    UsageError: not a run of mode verified, an option that its draft lacks, or a row is missing.
    UnfinishedError: images are.
    """
    plan = folder.plan()
    _check(folder, plan)
    found = row_records(folder)
    primary = plan["protocol"]["primary"]
    way = _Way(draw_rows(plan, found), primary)
    lost = {term: way.share(*rows) for term, rows in TERMS.items()}
    told = {term: found["share"] for term, found in lost.items() if found is not None}
    return {
        "benchmark": plan["benchmark"],
        "benchmark_version": plan["version"],
        "split": plan["split"],
        "primary": primary,
        "n": len(plan["images"]),
        "partial": len(plan["images"]) != plan["n_expected"],
        "weights": plan["weights"],
        "mode": plan["sample"]["mode"],
        "options": plan["sample"].get("options", {}),
        "values": {("verified" if row == "model" else row): way.value(row) for row in (*ROWS, "model")},
        "reached": way.share("model", "blind"),
        "lost": lost,
        "past": way.share(*PAST),
        "largest": max(told, key=told.__getitem__) if len(told) == len(TERMS) else None,
        "reasons": {row: why for row, why in plan["reasons"].items() if row in ROWS},
        "failures": failures_of(found),
    }


class _Way:
    """Scores of rows as shares of the way from blind to oracle, on all images and on every resample."""

    def __init__(self, drawn: Mapping[str, Drawn], primary: str) -> None:
        self.drawn, self.primary = drawn, primary

    def value(self, row: str) -> float | None:
        """A row's primary score as it is; None where the row or the score is not there."""
        found = self.drawn[row].whole[self.primary] if row in self.drawn else np.nan
        return float(found) if np.isfinite(found) else None

    def share(self, above: str, below: str) -> dict[str, Any] | None:
        """What lies between two rows: {share, ci95}, paired over images; None where it is not defined."""
        rows = (above, below, "blind", "oracle")
        if any(self.value(row) is None for row in rows) or self.value("blind") == self.value("oracle"):
            return None
        one = _between(*(np.array([self.drawn[row].whole[self.primary]]) for row in rows))
        low, high = percentile_interval(_between(*(self.drawn[row].resampled[self.primary] for row in rows)))
        share = float(one[0]) + 0.0  # no -0
        told = np.isfinite(low) and self.drawn[above].units >= FEWEST
        return {"share": share, "ci95": [low + 0.0, high + 0.0] if told else None}


def _between(above: np.ndarray, below: np.ndarray, blind: np.ndarray, perfect: np.ndarray) -> np.ndarray:
    """(above - below) / (perfect - blind), NaN where a resample's blind guess is perfect."""
    whole = perfect - blind
    return np.divide(above - below, whole, out=np.full(whole.shape, np.nan), where=whole != 0)


def _check(folder: RunFolder, plan: Mapping[str, Any]) -> None:
    mode = plan["sample"]["mode"]
    if mode not in GREEDY:
        raise UsageError(f"{folder.path}: its model is of mode {mode}; give a run of --mode verified")
    shared = [name for name in plan["sample"].get("options", {}) if "draft" in USED_IN.get(name, MODES)]
    if shared:  # its own terms would hold what the option did
        raise UsageError(
            f"{folder.path}: its model has --option {shared[0]}, which also changes a draft, and its row "
            "draft is without; give a run without that option"
        )
    for row in ROWS:
        if row not in plan["keys"] and row not in OPTIONAL and row != "blind":
            why = plan["reasons"].get(row, "not asked for (--rows)")
            raise UsageError(
                f"{folder.path}: no {row} row ({why}); run: visiongen bench errors {plan['source']} "
                f"--out {folder.path}"
            )


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of text: one a benchmark, the scores and then the shares lost, in percent of the way."""
    shown = ("blind", "draft", "verified", "prefix", "ceiling")
    names = [f"{row['benchmark']}" + ("*" if row["partial"] else "") for row in rows]
    wide = max(len(name) for name in ("benchmark", *names))
    head = f"{'benchmark':{wide}s} {'score':>8s}" + "".join(f"{name:>9s}" for name in (*shown, "perfect"))
    lines = [head + " | lost:" + "".join(f"{t:>16s}" for t in TERMS) + f"{'own past':>16s} | largest"]
    for name, row in zip(names, rows, strict=True):
        values = "".join(_number(row["values"][key]) for key in (*shown, "oracle"))
        shares = "".join(_percent(row["lost"][term]) for term in TERMS) + _percent(row["past"])
        lines.append(f"{name:{wide}s} {row['primary']:>8s}{values} |      {shares} | {row['largest'] or '-'}")
    lines.append("lost: % of the way from blind to perfect, with the 95 % interval; below 0 is a gain")
    if any(row["partial"] for row in rows):
        lines.append("* only some of the split's images")
    for row in rows:
        told = ", ".join(f"{name}={value}" for name, value in row["options"].items())
        lines += [f"{row['benchmark']}: model with {told}; the other rows without"] if told else []
        lines += [f"{row['benchmark']}: no {name} row: {why}" for name, why in row["reasons"].items()]
    return lines


def _number(value: float | None) -> str:
    return f"{'-':>9s}" if value is None else f"{value:9.4f}"


def _percent(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return f"{'-':>16s}"
    ends = found["ci95"]
    text = f"{100 * found['share']:.0f}" + (f" [{100 * ends[0]:.0f}, {100 * ends[1]:.0f}]" if ends else "")
    return f"{text:>16s}"
