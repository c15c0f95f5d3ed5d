"""Markdown: tables, and a page with generated parts between ``<!-- begin NAME -->`` and its end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from visiongen.errors import InputError

PART = re.compile(r"<!-- begin (\w+) -->\n.*?<!-- end \1 -->", re.S)


def filled(text: str, parts: Mapping[str, str], where: str) -> str:
    """The page with each part's text between its markers; an empty part leaves them with nothing between.

    InputError: the page lacks the markers of a part, or has some that no part fills.
    """
    there = [found[1] for found in PART.finditer(text)]
    if odd := sorted(set(there) ^ set(parts)):
        raise InputError(f"{where}: markers and parts differ: {odd[0]}; write <!-- begin {odd[0]} --> once")
    return PART.sub(lambda found: _between(found[1], parts[found[1]]), text)


def _between(name: str, content: str) -> str:
    return "\n".join([f"<!-- begin {name} -->", *([content] if content else []), f"<!-- end {name} -->"])


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table."""
    return [_row(heads), "|---" * len(heads) + "|", *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
