"""A backbone of one's own on the command line: ``--weights package.module:Name``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from visiongen.backbones.base import Backbone
from visiongen.errors import UsageError
from visiongen.imports import imported


def made(target: str) -> Backbone:
    """Call ``Name`` (a class, or a function) of ``package.module`` without arguments; the folder it is asked
    from is searched, too.

    UsageError where it cannot be imported, or makes no Backbone. What it raises itself is let through.
    """
    with _here():
        make = imported(target, "--weights")
        found = make() if callable(make) else make
    if not isinstance(found, Backbone):
        kind = type(found).__name__
        raise UsageError(
            f"--weights {target!r}: makes a {kind}; derive it from visiongen.backbones.base.Backbone"
        )
    return found


@contextmanager
def _here() -> Iterator[None]:
    """The current folder among those that modules are looked for in, as ``python -m`` has it."""
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
