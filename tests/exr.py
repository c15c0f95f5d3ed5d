"""Writing EXR files for tests: OpenCV's newer wheels do not."""

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
