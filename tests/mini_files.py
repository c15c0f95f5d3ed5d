"""Files of miniature datasets: arrays in any format (EXR too, which newer OpenCV lacks), lists, profiles."""

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


def srgb_profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exchanged_profile() -> bytes:
    """A profile whose red and blue are exchanged, so that nobody can take its numbers for sRGB's."""
    srgb = srgb_profile()
    odd = bytearray(srgb)
    for at in range(132, 132 + 12 * int.from_bytes(srgb[128:132], "big"), 12):  # the profile's table of tags
        if srgb[at : at + 4] in (b"rXYZ", b"bXYZ"):
            odd[at : at + 1] = b"b" if srgb[at : at + 1] == b"r" else b"r"
    return bytes(odd).replace(b"s\0R\0G\0B", b"o\0d\0d\0o")
