"""NYUv2 with 40 classes (Silberman et al. 2012, Gupta et al. 2013), from the official MATLAB files.

Layout, one folder: ``nyu_depth_v2_labeled.mat`` (HDF5: needs h5py), ``splits.mat`` (``trainNdxs``,
``testNdxs``, counted from 1) and ``classMapping40.mat`` (``mapClass``: 894 labels -> 1 to 40;
ankurhanda/nyuv2-meta-data). Photos and labels are stored transposed. 0 is unlabelled. A scene is a cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from visiongen.benchmarks.base import digest_of
from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.datasets.float_images import open_hdf5, read_mat
from visiongen.benchmarks.datasets.label_images import LabelledPhotos, to_positions
from visiongen.errors import InputError, MissingDataError

ALL, SPLITS, CLASSES = "nyu_depth_v2_labeled.mat", "splits.mat", "classMapping40.mat"


class Nyuv2Classes(LabelledPhotos):
    """See the module; the protocol is protocols/nyuv2-40.toml."""

    folders: ClassVar[tuple[str, ...]] = ("nyuv2", "nyu_depth_v2", "NYUv2")
    marker: ClassVar[str] = ALL

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """By number, from 1 as in ``splits.mat``; ids have four digits."""
        for name in (SPLITS, CLASSES):
            if not (root / name).is_file():
                raise MissingDataError(f"{root / name}: missing; put it beside {ALL}")
        numbers = np.atleast_1d(read_mat(root / SPLITS, f"{split}Ndxs")).astype(int).tolist()
        scenes = scene_names(root / ALL)
        if not numbers or min(numbers) < 1 or max(numbers) > len(scenes):
            raise InputError(
                f"{root / SPLITS}: {split}Ndxs is empty or leaves 1..{len(scenes)}; fetch it again"
            )
        return [
            Sample(f"{n:04d}", root / ALL, (root / CLASSES,), n, cluster=scenes[n - 1])
            for n in sorted(numbers)
        ]

    def read_photo(self, sample: Sample) -> np.ndarray:
        """uint8 (480, 640, 3)."""
        return np.ascontiguousarray(self._stored(sample, "images").transpose(2, 1, 0).astype(np.uint8))

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Positions uint8 (480, 640), 255 = unlabelled."""
        labels = self._stored(sample, "labels").T.astype(np.int64)
        mapping = np.concatenate([[0], np.atleast_1d(read_mat(sample.truth[0], "mapClass"))]).astype(np.int64)
        if labels.max() >= len(mapping):
            raise InputError(
                f"{sample.photo}: image {sample.id} has label {labels.max()}, {CLASSES} knows "
                f"{len(mapping) - 1}; fetch both again"
            )
        return to_positions(mapping[labels], self.table, sample.truth[0])

    def digest(self, sample: Sample) -> str:
        """Of the image's own parts: the file has 2.8 GB."""
        parts = [self._stored(sample, name) for name in ("images", "labels")]
        return digest_of([*parts, sample.truth[0].read_bytes()])

    def _stored(self, sample: Sample, name: str) -> np.ndarray:
        with open_hdf5(sample.photo) as file:
            return np.asarray(file[name][sample.note - 1])


@lru_cache(maxsize=2)
def scene_names(path: Path) -> tuple[str, ...]:
    """The scene of every image, as "bathroom_0001" of the take "bathroom_0001a"."""
    with open_hdf5(path) as file:
        takes = ["".join(map(chr, np.ravel(file[one]))) for one in np.ravel(file["scenes"])]
    return tuple(take.rstrip("abcdefghijklmnopqrstuvwxyz") for take in takes)


BENCHMARK = Nyuv2Classes("nyuv2-40")
