"""Files of miniature datasets: arrays in any format (EXR too, which newer OpenCV wheels lack), lists."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_exr(path: Path, values: np.ndarray) -> None:
    """float32 (H, W) or RGB (H, W, 3), by the package OpenEXR."""
    import OpenEXR

    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    name = "RGB" if values.ndim == 3 else "Y"
    with OpenEXR.File(header, {name: np.ascontiguousarray(values, np.float32)}) as file:
        file.write(str(path))


def write_array(path: Path, array: np.ndarray) -> np.ndarray:
    """By the suffix: NPY, EXR, or a picture of OpenCV's; colours are RGB. Returns the array."""
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, array)
    elif path.suffix == ".exr":
        write_exr(path, array)
    else:
        assert cv2.imwrite(str(path), array[..., ::-1] if array.ndim == 3 else array)
    return array


def listing(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
