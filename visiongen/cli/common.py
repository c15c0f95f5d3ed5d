"""What several commands share: option types, progress, JSON output, unique output names."""

from __future__ import annotations

import errno
import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visiongen.errors import (
    OUT_OF_MEMORY,
    InputError,
    MissingDataError,
    SaveError,
    UsageError,
    VisiongenError,
    out_of_memory,
)
from visiongen.files import check_report
from visiongen.files import write_report as write_report

if TYPE_CHECKING:
    from visiongen.backbones.base import Backbone

Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the results.")]
Examples = Annotated[
    list[str] | None,
    typer.Option("--example", metavar="PHOTO=MAP", help="What is meant, shown; 1 to 4 times."),
]
LegendText = Annotated[
    str | None,
    typer.Option("--legend", metavar="TEXT", help='Classes and colours: "road=#804080,sky=#8080ff".'),
]
ModeName = Annotated[
    str,
    typer.Option(
        "--mode", help="verified (default), draft (fastest), masked, sequential, sample, diffuse or scales."
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of modes sample, diffuse and scales.")]
LongSide = Annotated[
    int | None,
    typer.Option("--long-side", metavar="PIXELS", help="Longer side painted; default: the task's own."),
]
Tile = Annotated[bool, typer.Option("--tile", help="Paint large photos in overlapping tiles.")]
Mirror = Annotated[
    bool, typer.Option("--mirror", help="The mean with the mirrored photo's answer: better, twice the time.")
]
WeightsName = Annotated[
    str,
    typer.Option(
        "--weights",
        metavar="NAME|FILE",
        help="Weights: see `weights ls`; a file; hf-hub:ORG/REPO[@REVISION], fetched once; or MODULE:NAME, "
        "a backbone of your own (docs/backbone.md).",
    ),
]


JsonTarget = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE|-", help="Write a JSON report; - is stdout.", callback=check_report),
]


def check_mode(mode: str) -> None:
    """Refuse an unknown mode before anything is loaded (UsageError)."""
    from visiongen.backbones.sampler import MODES

    if mode not in MODES:
        raise UsageError(f"--mode {mode!r}: choose one of {', '.join(MODES)}")


#: what --option may not say -> what says it
FLAGS = {name: f"use --{name.replace('_', '-')}" for name in ("mode", "seed", "long_side", "tile", "mirror")}
FLAGS |= {"legend": "use --legend", "backbone": "use --weights"}
FLAGS |= {"tasks": "name them as TASK", "photo": "name it as IMAGE", "photo_name": "it is the file's"}


def task_options(texts: Sequence[str], **lacking: str) -> dict[str, Any]:
    """``["relative=true", "phrase=the red box"]`` as {name: value}: JSON where it is, else text.

    UsageError for what has a flag of its own: it would be one of two that say different things. ``lacking``:
    what to say of those that the command has no flag for.
    """
    found: dict[str, Any] = {}
    flags = FLAGS | lacking
    for text in texts:
        name, sep, value = text.partition("=")
        if not sep or not name.strip():
            raise UsageError(f"--option {text!r}: write NAME=VALUE")
        name = name.strip().replace("-", "_")
        if name in flags:
            raise UsageError(f"--option {name}: {flags[name]}")
        try:
            found[name] = json.loads(value)
        except json.JSONDecodeError:
            found[name] = value
    return found


def example_pairs(texts: Sequence[str]) -> list[tuple[Path, Path]]:
    """``--example``'s words as pairs of paths."""
    return [split_pair(text) for text in texts]


def split_pair(text: str) -> tuple[Path, Path]:
    """``photo.jpg=map.png`` as two paths; a name may hold "=" itself. UsageError without a "="."""
    parts = text.split("=")
    pairs = [("=".join(parts[:i]), "=".join(parts[i:])) for i in range(1, len(parts))]
    if not pairs:
        raise UsageError(f"--example {text!r}: write PHOTO=MAP, two files")
    found = next((pair for pair in pairs if all(Path(name).is_file() for name in pair)), pairs[0])
    return Path(found[0]), Path(found[1])


def load_backbone(weights: str) -> Backbone:
    """The embedded backbone with the named weights, or one's own, ``module:Name``.

    WeightsError when weights are missing or altered; UsageError for a name that makes no backbone.
    """
    from visiongen.imports import is_target
    from visiongen.registry import BACKBONES

    if is_target(weights):
        from visiongen.backbones.imported import made

        return made(weights)
    backbone: Backbone = BACKBONES.get("embedded").load(weights)
    return backbone


def say(text: str, json_target: str | None = None) -> None:
    """A result line: stdout, or stderr when stdout belongs to the JSON report.

    What the stream's encoding lacks (a file's name that is not UTF-8, ASCII terminals) is shown as an escape.
    """
    stream = sys.stderr if json_target == "-" else sys.stdout
    encoding = stream.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)


def warn(text: str) -> None:
    """A remark on stderr about work that goes on."""
    print(f"visiongen: note: {text}", file=sys.stderr, flush=True)


def stem_of(path: Path) -> str:
    """The path's stem as an output's name: text, so bytes that are not UTF-8 become %E9."""
    return re.sub("[\udc80-\udcff]", lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", path.stem)


def unique_stems(paths: Sequence[Path], ends: Sequence[str] = ()) -> list[str]:
    """One output name a path: its stem, made unique (``a/x.jpg``, ``b/x.png`` -> x, x-2).

    ``ends``: of further names that each path gets (``.turn2``), unique too.
    """
    taken: set[str] = set()
    stems = []
    for path in paths:
        own = stem_of(path)
        stem, number = own, 2
        while taken & (names := {stem, *(f"{stem}{end}" for end in ends)}):
            stem, number = f"{own}-{number}", number + 1
        taken |= names
        stems.append(stem)
    return stems


def image_numbers(paths: Sequence[Path]) -> list[int]:
    """One number a path for COCO's files: the digits that its name ends with (``000000139.jpg`` is 139).

    The place in the batch, from 1 on, for all of them where one has no digits or two have the same number.
    """
    ends = [re.search(r"[0-9]+$", path.stem) for path in paths]
    numbers = [int(end[0]) for end in ends if end]
    return numbers if len(set(numbers)) == len(paths) else list(range(1, len(paths) + 1))


def each_input(
    paths: Sequence[Path],
    what: str,
    work: Callable[[Path, str], Iterable[dict[str, Any]]],
    results: list[dict[str, Any]],
    failed: list[dict[str, str]],
    ends: Sequence[str] = (),
) -> None:
    """Add the rows of ``work(path, unique stem)`` for every path to ``results``, what fails to ``failed``.

    An input that is bad (InputError), not there, too large for the memory or of too long a name is one line
    on stderr and does not stop the others; any other error (a full disk) does, and is raised again. Rows that
    ``work`` yields one by one are kept where it ends in the middle.
    """
    with progress(len(paths), what) as step:
        for path, stem in zip(paths, unique_stems(paths, ends), strict=True):
            try:
                results += work(path, stem)
            except Exception as error:
                told = _told(path, error)
                failed.append({"input": str(path), "error": told})
                if not _of_one_input(error):
                    raise
                print(f"visiongen: {told}", file=sys.stderr)
            step(path.name)


def _told(path: Path, error: Exception) -> str:
    """The error in words that name the input; what nobody foresaw with its kind."""
    text = str(error) if isinstance(error, VisiongenError) else f"{type(error).__name__}: {error}"
    text = OUT_OF_MEMORY if out_of_memory(error) else text
    return text if path.name in text else f"{path}: {text}"


def _of_one_input(error: Exception) -> bool:
    """Whether the next input may do better."""
    cause = error.__cause__
    named = isinstance(error, SaveError) and isinstance(cause, OSError) and cause.errno == errno.ENAMETOOLONG
    return named or out_of_memory(error) or isinstance(error, (InputError, MissingDataError))


def report_inputs(
    paths: Sequence[Path],
    what: str,
    work: Callable[[Path, str], Iterable[dict[str, Any]]],
    json_target: str | None,
    schema: str,
    backbone: Backbone | None = None,
    ends: Sequence[str] = (),
    **more: Any,
) -> None:
    """``each_input``, then its JSON report with ``more`` in it; exit code 1 if any input failed.

    What stops the command (a full disk, Ctrl-C) leaves the report of what was done until then; the input at
    which an error stopped it is among those that failed.
    """
    started = time.perf_counter()
    results: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    try:
        each_input(paths, what, work, results, failed, ends)
    finally:
        report: dict[str, Any] = {"schema": schema, **more, "results": results, "failed": failed}
        if backbone is not None:
            from visiongen.backbones.base import provenance

            report["weights"] = provenance(backbone)
        write_report(json_target, report | {"seconds": round(time.perf_counter() - started, 3)})
    exit_if_failed(failed, len(paths))


def exit_if_failed(failed: Sequence[object], total: int) -> None:
    """Exit code 1, and how many of ``total`` inputs failed on stderr, if any did."""
    if failed:
        print(f"visiongen: {len(failed)} of {total} inputs failed", file=sys.stderr)
        raise typer.Exit(1)


@contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[str], None]]:
    """Yield ``step(label)``, which moves a bar on stderr; silent where stderr is no terminal."""
    if not sys.stderr.isatty() or total < 2:
        yield lambda label: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        row = bar.add_task(what, total=total)
        yield lambda label: bar.update(row, advance=1, description=f"{what} {label}")
