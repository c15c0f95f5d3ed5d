"""The whole page: overview, a section a run, how each number was made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from visiongen.benchmarks.report import table
from visiongen.benchmarks.report.curves import curves
from visiongen.benchmarks.report.html import Html, arrow, badge, fold, interval, join, many, number, tag
from visiongen.benchmarks.report.made import failures, made, published
from visiongen.benchmarks.report.overview import overview
from visiongen.benchmarks.report.pictures import EACH, pictures
from visiongen.benchmarks.report.read import Run, find_runs, read_run
from visiongen.errors import VisiongenError
from visiongen.files import write_atomic

TITLE = "Benchmark report"
BESIDE = 3  # rows beside the model, at most, for scores and curves to share the width
Step = Callable[[str], object]


def build(
    folders: Sequence[str | Path],
    out: str | Path,
    data: str | Path | None = None,
    step: Step | None = None,
    each: int = EACH,
) -> Path:
    """Write one HTML file over the runs in ``folders`` and return its path.

    A folder is a run of ``bench run --out``, its result.json, or holds several runs. Pictures need the
    runs' maps and the benchmarks' data (``data``, else VISIONGEN_DATA; rendered frames need none); ``each``
    is how many of the best, the median and the worst images are shown. The same
    folders give the same bytes. MissingDataError: no run there, or one that is not finished. InputError: a
    damaged run. SaveError.
    """
    runs = [read_run(path) for path in find_runs(folders)]
    sections = []
    for place, run in enumerate(runs):
        sections.append(_section(run, _anchor(place), data, each))
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
        f'<a class="skip" href="#runs">Skip to the runs</a>{join(parts)}'
        f"<script>{script}</script></body></html>\n"
    )


BRANCHES = {  # rows that are shown only where somebody asked for them
    "draft": "the model's draft, without autoregression.",
    "mirrored": "the mean with the mirrored photo's answer.",
    "synonyms": "classes called by other words (street, not road).",
    "prefix": "every token read after the true ones before it.",
    "prefix-trust": "the same, with the weights' own trust in the draft.",
}


def _packaged(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _header(runs: Sequence[Run]) -> Html:
    images = sum(run.result["n_scored"] for run in runs)
    partial = [run for run in runs if run.result["partial"]]
    failed = sum(run.result["n_failed"] for run in runs)
    counts = f"{many(len(runs), 'run')}, {many(images, 'image')} scored, {failed} failed."
    warning: Any = ""
    if partial:
        words = f"{many(len(partial), 'run')} of {len(runs)} partial: not benchmark numbers."
        warning = tag("p", badge("PARTIAL"), " ", words, class_="warning")
    key = [
        tag("span", "▲", class_="mark-better"),
        " the model is better than this row, ",
        tag("span", "▼", class_="mark-worse"),
        " worse, ",
        tag("span", "≈", class_="mark-no"),
        " no difference shown (paired bootstrap, 95 %; fewer than six images or clusters show none).",
    ]
    rows = (
        "blind: a guess without looking. oracle: the truth itself. codec: the truth, painted and read. "
        "ceiling: the same through the tokenizer. specialist: a network for this task alone."
    )
    rows += "".join(f" {row}: {told}" for row, told in BRANCHES.items() if any(row in r.rows for r in runs))
    anchors = [_anchor(place) for place in range(len(runs))]
    return tag(
        "header",
        tag("h1", TITLE),
        tag("p", counts),
        warning,
        overview(runs, anchors),
        tag("p", *key, class_="soft"),
        tag("p", rows, class_="soft"),
        id="runs",
    )


def _section(run: Run, anchor: str, data: str | Path | None, each: int) -> Html:
    plain, aligned, classes = table.split_scores(run)
    charts = _guarded("curves", lambda: tag("div", *(chart.html() for chart in curves(run)), class_="charts"))
    parts: list[Any] = [_title(run, anchor), tag("div", table.against(run), published(run), class_="two")]
    numbers = fold("All scores", table.scores(run, plain), shown=True)
    drawn = fold("Curves", charts, shown=True)
    others = sum(scores is not None for scores in run.result["rows"].values())
    parts.append(tag("div", numbers, drawn, class_="two wide" if others <= BESIDE else None))
    if aligned:
        parts.append(fold("Alignments", table.alignments(run, aligned), shown=True))
    parts += [table.class_bars(run, kind, names) for kind, names in classes.items()]
    shown = _guarded("images", lambda: pictures(run, data, each))
    parts.append(fold("Best, median and worst images", shown, shown=True))
    parts.append(failures(run))
    parts.append(fold("Protocol, weights and environment", made(run)))
    parts.append(tag("p", tag("a", "All runs", href="#runs"), class_="soft"))
    return tag("section", *parts, class_="card", id=anchor, aria_labelledby=f"{anchor}-title")


def _guarded(what: str, make: Callable[[], Html]) -> Html:
    """What ``make`` gives; a line in its place where the records are of another version of the scorer."""
    try:
        return make()
    except (VisiongenError, ValueError, LookupError, TypeError, AttributeError) as error:
        why = f"No {what}: this run's statistics are not of this version ({type(error).__name__}: {error})."
        return tag("p", why, class_="soft")


def _title(run: Run, anchor: str) -> Html:
    result, score = run.result, run.result["scores"][run.primary]
    which = f"version {result['benchmark_version']}, split {result['split']}"
    name = [result["benchmark"], " ", tag("small", which)]
    value = [run.primary, " ", arrow(score["higher_is_better"]), " ", tag("strong", number(score["value"]))]
    value.append(f" {interval(score['ci95'])}")
    counted = f"{result['n_scored']} of {result['n_expected']} images scored, {result['n_failed']} failed"
    warning: Any = ""
    if result["partial"]:
        told = " not a benchmark number; published figures are not shown beside it."
        warning = tag("p", badge("PARTIAL"), told, class_="warning")
    about = f"{result['protocol'].get('data', '')}. {counted}. Weights {result['weights']['name']}."
    parts = [warning, tag("p", *value, class_="big"), tag("p", about, class_="soft")]
    return join([tag("h2", *name, id=f"{anchor}-title"), *parts])
