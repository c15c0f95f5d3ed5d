"""What the card is made of: one JSON-able dict, kept as weights/tiny.results.json. No heavy imports.

``{schema, weights: {name, sha256}, runs: [...], before: {...}, incontext, generation, speed, cost}``; parts
that nobody measured are absent. A score is ``[value, low, high]``, low and high null without an interval.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from visiongen.errors import InputError

SCHEMA = "visiongen.card/1"
Facts = dict[str, Any]


def before_of(path: Path) -> Facts:
    """What is shown of an earlier release, from its results file. InputError for another file."""
    old = read_json(path)
    if old.get("schema") != SCHEMA:
        raise InputError(f"{path}: schema {old.get('schema')!r}, not {SCHEMA}; give a results file")
    scores = {key(run): {"version": run["version"], "scores": run["rows"]["verified"]} for run in old["runs"]}
    other = {name: old[name] for name in ("incontext", "generation") if name in old}
    return {"sha256": old["weights"]["sha256"], "runs": scores} | other


def check_weights(where: str, got: str | None, wanted: str) -> None:
    """InputError unless a figure was measured with the weights that ship."""
    if got != wanted:
        raise InputError(
            f"{where}: measured with weights {str(got)[:12]}, the manifest has {wanted[:12]}; measure anew"
        )


def outdated(facts: Facts) -> list[str]:
    """Figures that were made by a version of their protocol that is no more."""
    from visiongen.benchmarks.generation.report import VERSION
    from visiongen.benchmarks.protocols import load_protocol

    made = [*facts["runs"], *([facts["incontext"]] if facts.get("incontext") else [])]
    found = [(o["benchmark"], o["version"], load_protocol(o["benchmark"])["version"]) for o in made]
    if guard := facts.get("generation"):
        found.append(("generation", guard["version"], VERSION))
    return [
        f"{name}: measured by version {old}, which is {now} now; measure anew"
        for name, old, now in found
        if old != now
    ]


def key(run: Mapping[str, Any]) -> str:
    """By what a run is found again in another release."""
    seed = run.get("legend_seed")
    return f"{run['benchmark']}/{run['split']}" + ("" if seed is None else f"/legend{seed}")


def read_json(path: Path) -> Facts:
    """A JSON object; InputError."""
    try:
        found: Facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); give a JSON file") from None
    return found
