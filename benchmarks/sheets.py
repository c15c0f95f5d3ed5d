"""What a painter leaves on disk for one image, enough to read the answer again without it.

``ID.png`` is the painted map with its codec inside, ``ID.confidence.png`` the generator's own certainty in
256 levels, ``ID.npz`` labels of painters whose word is not a map (specialists of depth and normals).
A benchmark of several parts (materials) has ``ID.PART.png``.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from visiongen.errors import InputError
from visiongen.files import sha256, write_atomic
from visiongen.geometry import Geometry
from visiongen.prompt import Prompt
from visiongen.tasks.base import Prediction, Task
from visiongen.tasks.codecs.base import Codec, map_png, read_map_png
from visiongen.tasks.pictures import encode_png


@dataclass(frozen=True, eq=False)
class Sheet:
    """One painted map uint8 (h, w, 3).

    ``confidence`` float32 (h, w) in [0, 1] or None: the generator's own. ``labels``: the painter's word as
    it is, where the map's 8 bits would be the painter's fault; else None.
    """

    map: np.ndarray
    codec: Codec
    confidence: np.ndarray | None = None
    labels: np.ndarray | None = None

    def prediction(self, task: Task, prompt: Prompt, size: tuple[int, int]) -> Prediction:
        """What it says of a photo of ``size`` (H, W), in that size, whatever size it was painted in."""
        geometry = Geometry.painted(size, self.map.shape)
        if self.labels is None:
            return task.decode(self.map, geometry, prompt, self.confidence)
        return task.build(self.labels, np.ones(self.map.shape[:2], np.float32), self.map, geometry, prompt)


def write_sheets(folder: Path, name: str, sheets: Mapping[str, Sheet]) -> dict[str, str]:
    """Write the sheets of one image, each file whole or not at all; file name -> sha256."""
    written = {}
    for part, sheet in sheets.items():
        stem = f"{name}.{part}" if len(sheets) > 1 else name
        files = {f"{stem}.png": map_png(sheet.map, sheet.codec)}
        if sheet.confidence is not None:
            levels = np.clip(np.nan_to_num(sheet.confidence), 0, 1) * 255 + 0.5
            files[f"{stem}.confidence.png"] = encode_png(levels.astype(np.uint8))
        if sheet.labels is not None:
            buffer = io.BytesIO()
            np.savez_compressed(buffer, labels=sheet.labels)
            files[f"{stem}.npz"] = buffer.getvalue()
        for file, content in files.items():
            written[file] = sha256(write_atomic(folder / file, content))
    return written


def read_sheet(folder: Path, name: str, part: str | None, files: Mapping[str, str]) -> Sheet:
    """The sheet of one part (None: the only one); InputError for a file that is not what was written."""
    stem = name if part is None else f"{name}.{part}"
    for file, digest in files.items():
        if file.startswith(f"{stem}.") and not _is(folder / file, digest):
            raise InputError(f"{folder / file}: missing or altered since it was painted; infer again")
    painted, codec = read_map_png(folder / f"{stem}.png")
    confidence = labels = None
    if f"{stem}.confidence.png" in files:
        import cv2

        levels = cv2.imread(str(folder / f"{stem}.confidence.png"), cv2.IMREAD_UNCHANGED)
        if levels is None:
            raise InputError(f"{folder / stem}.confidence.png: no readable picture; infer again")
        confidence = levels.astype(np.float32) / np.float32(255)
    if f"{stem}.npz" in files:
        with np.load(folder / f"{stem}.npz") as archive:
            labels = archive["labels"]
    return Sheet(painted, codec, confidence, labels)


def whole(folder: Path, files: Mapping[str, str]) -> bool:
    """Whether every file is there as it was written."""
    return all(_is(folder / file, digest) for file, digest in files.items())


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and sha256(path) == digest
