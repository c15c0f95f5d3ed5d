"""Where the run of each benchmark lies, unless ``--out`` says it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from visiongen.errors import UsageError
from visiongen.files import sha256

if TYPE_CHECKING:
    from visiongen.benchmarks.base import Benchmark
    from visiongen.benchmarks.runner import Options

BELOW = Path("out") / "bench"


def find_targets(
    names: list[str],
    out: Path | None,
    options: Options,
    weights: str,
    around: Callable[[str], AbstractContextManager[object]] = nullcontext,
) -> list[tuple[Benchmark, Path]]:
    """Each benchmark once, with its run's folder; bad names and splits are told before anything is loaded.

    ``around``: the context in which each is opened; a folder of one's own may lack images.
    """
    from visiongen.benchmarks.runner import get_benchmark
    from visiongen.benchmarks.specialist_row import check_runs

    check_runs(options.specialists)
    targets: dict[Path, Benchmark] = {}
    for name in dict.fromkeys(names):
        with around(name):
            benchmark = get_benchmark(name)
            split = benchmark.split(options.split)
            folder = _folder(out, len(set(names)) > 1, split, options, benchmark.name, weights)
            other = targets.setdefault(folder, benchmark)
            if other is not benchmark:
                raise UsageError(
                    f"{name}: is called {benchmark.name!r} as {other.source} is, so both would be {folder}; "
                    "give each once, and each its own name in dataset.toml"
                )
    return [(benchmark, folder) for folder, benchmark in targets.items()]


def _folder(out: Path | None, several: bool, split: str, options: Options, name: str, weights: str) -> Path:
    from visiongen.backbones.sampler import SEEDED

    if out is not None:
        return out / name if several else out
    parts = [name, split, *_called(weights), options.mode]
    if options.mode in SEEDED and options.seed:
        parts.append(f"seed{options.seed}")
    if options.limit is not None:
        parts.append(f"first{options.limit}")
    if options.legend_seed is not None:
        parts.append(f"legend{options.legend_seed}")
    parts += [f"{name}{value}" for name, value in options.options.items()]
    return BELOW / "-".join(parts)


def _called(weights: str) -> list[str]:
    """Weights in a folder's name: of one name, files are told apart by their bytes, repositories by owner."""
    from visiongen.imports import is_target
    from visiongen.weights import hub

    if is_target(weights):
        return [weights.replace(":", ".")]
    if hub.is_repository(weights):
        return [weights.removeprefix(hub.PREFIX).replace("/", "--")]
    path = Path(weights)
    file = path / hub.MODEL if path.is_dir() else path
    if file.suffix == ".safetensors" and file.is_file():  # many have one name
        return [path.resolve().name if path.is_dir() else path.stem, sha256(file)[:8]]
    return [path.stem]


def answers_folder(name: str, split: str, predictions: Path) -> Path:
    """Of predictions that anyone made: a/preds and b/preds are told apart by their places, and both stay."""
    place = predictions.resolve()
    called = place.name if place.is_dir() else place.stem
    where = hashlib.sha256(os.fsencode(place)).hexdigest()[:8]
    return BELOW / "-".join((name, split, called, where))
