"""From run folders of ``visiongen bench run`` to what the card keeps of them, see :mod:`card.facts`."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from card.facts import SCHEMA, Facts, check_weights, key, read_json
from card.shown import RIVALS, SCORES
from visiongen import weights
from visiongen.benchmarks.reading import parts_of
from visiongen.benchmarks.report.made import command
from visiongen.benchmarks.report.read import Run, find_runs, read_run
from visiongen.benchmarks.result import against_rows
from visiongen.benchmarks.runner import get_benchmark
from visiongen.benchmarks.specialist_row import recipe_of
from visiongen.benchmarks.store import RunFolder
from visiongen.cli.bench_ls import listed
from visiongen.errors import InputError
from visiongen.training.export import SIDECAR

UNKNOWN: Facts = {"name": None, "minutes": None, "ships": False}


def collect(folders: Sequence[Path], specialists: Sequence[Path], entry: weights.Entry) -> Facts:
    """Every whole run of mode verified; InputError for a run that is partial or of other weights."""
    known = known_specialists(specialists)
    rendered = {row["name"]: row["rendered"] for row in listed(None, None)}
    runs = [summary(read_run(folder), known, rendered, entry) for folder in find_runs(folders)]
    _check_once([key(run) for run in runs])
    return {"schema": SCHEMA, "weights": {"name": entry.name, "sha256": entry.sha256}, "runs": runs}


def summary(
    run: Run, known: Mapping[str, Facts], rendered: Mapping[str, bool], entry: weights.Entry
) -> Facts:
    """What the card needs of one run."""
    result, plan = run.result, run.plan
    _check_whole(run)
    check_weights(str(run.folder), result["weights"]["sha256"], entry.sha256)
    shown = SCORES.get(result["benchmark"], (run.primary,))
    if missing := [name for name in (run.primary, *shown) if name not in result["scores"]]:
        raise InputError(f"{run.folder}: has no score {missing[0]!r}; score it anew with this version")
    names = list(dict.fromkeys((run.primary, *shown)))
    rows = {"verified": result["scores"]} | {n: r for n, r in result["rows"].items() if r is not None}
    found = {
        "benchmark": result["benchmark"],
        "version": result["benchmark_version"],
        "split": result["split"],
        "legend_seed": result["sample"].get("legend_seed"),
        "images": result["n_scored"] + result["n_failed"],
        "failed": result["n_failed"],
        "failed_rows": _failed_rows(result["failures"]),
        "rendered": rendered.get(result["benchmark"], False),
        "primary": run.primary,
        "higher": {name: result["scores"][name]["higher_is_better"] for name in names},
        "rows": {row: {n: _triple(scores[n]) for n in names if n in scores} for row, scores in rows.items()},
        "verdicts": {
            row: {name: one["verdict"] for name, one in found.items()}
            for row, found in against_rows(RunFolder(run.folder), names).items()
            if row in RIVALS
        },
        "seconds": round(result["seconds"], 1),
        "command": _command(run, entry.name),
    }
    digests = plan.get("identities", {}).get("specialist", {}).get("weights")
    if digests:
        benchmark = get_benchmark(result["benchmark"])
        of = digests if isinstance(digests, dict) else dict.fromkeys(parts_of(benchmark), digests)
        made = {part: known.get(digest, UNKNOWN) for part, digest in of.items()}
        found["specialists"] = [
            one | {"own": one["name"] == recipe_of(benchmark, part)} for part, one in made.items()
        ]
    return found


def _check_whole(run: Run) -> None:
    """InputError for a run that is not what the card's columns say."""
    result = run.result
    if result["partial"] or result["sample"]["mode"] != "verified" or "options" in result["sample"]:
        raise InputError(
            f"{run.folder}: partial, with options, or of mode {result['sample']['mode']}; give whole runs of "
            "mode verified"
        )


def _check_once(names: Sequence[str]) -> None:
    """InputError where two runs have one :func:`card.facts.key`."""
    if twice := {name for name in names if names.count(name) > 1}:
        raise InputError(f"two runs of {sorted(twice)[0]}; give one of them")


def known_specialists(folders: Iterable[Path]) -> dict[str, Facts]:
    """sha256 of a weights file -> {name, minutes, ships}: the manifest's, and finished runs of ``train``."""
    found: dict[str, Facts] = {}
    for folder in folders:
        side = read_json(folder / SIDECAR)
        found[side["sha256"]] = {"name": folder.name, "minutes": side["minutes"], "ships": False}
    shipped = {e.sha256: {"name": e.name, "minutes": e.minutes, "ships": True} for e in weights.list()}
    return found | shipped


def before_of(path: Path) -> Facts:
    """The scores of an earlier release, from a folder of its runs; see :func:`card.facts.before_of`.

    InputError: a run that :func:`collect` would not take, two of one benchmark, or several weights.
    """
    found = [read_run(folder) for folder in find_runs([path])]
    for one in found:
        _check_whole(one)
    runs = [one.result for one in found]
    _check_once([key(run | run["sample"]) for run in runs])
    if len(digests := {run["weights"]["sha256"] for run in runs}) > 1:
        raise InputError(f"{path}: runs of {len(digests)} different weights; give those of one release")
    scores = {}
    for run in runs:
        names = dict.fromkeys((run["primary"], *SCORES.get(run["benchmark"], ())))
        kept = {name: _triple(run["scores"][name]) for name in names if name in run["scores"]}
        scores[key(run | run["sample"])] = {"version": run["benchmark_version"], "scores": kept}
    return {"sha256": next(iter(digests)), "runs": scores}


def _failed_rows(failures: Iterable[Mapping[str, str]]) -> dict[str, int]:
    """How many images a row beside the model's has no answer for; only rows with such images."""
    return dict(Counter(one["row"] for one in failures if one["row"] != "model"))


def _triple(score: Mapping[str, Any]) -> list[float | None]:
    value, ends = score["value"], score["ci95"] or (None, None)
    return [None if one is None else float(f"{one:.6g}") for one in (value, *ends)]


def _command(run: Run, name: str) -> list[str]:
    """The words of the command, weights by the name they ship under, the default split left out."""
    words = shlex.split(command(run, specialists=False))  # the card names them for several runs at once
    if "--weights" in words:
        words[words.index("--weights") + 1] = name
    if words[words.index("--split") + 1] == run.protocol["default_split"]:
        at = words.index("--split")
        words = words[:at] + words[at + 2 :]
    return words
