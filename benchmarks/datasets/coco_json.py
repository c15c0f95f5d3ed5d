"""COCO's JSON files (cocodataset.org, format-data): reading them, and segmentations as masks.

A segmentation is a list of polygons, or run lengths when it is a crowd; pycocotools rasterises both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.errors import InputError, MissingDataError
from visiongen.image import read_image

Runs = dict[str, Any]  # {"size": [h, w], "counts": text}


def read_json(path: Path, tables: Sequence[str]) -> dict[str, Any]:
    """The file's object; MissingDataError: not there. InputError: no JSON, or a table is missing."""
    if not path.is_file():
        raise MissingDataError(f"{path}: missing; complete the dataset")
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise InputError(f"{path}: no JSON ({error}); fetch it again") from error
    for table in tables:
        if not isinstance(content, dict) or not isinstance(content.get(table), list):
            raise InputError(f"{path}: has no list {table!r}; give COCO's annotation file")
    return content  # type: ignore[no-any-return]


def by_id(rows: Iterable[dict[str, Any]], path: Path, what: str) -> dict[int, dict[str, Any]]:
    """Rows by their ``id``; InputError for an id that is missing or occurs twice."""
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        if row.get("id") is None or row["id"] in found:
            raise InputError(f"{path}: {what} id {row.get('id')} is missing or twice there; fetch it again")
        found[row["id"]] = row
    return found


def annotated_photo(path: Path, size: Sequence[int]) -> np.ndarray:
    """A photo as it is stored; InputError when it has not the size (H, W) that it was annotated at."""
    photo = read_image(path, stored=True)
    if photo.shape[:2] != tuple(size):
        raise InputError(f"{path}: {photo.shape[:2]}, but annotated at {tuple(size)}; fetch it again")
    return photo


def to_runs(segmentation: Any, size: tuple[int, int], where: str) -> Runs:
    """A segmentation of an image of ``size`` (h, w) as compressed RLE with text counts: the parts' union.

    InputError, beginning with ``where``: empty, damaged, or run lengths of another size.
    """
    from pycocotools import mask as rle

    height, width = size
    try:
        if isinstance(segmentation, list):
            if not segmentation:
                raise InputError(f"{where}: the segmentation is empty; fetch the annotations again")
            runs = rle.merge(rle.frPyObjects(segmentation, height, width))
        else:
            runs = _checked(segmentation, where)
            if isinstance(runs["counts"], list):
                runs = rle.frPyObjects(runs, *runs["size"])
    except InputError:
        raise
    except Exception as error:  # the C code raises all kinds, TypeError and bare Exception among them
        raise InputError(f"{where}: unreadable segmentation ({error}); fetch it again") from error
    if list(runs["size"]) != [height, width]:
        raise InputError(f"{where}: mask of {runs['size']}, image {[height, width]}; fetch it again")
    counts = runs["counts"]
    text = counts.decode("ascii") if isinstance(counts, bytes) else counts
    return {"size": [height, width], "counts": text}


def _checked(runs: Runs, where: str) -> Runs:
    """Run lengths that fill their image: the C code believes whatever it is given."""
    counts, (height, width) = runs["counts"], runs["size"]
    lengths = np.asarray(counts) if isinstance(counts, list) else _lengths(counts)
    if lengths.min() < 0 or lengths.sum() != height * width:
        raise InputError(f"{where}: the run lengths do not fill {height}x{width}; fetch it again")
    return dict(runs)


def _lengths(text: str | bytes) -> np.ndarray:
    """The numbers in COCO's compressed run lengths (``maskApi.c``, rleFrString), int64 (n,).

    A number is some characters of five bits, lowest first; from the fourth on it is the difference from the
    one two before.
    """
    raw = text.encode("ascii") if isinstance(text, str) else text
    part = np.frombuffer(raw, np.uint8).astype(np.int64) - 48
    end = np.flatnonzero(part & 32 == 0)
    start = np.concatenate([[0], end[:-1] + 1])
    size = end + 1 - start
    part, place = part[: end[-1] + 1], np.arange(end[-1] + 1) - np.repeat(start, size)
    numbers = np.add.reduceat((part & 31) << 5 * place, start)
    numbers -= np.where(part[end] & 16 > 0, 1 << 5 * size, 0)
    for first in (1, 2):
        numbers[first::2] = numbers[first::2].cumsum()
    return numbers


def to_mask(runs: Runs) -> np.ndarray:
    """RLE as bool (H, W)."""
    from pycocotools import mask as rle

    return np.asarray(rle.decode(runs) > 0)
