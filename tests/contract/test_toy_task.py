"""A new task is one file and one registry line; the contract tests then hold for it as they stand."""

from __future__ import annotations

import inspect
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from visiongen.registry import TASKS

sys.path.insert(0, str(Path(__file__).parent))
import test_tasks

TOY = '''
"""How wet a surface looks: a task made up for this test."""

from dataclasses import dataclass
from typing import ClassVar

from visiongen.prompt import Legend
from visiongen.tasks.gray_task import GrayTask, two_colours


@dataclass(frozen=True)
class Wetness(GrayTask):
    """Paint wet things white."""

    name: ClassVar[str] = "wetness"
    text: ClassVar[str] = "how wet it looks"
    reverse_text: ClassVar[str] = "photo from wetness"
    legend: ClassVar[Legend] = two_colours("wet", "dry")
'''
CONTRACT = [f for n, f in vars(test_tasks).items() if n.startswith("test_") and f.__module__ == "test_tasks"]


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a task whose file lies outside the package."""
    folder = tmp_path / "plugin"
    folder.mkdir()
    (folder / "wetness_task.py").write_text(TOY)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(TASKS, "_targets", dict(TASKS._targets))
    TASKS.add("wetness", "wetness_task:Wetness")  # the one line
    yield "wetness"
    TASKS._loaded.pop("wetness", None)
    sys.modules.pop("wetness_task", None)


def cases(test: Any) -> Iterator[dict[str, Any]]:
    """The arguments of every case that ``parametrize`` makes of ``test``, but for the task's name."""
    marks = [m for m in getattr(test, "pytestmark", []) if m.name == "parametrize" and m.args[0] != "name"]
    for values in itertools.product(*(m.args[1] for m in marks)):
        yield {m.args[0]: value for m, value in zip(marks, values, strict=True)}


@pytest.mark.parametrize("test", CONTRACT, ids=lambda test: test.__name__)
def test_a_toy_task_keeps_the_contract(
    test: Any, toy: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for number, case in enumerate(cases(test)):
        given: dict[str, Any] = {"name": toy} | case
        for wanted in inspect.signature(test).parameters:
            if wanted == "tmp_path":
                given[wanted] = tmp_path / str(number)
                given[wanted].mkdir()
            elif wanted not in given:
                given[wanted] = request.getfixturevalue(wanted)
        test(**given)


def test_the_contract_is_not_empty() -> None:
    assert len(CONTRACT) >= 7
