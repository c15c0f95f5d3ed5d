"""Surface normals in DSINE's packaging ``dsine_eval/`` (github.com/baegwangbin/DSINE).

Beside ``NAME_img.png`` lies ``NAME_normal.{png,exr,pkl}``. The stored axes are x left, y up, z to the viewer;
here they become x right, y up, z to the viewer, so x is negated. Truths are unit float32 (H, W, 3), NaN where
nothing is scored.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.datasets.float_images import ORIGINAL, read_exr, read_png8, read_png16
from visiongen.benchmarks.datasets.listed import ListedFiles, stem
from visiongen.errors import InputError

Found = tuple[np.ndarray, np.ndarray]  # normals (H, W, 3) as stored, bool (H, W): there is one
_IMAGE = re.compile(r"_img\.\w+$")


def from_png(
    path: Path, read: Callable[[Path, str], np.ndarray], top: float, remedy: str = ORIGINAL
) -> Found:
    """Normals n = v / ``top`` * 2 - 1 of a picture, black for none; InputError: gray, or of other bits."""
    colours = read(path, remedy)
    _three(path, colours, remedy)
    return colours.astype(np.float32) / np.float32(top) * 2 - 1, colours.astype(np.int64).sum(-1) > 0


def png8(path: Path, size: tuple[int, int]) -> Found:
    """n = v / 255 * 2 - 1; black means none."""
    return from_png(path, read_png8, 255)


def png16(path: Path, size: tuple[int, int]) -> Found:
    """n = v / 65535 * 2 - 1; black means none."""
    return from_png(path, read_png16, 65535)


def exr(path: Path, size: tuple[int, int]) -> Found:
    """Vectors as they are; shorter than 0.5 means none."""
    values = read_exr(path)
    _three(path, values)
    return values, np.linalg.norm(values, axis=-1) > 0.5


def oasis(path: Path, size: tuple[int, int]) -> Found:
    """OASIS' pickle: normals of a box (min_y ... max_x, both ends in it), x and y negated to become LUB."""
    data = read_pickle(path)
    try:
        rows, columns = ((int(data[f"min_{a}"]), int(data[f"max_{a}"]) + 1) for a in "yx")
        inside = np.asarray(data["normal"], np.float32)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: no OASIS normals ({error}); fetch it again") from error
    box = (rows[1] - rows[0], columns[1] - columns[0], 3)
    if inside.shape != box or min(rows[0], columns[0]) < 0 or rows[1] > size[0] or columns[1] > size[1]:
        raise InputError(f"{path}: normals {inside.shape} of a box {box} in {size}; fetch it again")
    values = np.zeros((*size, 3), np.float32)
    values[slice(*rows), slice(*columns)] = inside
    return values * np.array([-1, -1, 1], np.float32), (values != 0).any(-1)


ENCODINGS: dict[str, Callable[[Path, tuple[int, int]], Found]] = {
    "png": png8, "png16": png16, "exr": exr, "pkl": oasis,
}  # fmt: skip


def _three(path: Path, array: np.ndarray, remedy: str = ORIGINAL) -> None:
    if array.ndim != 3 or array.shape[-1] != 3:
        raise InputError(f"{path}: shape {array.shape}, not (H, W, 3); {remedy}")


def to_right(stored: np.ndarray) -> np.ndarray:
    """x left -> x right, or back; (..., 3)."""
    return stored * np.array([-1, 1, 1], np.float32)


def unit(vectors: np.ndarray, there: np.ndarray) -> np.ndarray:
    """float32 (H, W, 3) of length 1, NaN where ``there`` (H, W) is False or the vector is no direction."""
    length = np.linalg.norm(vectors, axis=-1)
    with np.errstate(invalid="ignore"):
        usable = there & (length > 0) & np.isfinite(length)
    return np.where(usable[..., None], vectors / np.where(usable, length, 1)[..., None], np.nan).astype(
        np.float32
    )


class DsineNormals(ListedFiles):
    """Lines ``FOLDER/NAME_img.EXT``; the protocol's ``encoding`` names the reader of the truth."""

    home = "data/datasets"

    def __init__(self, name: str, folder: str) -> None:
        super().__init__(name)
        self.folders = (f"dsine_eval/{folder}", folder)  # type: ignore[misc]

    def line(self, root: Path, columns: Sequence[str]) -> Sample:
        """The photo, its normals, and the folder as cluster where the protocol has clusters."""
        (image,) = columns
        suffix = self.protocol["encoding"].removesuffix("16")
        truth, found = _IMAGE.subn(f"_normal.{suffix}", image)
        if not found:
            raise ValueError(image)
        cluster = image.split("/")[0] if "cluster" in self.protocol else ""
        return Sample(stem(image), root / image, (root / truth,), cluster=cluster)

    def read_truth(self, sample: Sample) -> np.ndarray:
        """See the module."""
        read = ENCODINGS[self.protocol["encoding"]]
        stored, there = read(sample.truth[0], self._size(sample))
        return unit(to_right(stored), there)

    def _size(self, sample: Sample) -> tuple[int, int]:
        if self.protocol["encoding"] != "pkl":
            return 0, 0  # only OASIS' boxes need to know
        photo = self.read_photo(sample)
        return photo.shape[0], photo.shape[1]


class _Unpickler(pickle.Unpickler):
    """Arrays, numbers and words; nothing that could run code."""

    allowed = re.compile(
        r"numpy (ndarray|dtype)|numpy\.(_?core)\.(multiarray|numeric) (_reconstruct|scalar|_frombuffer)"
        r"|_codecs encode"
    )

    def find_class(self, module: str, name: str) -> Any:
        """The constructor, if it is one of numpy's."""
        if not self.allowed.fullmatch(f"{module} {name}"):
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return super().find_class(module, name)


def read_pickle(path: Path) -> Any:
    """A pickle of plain values and arrays, from Python 2 or 3; InputError for anything else in it."""
    try:
        with path.open("rb") as file:
            return _Unpickler(file, encoding="latin1").load()
    except (OSError, EOFError, ValueError, IndexError, KeyError, ImportError, AttributeError,
            pickle.UnpicklingError) as error:  # fmt: skip
        raise InputError(f"{path}: no readable pickle ({error}); fetch it again") from error


NYUV2 = DsineNormals("nyuv2-normals", "nyuv2")
SCANNET = DsineNormals("scannet-normals", "scannet")
IBIMS = DsineNormals("ibims-normals", "ibims")
SINTEL = DsineNormals("sintel-normals", "sintel")
VKITTI = DsineNormals("vkitti-normals", "vkitti")
OASIS = DsineNormals("oasis-normals", "oasis")
