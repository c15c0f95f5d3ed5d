"""A page with generated parts between ``<!-- begin NAME -->`` and ``<!-- end NAME -->``."""

from __future__ import annotations

import re
from collections.abc import Mapping

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
