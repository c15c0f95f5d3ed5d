"""PASCAL-Context (Mottaghi et al. 2014) with its 59 most frequent classes, with and without background.

Layout of mmsegmentation's conversion, in ``VOCdevkit/VOC2010/``: ``JPEGImages/ID.jpg``,
``SegmentationClassContext/ID.png``, ``ImageSets/SegmentationContext/{train,val}.txt``; 0 (background) to 59,
names in alphabetical order (the official ``59_labels.txt`` begins with VOC's 20 classes instead). Without
that folder the official 459 labels are read, ``VOC2010/trainval/ID.mat``, and brought to the 60.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.datasets.float_images import read_mat
from visiongen.benchmarks.datasets.label_images import read_index, to_positions
from visiongen.benchmarks.datasets.voc2012 import Voc2012
from visiongen.errors import InputError

#: The ids among the 459 that have a class, ascending: a class is its place in this list.
OF_459 = (
    0, 2, 9, 18, 19, 22, 23, 25, 31, 33, 34, 44, 45, 46, 59, 65, 68, 72, 80, 85, 98, 104, 105, 113, 115, 144,
    158, 159, 162, 187, 189, 207, 220, 232, 258, 259, 260, 284, 295, 296, 308, 324, 326, 347, 349, 354, 355,
    360, 366, 368, 397, 415, 416, 420, 424, 427, 440, 445, 454, 458,
)  # fmt: skip
LAST = 459


class PascalContext(Voc2012):
    """See the module; the protocols are protocols/pascal-context-{59,60}.toml."""

    folders: ClassVar[tuple[str, ...]] = ("VOCdevkit/VOC2010", "VOC2010", "pascal_context")
    marker: ClassVar[str] = "ImageSets/SegmentationContext"

    def sample(self, root: Path, name: str) -> Sample:
        """The converted picture where that folder is, else the 459 labels."""
        truth = root / f"SegmentationClassContext/{name}.png"
        if not truth.parent.is_dir():
            truth = root / f"trainval/{name}.mat"
        return Sample(name, root / f"JPEGImages/{name}.jpg", (truth,))

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Positions uint8 (H, W), 255 = not scored."""
        path = sample.truth[0]
        stored = read_index(path) if path.suffix == ".png" else sixty(read_mat_ids(path, "LabelMap"), path)
        return to_positions(stored, self.table, path)


def sixty(labels: np.ndarray, path: Path) -> np.ndarray:
    """The 459 labels (H, W) as 0 to 59, uint8; all that have no class are background. InputError: others."""
    if labels.min() < 0 or labels.max() > LAST:
        odd = labels[(labels < 0) | (labels > LAST)][0]
        raise InputError(f"{path}: value {odd} is none of the {LAST} labels; fetch the official file")
    table = np.zeros(LAST + 1, np.uint8)
    table[list(OF_459)] = np.arange(len(OF_459))
    return table[labels]


def read_mat_ids(path: Path, name: str) -> np.ndarray:
    """Whole numbers int64 (H, W) of an array in a MATLAB file; InputError: damaged, or something else."""
    array = np.asarray(read_mat(path, name))
    if array.ndim != 2 or array.dtype.kind not in "iuf" or (array != array.astype(np.int64)).any():
        raise InputError(f"{path}: {name} holds {array.dtype} {array.shape}, no ids; fetch the official file")
    return array.astype(np.int64)


CONTEXT_59 = PascalContext("pascal-context-59")
CONTEXT_60 = PascalContext("pascal-context-60")
