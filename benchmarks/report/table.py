"""Every score of one run: in a table, by alignment, and as bars by row and by class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from visiongen.benchmarks.report.charts import Bar, bars
from visiongen.benchmarks.report.html import Html, arrow, fold, grid, interval, join, number, scroll, tag
from visiongen.benchmarks.report.overview import MARKS, mark
from visiongen.benchmarks.report.read import ORDER, Run

AVERAGES = ("pooled", "per_image")  # what NAME/... may be beside a class
WALLS = ("wall", "blank", "difference", "wall/blank", "wall/difference")  # the same of painted walls
FULL = 40  # classes shown without unfolding


def split_scores(run: Run) -> tuple[list[str], list[str], dict[str, list[str]]]:
    """Names of the plain scores, of the aligned ones, and of those a class: KIND -> its names."""
    plain: list[str] = []
    aligned: list[str] = []
    classes: dict[str, list[str]] = {}
    fitted = any("@" in name and not name.startswith("inverted@") for name in run.result["scores"])
    for name in run.result["scores"]:
        kind, _, which = name.partition("/")
        if "@" in name or (fitted and which == "pooled"):
            aligned.append(name)
        elif which and which not in (*AVERAGES, *WALLS):
            classes.setdefault(kind, []).append(name)
        else:
            plain.append(name)
    plain.sort(key=lambda name: name != run.primary)
    return plain, aligned, classes


def scores(run: Run, names: Sequence[str]) -> Html:
    """Every named score: the model's with its interval, and each row's."""
    rows = [row for row in run.rows if run.result["rows"][row] is not None]
    head = tag("tr", *(tag("th", name, scope="col") for name in ("score", "model", "95 % interval", *rows)))
    body = []
    for name in names:
        score = run.result["scores"][name]
        cells = [
            tag("th", name, " ", arrow(score["higher_is_better"]), scope="row"),
            tag("td", tag("strong", number(score["value"]))),
            tag("td", interval(score["ci95"]), class_="soft"),
        ]
        for row in rows:
            other = run.result["rows"][row].get(name)
            ends = interval(other["ci95"]) if other else ""
            cells.append(tag("td", number(other["value"] if other else None), title=ends or None))
        body.append(tag("tr", *cells, class_="primary" if name == run.primary else None))
    return scroll(grid(head, body), f"Scores of {run.result['benchmark']}")


def against(run: Run) -> Html:
    """The primary score of every row as bars, and in words what the model's difference to each means."""
    told = {"model": run.result["scores"]} | {row: run.result["rows"][row] for row in run.rows}
    shown = []
    for row, found in told.items():
        score = (found or {}).get(run.primary)
        if score:
            shown.append(Bar(row, score["value"], score["ci95"], None, row if row in ORDER else "model"))
    lines = []
    for row, found in run.result["differences"].items():
        words = (
            f" {MARKS[found['verdict']][1]} {row}: {number(found['difference'])} {interval(found['ci95'])}"
        )
        lines.append(tag("li", mark(found["verdict"]), words))
    lines += [tag("li", f"no {row} row: {why}", class_="soft") for row, why in run.result["reasons"].items()]
    return join([bars(shown, f"{run.primary} of every row", narrow=True), tag("ul", *lines, class_="plain")])


def alignments(run: Run, aligned: Sequence[str]) -> Html:
    """Depth: every alignment side by side, as the mean over images and pooled; then all others."""
    names = run.result["scores"]
    fits = list(dict.fromkeys(n.split("@")[1].split("/")[0] for n in names if "@" in n))
    plain = [n for n in names if "@" not in n and "/" not in n]
    made, told_of = [], set()
    for suffix, title in (("", "mean over images"), ("/pooled", "pooled pixels")):
        head = tag("tr", *(tag("th", name, scope="col") for name in (title, "none", *fits)))
        body = []
        for name in plain:
            cells = [tag("th", name, " ", arrow(names[name]["higher_is_better"]), scope="row")]
            for how in ("none", *fits):
                full = name + ("" if how == "none" else f"@{how}") + suffix
                score = names.get(full)
                told_of.add(full)
                value: list[Any] = [number(score["value"] if score else None)]
                value += [tag("small", interval(score["ci95"]))] if score and score["ci95"] else []
                kind = "stacked primary" if full == run.primary else "stacked"
                cells.append(tag("td", *value, class_=kind))
            body.append(tag("tr", *cells))
        table = scroll(grid(head, body), f"Alignments, {title}")
        made.append(fold("Over pooled pixels", table) if suffix else table)
    turned = [n for n in names if n.startswith("inverted@")]
    rest = [n for n in aligned if n not in told_of and n not in turned]
    made += [scores(run, rest)] if rest else []
    told = ", ".join(f"{n.split('@')[1]} {number(names[n]['value'])}" for n in turned)
    words = f"Share of images whose fitted scale is negative: {told}." if turned else ""
    return join([*made, tag("p", words, class_="soft") if words else ""])


def class_bars(run: Run, kind: str, names: Sequence[str]) -> Html:
    """One bar a class with its interval, and the ceiling as a tick; undefined ones are named below."""
    ceiling = run.result["rows"].get("ceiling") or {}
    shown, absent = [], []
    for name in names:
        score, label = run.result["scores"][name], name.partition("/")[2]
        if score["value"] is None:
            absent.append(label)
        else:
            tick = ceiling[name]["value"] if name in ceiling else None
            shown.append(Bar(label, score["value"], score["ci95"], tick))
    made = bars(shown, f"{kind} a class") if shown else Html("")
    words = f"Not defined on these images: {', '.join(absent)}." if absent else ""
    told = " Tick: the ceiling." if ceiling else ""
    part = join([made, tag("p", words, class_="soft") if words else ""])
    title = f"{kind} a class ({len(shown)})"
    words_above = tag("p", f"Thin line: 95 % interval.{told}", class_="soft")
    return fold(title, words_above, part, shown=len(shown) <= FULL)
