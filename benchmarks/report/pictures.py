"""Best, median and worst images of a run: photo, painted map, decoded labels, truth and error in a row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from visiongen.benchmarks.base import Item
from visiongen.benchmarks.reading import truth_labels
from visiongen.benchmarks.report.html import Html, join, number, tag
from visiongen.benchmarks.report.read import Run
from visiongen.benchmarks.report.source import Missing, Source
from visiongen.benchmarks.report.thumbs import figure
from visiongen.benchmarks.report.views import reduced, view_of
from visiongen.errors import VisiongenError

EACH = 3
SHORT = 16  # letters of a unit that fits into a caption
GROUPS = ("best", "median", "worst")
SOFT = ("edges", "salient", "matting")  # maps of numbers, whose pixels may be averaged
Scored = tuple[str, float]  # an image's name and score


def choose(values: Sequence[Scored], higher: bool, each: int = EACH) -> dict[str, list[Scored]]:
    """The best, middle and worst (id, score), best first; no image twice, ties in the order given."""
    ranked = sorted(values, key=lambda one: -one[1] if higher else one[1])
    best, rest = ranked[:each], ranked[each:]
    worst = rest[max(0, len(rest) - each) :]
    middle = rest[: len(rest) - len(worst)]
    start = max(0, min(len(middle) - each, len(ranked) // 2 - each // 2 - len(best)))
    return dict(zip(GROUPS, (best, middle[start : start + each], worst), strict=True))


def pictures(run: Run, data: str | Path | None, each: int = EACH) -> Html:
    """The three groups of ``each`` images; in their place a line that says why there are none."""
    values = run.image_scores()
    higher = run.result["scores"][run.primary]["higher_is_better"]
    if not each:
        return tag("p", "No pictures: none were asked for.", class_="soft")
    chosen = choose(values, higher, each)
    wanted = [name for group in chosen.values() for name, _ in group]
    try:
        source = Source.open(run, data, wanted)
    except Missing as reason:
        named = {group: ", ".join(f"{n} ({number(v)})" for n, v in chosen[group]) for group in GROUPS}
        listed = "; ".join(f"{group}: {names}" for group, names in named.items())
        return tag("p", f"No pictures: {reason} By {run.primary}, {listed}.", class_="soft")
    made = []
    for group in GROUPS:
        cases = [_case(source, name, value) for name, value in chosen[group]]
        made.append(join([tag("h4", group.capitalize()), *cases]) if cases else Html(""))
    failed = run.result["n_failed"]
    told = f"By {run.primary} of the image alone."
    told += f" The {failed} failed ones are not shown." if failed else ""
    return join([tag("p", told, class_="soft"), *made])


def _case(source: Source, name: str, value: float) -> Html:
    """One image: its title and its pictures, or why there are none."""
    title = [name, " ", tag("span", f"{source.run.primary} {number(value)}", class_="soft")]
    try:
        item = source.item(name)
        phrase = item.options.get("phrase")
        title += [tag("span", f" “{phrase}”")] if isinstance(phrase, str) else []
        rows = _rows(source, item, value)
    except (Missing, VisiongenError) as reason:
        rows = [tag("p", f"No pictures: {reason}", class_="soft")]
    except Exception as problem:  # one image's picture must not cost the report
        rows = [tag("p", f"No pictures: {type(problem).__name__}: {problem}", class_="soft")]
    return tag("article", tag("h5", *title), *rows, class_="case")


def _rows(source: Source, item: Item, value: float) -> list[Html]:
    """A row of figures for each part."""
    photo, truth, told = item.photo(), item.truth(), f"{item.id}, {source.run.primary} {number(value)}"
    size = (photo.shape[0], photo.shape[1])
    found = source.predictions(item, size)
    wanted = truth_labels(source.benchmark, item, truth, size)
    rows = []
    for part, prediction in found.items():
        view = view_of(source, part, prediction, wanted[part], truth)
        error = view.error(reduced(photo))
        soft = view.part in SOFT
        has_map = prediction.map.any() or not source.run.plan.get("predictions")  # labels alone: no map
        said = f"decoded, {prediction.unit}" if len(prediction.unit) <= SHORT else "decoded"
        figures = [
            figure(photo, "photo", f"Photo of {told}", photo=True),
            *([figure(prediction.map, "painted", f"Painted map of {told}")] if has_map else []),
            figure(view.pictures[1], said, f"Decoded labels of {told}", smooth=soft),
            figure(view.pictures[0], "truth", f"Truth of {told}", smooth=soft),
            figure(error.picture, "error", f"Error map of {told}", error.key()),
        ]
        head = [tag("h6", part)] if len(found) > 1 else []
        rows.append(join([*head, tag("div", *figures, class_="row"), view.key or ""]))
    return rows
