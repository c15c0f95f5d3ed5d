"""The phrases of a referring folder: which words mean which mask of which photo."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from visiongen.errors import InputError, MissingDataError


def read_phrases(path: Path) -> list[dict[str, Any]]:
    """Rows {image, label, phrase, value (int or None)} of a JSON list of tables or a CSV with a head.

    MissingDataError: no such file. InputError: a row that lacks one of the first three, or an odd value.
    """
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; it says which phrase means what (docs/own-data.md)")
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = json.loads(text) if path.suffix == ".json" else list(csv.DictReader(text.splitlines()))
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path}: not readable ({error}); write JSON or CSV in UTF-8") from error
    if not isinstance(rows, list):
        raise InputError(f"{path}: no list of rows; write [{{image, label, phrase}}, ...]")
    found = []
    for number, row in enumerate(rows, 1):
        lacking = [
            key for key in ("image", "label", "phrase") if not isinstance(row, dict) or not row.get(key)
        ]
        if lacking:
            raise InputError(f"{path}: row {number}: {lacking[0]} is missing; give image, label and phrase")
        value = row.get("value")
        try:
            whole = None if value in (None, "") else int(value)
        except (TypeError, ValueError):
            raise InputError(f"{path}: row {number}: value {value!r} is no whole number") from None
        found.append({key: str(row[key]) for key in ("image", "label", "phrase")} | {"value": whole})
    return found
