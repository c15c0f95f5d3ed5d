"""The generated parts of the card beside the tables of scores, from reports of the package's commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from card.page import table
from card.tables import digits
from card.training import header
from visiongen import weights

Report = Mapping[str, Any]
ROW_NAMES = {
    "verified-vs-sequential": "verified against sequential",
    "sequential-vs-transformers": "plain greedy against transformers' `generate` (Llama of the same shape)",
    "four-tasks-vs-four-runs": "four tasks on one photo against four runs",
    "four-tasks-vs-four-runs/sequential": "four tasks on one photo against four runs, sequential",
    "four-tasks-vs-four-runs/processes": "four tasks on one photo against four processes",
    "first-canvas-vs-whole": "first canvas of a stream against the finished map",
}


def decoding(name: str) -> str:
    """How the weights ask to be read, as their own file says."""
    painter = json.loads(header(weights.path(name))["__metadata__"]["visiongen"])["painter"]
    means = ", ".join(painter.get("mean_tasks", ())) or "none"
    return (
        f"Read by the mean of each channel's levels: {means}; all others by the likeliest level. Greedy "
        f"decoding keeps the draft's token unless another gains {painter.get('trust', 0):g} nats (`trust`, "
        "see docs/log.md); `sample` does not use the rule."
    )


def incontext(report: Report | None, before: Report | None = None) -> str:
    """mIoU by the number of examples."""
    if not report:
        return ""
    counts = [name for name in report["rows"] if name.isdigit()]
    heads = ["blind", *(f"{name} examples" for name in counts), "ceiling"]
    releases = {"this": report} | ({"before": before} if _alike(report, before) else {})
    rows = [
        [name, *(_interval(one["rows"][row]["mIoU"]) for row in ("blind", *counts, "ceiling"))]
        for name, one in releases.items()
    ]
    lines = table(["release", *heads], rows)
    episodes = f"mIoU of {report['episodes']} episodes, rules never trained, mode {report['mode']}:"
    return "\n".join(
        [
            "### In context",
            "",
            episodes,
            "",
            *lines,
            "",
            "```",
            "python -m visiongen.benchmarks.incontext",
            "```",
        ]
    )


def _alike(report: Report, before: Report | None) -> bool:
    """Whether both are of one version: figures of others do not compare."""
    return before is not None and before["version"] == report["version"]


def generation(report: Report | None, before: Report | None = None) -> str:
    """The tables of the guard, as its own command prints them."""
    from visiongen.benchmarks.generation.text import describe

    if not report:
        return ""
    command = "python -m visiongen.benchmarks.generation --data ROOT"
    lines = ["### Generation", "", describe(dict(report)), "", "```", command, "```"]
    if _alike(report, before):
        lines += ["", "The release before:", "", describe(dict(before))]
    return "\n".join(lines)


def speed(report: Report | None) -> str:
    """Ratios of the rows that paint; those of the metrics stand in docs/metrics.md."""
    if not report:
        return ""
    rows = []
    for row in report["rows"]:
        if row["name"].startswith("metrics/"):
            continue
        low, high = row["ratio_spread"]
        cells = [_named(row["name"]), f"{digits(row['ratio'])} [{digits(low)}, {digits(high)}]"]
        rows.append([*cells, digits(row["ours"]), digits(row["peer"]), "yes" if row["equal"] else "**no**"])
    if not rows:
        return ""
    env, size = report["env"], max(max(pair) for pair in report["sizes"])
    told = f"{env['cpu']}, {_machine(env)}, {report['dtype']}, batch 1, {size} px, [spread]:"
    lines = table(["row", "ratio", "ours, s", "peer, s", "equal tokens"], rows)
    command = f"visiongen bench speed --threads {env['threads']} --long-side {size}"
    return "\n".join(["## Speed", "", told, "", *lines, "", "```", command, "```"])


def cost(report: Report | None) -> str:
    """Seconds and memory of whole predictions."""
    if not report:
        return ""
    rows = [
        [
            f"{row['width']} x {row['height']}, {row['mode']}{', tiles' if row['tile'] else ''}",
            *(digits(row[name]) for name in ("seconds", "processor_seconds")),
            f"{row['peak_bytes'] / 1e9:.2f}",
        ]
        for row in report["rows"]
    ]
    heads = ["one photo, depth", "s, weights loaded", "processor s, whole process", "GB resident at most"]
    env = report["env"]
    told = f"Fastest of {report['rounds']}, {_machine(env)}:"
    return "\n".join(
        [
            "## Seconds and memory",
            "",
            told,
            "",
            *table(heads, rows),
            "",
            "```",
            "python docs/make_cost.py" + " --large" * any(row["tile"] for row in report["rows"]),
            "```",
        ]
    )


def _machine(env: Report) -> str:
    return f"{env['threads']} threads of {env['cpus']} cores, load {env['load'][0]:.1f}"


def _named(name: str) -> str:
    if name in ROW_NAMES:
        return ROW_NAMES[name]
    group, _, task = name.partition("/")
    return f"{ROW_NAMES.get(group, group)}, {task}" if task else group


def _interval(score: Report) -> str:
    return f"{digits(score['value'])} [{digits(score['low'])}, {digits(score['high'])}]"
