"""Benchmark protocols as data: one TOML file a benchmark, with a version.

Any change that can move the score of the same answers raises the version. ``long_side``, at which our
own weights paint, is not of that kind: it is the task's unless a protocol says otherwise, may change with
the weights, and every result records it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REQUIRED = ("name", "version", "task", "primary", "default_split", "splits")


def load_protocol(name: str) -> dict[str, Any]:
    """The table of ``protocols/NAME.toml``, with the task's ``long_side`` where it says none.

    KeyError when a required key is missing, UsageError when there is no ``long_side`` and no such task.
    """
    from visiongen.registry import TASKS

    text = (Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    for key in REQUIRED:
        if key not in table:
            raise KeyError(f"protocol {name}: key {key!r} is missing")
    if "long_side" not in table:
        table["long_side"] = TASKS.get(table["task"]).long_side
    return table
