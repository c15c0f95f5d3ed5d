"""What the commands ``python -m visiongen.benchmarks.NAME`` have in common."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from visiongen.errors import VisiongenError
from visiongen.files import check_report, write_report


def guarded(run: Callable[[argparse.Namespace], int], given: argparse.Namespace) -> int:
    """The exit code of ``run``; a deliberate error is one line on stderr and has its own code.

    A ``json`` that cannot be written is told before the work, not after it.
    """
    try:
        check_report(given.json)
        return run(given)
    except VisiongenError as error:
        print(f"visiongen: {error}", file=sys.stderr)
        return error.exit_code


def tell(report: dict[str, Any], text: str, target: str | None) -> None:
    """``text`` on stdout and the report in the file ``target``; for "-" the report alone on stdout."""
    if target != "-":
        print(text)
    write_report(target, report)
