"""The curves that a run's per-image statistics allow, as charts; one function a scorer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from visiongen.benchmarks.metrics import anomaly, edges, instances, normals, saliency
from visiongen.benchmarks.metrics.average_precision import RECALLS, Table, accumulate
from visiongen.benchmarks.report.charts import Chart, Line, span_of
from visiongen.benchmarks.report.html import number
from visiongen.benchmarks.report.read import Run

UNIT = (0.0, 1.0)
FAR = 90.0  # degrees shown


def curves(run: Run) -> list[Chart]:
    """The charts of a run: those of its scorer, then the scores of its single images."""
    name = run.protocol.get("scorer", run.protocol["task"])
    made = CURVES[name](run) if name in CURVES else []
    return [*made, *_single_images(run)]


def _sums(run: Run, row: str) -> np.ndarray:
    """The sum of a row's vectors, one record at a time: no table of all images is made."""
    total: Any = 0.0
    for record in run.row_records(row):
        total = total + run.scorer.vector(record["stats"])
    return np.asarray(total, np.float64)


# --- of a family -------------------------------------------------------------------------------


def _instances(run: Run) -> list[Chart]:
    """Precision against recall, painted instances without classes (metrics/instances.py)."""
    lines = []
    for row in run.drawn_rows():
        for place, cut in ((0, "50"), (5, "75")) if row == "model" else ((0, "50"),):
            sums = _sums(run, row)
            counts = sums[:-2].reshape(2, len(instances.THRESHOLDS), instances.LEVELS)[:, place]
            right, wrong = np.cumsum(counts[:, ::-1], axis=-1)
            recall = np.concatenate([[0.0], right / max(sums[-2], 1)])
            precision = right / np.maximum(right + wrong, 1)
            envelope = np.maximum.accumulate(precision[::-1])[::-1]
            x, y = recall, np.concatenate([envelope[:1], envelope])
            x, y = np.append(x, x[-1]), np.append(y, 0.0)
            keep = np.concatenate([[True], (np.diff(x) != 0) | (np.diff(y) != 0)])
            style = row if cut == "50" else "l1"
            lines.append(Line(f"{row}, IoU .{cut}", x[keep], y[keep], style))
    return [Chart("Precision and recall", lines, "recall", "precision", UNIT, UNIT)]


def _coco(run: Run) -> list[Chart]:
    """COCO's precision at 101 recalls, the mean over the classes that have instances."""
    lines = []
    for row in run.drawn_rows():
        records = [record["stats"] for record in run.row_records(row)]
        areas = next((len(r["truths"][0]) - 1 for r in records if r["truths"]), 4)
        most = tuple(getattr(run.scorer, "most", (100,)))[-1:]
        table = Table.of(records, len(run.protocol["classes"]), areas)
        precision = accumulate(table, most).precision[:, :, :, 0, 0]
        known = precision[0, 0] >= 0
        for place, cut in ((0, "50"), (5, "75")) if row == "model" else ((0, "50"),):
            if known.any():
                y = precision[place][:, known].mean(axis=1)
                lines.append(Line(f"{row}, IoU .{cut}", RECALLS, y, row if cut == "50" else "l1"))
    about = "Mean over classes, all areas."
    return [Chart("Precision and recall", lines, "recall", "precision", UNIT, UNIT, (), about)]


def _anomaly(run: Run) -> list[Chart]:
    """Pixels pooled over the split: precision against recall, and false against true positives."""
    lines, rates = [], []
    for row in run.drawn_rows():
        sums = _sums(run, row)
        false, true = anomaly.curves(sums)
        wide = anomaly.LEVELS + 1
        normal, anomalous = max(sums[:wide].sum(), 1), max(sums[wide : 2 * wide].sum(), 1)
        recall, precision = true / anomalous, true / np.maximum(true + false, 1)
        found = true + false > 0
        lines.append(Line(row, recall[found], precision[found], row))
        rates.append(Line(row, np.r_[0, false / normal], np.r_[0, recall], row))
    return [
        Chart("Precision and recall", lines, "recall", "precision", UNIT, UNIT),
        Chart("False and true positives", rates, "false positive rate", "true positive rate", UNIT, UNIT),
    ]


def _edges(run: Run) -> list[Chart]:
    """BSDS precision and recall over thresholds, with lines of equal F and the best point."""
    lines = []
    for row in run.drawn_rows():
        counts = _sums(run, row).reshape(-1, edges.COUNTS)[:-1]
        recall, precision = edges.rates(counts)
        found = counts[:, 3] > 0
        f = edges.f_measure(recall, precision)
        best = int(f.argmax())
        told = f"{row}, F {number(float(f[best]))}"
        dot = (float(recall[best]), float(precision[best]))
        lines.append(Line(told, recall[found], precision[found], row, dot))
    under = []
    for f in np.arange(2, 10) / 10:
        recall = np.linspace(f / (2 - f) + 1e-9, 1, 40)
        under.append((f"F .{f * 10:.0f}", recall, f * recall / (2 * recall - f)))
    about = "Dots: the best threshold of the whole split. Thin lines: equal F."
    return [Chart("Boundaries", lines, "recall", "precision", UNIT, UNIT, under, about)]


def _saliency(run: Run) -> list[Chart]:
    """Mean F and E at every threshold."""
    charts = []
    levels = np.arange(saliency.LEVELS) / (saliency.LEVELS - 1)
    for name, key in (("F", "curve"), ("E", "e_curve")):
        lines = []
        for row in run.drawn_rows():
            each = [record["stats"][key] for record in run.row_records(row)]
            curve = np.mean(each, axis=0)[::-1]  # stored from the highest threshold down
            best = int(curve.argmax())
            lines.append(Line(row, levels, curve, row, (float(levels[best]), float(curve[best]))))
        about = f"Mean over images; dots: max{name}."
        title = f"{name} at every threshold"
        charts.append(Chart(title, lines, "threshold", name, UNIT, UNIT, (), about))
    return charts


def _normals(run: Run) -> list[Chart]:
    """Share of the pixels below an angle, and how many there are at each."""
    below, density = [], []
    edges_ = np.arange(normals.BINS) * normals.BIN + normals.BIN
    wide = 20  # bins of 0.1 degree
    middles = (np.arange(normals.BINS // wide) + 0.5) * wide * normals.BIN
    for row in run.drawn_rows():
        histogram = _sums(run, row)[-normals.BINS :]
        share = histogram / max(histogram.sum(), 1)
        shown = edges_ <= FAR
        below.append(Line(row, np.r_[0, edges_[shown]], np.r_[0, np.cumsum(share)[shown]], row))
        coarse = share.reshape(-1, wide).sum(1) * 100 / (wide * normals.BIN)
        density.append(Line(row, middles[middles < FAR], coarse[middles < FAR], row))
    drawn = [line.y for line in density if line.name not in ("oracle", "codec")]  # theirs are all near 0
    top = span_of(np.concatenate(drawn))
    x = (0.0, FAR)
    return [
        Chart("Errors below an angle", below, "degrees", "share of pixels", x, UNIT),
        Chart("Histogram of errors", density, "degrees", "% of pixels a degree", x, top),
    ]


# --- of every run ------------------------------------------------------------------------------


def _single_images(run: Run) -> list[Chart]:
    """Primary score of every image alone, from the worst to the best."""
    higher = run.result["scores"][run.primary]["higher_is_better"]
    lines = []
    for row in run.drawn_rows():
        values = np.sort([value for _, value in run.image_scores(row)])
        failed = run.failed(row)
        if len(values) > 1:
            values = values if higher else values[::-1]
            first = 100 * failed / (failed + len(values))  # they would be the worst
            name = f"{row} ({failed} failed, not drawn)" if failed else row
            lines.append(Line(name, np.linspace(first, 100, len(values)), values, row))
    if not lines:
        return []
    span = span_of(np.concatenate([line.y for line in lines]))
    about = "Each line runs from the worst to the best image of its row."
    return [Chart("Single images", lines, "% of images", run.primary, (0.0, 100.0), span, (), about)]


CURVES: dict[str, Callable[[Run], list[Chart]]] = {
    "instance": _instances,
    "coco": _coco,
    "lvis": _coco,
    "anomaly": _anomaly,
    "edges": _edges,
    "salient": _saliency,
    "normals": _normals,
}
