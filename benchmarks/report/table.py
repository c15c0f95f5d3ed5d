"""Tables: all runs side by side, and every score of one run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from visiongen.benchmarks.report.charts import Bar, bars
from visiongen.benchmarks.report.html import Html, arrow, fold, hidden, interval, join, number, tag
from visiongen.benchmarks.report.read import ORDER, Run

AVERAGES = ("pooled", "per_image")  # what NAME/... may be beside a class
MARKS = {"better": ("▲", "better than"), "worse": ("▼", "worse than"), "no difference shown": ("≈", "as good as")}
FULL = 40  # classes shown without unfolding


def scroll(table: Html, label: str) -> Html:
    """A table that scrolls by itself, also by keyboard."""
    return tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=label)


def badge(words: str, kind: str) -> Html:
    """A word in a box."""
    return tag("span", words, class_=f"badge {kind}")


def overview(runs: Sequence[Run], anchors: Sequence[str]) -> Html:
    """All runs, one a line; ``anchors``: the id of each run's section."""
    extra = sorted({row for run in runs for row in run.rows} - set(ORDER))
    rows = [*ORDER, *extra]
    names = ["benchmark", "split", "weights", "images", "score", "model", "95 % interval", *rows]
    head = tag("tr", *(_sorter(name, place) for place, name in enumerate(names)))
    body = [_overview_row(run, rows, anchor) for run, anchor in zip(runs, anchors, strict=True)]
    told = "All runs. A button in a column's head sorts by it."
    table = tag(
        "table",
        tag("caption", told, class_="hidden"),
        tag("thead", head),
        tag("tbody", *body),
        class_="overview",
        data_sortable="",
    )
    return scroll(table, "All runs")


def _sorter(name: str, place: int) -> Html:
    button = tag("button", name, tag("span", class_="sort", aria_hidden="true"), type="button")
    return tag("th", button, scope="col", data_column=place)


def _overview_row(run: Run, rows: Sequence[str], anchor: str) -> Html:
    result, score = run.result, run.result["scores"][run.primary]
    name = [tag("a", result["benchmark"], href=f"#{anchor}"), " ", tag("small", f"v{result['benchmark_version']}")]
    if result["partial"]:
        name += [" ", badge("PARTIAL", "bad")]
    failed = result["n_failed"]
    images = [f"{result['n_scored']} of {result['n_expected']}"]
    images += [" ", badge(f"{failed} failed", "bad")] if failed else []
    weights = result["weights"]
    digest = tag("small", (weights["sha256"] or "no digest")[:8])
    cells = [
        tag("th", *name, scope="row", data_value=result["benchmark"]),
        tag("td", result["split"], class_="word"),
        tag("td", weights["name"], " ", digest, class_="word"),
        tag("td", *images, data_value=result["n_scored"]),
        tag("td", run.primary, " ", arrow(score["higher_is_better"]), class_="word", data_value=run.primary),
        _cell(score, strong=True),
        tag("td", interval(score["ci95"]), class_="soft", data_value=(score["ci95"] or [""])[0]),
    ]
    return tag("tr", *cells, *(_row_cell(run, row) for row in rows), class_="partial" if result["partial"] else None)


def _row_cell(run: Run, row: str) -> Html:
    scores = run.result["rows"].get(row)
    if scores is None:
        why = run.result["reasons"].get(row, "not in this run")
        return tag("td", tag("span", "–", title=why), data_value="")
    return _cell(scores.get(run.primary), run.result["differences"].get(row), row)


def _cell(score: dict[str, Any] | None, against: dict[str, Any] | None = None, row: str = "", strong: bool = False) -> Html:
    value = score["value"] if score else None
    shown: Any = tag("strong", number(value)) if strong else number(value)
    parts = [shown]
    if against:
        sign, words = MARKS[against["verdict"]]
        told = f"the model is {words} {row} here: {number(against['difference'])} {interval(against['ci95'])}"
        parts += [" ", tag("span", sign, class_=f"mark-{against['verdict'].split()[0]}", aria_hidden="true", title=told)]
        parts.append(hidden(f" ({told})"))
    return tag("td", *parts, data_value="" if value is None else repr(float(value)))


# --- one run -----------------------------------------------------------------------------------


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
        elif which and which not in AVERAGES:
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
    return scroll(tag("table", tag("thead", head), tag("tbody", *body)), f"Scores of {run.result['benchmark']}")


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
        sign, words = MARKS[found["verdict"]]
        mark = tag("span", sign, class_=f"mark-{found['verdict'].split()[0]}", aria_hidden="true")
        told_so = f" {words} {row}: {number(found['difference'])} {interval(found['ci95'])}"
        lines.append(tag("li", mark, told_so))
    lines += [tag("li", f"no {row} row: {why}", class_="soft") for row, why in run.result["reasons"].items()]
    return join([bars(shown, f"{run.primary} of every row", narrow=True), tag("ul", *lines, class_="plain")])


def alignments(run: Run) -> Html:
    """Depth: every alignment side by side, as the mean over images and pooled."""
    names = run.result["scores"]
    fits = list(dict.fromkeys(n.split("@")[1].split("/")[0] for n in names if "@" in n))
    plain = [n for n in names if "@" not in n and "/" not in n]
    made = []
    for suffix, title in (("", "mean over images"), ("/pooled", "pooled pixels")):
        head = tag("tr", *(tag("th", name, scope="col") for name in (title, "none", *fits)))
        body = []
        for name in plain:
            cells = [tag("th", name, " ", arrow(names[name]["higher_is_better"]), scope="row")]
            for how in ("none", *fits):
                full = name + ("" if how == "none" else f"@{how}") + suffix
                score = names.get(full)
                value = [number(score["value"] if score else None)]
                value += [tag("small", interval(score["ci95"]))] if score and score["ci95"] else []
                cells.append(tag("td", *value, class_="stacked primary" if full == run.primary else "stacked"))
            body.append(tag("tr", *cells))
        made.append(scroll(tag("table", tag("thead", head), tag("tbody", *body)), f"Alignments, {title}"))
    turned = [n for n in names if n.startswith("inverted@")]
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
            mark = ceiling[name]["value"] if name in ceiling else None
            shown.append(Bar(label, score["value"], score["ci95"], mark))
    made = bars(shown, f"{kind} a class") if shown else Html("")
    words = f"Not defined on these images: {', '.join(absent)}." if absent else ""
    told = " Tick: the ceiling." if ceiling else ""
    part = join([made, tag("p", words, class_="soft") if words else ""])
    title = f"{kind} a class ({len(shown)})"
    return fold(title, tag("p", f"Thin line: 95 % interval.{told}", class_="soft"), part, shown=len(shown) <= FULL)
