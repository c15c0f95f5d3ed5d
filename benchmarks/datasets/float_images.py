"""Readers of pictures that hold numbers: 16-bit PNG, EXR, PFM, Sintel's DPT, raw float32, NPY, HDF5.

Every reader returns an array in the file's own units and raises InputError, with the file's name, for a
damaged file or one of another kind: a 16-bit depth map that was saved again with 8 bits must not be read.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.errors import DependencyError, InputError, VisiongenError

ORIGINAL = "fetch the original file"  # what to do about a file of another kind; folders of one's own say more
DPT_MAGIC = 202021.25  # float32 that spells "PIEH"


def read_png16(path: Path, remedy: str = ORIGINAL) -> np.ndarray:
    """uint16 (H, W) or RGB (H, W, 3) of a 16-bit PNG; InputError for one of 8 bits."""
    array = _opencv(path, remedy)
    if array.dtype != np.uint16:
        raise InputError(f"{path}: {array.dtype} where 16 bits are stored; {remedy}")
    return array


def read_png8(path: Path, remedy: str = ORIGINAL) -> np.ndarray:
    """uint8 (H, W) or RGB (H, W, 3) of an 8-bit PNG; InputError for one of 16 bits."""
    array = _opencv(path, remedy)
    if array.dtype != np.uint8:
        raise InputError(f"{path}: {array.dtype} where 8 bits are stored; {remedy}")
    return array


def read_exr(path: Path) -> np.ndarray:
    """float32 (H, W) or RGB (H, W, 3); by OpenCV, or by the package OpenEXR if OpenCV lacks it."""
    os.environ["OPENCV_IO_ENABLE_OPENEXR"] = "1"  # OpenCV looks at it once, at the first EXR
    import cv2

    if not opencv_has_exr():
        return _openexr(path).astype(np.float32)
    try:
        array = _opencv(path)
    except cv2.error as error:
        if "disabled" not in str(error):
            raise InputError(f"{path}: damaged EXR; fetch it again") from error
        array = _openexr(path)
    return array.astype(np.float32)


@cache
def opencv_has_exr() -> bool:
    """Whether this OpenCV was built with OpenEXR; the wheels of version 5 are not."""
    import cv2

    return re.search(r"OpenEXR:\s+(?!NO)\S", cv2.getBuildInformation()) is not None


def _opencv(path: Path, remedy: str = ORIGINAL) -> np.ndarray:
    """Values as they are stored, three channels in the order RGB, an alpha channel dropped."""
    import cv2

    array = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if array is None:
        raise InputError(f"{path}: missing, empty or damaged; {remedy}")
    return array if array.ndim == 2 else np.ascontiguousarray(array[..., 2::-1])


def _openexr(path: Path) -> np.ndarray:
    if not path.is_file():
        raise InputError(f"{path}: missing; fetch it again")
    try:
        import OpenEXR
    except ImportError as error:
        raise DependencyError(
            f"{path}: this OpenCV reads no EXR; pip install visiongen[exr] (OpenEXR)"
        ) from error
    try:
        with OpenEXR.File(str(path)) as file:
            channels = file.channels()
            pixels = next(iter(channels.values())).pixels
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{path}: damaged EXR ({error}); fetch it again") from error
    return np.asarray(pixels)[..., :3] if np.ndim(pixels) == 3 else np.asarray(pixels)


def read_pfm(path: Path) -> np.ndarray:
    """float32 (H, W) or (H, W, 3), first row on top. The scale's sign is the byte order, its size nothing.

    Not by OpenCV, which divides by the scale; Middlebury's files state one and mean the stored values.
    """
    data = _bytes(path)
    head = re.match(rb"(P[fF])\s+(\d+)\s+(\d+)\s+([-+.\deE]+)\s", data)
    if head is None:
        raise InputError(f"{path}: no PFM; fetch it again")
    size, channels = (int(head[3]), int(head[2])), 3 if head[1] == b"PF" else 1
    rows = _rows(
        path, data[head.end() :], (size[0], size[1] * channels), "<f4" if float(head[4]) < 0 else ">f4"
    )
    rows = rows.reshape(*size, 3) if channels == 3 else rows
    return np.ascontiguousarray(rows[::-1])


def read_dpt(path: Path) -> np.ndarray:
    """Sintel's depth, float32 (H, W) metres: the number 202021.25, int32 width and height, then rows."""
    data = _bytes(path)
    if len(data) < 12 or struct.unpack("<f", data[:4])[0] != DPT_MAGIC:
        raise InputError(f"{path}: no Sintel depth (it does not begin with PIEH); fetch it again")
    width, height = struct.unpack("<ii", data[4:12])
    return _rows(path, data[12:], (height, width))


def read_raw(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Little-endian float32 (H, W) without any header, as ETH3D stores depth (whatever the file's suffix)."""
    return _rows(path, _bytes(path), size)


def read_npy(path: Path, remedy: str = ORIGINAL) -> np.ndarray:
    """An array saved by numpy, never one of Python objects."""
    try:
        array: np.ndarray = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: no readable array ({error}); {remedy}") from error
    return array


@contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """An HDF5 file to read parts of; DependencyError where h5py is not installed, InputError: damaged."""
    try:
        import h5py
    except ImportError as error:
        raise DependencyError(f"{path}: needs h5py; pip install h5py, or visiongen[nyu]") from error
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, ValueError, TypeError) as error:
        if isinstance(error, VisiongenError):
            raise
        raise InputError(f"{path}: no readable HDF5 ({error}); fetch it again") from error


def read_hdf5(path: Path, name: str = "dataset") -> np.ndarray:
    """One array of an HDF5 file; see :func:`open_hdf5`."""
    with open_hdf5(path) as file:
        return np.asarray(file[name])


def read_mat(path: Path, name: str) -> Any:
    """The struct ``name`` of a MATLAB file (before 7.3), its fields as attributes."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        return loadmat(str(path), squeeze_me=True, struct_as_record=False)[name]
    except (MatReadError, OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: no readable struct {name!r} ({error}); fetch it again") from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); fetch it again") from error


def _rows(path: Path, data: bytes, size: tuple[int, int], kind: str = "<f4") -> np.ndarray:
    if min(size) < 1 or len(data) != 4 * size[0] * size[1]:
        raise InputError(f"{path}: {len(data)} bytes of float32 are not {size[0]}x{size[1]}; fetch it again")
    return np.frombuffer(data, kind).reshape(size).astype(np.float32)
