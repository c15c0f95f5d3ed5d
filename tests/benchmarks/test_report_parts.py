"""Pieces of the report against numbers that are known otherwise: curves, error maps, axes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_truths import truth_for

from visiongen.benchmarks.report import errors
from visiongen.benchmarks.report.charts import Bar, bars, span_of, ticks
from visiongen.benchmarks.report.curves import curves
from visiongen.benchmarks.report.html import interval, number, tag
from visiongen.benchmarks.report.read import Run
from visiongen.benchmarks.report.table import alignments, split_scores
from visiongen.benchmarks.report.views import renamed, scored_pixels
from visiongen.benchmarks.runner import get_benchmark

PHOTO = np.full((4, 6, 3), 200, np.uint8)
SEEN = np.ones((4, 6), bool)


def made(name: str, answers: Any, count: int = 6) -> tuple[Run, dict[str, float]]:
    """A run of ``count`` made truths, with ``answers(truth, rng)``, and its scores."""
    benchmark, rng = get_benchmark(name), np.random.default_rng(3)
    truths = [truth_for(benchmark, rng) for _ in range(count)]
    records = {
        f"k{i}": {"id": f"i{i}", "error": "", "stats": benchmark.scorer.stats(t, answers(t, rng))}
        for i, t in enumerate(truths)
    }
    table = benchmark.scorer.table([r["stats"] for r in records.values()])(np.ones((1, count)))
    scores = {name: float(value[0]) for name, value in table.items()}
    primary = benchmark.protocol["primary"]
    told = {"value": scores[primary], "higher_is_better": benchmark.scorer.higher_is_better(primary)}
    plan = {"protocol": benchmark.protocol, "keys": {"model": {r["id"]: k for k, r in records.items()}}}
    result = {"primary": primary, "rows": {}, "scores": {primary: told | {"ci95": None}}}
    return Run(Path("run"), plan, result, records), scores


def lines(run: Run, title: str) -> dict[str, Any]:
    chart = next(chart for chart in curves(run) if chart.title == title)
    assert "<svg" in str(chart.html()) and "NaN" not in str(chart.html()).replace("nan", "NaN")
    return {line.name: line for line in chart.lines}


def test_saliency_curve_peaks_at_maxf() -> None:
    run, scores = made("world-salient", lambda t, rng: np.clip(t * 0.6 + rng.random(t.shape) * 0.6, 0, 1))
    line = lines(run, "F at every threshold")["model"]
    assert line.y.max() == pytest.approx(scores["maxF"]) and line.y.mean() == pytest.approx(scores["meanF"])
    other = lines(run, "E at every threshold")["model"].y
    assert other.max() == pytest.approx(scores["maxE"]) and other.mean() == pytest.approx(scores["meanE"])
    assert line.dot == (line.x[line.y.argmax()], line.y.max())


def test_normals_curve_passes_through_the_shares() -> None:
    run, scores = made("world-normals", lambda t, rng: np.nan_to_num(t) + rng.normal(0, 0.3, t.shape))
    line = lines(run, "Errors below an angle")["model"]
    for degrees in (5, 7.5, 22.5, 30):
        assert np.interp(degrees, line.x, line.y) == pytest.approx(scores[f"<{degrees:g}"], abs=1e-9)
    density = lines(run, "Histogram of errors")["model"]
    below = scores["<30"] * 100
    assert density.y[density.x < 30].sum() * 2 == pytest.approx(below), "bins of 2 degrees hold all below 30"


def test_edges_dot_is_at_the_best_f() -> None:
    run, scores = made("world-edges", lambda t, rng: np.clip(t * 0.7 + rng.random(t.shape) * 0.5, 0, 1))
    (line,) = lines(run, "Boundaries").values()
    recall, precision = line.dot
    assert 2 * recall * precision / (recall + precision) == pytest.approx(scores["ODS"], abs=0.02)


def test_instance_curve_encloses_ap50() -> None:
    def answer(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        ids = np.where(np.isin(truth, (1, 2)), 0, truth)  # two are missed, and some of the rest moved
        ids = np.where(np.isin(truth, (5, 6)), np.roll(ids, 5, axis=1), ids)
        sure = rng.random(30)[ids]
        return np.stack([ids, sure], axis=-1)

    run, scores = made("world-instance", answer)
    found = lines(run, "Precision and recall")
    for name, line in found.items():
        read = [line.y[line.x >= r - 1e-12].max(initial=0) for r in np.linspace(0, 1, 101)]
        assert np.mean(read) == pytest.approx(scores["AP" + name[-2:]], abs=1e-9), name


def test_coco_curve_averages_to_ap50() -> None:
    from visiongen.benchmarks.metrics.coco import Found, encode

    def answer(truth: Any, rng: np.random.Generator) -> Found:
        whole = truth.found()
        moved = encode(np.roll(_masks(whole), 2, axis=2))
        scores = rng.random(len(moved))
        return Found(whole.size, whole.categories, moved, scores)

    run, scores = made("coco-instance", answer)
    found = lines(run, "Precision and recall")
    assert found["model, IoU .50"].y.mean() == pytest.approx(scores["AP50"])
    assert found["model, IoU .75"].y.mean() == pytest.approx(scores["AP75"])


def _masks(found: Any) -> np.ndarray:
    from pycocotools import mask as rle

    return np.stack([rle.decode(one) for one in found.masks])


def test_single_images_run_from_the_worst_to_the_best() -> None:
    for name in ("world-salient", "world-referring"):
        run, _ = made(name, lambda t, rng: np.roll(t, int(rng.integers(0, 5)), axis=1))
        line = lines(run, "Single images")["model"]
        steps = np.diff(line.y)
        assert len(line.y) == 6 and ((steps >= 0).all() if name == "world-referring" else (steps <= 0).all())


def test_failed_images_are_told_and_leave_their_place_empty() -> None:
    run, _ = made("world-salient", lambda t, rng: np.roll(t, int(rng.integers(0, 5)), axis=1), count=8)
    for place in (2, 5):
        run.records[f"k{place}"]["error"] = "the generator broke"
    (line,) = lines(run, "Single images").values()
    assert line.name == "model (2 failed, not drawn)" and line.style == "model"
    assert len(line.y) == 6 and (line.x[0], line.x[-1]) == (25, 100), "the worst two of eight are not there"


# --- error maps --------------------------------------------------------------------------------


def colour_at(shown: errors.Shown, place: tuple[int, int]) -> np.ndarray:
    return shown.picture[place].astype(int)


def test_wrong_classes_and_what_is_not_scored() -> None:
    truth, answer, seen = np.zeros((4, 6), int), np.zeros((4, 6), int), SEEN.copy()
    answer[0, 0], answer[1, 1], seen[1, 1] = 3, 3, False
    shown = errors.ids(truth, answer, seen, PHOTO)
    assert [name.split()[0] for name, _ in shown.names] == ["wrong", "not"]
    assert abs(colour_at(shown, (0, 0)) - errors.WRONG).max() < 40
    assert len(np.unique(colour_at(shown, (3, 3)))) == 1, "right pixels are the gray photo"
    assert "no error" in str(errors.ids(truth, truth, SEEN, PHOTO).key())


def test_instances_are_found_missed_or_false() -> None:
    truth = np.zeros((4, 6), int)
    truth[:2, :2], truth[2:, 4:] = 1, 2
    answer = np.zeros((4, 6), int)
    answer[:2, :2], answer[0, 4:] = 9, 4
    shown = errors.segments(truth, answer, SEEN, PHOTO)
    assert {name.split()[0]: colour for name, colour in shown.names} == {
        "found": errors.RIGHT, "missed": errors.MISSED, "false": errors.FALSE,
    }  # fmt: skip
    assert errors.matched(truth, answer) == {1: 9}
    assert (renamed(truth, answer)[:2, :2] == 1).all()
    assert renamed(truth, answer)[0, 4] not in (0, 1, 2)


def test_scales_start_at_no_error_and_end_at_much() -> None:
    truth = np.full((4, 6), 10.0)
    answer = np.array([[10.0] * 6, [20.0] * 6, [5.0] * 6, [np.nan] * 6])
    shown = errors.ratio(truth, answer, SEEN, PHOTO).picture.astype(int).sum(axis=2)
    assert (shown[0] < 30).all() and (shown[1:] > 600).all()
    up, side = np.zeros((4, 6, 3)), np.zeros((4, 6, 3))
    up[..., 1], side[..., 0] = 1, 1
    assert errors.angle(up, side, SEEN, PHOTO).picture.sum() > errors.angle(up, up, SEEN, PHOTO).picture.sum()
    hidden = errors.gray(truth[..., :6] / 10, np.zeros((4, 6)), ~SEEN, PHOTO).picture
    assert (hidden == errors.UNSCORED).all()


def test_scored_pixels() -> None:
    wanted = np.zeros((2, 2))
    truth = np.array([[255, 0], [1, 2]], np.uint8)
    assert scored_pixels("semantic", None, truth, wanted).tolist() == [[False, True], [True, True]]
    signed = np.array([[-1, 255], [1000, 2]], np.int32)
    assert scored_pixels("panoptic", None, signed, wanted).tolist() == [[False, True], [True, True]]
    numbers = np.array([[np.nan, 0.5], [1, 0]])
    assert scored_pixels("salient", None, numbers, wanted).tolist() == [[False, True], [True, True]]
    assert scored_pixels("instance", None, object(), wanted).all()


# --- words and axes ----------------------------------------------------------------------------


def test_numbers_axes_and_markup() -> None:
    assert [number(v) for v in (None, float("nan"), 0.12345, -0.5, 3.14159, 21.219, 122.61)] == [
        "–", "–", "0.1235", "−0.5000", "3.142", "21.22", "122.6",
    ]  # fmt: skip
    assert interval([-1.0, 0.5]) == "[−1.000, 0.5000]" and interval(None) == ""
    assert (
        str(tag("a", "<&>", href='"x', data_value=1)) == '<a href="&quot;x" data-value="1">&lt;&amp;&gt;</a>'
    )
    assert ticks((0, 1)) == [0, 0.2, 0.4, 0.6, 0.8, 1] and ticks((0, 90))[-1] == 80
    for values in ([0.3, 0.9], [0.001, 0.0002], [12.0, 180.0], [-0.2, 0.1], [0.0, 0.0]):
        low, high = span_of(np.array(values))
        assert (
            low <= min(values) and high >= max(values) and high > low and 2 <= len(ticks((low, high))) <= 12
        )
    text = str(bars([Bar("sky", 0.5, [0.4, 0.6], 0.9), Bar("car", None)], "IoU"))
    assert 'width="50.00"' in text and "M90.00" in text and "0.4000 to 0.6000" in text and "–" in text


def test_scores_are_told_apart_by_their_names() -> None:
    names = "AbsRel AbsRel@median AbsRel/pooled AbsRel@median/pooled inverted@lsq_log "
    names += "IoU/sky IoU/road mean/per_image AbsRel/wall AbsRel/wall/blank leak/difference"
    score = {"value": 1.0, "higher_is_better": True, "ci95": None}
    result = {"primary": "AbsRel", "rows": {}, "scores": dict.fromkeys(names.split(), score)}
    plain, aligned, classes = split_scores(Run(Path("r"), {}, result, {}))
    assert (
        plain[:2] == ["AbsRel", "mean/per_image"]
        and len(plain) == 5
        and classes == {"IoU": ["IoU/sky", "IoU/road"]}
    )
    assert set(plain) | set(aligned) | {n for group in classes.values() for n in group} == set(names.split())


def test_every_aligned_score_is_on_the_page() -> None:
    names = [
        "AbsRel/wall",
        "AbsRel/wall@lsq_outside",
        "AbsRel/wall@lsq_outside/blank",
        "AbsRel@median",
        "AbsRel",
    ]
    score = {"value": 0.125, "higher_is_better": False, "ci95": None}
    run = Run(
        Path("r"),
        {},
        {"benchmark": "b", "primary": names[0], "rows": {}, "scores": dict.fromkeys(names, score)},
        {},
    )
    plain, aligned, _ = split_scores(run)
    page = str(alignments(run, aligned))
    assert plain[0] == "AbsRel/wall" and "AbsRel/wall@lsq_outside/blank" in page
    assert "AbsRel@median</th>" not in page, "it has its place in the table of alignments"
