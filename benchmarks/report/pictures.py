"""Best, median and worst images of a run: photo, painted map, decoded labels, truth and error side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.benchmarks.base import Benchmark, Item
from visiongen.benchmarks.metrics import depth as depth_metrics
from visiongen.benchmarks.reading import parts_of, predictions, truth_labels
from visiongen.benchmarks.report.errors import ERRORS, Shown, colours, gray, matched
from visiongen.benchmarks.report.html import Html, chips, join, number, tag
from visiongen.benchmarks.report.read import Run
from visiongen.benchmarks.report.thumbs import figure
from visiongen.benchmarks.sheets import Sheet, read_sheet
from visiongen.errors import VisiongenError
from visiongen.files import sha256
from visiongen.prompt import Legend
from visiongen.registry import BENCHMARKS
from visiongen.tasks.base import Prediction
from visiongen.tasks.pictures import colour_near, nearness

EACH = 3
GROUPS = ("best", "median", "worst")
NAMED = 14  # classes in a legend below a picture, at most
IGNORE = 255


def choose(values: Sequence[tuple[str, float]], higher: bool, each: int = EACH) -> dict[str, list[tuple[str, float]]]:
    """The best, middle and worst (id, score), best first; no image twice, ties in the order given."""
    ranked = sorted(values, key=lambda one: -one[1] if higher else one[1])
    best, rest = ranked[:each], ranked[each:]
    worst = rest[max(0, len(rest) - each) :]
    middle = rest[: len(rest) - len(worst)]
    start = max(0, min(len(middle) - each, len(ranked) // 2 - each // 2 - len(best)))
    return dict(zip(GROUPS, (best, middle[start : start + each], worst), strict=True))


def pictures(run: Run, data: str | Path | None) -> Html:
    """The three groups; in their place a line that says why there are none."""
    values = run.image_scores()
    higher = run.result["scores"][run.primary]["higher_is_better"]
    chosen = choose(values, higher)
    wanted = [name for group in chosen.values() for name, _ in group]
    try:
        source = Source.open(run, data, wanted)
    except Missing as reason:
        listed = [f"{group}: " + ", ".join(f"{n} ({number(v)})" for n, v in chosen[group]) for group in GROUPS]
        return tag("p", f"No pictures: {reason} By {run.primary}, {'; '.join(listed)}.", class_="soft")
    made = []
    for group in GROUPS:
        cases = [_case(source, name, value) for name, value in chosen[group]]
        made.append(join([tag("h4", group.capitalize()), *cases]) if cases else Html(""))
    told = f"By {run.primary} of the image alone. {run.result['n_failed']} failed images are not among them."
    return join([tag("p", told, class_="soft"), *made])


class Missing(Exception):
    """Why a picture cannot be shown, as a sentence."""


@dataclass(frozen=True, eq=False)
class Source:
    """Photos, truths and maps of one run."""

    run: Run
    benchmark: Benchmark
    items: dict[str, Item]
    legend: Legend | None

    @classmethod
    def open(cls, run: Run, data: str | Path | None, wanted: Sequence[str]) -> Source:
        """The items of the ``wanted`` images; Missing: no maps, no data, or another version of the benchmark."""
        name, seed = run.result["benchmark"], run.plan["sample"].get("legend_seed")
        if not (run.folder / "maps" / "model").is_dir():
            raise Missing("the run folder has no painted maps (maps/model).")
        if name not in BENCHMARKS:
            raise Missing(f"there is no benchmark {name!r} here.")
        benchmark: Benchmark = BENCHMARKS.get(name)
        if benchmark.version != run.plan["version"]:
            raise Missing(f"the run is of version {run.plan['version']}, the benchmark of {benchmark.version}.")
        order = list(run.plan["images"])
        last = max((order.index(one) for one in wanted), default=-1)
        try:
            items = benchmark.items(data, run.plan["split"], last + 1) if wanted else []
            items = [benchmark.recoloured(item, seed) for item in items]
        except VisiongenError as error:
            raise Missing(f"{error}.") from error
        return cls(run, benchmark, {item.id: item for item in items}, benchmark.legend(seed))

    def item(self, name: str) -> Item:
        """The image as it was scored; Missing where it is gone or has changed."""
        item = self.items.get(name)
        if item is None:
            raise Missing("the benchmark has no such image any more.")
        if item.digest != self.run.plan["images"][name]:
            raise Missing("photo or truth have changed since they were scored.")
        return item

    def sheets(self, name: str) -> dict[str, Sheet]:
        """Part -> what the model painted."""
        folder, parts = self.run.folder / "maps" / "model", parts_of(self.benchmark)
        found = {}
        for part in parts:
            stem = name if len(parts) == 1 else f"{name}.{part}"
            files = [f"{stem}{suffix}" for suffix in (".confidence.png", ".npz")]
            digests = {file: sha256(folder / file) for file in files if (folder / file).is_file()}
            found[part] = read_sheet(folder, name, None if len(parts) == 1 else part, digests)
        return found


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
    found = predictions(source.benchmark, item, source.legend, size, source.sheets(item.id))
    wanted = truth_labels(source.benchmark, item, truth, size)
    rows = []
    for part, prediction in found.items():
        view = _view(source, part, prediction, wanted[part], truth)
        error = view.error(photo)
        figures = [
            figure(photo, "photo", f"Photo of {told}", photo=True),
            figure(prediction.map, "painted", f"Painted map of {told}"),
            figure(view.pictures[1], f"decoded, {prediction.unit}", f"Decoded labels of {told}", view.key),
            figure(view.pictures[0], "truth", f"Truth of {told}"),
            figure(error.picture, "error", f"Error map of {told}", error.key()),
        ]
        head = [tag("h6", part)] if len(found) > 1 else []
        rows.append(join([*head, tag("div", *figures, class_="row")]))
    return rows


@dataclass(frozen=True, eq=False)
class View:
    """Truth and answer as labels and as pictures in the same colours, and where they are scored."""

    part: str
    truth: np.ndarray
    answer: np.ndarray
    scored: np.ndarray
    pictures: tuple[np.ndarray, np.ndarray]
    key: Html | None

    def error(self, photo: np.ndarray) -> Shown:
        """The error map of the part's family."""
        fallback = colours if self.truth.ndim == 3 else gray
        return ERRORS.get(self.part, fallback)(self.truth, self.answer, self.scored, photo)


def _view(source: Source, part: str, prediction: Prediction, wanted: np.ndarray, truth: Any) -> View:
    scored, answer = scored_pixels(part, source.run.protocol, truth, wanted), prediction.labels
    if part == "depth":
        return _depth_view(source, prediction, wanted, scored)
    if part == "semantic":
        wanted = np.where(scored, wanted, IGNORE).astype(np.uint8)
    if part == "instance":
        answer = renamed(wanted, answer)
    shown = tuple(replace(prediction, labels=labels).picture() for labels in (wanted, answer))
    return View(part, wanted, answer, scored, (shown[0], shown[1]), _class_key(part, prediction, wanted))


def _depth_view(source: Source, prediction: Prediction, wanted: np.ndarray, scored: np.ndarray) -> View:
    """On one scale of colours, after the alignment that the primary score is told under."""
    how = source.run.primary.partition("@")[2].partition("/")[0]
    answer = np.asarray(prediction.labels, np.float64)
    if how:
        full = np.full(wanted.shape, np.nan)
        full[scored] = depth_metrics.align(answer[scored], wanted[scored], how)[0]
        answer = np.where(full > 0, full, np.nan)
    both = colour_near(nearness(np.concatenate([np.where(wanted > 0, wanted, np.nan), answer])))
    key = tag("ul", tag("li", f"red near, blue far{', aligned by ' + how if how else ''}"), class_="chips")
    return View("depth", wanted, answer, scored, (both[: len(wanted)], both[len(wanted) :]), key)


def scored_pixels(part: str, protocol: dict[str, Any], truth: Any, wanted: np.ndarray) -> np.ndarray:
    """bool (H, W): where the truth says something that is scored, as far as an array can tell."""
    everywhere = np.ones(wanted.shape[:2], bool)
    if not isinstance(truth, np.ndarray) or truth.shape[:2] != wanted.shape[:2]:
        return everywhere
    if truth.dtype.kind == "f":
        seen = np.isfinite(truth) if truth.ndim == 2 else np.isfinite(truth).all(axis=2)
        limits = protocol.get("min_depth"), protocol.get("max_depth")
        if None not in limits and truth.ndim == 2:
            seen &= (truth > limits[0]) & (truth < limits[1])
        return np.asarray(seen)
    if part in ("semantic", "panoptic") and truth.ndim == 2:
        return np.asarray((truth >= 0) & ((part == "panoptic") | (truth != IGNORE)))
    return everywhere


def renamed(truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """The answer's ids, those of found instances as in the truth, so that their colours are the same."""
    back = {found: there for there, found in matched(truth, answer).items()}
    free = int(max(truth.max(initial=0), answer.max(initial=0))) + 1
    table = np.zeros(int(answer.max(initial=0)) + 1, np.int64)
    for number_ in np.unique(answer[answer > 0]):
        table[number_] = back.get(int(number_), free)
        free += int(number_) not in back
    return table[np.maximum(answer, 0)]


def _class_key(part: str, prediction: Prediction, wanted: np.ndarray) -> Html | None:
    """The legend's classes that occur in truth or answer, most frequent first."""
    if part not in ("semantic", "panoptic") or prediction.legend is None:
        return None
    both = np.concatenate([wanted.ravel(), prediction.labels.ravel()]).astype(np.int64)
    size = len(prediction.legend)
    places = both // 1000 if part == "panoptic" else both
    counts = np.bincount(np.where((places < 0) | (places >= size), size, places), minlength=size + 1)[:size]
    order = [int(k) for k in np.argsort(-counts, kind="stable") if counts[k]]
    names, table = prediction.legend.names, prediction.legend.array()
    entries = [(names[k], (int(table[k][0]), int(table[k][1]), int(table[k][2]))) for k in order[:NAMED]]
    more = tag("p", f"and {len(order) - NAMED} more", class_="soft") if len(order) > NAMED else ""
    return join([chips(entries), more])
