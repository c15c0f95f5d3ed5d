"""Unlabelled photos: the order "photo" painted from nothing, and food for the tokenizer."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from visiongen.data import data_root
from visiongen.errors import InputError, MissingDataError
from visiongen.training import holes
from visiongen.training.augment import jitter, random_view
from visiongen.training.batches import Batch, BatchBuilder, photo_prompt
from visiongen.training.reading import decode_rgb
from visiongen.training.source_base import Size, Source, check_scale

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


class PhotoSource(Source):
    """Random windows of the photos in ``folders`` (below the data root, or absolute).

    An entry may be a folder (searched recursively) or a zip file. ``scale``: side of the window
    against the largest one. ``hold_out``: every N-th file, in sorted order, is never used. ``fill``: share
    of the photos that are given with a hole, which is to be filled; the others come from nothing.
    Encoded files stay in memory, decoded ones do not.
    """

    name = "photos"

    def __init__(
        self,
        *,
        folders: Sequence[str] = ("imagenet1k_sample256/images", "bsds500/train/images"),
        size: Size = (128, 128),
        batch: int = 8,
        scale: tuple[float, float] = (0.4, 1.0),
        flips: bool = True,
        jitter: float = 0.3,
        hold_out: int = 20,
        fill: float = 0.0,
        data: str | None = None,
    ) -> None:
        super().__init__(size=size, batch=batch, data=data)
        self.folders, self.hold_out = tuple(folders), hold_out
        self.scale = check_scale(scale, self.name)
        self.flips, self.jitter, self.fill = flips, jitter, fill
        self._files: list[tuple[str, bytes]] = []

    def prepare(self) -> None:
        """Read the encoded files once."""
        if self._files:
            return
        for entry in self.folders:
            found = encoded(entry, self.data)
            if self.hold_out > 1:
                found = [f for i, f in enumerate(found) if i % self.hold_out]
            self._files.extend(found)
        if not self._files:
            told = ", ".join(self.folders)
            raise MissingDataError(f"source photos: {told}: no photo (every {self.hold_out}th is held out)")

    def batch(self, index: int, seed: int) -> Batch:
        """``batch`` photos as targets: of one shared blank input, or of themselves with a hole."""
        self.prepare()
        rng = self.generator(index, seed)
        size = self.draw_size(rng)
        builder = BatchBuilder(size)
        blank = builder.photo(None)
        for number in rng.integers(len(self._files), size=self.count):
            name, data = self._files[number]
            image = decode_rgb(data, name)
            view = random_view((image.shape[0], image.shape[1]), size, rng, self.scale, self.flips)
            seen = jitter(view.photo(image), rng, self.jitter)
            if rng.uniform() < self.fill:
                given, order = holes.fill_order(np.ascontiguousarray(seen), rng)
                builder.target(builder.photo(given), order.prompt, order.map, order.valid)
            else:
                builder.target(blank, photo_prompt(), np.ascontiguousarray(seen))
        return builder.build()


def encoded(entry: str, data: str | None = None) -> list[tuple[str, bytes]]:
    """Names and bytes of the photos of a folder or zip file, below the data root or absolute, in order."""
    path = Path(entry)
    path = path if path.is_absolute() else data_root(data) / entry
    return _zip_files(path) if path.suffix == ".zip" else _folder_files(path)


def _folder_files(path: Path) -> list[tuple[str, bytes]]:
    files = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES) if path.is_dir() else []
    if not files:
        raise MissingDataError(f"{path}: no photos there; check the source's folders and --data")
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
