"""ECSSD's salient objects (Yan et al. 2013): 1000 photos, for testing; ours trains on some of them.

Official: ``ECSSD/images/NNNN.jpg`` and ``ECSSD/ground_truth_mask/NNNN.png``, split "test". Pack:
``ecssd/images/NNNN.jpg`` and ``ecssd/masks/NNNN.png`` (any of 1 or 8 bits), 0001-0700: ours trains on
0001-0600 and scores 0601-0700, "val". A number published for the whole set belongs to "test" alone, and
weights that were trained on "train" have no honest one there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from visiongen.benchmarks.datasets.files import Sample
from visiongen.benchmarks.datasets.parallel import paired
from visiongen.benchmarks.datasets.saliency_sets import SaliencySet

SPLITS = {"train": (1, 600), "val": (601, 700), "test": (1, 1000)}


class Ecssd(SaliencySet):
    """See the module; the protocol is protocols/ecssd.toml."""

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """By number; every number of the split must be there."""
        photos, *truths = self.layout(root, split)
        first, last = SPLITS[split]
        return paired([f"{number:04d}" for number in range(first, last + 1)], photos, truths)


BENCHMARK = Ecssd("ecssd")
