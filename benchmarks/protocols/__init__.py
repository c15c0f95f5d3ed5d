"""Benchmark protocols as data: one TOML file a benchmark, with a version.

Any change that can move a number raises the version.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REQUIRED = ("name", "version", "task", "primary", "default_split", "splits", "long_side")


def load_protocol(name: str) -> dict[str, Any]:
    """The table of ``protocols/NAME.toml``; KeyError when a required key is missing."""
    text = (Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    for key in REQUIRED:
        if key not in table:
            raise KeyError(f"protocol {name}: key {key!r} is missing")
    return table
