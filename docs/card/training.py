"""What ships, and the runs that made it: sizes from the files, minutes from weights/training.toml."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

from visiongen import weights
from visiongen.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE = weights.ROOT / "training.toml"


def runs(path: Path = TABLE) -> list[dict[str, Any]]:
    """The ``[[run]]`` tables: weights, recipe, minutes, steps, what; InputError for another form."""
    try:
        found: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["run"]
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{path}: no table of runs ({error}); write [[run]] tables") from None
    kinds = {"weights": str, "recipe": str, "minutes": (int, float), "steps": int, "what": str}
    for number, run in enumerate(found, 1):
        if set(run) != set(kinds) or not all(isinstance(run[k], kind) for k, kind in kinds.items()):  # type: ignore[arg-type]
            raise InputError(f"{path}: run {number} needs exactly {', '.join(kinds)}; correct it")
    return found


def minutes_of(name: str, path: Path = TABLE) -> float:
    """Sum of the minutes of everything behind the weights ``name``."""
    return float(sum(run["minutes"] for run in runs(path) if run["weights"] == name))


def problems(path: Path = TABLE) -> list[str]:
    """Where the table and the manifest disagree: minutes, and recipes that the manifest does not name."""
    found = []
    for entry in weights.list():
        total, named = minutes_of(entry.name, path), set(re.findall(r"[\w-]+", entry.source))
        if not math.isclose(total, entry.minutes, abs_tol=0.5):
            found.append(f"{path.name}: {entry.name} {total:g} minutes, in the manifest {entry.minutes:g}")
        for run in runs(path):
            if run["weights"] == entry.name and run["recipe"] not in named:
                found.append(f"{path.name}: recipe {run['recipe']} is not named in the manifest's source")
    return found


def table(path: Path = TABLE) -> str:
    """A line a run, the sums below."""
    lines = ["| recipe | minutes | steps | what |", "|---|---|---|---|"]
    for run in runs(path):
        lines.append(f"| `{run['recipe']}` | {run['minutes']:g} | {run['steps'] or '-'} | {run['what']} |")
    made = [run["weights"] for run in runs(path)]
    for name in dict.fromkeys(name for name in made if made.count(name) > 1):
        lines.append(f"| **{name}** | **{minutes_of(name, path):g}** | | |")
    return "\n".join(lines)


def sizes(name: str) -> str:
    """A sentence on one file of weights: bytes, parameters of each part, minutes, hardware, digest."""
    entry = weights.entry(name)
    parts: dict[str, int] = {}
    for tensor, shape in shapes(weights.path(name)).items():
        part = tensor.partition(".")[0]
        parts[part] = parts.get(part, 0) + math.prod(shape)
    told = " and ".join(f"a {part} of {count / 1e6:.1f} M" for part, count in sorted(parts.items()))
    return (
        f"`{entry.file}`: {entry.bytes / 1e6:.1f} MB, {told} parameters; trained from random weights for "
        f"{entry.minutes / 60:.1f} hours ({entry.hardware}). Licence {entry.licence}, sha256 "
        f"`{entry.sha256[:16]}`."
    )


def shapes(path: Path) -> dict[str, list[int]]:
    """Tensor -> shape, from the header of a safetensors file alone."""
    return {name: told["shape"] for name, told in header(path).items() if name != "__metadata__"}


def header(path: Path) -> dict[str, Any]:
    """The JSON header of a safetensors file: read without torch, and without its tensors."""
    with open(path, "rb") as file:
        found: dict[str, Any] = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return found
