"""Salient objects: DUTS-TE, HKU-IS, PASCAL-S, DUT-OMRON (and, in its own file, ECSSD).

All are photos with one mask each in a folder beside; see :mod:`parallel`. What a mask's pixel must exceed to
be object is 128 (PySODMetrics), also in PASCAL-S, whose masks are gray: the share of people who chose it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.datasets.parallel import ParallelFolders, read_gray
from visiongen.errors import InputError

CUT = 128


class SaliencySet(ParallelFolders):
    """See the module; the protocols are protocols/{duts-te,hku-is,pascal-s,dut-omron}.toml."""

    def read_truth(self, sample: Sample) -> np.ndarray:
        """1 on the object, else 0, float32 (H, W)."""
        return read_mask(sample.truth[0])


def read_mask(path: Path) -> np.ndarray:
    """1 on the object, else 0, float32 (H, W); InputError: damaged, or written as 0 and 1."""
    gray = read_gray(path)
    if gray.max(initial=0) == 1:
        raise InputError(f"{path}: its values are 0 and 1; write the mask as 0 and 255")
    return (gray > CUT).astype(np.float32)


DUTS_TE = SaliencySet("duts-te")
HKU_IS = SaliencySet("hku-is")
PASCAL_S = SaliencySet("pascal-s")
DUT_OMRON = SaliencySet("dut-omron")
