"""Specialist rows of an earlier release: a specialist's score does not change with the weights that ship."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from card.facts import Facts, key

ROW = "specialist"
MARK = "†"
MEANS = (
    f"{MARK}: kept from an earlier release's run: the same specialist on the same images, not run again. Its "
    "images are not at hand, so nothing says whether a difference to it is shown."
)


def keep(facts: Facts, old: Mapping[str, Any]) -> Facts:
    """``facts`` with the specialist rows of ``old``, a results file, where a run has none of its own.

    Only for the same benchmark, version, split and number of images.
    """
    earlier = {key(run): run for run in old["runs"] if ROW in run["rows"]}
    return facts | {"runs": [_kept(run, earlier.get(key(run))) for run in facts["runs"]]}


def _kept(run: Facts, old: Facts | None) -> Facts:
    same = old is not None and all(run[name] == old[name] for name in ("version", "images"))
    if ROW in run["rows"] or old is None or not same:
        return run
    rows = run["rows"] | {ROW: old["rows"][ROW]}
    found = run | {"rows": rows, "specialists": old.get("specialists", []), "kept": [ROW]}
    failed = old.get("failed_rows", {}).get(ROW)
    return found | {"failed_rows": run.get("failed_rows", {}) | {ROW: failed}} if failed else found


def is_kept(run: Mapping[str, Any]) -> bool:
    """Whether the run's specialist row is an earlier release's."""
    return ROW in run.get("kept", ())
