"""A run's folder: locks, plan, painted maps, per-image rows. Whatever is on disk is enough to score.

``plan.json``        what is scored: benchmark, split, images, and the keys of every (row, image)
``maps/ROW-ID8/``    what the painters left, see :mod:`visiongen.benchmarks.sheets`
``painted.jsonl``    one record a painted image, appended and fsynced; a line cut by a kill is ignored
``samples.jsonl``    one record a scored image, the same
``result.json``      the scores
``lock``             held (flock) while a run writes; holds its pid

A run of several parts has ``painted-1of4.jsonl`` and so on; reading takes all of them together.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from visiongen.benchmarks.shards import Shard
from visiongen.benchmarks.sheets import Sheet, read_sheet, whole
from visiongen.errors import MissingDataError, SaveError
from visiongen.files import write_json
from visiongen.locks import held

PLAN, SAMPLES, PAINTED, RESULT, LOCK = "plan.json", "samples.jsonl", "painted.jsonl", "result.json", "lock"
MAPS = "maps"
Record = dict[str, Any]


class RunFolder:
    """Reads and writes one run's files; ``shard`` says which part of the run this process is."""

    def __init__(self, path: str | Path, shard: Shard | None = None) -> None:
        self.path = Path(path)
        self.shard = shard or Shard()
        self._files: dict[str, io.FileIO] = {}

    @contextmanager
    def locked(self) -> Iterator[RunFolder]:
        """Hold the folder for writing; UsageError when another run that is alive holds it.

        Parts of one run share it, but each part belongs to one process.
        """
        with self._lock(LOCK, shared=self.shard.count > 1):
            if self.shard.count == 1:
                yield self
                return
            with self._lock(LOCK + self.shard.suffix):
                yield self

    @contextmanager
    def _lock(self, name: str, shared: bool = False) -> Iterator[None]:
        with held(self.path / name, shared):
            try:
                yield
            finally:
                while self._files:
                    self._files.popitem()[1].close()

    def append(self, record: Record) -> None:
        """Add the record of a scored image and force it to disk; SaveError when that fails."""
        self._append(SAMPLES, record)

    def append_painted(self, record: Record) -> None:
        """Add the record of a painted image, after its maps."""
        self._append(PAINTED, record)

    def _append(self, name: str, record: Record) -> None:
        path = self._part(name)
        line = json.dumps(record, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        try:
            if name not in self._files:
                _end_cut_line(path)
                # Unbuffered: after a full disk nothing is left that close() would try to write again.
                self._files[name] = open(path, "ab", buffering=0)  # noqa: SIM115  (closed with the lock)
            file, left = self._files[name], memoryview(line)
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError as error:
            raise SaveError(
                f"{path}: cannot write ({error.strerror}); free space, then run the same again"
            ) from error

    def records(self) -> dict[str, Record]:
        """Key -> record of a scored image. Of a repeated key one without an error is kept, else the last."""
        return self._read(SAMPLES)

    def painted(self) -> dict[str, Record]:
        """Key -> record of a painted image."""
        return self._read(PAINTED)

    def _part(self, name: str) -> Path:
        stem, suffix = name.split(".")
        return self.path / f"{stem}{self.shard.suffix}.{suffix}"

    def _read(self, name: str) -> dict[str, Record]:
        stem, suffix = name.split(".")
        found: dict[str, Record] = {}
        parts = [self.path / name, *sorted(self.path.glob(f"{stem}-*of*.{suffix}"))]
        # The file that was written to last has the last word about a key.
        for path in sorted(filter(Path.is_file, parts), key=lambda one: one.stat().st_mtime_ns):
            with open(path, "rb") as file:
                for line in file:
                    try:
                        record = json.loads(line)
                    except ValueError:  # a kill in the middle of a write cuts a line
                        continue
                    if not isinstance(record, dict) or "key" not in record:
                        continue
                    before = found.get(record["key"])
                    if before is None or before.get("error") or not record.get("error"):
                        found[record["key"]] = record
        return found

    def maps(self, row: str, identity: str) -> Path:
        """Folder of one painter's maps."""
        return self.path / MAPS / f"{row}-{identity[:8]}"

    def is_whole(self, record: Record) -> bool:
        """Whether everything that was painted is there as it was written."""
        return bool(record["error"]) or whole(self.path / MAPS / record["folder"], record["files"])

    def sheets(self, record: Record) -> dict[str, Sheet]:
        """Part -> sheet of a painted image; InputError for a file that is not what was written."""
        folder, parts = self.path / MAPS / record["folder"], record["parts"]
        return {
            part: read_sheet(folder, record["id"], part if len(parts) > 1 else None, record["files"])
            for part in parts
        }

    def write_plan(self, plan: dict[str, Any]) -> None:
        """Store the plan, atomically."""
        write_json(self.path / PLAN, plan)

    def plan(self) -> dict[str, Any]:
        """The stored plan; MissingDataError when this is no run's folder."""
        try:
            plan: dict[str, Any] = json.loads((self.path / PLAN).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
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
