"""Locks on files: who writes a folder holds one, and the system drops it when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from visiongen.errors import SaveError, UsageError

_handles: set[int] = set()


def _let_go() -> None:
    """A forked child (a worker that loads data) would hold its parent's locks, and outlive it for a while."""
    while _handles:
        os.close(_handles.pop())


os.register_at_fork(after_in_child=_let_go)


@contextmanager
def held(path: Path, shared: bool = False) -> Iterator[None]:
    """Hold the lock ``path`` in the folder of a run, which is made; the file tells the holder's pid.

    UsageError when a process that is alive holds it; what a killed one leaves behind is stale by itself.
    ``shared``: several may hold it, but none alone. SaveError where the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise SaveError(f"{path.parent}: cannot write ({error.strerror}); choose another --out") from error
    _handles.add(handle)
    try:
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError:
            pid = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
            raise UsageError(
                f"{path.parent}: another run (pid {pid}) writes here; wait, or choose another --out"
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        if handle in _handles:  # not in a fork
            _handles.remove(handle)
            os.close(handle)


@contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Wait for the lock ``path`` in a folder that is there, and hold it."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
