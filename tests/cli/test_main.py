"""The command line's manners: speed of --help, exit codes, one-line errors, closed pipes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from typing import Any

import pytest
import typer.main

from visiongen import __version__
from visiongen.cli import main as cli
from visiongen.errors import InputError, MissingDataError, SaveError, UsageError, WeightsError


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "visiongen", *arguments]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)


def commands(group: Any, path: str = "") -> list[str]:
    """Every command and group below, as it is typed."""
    found = []
    for name, one in sorted(getattr(group, "commands", {}).items()):
        found += [f"{path}{name}", *commands(one, f"{path}{name} ")]
    return found


COMMANDS = commands(typer.main.get_command(cli.app))


def test_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"visiongen {__version__}\n")


def test_help_is_quick_and_names_every_command() -> None:
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = run("--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert done.returncode == 0
    assert min(seconds) < 0.5  # processor time: the wall clock of a busy machine proves nothing
    for name in COMMANDS:
        assert " " in name or f"\n  {name} " in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    done = run(*command.split(), "--help")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 5


@pytest.mark.parametrize("arguments", [["nosuch"], ["predict"], ["predict", "depth", "x", "--seed", "two"]])
def test_usage_errors_exit_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and done.stdout == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("a.jpg: zero bytes; replace it"), 1),
        (SaveError("out: cannot write; free space"), 1),
        (UsageError("task 'x': choose depth"), 2),
        (MissingDataError("nothing: no such file; check the path"), 3),
        (WeightsError("tiny: altered; reinstall"), 3),
        (KeyboardInterrupt(), 130),
        (MemoryError(), 1),
        (RuntimeError("two\nlines"), 1),
    ],
)
def test_errors_become_one_line_and_an_exit_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(arguments: object) -> int:
        raise error

    monkeypatch.setattr(cli, "_run", fail)
    monkeypatch.delenv("VISIONGEN_DEBUG", raising=False)
    assert cli.main([]) == code
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1
    assert shown.err.startswith("visiongen: ")
    if code != 130 and str(error):
        assert " ".join(str(error).split()) in shown.err


def test_debug_shows_the_traceback() -> None:
    done = run("predict", "segment", "x", env={**os.environ, "VISIONGEN_DEBUG": "1"})
    assert done.returncode == 2
    assert "Traceback" in done.stderr and "did you mean 'semantic'" in done.stderr


def test_interrupt_inside_a_command_exits_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("visiongen.weights.list", interrupted)
    assert cli.main(["weights", "ls"]) == 130


def test_a_closed_pipe_leaves_no_traceback() -> None:
    command = f"{sys.executable} -m visiongen --help | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stderr == ""
