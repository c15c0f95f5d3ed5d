"""Photos of folders and zip files, kept as they are encoded: many fit into memory so, few decoded."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from visiongen.data import data_root
from visiongen.errors import InputError, MissingDataError
from visiongen.training.sources.reading import decode_rgb

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


class EncodedPhotos:
    """The photos of ``folders``, searched recursively, or zip files: below the data root, or absolute.

    In the order of their names, folder by folder. ``hold_out``: every so many-th of each folder, from the
    first on, is left out; up to 1 none is. MissingDataError: no photos there, or no such file;
    InputError: a damaged zip file, or a photo that cannot be read when it is asked for.
    """

    def __init__(self, folders: Sequence[str], data: str | None = None, hold_out: int = 0) -> None:
        self._files = [
            file
            for entry in folders
            for number, file in enumerate(_encoded(entry, data))
            if hold_out <= 1 or number % hold_out
        ]

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, number: int) -> np.ndarray:
        name, data = self._files[number]
        return decode_rgb(data, name)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """One of them, uint8 RGB (H, W, 3)."""
        return self[int(rng.integers(len(self)))]


def _encoded(entry: str, data: str | None) -> list[tuple[str, bytes]]:
    """Names and bytes of the photos of one folder or zip file, in order."""
    path = Path(entry)
    path = path if path.is_absolute() else data_root(data) / entry
    files = _zip_files(path) if path.suffix == ".zip" else _folder_files(path)
    if not files:
        raise MissingDataError(f"{path}: no photos there; check the source's folders and --data")
    return files


def _folder_files(path: Path) -> list[tuple[str, bytes]]:
    files = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES) if path.is_dir() else []
    return [(str(p), p.read_bytes()) for p in files]


def _zip_files(path: Path) -> list[tuple[str, bytes]]:
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; check the source's folders and --data")
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(n for n in archive.namelist() if Path(n).suffix.lower() in SUFFIXES)
            return [(f"{path}/{n}", archive.read(n)) for n in names]
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged zip file ({error}); fetch it again") from None
