"""Things named in text as ``package.module:Name``."""

from __future__ import annotations

import importlib
import re
from typing import Any

from visiongen.errors import UsageError

TARGET = r"^\w[\w.]*:\w+$"


def is_target(name: str) -> bool:
    """Whether ``name`` is a module and a name in it."""
    return re.match(TARGET, name) is not None


def imported(target: str, said: str) -> Any:
    """What ``target`` names; UsageError where it cannot be imported. ``said``: where the target was given."""
    module, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"{said} {target!r}: cannot be imported ({error})") from None
