"""Reading and checking ``dataset.toml``: every fault names the file, the key, the value and the remedy."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from visiongen.benchmarks.datasets.folder_keys import SPECS, FolderSpec
from visiongen.benchmarks.scoring import scorer_for
from visiongen.errors import MissingDataError, UsageError, VisiongenError
from visiongen.registry import TASKS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "dataset.toml"
_SQUARE = (8, 8)
NOTHING = {  # a truth of each task, to learn which scores there are
    "semantic": np.zeros(_SQUARE, np.uint8),
    "depth": np.ones(_SQUARE, np.float32),
    "normals": np.broadcast_to(np.array([0, 0, 1], np.float32), (*_SQUARE, 3)),
    "salient": np.zeros(_SQUARE, np.float32),
    "matting": np.zeros(_SQUARE, np.float32),
    "edges": np.zeros((*_SQUARE, 1), bool),
    "referring": np.zeros(_SQUARE, bool),
    "instance": np.zeros(_SQUARE, np.int32),
    "panoptic": np.zeros(_SQUARE, np.int32),
}


def load_spec(path: Path) -> tuple[FolderSpec, dict[str, Any]]:
    """The checked file, and its protocol but for the numbers of images.

    MissingDataError: no such file. UsageError: no TOML, or a key or value that cannot be, on one line.
    """
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; a folder dataset needs one (docs/own-data.md)")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML ({error}); correct it") from None
    task = values.get("task")
    if not isinstance(task, str) or task not in SPECS:
        close = difflib.get_close_matches(str(task), SPECS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"choose from {', '.join(SPECS)}"
        said = "missing" if task is None else f"{task!r} is none that a folder can have"
        raise UsageError(f"{path}: task: {said}; {hint}")
    try:
        spec = SPECS[task].model_validate(values)
        own = spec.own()
    except ValidationError as error:
        raise UsageError(f"{path}: {_told(error, task)}") from None
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    table = spec.model_dump(exclude_none=True) | own
    return spec, table | {"long_side": spec.long_side or TASKS.get(task).long_side}


def _told(error: ValidationError, task: str) -> str:
    """The first fault: key, value, remedy; an unknown key before those that may follow from it."""
    errors = sorted(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    first = errors[0]
    key = ".".join(str(part) for part in first["loc"] if not str(part).startswith(("list[", "dict[")))
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"{key}: no such key; {_remedy(key, task)}{more}"
    if first["type"] == "missing":
        return f"{key}: missing; add it{more}"
    reason = str(first["msg"]).removeprefix("Value error, ")
    value = repr(first["input"])
    value = value if len(value) <= 60 else f"{value[:57]}..."
    return f"{key} = {value}: {reason}{more}" if key else f"{reason}{more}"


def _remedy(key: str, task: str) -> str:
    close = difflib.get_close_matches(key, SPECS[task].model_fields, n=1, cutoff=0.7)
    if close:
        return f"did you mean {close[0]!r}?"
    others = [name for name, kind in SPECS.items() if key in kind.model_fields]
    if others:
        return f"it belongs to the task {' or '.join(others)}, this is {task}"
    return f"remove it; {task} has {', '.join(sorted(SPECS[task].model_fields))}"


def check_primary(path: Path, protocol: dict[str, Any]) -> None:
    """UsageError unless the protocol's scorer gives the score that ``primary`` names."""
    try:
        scorer = scorer_for(protocol)
        stats = scorer.stats(NOTHING[protocol["task"]], None)
        known = scorer.table([stats])(np.ones((1, 1)))
    except VisiongenError as error:
        raise UsageError(f"{path}: {error}") from None
    if protocol["primary"] not in known:
        names = {name.lower(): name for name in known}
        close = difflib.get_close_matches(protocol["primary"].lower(), names, n=1)
        hint = (
            f"did you mean {names[close[0]]!r}?"
            if close
            else f"choose from {', '.join(sorted(known)[:12])} ..."
        )
        raise UsageError(f"{path}: primary = {protocol['primary']!r}: no such score; {hint}")
