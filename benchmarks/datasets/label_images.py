"""Label pictures: reading them as they are stored, and turning ids or colours into positions in ``classes``.

What is stored stands in the protocol: ``label_ids``, the value of each class in the order of ``classes``, and
``void_ids``, the values that are not scored; for coloured masks ``label_colours`` and ``void_colours``.
Positions are uint8, 255 = not scored. Any other value is an error: a shifted label is worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from visiongen.benchmarks.datasets.files import Sample, require
from visiongen.benchmarks.datasets.listed import DenseFiles
from visiongen.errors import InputError, MissingDataError
from visiongen.prompt import hex_colour, parse_colour

VOID = 255
OFFICIAL = "use the official labels"  # what to do about a label that cannot be; folders of one's own say more


class LabelledPhotos(DenseFiles):
    """Semantic sets: one label picture a photo."""

    @cached_property
    def table(self) -> np.ndarray:
        """Stored value -> position, int16 (256,); -1 = not a label."""
        return lookup(self.protocol["label_ids"], self.protocol.get("void_ids", ()))

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Positions uint8 (H, W), 255 = not scored."""
        return to_positions(read_index(sample.truth[0]), self.table, sample.truth[0])


class ColouredPhotos(DenseFiles):
    """Semantic sets whose masks are coloured pictures; a colour is matched exactly or not at all."""

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Positions uint8 (H, W), 255 = not scored."""
        path = sample.truth[0]
        return match_colours(read_colours(path), *self.colours, path)

    @cached_property
    def colours(self) -> tuple[np.ndarray, np.ndarray]:
        """Colours uint8 (N, 3) and their positions uint8 (N,)."""
        return colour_table(self.protocol["label_colours"], self.protocol.get("void_colours", ()))


def colour_table(label: Sequence[str], void: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Colours uint8 (N, 3) of "#rrggbb" and their positions uint8 (N,), 255 for the void ones."""
    positions = [*range(len(label)), *[VOID] * len(void)]
    return np.array([parse_colour(c) for c in (*label, *void)], np.uint8), np.array(positions, np.uint8)


def lookup(label_ids: Sequence[int], void_ids: Sequence[int]) -> np.ndarray:
    """Stored value -> position in ``classes``, int16 (256,); 255 = not scored, -1 = no such label."""
    table = np.full(256, -1, np.int16)
    table[list(void_ids)] = VOID
    table[list(label_ids)] = np.arange(len(label_ids))
    return table


def to_positions(stored: np.ndarray, table: np.ndarray, path: Path, remedy: str = OFFICIAL) -> np.ndarray:
    """Positions uint8 (H, W) of stored ids; InputError: one that is no label, with its place."""
    outside = (stored < 0) | (stored >= len(table))
    found = np.where(outside, -1, table[np.where(outside, 0, stored)])
    if (found < 0).any():
        y, x = np.argwhere(found < 0)[0]
        raise InputError(
            f"{path}: value {int(stored[y, x])} at row {y}, column {x} is no label of this set; {remedy}"
        )
    return found.astype(np.uint8)


def match_colours(
    picture: np.ndarray,
    colours: np.ndarray,
    positions: np.ndarray,
    path: Path,
    remedy: str = "use the official masks, never saved again as JPEG or resized",
) -> np.ndarray:
    """Positions uint8 (H, W) of a picture (H, W, 3) in exactly these colours (N, 3); InputError: others."""
    codes, known = _codes(picture), _codes(colours)
    order = known.argsort()
    place = order[np.searchsorted(known[order], codes).clip(0, len(known) - 1)]
    wrong = known[place] != codes
    if wrong.any():
        y, x = np.argwhere(wrong)[0]
        raise InputError(
            f"{path}: colour {hex_colour(picture[y, x])} at row {y}, column {x} is no label of this set; "
            f"{remedy}"
        )
    return positions[place]


def _codes(colours: np.ndarray) -> np.ndarray:
    return colours.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])


def read_index(path: Path, remedy: str = OFFICIAL) -> np.ndarray:
    """Stored ids uint8 (H, W) of a palette or gray picture; InputError: damaged, coloured, or a JPEG.

    A palette is not looked at: its colours may repeat, and gray made of them means nothing.
    """
    return _read(path, ("L", "P", "1"), "not an index PNG of 8 bits", remedy).astype(np.uint8)


def read_colours(path: Path, remedy: str = OFFICIAL) -> np.ndarray:
    """Colours uint8 (H, W, 3) of a lossless mask, an alpha channel dropped; InputError as ``read_index``."""
    return np.ascontiguousarray(_read(path, ("RGB", "RGBA"), "not coloured", remedy)[..., :3])


def _read(path: Path, modes: Sequence[str], what: str, remedy: str) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.format == "JPEG":
                raise InputError(f"{path}: a JPEG, which changes labels; {remedy}")
            if image.mode not in modes:
                raise InputError(f"{path}: mode {image.mode} is {what}; {remedy}")
            return np.array(image)
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        again = "fetch it again" if remedy == OFFICIAL else remedy
        raise InputError(f"{path}: damaged label file ({error}); {again}") from error


def pairs(
    photos: Path,
    photo_end: str,
    truths: Path,
    truth_ends: Sequence[str],
    prefix: str = "",
    cluster: Callable[[str], str] | None = None,
    wanted: Callable[[str], bool] | None = None,
    whole: bool = True,
) -> Sequence[Sample]:
    """Every photo below a folder with the truths of its name below another, by name.

    The name is the path below the folder without ``photo_end``; the id is ``prefix`` and the name.
    ``wanted`` leaves names out. ``whole`` False: a part of a split, whose caller requires all of it at once,
    so that what is missing is told of all. MissingDataError: none at all; one lacks its photo or truth.
    """
    names = sorted(set(_names(photos, photo_end)) | set(_names(truths, truth_ends[0])))
    if wanted is not None:
        names = [name for name in names if wanted(name)]
    if not names:
        raise MissingDataError(f"{truths}: no *{truth_ends[0]} there; complete the dataset")
    found = [
        Sample(
            prefix + name,
            photos / f"{name}{photo_end}",
            tuple(truths / f"{name}{end}" for end in truth_ends),
            cluster=cluster(name) if cluster else "",
        )
        for name in names
    ]
    return require(found, truths) if whole else found


def _names(folder: Path, end: str) -> list[str]:
    found = (path for path in folder.rglob(f"*{end}") if not path.name.startswith("."))
    return [path.relative_to(folder).as_posix()[: -len(end)] for path in found]
