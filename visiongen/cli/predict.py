"""``visiongen predict``: maps and labels for files, folders and globs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visiongen.cli import common
from visiongen.errors import UsageError

if TYPE_CHECKING:
    from visiongen.prompt import Legend, Prompt
    from visiongen.tasks.base import Prediction


def predict(
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK",
            help="semantic, depth, ... (see docs/tasks.md); several with commas share one reading.",
        ),
    ],
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Image files, folders or globs.")],
    out: common.Out = Path("out"),
    legend: common.LegendText = None,
    mode: common.ModeName = "verified",
    seed: common.Seed = 0,
    long_side: common.LongSide = None,
    tile: common.Tile = False,
    mirror: common.Mirror = False,
    relative: Annotated[
        bool, typer.Option("--relative", help="Depth without a unit (affine-invariant) instead of metres.")
    ] = False,
    example: common.Examples = None,
    then: Annotated[
        list[str] | None,
        typer.Option("--then", metavar="TEXT", help='A further turn: "only the cars"; in this order.'),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME=VALUE", help="Any other option of the task."),
    ] = None,
    weights: common.WeightsName = "tiny",
    json_target: common.JsonTarget = None,
) -> None:
    """Paint and decode TASK for every input; one bad file does not stop the others (exit code 1)."""
    tasks = _task_names(task)
    options = _options(tasks, legend, mode, relative, mirror) | common.task_options(option or [])
    if example:
        options["examples"] = common.example_pairs(example)
    turns = _turns(tasks, then or [], options, tile, bool(example))
    options |= {"mode": mode, "seed": seed, "long_side": long_side, "tile": tile, "mirror": mirror}
    from visiongen.image import list_inputs

    paths = list_inputs(inputs)
    numbers = dict(zip(paths, common.image_numbers(paths), strict=True))
    options["backbone"] = backbone = common.load_backbone(weights)
    told: set[str] = set()
    common.report_inputs(
        paths,
        "predicting",
        lambda path, stem: _predict_one(
            tasks, path, stem, numbers[path], out, options, turns, told, json_target
        ),
        json_target,
        "visiongen.predict/1",
        backbone,
        [_turned("", turn) for turn in range(2, 2 + len(turns))],
        tasks=tasks,
        sample={"mode": mode, "seed": seed, "mirror": mirror},
    )


def _task_names(text: str) -> list[str]:
    """Split ``depth,normals``; every name must be a registered task (UsageError)."""
    from visiongen.registry import TASKS

    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or len(set(names)) != len(names):
        raise UsageError(f"task {text!r}: name one task, or several different ones with commas")
    for name in names:
        TASKS.get(name)
    return names


def _options(tasks: list[str], legend: str | None, mode: str, relative: bool, mirror: bool) -> dict[str, Any]:
    """Check the options against the tasks before weights are loaded."""
    from visiongen.prompt import Legend
    from visiongen.registry import TASKS

    common.check_mode(mode)
    if legend is not None and not any(name == "image" or TASKS.get(name).uses_legend for name in tasks):
        raise UsageError(f"--legend belongs to the task semantic, not to {', '.join(tasks)}; leave it out")
    if relative and "depth" not in tasks:
        raise UsageError(f"--relative belongs to the task depth, not to {', '.join(tasks)}; leave it out")
    if mirror:
        from visiongen.tasks.orders import check_mirror

        check_mirror([TASKS.get(name)() for name in tasks if name != "incontext"])  # its examples decide
    parsed: Legend | None = Legend.parse(legend) if legend is not None else None
    return {"legend": parsed} | ({"relative": True} if relative else {})


def _turns(
    tasks: list[str], turns: list[str], options: dict[str, Any], tile: bool, examples: bool
) -> list[str]:
    """The further turns; UsageError before anything is painted for those that cannot be."""
    if turns and tasks not in (["semantic"], ["image"]):
        raise UsageError(f"--then goes with the task semantic or image alone, not with {', '.join(tasks)}")
    if turns and (tile or examples):
        raise UsageError(f"--then: no further turn after {'--tile' if tile else '--example'}; leave one out")
    if turns:
        from visiongen.tasks.turns import check_turns

        for prompt in _first_prompts(tasks[0], options):
            check_turns(prompt, turns)
    return turns


def _first_prompts(task: str, options: dict[str, Any]) -> list[Prompt]:
    """What the turns start from: of photos one prompt for every source that a map in the batch may name."""
    from visiongen.tasks.image import SOURCES, Image
    from visiongen.tasks.semantic import Semantic

    if task == Semantic.name:
        return [Semantic().prompt(options["legend"])]
    source, extra = options.get("source"), options.get("extra", "")
    return [Image(one, extra=extra).prompt() for one in (SOURCES if source is None else (source,))]


def _predict_one(
    tasks: list[str],
    path: Path,
    stem: str,
    number: int,
    out: Path,
    options: dict[str, Any],
    turns: list[str],
    told: set[str],
    json_target: str | None,
) -> list[dict[str, Any]]:
    """Predict every task for one photo and save, then the further turns; the rows of the report.

    ``number`` is the photo's in COCO's files; ``told`` the notes that stderr has had.
    """
    from visiongen.tasks import ask, predict_many
    from visiongen.tasks.predicting import split_sampling

    rows: list[dict[str, Any]] = []

    def keep(name: str, base: str, prediction: Prediction) -> None:
        prediction.image_id = number
        files = [str(file) for file in prediction.save(out, base)]
        common.say(f"{path}: {name} -> {files[0]}", json_target)
        if (note := prediction.stats.get("note")) and note not in told:  # of a batch once
            told.add(note)
            common.warn(note)
        report = {key: value for key, value in prediction.as_dict().items() if key not in ("schema", "photo")}
        rows.append({"input": str(path), "files": files} | report)

    found = predict_many(tasks, path, **options)
    for name, prediction in zip(tasks, found, strict=True):
        keep(name, stem, prediction)
    last = found[0]
    for turn, words in enumerate(turns, 2):
        chosen = {key: options[key] for key in ("backbone", "mode", "seed")} | split_sampling(options)[1]
        last = ask(last, words, **chosen)
        keep(tasks[0], _turned(stem, turn), last)
    return rows


def _turned(stem: str, turn: int) -> str:
    return f"{stem}.turn{turn}"
