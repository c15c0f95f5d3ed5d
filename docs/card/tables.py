"""The tables of scores, from what :mod:`card.collect` gives. Markdown."""

from __future__ import annotations

import math
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from card import kept, page
from card.facts import key
from card.shown import LABELS, LEFT, NOTES, ORDER, RIGHT, RIVALS, SCORES
from visiongen.benchmarks.metrics.bootstrap import NOTHING_SHOWN

Run = Mapping[str, Any]
NONE = "-"
WIDTH = 100  # of a command's line
HEADS = {"synonyms": "in other words", "prefix": "on the truth's past", "before": "release before"}
MEANS = {
    "draft": "*Draft* is the map in one pass, before any token has seen another.",
    "mirrored": "*Mirrored*: the mean with the mirrored photo's answer (`--mirror`), in twice the time.",
    "synonyms": "*In other words*: classes called by a synonym (street, not road; the row `synonyms`).",
    "prefix": "*On the truth's past*: every token read after the truth's own ones, so no prediction.",
    "before": "*Release before*: the weights that shipped last, verified, where the protocol is the same.",
}
BETTER = (
    "Not shown to be behind. ~: no difference is shown (the paired 95 % interval of the difference holds "
    "zero, or fewer than six images or clusters say nothing). ?: not at hand image by image, so nothing is "
    "said."
)
TITLES = {True: "The world (rendered frames, fixed seeds)", False: "Real data"}


def scores(facts: Mapping[str, Any]) -> str:
    """Both tables, the commands under each, and who is as good or better."""
    before = facts.get("before", {}).get("runs", {})
    told = [text for name, text in MEANS.items() if any(_has(run, before, name) for run in facts["runs"])]
    told += [kept.MEANS] if any(map(kept.is_kept, facts["runs"])) else []
    parts = [" ".join(told)]
    for rendered, title in TITLES.items():
        runs = sorted((r for r in facts["runs"] if r["rendered"] == rendered), key=_place)
        if runs:
            parts.append("\n".join([f"### {title}", "", *table(runs, before), "", *commands(runs)]))
    return "\n\n".join(part for part in (*parts, specialists(facts["runs"])) if part)


def _place(run: Run) -> tuple[int, str, int]:
    known = ORDER.index(run["benchmark"]) if run["benchmark"] in ORDER else len(ORDER)
    return known, run["benchmark"], -1 if run["legend_seed"] is None else run["legend_seed"]


def table(runs: Sequence[Run], before: Mapping[str, Any]) -> list[str]:
    """A line a score, then the list of those rows that are not shown to be behind the model's."""
    rows, better = [], []
    columns = [c for c in (*LEFT, "verified", *RIGHT, "before") if any(_has(r, before, c) for r in runs)]
    heads = [HEADS.get(c, "**verified** [95 %]" if c == "verified" else c) for c in columns]
    for run in runs:
        for number, score in enumerate(SCORES.get(run["benchmark"], (run["primary"],))):
            values = {column: _value(run, before, column, score) for column in columns}
            rivals = ahead(run, score, values)
            cells = [_cell(run, column, values[column]) for column in columns]
            cells = [title(run) if number == 0 else "", label(run, score), *cells]
            rows.append([*cells, ", ".join(rivals) or NONE])
            if rivals:
                better.append(_told(run, score, rivals, values))
    lines = page.table(["benchmark", "score", *heads, "not shown to be behind"], rows)
    return [*lines, "", BETTER, "", *better] if better else lines


def _told(run: Run, score: str, rivals: Sequence[str], values: Mapping[str, Any]) -> str:
    found = ", ".join(f"{rival} {digits(values[rival.rstrip('~?')][0])}" for rival in rivals)
    name = f"{run['benchmark']}{_seed(run)}, {LABELS.get(score, score)}"
    return f"- {name}: {found}; verified {digits(values['verified'][0])}"


def ahead(run: Run, score: str, values: Mapping[str, Sequence[float | None] | None]) -> list[str]:
    """Names of the rows that are not shown to be behind the model's.

    "~": no difference is shown, whoever is ahead; "?": nobody knows, and the row is as good or better.
    """
    own, found = values["verified"], []
    for rival in (*RIVALS, "before"):
        other = values.get(rival)
        if not other or other[0] is None or not own or own[0] is None:
            continue
        told = run["verdicts"].get(rival, {}).get(score)
        if told == NOTHING_SHOWN:
            found.append(f"{rival}~")
        elif other[0] == own[0] or (other[0] > own[0]) == run["higher"][score]:
            found.append(rival if told else f"{rival}?")
    return found


def _value(run: Run, before: Mapping[str, Any], column: str, score: str) -> Sequence[float | None] | None:
    if column != "before":
        return (run["rows"].get(column) or {}).get(score)
    old = before.get(key(run))
    return old["scores"].get(score) if old and old["version"] == run["version"] else None


def _has(run: Run, before: Mapping[str, Any], column: str) -> bool:
    return any(_value(run, before, column, score) for score in run["higher"])


def _cell(run: Run, column: str, value: Sequence[float | None] | None) -> str:
    if not value or value[0] is None:
        return NONE
    failed = run.get("failed_rows", {}).get(column, 0)
    text = digits(value[0]) + (f" ({failed} failed)" if failed else "")
    if column == "verified":
        ends = "" if value[1] is None else f" [{digits(value[1])}, {digits(value[2])}]"
        return f"**{text}**{ends}"
    if column == "specialist":
        mark = kept.MARK if kept.is_kept(run) else ""
        return f"{text}{mark} ({_training(run.get('specialists', ()))})"
    return text


def _training(made: Sequence[Mapping[str, Any]]) -> str:
    """Minutes of the specialists, and the names of those made for another benchmark of the task."""
    if not made or any(one["minutes"] is None for one in made):
        return "minutes unknown"
    minutes = dict.fromkeys(f"{one['minutes']:.0f} min" for one in made)
    told = ", ".join(minutes) + (" a map" if len(made) > 1 else "")
    others = [one["name"].removeprefix("specialist-") for one in made if not one["own"]]
    return ", ".join([told, *others])


def title(run: Run) -> str:
    """Benchmark, split, images, and what else is to be known."""
    told = [f"{run['benchmark']} {run['split']}{_seed(run)}", f"{run['images']} images"]
    told += [NOTES[run["benchmark"]]] if run["benchmark"] in NOTES else []
    told += [f"{run['failed']} failed"] if run["failed"] else []
    return ", ".join(told)


def _seed(run: Run) -> str:
    return "" if run["legend_seed"] is None else f" with colours drawn anew ({run['legend_seed']})"


def label(run: Run, score: str) -> str:
    """The score's name and which way is better."""
    return f"{LABELS.get(score, score)} {'↑' if run['higher'][score] else '↓'}"


def digits(value: float | None) -> str:
    """Three digits that count, at most four behind the point."""
    if value is None:
        return NONE
    if value == 0:
        return "0"
    if abs(value) < 5e-5:
        return "< 0.0001" if value > 0 else "> -0.0001"
    places = 2 - math.floor(math.log10(abs(value)))
    return f"{value:.{min(4, max(0, places))}f}"


def commands(runs: Sequence[Run]) -> list[str]:
    """The commands that make these runs again; those that differ in the name alone are one."""
    groups: dict[tuple[str, ...], list[Run]] = {}
    for run in runs:
        groups.setdefault(tuple(run["command"][4:]), []).append(run)
    lines = ["```"]
    for options, same in groups.items():
        words = ["visiongen", "bench", "run", *(run["command"][3] for run in same), *options]
        words += [] if all(run["rendered"] for run in same) else ["--data", "ROOT"]
        own = [run for run in same if not kept.is_kept(run)]
        for name in dict.fromkeys(made["name"] for made in _trained(own)):
            words += ["--specialist", f"runs/{name}"]
        lines += folded(words)
    return [*lines, "```"]


def folded(words: Sequence[str]) -> list[str]:
    """A command over several lines, each but the last with a backslash at its end."""
    text = ""
    for before, word in zip(("", *words), words, strict=False):  # an option and its value stay together
        tied = before.startswith("--") and not word.startswith("--")
        text += ("\0" if tied else " ") + shlex.quote(word)
    lines = textwrap.wrap(text.strip(), WIDTH, break_long_words=False, break_on_hyphens=False)
    lines = [line.replace("\0", " ") for line in lines]
    return [
        f"{'' if n == 0 else '    '}{line}" + " \\" * (n + 1 < len(lines)) for n, line in enumerate(lines)
    ]


def specialists(runs: Sequence[Run]) -> str:
    """How the specialists that do not ship were trained."""
    found = {made["name"]: made["minutes"] for made in _trained(runs)}
    lines = [
        f"visiongen train {name} --minutes {minutes:.0f} --out runs/{name}"
        for name, minutes in sorted(found.items())
    ]
    return "\n".join(["Specialists that do not ship:", "", "```", *lines, "```"]) if lines else ""


def _trained(runs: Sequence[Run]) -> list[Mapping[str, Any]]:
    """Specialists that do not ship and whose run is known."""
    made = [one for run in runs for one in run.get("specialists", ())]
    return [one for one in made if one["name"] and not one["ships"]]
