"""Work in several processes that end together: with their parent, at a signal, at the first failure."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any

import torch

from visiongen.errors import UsageError, VisiongenError
from visiongen.training.stop import handled


def together(work: Callable[..., object], each: Sequence[tuple[Any, ...]], jobs: int) -> None:
    """Call ``work(*words)`` for the words of ``each``, ``jobs`` at once, in processes of one thread.

    What the first of them raises ends the others and is raised here; so do Ctrl-C and SIGTERM
    (KeyboardInterrupt). UsageError for fewer than one job.
    """
    if jobs < 1:
        raise UsageError(f"--jobs {jobs}: give at least 1")
    context = multiprocessing.get_context("spawn")  # a fork would inherit locks of torch's threads
    waiting, running = list(each), list[_Worker]()
    with handled(_interrupt, signal.SIGTERM):
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    running.append(_Worker(context, work, waiting.pop(0)))
                ended = wait([worker.process.sentinel for worker in running])
                for worker in [one for one in running if one.process.sentinel in ended]:
                    running.remove(worker)
                    worker.finish()
        finally:
            for worker in running:
                worker.process.terminate()


class _Worker:
    def __init__(self, context: SpawnContext, work: Callable[..., object], words: tuple[Any, ...]) -> None:
        self.told, tell = context.Pipe(duplex=False)
        self.process: SpawnProcess = context.Process(target=_alone, args=(tell, work, words), daemon=True)
        self.process.start()
        tell.close()

    def finish(self) -> None:
        """Raise what it raised."""
        self.process.join()
        try:
            raise self.told.recv()
        except EOFError:  # nothing was told
            if self.process.exitcode:
                code = self.process.exitcode
                raise VisiongenError(f"a process ended with exit code {code}; see above") from None


def _alone(tell: Connection, work: Callable[..., object], words: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C: the parent ends this one
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    try:
        work(*words)
    except Exception as error:
        tell.send(error)


def _end_with_parent() -> None:
    """A parent that was killed cannot end its children."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _interrupt(*_: object) -> None:
    """SIGTERM as Ctrl-C, so that what was started is ended."""
    raise KeyboardInterrupt
