"""The pages do not lie: links lead somewhere, commands parse, Python examples run."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import typer.main

from visiongen.cli.main import app

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += sorted((ROOT / "weights").glob("*.md"))
RUN_ELSEWHERE = ("codecs.md", "tasks.md", "prompting.md")  # tests/tasks/test_pages.py, without weights
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.M | re.S)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def commands(text: str) -> list[str]:
    """Every ``visiongen ...`` line of the shell blocks, continuation lines joined."""
    found = []
    for language, block in FENCE.findall(text):
        if language in ("", "bash", "sh", "console", "shell"):
            for line in block.replace("\\\n", " ").splitlines():
                line = line.strip().removeprefix("$ ")
                if line.startswith("visiongen "):
                    found.append(line)
    return found


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    for target in targets:
        if not re.match(r"[a-z]+:|#", target):
            assert (page.parent / target.split("#")[0]).exists(), f"{name(page)}: {target}"


def test_the_index_lists_every_page() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        if page.name != "index.md":
            assert f"({page.relative_to(ROOT / 'docs')})" in index, f"docs/index.md lacks {page.name}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_parse(page: Path) -> None:
    """Every command and option that a page shows exists."""
    for line in commands(page.read_text(encoding="utf-8")):
        words = shlex.split(line.split(" | ")[0].split(" > ")[0], comments=True)[1:]
        command = typer.main.get_command(app)
        while isinstance(getattr(command, "commands", None), dict) and words and words[0] != "--version":
            table = command.commands  # type: ignore[attr-defined]
            assert words[0] in table, f"{name(page)}: {line}"
            command, words = table[words[0]], words[1:]
        try:
            command.make_context(line, list(words))
        except typer.Exit as stop:
            assert getattr(stop, "exit_code", 0) == 0, f"{name(page)}: {line}"


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if p.name not in RUN_ELSEWHERE], ids=name)
def test_python_examples_run(
    page: Path, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ``python`` blocks of a page, one after another in one namespace and an empty folder."""
    blocks = [
        code for language, code in FENCE.findall(page.read_text(encoding="utf-8")) if language == "python"
    ]
    if not blocks:
        return
    request.getfixturevalue("shipped")
    monkeypatch.chdir(tmp_path)
    photo(tmp_path / "photo.jpg")
    namespace: dict[str, object] = {"__name__": "example"}
    for number, code in enumerate(blocks, 1):
        exec(compile(code, f"{name(page)}, example {number}", "exec"), namespace)


def photo(path: Path) -> None:
    """The picture that examples call photo.jpg."""
    from PIL import Image
    from skimage import data

    Image.fromarray(data.coffee()).resize((240, 160)).save(path)


def test_the_page_of_datasets_is_what_the_protocols_say() -> None:
    import runpy

    page = runpy.run_path(str(ROOT / "docs" / "make_datasets.py"))["page"]()
    text = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")
    assert text == page, "run: python docs/make_datasets.py"


def test_the_readme_says_what_the_results_say() -> None:
    """The table of scores, cell by cell; a gap where nothing was measured."""
    found = json.loads((ROOT / "weights" / "tiny.results.json").read_text())["runs"]
    runs, seen = {run["benchmark"]: run for run in found}, 0
    for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines():
        name = re.match(r"\| `([\w-]+)`", line)
        if not name or name[1] not in runs:
            continue
        run, cells = runs[name[1]], [cell.strip(" *`") for cell in line.strip("|").split("|")]
        rows = ("blind", "specialist", "verified", "mirrored", "ceiling")
        for row, cell in zip(rows, cells[2:], strict=True):
            value, seen = run["rows"].get(row, {}).get(run["primary"]), seen + 1
            assert (cell == "") == (value is None), (name[1], row)
            if cell:
                wanted = round(value[0], len(cell.partition(".")[2]))
                assert float(cell) == pytest.approx(wanted), (name[1], row)
    assert seen >= 50
