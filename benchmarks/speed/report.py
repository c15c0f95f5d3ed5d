"""Runs the speed rows and says on what."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from visiongen.backbones.base import provenance
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.benchmarks.result import device_of, environment
from visiongen.benchmarks.speed import agreement, metric_share, processes, rows
from visiongen.benchmarks.speed.metrics import METRIC_ROWS
from visiongen.errors import DependencyError, UsageError
from visiongen.geometry import Geometry
from visiongen.prompt import Legend, Prompt
from visiongen.registry import TASKS

SCHEMA = "visiongen.speed/1"
ROWS = (
    "verified-vs-sequential",
    "sequential-vs-transformers",
    "four-tasks-vs-four-runs",
    "processes",
    "agreement",
    "first-canvas-vs-whole",
    *METRIC_ROWS,
    metric_share.NAME,
)
SECOND_LEGEND = "ground=#7a4a1e,thing=#3077fb,background=#f9e03e"


def chosen(only: Sequence[str]) -> tuple[str, ...]:
    """The rows that names stand for: a row, or the group before the slash; UsageError for an unknown one."""
    for name in only:
        if not any(row == name or row.startswith(f"{name}/") for row in ROWS):
            groups = sorted({row.split("/")[0] for row in ROWS if "/" in row})
            raise UsageError(f"speed row {name!r}: choose from {', '.join((*groups, *ROWS))}")
    return tuple(row for row in ROWS if any(row == n or row.startswith(f"{n}/") for n in only))


def needs_backbone(only: Sequence[str]) -> bool:
    """Whether any of these rows paints; counting alone needs no weights."""
    return any(row not in METRIC_ROWS for row in chosen(only))


def run(
    backbone: EmbeddedBackbone | None,
    rounds: int = 3,
    long_side: int = 320,
    photos: Sequence[np.ndarray] | None = None,
    only: Sequence[str] = ROWS,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """The report: every row of ``only``, or the reason why a row could not be measured.

    ``rounds`` times over ``photos`` (uint8 (H, W, 3); default: two photos that lie inside
    scikit-image and a rendered street). UsageError for an unknown row or less than one round, or when a
    row that paints (:func:`needs_backbone`) has no backbone.
    """
    only = chosen(only)
    if rounds < 1:
        raise UsageError(f"--rounds {rounds}: give at least 1")
    done: list[dict[str, Any]] = []
    skipped: dict[str, str] = {}

    def keep(row: dict[str, Any]) -> None:
        done.append(row)
        say(describe(row))

    sizes, agree = [], {}
    if needs_backbone(only):
        if backbone is None:
            raise UsageError("speed: these rows paint; give a backbone")
        if not isinstance(backbone, EmbeddedBackbone):
            raise UsageError(f"speed: times the embedded backbone's decoding; {backbone.name!r} is another")
        photos = photos or default_photos()
        pictures = [Geometry.fit(p.shape[:2], long_side).apply(p) for p in photos]
        sizes = [list(p.shape[:2]) for p in pictures]
        _painting(backbone, rounds, long_side, photos, pictures, only, keep, skipped)
        if ROWS[4] in only and backbone.dtype == torch.float32:
            agree = agreement.measure(backbone, pictures[:1], task_prompts())
            for name, figures in agree.items():
                say(agreement.describe(name, figures))
    for name, measure in METRIC_ROWS.items():
        if name in only:
            try:
                keep(measure(rounds))
            except DependencyError as error:
                skipped[name] = str(error)
    if metric_share.NAME in only and backbone is not None:
        for name in metric_share.tasks():
            keep(metric_share.share_of(backbone, name, rounds))
    device = device_of(backbone)
    return {
        "schema": SCHEMA,
        "weights": None if backbone is None else provenance(backbone),
        "dtype": None if backbone is None else str(backbone.dtype).removeprefix("torch."),
        "sizes": sizes,
        "rows": done,
        "agreement": agree,
        "skipped": skipped,
        "env": environment(device) | {"cpu": _cpu(), "load": _load()} | _peer_version(),
    }


def _painting(
    backbone: EmbeddedBackbone,
    rounds: int,
    long_side: int,
    photos: Sequence[np.ndarray],
    pictures: Sequence[np.ndarray],
    only: Sequence[str],
    keep: Callable[[dict[str, Any]], None],
    skipped: dict[str, str],
) -> None:
    """The rows of decoding."""
    prompts = task_prompts()
    if ROWS[0] in only:
        for name, prompt in prompts.items():
            keep(rows.verified_vs_sequential(backbone, pictures, name, prompt, rounds))
    if ROWS[1] in only:
        try:
            keep(rows.sequential_vs_transformers(backbone, pictures[0], prompts["depth"], rounds))
        except DependencyError as error:
            skipped[ROWS[1]] = str(error)
    if ROWS[2] in only:
        four = four_prompts()
        for mode, name in (("verified", ROWS[2]), ("sequential", f"{ROWS[2]}/sequential")):
            keep(rows.four_tasks_vs_four_runs(backbone, pictures, four, rounds, mode, name))
    if ROWS[3] in only:
        four, threads = four_prompts(), torch.get_num_threads()
        keep(processes.four_processes(backbone, photos[0], long_side, len(four), rounds, threads))
    if ROWS[5] in only:
        for mode in ("verified", "masked", "sequential"):
            name = f"{ROWS[5]}/{mode}"
            keep(rows.first_canvas_vs_whole(backbone, pictures, prompts["depth"], rounds, mode, name))


#: The tasks that decoding is timed on: a walk of colours, smooth vectors, flat classes.
SHOWN = ("depth", "normals", "semantic")


def task_prompts() -> dict[str, Prompt]:
    """The prompts of the tasks that are timed."""
    return {name: TASKS.get(name)().prompt() for name in SHOWN}


def four_prompts() -> list[Prompt]:
    """Segmentation, depth, normals, and segmentation by another legend."""
    prompts = task_prompts()
    second = TASKS.get("semantic")().prompt(Legend.parse(SECOND_LEGEND))
    return [*(prompts[name] for name in ("semantic", "depth", "normals")), second]


def default_photos() -> list[np.ndarray]:
    """Photos inside scikit-image and a rendered street; nothing is downloaded."""
    from skimage import data

    from visiongen.world import render

    street = render("street", [3], 240, 320).photo[0].numpy()
    return [street, data.coffee(), data.astronaut()]


def describe(row: dict[str, Any]) -> str:
    """A row as a line of text."""
    low, high = row["ratio_spread"]
    digits = 3 if row["ours"] >= 0.1 else 5
    text = (
        f"{row['name']:34s} {row['ratio']:6.2f}x [{low:.2f}, {high:.2f}]  ours {row['ours']:.{digits}f} s"
        f"  peer {row['peer']:.{digits}f} s  equal {'yes' if row['equal'] else 'NO'}"
    )
    if row.get("target"):
        text += f"  target {row['target']}x {'met' if row['ratio'] >= row['target'] else 'MISSED'}"
    if "hit_rate" in row:
        text += f"  passes {row['passes']:.1f}  draft hits {row['hit_rate']:.1%}"
    if "whole" in row:
        text += f"  photo to pixels {row['whole']['ratio']:.2f}x"
    return text


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(x.split(":", 1)[1].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _load() -> list[float]:
    return list(os.getloadavg()) if hasattr(os, "getloadavg") else []


def _peer_version() -> dict[str, str]:
    try:
        import transformers

        return {"transformers": transformers.__version__}
    except ImportError:
        return {}


def set_threads(count: int | None) -> None:
    """Let torch use ``count`` threads (None: as it is); both sides of every row get the same."""
    if count is not None:
        if count < 1:
            raise UsageError(f"--threads {count}: give at least 1")
        torch.set_num_threads(count)
