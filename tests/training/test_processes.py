"""Processes that work together end together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from visiongen.errors import InputError, UsageError, VisiongenError
from visiongen.training.processes import together

SCRIPT = """
import sys, test_processes
from visiongen.training.processes import together
if __name__ == "__main__":
    together(test_processes.wait_for, [(sys.argv[1], n) for n in range(2)], 2)
"""


def note(folder: str, number: int) -> None:
    Path(folder, str(number)).write_text(str(os.getpid()))


def wait_for(folder: str, number: int) -> None:
    note(folder, number)
    time.sleep(60)


def fail(folder: str, number: int) -> None:
    if number == 1:
        raise InputError("the second one")
    if number == 2:
        os._exit(3)
    wait_for(folder, number)


def gone(pid: int) -> bool:
    for _ in range(200):
        try:
            os.kill(pid, 0)
            if "Z" in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]:
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_everything_is_done_in_other_processes(tmp_path: Path) -> None:
    together(note, [(str(tmp_path), n) for n in range(3)], 2)
    pids = {path.read_text() for path in tmp_path.iterdir()}
    assert len(pids) == 3 and str(os.getpid()) not in pids
    with pytest.raises(UsageError, match="--jobs 0"):
        together(note, [], 0)


def test_the_first_failure_ends_the_others(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the second one"):
        together(fail, [(str(tmp_path), n) for n in (0, 1)], 2)
    assert not (tmp_path / "0").exists() or gone(int((tmp_path / "0").read_text()))
    with pytest.raises(VisiongenError, match="exit code 3"):
        together(fail, [(str(tmp_path), 2)], 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_child_outlives_its_parent(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    words = [sys.executable, str(tmp_path / "script.py"), str(tmp_path)]
    parent = subprocess.Popen(words, env=env, stderr=subprocess.DEVNULL)
    files = [tmp_path / "0", tmp_path / "1"]
    while not all(file.exists() and file.read_text() for file in files):
        assert parent.poll() is None
        time.sleep(0.05)
    parent.send_signal(number)
    assert parent.wait(timeout=30)
    assert all(gone(int(file.read_text())) for file in files)
