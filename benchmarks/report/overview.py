"""All runs side by side: one table that sorts by any column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from visiongen.benchmarks.metrics.bootstrap import NOTHING_SHOWN
from visiongen.benchmarks.report.html import Html, arrow, badge, hidden, interval, number, scroll, tag
from visiongen.benchmarks.report.read import ORDER, Run

MARKS = {  # a difference that is not shown is no proof that two are alike
    "better": ("▲", "better than"),
    "worse": ("▼", "worse than"),
    NOTHING_SHOWN: ("≈", "not shown to differ from"),
}


def overview(runs: Sequence[Run], anchors: Sequence[str]) -> Html:
    """All runs, one a line; ``anchors``: the id of each run's section."""
    extra = sorted({row for run in runs for row in run.rows} - set(ORDER))
    rows = [*ORDER, *extra]
    names = ["benchmark", "score", "model", "95 % interval", *rows, "images", "split", "weights"]
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
    name = [tag("a", result["benchmark"], href=f"#{anchor}"), " "]
    name += [tag("small", f"v{result['benchmark_version']}")]
    if result["partial"]:
        name += [" ", badge("PARTIAL")]
    failed = result["n_failed"]
    images: list[Any] = [f"{result['n_scored']} of {result['n_expected']}"]
    images += [" ", badge(f"{failed} failed")] if failed else []
    weights = result["weights"]
    digest = tag("small", (weights["sha256"] or "no digest")[:8])
    cells = [
        tag("th", *name, scope="row", data_value=result["benchmark"]),
        tag("td", run.primary, " ", arrow(score["higher_is_better"]), class_="word", data_value=run.primary),
        _cell(score, strong=True),
        tag("td", interval(score["ci95"]), class_="soft", data_value=(score["ci95"] or [""])[0]),
        *(_row_cell(run, row) for row in rows),
        tag("td", *images, data_value=result["n_scored"]),
        tag("td", result["split"], class_="word"),
        tag("td", weights["name"], " ", digest, class_="word"),
    ]
    return tag("tr", *cells, class_="partial" if result["partial"] else None)


def _row_cell(run: Run, row: str) -> Html:
    scores = run.result["rows"].get(row)
    if scores is None:
        why = run.result["reasons"].get(row, "not in this run")
        return tag("td", tag("span", "–", title=why), data_value="")
    failed = sum(one["row"] == row for one in run.result["failures"])
    return _cell(scores.get(run.primary), run.result["differences"].get(row), row, failed=failed)


def _cell(
    score: dict[str, Any] | None,
    against: dict[str, Any] | None = None,
    row: str = "",
    strong: bool = False,
    failed: int = 0,
) -> Html:
    value = score["value"] if score else None
    parts: list[Any] = [tag("strong", number(value)) if strong else number(value)]
    if against:
        words = f"{MARKS[against['verdict']][1]} {row}"
        told = f"the model is {words} here: {number(against['difference'])} {interval(against['ci95'])}"
        parts += [" ", mark(against["verdict"], told), hidden(f" ({told})")]
    parts += [" ", badge(f"{failed} failed")] if failed else []
    return tag("td", *parts, data_value="" if value is None else repr(float(value)))


def mark(verdict: str, title: str | None = None) -> Html:
    """A sign of a verdict about the model, in its colour; not for screen readers."""
    kind = f"mark-{verdict.split()[0]}"
    return tag("span", MARKS[verdict][0], class_=kind, aria_hidden="true", title=title)
