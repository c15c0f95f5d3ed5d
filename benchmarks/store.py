"""A run's folder: lock, plan, per-image rows. Whatever is on disk is enough to score.

``plan.json``      what is scored: benchmark, split, images, and the key of every (row, image)
``samples.jsonl``  one record a scored image, appended and fsynced; a line cut by a kill is ignored
``result.json``    the scores
``lock``           held (flock) while a run writes; holds its pid
"""

from __future__ import annotations

import fcntl
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from visiongen.errors import MissingDataError, SaveError, UsageError
from visiongen.files import write_json

PLAN, SAMPLES, RESULT, LOCK = "plan.json", "samples.jsonl", "result.json", "lock"


class RunFolder:
    """Reads and writes one run's files."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file: io.FileIO | None = None

    @contextmanager
    def locked(self) -> Iterator[RunFolder]:
        """Hold the folder for writing; UsageError when another run that is alive holds it.

        The lock belongs to the open file, so the system drops it when its holder dies: what a
        killed run leaves behind is stale by itself.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise SaveError(f"{self.path}: cannot write ({error.strerror}); choose another --out") from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                pid = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
                raise UsageError(
                    f"{self.path}: another run (pid {pid}) writes here; wait, or choose another --out"
                ) from None
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
            yield self
        finally:
            if self._file is not None:
                self._file.close()
                self._file = None
            os.close(handle)

    def append(self, record: dict[str, Any]) -> None:
        """Add one record and force it to disk; SaveError when that fails."""
        path = self.path / SAMPLES
        line = json.dumps(record, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        try:
            if self._file is None:
                _end_cut_line(path)
                # Unbuffered: after a full disk nothing is left that close() would try to write again.
                self._file = open(path, "ab", buffering=0)  # noqa: SIM115  (closed with the lock)
            left = memoryview(line)
            while left:
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise SaveError(
                f"{path}: cannot write ({error.strerror}); free space, then run the same again"
            ) from error

    def records(self) -> dict[str, dict[str, Any]]:
        """Key -> record; a repeated key keeps the last. Lines that are not whole are left out."""
        path = self.path / SAMPLES
        found: dict[str, dict[str, Any]] = {}
        if not path.is_file():
            return found
        for line in path.read_bytes().split(b"\n"):
            try:
                record = json.loads(line)
            except ValueError:  # a kill in the middle of a write cuts a line
                continue
            if isinstance(record, dict) and "key" in record:
                found[record["key"]] = record
        return found

    def write_plan(self, plan: dict[str, Any]) -> None:
        """Store the plan, atomically."""
        write_json(self.path / PLAN, plan)

    def plan(self) -> dict[str, Any]:
        """The stored plan; MissingDataError when this is no run's folder."""
        try:
            plan: dict[str, Any] = json.loads((self.path / PLAN).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise MissingDataError(
                f"{self.path}: holds no run ({PLAN} is missing); give a folder made by bench run --out"
            ) from None
        except ValueError as error:
            raise MissingDataError(f"{self.path / PLAN}: damaged ({error}); run again") from None
        return plan

    def write_result(self, result: dict[str, Any]) -> None:
        """Store the scores, atomically."""
        write_json(self.path / RESULT, result)


def _end_cut_line(path: Path) -> None:
    """Close a last line that a kill left open, so that the next record starts on its own."""
    if not path.is_file() or not path.stat().st_size:
        return
    with open(path, "rb+") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")
