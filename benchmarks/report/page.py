"""The whole page: overview, a section a run, how each number was made."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from visiongen.benchmarks.report import table
from visiongen.benchmarks.report.curves import curves
from visiongen.benchmarks.report.html import Html, arrow, facts, fold, join, number, tag
from visiongen.benchmarks.report.pictures import pictures
from visiongen.benchmarks.report.read import Run, find_runs, read_run
from visiongen.files import write_atomic

TITLE = "Benchmark report"
FAILURES = 50  # listed without unfolding
Step = Callable[[str], object]


def build(
    folders: Sequence[str | Path],
    out: str | Path,
    data: str | Path | None = None,
    step: Step | None = None,
) -> Path:
    """Write one HTML file over the runs in ``folders`` and return its path.

    A folder is a run of ``bench run --out``, its result.json, or holds several runs. Pictures need the
    runs' maps and the benchmarks' data (``data``, else VISIONGEN_DATA; rendered frames need none). The same
    folders give the same bytes. MissingDataError: no run there, or one that is not finished. InputError: a
    damaged run. SaveError.
    """
    runs = [read_run(path) for path in find_runs(folders)]
    sections = []
    for place, run in enumerate(runs):
        sections.append(_section(run, _anchor(place), data))
        if step is not None:
            step(run.result["benchmark"])
    return write_atomic(out, _document(_header(runs), *sections))


def _anchor(place: int) -> str:
    return f"run-{place + 1}"


def _document(*parts: Html) -> str:
    """The file; nothing in it refers to another file or address."""
    style, script = (_packaged(name) for name in ("style.css", "script.js"))
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{TITLE}</title><style>{style}</style></head><body>"
        f'<a class="skip" href="#runs">Skip to the runs</a>{join(parts)}<script>{script}</script></body></html>\n'
    )


def _packaged(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _header(runs: Sequence[Run]) -> Html:
    images = sum(run.result["n_scored"] for run in runs)
    partial = [run for run in runs if run.result["partial"]]
    failed = sum(run.result["n_failed"] for run in runs)
    counts = f"{_many(len(runs), 'run')}, {_many(images, 'image')} scored, {failed} failed."
    warning: Any = ""
    if partial:
        words = f"{_many(len(partial), 'run')} of {len(runs)} partial: not benchmark numbers."
        warning = tag("p", table.badge("PARTIAL", "bad"), " ", words, class_="warning")
    key = [
        tag("span", "▲", class_="mark-better"),
        " the model is better than this row, ",
        tag("span", "▼", class_="mark-worse"),
        " worse, ",
        tag("span", "≈", class_="mark-no"),
        " no difference shown (paired bootstrap, 95 %).",
    ]
    rows = (
        "blind: a guess without looking. oracle: the truth itself. codec: the truth, painted and read. "
        "ceiling: the same through the tokenizer. specialist: a network for this task alone."
    )
    anchors = [_anchor(place) for place in range(len(runs))]
    return tag(
        "header",
        tag("h1", TITLE),
        tag("p", counts),
        warning,
        table.overview(runs, anchors),
        tag("p", *key, class_="soft"),
        tag("p", rows, class_="soft"),
        id="runs",
    )


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _section(run: Run, anchor: str, data: str | Path | None) -> Html:
    plain, aligned, classes = table.split_scores(run)
    charts = [chart.html() for chart in curves(run)]
    parts: list[Any] = [_title(run), tag("div", table.against(run), _anchors(run), class_="two")]
    parts.append(fold("All scores", table.scores(run, plain), shown=True))
    if aligned:
        parts.append(fold("Alignments", table.alignments(run), shown=True))
    parts += [table.class_bars(run, kind, names) for kind, names in classes.items()]
    if charts:
        parts.append(fold("Curves", tag("div", *charts, class_="charts"), shown=True))
    parts.append(fold("Best, median and worst images", pictures(run, data), shown=True))
    parts.append(_failures(run))
    parts.append(fold("Protocol, weights and environment", _made(run)))
    return tag("section", *parts, class_="card", id=anchor, aria_labelledby=f"{anchor}-title")


def _title(run: Run) -> Html:
    result, score = run.result, run.result["scores"][run.primary]
    name = [result["benchmark"], " ", tag("small", f"version {result['benchmark_version']}, split {result['split']}")]
    ends = table.interval(score["ci95"])
    value = [run.primary, " ", arrow(score["higher_is_better"]), " ", tag("strong", number(score["value"])), f" {ends}"]
    counted = f"{result['n_scored']} of {result['n_expected']} images scored, {result['n_failed']} failed"
    warning: Any = ""
    if result["partial"]:
        told = " not a benchmark number; published figures are not shown beside it."
        warning = tag("p", table.badge("PARTIAL", "bad"), told, class_="warning")
    about = tag("p", f"{result['protocol'].get('data', '')}. {counted}. Weights {result['weights']['name']}.", class_="soft")
    return join([tag("h2", *name), warning, tag("p", *value, class_="big"), about])


def _anchors(run: Run) -> Html:
    """Published figures of the protocol; never beside a partial run or another split."""
    result, known = run.result, run.protocol.get("anchors", [])
    if not known or result["partial"] or result["split"] != run.protocol.get("default_split"):
        return Html("")
    head = tag("tr", *(tag("th", name, scope="col") for name in ("published", "score", "value", "source")))
    body = [
        tag(
            "tr",
            tag("th", one.get("name", ""), scope="row"),
            tag("td", one.get("score", ""), class_="word"),
            tag("td", number(one["value"]) if isinstance(one.get("value"), (int, float)) else one.get("value", "")),
            tag("td", one.get("source", ""), class_="word wrap"),
        )
        for one in known
        if isinstance(one, dict)
    ]
    return table.scroll(tag("table", tag("thead", head), tag("tbody", *body)), "Published figures")


def _failures(run: Run) -> Html:
    failures = run.result["failures"]
    if not failures:
        return tag("p", "No failures.", class_="soft")
    lines = [tag("li", tag("strong", f"{one['row']} {one['id']}"), f": {one['error']}") for one in failures]
    title = tag("span", _many(len(failures), "failure"), class_="badge bad")
    return fold(title, tag("ul", *lines, class_="plain"), shown=len(failures) <= FAILURES)


def command(run: Run) -> str:
    """The command that makes this run again (elsewhere: with ``--data`` and the weights' own name)."""
    plan, sample = run.plan, run.plan["sample"]
    words = ["visiongen", "bench", "run", plan["benchmark"], "--split", plan["split"]]
    words += ["--weights", plan["weights"]["name"], "--mode", str(sample.get("mode", "verified"))]
    if sample.get("mode") == "sample":
        words += ["--seed", str(sample.get("seed", 0))]
    if sample.get("legend_seed") is not None:
        words += ["--legend-seed", str(sample["legend_seed"])]
    if run.result["partial"]:
        words += ["--limit", str(len(plan["images"]))]
    skipped = {row for row, why in plan["reasons"].items() if why.startswith("not asked for")}
    if skipped:
        kept = [row for row in run.rows if row not in skipped]
        words += ["--rows", ",".join(kept) or "none"]
    return shlex.join(words)


def _made(run: Run) -> Html:
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
            facts([*((n, _said(v)) for n, v in result["env"].items()), ("seconds", f"{result['seconds']:.1f}")]),
        ]
    )


def _said(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(one, (str, int, float)) for one in value):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


