"""Alpha mattes: Composition-1k, P3M-500-P and -NP, AIM-500: photo, alpha and trimap in parallel folders.

Composition-1k (Xu et al. 2017) is made, not downloaded: 50 foregrounds laid over 20 photos of PASCAL VOC 2012
each, ``{foreground}_{0..19}.png``. Its trimaps are the shipped ones and only their unknown region counts. The
others are scored over the whole image. Trimaps: 0 background, 128 unknown, 255 foreground.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.datasets.parallel import ParallelFolders, read_gray
from visiongen.errors import InputError

UNKNOWN = 128
TRIMAP = (0, UNKNOWN, 255)


class MattingSet(ParallelFolders):
    """See the module; the protocols are protocols/{composition-1k,p3m-500-p,p3m-500-np,aim-500}.toml."""

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Opacity, and 1 where the trimap is unknown, float32 (H, W, 2)."""
        return read_alpha(*sample.truth)


class Composition(MattingSet):
    """Composition-1k: the images of one foreground are one cluster."""

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """By foreground, then by number of the background."""
        found = super().samples(root, split)
        return [dataclasses.replace(one, cluster=one.id.rpartition("_")[0]) for one in found]


def read_alpha(alpha_file: Path, trimap_file: Path) -> np.ndarray:
    """Opacity in [0, 1] and 1 where the trimap is unknown, float32 (H, W, 2).

    InputError: damaged, of two sizes, or a trimap with other values.
    """
    return with_trimap(read_gray(alpha_file), trimap_file, "use the shipped trimap")


def with_trimap(alpha: np.ndarray, trimap_file: Path, remedy: str) -> np.ndarray:
    """``alpha`` uint8 (H, W) in [0, 1] and 1 where the trimap is unknown; InputError as ``read_alpha``."""
    trimap = read_gray(trimap_file)
    if alpha.shape != trimap.shape:
        raise InputError(f"{trimap_file}: {trimap.shape} is not the alpha's {alpha.shape}; {remedy}")
    odd = trimap[~np.isin(trimap, TRIMAP)]
    if odd.size:
        raise InputError(f"{trimap_file}: value {odd[0]} is none of 0, 128, 255; {remedy}")
    return np.stack([alpha.astype(np.float32) / 255, (trimap == UNKNOWN).astype(np.float32)], axis=2)


COMPOSITION_1K = Composition("composition-1k")
P3M_500_P = MattingSet("p3m-500-p")
P3M_500_NP = MattingSet("p3m-500-np")
AIM_500 = MattingSet("aim-500")
