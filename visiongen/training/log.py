"""The training log: one JSON object a line, cut back to the checkpoint on resume."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

from visiongen.errors import SaveError
from visiongen.files import write_atomic

LOG = "log.jsonl"


class Window:
    """Means of what happened since the last line."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = defaultdict(float)
        self.counts: dict[str, int] = defaultdict(int)
        self.samples = 0
        self.seconds = 0.0
        self.waited = 0.0  # of them, for data

    def add(self, values: dict[str, float]) -> None:
        """Count one step's numbers; parts that a step lacks do not dilute the mean."""
        for name, value in values.items():
            if math.isfinite(value):
                self.sums[name] += value
                self.counts[name] += 1

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {k: dict(v) if isinstance(v, dict) else v for k, v in self.__dict__.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from ``state``."""
        for name, value in state.items():
            if isinstance(value, dict):
                getattr(self, name).update(value)
            else:
                setattr(self, name, value)

    def means(self) -> dict[str, float]:
        """Mean of every part seen."""
        return {name: self.sums[name] / self.counts[name] for name in self.sums}


class Log:
    """Appends rows to ``log.jsonl`` in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOG

    def start(self, step: int) -> None:
        """Drop rows after ``step``: they will be made again."""
        rows = [r for r in read_log(self.path) if r["step"] <= step] if step else []
        write_atomic(self.path, "".join(json.dumps(r) + "\n" for r in rows))

    def write(self, row: dict[str, Any]) -> None:
        """Append one row at once; not-a-number becomes null."""
        clean = {
            k: None if isinstance(v, float) and not math.isfinite(v) else _short(v) for k, v in row.items()
        }
        try:
            with open(self.path, "a") as file:
                file.write(json.dumps(clean) + "\n")
        except OSError as error:
            raise SaveError(f"{self.path}: cannot write ({error.strerror}); free space") from error


def _short(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def read_log(path: Path) -> list[dict[str, Any]]:
    """Rows of a log; a half-written last line (after a kill) is left out."""
    rows = []
    for line in path.read_text().splitlines() if path.is_file() else []:
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows
