"""What a number depends on: protocol, weights, environment, failures, and the command that makes it again."""

from __future__ import annotations

import json
import shlex
from typing import Any

from visiongen.backbones.sampler import SEEDED
from visiongen.benchmarks.report.html import Html, badge, facts, fold, grid, join, many, number, scroll, tag
from visiongen.benchmarks.report.read import Run
from visiongen.benchmarks.row_choice import REFERENCE_ROWS

FAILURES = 50  # listed without unfolding


def published(run: Run) -> Html:
    """Published figures of the protocol; never beside a partial run or another split.

    A figure of another split than the default one says so (``split``).
    """
    result, default = run.result, run.protocol.get("default_split")
    known = [one for one in run.protocol.get("anchors", []) if isinstance(one, dict)]
    known = [one for one in known if one.get("split", default) == result["split"]]
    if not known or result["partial"]:
        return Html("")
    head = tag("tr", *(tag("th", name, scope="col") for name in ("published", "score", "value", "source")))
    body = [
        tag(
            "tr",
            tag("th", one.get("name", ""), scope="row"),
            tag("td", one.get("score", ""), class_="word"),
            tag("td", number(one["value"]) if _is_number(one.get("value")) else one.get("value", "")),
            tag("td", one.get("source", ""), class_="word wrap"),
        )
        for one in known
    ]
    return scroll(grid(head, body), "Published figures")


def failures(run: Run) -> Html:
    """Every image without an answer, and why."""
    found = run.result["failures"]
    if not found:
        return tag("p", "No failures.", class_="soft")
    lines = [tag("li", tag("strong", f"{one['row']} {one['id']}"), f": {one['error']}") for one in found]
    title = badge(many(len(found), "failure"))
    return fold(title, tag("ul", *lines, class_="plain"), shown=len(found) <= FAILURES)


def command(run: Run, specialists: bool = True) -> str:
    """The command that makes this run again (elsewhere: with ``--data`` and the weights' own name).

    ``specialists`` False: without their runs.
    """
    plan, source = run.plan, run.plan.get("source") or run.plan["benchmark"]
    if plan.get("predictions"):
        words = ["visiongen", "bench", "score", source, "--predictions", plan["predictions"]]
        words += ["--split", plan["split"]]
    else:
        words = ["visiongen", "bench", "run", source, "--split", plan["split"], *_painting(run)]
    if run.result["partial"]:
        words += ["--limit", str(len(plan["images"]))]
    skipped = {row for row, why in plan["reasons"].items() if why.startswith("not asked for")}
    for name in plan.get("specialists", ()) if specialists else ():
        words += ["--specialist", name]
    if skipped or set(run.rows) - set(REFERENCE_ROWS):  # some rows are made on request alone
        kept = [row for row in run.rows if row not in skipped]
        words += ["--rows", ",".join(kept) or "none"]
    return shlex.join(words)


def _painting(run: Run) -> list[str]:
    """The options that say who paints, and how."""
    sample, mode = run.plan["sample"], str(run.plan["sample"].get("mode", "verified"))
    words = ["--weights", run.plan["weights"]["name"], "--mode", mode]
    if mode in SEEDED:
        words += ["--seed", str(sample.get("seed", 0))]
    for name, value in sample.get("options", {}).items():
        words += ["--option", f"{name}={json.dumps(value)}"]
    if sample.get("legend_seed") is not None:
        words += ["--legend-seed", str(sample["legend_seed"])]
    return words


def made(run: Run) -> Html:
    """Everything that the number depends on."""
    result = run.result
    weights = result["weights"]
    told = {name: f"{value:.4g}" for name, value in result["decoding"].items()}
    return join(
        [
            tag("h3", "Again"),
            tag("pre", tag("code", command(run)), tabindex="0", aria_label="Command"),
            tag("h3", "Weights"),
            facts([("name", weights["name"]), ("sha256", tag("code", weights["sha256"] or "none"))]),
            tag("h3", "Protocol"),
            facts((name, _said(value)) for name, value in result["protocol"].items() if name != "anchors"),
            tag("h3", "Sampling and decoding"),
            facts([*((n, _said(v)) for n, v in result["sample"].items()), *told.items()]),
            tag("h3", "Environment"),
            facts((n, _said(v)) for n, v in [*result["env"].items(), ("seconds", result["seconds"])]),
            *_painted_elsewhere(result),
        ]
    )


def _painted_elsewhere(result: dict[str, Any]) -> list[Html]:
    """The environment of the painting, where it is another than that of the scoring."""
    env = result.get("painted_env", result["env"])
    if env == result["env"]:
        return []
    return [tag("h3", "Environment of the painting"), facts((n, _said(v)) for n, v in env.items())]


def _said(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(one, (str, int, float)) for one in value):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
