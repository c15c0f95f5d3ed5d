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


def check_asked(where: str, name: str, report: Mapping[str, Any]) -> None:
    """InputError unless a report is what the command under its table makes, which has no options.

    ``name``: incontext or generation; others say in their own table what they were measured with.
    """
    for option, got, wanted in _asked(name, report):
        if got != wanted:
            raise InputError(
                f"{where}: measured with --{option} {got}, the card's command has {wanted}; measure anew "
                f"without --{option}"
            )


def _asked(name: str, report: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(option, as measured, as its command has it) of a report."""
    if name == "incontext":
        from visiongen.benchmarks.protocols import load_protocol

        episodes = load_protocol("world-incontext")["splits"]["test"]
        asked = [("episodes", report["episodes"], episodes), ("mode", report["mode"], "verified")]
        return [*asked, ("seed", report.get("seed"), 0)]
    if name == "generation":
        from visiongen.benchmarks.generation.report import COUNT, FRAMES

        maps, nothing = report["maps"], report["nothing"]  # null without the real photos
        asked = [("frames", maps["frames"], FRAMES), ("mode", maps["mode"], "verified")]
        asked += [("count", nothing["rows"]["model"]["photos"], COUNT)] if nothing else []
        return [*asked, ("seed", report.get("seed"), 0)]
    return []


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
