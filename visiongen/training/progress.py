"""A progress bar on stderr, only where stderr is a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from visiongen.training.loop import State
    from visiongen.training.schedule import Schedule


class Progress:
    """Context manager; ``update`` costs nothing when there is no terminal."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
            text = TextColumn("{task.description}")
            self._bar = Bar(*columns, text, console=Console(stderr=True))
            self._bar.start()
            self._task = self._bar.add_task("training", total=1.0)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, state: State, row: dict[str, float]) -> None:
        """Show where the run stands."""
        if self._bar is None:
            return
        done = self.schedule.progress(state.step, state.seconds)
        text = f"step {state.step}  loss {row['loss']:.4f}  {state.step_seconds:.2f} s/step"
        self._bar.update(self._task, completed=done, description=text)
