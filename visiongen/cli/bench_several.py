"""Several benchmarks in one command: what one of them lacks does not stop the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from visiongen.cli.bench_text import describe
from visiongen.cli.common import say, write_report
from visiongen.errors import MissingDataError, UnfinishedError

if TYPE_CHECKING:
    from visiongen.benchmarks.shards import Shard

MANY = "visiongen.bench-many/1"  # what --json holds for several names: {"schema", "results": [...]}


@dataclass
class Several:
    """The results of a command's ``count`` benchmarks: what one of them lacks does not stop the others."""

    count: int
    shard: Shard
    json_target: str | None
    results: list[dict[str, Any]] = field(default_factory=list)
    lacking: list[MissingDataError] = field(default_factory=list)

    @contextmanager
    def one(self, name: str) -> Iterator[None]:
        """Around the work on one benchmark. A part that others must complete is done, and no error.

        MissingDataError is raised where it is the only benchmark, or by torchrun's ranks, which would wait
        for each other at different ones.
        """
        try:
            yield
        except MissingDataError as error:
            if isinstance(error, UnfinishedError) and self.shard.count > 1 and not self.shard.launched:
                part = f"{self.shard.index + 1}/{self.shard.count}"
                say(f"part {part} of {name} is done; {error}", self.json_target)
            elif self.count == 1 or self.shard.launched:
                raise
            else:
                typer.echo(f"visiongen: {name}: {error}", err=True)
                self.lacking.append(error)

    def add(self, result: dict[str, Any], folder: Path) -> None:
        """Keep a result and tell it, once where ranks share it."""
        self.results.append(result)
        if self.shard.first or not self.shard.launched:
            for line in describe(result):
                say(line, self.json_target)
            say(f"written to {folder}", self.json_target)

    def finish(self) -> None:
        """The JSON report, the failures on stderr, and the exit code.

        3 if a benchmark lacks something, else 1 if an image failed.
        """
        if self.results and (self.shard.first or not self.shard.launched):
            alone = len(self.results) == 1 and not self.lacking
            report = self.results[0] if alone else {"schema": MANY, "results": self.results}
            write_report(self.json_target, report)
            failures = [failure for result in self.results for failure in result["failures"]]
            if self.lacking:
                tell_failures(failures)
            else:
                exit_if_any(failures)
        if self.lacking:
            raise typer.Exit(self.lacking[0].exit_code)


def tell_failures(failures: list[dict[str, str]]) -> None:
    """The first failures of rows on stderr."""
    for failure in failures[:20]:
        typer.echo(f"failed: {failure['row']} {failure['id']}: {failure['error']}", err=True)


def exit_if_any(failures: list[dict[str, str]]) -> None:
    """:func:`tell_failures`, and exit code 1 if there are any."""
    tell_failures(failures)
    if failures:
        raise typer.Exit(1)
