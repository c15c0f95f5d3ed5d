"""Where real data lives: one rule for every dataset, source and benchmark."""

from __future__ import annotations

import os
from pathlib import Path

from visiongen.errors import MissingDataError

DATA_VARIABLE = "VISIONGEN_DATA"


def data_root(argument: str | Path | None = None) -> Path:
    """The folder that holds the data packs: ``argument``, else the variable VISIONGEN_DATA.

    Raises MissingDataError when neither is given or the folder does not exist.
    """
    where, value = "--data", argument
    if value is None:
        where, value = DATA_VARIABLE, os.environ.get(DATA_VARIABLE) or None
    if value is None:
        raise MissingDataError(
            f"data root: not given; pass --data ROOT or set {DATA_VARIABLE} to the folder of packs"
        )
    path = Path(value).expanduser()
    if not path.is_dir():
        raise MissingDataError(
            f"data root {path} (from {where}): no such folder; point it at the folder of packs"
        )
    return path


def pack(name: str, argument: str | Path | None = None) -> Path:
    """The folder of one pack below the data root; MissingDataError when it is not there."""
    root = data_root(argument)
    path = root / name
    if not path.is_dir():
        raise MissingDataError(f"{path}: data pack {name!r} is missing; put it there or change --data")
    return path
