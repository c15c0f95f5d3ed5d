"""The weights that ship with the package: what they are, where they lie, whether they are whole.

``manifest.toml`` holds one ``[[weights]]`` table a file; the files lie beside it.
"""

from __future__ import annotations

if __name__ != "visiongen.weights":
    raise ImportError("import this package as visiongen.weights, not by its folder name")

import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from visiongen.errors import WeightsError
from visiongen.files import sha256

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent
MANIFEST = "manifest.toml"


@dataclass(frozen=True)
class Entry:
    """One file of weights, as the manifest describes it."""

    name: str  # what --weights and load() take
    file: str  # file name beside the manifest
    sha256: str  # of the file, hex
    bytes: int  # size of the file
    licence: str  # SPDX identifier of the weights
    source: str  # who made them; attribution where they start from other weights
    training_data: str  # what they were trained on, with licences
    minutes: float  # of training
    hardware: str = ""  # what the minutes were spent on
    card: str = ""  # file name of the model card
    kind: str = "backbone"  # backbone | specialist

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict."""
        return asdict(self)


def remedy(root: Path | None = None) -> str:
    """How what is missing or damaged in a folder of weights (None: the package's) comes back."""
    if root is None or root.resolve() == ROOT.resolve():
        return "reinstall visiongen"
    return "copy or pack them there again, or check the folder"


def list(root: Path | None = None) -> tuple[Entry, ...]:
    """Every entry of the manifest, in its order; WeightsError for an unreadable manifest."""
    manifest = (root or ROOT) / MANIFEST
    try:
        tables = tomllib.loads(manifest.read_text(encoding="utf-8")).get("weights", [])
    except FileNotFoundError:
        raise WeightsError(f"{manifest}: missing; {remedy(root)}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WeightsError(f"{manifest}: not TOML ({error}); {remedy(root)}") from None
    entries = tuple(_entry(table, manifest) for table in tables)
    names = [one.name for one in entries]
    if twice := sorted(name for name in set(names) if names.count(name) > 1):
        raise WeightsError(f"{manifest}: {twice[0]!r} is entered twice; keep one of the two")
    return entries


def _entry(table: dict[str, Any], manifest: Path) -> Entry:
    known = {f.name for f in fields(Entry)}
    if unknown := sorted(set(table) - known):
        raise WeightsError(f"{manifest}: unknown key {unknown[0]!r}; the keys are {sorted(known)}")
    try:
        return Entry(**table)
    except TypeError as error:
        raise WeightsError(f"{manifest}: entry {table.get('name')!r}: {error}") from None


def entry(name: str, root: Path | None = None) -> Entry:
    """The manifest's entry called ``name``; WeightsError names the ones there are."""
    entries = list(root)
    for found in entries:
        if found.name == name:
            return found
    names = ", ".join(e.name for e in entries) or "none"
    raise WeightsError(f"weights {name!r}: not in the manifest; there are: {names}")


def path(name: str, root: Path | None = None) -> Path:
    """Where the file of ``name`` lies; WeightsError when it is not there. Does not verify it."""
    found = (root or ROOT) / entry(name, root).file
    if not found.is_file():
        raise WeightsError(f"{found}: weights {name!r} are missing; {remedy(root)}")
    return found


def check(name: str, root: Path | None = None) -> Path:
    """The path of ``name`` after comparing its size and sha256 with the manifest's."""
    record, file = entry(name, root), path(name, root)
    size = file.stat().st_size
    if size != record.bytes:
        raise WeightsError(
            f"{file}: truncated or altered: expected {record.bytes} bytes, got {size}; {remedy(root)}"
        )
    if (got := sha256(file)) != record.sha256:
        raise WeightsError(
            f"{file}: truncated or altered: expected sha256 {record.sha256}, got {got}; {remedy(root)}"
        )
    return file


def verify(root: Path | None = None) -> tuple[tuple[Entry, str], ...]:
    """Check every entry: pairs (entry, "") when whole, (entry, what is wrong) otherwise."""
    results = []
    for record in list(root):
        try:
            check(record.name, root)
            results.append((record, ""))
        except WeightsError as error:
            results.append((record, str(error)))
    return tuple(results)
