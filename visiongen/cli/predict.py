"""``visiongen predict``: maps and labels for files, folders and globs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visiongen.cli import common
from visiongen.errors import UsageError

if TYPE_CHECKING:
    from visiongen.prompt import Legend


def predict(
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK", help="semantic, depth or normals; several with commas share one reading."
        ),
    ],
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Image files, folders or globs.")],
    out: common.Out = Path("out"),
    legend: common.LegendText = None,
    mode: common.ModeName = "verified",
    seed: common.Seed = 0,
    long_side: common.LongSide = None,
    tile: Annotated[bool, typer.Option("--tile", help="Paint large photos in overlapping tiles.")] = False,
    relative: Annotated[
        bool, typer.Option("--relative", help="Depth without a unit (affine-invariant) instead of metres.")
    ] = False,
    weights: common.WeightsName = "tiny",
    json_target: common.JsonTarget = None,
) -> None:
    """Paint and decode TASK for every input; one bad file does not stop the others (exit code 1)."""
    tasks = _task_names(task)
    options = _options(tasks, legend, mode, relative)
    options |= {"mode": mode, "seed": seed, "long_side": long_side, "tile": tile}
    from visiongen.image import list_inputs

    paths = list_inputs(inputs)
    options["backbone"] = backbone = common.load_backbone(weights)
    started = time.perf_counter()
    results, failed = common.each_input(
        paths,
        "predicting",
        lambda path, stem: _predict_one(tasks, path, stem, out, options, json_target),
    )
    record = backbone.weights
    report = {
        "schema": "visiongen.predict/1",
        "tasks": tasks,
        "results": results,
        "failed": failed,
        "weights": {"name": record.name, "sha256": record.sha256} if record else None,
        "sample": {"mode": mode, "seed": seed},
        "seconds": round(time.perf_counter() - started, 3),
    }
    common.write_report(json_target, report)
    common.exit_if_failed(failed, len(paths))


def _task_names(text: str) -> list[str]:
    """Split ``depth,normals``; every name must be a registered task (UsageError)."""
    from visiongen.registry import TASKS

    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or len(set(names)) != len(names):
        raise UsageError(f"task {text!r}: name one task, or several different ones with commas")
    for name in names:
        TASKS.get(name)
    return names


def _options(tasks: list[str], legend: str | None, mode: str, relative: bool) -> dict[str, Any]:
    """Check the options against the tasks before weights are loaded."""
    from visiongen.prompt import Legend

    common.check_mode(mode)
    if legend is not None and "semantic" not in tasks:
        raise UsageError(f"--legend belongs to the task semantic, not to {', '.join(tasks)}; leave it out")
    if relative and "depth" not in tasks:
        raise UsageError(f"--relative belongs to the task depth, not to {', '.join(tasks)}; leave it out")
    parsed: Legend | None = Legend.parse(legend) if legend is not None else None
    return {"legend": parsed} | ({"relative": True} if relative else {})


def _predict_one(
    tasks: list[str], path: Path, stem: str, out: Path, options: dict[str, Any], json_target: str | None
) -> list[dict[str, Any]]:
    """Predict every task for one photo and save; return the rows of the report."""
    from visiongen.tasks import predict_many

    rows = []
    for name, prediction in zip(tasks, predict_many(tasks, path, **options), strict=True):
        files = [str(file) for file in prediction.save(out, stem)]
        common.say(f"{path}: {name} -> {files[0]}", json_target)
        report = {key: value for key, value in prediction.as_dict().items() if key not in ("schema", "photo")}
        rows.append({"input": str(path), "files": files} | report)
    return rows
